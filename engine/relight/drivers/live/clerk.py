"""The clerk: the one in this process who touches the journal, for all the runs that it drives.

Appends that wait at the same time become one transaction (group commit).
While the disk is quick the clerk writes in the event loop, because handing a commit to a thread and back costs a third
of the commit itself; as soon as one write was slow it goes on in a thread of its own, so that a stalling disk stalls
neither the actions under way nor the other runs. The journal is never in two hands at once.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from relight.journal.port import Batch, Journal

T = TypeVar("T")

QUICK_S = 0.005
"""A write that takes longer goes to the thread the next time: five milliseconds is what other work may be kept waiting,
and fifty times what the handing over costs."""
GROUP_MAX = 64
"""Batches in one transaction; more of them would make the first wait for the last."""


class Clerk:
    """Writes and reads *journal*, one thing at a time; *appended* hears how long each append took, in seconds."""

    def __init__(self, journal: Journal, *, appended: Callable[[float], None] | None = None) -> None:
        self.journal = journal
        self._appended = appended
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="relight-clerk")
        self._out = 0
        self._last_s = 0.0
        self._waiting: list[tuple[Batch, asyncio.Future[None]]] = []
        self._writing = False
        self._errand: asyncio.Task[None] | None = None
        self._writers = 0

    def join(self) -> None:
        """Be one more who appends; until the second one comes nobody waits for company."""
        self._writers += 1

    def leave(self) -> None:
        """Append no more."""
        self._writers -= 1

    async def append(self, batch: Batch) -> None:
        """Append *batch*; on disk when it returns.

        Raises:
            StaleDriver: another driver has taken the run over; nothing was written.
            JournalError: nothing was written.
        """
        if self._writers < 2 and not self._writing and self._inline:
            # Nobody else could come along, so nothing is gained by waiting for them.
            _raise(self._outcomes([batch])[0])
            return
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append((batch, written))
        if not self._writing:
            self._writing = True
            # Not at once: whoever else has something ready in this turn of the loop comes along.
            loop.call_soon(self._write_waiting)
        await written

    async def run(self, work: Callable[[Journal], T]) -> T:
        """Return what *work* returns; it has the journal to itself."""
        if self._inline:
            return self._timed(work)
        self._out += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._timed, work)
        finally:
            self._out -= 1

    @property
    def idle(self) -> bool:
        """Whether nobody has the journal now, so that a short look at it keeps nobody waiting."""
        return not self._out

    def close(self) -> None:
        """Finish what is being written and let go of the thread; the journal stays open."""
        self._thread.shutdown(wait=True)

    @property
    def _inline(self) -> bool:
        return not self._out and self._last_s < QUICK_S

    def _timed(self, work: Callable[[Journal], T]) -> T:
        began = time.perf_counter()
        try:
            return work(self.journal)
        finally:
            self._last_s = time.perf_counter() - began

    def _write_waiting(self) -> None:
        if not self._inline:
            self._errand = asyncio.get_running_loop().create_task(self._write_in_thread())
            return
        group = self._next_group()
        self._tell(group, self._outcomes([batch for batch, _ in group]))

    async def _write_in_thread(self) -> None:
        group = self._next_group()
        batches = [batch for batch, _ in group]
        self._out += 1
        try:
            outcomes = await asyncio.get_running_loop().run_in_executor(self._thread, self._outcomes, batches)
        finally:
            self._out -= 1
        self._tell(group, outcomes)

    def _outcomes(self, batches: list[Batch]) -> list[Exception | None]:
        try:
            outcomes = self._timed(lambda journal: journal.append(batches))
            if self._appended is not None:
                self._appended(self._last_s)
            return outcomes
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the appenders' to handle
            return [error] * len(batches)

    def _next_group(self) -> list[tuple[Batch, asyncio.Future[None]]]:
        group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
        return group

    def _tell(self, group: list[tuple[Batch, asyncio.Future[None]]], outcomes: list[Exception | None]) -> None:
        for (_, written), outcome in zip(group, outcomes, strict=True):
            if written.done():
                continue
            if outcome is None:
                written.set_result(None)
            else:
                written.set_exception(outcome)
        self._writing = bool(self._waiting)
        if self._writing:
            asyncio.get_running_loop().call_soon(self._write_waiting)


def _raise(outcome: Exception | None) -> None:
    if outcome is not None:
        raise outcome
