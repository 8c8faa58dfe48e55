"""Making a plan a run: the first fact and the named locks, in one transaction."""

from relight.journal.codec import encode
from relight.journal.port import Journal, Row
from relight.kernel.decide import turn
from relight.kernel.inputs import Started
from relight.kernel.plan import Plan


def begin_run(journal: Journal, plan: Plan, *, run: str, starter: str, door: str, at: int) -> None:
    """Begin *run* at wall time *at*; it waits for a driver then.

    Raises:
        Locked: another unfinished run holds one of the plan's locks.
        JournalError: there is a run of that id, or nothing can be written; nothing was.
    """
    facts, begun = turn(None, Started(at=at, t=0, run=run, plan=plan, starter=starter, door=door))
    row = Row(
        run=run,
        runbook=plan.runbook,
        site=plan.site,
        state=begun.state,
        started_at=at,
        ended_at=None,
        starter=starter,
        seq=len(facts),
    )
    bodies = [encode(fact, run=run, seq=seq, epoch=0) for seq, fact in enumerate(facts, 1)]
    journal.create(row, bodies, locks=plan.locks)
