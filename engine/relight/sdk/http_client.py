"""One HTTP/1.1 request on one connection, and an honest account of how it ended.

The standard library can say neither of the two things that a recovery has to know:
whether a request that failed was ever sent, and when the whole of it (not one read of it) has taken too long.
A connection is never used twice: an idle one that breaks leaves in doubt whether the request was heard.
What does not belong here: what an answer means (the plugins), redirects, cookies, proxies.
"""

import asyncio
import functools
import re
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from relight.sdk.http_answer import Garbled, read_body, read_head
from relight.sdk.text import parse_json

ANSWER_MAX = 1024 * 1024
"""Bytes read of an answer; nobody asks for more than a figure or a page."""
HEAD_MAX = 64 * 1024
"""Bytes of a status line and its headers; real ones have a few hundred."""
_METHOD = re.compile(r"[A-Z]{3,16}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_PATH_SAFE = "%/:=&?~+!$,;'@()*[]"
_BROKEN = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, Garbled)


class NotSent(Exception):
    """The request was never sent: no connection, no such name, a certificate that does not hold."""


class NoAnswer(Exception):
    """The request was sent, at least in part, and no status came back: it may have been heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What the other side said.

    Attributes:
        status: The HTTP status.
        headers: By lower-case name.
        body: At most as much as was asked for.
        complete: Whether that is all of it.
        seconds: From the first attempt to connect to the last byte.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = True
    seconds: float = 0.0

    def data(self) -> Any:
        """Return the body parsed where it is JSON, else as text, else None."""
        if not self.body:
            return None
        if "json" in self.headers.get("content-type", "") and self.complete:
            try:
                return parse_json(self.body)
            except ValueError:
                pass
        return self.body.decode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    secure: bool
    host: str
    port: int
    authority: str
    path: str


async def http_ask(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    deadline_s: float = 10.0,
    verify: bool | str = True,
    answer_max: int = ANSWER_MAX,
) -> HttpAnswer:
    """Send one request and return its answer; a redirect is an answer like any other.

    Args:
        method: In capitals.
        url: ``http`` or ``https``, without a user's name and password in it.
        headers: Sent besides ``Host`` and the like.
        body: Sent with its length.
        deadline_s: For everything together.
        verify: Whether an https certificate must hold, or the path of a file of certificates that are trusted.
        answer_max: Bytes read of the answer's body.

    Raises:
        ValueError: it cannot be said in HTTP; nothing was sent.
        NotSent: it certainly was not heard.
        NoAnswer: it may have been heard.
    """
    target = _target(url)
    request = _request(target, method, headers or {}, body)
    clock = asyncio.get_running_loop().time
    started = clock()
    deadline = started + deadline_s
    reader, writer = await _connect(target, deadline, deadline_s, verify)
    try:
        async with asyncio.timeout_at(deadline):
            writer.write(request)
            await writer.drain()
            status, found = await read_head(reader)
        got = bytearray()
        try:
            async with asyncio.timeout_at(deadline):
                complete = await read_body(reader, method, status, found, got, answer_max)
        except (*_BROKEN, TimeoutError):
            complete = False  # the status is known, and that is what counts
    except TimeoutError:
        raise NoAnswer(f"{target.authority} did not answer within {deadline_s:g} s") from None
    except _BROKEN as error:
        raise NoAnswer(f"{target.authority} broke off without an answer ({_why(error)})") from None
    finally:
        writer.transport.abort()
    return HttpAnswer(status=status, headers=found, body=bytes(got), complete=complete, seconds=clock() - started)


async def _connect(
    target: _Target, deadline: float, deadline_s: float, verify: bool | str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        secure = _trusting(verify) if target.secure else None
        async with asyncio.timeout_at(deadline):
            return await asyncio.open_connection(target.host, target.port, ssl=secure, limit=HEAD_MAX)
    except TimeoutError:
        raise NotSent(f"no connection to {target.authority} within {deadline_s:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise NotSent(f"no secure connection to {target.authority}: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise NotSent(f"no secure connection to {target.authority}: {error.reason or error}") from None
    except (OSError, UnicodeError) as error:
        raise NotSent(f"no connection to {target.authority}: {_why(error)}") from None


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, asyncio.IncompleteReadError):
        return "the connection was closed"
    if isinstance(error, asyncio.LimitOverrunError):
        return f"more than {HEAD_MAX // 1024} KiB of headers"
    return str(error) or error.__class__.__name__


def _trusting(verify: bool | str) -> ssl.SSLContext:
    try:
        return _context(verify)
    except OSError as error:  # of which ssl's own errors are a kind
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else _why(error)
        raise NotSent(f"the certificates to trust cannot be read from {verify}: {why}") from None


@functools.lru_cache(maxsize=8)
def _context(verify: bool | str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _target(url: str) -> _Target:
    if _UNSAFE.search(url):
        raise ValueError("the URL holds control characters")
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("a URL starts with http:// or https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL holds no user and password; send them in a header, by a secret reference")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    query = f"?{parts.query}" if parts.query else ""
    return _Target(
        secure=secure,
        host=parts.hostname,
        port=port,
        authority=host if parts.port is None else f"{host}:{port}",
        path=urllib.parse.quote(f"{parts.path or '/'}{query}", safe=_PATH_SAFE),
    )


def _request(target: _Target, method: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    if not _METHOD.fullmatch(method):
        raise ValueError("a method is written in capitals, like GET")
    lines = [f"{method} {target.path} HTTP/1.1", f"Host: {target.authority}", "Connection: close"]
    given = {name.lower() for name in headers}
    for name, default in (("User-Agent", "relight"), ("Accept", "*/*"), ("Accept-Encoding", "identity")):
        if name.lower() not in given:
            lines.append(f"{name}: {default}")
    if body is not None or method in {"POST", "PUT", "PATCH"}:
        lines.append(f"Content-Length: {len(body or b'')}")
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise ValueError(f"{name!r} is no header that can be set")
        if _UNSAFE.search(value.replace("\t", " ")):
            raise ValueError(f"the header {name} holds control characters")
        lines.append(f"{name}: {value}")
    try:
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")
    except UnicodeEncodeError:
        raise ValueError("headers and host names hold only characters of Latin-1") from None
