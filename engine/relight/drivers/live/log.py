"""The driver's own log: JSON lines for whoever looks into why a driver did what it did, redacted and bounded.

The journal is the truth about a run; this file is about the process that drove it.
What writes it is loaded late, and without a file not at all.
"""

import os
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

LOG_MAX = 4 * 1024 * 1024
"""Bytes of a log before it begins anew; the one before is kept beside it. A day of a busy driver is a tenth of it."""
KEPT_MAX = 1_000
"""Events that wait for the log to be opened; nothing says so much in a second that is worth it."""
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

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def _open(self) -> TextIO:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="replace", newline="\n")


class Log:
    """Events with their details, from any thread; without a file they go nowhere.

    They are kept until :meth:`open`, which loads what writes them: a driver has more urgent things to do at first.
    """

    def __init__(self, file: LogFile | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._kept: list[dict[str, Any]] = []
        self._redactors: list[Callable[[str], str]] = []
        self._logger: Any = None

    def redact_with(self, redact: Callable[[str], str]) -> None:
        """Take secrets out with *redact* from now on."""
        self._redactors.append(redact)

    def event(self, event: str, **details: Any) -> None:
        """Write one event. A log that cannot be written is no reason to stop."""
        if self._file is None:
            return
        with self._lock:
            if len(self._kept) < KEPT_MAX:
                self._kept.append({"at": datetime.now(UTC).isoformat(), "event": event, **details})
            self._write()

    def broke(self, what: str, error: BaseException) -> None:
        """Write what nobody foresaw, with where it came from."""
        self.event("broke", what=what, error=repr(error), traceback="".join(traceback.format_exception(error)))

    def open(self) -> None:
        """Load what writes events, and write those that were kept."""
        if self._file is None:
            return
        import structlog

        writer: Any = structlog.WriteLogger(self._file)  # type: ignore[arg-type]
        processors: Any = [self._clean, structlog.processors.JSONRenderer()]
        with self._lock:
            self._logger = structlog.wrap_logger(writer, processors=processors).bind(pid=os.getpid())
            self._write()

    def close(self) -> None:
        """Write what was kept, and no more after it."""
        if self._file is not None:
            self.open()
            with self._lock:
                self._file.close()
                self._file = None

    def _write(self) -> None:
        if self._logger is None or self._file is None:
            return
        kept, self._kept = self._kept, []
        # A full disk: the journal says so to those who need to know.
        with suppress(OSError):
            for event in kept:
                self._logger.info(**event)
            self._file.flush()

    def _clean(self, _logger: Any, _method: str, event: Any) -> Any:
        return {key: self._cleaned(value) if isinstance(value, str) else value for key, value in event.items()}

    def _cleaned(self, text: str) -> str:
        for redact in self._redactors:
            text = redact(text)
        if len(text) > TEXT_MAX:
            text = f"{text[: TEXT_MAX // 2]} […] {text[-TEXT_MAX // 2 :]}"
        return text
