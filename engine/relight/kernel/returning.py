"""What loosened protection and was never verified returns by itself, at once, to the last verified value.

Ramps that watch checks step back by themselves and are not returned here; nor is what only an abort leaves behind.
What does not belong here: how an undo goes on once it has begun (:mod:`relight.kernel.undoing`).
"""

from itertools import takewhile

from relight.kernel import facts as f
from relight.kernel.book import Book, find_hold
from relight.kernel.effects import is_lifted, layers, tighter
from relight.kernel.state import EffectEntry, Hold, Ramping, Run
from relight.kernel.undoing import begin_undo

_OF_STEP = ("step-failed", "step-unknown")


def advance(book: Book) -> bool:
    """Take back what the current stage loosened if the stage, the step or a guard says that it failed."""
    run = book.run
    if not run.ledger or run.undo is not None or run.current is None or find_hold(run, "undo-failed") is not None:
        return False
    what = loosened(run)
    if not what:
        return False
    holds = [hold for hold in run.holds if _is_about(hold, what)]
    why = [hold.text for hold in holds] or [
        f"guard {guard.check} is breached"
        for guard in run.plan.guards
        if guard.check in run.breached and guard.on_breach == "step_back"
    ]
    if not why:
        return False
    for hold in holds:
        if hold.code == "step-failed":
            continue  # it is left when there is nothing in force of the step any more
        # What it asked is answered: resume does the stage's step again, and verifies it anew.
        book.say(f.HoldLeft, code=hold.code, stage=hold.stage, step=hold.step, verb="return")
    begin_undo(book, what, then="hold", why=why[0])
    return True


def _is_about(hold: Hold, what: list[EffectEntry]) -> bool:
    if hold.code in _OF_STEP:
        return any(hold.step == entry.step for entry in what)
    return hold.code == "verify-failed"


def loosened(run: Run) -> list[EffectEntry]:
    """Return what the current stage loosened and nobody verified, last in first out."""
    return [
        entry
        for top in reversed(run.ledger.values())
        for entry in takewhile(lambda layer: _returns(run, layer), layers(top))
    ]


def _returns(run: Run, entry: EffectEntry) -> bool:
    if entry.stage != run.stage.id or not entry.loosens or entry.prior is None or _sees_to_itself(run, entry.step):
        return False
    if entry.undo is None or entry.undo_ask or not (entry.sure or entry.undo.idempotent):
        return False
    return is_lifted(run, entry) or not tighter(entry.prior, entry.value)


def _sees_to_itself(run: Run, step_id: str) -> bool:
    """Return whether it is a ramp that verifies its values one by one, or that is still under way."""
    ramp, record = run.step_of(step_id).ramp, run.steps.get(step_id)
    under_way = record is not None and isinstance(record.state, Ramping)  # an undo back to its stage forgets a record
    return ramp is not None and (bool(ramp.checks) or under_way)
