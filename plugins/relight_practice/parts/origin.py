"""The slow origin behind the page caches."""

import asyncio

from relight_practice.parts.part import Orders, Part
from relight_practice.parts.slots import Slots
from relight_practice.wire import Request, Response


class Origin(Part):
    """Renders pages, six at a time, and queues more work than its clients will wait for.

    That is what makes cold caches dangerous: once the queue is longer than a node's patience, every page is rendered
    for a node that has hung up, no cache fills, and the queue never gets shorter while the same load lasts.
    """

    def __init__(self, orders: Orders) -> None:
        super().__init__(orders)
        self._slots = Slots(self.shape.origin_slots, self.shape.origin_cost_s)
        self._renders = self.registry.counter("origin_renders_total", "pages rendered", outcome=("done", "refused"))
        self.registry.gauge("origin_wait_seconds", "how long work that arrives now will wait", self._wait_s)
        self.route("GET", "/render/*", self._render)

    def _wait_s(self) -> float:
        return self._slots.wait_s(asyncio.get_running_loop().time())

    async def _render(self, request: Request) -> Response:
        wait = self._slots.book(asyncio.get_running_loop().time(), self.shape.origin_backlog_s)
        if wait is None:
            self._renders.add(outcome="refused")
            return Response(503, b"too much to do\n")
        await asyncio.sleep(wait)
        self._renders.add(outcome="done")
        return Response(200, f"page {request.path.rsplit('/', 1)[1]}, as the origin has it\n".encode())
