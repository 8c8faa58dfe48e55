"""An order is carried out once under its key."""

from __future__ import annotations

import asyncio

import pytest

from relight_practice.control.orders import REMEMBERED_MAX, Once, Refused
from relight_practice.wire import Request, Response, json_response


def order(key: str, body: bytes = b"{}") -> Request:
    """Return an order to add a node."""
    return Request("POST", "/nodes/scale", {}, {"idempotency-key": key} if key else {}, body, "/nodes/scale")


class Work:
    """Counts how often it was done."""

    def __init__(self) -> None:
        self.done = 0
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.refuses = False

    async def do(self, _: Request) -> Response:
        """Do it."""
        await self.may_end.wait()
        if self.refuses:
            raise Refused("too many")
        self.done += 1
        return json_response({"done": self.done})


async def test_the_same_order_is_done_once() -> None:
    """The second is answered with what came of the first, also while that goes on."""
    once, work = Once(), Work()
    work.may_end.clear()
    both = asyncio.gather(*(once.carry_out(order("k"), work.do, divisible=False) for _ in range(2)))
    await asyncio.sleep(0)
    assert once.look_up("k") == {"state": "running"}
    work.may_end.set()
    assert len({response.body for response in await both}) == 1
    await once.carry_out(order("k"), work.do, divisible=False)
    assert (work.done, once.look_up("k"), once.look_up("other")) == (1, {"state": "done"}, {"state": "unknown"})


async def test_another_key_another_order_and_no_key_are_done() -> None:
    """Only the very same order under the very same key is a repetition."""
    once, work = Once(), Work()
    for request in (order("k"), order("k", b'{"add": 2}'), order("l"), order(""), order("")):
        await once.carry_out(request, work.do, divisible=False)
    assert work.done == 5


async def test_what_was_refused_can_be_tried_again() -> None:
    """A failure is not remembered: the next attempt has the same key."""
    once, work = Once(), Work()
    work.refuses = True
    assert (await once.carry_out(order("k"), work.do, divisible=False)).status == 409
    work.refuses = False
    assert (await once.carry_out(order("k"), work.do, divisible=False)).status == 200
    assert work.done == 1


async def test_a_client_that_hangs_up_has_not_undone_anything() -> None:
    """The work goes on, and the next to ask under the key gets its end."""
    once, work = Once(), Work()
    work.may_end.clear()
    asking = asyncio.create_task(once.carry_out(order("k"), work.do, divisible=False))
    await asyncio.sleep(0)
    (going_on,) = once.stop("k")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    work.may_end.set()
    await going_on
    assert work.done == 1


async def test_portions_can_be_stopped() -> None:
    """What consists of small complete portions ends where it is, and says so."""
    once, work = Once(), Work()
    work.may_end.clear()
    asking = asyncio.create_task(once.carry_out(order("k"), work.do, divisible=True))
    await asyncio.sleep(0)
    assert len(once.stop("k")) == 1
    response = await asking
    assert (response.status, b"stopped" in response.body, work.done) == (409, True, 0)
    assert once.look_up("k") == {"state": "unknown"}


async def test_the_oldest_are_forgotten() -> None:
    """Memory has a limit."""
    once, work = Once(), Work()
    for number in range(REMEMBERED_MAX + 10):
        await once.carry_out(order(f"k{number}"), work.do, divisible=False)
    assert once.look_up("k0") == {"state": "unknown"}
    assert len(once._carried) <= REMEMBERED_MAX + 1
