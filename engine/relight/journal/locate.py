"""Which journal is meant, and opening it.

``sqlite:///PATH`` is a file (an absolute path), a word without ``://`` is a path as the shell knows it,
and nothing at all is ``journal.db`` in :func:`home`.
"""

import os
from pathlib import Path

from relight.errors import JournalError
from relight.journal.port import Journal

FILE_NAME = "journal.db"


def home() -> Path:
    """Return the folder of the embedded journal: ``RELIGHT_HOME``, or the platform's place for a program's data.

    Raises:
        JournalError: there is no such place for whoever asks.
    """
    if given := os.environ.get("RELIGHT_HOME"):
        return Path(given).expanduser().absolute()
    import platformdirs

    try:
        found = Path(platformdirs.user_data_dir("relight", appauthor=False))
    except RuntimeError:  # no HOME, and no entry for this user in the passwd file
        found = Path()
    if not found.is_absolute():
        raise JournalError(
            "there is no home directory to keep a journal in", hint="set RELIGHT_HOME, or give --journal"
        )
    return found


def open_journal(url: str | None = None, *, create: bool = True) -> Journal:
    """Open the journal of that name, or the default one.

    Raises:
        JournalTooNew: a newer relight wrote it.
        JournalError: there is none by that name, or it cannot be kept there; nothing was written.
    """
    path = home() / FILE_NAME if not url else _path(url)
    from relight.journal.sqlite import SqliteJournal

    return SqliteJournal(path, create=create)


def _path(url: str) -> Path:
    scheme, found, rest = url.partition("://")
    if not found:
        scheme, rest = "sqlite", str(Path(url).expanduser().absolute())
    if scheme in ("postgresql", "postgres"):
        raise JournalError("journals on PostgreSQL are not built in yet", hint="use sqlite:///PATH")
    if scheme != "sqlite":
        raise JournalError(f"no journal is called {url!r}", hint="write sqlite:///PATH")
    if not rest.startswith("/") or rest.strip("/") == "" or "\0" in rest:
        raise JournalError(f"{url!r} names no file", hint="write sqlite:///PATH with the whole path from the root")
    return Path("/" + rest.lstrip("/"))
