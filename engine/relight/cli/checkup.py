"""What ``relight doctor`` looks at, and how each thing that is wrong is mended.

Nothing here changes anything: a journal that is not there yet is not made.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from relight.cli.door import Door
from relight.cli.terminal import WIDTH_DEFAULT, is_terminal, terminal_width
from relight.control.handing import alive
from relight.control.wording import now_ms
from relight.errors import RelightError

if TYPE_CHECKING:
    from relight.journal.port import Row

FREE_BYTES_LOW = 256 * 1024 * 1024
"""Below it a long run with chatty steps may fill the disk that its journal is on."""
YEAR_MIN = 2025
"""This program is not older; a clock that says so is wrong, and gates would expire at odd times."""


class Finding(NamedTuple):
    """One thing that was looked at: ``ok``, ``warn`` or ``fail``, and how to mend it."""

    what: str
    verdict: str
    says: str
    mend: str = ""


def findings(door: Door) -> Iterator[Finding]:
    """Yield everything that was looked at."""
    yield _program()
    yield _account()
    yield from _journal(door)
    yield from _configuration()
    yield from _plugins()
    yield _terminal()


def _program() -> Finding:
    import platform
    from importlib.metadata import version

    says = f"{version('relight')} on Python {platform.python_version()}, {sys.platform}"
    if shutil.which("relight") is None:
        here = Path(sys.argv[0]).absolute().parent
        return Finding("relight", "warn", f"{says}; not on your PATH", f"PATH={here}:$PATH")
    return Finding("relight", "ok", says)


def _account() -> Finding:
    from relight.control.people import os_name

    name = os_name()
    return Finding("account", "ok", f"{name}; a site knows you by `os: {name}` under its people")


def _journal(door: Door) -> Iterator[Finding]:
    try:
        if not door.journal_url and (journal := door.journal_if_any()) is None:
            yield from _place_for_a_journal()
            return
        journal = door.journal
        rows = journal.rows(limit=1_000)
    except RelightError as error:
        yield Finding("journal", "fail", error.message, error.hint)
        return
    unfinished = [row for row in rows if row.ended_at is None]
    yield Finding("journal", "ok", f"{journal.location}, {len(unfinished)} unfinished")
    scheme, _, rest = journal.location.partition("://")
    if scheme == "sqlite" and rest.startswith("/"):
        yield from _folder(Path(rest).parent)
    yield _clock(rows)
    for serve in alive(journal, now_ms()):
        doing = f"{serve.name} drives {serve.driving} runs of {', '.join(serve.sites)}"
        yield Finding("serve", "ok", f"{doing}, {serve.url}" if serve.url else doing)
    for row in unfinished:
        lease = journal.lease(row.run)
        if lease is None or not lease.alive:
            yield Finding("driver", "warn", f"nobody drives run {row.run} ({row.state})", f"relight resume {row.run}")


def _place_for_a_journal() -> Iterator[Finding]:
    from relight.cli.places import home

    folder = home()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        yield Finding("journal", "ok", f"none yet; the first run makes it in {folder}")
        yield from _folder(there, ours=there == folder)
    else:
        mend = "set RELIGHT_HOME to a folder on a local disk that you can write"
        yield Finding("journal", "fail", f"none yet, and {there} cannot be written", mend)
    yield _clock([])


def _folder(folder: Path, *, ours: bool = True) -> Iterator[Finding]:
    from relight.journal.disk import FREE_BYTES_MIN

    try:
        free = shutil.disk_usage(folder).free
        status = folder.stat()
    except OSError as error:
        yield Finding("disk", "warn", f"{folder} cannot be looked at: {error.strerror}")
        return
    says = f"{free // 2**20:,} MiB free in {folder}"
    if free < FREE_BYTES_MIN:
        yield Finding("disk", "fail", f"{says}: nothing new is recorded there", f"free {FREE_BYTES_MIN // 2**20} MiB")
    elif free < FREE_BYTES_LOW:
        yield Finding("disk", "warn", says, "free some space before you run")
    else:
        yield Finding("disk", "ok", says)
    if ours and status.st_mode & 0o077 and status.st_uid == os.geteuid():
        yield Finding("rights", "warn", f"others may look into {folder}", f"chmod 700 {folder}")


def _clock(rows: "list[Row]") -> Finding:
    from relight.control.wording import instant, now_ms

    now = now_ms()
    newest = max((row.started_at for row in rows), default=0)
    if newest > now:
        says = f"{instant(now)}, which is before the newest run began ({instant(newest)})"
        return Finding("clock", "warn", says, "set the clock; gates that wait may expire when it jumps")
    if time.gmtime().tm_year < YEAR_MIN:
        return Finding("clock", "warn", f"{instant(now)} cannot be", "set the clock")
    return Finding("clock", "ok", f"{instant(now)}, {time.strftime('%Z')} here")


def _configuration() -> Iterator[Finding]:
    from relight.cli.configuration import catalogue, configuration

    try:
        config = configuration()
        entries = catalogue(config)
    except RelightError as error:
        yield Finding("configuration", "fail", error.message, error.hint)
        return
    if not config.path.exists():
        yield Finding("configuration", "ok", f"none; it would be {config.path}")
        return
    yield Finding("configuration", "ok", f"{config.path}: {len(entries)} runbooks, {len(config.sites)} sites")
    for folder in config.runbooks:
        if not folder.is_dir():
            yield Finding("runbooks", "warn", f"{folder} is no folder", f"mend it in {config.path}")
    for entry in entries:
        if entry.flaw:
            yield Finding("runbooks", "warn", f"{entry.path} cannot be read", f"relight lint {entry.path}")
    for name, path in config.sites.items():
        if not path.is_file():
            yield Finding("sites", "warn", f"site {name}: {path} is not there", f"mend it in {config.path}")


def _plugins() -> Iterator[Finding]:
    from relight import bootstrap

    registry = bootstrap.registry()
    good = []
    for name in registry.names():
        try:
            registry.get(name)
            good.append(name)
        except RelightError as error:
            yield Finding("plugins", "fail", error.message, error.hint or "install it again, or remove it")
    yield Finding("plugins", "ok" if good else "warn", ", ".join(good) or "none")
    for extra, missing in _missing_extras():
        if extra in good:
            says = f"{extra} cannot work without {', '.join(missing)}"
            yield Finding("plugins", "warn", says, f"only if a site uses it: pip install 'relight[{extra}]'")


def _missing_extras() -> Iterator[tuple[str, list[str]]]:
    """Yield our extras, which are called like the plugin that needs them, and what of each is not installed."""
    import re
    from importlib.metadata import PackageNotFoundError, distribution, requires

    wanted: dict[str, list[str]] = {}
    for text in requires("relight") or []:
        name, extra = re.match(r"[\w.-]+", text), re.search(r"extra == ['\"]([\w-]+)['\"]", text)
        if name is None or extra is None:
            continue
        try:
            distribution(name[0])
        except PackageNotFoundError:
            wanted.setdefault(extra[1], []).append(name[0])
    yield from wanted.items()


def _terminal() -> Finding:
    if not is_terminal(sys.stdout):
        return Finding("terminal", "ok", "none: no prompts, one line a fact")
    width, term = terminal_width(sys.stdout), os.environ.get("TERM", "")
    says = f"{width} columns, {sys.stdout.encoding}, TERM={term or 'not set'}"
    if term in {"", "dumb"}:
        return Finding("terminal", "warn", says, "set TERM, and `relight watch` draws a live view")
    if width < WIDTH_DEFAULT:
        return Finding("terminal", "warn", says, f"with {WIDTH_DEFAULT} columns nothing is cut")
    return Finding("terminal", "ok", says)
