"""What a child said, kept within bounds: the head and the tail of a stream, its digest, and no secret in it.

What does not belong here: who said it (``relight.sdk.processes``).
"""

import hashlib
from collections.abc import Callable

from relight.sdk.secrets import Secrets

OUTPUT_MAX = 64 * 1024
"""Bytes kept of each stream, half from its head and half from its tail; a plugin that wants more writes a file."""
LINE_MAX = 4 * 1024
"""Bytes of a line that people are shown while it goes on; nobody reads further."""
LINES_MAX = 20
"""Lines that are passed on of one read: what scrolls past faster is not read either."""
_MARGIN_SMALLEST = 4 * 1024


class CappedOutput:
    """Keeps the head and the tail of a stream, and redacts before it cuts.

    A cut through the middle of a secret would leave half of it standing.
    So a margin as long as the longest form of a secret is kept beside each cut, and thrown away after the redaction.
    """

    def __init__(
        self,
        limit: int = OUTPUT_MAX,
        *,
        secrets: Secrets | None = None,
        on_line: Callable[[bytes], None] | None = None,
    ) -> None:
        self._half = limit // 2
        self._secrets = secrets or Secrets()
        self._margin = max(_MARGIN_SMALLEST, self._secrets.redactor.longest)
        self._head = bytearray()
        self._tail = bytearray()
        self._line = bytearray()
        self._on_line = on_line
        self._digest = hashlib.sha256()
        self.total = 0

    def feed(self, chunk: bytes) -> None:
        """Take what was read next."""
        self.total += len(chunk)
        self._digest.update(chunk)
        keep = self._half + self._margin
        room = max(keep - len(self._head), 0)
        self._head += chunk[:room]
        self._tail += chunk[room:][-keep:]
        if len(self._tail) > keep:
            del self._tail[:-keep]
        if self._on_line is not None:
            self._pass_on(chunk, self._on_line)

    def value(self) -> bytes:
        """Return the whole, or its head and its tail with a note of what is missing between."""
        if self._complete():
            whole = self._secrets.redact_bytes(bytes(self._head + self._tail))
            if len(whole) <= 2 * self._half:
                return whole
            head, tail = whole[: self._half], whole[-self._half :]
        else:
            head = self._secrets.redact_bytes(bytes(self._head))[: -self._margin][: self._half]
            tail = self._secrets.redact_bytes(bytes(self._tail))[self._margin :][-self._half :]
        missing = self.total - len(head) - len(tail)
        note = f"\n[... {missing} of {self.total} bytes left out; sha256 of all: {self._digest.hexdigest()} ...]\n"
        return head + note.encode() + tail

    @property
    def truncated(self) -> bool:
        """Whether :meth:`value` leaves something out."""
        return not self._complete() or len(self._head) + len(self._tail) > 2 * self._half

    def _complete(self) -> bool:
        return self.total == len(self._head) + len(self._tail)

    def _pass_on(self, chunk: bytes, on_line: Callable[[bytes], None]) -> None:
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = bytes(self._line) + lines[0]
            self._line.clear()
        for line in lines[-LINES_MAX:]:
            on_line(self._secrets.redact_bytes(line[: LINE_MAX + self._margin])[:LINE_MAX])
        room = LINE_MAX + self._margin - len(self._line)
        self._line += rest[: max(room, 0)]
