"""The verbs that are about steps: retry, skip, mark, ramp, undo."""

from relight.errors import NotNow
from relight.kernel import facts as f
from relight.kernel import fanning, fitting, ramping
from relight.kernel.authority import permit
from relight.kernel.book import Book, find_hold
from relight.kernel.choices import open_ways
from relight.kernel.effects import down_to, to_undo
from relight.kernel.holds import HOLDS, UNDO_HOLDS
from relight.kernel.inputs import Asked
from relight.kernel.outcomes import clear_neutral, hold_failed, in_force_after_all, settle, take_effect
from relight.kernel.plan import Stage, Step
from relight.kernel.state import (
    Done,
    Failed,
    Fanning,
    Hold,
    Manual,
    Ramping,
    Run,
    Unknown,
)
from relight.kernel.undoing import begin_undo

BEGUN_AGAIN = ("step-failed", "expression-failed")
"""Holds whose ``retry`` begins the step itself again; the others only look again."""


def leave(book: Book, hold: Hold, asked: Asked) -> None:
    """End a hold because of what a person asked."""
    book.say(
        f.HoldLeft,
        code=hold.code,
        stage=hold.stage,
        step=hold.step,
        verb=asked.verb,
        person=asked.person,
        reason=asked.reason,
    )


def leave_about(book: Book, asked: Asked, step: Step) -> None:
    """End every hold that is about this step, but for what was undone: only ``resume`` says what becomes of that."""
    for hold in book.run.holds:
        if hold.step == step.id and hold.code not in UNDO_HOLDS:
            leave(book, hold, asked)


def holds_open_to(run: Run, verb: str, subject: str = "") -> list[Hold]:
    """Return the holds that this verb ends, and that are about *subject* where one is given."""
    return [
        hold
        for hold in run.holds
        if subject in ("", hold.step, hold.subject, hold.stage)
        and any(way.verb == verb for way in open_ways(run, hold))
    ]


def _fits(refusal: NotNow | None) -> None:
    if refusal is not None:
        raise refusal


def _known_step(run: Run, step_id: str) -> Step:
    _fits(fitting.no_step(run, step_id))
    return run.step_of(step_id)


# ---- retry


def retry(book: Book, asked: Asked) -> None:
    """Try again what failed, or look again at what could not be read."""
    permit(book.run, asked.person, "known", "retry")
    holds = holds_open_to(book.run, "retry", asked.subject)
    if not holds:
        raise _nothing_to_retry(book.run, asked.subject)
    hold = holds[0]
    leave(book, hold, asked)
    if hold.code in BEGUN_AGAIN and hold.step:
        book.say(f.StepReopened, step=hold.step, person=asked.person)
    elif hold.code == "undo-failed":
        _undo_again(book, asked)


def _nothing_to_retry(run: Run, subject: str) -> NotNow:
    for hold in run.holds:
        if subject in ("", hold.step, hold.subject, hold.stage):
            means = HOLDS[hold.code].means
            return NotNow(f"retry is no way out of this: {means}", hint=f"relight why {run.id[:8]} lists the ways on")
    about = f" of {subject}" if subject else ""
    return NotNow(f"nothing holds{about}, so there is nothing to try again", hint=f"relight why {run.id[:8]}")


def _undo_again(book: Book, asked: Asked) -> None:
    before = book.run.undo_before
    assert before is not None, "an undo that failed was one"
    what = [entry for entry in to_undo(book.run) if entry.key in before.failed]
    begin_undo(book, what, then="hold", step=before.step, back_to=before.back_to, person=asked.person)


def reopen_undone(book: Book, asked: Asked) -> None:
    """Send the steps of the current stage that a person had undone back to their beginning."""
    before, stage = book.run.undo_before, book.run.current
    undone = before.steps if before is not None else ()
    for step in stage.steps if stage is not None else ():
        record = book.run.steps.get(step.id)
        if step.id in undone and record is not None and record.state == Done(outcome="undone"):
            book.say(f.StepReopened, step=step.id, person=asked.person)


# ---- skip


def skip_step(book: Book, asked: Asked) -> None:
    """Leave a step out that holds, waits or has not begun its next attempt."""
    step = _known_step(book.run, asked.subject)
    _fits(fitting.skipping_step(book.run, step.id))
    leave_about(book, asked, step)
    book.say(f.StepSkipped, step=step.id, why="a person skipped it", person=asked.person, reason=asked.reason)


def waivable(run: Run, subject: str) -> list[Hold]:
    """Return the holds about the stage itself that a person's word ends."""
    return [hold for hold in holds_open_to(run, "skip", subject) if not hold.step]


def waive(book: Book, asked: Asked, stage: Stage) -> None:
    """Take a person's word that a stage is done, where its checks fail or are blind."""
    holds = waivable(book.run, asked.subject)
    if not holds:
        raise NotNow(f"nothing here can be skipped by the name {asked.subject or stage.id}")
    waived = {hold.subject: asked.reason for hold in holds}
    for hold in holds:
        leave(book, hold, asked)
    clear_neutral(book)
    book.say(f.StageVerified, stage=stage.id, readings={"waived": waived}, person=asked.person, reason=asked.reason)


