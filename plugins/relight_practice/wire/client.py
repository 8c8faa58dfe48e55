"""The asking half: a pool of kept-alive connections to one port on loopback."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from relight_practice.wire.server import BODY_BYTES_MAX, HEAD_BYTES_MAX

IDLE_MAX = 64
"""More idle connections than this are closed; a storm of 250 requests a second needs about 20."""


class Unreachable(Exception):
    """Nobody answered in time, or the connection broke."""

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent
        """Whether the request may have arrived all the same."""


@dataclass(slots=True)
class Reply:
    """One answer, whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Client:
    """Asks one port; safe for many tasks at a time."""

    port: int
    timeout_s: float = 5.0
    _idle: list["_Connection"] = field(default_factory=list)

    async def get(self, target: str, *, timeout_s: float | None = None) -> Reply:
        """Ask with GET."""
        return await self.request("GET", target, timeout_s=timeout_s)

    async def post(self, target: str, value: Any = None, *, timeout_s: float | None = None) -> Reply:
        """Ask with POST and a JSON body."""
        return await self.request("POST", target, json.dumps(value).encode(), timeout_s=timeout_s)

    async def request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        headers: tuple[tuple[str, str], ...] = (),
        timeout_s: float | None = None,
    ) -> Reply:
        """Ask once; a reused connection that turns out to be closed already is replaced, once.

        Raises:
            Unreachable: no answer came.
        """
        extra = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
        wire = head.encode("latin-1") + body
        connection: _Connection | None = None
        try:
            async with asyncio.timeout(self.timeout_s if timeout_s is None else timeout_s):
                connection = await self._connection()
                reply = await connection.ask(wire)
        except TimeoutError:
            sent = connection is not None
            if connection is not None:
                connection.close()
            raise Unreachable(f"no answer from port {self.port} in time", sent=sent) from None
        except OSError as error:
            raise Unreachable(f"port {self.port}: {error}", sent=connection is not None) from None
        except asyncio.CancelledError:
            if connection is not None:
                connection.close()
            raise
        if connection.is_open and len(self._idle) < IDLE_MAX:
            self._idle.append(connection)
        else:
            connection.close()
        return reply

    async def _connection(self) -> "_Connection":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(_Connection, "127.0.0.1", self.port)
        return protocol

    def close(self) -> None:
        """Hang up the idle connections."""
        while self._idle:
            self._idle.pop().close()


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = bytearray()
        self._waiting: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(ConnectionResetError("the connection was closed"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            reply = _take_reply(self._buffer)
        except ValueError as error:
            self._fail(ConnectionError(str(error)))
            self.close()
            return
        if reply is not None and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reply)

    async def ask(self, wire: bytes) -> Reply:
        if self._transport is None:
            raise ConnectionResetError("the connection was closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(wire)
        return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)


def _take_reply(buffer: bytearray) -> Reply | None:
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > HEAD_BYTES_MAX:
            raise ValueError("the answer's head is too long")
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    status = first.split(" ")[1] if " " in first else ""
    length = headers.get("content-length", "")
    if not status.isdigit() or not length.isdigit() or int(length) > 16 * BODY_BYTES_MAX:
        raise ValueError("the answer is not one of ours")
    if len(buffer) < end + 4 + int(length):
        return None
    body = bytes(buffer[end + 4 : end + 4 + int(length)])
    del buffer[: end + 4 + int(length)]
    return Reply(int(status), headers, body)
