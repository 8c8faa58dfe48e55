"""A server on loopback that answers byte for byte what a test says, or does not answer.

::

    async with http_server(lambda heard: reply(200, '{"ok": true}')) as server:
        await http_ask("GET", f"{server.url}/health")
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

HANG_UP: Final = b""
"""Close the connection without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowly:
    """Send these parts with a pause before each; after the last, hold the connection open if *hold* says so."""

    parts: tuple[bytes, ...]
    pause_s: float = 0.0
    hold: bool = False


Reply: TypeAlias = bytes | Slowly


@dataclass(slots=True)
class HttpServer:
    """Where it listens, and what it heard."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)


def reply(status: int, body: str | bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Return an answer with its length; JSON by default."""
    data = body.encode() if isinstance(body, str) else body
    lines = {"Content-Type": "application/json", "Content-Length": str(len(data)), **(headers or {})}
    head = f"HTTP/1.1 {status} Whatever\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{head}\r\n".encode("latin-1") + data


NEVER: Final = Slowly(parts=(), hold=True)
"""Hear it and never answer."""


@asynccontextmanager
async def http_server(answer: Callable[[Heard], Reply]) -> AsyncIterator[HttpServer]:
    """Serve on a free port until the block ends; *answer* is asked for each request."""
    state = HttpServer()
    over = asyncio.Event()
    busy: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                heard = await _hear(reader)
                state.heard.append(heard)
                await _say(writer, answer(heard), over)
        finally:
            writer.close()
            busy.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    state.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield state
    finally:
        over.set()
        server.close()
        if busy:
            await asyncio.wait(busy, timeout=5)


async def _hear(reader: asyncio.StreamReader) -> Heard:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Heard(
        method=method,
        target=target,
        headers=headers,
        body=await reader.readexactly(int(headers.get("content-length", 0))),
    )


async def _say(writer: asyncio.StreamWriter, said: Reply, over: asyncio.Event) -> None:
    slowly = Slowly(parts=(said,)) if isinstance(said, bytes) else said
    for part in slowly.parts:
        if slowly.pause_s:
            await asyncio.sleep(slowly.pause_s)
        writer.write(part)
        await writer.drain()
    if slowly.hold:
        await over.wait()
