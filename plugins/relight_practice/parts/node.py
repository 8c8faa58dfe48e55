"""One app node: sign-ins, visits and pages."""

import asyncio
from pathlib import Path

from relight_practice.parts.pages import PageCache
from relight_practice.parts.part import Orders, Part
from relight_practice.parts.sessions import Corrupt, fresh, seal, spoil, unseal, visited
from relight_practice.parts.slots import Slots
from relight_practice.shape import BAD_RELEASE, CUT_SHARE
from relight_practice.wire import Client, Fields, Reply, Request, Response, Unreachable, json_response

REASONS = ("busy", "corrupt", "store")


class Busy(Exception):
    """Too much to do: an answer of 503."""


class Node(Part):
    """Signs people in, at most so many a second, and serves pages from its cache.

    A sign-in reads the old session first, to keep what the user had; one that is corrupt locks the user out.
    """

    def __init__(self, orders: Orders) -> None:
        super().__init__(orders)
        self._login = Slots(self._login_slots(), self.shape.login_cost_s)
        self._store = Client(orders.ports["store"], timeout_s=2.0)
        self._origin = Client(orders.ports["origin"], timeout_s=self.shape.origin_patience_s)
        self._queue = Client(orders.ports["queue"], timeout_s=2.0)
        self._cache = PageCache(self._cache_capacity(), Path(orders.directory) / f"{orders.name}.cache.json")
        self._working = 0
        self._impaired = 0.0
        self._count()
        self.route("POST", "/login", self._sign_in)
        self.route("GET", "/me", self._me)
        self.route("GET", "/page/*", self._page)
        self.route("GET", "/-/cache/*", self._peek)
        self.route("PUT", "/-/cache/*", self._fill)
        self.route("POST", "/-/cache/save", self._save)
        self.route("GET", "/-/working", self._in_hand)
        self.route("POST", "/-/impair", self._impair)

    def _login_slots(self) -> int:
        return self.shape.login_slots

    def _cache_capacity(self) -> int:
        return self.shape.cache_pages

    def _count(self) -> None:
        registry = self.registry
        name = self.orders.name
        self._logins = registry.counter("logins_total", "sign-ins that reached a node")
        self._logins_failed = registry.counter("logins_failed_total", "sign-ins that failed there", reason=REASONS)
        self._lookups = registry.counter("page_lookups_total", "pages looked up in the cache", result=("hit", "miss"))
        registry.gauge("node_working", "requests in hand", lambda: float(self._working))
        registry.gauge("node_pages", "pages in the cache", lambda: float(len(self._cache)))
        registry.gauge("node_release", "the release that runs").set(float(self.orders.release), node=name)

    async def handle(self, request: Request) -> Response:
        """Answer, unless too many others are being answered; orders and numbers always get through."""
        if request.path.startswith(("/-/", "/metrics")):
            return await super().handle(request)
        if self._working >= self.shape.workers or self.dice.random() < self._impaired:
            if request.path == "/login":
                self._logins.add()
                self._logins_failed.add(reason="busy")
            return Response(503, b"busy\n")
        self._working += 1
        try:
            return await super().handle(request)
        finally:
            self._working -= 1

    # ---- what people ask for

    async def _sign_in(self, request: Request) -> Response:
        self._logins.add()
        try:
            wait = self._login.book(asyncio.get_running_loop().time(), self.shape.login_patience_s)
            if wait is None:
                raise Busy
            await asyncio.sleep(wait)
            await self._open_session(request.query.get("u", ""))
        except Busy:
            self._logins_failed.add(reason="busy")
            return Response(503, b"busy\n")
        except Corrupt:
            self._logins_failed.add(reason="corrupt")
            return Response(500, b"bad session\n")
        except Unreachable:
            self._logins_failed.add(reason="store")
            return Response(503, b"no store\n")
        return Response(200, b"welcome\n")

    async def _open_session(self, user: str) -> None:
        reply = _ready(await self._store.get(f"/session/{user}"))
        session = fresh(user) if reply.status == 404 else unseal(reply.body)
        await self._write(user, visited(session, f"signed in by release {self.orders.release}"))
        if self.dice.random() < self.shape.new_device_share:
            _ready(await self._queue.request("POST", f"/jobs/{user}"))

    async def _write(self, user: str, session: dict[str, object]) -> None:
        if self.orders.release == BAD_RELEASE and self.dice.random() < self.shape.corrupts:
            raw = spoil(session, cut=self.dice.random() < CUT_SHARE)
        else:
            raw = seal(session)
        _ready(await self._store.request("PUT", f"/session/{user}", raw))

    async def _me(self, request: Request) -> Response:
        user = request.query.get("u", "")
        try:
            reply = _ready(await self._store.get(f"/session/{user}"))
            if reply.status == 404:
                return Response(401, b"sign in first\n")
            await self._write(user, unseal(reply.body))
        except Corrupt:
            return Response(401, b"sign in again\n")
        except (Busy, Unreachable):
            return Response(503, b"no store\n")
        return Response(200, b"hello\n")

    async def _page(self, request: Request) -> Response:
        page = _number(request.path)
        text = self._cache.get(page)
        self._lookups.add(result="miss" if text is None else "hit")
        if text is None:
            try:
                text = _ready(await self._origin.get(f"/render/{page}")).body.decode()
            except (Busy, Unreachable):
                return Response(503, b"the page could not be made in time\n")
            self._cache.put(page, text)
        return Response(200, text.encode())

    # ---- orders

    async def _peek(self, request: Request) -> Response:
        text = self._cache.peek(_number(request.path))
        return Response(404) if text is None else Response(200, text.encode())

    async def _fill(self, request: Request) -> Response:
        self._cache.put(_number(request.path), request.body.decode())
        return Response(200)

    async def _save(self, request: Request) -> Response:
        self._cache.save()
        return json_response({"pages": len(self._cache)})

    async def _in_hand(self, request: Request) -> Response:
        return json_response({"working": self._working})

    async def _impair(self, request: Request) -> Response:
        self._impaired = Fields.of(request.body).number("share", high=1.0)
        return json_response({"share": self._impaired})


def _ready(reply: Reply) -> Reply:
    if reply.status == 503:
        raise Busy
    return reply


def _number(path: str) -> int:
    text = path.rsplit("/", 1)[1]
    return int(text) if text.isdigit() else 0
