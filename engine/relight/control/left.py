"""What ended runs left in force on a site: found, told before a new run begins, and adopted by one run alone.

Nobody writes into a run that is over. That its effect is another run's now stands on a shelf of its own, put there in
the very transaction in which the other run begins, and in that run's first facts.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from relight.control.effects import left_entry
from relight.control.history import load_run
from relight.control.wording import now_ms
from relight.errors import JournalError
from relight.journal.codec import decode
from relight.journal.port import Journal, Kept, Row
from relight.kernel.adopting import everything_left
from relight.kernel.changing import evolved
from relight.kernel.facts import AnyFact, EffectAdopted, RunEnded
from relight.kernel.plan import Plan
from relight.kernel.state import Run

ROWS_MAX = 10_000
"""Runs of the journal that are looked at; of one that left nothing a single record is read."""
_SHELF = "adopted-from/"


class Left(NamedTuple):
    """The runs of a site that ended and hold something in force still, in the order in which they ended.

    *unread* are those that ended and cannot be read: what they left nobody knows, and no new run waits for that.
    """

    runs: tuple[Run, ...]
    unread: tuple[str, ...] = ()


def left_on(journal: Journal, site: str) -> Left:
    """Return what ended runs of that site left."""
    rows = [row for row in journal.rows(limit=ROWS_MAX) if row.site == site and row.ended_at is not None]
    runs, unread = [], []
    for row in sorted(rows, key=lambda row: row.ended_at or 0):
        try:
            run = still_holding(journal, load_run(journal, row.run)) if left_something(journal, row) else None
        except JournalError:
            unread.append(row.run)
        else:
            runs += [run] if run is not None and run.ledger else []
    return Left(tuple(runs), tuple(unread))


def left_something(journal: Journal, row: Row) -> bool:
    """Return whether a run that has ended left effects in force then; only its last record is read."""
    for record in journal.records(row.run, max(row.seq - 1, 0)):
        last = decode(record.body)
        return not isinstance(last, RunEnded) or bool(last.left)
    return False


def still_holding(journal: Journal, run: Run) -> Run:
    """Return a run, if it has ended without what another run holds now."""
    gone = holders(journal, run)
    if not gone:
        return run
    return evolved(run, ledger={key: entry for key, entry in run.ledger.items() if key not in gone})


def holders(journal: Journal, run: Run) -> dict[str, str]:
    """Return the effects that an ended run holds no longer, and the run that holds each now; empty: nobody does."""
    if run.outcome is None or not run.ledger:
        return {}
    return {kept.name: str(kept.body.get("run", "")) for kept in journal.kept(_SHELF + run.id, now_ms())}


def adopted_once(facts: Sequence[AnyFact], ended: Sequence[Run], run: str, at: int) -> list[Kept]:
    """Return what the journal keeps so that nobody else adopts the same."""
    keys = [fact.key for fact in facts if isinstance(fact, EffectAdopted)]
    return [
        Kept(shelf=_SHELF + each.id, name=key, at=at, body={"run": run})
        for each in ended
        for key in keys
        if key in each.ledger
    ]


def forget(journal: Journal, run: Run) -> None:
    """Have an ended run hold nothing any more, and nobody else either: what it changed is gone as a whole."""
    for key in run.ledger:
        journal.keep(Kept(shelf=_SHELF + run.id, name=key, at=now_ms(), body={}), only_new=True)


def left_document(journal: Journal | None, plan: Plan) -> dict[str, Any]:
    """Return the part of ``relight.plan/v1`` that is about ended runs: what a run adopts, and what else is in force."""
    try:
        ended, unread = left_on(journal, plan.site) if journal is not None else Left(())
    except JournalError:
        ended, unread = (), ()  # a plan can be read where the journal cannot
    runs = {run.id: run for run in ended}
    told = [left_entry(runs[each.holder], each) for each in everything_left(plan, ended)]
    return {
        "adopts": [each for each in told if each["touch"]],
        "still_in_force": [each for each in told if not each["touch"]],
        "left_unread": list(unread),
    }
