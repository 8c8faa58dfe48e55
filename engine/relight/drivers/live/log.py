"""The driver's own log: JSON lines for whoever looks into why a driver did what it did, redacted and bounded.

The journal is the truth about a run; this file is about the process that drove it.
Nothing is loaded before the first event, and without a file nothing is loaded at all.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

LOG_MAX = 4 * 1024 * 1024
"""Bytes of a log before it begins anew; the one before is kept beside it. A day of a busy driver is a tenth of it."""
TEXT_MAX = 4_000
"""Characters of one value: a traceback, cut in the middle."""


class LogFile:
    """A file only its owner may read, that begins anew when it is full."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = self._open()

    def write(self, text: str) -> int:
        """Write *text* and let go of it at once."""
        if self._file.tell() + len(text) > LOG_MAX:
            self._file.close()
            self.path.replace(self.path.with_suffix(".old.log"))
            self._file = self._open()
        return self._file.write(text)

    def flush(self) -> None:
        """Hand it to the system."""
        self._file.flush()

    def _open(self) -> TextIO:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="replace", newline="\n")


class Log:
    """Events with their details; without a file they go nowhere."""

    def __init__(self, file: LogFile | None = None, **bound: Any) -> None:
        self._file = file
        self._bound = bound
        self._redact: list[Callable[[str], str]] = []
        self._logger: Any = None

    def about(self, **bound: Any) -> "Log":
        """Return a log whose every event also says this."""
        return Log(self._file, **self._bound, **bound)

    def redact_with(self, redact: Callable[[str], str]) -> None:
        """Take secrets out with *redact* from now on."""
        self._redact.append(redact)

    def event(self, event: str, **details: Any) -> None:
        """Write one event. A log that cannot be written is no reason to stop."""
        if self._file is None:
            return
        try:
            self._made().info(event, **details)
            self._file.flush()
        except OSError:  # a full disk: the journal says so to those who need to know
            return

    def _made(self) -> Any:
        if self._logger is None:
            import structlog

            self._logger = structlog.wrap_logger(
                structlog.WriteLogger(self._file),  # type: ignore[arg-type]
                processors=[
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                    self._clean,
                    structlog.processors.JSONRenderer(),
                ],
            ).bind(pid=os.getpid(), **self._bound)
        return self._logger

    def _clean(self, _logger: Any, _method: str, event: Any) -> Any:
        return {key: self._cleaned(value) if isinstance(value, str) else value for key, value in event.items()}

    def _cleaned(self, text: str) -> str:
        for redact in self._redact:
            text = redact(text)
        if len(text) > TEXT_MAX:
            text = f"{text[: TEXT_MAX // 2]} […] {text[-TEXT_MAX // 2 :]}"
        return text
