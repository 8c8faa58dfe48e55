"""When a driver stores a snapshot of its run, so that who looks at a long one need not fold all of it.

One is due when what was written since the last weighs several times as much as that one did: a state with few steps is
stored often, one with thousands seldom, and storing costs a small, steady share of the writing.
It goes with a board, a few times a second at most, and never with what may need the reserve of a full disk.
"""

from dataclasses import replace

from relight.drivers.drafting import Draft
from relight.drivers.live.log import Log
from relight.errors import JournalError
from relight.journal.port import Batch
from relight.journal.snapshot import encode_state
from relight.kernel.facts import PlanAmended

BYTES_MIN = 64 * 1024
"""Three hundred facts: folding them costs a reader twenty milliseconds, of the hundred that it takes in any case."""
WEIGHT = 4
"""Times its own size must have been written before the next one: so little of the writing are snapshots."""


class Snapshots:
    """Watches what one driver writes; *plan_seq* is the number of the record that holds the run's plan."""

    def __init__(self, plan_seq: int, log: Log) -> None:
        self._plan_seq = plan_seq
        self._log = log
        self._since = 0
        self._last = 0

    @property
    def due(self) -> bool:
        """Whether it is time for another one."""
        return self._since >= max(BYTES_MIN, WEIGHT * self._last)

    def with_snapshot(self, batch: Batch, draft: Draft) -> Batch:
        """Return the draft's batch with a snapshot, if one is due and the batch needs no reserve."""
        if batch.urgent or not self.due:
            return batch
        try:
            return replace(batch, snapshot=encode_state(draft.run, self._plan_after(draft, batch)))
        except JournalError as error:
            self._log.event("no snapshot", error=error.message)
            self._since = 0
            return batch

    def wrote(self, batch: Batch, draft: Draft) -> None:
        """Take note of what is on disk now."""
        self._plan_seq = self._plan_after(draft, batch)
        self._since += sum(len(body) for _, body in batch.kinds_and_bodies)
        if batch.snapshot is not None:
            self._since, self._last = 0, len(batch.snapshot)

    def _plan_after(self, draft: Draft, batch: Batch) -> int:
        seqs = (seq for seq, fact in enumerate(draft.facts, batch.first_seq) if isinstance(fact, PlanAmended))
        return max(seqs, default=self._plan_seq)
