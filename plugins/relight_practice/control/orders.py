"""Carrying orders out once."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from relight_practice.wire import Request, Response, json_response

REMEMBERED_MAX = 1_000
"""More than the orders of any drill; the oldest are forgotten first."""


class Refused(Exception):
    """The order is understood and will not be carried out; nothing was changed."""


@dataclass(slots=True)
class Once:
    """Remembers what was done under which idempotency key.

    The same order under the same key is answered with what came of it, also while it still goes on.
    What failed is forgotten, so that it can be tried again.
    """

    _carried: dict[tuple[str, bytes], asyncio.Task[Response]] = field(default_factory=dict)
    _divisible: set[asyncio.Task[Response]] = field(default_factory=set)

    async def carry_out(
        self, request: Request, handler: Callable[[Request], Awaitable[Response]], *, divisible: bool
    ) -> Response:
        """Do what *request* says, unless it was done already.

        Args:
            request: The order.
            handler: Carries it out.
            divisible: Whether it may be stopped at any moment, because it is a row of small complete portions.
        """
        key = request.headers.get("idempotency-key", "")
        if not key:
            return await handler(request)
        what = (key, hashlib.sha256(f"{request.method} {request.target} ".encode() + request.body).digest())
        task = self._carried.get(what)
        if task is None:
            task = self._carried[what] = asyncio.create_task(_answered(handler, request))
            if divisible:
                self._divisible.add(task)
                task.add_done_callback(self._divisible.discard)
            self._forget_oldest()
            task.add_done_callback(lambda done: self._forget_failure(what, done))
        # Not the task but its end is awaited: whoever asked may hang up, and the work goes on.
        await asyncio.wait({task})
        return _stopped() if task.cancelled() else task.result()

    def look_up(self, key: str) -> dict[str, Any]:
        """Say what became of the order under *key*: ``unknown``, ``running`` or ``done``."""
        tasks = self._under(key)
        if not tasks:
            return {"state": "unknown"}
        return {"state": "done" if all(task.done() for task in tasks) else "running"}

    def stop(self, key: str) -> list[asyncio.Task[Response]]:
        """Stop what can be stopped under *key* and return all that still goes on; what was done stays done."""
        running = [task for task in self._under(key) if not task.done()]
        for task in running:
            if task in self._divisible:
                task.cancel()
        return running

    def _under(self, key: str) -> list[asyncio.Task[Response]]:
        return [task for (known, _), task in self._carried.items() if known == key]

    def _forget_failure(self, what: tuple[str, bytes], task: asyncio.Task[Response]) -> None:
        if task.cancelled() or task.exception() is not None or task.result().status != 200:
            self._carried.pop(what, None)

    def _forget_oldest(self) -> None:
        for what in [what for what, task in self._carried.items() if task.done()]:
            if len(self._carried) <= REMEMBERED_MAX:
                break
            del self._carried[what]


async def _answered(handler: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    try:
        return await handler(request)
    except Refused as refusal:
        return refused(refusal)


def _stopped() -> Response:
    return json_response({"error": "stopped", "message": "it was stopped on the way"}, 409)


def refused(refusal: Refused) -> Response:
    """Return the answer to an order that is refused."""
    return json_response({"error": "refused", "message": str(refusal)}, 409)
