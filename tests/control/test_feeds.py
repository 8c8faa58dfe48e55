"""One reader of the journal a run, however many listen, and each hears everything once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

import pytest

from relight.control import feeds as feeds_module
from relight.control.feeds import Feeds, Told, TooSlow
from relight.errors import JournalError
from relight.journal.memory import MemoryJournal, MemoryStore
from relight.journal.port import Record

VIEWERS = 1_000
WITHIN_S = 30


class Counting(MemoryJournal):
    """Another process's handle, which counts how often records are read, and may be away."""

    reads = 0
    away = False

    def records(self, run: str, after: int = 0, *, kinds: Any = ()) -> Iterator[Record]:
        """Read, and count."""
        self.reads += 1
        return super().records(run, after, kinds=kinds)

    def changes(self) -> int:
        """Tell, unless it is away."""
        if self.away:
            raise JournalError("it is away")
        return super().changes()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def tale(tales: ModuleType, store: MemoryStore) -> Any:
    return tales.Tale(journal=MemoryJournal(store))


async def heard(feeds: Feeds, run: str, until: int, after: int = 0, numbers: list[int] | None = None) -> list[int]:
    """Return the numbers of what is told above *after*, until the record *until* or the end; *numbers* grows."""
    numbers = [] if numbers is None else numbers
    async for told in feeds.follow(run, after):
        if told is not None:
            assert json.loads(told.data)["seq"] == told.seq
            numbers.append(told.seq)
            if told.seq >= until:
                return numbers
    return numbers


async def listening(feeds: Feeds, count: int) -> None:
    """Wait until so many listen."""
    async with asyncio.timeout(WITHIN_S):
        while feeds.listeners != count:  # noqa: ASYNC110 - what others do is looked at
            await asyncio.sleep(0.01)


async def test_a_thousand_viewers_cost_one_reader(tale: Any, store: MemoryStore) -> None:
    """Each hears every record once and in order, and the journal is read once for all of them."""
    journal = Counting(store)
    feeds = Feeds(journal)
    before = tale.seq
    tale.done()
    last = tale.seq + 2
    viewers = [asyncio.create_task(heard(feeds, tale.id, last)) for _ in range(VIEWERS)]
    await listening(feeds, VIEWERS)
    reads = journal.reads
    assert reads <= 2
    tale.asks("ana", "note", value="one").asks("ana", "note", value="two")
    async with asyncio.timeout(WITHIN_S):
        found = await asyncio.gather(*viewers)
    assert found == [list(range(1, tale.seq + 1))] * VIEWERS
    assert before < last == tale.seq
    assert journal.reads - reads <= 3
    assert feeds.listeners == 0


async def test_whoever_comes_again_goes_on_where_they_were(tale: Any, store: MemoryStore) -> None:
    """Above the number that they name, from memory while others listen."""
    tale.done()
    feeds = Feeds(Counting(store))
    staying = asyncio.create_task(heard(feeds, tale.id, tale.seq + 1))
    await listening(feeds, 1)
    assert await heard(feeds, tale.id, tale.seq, after=2) == list(range(3, tale.seq + 1))
    tale.asks("ana", "note", value="enough")
    async with asyncio.timeout(WITHIN_S):
        assert (await staying)[-1] == tale.seq


async def test_a_run_that_is_over_ends_its_streams(tale: Any, store: MemoryStore) -> None:
    """The last record is told, and then there is nothing to wait for."""
    feeds = Feeds(Counting(store))
    viewer = asyncio.create_task(heard(feeds, tale.id, 10_000))
    await listening(feeds, 1)
    tale.ended()
    async with asyncio.timeout(WITHIN_S):
        assert (await viewer)[-1] == tale.seq
        assert await heard(feeds, tale.id, 10_000) == list(range(1, tale.seq + 1))


async def test_a_viewer_who_is_too_slow_is_let_go(
    tale: Any, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others go on, and the slow one may come again."""
    monkeypatch.setattr(feeds_module, "BEHIND_MAX", 3)
    feeds = Feeds(Counting(store))
    slow = feeds.follow(tale.id, tale.seq - 1)
    told = await anext(slow)
    assert told is not None
    numbers: list[int] = []
    quick = asyncio.create_task(heard(feeds, tale.id, tale.seq + 6, after=tale.seq, numbers=numbers))
    await listening(feeds, 2)
    for count in range(1, 7):
        tale.asks("ana", "note", value=f"note {count}")
        # One by one: who listens keeps up with that.
        async with asyncio.timeout(WITHIN_S):
            while len(numbers) < count:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    assert await quick == list(range(told.seq + 1, tale.seq + 1))
    with pytest.raises(TooSlow):
        await rest(slow)
    assert await heard(feeds, tale.id, tale.seq, after=told.seq) == list(range(told.seq + 1, tale.seq + 1))


async def rest(stream: AsyncIterator[Told | None]) -> None:
    """Listen until the end."""
    async for _ in stream:
        pass


async def test_a_quiet_run_and_a_journal_that_is_away_lose_nobody(
    tale: Any, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence is told as silence; when the journal is back, everything that was missed is told."""
    monkeypatch.setattr(feeds_module, "QUIET_S", 0.02)
    journal = Counting(store)
    feeds = Feeds(journal)
    stream = feeds.follow(tale.id, tale.seq)
    assert await anext(stream) is None
    journal.away = True
    tale.asks("ana", "note", value="unheard")
    assert await anext(stream) is None
    journal.away = False
    async with asyncio.timeout(WITHIN_S):
        async for told in stream:
            if told is not None:
                break
    assert told is not None
    assert told.seq == tale.seq
