"""Writing down what one driver decides, and finding out whether it was written.

An append that fails may have been written all the same; then it is looked up, and never written again on a guess.
"""

import asyncio
from collections.abc import Callable, Sequence

from relight.drivers.drafting import Draft
from relight.drivers.live.batches import batch_of
from relight.drivers.live.board import Board
from relight.drivers.live.clerk import Clerk
from relight.drivers.live.clock import RunClock
from relight.drivers.live.log import Log
from relight.drivers.live.snapshots import Snapshots
from relight.errors import JournalError, StaleDriver
from relight.journal.port import Sample

SHOW_MS = 400
"""Between two boards for views while things go on; they draw no faster."""
SIGN_OF_LIFE_MS = 2_000
"""Between two boards when nothing happens: a view calls a driver silent after several times as long."""
AGAIN_S = 1.0
"""Before another try of what failed."""


class Writer:
    """Appends what one driver decides, in order, with what views are shown."""

    def __init__(
        self,
        clerk: Clerk,
        run: str,
        *,
        epoch: int,
        seq: int,
        snapshots: Snapshots,
        clock: RunClock,
        board: Board,
        samples: Callable[[], Sequence[Sample]],
        log: Log,
    ) -> None:
        self._clerk = clerk
        self._run = run
        self._epoch = epoch
        self._seq = seq
        self._snapshots = snapshots
        self._clock = clock
        self._board = board
        self._samples = samples
        self._log = log
        self._show_next = False
        self._shown_at_ms = 0

    def show(self) -> bool:
        """Show views the board with the next append if there is something to see, or it is time for a sign of life."""
        due = self._clock.t() - self._shown_at_ms >= SIGN_OF_LIFE_MS or self._snapshots.due
        self._show_next = self._show_next or self._board.changed or due
        return self._show_next

    async def write(self, draft: Draft) -> bool:
        """Append the draft; say whether it is on disk.

        Raises:
            StaleDriver: another driver has taken the run over; nothing was written.
        """
        show = self._show_next or (bool(draft.facts) and self._clock.t() - self._shown_at_ms >= SHOW_MS)
        if draft.empty and not show:
            return True
        self._show_next = False
        if show:
            self._shown_at_ms = self._clock.t()
        batch = batch_of(
            draft,
            epoch=self._epoch,
            first_seq=self._seq + 1,
            samples=self._samples() if show else (),
            live=self._board.put_up(self._clock.at()) if show else None,
        )
        if show:
            batch = self._snapshots.with_snapshot(batch, draft)
        try:
            await self._clerk.append(batch)
        except StaleDriver:
            raise
        except JournalError as error:
            self._board.trouble("journal", f"the journal cannot be written: {error.message}")
            self._log.event("cannot write", run=self._run, error=error.message)
            self._show_next = True
            if not draft.facts or not await self._is_on_disk():
                return draft.empty
        else:
            self._board.trouble("journal", "")
        self._snapshots.wrote(batch, draft)
        self._seq += len(draft.facts)
        return True

    async def _is_on_disk(self) -> bool:
        """Return whether an append whose end nobody heard of was written after all."""
        while True:
            try:
                return await self._clerk.run(lambda journal: any(journal.records(self._run, self._seq)))
            except JournalError:
                await asyncio.sleep(AGAIN_S)
