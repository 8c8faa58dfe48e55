"""The inboxes of the runs that this process drives, watched for what other processes put there."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from relight.errors import JournalError
from relight.journal.port import Journal, Request

POLL_S = 0.02
"""Between two looks: half of what an approval may take, and a look costs ten microseconds."""


class Inboxes:
    """Looks into all inboxes when anybody wrote to the journal, and tells each driver what is new."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._tell: dict[str, Callable[[list[Request]], None]] = {}
        self._broken: dict[str, Callable[[BaseException], None]] = {}
        self._seen: int | None = None
        self._task: asyncio.Task[None] | None = None

    def open(self, run: str, tell: Callable[[list[Request]], None], broken: Callable[[BaseException], None]) -> None:
        """Tell *tell* of every request that waits for an answer, the known ones again with each look.

        *broken* hears of it if the looking itself breaks: a driver that hears nobody must not go on.
        """
        self._tell[run], self._broken[run] = tell, broken
        self._seen = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._watch())
            self._task.add_done_callback(self._ended)

    def look(self, run: str) -> None:
        """Tell that run's driver at once what waits in its inbox; quietly nothing where that cannot be read."""
        with suppress(JournalError):
            if (tell := self._tell.get(run)) is not None:
                tell(self._journal.pending(run))

    def close(self, run: str) -> None:
        """Look into that run's inbox no more."""
        self._tell.pop(run, None)
        self._broken.pop(run, None)
        if not self._tell and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(POLL_S)

    def _look(self) -> None:
        try:
            changes = self._journal.changes()
            if changes == self._seen:
                return
            for run, tell in list(self._tell.items()):
                tell(self._journal.pending(run))
            self._seen = changes
        except JournalError:
            # Whoever writes next hears of it, and says so; until then the inbox is looked at again.
            self._seen = None

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            for broken in list(self._broken.values()):
                broken(error)
