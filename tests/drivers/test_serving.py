"""Which runs a serve takes, when, how fast, and what becomes of them when it ends; on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from relight.drivers import serves
from relight.drivers.live import serving as serving_module
from relight.drivers.live.clerk import Clerk
from relight.drivers.live.log import Log
from relight.drivers.live.parts import Parts
from relight.drivers.live.serving import LATE_MS, OWN_MS, TAKES_BURST, TAKES_PER_S, Serving
from relight.drivers.start import begin_run
from relight.errors import JournalError
from relight.journal.memory import MemoryJournal
from relight.journal.port import Kept

if TYPE_CHECKING:
    from tests.drivers.conftest import Bench

SITE = "x"


class Served:
    """A bench with serves."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.parts_asked: list[tuple[str, float]] = []
        self.breaking: set[str] = set()

    def serve(self, name: str = "one", *, journal: Any = None, sites: tuple[str, ...] = (SITE,)) -> Serving:
        journal = journal or MemoryJournal(self.bench.store)
        me = serves.Serve(name=name, host="here", pid=1, sites=sites, started_at=0)
        return Serving(me, Clerk(journal), self.parts_for, clock=self.bench.clock, log=Log())

    def parts_for(self, run: str) -> Parts:
        self.parts_asked.append((run, self.bench.loop.time()))
        clock: Any = Broken() if run in self.breaking else self.bench.clock
        return Parts(registry=self.bench.registry, compile_expression=self.bench.expression, clock=clock)

    def begin(self, run: str, *, site: str = SITE, wait_ms: int = 0, hand_over: bool = True) -> None:
        step = self.bench.step("a") if not wait_ms else waiting(self.bench, wait_ms)
        plan = self.bench.plan([step], site=site)
        begin_run(self.bench.journal, plan, run=run, starter="ana", door="cli", at=self.bench.clock.wall_ms())
        if hand_over:
            serves.hand_over(self.bench.journal, run, self.bench.clock.wall_ms(), by="cli")

    def taken(self, run: str) -> list[str]:
        """The drivers that the run had."""
        records = self.bench.journal.records(run, kinds=("driver_took_over",))
        return [record.body.decode().partition('"driver":"')[2].partition('"')[0] for record in records]

    def state(self, run: str) -> str:
        row = self.bench.journal.row(run)
        assert row is not None
        return row.state

    def during(self, made: list[Serving], work: Callable[[], Any]) -> Any:
        """Let these serve while *work* is done, then stop them."""

        async def go() -> Any:
            serving = [asyncio.ensure_future(each.serve()) for each in made]
            try:
                return await work()
            finally:
                for each in made:
                    each.stop()
                await asyncio.gather(*serving)

        return self.bench.run(go())

    async def until(self, seen: Callable[[], Any], within_s: float = 600.0) -> None:
        await self.bench.until(seen, within_s)


def waiting(bench: Bench, duration_ms: int) -> Any:
    from relight.kernel.plan import Step

    return Step(id="nap", kind="wait", duration_ms=duration_ms)


class Broken:
    """A clock with a defect."""

    def wall_ms(self) -> int:
        raise ValueError("a defect")


@pytest.fixture
def served(bench: Bench) -> Served:
    return Served(bench)


def test_what_was_handed_over_is_taken_at_once(served: Served) -> None:
    """Within a moment, under the serve's name; another site's run is left alone."""
    served.begin("r1")
    served.begin("r2", site="y")

    async def work() -> None:
        await served.until(lambda: served.state("r1") == "succeeded", within_s=1)

    served.during([served.serve()], work)
    assert (served.taken("r1"), served.taken("r2")) == (["one"], [])


def test_a_run_that_was_just_made_belongs_to_its_maker(served: Served) -> None:
    """Whoever made it is about to drive it; only after half a minute it is an orphan."""
    served.begin("r1", hand_over=False)
    before = served.bench.loop.time()

    async def work() -> None:
        await served.until(lambda: served.taken("r1"))

    served.during([served.serve()], work)
    assert OWN_MS / 1_000 < served.bench.loop.time() - before < OWN_MS / 1_000 + 3


def test_an_orphan_is_taken_and_a_living_driver_is_not(served: Served) -> None:
    """A driver that died is followed at once; one that lives keeps its run; one that hangs loses it with its lease."""
    for run in ("dead", "alive", "hangs"):
        served.begin(run, wait_ms=600_000)
    now = served.bench.clock.wall_ms()
    dying, living, hanging = (MemoryJournal(served.bench.store) for _ in range(3))
    dying.drive("dead", "other", now + 15_000, now)
    living.drive("alive", "other", now + 10_000_000, now)
    hanging.drive("hangs", "other", now + 15_000, now)
    dying.close()
    before = served.bench.loop.time()
    at: dict[str, float] = {}

    async def work() -> None:
        for run in ("dead", "hangs"):
            await served.until(lambda run=run: served.taken(run))  # type: ignore[misc]
            at[run] = served.bench.loop.time() - before

    served.during([served.serve()], work)
    assert at["dead"] < 1.5
    assert 15 + LATE_MS / 1_000 < at["hangs"] < 15 + LATE_MS / 1_000 + 2
    assert served.taken("alive") == []


