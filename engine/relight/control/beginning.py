"""Beginning a run: a plan becomes one record in a journal, and from then on it can be driven."""

import secrets
import time

from relight.journal.codec import encode
from relight.journal.port import Journal, Row
from relight.kernel.decide import decide
from relight.kernel.evolve import evolve
from relight.kernel.inputs import Started
from relight.kernel.plan import Plan
from relight.kernel.state import Run

ID_BYTES = 4
"""Eight characters: three or four of them tell a team's runs apart, and all of them a company's."""
TRIES = 5


def begin_run(journal: Journal, plan: Plan, *, starter: str, door: str = "cli") -> Run:
    """Write the first record of a new run, claiming its locks, and return the run.

    Raises:
        Locked: another unfinished run holds one of the plan's locks; names it.
        JournalError: nothing was written.
    """
    at = time.time_ns() // 1_000_000
    run_id = _new_id(journal)
    run: Run | None = None
    bodies = []
    for seq, fact in enumerate(decide(None, Started(at=at, t=0, run=run_id, plan=plan, starter=starter, door=door)), 1):
        run = evolve(run, fact)
        bodies.append(encode(fact, run=run_id, seq=seq, epoch=0))
    assert run is not None, "a run begins with a fact"
    row = Row(
        run=run_id,
        runbook=plan.runbook,
        site=plan.site,
        state=run.state,
        started_at=at,
        ended_at=None,
        starter=starter,
        seq=len(bodies),
    )
    journal.create(row, bodies, locks=plan.locks)
    return run


def _new_id(journal: Journal) -> str:
    for _ in range(TRIES):
        run_id = secrets.token_hex(ID_BYTES)
        if not journal.find(run_id):
            return run_id
    return secrets.token_hex(2 * ID_BYTES)
