"""What all parts have in common: routes, numbers, a beginning and an end."""

import asyncio
import ctypes
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from relight_practice.dice import Dice, dice
from relight_practice.metrics.registry import Registry
from relight_practice.shape import Shape
from relight_practice.wire import Request, Response, Server, json_response

Handler = Callable[[Request], Awaitable[Response]]

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a part is told when it is started."""

    part: str
    name: str
    shape: Shape
    directory: str
    ports: dict[str, int] = field(default_factory=dict)
    release: int = 0

    def to_json(self) -> str:
        """Return the orders as text for an argument list."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Orders":
        """Return the orders that :meth:`to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        return cls(**{**values, "shape": Shape(**values["shape"])})


class Part:
    """One process: subclasses add routes and, in :meth:`live`, what goes on without being asked."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.shape = orders.shape
        self.dice: Dice = dice(orders.shape.seed, f"{orders.name}/{orders.release}")
        self.registry = Registry()
        self.ended = asyncio.Event()
        self._routes: dict[tuple[str, str], Handler] = {}
        self._families: list[tuple[str, str, Handler]] = []
        self.route("GET", "/metrics", self._metrics)
        self.route("GET", "/-/ready", self._ready)

    def route(self, method: str, path: str, handler: Handler) -> None:
        """Answer *path* with *handler*; a path that ends in ``*`` stands for all that begin so."""
        if path.endswith("*"):
            self._families.append((method, path[:-1], handler))
        else:
            self._routes[method, path] = handler

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        handler = self._routes.get((request.method, request.path))
        if handler is not None:
            return await handler(request)
        for method, prefix, family in self._families:
            if method == request.method and request.path.startswith(prefix):
                return await family(request)
        return json_response({"error": "not_found", "message": f"nothing at {request.method} {request.path}"}, 404)

    async def _metrics(self, request: Request) -> Response:
        return Response(200, self.registry.render(), content_type="text/plain; version=0.0.4")

    async def _ready(self, request: Request) -> Response:
        return json_response({"name": self.orders.name, "release": self.orders.release})

    async def prepare(self) -> None:
        """Do what has to be done before anybody is answered."""

    async def live(self) -> None:
        """Do what goes on without being asked; cancelled at the end."""

    async def finish(self) -> None:
        """Leave things in order; the process is about to end."""


def outlive_nobody(*, death_signal: bool) -> None:
    """End this process when the one that started it is gone, however it went.

    The parent holds the other end of our standard input and never writes to it.
    A thread waits for its end, so that not even a busy event loop outlives the parent; where the kernel offers it,
    the death signal does the same without us. It is for children of a main thread only: it comes when the thread
    that started us ends.
    """
    if death_signal and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True, name="outlive-nobody").start()


async def run(part: Part) -> None:
    """Serve until SIGTERM; say the port on standard output as soon as requests are answered."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, part.ended.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C is for whoever started the site
    try:
        await _serve(part)
    finally:
        await part.finish()


async def _serve(part: Part) -> None:
    await part.prepare()
    server = Server(part.handle)
    port = await server.start()
    life = asyncio.create_task(part.live())
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()
    ended = asyncio.create_task(part.ended.wait())
    await asyncio.wait((ended, life), return_when=asyncio.FIRST_COMPLETED)
    if life.done() and not part.ended.is_set():
        life.result()  # it ended by itself: by an error, unless it had nothing to do
        await ended
    life.cancel()
    await server.close()
