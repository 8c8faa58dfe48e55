"""A journal that cannot be written to, and a driver that may no longer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relight.drivers.live.lease import LeaseLost, Watchdog
from relight.errors import JournalError, Locked, NotNow, StaleDriver
from relight.journal.memory import MemoryJournal
from relight.journal.port import Request
from relight.kernel.plan import Approval, Gate, Stage
from relight.testing.outcomes import Hang, Succeed


class Brittle(MemoryJournal):
    """A journal whose writes fail when a test says so.

    *full*: nothing but what is urgent is written. *broken*: nothing at all is. *lost*: it is written, but nobody hears.
    """

    full = False
    broken = False
    lost = 0
    unreadable = False

    def append(self, batches: Any) -> list[Exception | None]:
        if self.broken or (self.full and not all(batch.urgent for batch in batches)):
            raise JournalError("the disk is full")
        outcomes = super().append(batches)
        if self.lost and any(batch.kinds_and_bodies for batch in batches):
            self.lost -= 1
            raise JournalError("an I/O error")
        return outcomes

    def records(self, *args: Any, **more: Any) -> Any:
        if self.unreadable:
            raise JournalError("an I/O error")
        return super().records(*args, **more)

    def drive(self, *args: Any, **more: Any) -> Any:
        hold = super().drive(*args, **more)
        renew = hold.renew

        def brittle(until: int) -> None:
            if self.broken:
                raise JournalError("the disk is full")
            renew(until)

        hold.renew = brittle  # type: ignore[method-assign]
        return hold


def gated(bench: Any, *steps: Any) -> Stage:
    gate = Gate(title="?", approval=Approval(roles=("ic",), allow_self_approval=True))
    return Stage(id="gated", gate=gate, steps=steps)


def test_no_action_starts_while_the_journal_cannot_be_written(bench: Any) -> None:
    """Approved, but not recorded: nothing starts until the disk has room, and then everything does."""
    journal = Brittle(bench.store)
    bench.begin(bench.plan(gated(bench, bench.step("one"))))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver(journal).drive())
        asked = await bench.until(lambda: [f for f in bench.facts() if type(f).__name__ == "GateAsked"])
        journal.full = True
        request = bench.ask("approve", ticket=asked[0].ticket)
        await asyncio.sleep(8)
        assert [] == bench.world.calls
        assert "gate_opened" not in bench.kinds()
        journal.full = False
        run = await driving
        return run, bench.answer(request)

    run, answer = bench.run(go())
    assert "succeeded" == run.outcome
    assert answer.ok
    assert 1 == len(bench.world.calls)


def test_an_outcome_and_an_abort_are_recorded_from_the_reserve(bench: Any) -> None:
    """On a full disk what ended and who stopped it still get in; what would begin does not."""
    journal = Brittle(bench.store)
    bench.world.script("do", Succeed(after_s=5))
    bench.begin(bench.plan([bench.step("one"), bench.step("two")]))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver(journal).drive())
        await bench.until(lambda: bench.world.calls)
        journal.full = True
        await bench.until(lambda: "step_succeeded" in bench.kinds())
        await asyncio.sleep(5)
        assert 1 == bench.kinds().count("step_dispatched")
        assert 1 == len(bench.world.calls)
        began = bench.loop.time()
        request = bench.ask("abort")
        await bench.until(lambda: bench.answer(request))
        assert bench.loop.time() - began < 2
        return await driving

    run = bench.run(go())
    assert "aborted" == run.outcome
    assert "run_ended" == bench.kinds()[-1]


def test_the_trouble_is_shown(bench: Any) -> None:
    """What still gets in while writes fail brings the reason with it, and when they work again it is gone."""
    journal = Brittle(bench.store)
    bench.begin(bench.plan(gated(bench, bench.step("one"))))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver(journal).drive())
        asked = await bench.until(lambda: [f for f in bench.facts() if type(f).__name__ == "GateAsked"])
        journal.full = True
        bench.ask("approve", ticket=asked[0].ticket)
        await bench.until(lambda: bench.journal.live("r1").get("trouble"))
        shown = bench.journal.live("r1")["trouble"]
        bench.world.script("do", Succeed(after_s=5))
        journal.full = False
        await bench.until(lambda: not bench.journal.live("r1").get("trouble"))
        await driving
        return shown

    assert ["the journal cannot be written: the disk is full"] == bench.run(go())


def test_a_write_whose_end_nobody_heard_is_looked_up(bench: Any) -> None:
    """An append that failed may have been written; it is read back and neither written nor acted on twice."""
    journal = Brittle(bench.store)
    bench.begin(bench.plan([bench.step(f"step{number}") for number in range(6)]))
    journal.lost = 20
    run = bench.run(bench.driver(journal).drive())
    assert "succeeded" == run.outcome
    assert 6 == len(bench.world.calls)
    assert 6 == bench.kinds().count("step_dispatched")


def test_a_journal_that_cannot_even_be_read_is_waited_for(bench: Any) -> None:
    """Until it is known whether something was written, nothing follows from it."""
    journal = Brittle(bench.store)
    bench.begin(bench.plan([bench.step("one"), bench.step("two")]))
    bench.world.script("do", Succeed(after_s=2))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver(journal).drive())
        await bench.until(lambda: bench.world.calls)
        journal.lost, journal.unreadable = 1, True
        await asyncio.sleep(6)
        assert 1 == len(bench.world.calls)
        journal.unreadable = False
        return await driving

    assert "succeeded" == bench.run(go()).outcome
    assert 2 == len(bench.world.calls)


def test_a_driver_that_cannot_renew_ends_its_children_before_its_lease(bench: Any) -> None:
    """Ten seconds of a dead disk, then it lets go; whatever it had under way has ended by then."""
    journal = Brittle(bench.store)
    bench.world.script("do", Hang(stubborn_s=1))
    bench.begin(bench.plan([bench.step("one")]))

    async def go() -> float:
        driving = asyncio.ensure_future(bench.driver(journal).drive())
        await bench.until(lambda: bench.world.calls)
        journal.broken = True
        began = float(bench.loop.time())
        with pytest.raises(LeaseLost, match="its driver stopped: the disk is full"):
            await driving
        return bench.loop.time() - began

    took = bench.run(go())
    assert 4 < took < 14


def test_a_stale_driver_writes_nothing_and_stops(bench: Any) -> None:
    """Somebody else has taken the run over: the next write is refused, and children are ended at once."""
    bench.world.script("do", Hang())
    bench.begin(bench.plan([bench.step("one", use={"idempotent": True})]))

    async def go() -> Any:
        old = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: bench.world.calls)
        lease = bench.store.runs["r1"].lease
        bench.store.runs["r1"].driven_by.close()  # as dead as the store can tell
        assert lease is not None
        new = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: bench.kinds().count("driver_took_over") == 2)
        with pytest.raises(StaleDriver):
            await old
        return await new

    run = bench.run(go())
    assert "succeeded" == run.outcome
    assert {1, 2} == {record.epoch for record in bench.journal.records("r1")} - {0}
    epochs = [record.epoch for record in bench.journal.records("r1")]
    assert sorted(epochs) == epochs


def test_a_second_driver_is_refused(bench: Any) -> None:
    """A run has one driver; the other one is told who."""
    bench.begin(bench.plan(gated(bench, bench.step("one"))))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "gate_asked" in bench.kinds())
        with pytest.raises(Locked, match="is driven by"):
            await bench.driver().drive()
        bench.ask("abort")
        await driving
        with pytest.raises(NotNow, match="is over: aborted"):
            await bench.driver().drive()

    bench.run(go())


def test_a_run_that_nobody_began_is_refused(bench: Any) -> None:
    """There is nothing to drive, and no lease is left behind."""
    with pytest.raises(JournalError, match="no run r1"):
        bench.run(bench.driver().drive())


def test_a_defect_ends_the_driver_and_not_the_run(bench: Any) -> None:
    """What cannot be is a crash; the next driver goes on from what is recorded."""
    from relight.drivers.live.sampling import Sampling
    from relight.kernel.plan import Verify

    bench.world.metrics["errors"] = 0.5
    stage = Stage(id="s0", steps=(bench.step("one"),), verify=(Verify(check="errors"),))
    bench.begin(bench.plan(stage, checks={"errors": bench.check("errors")}))
    heard = Sampling._heard

    def broken(self: Any, sampler: Any) -> None:
        raise ZeroDivisionError

    Sampling._heard = broken  # type: ignore[method-assign]
    try:
        with pytest.raises(ZeroDivisionError):
            bench.run(bench.driver().drive())
    finally:
        Sampling._heard = heard  # type: ignore[method-assign]
    assert not bench.journal.lease("r1").alive
    assert "succeeded" == bench.run(bench.driver().drive()).outcome
    assert 1 == len(bench.world.called("do"))


class Running:
    """A lease that runs out when a test says so."""

    left_ms = 15_000


def test_the_watchdog_bites_when_a_lease_runs_out() -> None:
    """Whatever hangs in the loop, a process does not outlive its lease; one that was let go bites nobody."""
    import threading

    bitten: list[list[str]] = []
    bite = threading.Event()

    def end(runs: list[str]) -> None:
        bitten.append(runs)
        bite.set()

    dog = Watchdog(end)
    fine, hung = Running(), Running()
    dog.guard("fine", fine)  # type: ignore[arg-type]
    dog.guard("hung", hung)  # type: ignore[arg-type]
    dog.leave("fine")
    fine.left_ms = 0
    assert not bite.wait(0.8)
    hung.left_ms = 900
    assert bite.wait(5)
    assert [["hung"]] == bitten
    dog.close()


def test_a_driver_that_hears_nobody_does_not_go_on(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the look into the inbox itself breaks, the driver ends and the run waits for the next one."""
    journal = MemoryJournal(bench.store)
    bench.begin(bench.plan(gated(bench, bench.step("one"))))

    def broken(run: str) -> list[Request]:
        raise ZeroDivisionError

    monkeypatch.setattr(journal, "pending", broken)
    with pytest.raises(ZeroDivisionError):
        bench.run(bench.driver(journal).drive())
    assert not bench.journal.lease("r1").alive
