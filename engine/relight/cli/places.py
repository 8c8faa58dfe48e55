"""Where things are on this machine: the home of the embedded journal and the user's configuration.

Nothing is ever looked for in the current directory.
"""

import os
from pathlib import Path

from relight.errors import JournalError, UsageError


def config_dir() -> Path:
    """Return the folder of the user's configuration: ``RELIGHT_CONFIG``, or the platform's.

    Raises:
        UsageError: this user has no home and none was named.
    """
    if named := os.environ.get("RELIGHT_CONFIG"):
        return Path(named).expanduser().absolute()
    import platformdirs

    try:
        found: Path = platformdirs.user_config_path("relight", appauthor=False)
    except RuntimeError:
        found = Path("~")
    # Without HOME and without an entry in the user database "~" stays as it is, and would mean the current directory.
    if not found.is_absolute():
        raise UsageError("this user has no home directory", hint="set RELIGHT_CONFIG to a folder that relight may read")
    return found


def home() -> Path:
    """Return the folder of the embedded journal: ``RELIGHT_HOME``, or the platform's place for a program's data.

    Raises:
        JournalError: this user has no home and none was named.
    """
    from relight.journal import locate

    try:
        return locate.home()
    except RuntimeError as error:
        raise JournalError(
            "this user has no home directory to keep a journal in", hint="set RELIGHT_HOME, or give --journal"
        ) from error
