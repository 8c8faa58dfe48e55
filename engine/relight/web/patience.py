"""A connection whose request does not come: whoever sends a letter a minute keeps no socket from anybody else.

Only the head of a request is waited for here. Its body has a time of its own where it is read, and an idle connection
has uvicorn's.
"""

import asyncio

from h11 import IDLE
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0
"""For a head to arrive, from its first byte or from the connection; the slowest phone needs two seconds."""


class Patience(H11Protocol):
    """HTTP/1.1, as uvicorn speaks it, for those who say what they want in time."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came, and go on waiting where it was not all of a head."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Wait for the next head, if its beginning is here already."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop()
        super().connection_lost(exc)

    def _look(self) -> None:
        has_begun, _ = self.conn.trailing_data
        if self.conn.their_state is not IDLE:
            self._stop()
        elif has_begun:
            self._wait()

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_S, self.transport.abort)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
