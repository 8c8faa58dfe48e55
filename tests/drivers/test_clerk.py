"""The clerk: one writer, group commit, and a disk that may be slow or full."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from relight.drivers.live import clerk as clerks
from relight.drivers.live.clerk import GROUP_MAX, QUICK_S, Clerk
from relight.errors import JournalError, StaleDriver
from relight.journal.port import Batch


class Disk:
    """A journal of which only the writing matters, and the clock that says how long a write took."""

    def __init__(self) -> None:
        self.now = 0.0
        self.begun = threading.Event()
        self.held: threading.Event | None = None
        self.groups: list[list[str]] = []
        self.threads: list[str] = []
        self.slow_s = 0.0
        self.errors: list[Exception | None] = []
        self.outcome: dict[str, Exception] = {}

    def append(self, batches: Any) -> list[Exception | None]:
        self.threads.append(threading.current_thread().name)
        self.now += self.slow_s
        if self.held is not None:
            self.begun.set()
            assert self.held.wait(30), "the loop stands still"
        if self.errors and (error := self.errors.pop(0)):
            raise error
        self.groups.append([batch.run for batch in batches])
        return [self.outcome.get(batch.run) for batch in batches]

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk whose slowness is its own alone, however busy the machine is."""
    made = Disk()
    monkeypatch.setattr(clerks, "time", made)
    return made


def shared(disk: Disk) -> Clerk:
    """A clerk of two runs: with one alone there is no group to wait for."""
    clerk = Clerk(disk)  # type: ignore[arg-type]
    clerk.join()
    clerk.join()
    return clerk


def batch(run: str) -> Batch:
    return Batch(run=run, epoch=1, first_seq=1)


async def test_what_waits_together_is_one_transaction(disk: Disk) -> None:
    """Appends of one turn of the loop are written together, in their order."""
    clerk = shared(disk)
    await asyncio.gather(*(clerk.append(batch(f"r{number}")) for number in range(10)))
    assert [[f"r{number}" for number in range(10)]] == disk.groups
    clerk.close()


async def test_a_group_has_an_end(disk: Disk) -> None:
    """However many wait, the first does not wait for the last."""
    clerk = shared(disk)
    await asyncio.gather(*(clerk.append(batch(f"r{number}")) for number in range(GROUP_MAX + 5)))
    assert [GROUP_MAX, 5] == [len(group) for group in disk.groups]
    clerk.close()


async def test_a_slow_disk_does_not_stop_the_loop(disk: Disk) -> None:
    """After one slow write the next ones are in a thread, and what comes meanwhile becomes one group."""
    clerk = shared(disk)
    disk.slow_s = QUICK_S * 4
    await clerk.append(batch("first"))
    disk.held = threading.Event()
    writing = asyncio.ensure_future(clerk.append(batch("second")))
    assert await asyncio.to_thread(disk.begun.wait, 30)
    others = asyncio.gather(*(clerk.append(batch(name)) for name in ("third", "fourth")))
    await asyncio.sleep(0)
    disk.held.set()
    await writing
    await others
    assert [["first"], ["second"], ["third", "fourth"]] == disk.groups
    assert ["MainThread", "relight-clerk_0", "relight-clerk_0"] == disk.threads
    clerk.close()


async def test_a_quick_disk_is_written_to_at_once_again(disk: Disk) -> None:
    """A disk that has recovered is believed after one quick write."""
    clerk = shared(disk)
    disk.slow_s = QUICK_S * 4
    await clerk.append(batch("slow"))
    disk.slow_s = 0.0
    await clerk.append(batch("quick, in the thread"))
    await clerk.append(batch("quick"))
    assert ["MainThread", "relight-clerk_0", "MainThread"] == disk.threads
    clerk.close()


@pytest.mark.parametrize("slow_s", [0.0, QUICK_S * 4])
async def test_a_refused_batch_is_alone_and_a_failed_write_is_everybodys(disk: Disk, slow_s: float) -> None:
    """A stale driver hears of it, and the others are written; a full disk is told to all."""
    disk.slow_s = slow_s
    clerk = shared(disk)
    await clerk.append(batch("warm"))
    disk.outcome["b"] = StaleDriver("taken over")
    a, b = await asyncio.gather(clerk.append(batch("a")), clerk.append(batch("b")), return_exceptions=True)
    assert a is None
    assert isinstance(b, StaleDriver)
    disk.errors = [JournalError("the disk is full")]
    outcomes = await asyncio.gather(clerk.append(batch("c")), clerk.append(batch("d")), return_exceptions=True)
    assert [JournalError, JournalError] == [type(outcome) for outcome in outcomes]
    await clerk.append(batch("e"))
    assert ["e"] == disk.groups[-1]
    clerk.close()


async def test_an_errand_has_the_journal_to_itself(disk: Disk) -> None:
    """Nothing is written while somebody else has the journal in hand."""
    clerk = shared(disk)
    disk.slow_s = QUICK_S * 4
    await clerk.append(batch("slow"))
    disk.slow_s = 0.0
    order: list[str] = []

    def errand(_journal: Any) -> None:
        time.sleep(0.02)
        order.append("errand")

    async def write() -> None:
        await clerk.append(batch("a"))
        order.append("written")

    running = asyncio.ensure_future(clerk.run(errand))
    await asyncio.sleep(0)
    await asyncio.gather(running, write())
    assert ["errand", "written"] == order
    clerk.close()


async def test_one_run_alone_waits_for_nobody(disk: Disk) -> None:
    """Its append is on disk before anything else in the process gets a turn; errors are its own."""
    clerk = Clerk(disk)  # type: ignore[arg-type]
    clerk.join()
    order: list[str] = []
    asyncio.get_running_loop().call_soon(order.append, "others")
    await clerk.append(batch("a"))
    order.append("written")
    assert ["written"] == order
    disk.errors = [JournalError("the disk is full")]
    with pytest.raises(JournalError, match="full"):
        await clerk.append(batch("b"))
    disk.outcome["c"] = StaleDriver("taken over")
    with pytest.raises(StaleDriver):
        await clerk.append(batch("c"))
    clerk.close()
