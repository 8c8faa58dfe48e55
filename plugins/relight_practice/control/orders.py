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
class _Carried:
    digest: bytes
    task: asyncio.Task[Response]


@dataclass(slots=True)
class Once:
    """Remembers what was done under which idempotency key.

    The same order under the same key is answered with what came of it, also while it still goes on.
    What failed is forgotten, so that it can be tried again.
    """

    _carried: dict[str, _Carried] = field(default_factory=dict)

    async def carry_out(self, request: Request, handler: Callable[[Request], Awaitable[Response]]) -> Response:
        """Do what *request* says, unless it was done already."""
        key = request.headers.get("idempotency-key", "")
        if not key:
            return await handler(request)
        digest = hashlib.sha256(f"{request.method} {request.target} ".encode() + request.body).digest()
        known = self._carried.get(key)
        if known is None:
            known = self._carried[key] = _Carried(digest, asyncio.create_task(_answered(handler, request)))
            self._forget_oldest()
        elif known.digest != digest:
            raise Refused(f"the idempotency key {key} was used for another order")
        try:
            response = await asyncio.shield(known.task)
        except Exception:
            self._carried.pop(key, None)
            raise
        if response.status != 200:
            self._carried.pop(key, None)
        return response

    def look_up(self, key: str) -> dict[str, Any]:
        """Say what became of the order under *key*: ``unknown``, ``running`` or ``done``."""
        known = self._carried.get(key)
        if known is None:
            return {"state": "unknown"}
        return {"state": "done" if known.task.done() else "running"}

    def _forget_oldest(self) -> None:
        for key in [key for key, known in self._carried.items() if known.task.done()]:
            if len(self._carried) <= REMEMBERED_MAX:
                break
            del self._carried[key]


async def _answered(handler: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    try:
        return await handler(request)
    except Refused as refusal:
        return refused(refusal)


def refused(refusal: Refused) -> Response:
    """Return the answer to an order that is refused."""
    return json_response({"error": "refused", "message": str(refusal)}, 409)
