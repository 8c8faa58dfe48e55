"""The listening half: one request at a time per connection, answered by one coroutine."""

import asyncio
import json
import sys
import traceback
import urllib.parse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from relight_practice.wire.fields import BadRequest

HEAD_BYTES_MAX = 16_384
BODY_BYTES_MAX = 262_144
"""A page is 200 bytes and the largest order to the control 2 kB; more is a mistake of the caller."""

_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


@dataclass(slots=True)
class Request:
    """One request, whole."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    target: str


@dataclass(slots=True)
class Response:
    """One answer, whole."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "text/plain; charset=utf-8"

    def encode(self) -> bytes:
        """Return the bytes on the wire."""
        extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        head = (
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}\r\n"
            f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n{extra}\r\n"
        )
        return head.encode("latin-1") + self.body


def json_response(value: Any, status: int = 200) -> Response:
    """Return *value* as JSON."""
    return Response(status, json.dumps(value).encode() + b"\n", content_type="application/json")


Handler = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class Server:
    """A listening socket on loopback, at a port that the system chose."""

    handler: Handler
    port: int = 0
    _listener: asyncio.Server | None = None
    _open: set["_Connection"] = field(default_factory=set)

    async def start(self) -> int:
        """Listen and return the port."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: _Connection(self.handler, self._open), "127.0.0.1", self.port, backlog=512
        )
        self.port = self._listener.sockets[0].getsockname()[1]
        return self.port

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._open):
            connection.hang_up()


class _Connection(asyncio.Protocol):
    def __init__(self, handler: Handler, register: set["_Connection"]) -> None:
        self._handler = handler
        self._register = register
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._register.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        # What was begun is not stopped: a client that hangs up has not undone anything.
        self._transport = None
        self._register.discard(self)

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._task is None:
            self._next()

    def _next(self) -> None:
        try:
            request = _take_request(self._buffer)
        except ValueError as error:
            self._answer(json_response({"error": "bad_request", "message": str(error)}, 400))
            self.hang_up()
            return
        if request is not None:
            self._task = asyncio.get_running_loop().create_task(self._serve(request))

    async def _serve(self, request: Request) -> None:
        try:
            response = await self._handler(request)
        except BadRequest as error:
            response = json_response({"error": "bad_request", "message": str(error)}, 400)
        except Exception:  # noqa: BLE001  one request must not end the process; the log has the place
            sys.stderr.write(traceback.format_exc())
            sys.stderr.flush()
            response = json_response({"error": "internal", "message": "see the log of this process"}, 500)
        self._answer(response)
        self._task = None
        if self._buffer and self._transport is not None:
            self._next()

    def _answer(self, response: Response) -> None:
        if self._transport is not None:
            self._transport.write(response.encode())


def _take_request(buffer: bytearray) -> Request | None:
    """Cut the first whole request off *buffer*; None while it is not whole."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > HEAD_BYTES_MAX:
            raise ValueError("the request's head is too long")
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3:
        raise ValueError("this is not HTTP")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    length_text = headers.get("content-length", "0")
    if not length_text.isdigit() or int(length_text) > BODY_BYTES_MAX or "transfer-encoding" in headers:
        raise ValueError(f"a body needs a Content-Length of at most {BODY_BYTES_MAX} bytes")
    length = int(length_text)
    if len(buffer) < end + 4 + length:
        return None
    body = bytes(buffer[end + 4 : end + 4 + length])
    del buffer[: end + 4 + length]
    path, _, query = parts[1].partition("?")
    pairs = dict(urllib.parse.parse_qsl(query, keep_blank_values=True)) if query else {}
    return Request(parts[0], urllib.parse.unquote(path), pairs, headers, body, parts[1])
