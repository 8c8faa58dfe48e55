"""What happens in runs, told to everybody who looks: one reader of the journal a run, however many listen.

A listener that is too slow is let go; it comes again and says where it was.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import NamedTuple

from relight.control.history import Following, log_entry
from relight.errors import JournalError
from relight.journal.port import Journal

POLL_S = 0.1
"""Between two looks whether anybody wrote: what a person takes for at once."""
LOOK_ANYWAY_S = 1.0
RECENT_MAX = 20_000
"""Told facts kept in memory while anybody listens, ten megabytes: a run has a few thousand, so that whoever comes, or
comes again, needs no reading of the journal."""
BEHIND_MAX = 1_024
"""Facts that wait for one listener; one that is further behind reads them from the journal when it comes again."""
QUIET_S = 15.0
"""Proxies close what is silent for a minute."""


class Told(NamedTuple):
    """One fact as it is told: *data* is ``relight.log/v1``, written once for all who listen; *last* when it is over."""

    seq: int
    data: bytes
    last: bool


_NO_MORE = Told(-1, b"", True)


class TooSlow(Exception):
    """This listener is too far behind; it may come again."""


class Feeds:
    """The feeds of one journal handle; belongs to one event loop."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._feeds: dict[str, _Feed] = {}
        self._watching: asyncio.Task[None] | None = None
        self._closed = False

    def close(self) -> None:
        """End whatever is told now: listeners hear no more, and come again by themselves."""
        self._closed = True
        for feed in self._feeds.values():
            feed.end()

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return sum(len(feed.queues) for feed in self._feeds.values())

    async def follow(self, run: str, after: int = 0) -> AsyncIterator[Told | None]:
        """Yield what is recorded of *run* above number *after*, then what happens, until it is over.

        None is yielded when nothing happened for a while, so that whoever passes it on can say that it lives.

        Raises:
            TooSlow: more has happened than this listener took.
        """
        feed = self._feeds.setdefault(run, _Feed(self._journal, run))
        queue: asyncio.Queue[Told] = asyncio.Queue(BEHIND_MAX)
        feed.queues.add(queue)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._watch())
        try:
            async for told in self._all(feed, queue, after):
                yield told
        finally:
            feed.queues.discard(queue)
            if not feed.queues:
                self._feeds.pop(run, None)

    async def _all(self, feed: "_Feed", queue: "asyncio.Queue[Told]", after: int) -> AsyncIterator[Told | None]:
        await feed.begin()
        # What is told from now on goes into the queue; what was before comes from memory, or from the journal.
        for told in await feed.between(after):
            yield told
            after = told.seq
            if told.last:
                return
        while queue not in feed.dropped and not self._closed:
            try:
                news = await asyncio.wait_for(queue.get(), QUIET_S)
            except TimeoutError:
                yield None
                continue
            if news.seq > after:
                yield news
                after = news.seq
            if news.last:
                return
        if self._closed:
            return
        feed.dropped.discard(queue)
        raise TooSlow

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        seen, looked = -1, 0.0
        while self._feeds and not self._closed:
            try:
                changes = self._journal.changes()
                if changes != seen or loop.time() - looked > LOOK_ANYWAY_S:
                    seen, looked = changes, loop.time()
                    for feed in list(self._feeds.values()):
                        await feed.read()
            except JournalError:
                # The journal is away: who listens hears nothing for a while, and then all of it.
                seen = -1
            await asyncio.sleep(POLL_S)


class _Feed:
    def __init__(self, journal: Journal, run: str) -> None:
        self.queues: set[asyncio.Queue[Told]] = set()
        self.dropped: set[asyncio.Queue[Told]] = set()
        self._following = Following(journal, run)
        self._recent: deque[Told] = deque(maxlen=RECENT_MAX)
        self._reading = asyncio.Lock()
        self._begun = False

    async def begin(self) -> None:
        """Read all that there is, for the first who listens; for those who come later it was read."""
        async with self._reading:
            if not self._begun:
                self._begun = True
                self._recent.extend(await asyncio.to_thread(self._news))

    def end(self) -> None:
        """Tell all who listen that this was the last."""
        for queue in list(self.queues):
            self._tell(queue, _NO_MORE)

    async def read(self) -> None:
        """Read what is new and tell it."""
        async with self._reading:
            for told in await asyncio.to_thread(self._news):
                self._recent.append(told)
                for queue in list(self.queues):
                    self._tell(queue, told)

    def _tell(self, queue: "asyncio.Queue[Told]", told: Told) -> None:
        try:
            queue.put_nowait(told)
        except asyncio.QueueFull:
            self.queues.discard(queue)
            self.dropped.add(queue)

    async def between(self, after: int) -> list[Told]:
        """Return what was told above number *after*."""
        recent = list(self._recent)
        if not recent or recent[0].seq <= after + 1:
            return [told for told in recent if told.seq > after]
        return await asyncio.to_thread(self._from_journal, after, recent[-1].seq)

    def _news(self) -> list[Told]:
        return [
            Told(event.record.seq, _bytes(log_entry(event)), event.run.outcome is not None)
            for event in self._following.news()
        ]

    def _from_journal(self, after: int, up_to: int) -> list[Told]:
        again = Following(self._following.journal, self._following.run_id)
        return [
            Told(event.record.seq, _bytes(log_entry(event)), event.run.outcome is not None)
            for event in again.news()
            if after < event.record.seq <= up_to
        ]


def _bytes(entry: object) -> bytes:
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=True).encode()
