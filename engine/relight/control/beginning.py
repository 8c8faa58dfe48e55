"""Beginning a run: a plan becomes the first records in a journal, and from then on it can be driven."""

import secrets
import time

from relight.control.left import adopted_once, left_on
from relight.errors import NotNow, Taken
from relight.journal.codec import encode
from relight.journal.port import Journal, Row
from relight.kernel.decide import turn
from relight.kernel.inputs import Started
from relight.kernel.plan import Plan
from relight.kernel.state import Run

ID_BYTES = 4
"""Eight characters: three or four of them tell a team's runs apart, and all of them a company's."""
TRIES = 5


def begin_run(journal: Journal, plan: Plan, *, starter: str, door: str = "cli") -> Run:
    """Write the first records of a new run, claiming its locks, and return the run.

    What ended runs left in force on the site and the plan touches, it adopts; of two that begin at once, one does.

    Raises:
        Locked: another unfinished run holds one of the plan's locks; names it.
        NotNow: the plan undoes what an ended run left, and another run holds that now.
        JournalError: nothing was written.
    """
    for _ in range(TRIES - 1):
        try:
            return _begun(journal, plan, starter, door)
        except Taken:
            continue  # another run has just adopted it: what is left now is less
    return _begun(journal, plan, starter, door)


def _begun(journal: Journal, plan: Plan, starter: str, door: str) -> Run:
    at = time.time_ns() // 1_000_000
    run_id = _new_id(journal)
    ended = left_on(journal, plan.site).runs
    facts, run = turn(None, Started(at=at, t=0, run=run_id, plan=plan, starter=starter, door=door, after=ended))
    _holds_what_it_undoes(run)
    row = Row(
        run=run_id,
        runbook=plan.runbook,
        site=plan.site,
        state=run.state,
        started_at=at,
        ended_at=None,
        starter=starter,
        seq=len(facts),
    )
    bodies = [encode(fact, run=run_id, seq=seq, epoch=0) for seq, fact in enumerate(facts, 1)]
    journal.create(row, bodies, locks=plan.locks, once=adopted_once(facts, ended, run_id, at))
    return run


def _holds_what_it_undoes(run: Run) -> None:
    undone = [step.undoes for _, step in run.plan_index.values() if step.undoes is not None]
    for name in undone:
        if name not in run.plan_index and name not in run.adopted:
            raise NotNow(f"no ended run holds {name} any more, so nothing was begun", hint="relight effects")


def _new_id(journal: Journal) -> str:
    for _ in range(TRIES):
        run_id = secrets.token_hex(ID_BYTES)
        if not journal.find(run_id):
            return run_id
    return secrets.token_hex(2 * ID_BYTES)
