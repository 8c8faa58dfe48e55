"""The fallback pool: one bigger node in another region, behind a breaker of its own."""

import asyncio
from collections import deque

from relight_practice.parts.node import Node
from relight_practice.parts.part import Orders
from relight_practice.shape import BREAKER_ANSWERS_MIN, BREAKER_S
from relight_practice.wire import Request, Response, json_response


class Breaker:
    """Opens when too many of the last two seconds' answers were errors, and tries again after two more."""

    def __init__(self, share_failed: float) -> None:
        self._share = share_failed
        self._answers: deque[tuple[float, bool]] = deque()
        self._opened_at: float | None = None

    def state(self, now: float) -> str:
        """Return ``closed``, ``open`` or, when it is time to try, ``half-open``."""
        if self._opened_at is None:
            return "closed"
        return "open" if now - self._opened_at < BREAKER_S else "half-open"

    def note(self, now: float, *, ok: bool) -> None:
        """Take note of an answer."""
        if self.state(now) == "half-open":
            self._answers.clear()
            self._opened_at = None if ok else now
            return
        self._answers.append((now, ok))
        while self._answers and self._answers[0][0] < now - BREAKER_S:
            self._answers.popleft()
        failed = sum(1 for _, fine in self._answers if not fine)
        if len(self._answers) >= BREAKER_ANSWERS_MIN and failed > self._share * len(self._answers):
            self._opened_at = now


class Fallback(Node):
    """A node with every page in its cache and its own release, big enough for everyday demand and not for a surge."""

    def __init__(self, orders: Orders) -> None:
        super().__init__(orders)
        self._breaker = Breaker(self.shape.fallback_share_failed)
        self.registry.gauge("fallback_breaker_open", "1 while the fallback refuses everything", self._is_open)
        self.route("GET", "/-/breaker", self._read)

    def _login_slots(self) -> int:
        return self.shape.fallback_login_slots

    def _cache_capacity(self) -> int:
        return self.shape.pages

    def _is_open(self) -> float:
        return float(self._breaker.state(asyncio.get_running_loop().time()) == "open")

    async def handle(self, request: Request) -> Response:
        """Answer, unless the breaker is open."""
        if request.path.startswith(("/-/", "/metrics")):
            return await super().handle(request)
        loop = asyncio.get_running_loop()
        if self._breaker.state(loop.time()) == "open":
            return Response(503, b"breaker open\n")
        response = await super().handle(request)
        self._breaker.note(loop.time(), ok=response.status < 500)
        return response

    async def _read(self, request: Request) -> Response:
        state = self._breaker.state(asyncio.get_running_loop().time())
        return json_response({"breaker": state, "pages": len(self._cache), "release": self.orders.release})