# ---- mark


def mark(book: Book, asked: Asked) -> None:
    """Record what became of a step: an unknown one, a manual task, or one that was done by hand after it failed."""
    permit(book.run, asked.person, "known", "mark")
    if asked.value not in ("done", "not-done"):
        raise NotNow(f"{asked.value!r} is neither done nor not-done")
    step = _known_step(book.run, asked.subject)
    record = book.run.steps.get(step.id)
    done = asked.value == "done"
    _fits(fitting.marking(book.run, step.id, asked.value))
    match record.state if record is not None else None:
        case Manual():
            _mark_manual(book, asked, step, done)
        case Unknown() as state:
            leave_about(book, asked, step)
            settle(book, step, state.lost, done=done, by="person", person=asked.person, reason=asked.reason)
        case Fanning() as fan if fan.lost is not None:
            leave_about(book, asked, step)
            fanning.settle(book, step, fan, done=done, by="person", person=asked.person, reason=asked.reason)
        case Failed() | Fanning() | Ramping() if done and fitting.held_failed(book.run, step.id):
            _mark_done_by_hand(book, asked, step)
        case _:
            _mark_effect(book, asked, step, done)


def _mark_manual(book: Book, asked: Asked, step: Step, done: bool) -> None:
    if done:
        book.say(f.StepSucceeded, step=step.id, dispatch=0, result={"by": asked.person, "note": asked.reason})
        return
    error = f"{asked.person} marked it not done" + (f": {asked.reason}" if asked.reason else "")
    book.say(f.StepFailed, step=step.id, dispatch=0, error=error)
    hold_failed(book, step, error)


def _mark_done_by_hand(book: Book, asked: Asked, step: Step) -> None:
    """Record it as done and enter what was done by hand into the ledger, as if the step had done it."""
    by_hand = None if step.use is None or step.ramp is not None else fitting.by_hand(book.run, step)
    leave_about(book, asked, step)
    book.say(f.StepSettled, step=step.id, dispatch=0, done=True, by="person", person=asked.person, reason=asked.reason)
    if by_hand is not None:
        take_effect(book, step, by_hand, targets=by_hand.targets)
    if step.undoes is not None:
        for entry in down_to(book.run, step.undoes):
            book.say(f.EffectCleared, key=entry.key, why=f"{asked.person} undid it by hand")


def _mark_effect(book: Book, asked: Asked, step: Step, done: bool) -> None:
    """Settle an effect of which nobody knows whether it is in force: its undo was lost, or the attempt before last."""
    for entry in book.run.ledger.values():
        if entry.step != step.id or entry.sure:
            continue
        if done:
            in_force_after_all(book, entry)
        else:
            why = f"{asked.person} says that it is not"
            book.say(f.EffectCleared, key=entry.key, why=why, never=not entry.undo_lost)


# ---- ramp


def ramp(book: Book, asked: Asked) -> None:
    """Steer the ramps under way, or the one that is named: less exposure needs nobody's leave."""
    if asked.value == "up":
        permit(book.run, asked.person, "known", "raise a ramp")
    held = asked.value == "up" and bool(holds_open_to(book.run, "ramp", asked.subject))
    _fits(fitting.steering(book.run, asked.value, asked.subject, held=held))
    undone = book.run.undo.layers if book.run.undo is not None else ()
    ramps = [item for item in ramping.ramps(book.run) if asked.subject in ("", item[0].id) and item[0].id not in undone]
    for step, state in ramps:
        if asked.value in ("floor", "down") and state.position:
            position = 0 if asked.value == "floor" else state.position - 1
            ramping.down(book, step, state, position, f"{asked.person} said {asked.value}", counted=False)
        if asked.value == "up":
            for hold in holds_open_to(book.run, "ramp", step.id):
                leave(book, hold, asked)
        if asked.value != "down":
            book.say(f.RampSteered, step=step.id, stay=asked.value != "up", person=asked.person)


# ---- undo


def undo(book: Book, asked: Asked) -> None:
    """Reverse a step's effect, or all effects back to the start of a stage (``value`` names it)."""
    permit(book.run, asked.person, "known", "undo")
    if asked.value:
        _undo_to(book, asked)
        return
    step = _known_step(book.run, asked.subject)
    _fits(fitting.undoing(book.run, step.id))
    # What else the run holds for about the step is answered when it is undone.
    for code in ("step-unknown", "undo-failed"):
        hold = find_hold(book.run, code, step=step.id)
        if hold is not None:
            leave(book, hold, asked)
    begin_undo(book, down_to(book.run, step.id), then="hold", step=step.id, person=asked.person)


def _undo_to(book: Book, asked: Asked) -> None:
    run = book.run
    _fits(fitting.going_back(run, asked.value))
    names = [stage.id for stage in run.plan.stages]
    for hold in run.holds:
        if hold.code != "guard-breached":
            leave(book, hold, asked)
    what = to_undo(run, tuple(names[names.index(asked.value) :]))
    begin_undo(book, what, then="hold", back_to=asked.value, person=asked.person)
