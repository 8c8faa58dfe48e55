"""A run's clock: never falling, whatever the wall says, and carried on across drivers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relight.drivers.live.clock import RunClock, SystemClock, carried_on
from relight.kernel.plan import Approval, Gate, Stage


class Still:
    """Clocks that a test sets."""

    def __init__(self, *, wall: int, boot: int, boot_id: str = "a") -> None:
        self.wall, self.boot, self.id = wall, boot, boot_id

    def wall_ms(self) -> int:
        return self.wall

    def boot_ms(self) -> int:
        return self.boot

    def boot_id(self) -> str:
        return self.id


MARK = {"boot_id": "a", "zero_ms": 1_000}


@pytest.mark.parametrize(
    ("clock", "mark", "t", "lost"),
    [
        # The same boot: the boot clock's difference, wherever the wall went in between.
        (Still(wall=10_000, boot=9_000), MARK, 8_000, False),
        (Still(wall=0, boot=9_000), MARK, 8_000, False),
        (Still(wall=10**12, boot=9_000), MARK, 8_000, False),
        # Another boot, or none that can be told: the wall's difference since the last fact.
        (Still(wall=10_000, boot=50, boot_id="b"), MARK, 5_000 + 4_000, False),
        (Still(wall=10_000, boot=50, boot_id=""), {"boot_id": "", "zero_ms": 1}, 5_000 + 4_000, False),
        (Still(wall=10_000, boot=50), {}, 5_000 + 4_000, False),
        # The wall went back meanwhile: the clock stands where it was, and that is said.
        (Still(wall=5_999, boot=50, boot_id="b"), MARK, 5_000, True),
        (Still(wall=-(10**12), boot=50, boot_id="b"), MARK, 5_000, True),
        # A mark that would let the clock fall is not believed that far.
        (Still(wall=10_000, boot=2_000), MARK, 5_000, False),
        (Still(wall=10_000, boot=9_000), {"boot_id": "a", "zero_ms": "x"}, 5_000 + 4_000, False),
    ],
)
def test_a_clock_is_carried_on(clock: Still, mark: dict[str, Any], t: int, lost: bool) -> None:
    """The last fact was at wall 6,000 and t 5,000."""
    carried, found = carried_on(clock, 6_000, 5_000, mark)
    assert (t, lost) == (carried.t(), found)


def test_a_mark_lets_the_next_driver_go_on_by_the_same_clock() -> None:
    """Two drivers of one boot read the same time."""
    clock = Still(wall=1, boot=5_000)
    first = RunClock(clock, 1_234)
    second, _ = carried_on(clock, 0, 0, first.mark())
    assert first.t() == second.t()


def test_this_machine_has_clocks() -> None:
    """The wall is in this millennium, boot time goes forward, and the boot has a name."""
    clock = SystemClock()
    assert clock.wall_ms() > 1_700_000_000_000
    assert clock.boot_ms() <= clock.boot_ms()
    assert clock.boot_id() == clock.boot_id()


def waiting_at_gate(bench: Any) -> None:
    gate = Gate(title="?", approval=Approval(roles=("ic",), allow_self_approval=True), expires_after_ms=900_000)
    bench.begin(bench.plan(Stage(id="s0", gate=gate, steps=(bench.step("one"),))))


@pytest.mark.parametrize("jump_ms", [-10 * 365 * 86_400_000, -3_600_000, -1_000, 1_000, 3_600_000, 10**12])
def test_setting_the_wall_clock_neither_extends_nor_ends_a_gate(bench: Any, jump_ms: int) -> None:
    """A gate that expires in fifteen minutes does so, whatever the wall clock is set to meanwhile."""
    waiting_at_gate(bench)

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "gate_asked" in bench.kinds())
        bench.clock.wall_offset_ms += jump_ms
        began = bench.loop.time()
        await bench.until(lambda: "gate_expired" in bench.kinds(), within_s=2_000)
        assert 899 <= bench.loop.time() - began <= 902
        bench.ask("abort")
        await driving

    bench.run(go())
    times = [fact.t for fact in bench.facts()]
    assert sorted(times) == times


def restarted(bench: Any, *, wall_ms: int, boot: str) -> Any:
    """Let a driver die at a gate, another one begin after *wall_ms* of wall time, and return the facts."""
    waiting_at_gate(bench)

    async def go() -> None:
        first = bench.driver()
        driving = asyncio.ensure_future(first.drive())
        await bench.until(lambda: "gate_asked" in bench.kinds())
        await asyncio.sleep(5)
        first.stop()
        await driving
        bench.clock.boot = boot
        bench.clock.wall_offset_ms += wall_ms
        if boot != "boot-1":
            bench.clock.boot_offset_ms = -990_000
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: bench.kinds().count("driver_took_over") == 2)
        await asyncio.sleep(1)
        bench.ask("abort")
        await driving

    bench.run(go())
    return bench.facts()


def test_a_reboot_counts_by_the_wall_clock(bench: Any) -> None:
    """Ten minutes without a driver are ten minutes of the run; the ticket still has its rest."""
    facts = restarted(bench, wall_ms=600_000, boot="boot-2")
    took = [fact for fact in facts if type(fact).__name__ == "DriverTookOver"][1]
    assert not took.clock_lost
    assert 604_000 < took.t < 607_000
    assert "gate_expired" not in bench.kinds()


def test_a_reboot_into_the_past_expires_waiting_tickets(bench: Any) -> None:
    """Nobody knows how long it was, so what waited for an answer does not wait any longer."""
    facts = restarted(bench, wall_ms=-60_000, boot="boot-2")
    took = [fact for fact in facts if type(fact).__name__ == "DriverTookOver"][1]
    assert took.clock_lost
    assert "gate_expired" in bench.kinds()
    times = [fact.t for fact in facts]
    assert sorted(times) == times


def test_a_suspended_machine_wakes_up_to_what_is_overdue(bench: Any) -> None:
    """Timers stand still while a machine sleeps, the run's clock does not: a second later it is noticed."""
    waiting_at_gate(bench)

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "gate_asked" in bench.kinds())
        bench.clock.boot_offset_ms += 10_000_000
        bench.clock.wall_offset_ms += 10_000_000
        await bench.until(lambda: "gate_expired" in bench.kinds(), within_s=3)
        bench.ask("abort")
        await driving

    bench.run(go())
