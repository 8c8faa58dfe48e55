"""Reads an HTTP/1.1 answer from a stream: the status, the headers, and as much of the body as is wanted.

What does not belong here: connections, deadlines and requests (``relight.sdk.http_client``).
"""

import asyncio
import re
from collections.abc import Mapping

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LENGTH = re.compile(r"[0-9]{1,15}")
_INTERIM_MAX = 8
_READ = 64 * 1024


class Garbled(Exception):
    """What came is not HTTP/1.1."""


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Return the status and the headers by lower-case name, past any interim answers (1xx)."""
    for _ in range(_INTERIM_MAX):
        lines = (await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n").split(b"\r\n")
        matched = _STATUS.fullmatch(lines[0])
        if matched is None:
            raise Garbled("it does not speak HTTP/1.1")
        status = int(matched[1])
        if status >= 200 or status == 101:
            return status, _headers(lines[1:])
    raise Garbled("one interim answer after the other")


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        matched = _HEADER.fullmatch(line.decode("latin-1"))
        if matched is None:
            raise Garbled("a header is garbled")
        name, value = matched[1].lower(), matched[2]
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def read_body(
    reader: asyncio.StreamReader,
    method: str,
    status: int,
    headers: Mapping[str, str],
    body: bytearray,
    limit: int,
) -> bool:
    """Read the body into *body*, *limit* bytes at most, and return whether that was all."""
    if method == "HEAD" or status in {204, 304} or status < 200:
        return True
    coding = headers.get("transfer-encoding", "").lower()
    if coding == "chunked":
        return await _chunked(reader, body, limit)
    if coding:
        raise Garbled(f"transfer encoding {coding[:40]} is unknown")
    length = headers.get("content-length")
    if length is None:
        return await _until_end(reader, body, limit)
    if not _LENGTH.fullmatch(length):
        raise Garbled("the length is no number")
    await _exactly(reader, body, min(int(length), limit))
    return int(length) <= limit


async def _chunked(reader: asyncio.StreamReader, body: bytearray, limit: int) -> bool:
    while True:
        matched = _CHUNK.fullmatch(await reader.readuntil(b"\n"))
        if matched is None:
            raise Garbled("a chunk is garbled")
        size = int(matched[1], 16)
        if size == 0:
            return True
        wanted = min(size, limit - len(body))
        await _exactly(reader, body, wanted)
        if wanted < size:
            return False
        if (await reader.readuntil(b"\n")).strip():
            raise Garbled("a chunk is longer than it says")


async def _until_end(reader: asyncio.StreamReader, body: bytearray, limit: int) -> bool:
    while len(body) <= limit:
        part = await reader.read(_READ)
        if not part:
            return True
        body += part
    del body[limit:]
    return False


async def _exactly(reader: asyncio.StreamReader, body: bytearray, size: int) -> None:
    """Read *size* bytes, part by part, so that what came before the connection broke is kept."""
    while size > 0:
        part = await reader.read(min(size, _READ))
        if not part:
            raise asyncio.IncompleteReadError(b"", size)
        body += part
        size -= len(part)
