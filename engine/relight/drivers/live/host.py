"""The driver as a background process: detached, deaf to hang-ups, with a log instead of a terminal.

It is started by :func:`relight.drivers.live.spawn.spawn_driver`, tells its starter when it drives (or why not), and
ends when its run is over or somebody sends SIGTERM; then its children are ended and the run waits for the next driver.
"""

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from relight.drivers.live.foreground import drive_foreground
from relight.drivers.live.log import Log, LogFile
from relight.drivers.live.parts import Parts
from relight.drivers.live.spawn import log_path
from relight.errors import RelightError, UsageError
from relight.journal.port import Journal

_OPTIONS = frozenset({"--journal", "--ready-fd", "--while-open"})
LOG_AFTER_S = 1.0
"""After its start the driver has its first steps behind it, and time to load what writes the log."""
LAST_WORDS_S = 0.5
"""What was printed before the end is read for so long after it."""
LINE_MAX = 4_000
"""Characters of a printed line that are logged."""


def main(
    argv: Sequence[str],
    *,
    open_journal: Callable[[str], Journal],
    parts_for: Callable[[Log], Parts],
    home: Callable[[], Path],
) -> int:
    """Become the driver that *argv* names, and return its exit code when it leaves its run."""
    try:
        asked = _parsed(argv)
    except UsageError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        return error.exit_code
    _leave_starter()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    starter = _Starter(asked.ready_fd)
    _end_with(asked.while_open)
    log, path = Log(), Path()
    end_listening: Callable[[], None] | None = None
    try:
        journal = open_journal(asked.journal)
        path = log_path(journal.location, asked.run, home())
        log = log_at(path)
        end_listening = listen_to_printing(log)
        open_later(log)
        parts = parts_for(log)
        drive_foreground(journal, asked.run, parts, take_over=asked.take_over, begun=starter.told_driving)
        return 0
    except RelightError as error:
        log.event("ended", error=error.message, exit_code=error.exit_code)
        starter.tell(error=error.message, hint=error.hint, exit_code=error.exit_code)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - a defect: said in the log and to whoever still listens
        log.event("broke", error=repr(error), traceback=traceback.format_exc())
        starter.tell(error=f"the driver broke: {error!r}", hint=f"its log is {path}", exit_code=1)
        return 1
    finally:
        starter.close()
        if end_listening is not None:
            end_listening()
        log.close()


class _Asked(NamedTuple):
    run: str
    journal: str
    ready_fd: int
    while_open: int
    take_over: bool


def _parsed(argv: Sequence[str]) -> _Asked:
    """Read ``RUN --journal URL [--ready-fd N] [--while-open N] [--take-over]``.

    By hand: a parser would cost a tenth of the start.
    """
    words = list(argv)
    take_over = "--take-over" in words
    if take_over:
        words.remove("--take-over")
    run, *rest = words or [""]
    options = dict(zip(rest[::2], rest[1::2], strict=False))
    if not run or run.startswith("-") or len(rest) % 2 or "--journal" not in options or options.keys() - _OPTIONS:
        raise UsageError("a driver is started as RUN --journal URL [--take-over]", hint="relight resume RUN does it")
    ready_fd, while_open = (int(options.get(name, "-1")) for name in ("--ready-fd", "--while-open"))
    return _Asked(run, options["--journal"], ready_fd, while_open, take_over)


def _end_with(descriptor: int) -> None:
    """Stop, as SIGTERM does, when the other end of that pipe is closed: whoever held it is gone."""
    if descriptor < 0:
        return

    def wait() -> None:
        with suppress(OSError):
            os.read(descriptor, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="relight-lifeline", daemon=True).start()


def _leave_starter() -> None:
    """Go on in a child that leads no session: no terminal can become its own, and nobody has to wait for it."""
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    os.umask(0o077)


class _Starter:
    """Whoever started this process, as long as they listen."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def told_driving(self) -> None:
        """Tell that the run is driven now."""
        self.tell(pid=os.getpid())
        self.close()

    def tell(self, **message: str | int) -> None:
        """Tell something; the starter may be gone already."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.write(self._descriptor, json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        """Tell nothing more."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1


def log_at(path: Path) -> Log:
    """Return a log in that file, or one that keeps nothing where there can be none."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Log(LogFile(path))
    except OSError:  # a log that cannot be had is no reason not to recover a service
        return Log()


def open_later(log: Log) -> None:
    """Load what writes *log* once the first steps are under way."""
    timer = threading.Timer(LOG_AFTER_S, log.open)
    timer.daemon = True
    timer.start()


def listen_to_printing(log: Log) -> Callable[[], None]:
    """Log what plugins print, for nothing reaches a file but through the redaction; return what ends it."""
    heard, printed = os.pipe()
    for descriptor in (1, 2):
        os.dup2(printed, descriptor)
    os.close(printed)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]

    def listen() -> None:
        with os.fdopen(heard, encoding="utf-8", errors="replace") as lines:
            while line := lines.readline(LINE_MAX):
                log.event("printed", text=line.rstrip("\n"))

    listener = threading.Thread(target=listen, name="relight-printing", daemon=True)
    listener.start()

    def end() -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        null = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            os.dup2(null, descriptor)
        # A child that was left running may hold the other end for ever.
        listener.join(LAST_WORDS_S)

    return end
