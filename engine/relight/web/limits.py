"""What every request is held against before anybody reads it: its headers, its host, its size, its rate.

Headers are dropped by an allow-list, so that nothing behind this is ever told what a proxy or a stranger added.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relight.web.problems import Problem

HEADERS = frozenset(
    {
        b"accept",
        b"accept-language",
        b"authorization",
        b"content-length",
        b"content-type",
        b"cookie",
        b"host",
        b"hx-request",
        b"idempotency-key",
        b"if-none-match",
        b"last-event-id",
        b"origin",
        b"sec-fetch-site",
        b"transfer-encoding",
        b"x-csrf-token",
        b"x-slack-request-timestamp",
        b"x-slack-signature",
    }
)
"""What is passed on; everything else is as if it had not been sent."""
HEADER_BYTES_MAX = 8 * 1024
BODY_BYTES_MAX = 1024 * 1024
"""Alertmanager's largest groups; what people send is a thousandth of it."""
SECURITY = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
"""On every answer that does not say otherwise."""
CALLER_PER_S, CALLER_BURST = 50.0, 2_000.0
"""Requests of one person: a page that is open in ten tabs, scripts that poll, and a wall of screens that comes back."""
STRANGER_PER_S, STRANGER_BURST = 10.0, 200.0
"""Requests of one address that show no token, or a wrong one; behind a proxy all have one address."""
BUCKETS_MAX = 10_000


class Rates:
    """How many requests each may make: a bucket that fills again."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, who: str) -> None:
        """Take one.

        Raises:
            Problem: there was none.
        """
        if not self.take(who):
            raise Problem(429, "too many requests", hint="wait, then ask less often")

    def take(self, who: str) -> bool:
        """Take one, and say whether there was one."""
        now = time.monotonic()
        left, at = self._buckets.pop(who, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s)
        self._buckets[who] = (max(0.0, left - 1), now)
        while len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        return left >= 1


class Names(NamedTuple):
    """By which names this door may be called: a browser that was told another one is being fooled."""

    names: frozenset[str]

    @classmethod
    def of(cls, host: str, names: Iterable[str]) -> "Names":
        """Return those of a door that listens at *host*."""
        return cls(frozenset({host, "localhost", "127.0.0.1", "::1", *(name.lower() for name in names)}))

    def has(self, host: str) -> bool:
        """Return whether it is one of them, whatever its port."""
        name = host.rsplit(":", 1)[0] if host.rsplit(":", 1)[-1].isdigit() else host
        return name.strip("[]").lower() in self.names


class Limits:
    """The application behind its limits."""

    def __init__(self, app: ASGIApp, names: Names, refuse: Callable[[str, Problem], Response]) -> None:
        self._app = app
        self._names = names
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why not."""
        if scope["type"] != "http":
            return
        answering = _with_security(send)
        try:
            scope = {**scope, "headers": self._passed(scope)}
            await self._app(scope, _limited(receive), answering)
        except Problem as problem:
            await self._refuse(_accepted(scope), problem)(scope, receive, answering)

    def _passed(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        headers = [(name.lower(), value) for name, value in scope["headers"] if name.lower() in HEADERS]
        if sum(len(name) + len(value) for name, value in headers) > HEADER_BYTES_MAX:
            raise Problem(400, "the headers are too long", hint="send shorter ones")
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not self._names.has(hosts[0].decode("latin-1")):
            raise Problem(
                421, "this relight is not called so", hint="use its own address; `relight serve --called NAME` adds one"
            )
        length = next((value for name, value in headers if name == b"content-length"), b"0")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            raise Problem(413, f"more than {BODY_BYTES_MAX} bytes are not read", hint="send less at once")
        return headers


def _accepted(scope: Scope) -> str:
    return ", ".join(value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"accept")


def _limited(receive: Receive) -> Receive:
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > BODY_BYTES_MAX:
            raise Problem(413, f"more than {BODY_BYTES_MAX} bytes are not read", hint="send less at once")
        return message

    return limited


def _with_security(send: Send) -> Send:
    async def answering(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(each for each in SECURITY if each[0] not in given)]
        await send(message)

    return answering
