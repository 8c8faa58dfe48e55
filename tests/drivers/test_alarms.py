"""The wake-ups of a live driver: one timer serves all of them."""

import asyncio

from relight.drivers.live.alarms import Alarms
from relight.drivers.live.clock import RunClock, SystemClock

WITHIN_S = 20.0


class Rung:
    """Alarms on this machine's clock, and when they rang."""

    def __init__(self) -> None:
        self.clock = RunClock(SystemClock(), SystemClock().boot_ms())
        self.at: list[int] = []
        self._again = asyncio.Event()
        self.alarms = Alarms(self.clock, self._ring)

    def _ring(self) -> None:
        self.at.append(self.clock.t())
        self._again.set()

    async def next(self) -> int:
        """Return when they ring next."""
        await asyncio.wait_for(self._again.wait(), WITHIN_S)
        self._again.clear()
        return self.at[-1]


async def test_each_alarm_rings_not_before_its_time() -> None:
    """Whatever the order in which they are set."""
    rung = Rung()
    for t in (60, 20, 40):
        rung.alarms.set(t)
    for t in (20, 40, 60):
        while not rung.at or rung.at[-1] < t:
            await rung.next()
        rung.alarms.drop(t)
    rung.alarms.close()
    assert rung.at[0] >= 20


async def test_what_is_dropped_does_not_ring_and_keeps_nothing_from_ringing() -> None:
    """The timer that was wound for it goes on to the next one."""
    rung = Rung()
    rung.alarms.set(5)
    rung.alarms.set(60)
    rung.alarms.drop(5)
    assert await rung.next() >= 60
    rung.alarms.drop(60)
    rung.alarms.look()
    rung.alarms.close()
    assert len(rung.at) == 1


async def test_an_alarm_in_the_past_rings_at_once_and_with_each_look() -> None:
    """Until it is dropped: a suspended machine wakes with its timers late."""
    rung = Rung()
    rung.alarms.set(-1_000)
    await rung.next()
    rung.alarms.look()
    assert len(rung.at) == 2
    rung.alarms.close()