def test_a_crowd_of_orphans_is_taken_at_a_rate(served: Served) -> None:
    """After an outage not all of them at the same moment: some at once, then a few each second."""
    runs = [f"run{number:02}" for number in range(40)]
    for run in runs:
        served.begin(run, wait_ms=600_000)

    async def work() -> None:
        await served.until(lambda: all(served.taken(run) for run in runs))

    served.during([served.serve()], work)
    times = sorted(at for _, at in served.parts_asked)
    assert len(times) == 40
    for first in range(len(times)):
        within_a_second = [at for at in times if times[first] <= at < times[first] + 1]
        assert len(within_a_second) <= TAKES_BURST + TAKES_PER_S + 1
    assert times[-1] - times[0] < 12


def test_two_serves_share_a_crowd(served: Served) -> None:
    """Each gets some, every run has one driver."""
    runs = [f"run{number:02}" for number in range(20)]
    for run in runs:
        served.begin(run, wait_ms=600_000)

    async def work() -> None:
        await served.until(lambda: all(served.taken(run) for run in runs))

    served.during([served.serve("one"), served.serve("two")], work)
    drivers = [served.taken(run) for run in runs]
    assert all(len(each) == 1 for each in drivers)
    assert min(drivers.count(["one"]), drivers.count(["two"])) >= 5


def test_a_driver_that_breaks_is_not_started_in_a_circle(served: Served) -> None:
    """Twice as long a pause each time, and the other runs go on."""
    served.breaking.add("bad")
    served.begin("bad")
    served.begin("good")

    async def work() -> None:
        await served.until(lambda: served.state("good") == "succeeded", within_s=2)
        await served.until(lambda: len([run for run, _ in served.parts_asked if run == "bad"]) >= 6)

    served.during([served.serve()], work)
    times = [at for run, at in served.parts_asked if run == "bad"]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert [pause > 0.7 * 2**index for index, pause in enumerate(pauses)] == [True] * len(pauses)


def test_a_serve_that_stops_gives_its_runs_back(served: Served) -> None:
    """The leases are released and it is no serve any more, so that another one takes over at once."""
    served.begin("r1", wait_ms=600_000)
    first, second = served.serve("one"), served.serve("two")

    async def until_taken() -> None:
        await served.until(lambda: served.taken("r1"))
        now = served.bench.clock.wall_ms()
        assert [serve.name for serve in serves.alive(served.bench.journal, now, site=SITE)] == ["one"]
        assert first.health()["driving"] == ["r1"]
        assert first.health()["driving_works"] is True

    served.during([first], until_taken)
    lease = served.bench.journal.lease("r1")
    assert lease is not None
    assert lease.alive is False
    assert serves.alive(served.bench.journal, served.bench.clock.wall_ms()) == []

    async def until_again() -> None:
        await served.until(lambda: served.taken("r1") == ["one", "two"], within_s=2)

    served.during([second], until_again)


def test_a_journal_that_is_away_is_said_and_looked_for_again(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is away the serve says so; when it is back everything goes on."""

    class Away(MemoryJournal):
        away = True

        def rows(self, *, unfinished: bool = False, limit: int = 100) -> list[Any]:
            if self.away:
                raise JournalError("it is away")
            return super().rows(unfinished=unfinished, limit=limit)

        def keep(self, thing: Kept, *, only_new: bool = False) -> bool:
            if self.away:
                raise JournalError("it is away")
            return super().keep(thing, only_new=only_new)

    journal = Away(served.bench.store)
    made = served.serve(journal=journal)
    served.begin("r1")

    async def work() -> None:
        await served.until(lambda: made.trouble == "it is away")
        assert made.health()["driving_works"] is False
        journal.away = False
        await served.until(lambda: served.state("r1") == "succeeded", within_s=3)
        assert made.health()["trouble"] == ""

    served.during([made], work)


def test_a_serve_drives_so_many_and_no_more(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too much for it is left to the next one."""
    monkeypatch.setattr(serving_module, "RUNS_MAX", 3)
    runs = [f"run{number}" for number in range(6)]
    for run in runs:
        served.begin(run, wait_ms=600_000)

    async def work() -> None:
        await served.until(lambda: sum(bool(served.taken(run)) for run in runs) == 3)
        await asyncio.sleep(30)

    served.during([served.serve()], work)
    assert sum(bool(served.taken(run)) for run in runs) == 3
