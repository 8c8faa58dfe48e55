"""A driver stores a snapshot now and then; readers begin there, and whoever takes the run over does not."""

from __future__ import annotations

from typing import Any

import pytest

from relight.control.history import Following, load_run
from relight.drivers.live import snapshots
from relight.drivers.live.takeover import folded
from relight.journal.memory import MemoryJournal
from relight.journal.port import Batch
from relight.journal.snapshot import disagreement, encode_state, last_known
from relight.testing.outcomes import Hang


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot is due as soon as anything was written."""
    monkeypatch.setattr(snapshots, "BYTES_MIN", 1)


def slow_steps(bench: Any, count: int) -> Any:
    """Return a plan whose steps take longer than the time between two boards."""
    bench.world.usual["do"] = Slow(bench)
    return bench.plan([bench.step(f"step_{number}") for number in range(count)])


class Slow:
    """An outcome that takes a second."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    async def play(self, effect: Any) -> Any:
        import asyncio

        await asyncio.sleep(1)
        return effect()


@pytest.mark.usefixtures("often")
def test_a_driver_stores_snapshots(bench: Any) -> None:
    """What readers find is what the facts up to there make, and reading on from it is reading everything."""
    bench.drive(slow_steps(bench, 20))
    known = last_known(bench.journal, "r1")
    assert known is not None
    run, seq = known
    assert 10 < seq < len(bench.kinds())
    assert "" == disagreement(bench.journal, "r1")
    assert run.plan == load_run(bench.journal, "r1").plan
    whole = Following(bench.journal, "r1")
    assert len(bench.kinds()) == len(list(whole.news()))
    assert whole.run == load_run(bench.journal, "r1")


@pytest.mark.usefixtures("often")
def test_a_reader_reads_only_what_came_after(bench: Any) -> None:
    """The records before the snapshot are not decoded again."""
    bench.drive(slow_steps(bench, 20))
    known = last_known(bench.journal, "r1")
    assert known is not None
    following = Following.from_snapshot(bench.journal, "r1")
    news = [event.record.seq for event in following.news()]
    assert list(range(known[1] + 1, len(bench.kinds()) + 1)) == news


def test_a_short_run_needs_none(bench: Any) -> None:
    """Folding a few facts costs less than looking for anything else."""
    bench.drive(slow_steps(bench, 5))
    assert bench.journal.snapshot("r1") is None


def test_storing_is_a_small_share_of_the_writing(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often there would be time for it: several times a snapshot's size is written before the next."""
    monkeypatch.setattr(snapshots, "BYTES_MIN", 1)
    written: list[Batch] = []

    class Watched(MemoryJournal):
        def append(self, batches: Any) -> Any:
            written.extend(batches)
            return super().append(batches)

    bench.begin(slow_steps(bench, 60))
    bench.run(bench.driver(Watched(bench.store)).drive())
    since, last, stored = 0, 0, 0
    for batch in written:
        if batch.snapshot is not None:
            assert since >= snapshots.WEIGHT * last
            since, last, stored = 0, len(batch.snapshot), stored + 1
        else:
            since += sum(len(body) for _, body in batch.kinds_and_bodies)
    assert stored > 2
    assert not any(batch.urgent for batch in written if batch.snapshot is not None)


def test_who_takes_over_folds_the_facts(bench: Any) -> None:
    """A snapshot that lies deceives nobody who acts."""
    from dataclasses import replace

    bench.world.usual["do"] = Hang()
    bench.begin(bench.plan([bench.step("one"), bench.step("two")]))
    honest = load_run(bench.journal, "r1")
    hold = bench.journal.drive("r1", "liar", 1, 0)
    lie = encode_state(replace(honest, paused=True), 1)
    batch = Batch(run="r1", epoch=1, first_seq=2, snapshot=lie)
    assert [None] == bench.journal.append([batch])
    hold.release()
    assert load_run(bench.journal, "r1").paused
    assert (honest, 1, 1) == folded(bench.journal, "r1", bench.expression)
