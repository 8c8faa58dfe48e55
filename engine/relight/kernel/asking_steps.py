"""The verbs that are about steps: retry, skip, mark, ramp, undo."""

from relight.errors import NotNow
from relight.kernel import facts as f
from relight.kernel import fanning, ramping
from relight.kernel.authority import permit
from relight.kernel.book import Book, find_hold
from relight.kernel.choices import open_ways, unsure_steps
from relight.kernel.effects import down_to, effect_key, may_undo, to_undo
from relight.kernel.holds import UNDO_HOLDS
from relight.kernel.inputs import Asked
from relight.kernel.outcomes import hold_failed, in_force_after_all, is_unknown, settle, take_effect
from relight.kernel.plan import ExpressionFailed, Stage, Step
from relight.kernel.scope import resolve
from relight.kernel.state import (
    Dispatch,
    Done,
    Failed,
    Fanning,
    Hold,
    Manual,
    Ramping,
    Run,
    StepRecord,
    Undoing,
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


def _known_step(run: Run, step_id: str) -> Step:
    if step_id not in run.plan_index:
        raise NotNow(f"there is no step {step_id!r}", hint=f"steps are {', '.join(run.plan_index)}")
    return run.step_of(step_id)


def _mark_hint(run: Run, step: str) -> str:
    return f"relight mark {run.id[:8]} {step} done|not-done"


def _under_way(run: Run, step: Step) -> bool:
    return any(item.step == step.id for item in run.dispatches.values())


# ---- retry


def retry(book: Book, asked: Asked) -> None:
    """Try again what failed, or look again at what could not be read."""
    permit(book.run, asked.person, "known", "retry")
    holds = holds_open_to(book.run, "retry", asked.subject)
    if not holds:
        about = asked.subject or "anything"
        raise NotNow(f"nothing holds that a retry of {about} would end", hint=f"relight why {book.run.id[:8]}")
    hold = holds[0]
    leave(book, hold, asked)
    if hold.code in BEGUN_AGAIN and hold.step:
        book.say(f.StepReopened, step=hold.step, person=asked.person)
    elif hold.code == "undo-failed":
        _undo_again(book, asked)


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
    record = book.run.steps.get(step.id)
    state = record.state if record is not None else None
    undone = state == Done(outcome="undone") and book.run.stage_of(step.id) == book.run.current
    if step not in book.run.open_steps and not undone:
        raise NotNow(f"{step.id} is not where the run stands, so it cannot be skipped now")
    if is_unknown(book.run, step.id):
        raise NotNow(f"whether {step.id} happened is not known; say which first", hint=_mark_hint(book.run, step.id))
    if _under_way(book.run, step) or isinstance(state, Undoing):
        raise NotNow(f"{step.id} is under way; wait for it, or abort")
    if isinstance(state, Done) and not undone:
        raise NotNow(f"{step.id} is {state.outcome} already")
    if isinstance(state, Ramping) and state.falling and find_hold(book.run, "step-failed", step=step.id) is None:
        raise NotNow(f"{step.id} is on its way down; wait for it")
    leave_about(book, asked, step)
    book.say(f.StepSkipped, step=step.id, why="a person skipped it", person=asked.person, reason=asked.reason)


def waive(book: Book, asked: Asked, stage: Stage) -> None:
    """Take a person's word that a stage is done, where its checks fail or are blind."""
    holds = [hold for hold in holds_open_to(book.run, "skip", asked.subject) if not hold.step]
    if not holds:
        raise NotNow(f"nothing here can be skipped by the name {asked.subject or stage.id}")
    waived = {hold.subject: asked.reason for hold in holds}
    for hold in holds:
        leave(book, hold, asked)
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
    match record.state if record is not None else None:
        case Manual():
            _mark_manual(book, asked, step, done)
        case Unknown() as state:
            leave_about(book, asked, step)
            settle(book, step, state.lost, done=done, by="person", person=asked.person, reason=asked.reason)
        case Fanning() as fan if fan.lost is not None:
            leave_about(book, asked, step)
            fanning.settle(book, step, fan, done=done, by="person", person=asked.person, reason=asked.reason)
        case Failed() | Fanning() | Ramping() if record is not None and done and _held_failed(book.run, step):
            _mark_done_by_hand(book, asked, step, record)
        case _ if step.id in unsure_steps(book.run):
            _mark_effect(book, asked, step, done)
        case _:
            word = record.word if record is not None else "pending"
            raise NotNow(f"{step.id} is {word}; there is nothing to mark", hint="mark settles unknown and manual steps")


def _held_failed(run: Run, step: Step) -> bool:
    return find_hold(run, "step-failed", step=step.id) is not None and not _under_way(run, step)


def _mark_manual(book: Book, asked: Asked, step: Step, done: bool) -> None:
    if done:
        book.say(f.StepSucceeded, step=step.id, dispatch=0, result={"by": asked.person, "note": asked.reason})
        return
    error = f"{asked.person} marked it not done" + (f": {asked.reason}" if asked.reason else "")
    book.say(f.StepFailed, step=step.id, dispatch=0, error=error)
    hold_failed(book, step, error)


def _mark_done_by_hand(book: Book, asked: Asked, step: Step, record: StepRecord) -> None:
    """Record it as done and enter what was done by hand into the ledger, as if the step had done it."""
    by_hand = None if step.use is None or step.ramp is not None else _by_hand(book.run, step, record)
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


def _by_hand(run: Run, step: Step, record: StepRecord) -> Dispatch:
    assert step.use is not None
    try:
        args = resolve(run, step.use.args)
    except ExpressionFailed as error:
        raise NotNow(f"what {step.id} would have done cannot be told: {error}", hint="skip it instead") from None
    hosts = range(len(step.targets.hosts)) if step.targets is not None else range(0)
    there = run.ledger.get(effect_key(step, step.use, args))
    known = there.targets if there is not None and there.step == step.id else ()
    return Dispatch(
        number=0,
        step=step.id,
        attempt=0,
        purpose="forward",
        use=step.use,
        args=args,
        key="",
        deadline_t=0,
        epoch=run.epoch,
        since_t=run.t,
        effect_key=effect_key(step, step.use, args),
        before=record.before,
        before_known=record.before_known,
        targets=tuple(index for index in hosts if index not in known),
    )


# ---- ramp


def ramp(book: Book, asked: Asked) -> None:
    """Steer the ramps under way, or the one that is named: less exposure needs nobody's leave."""
    if asked.value not in ("floor", "down", "stay", "up"):
        raise NotNow(f"{asked.value!r} is not a way to steer a ramp; say floor, down, stay or up")
    if asked.value == "up":
        permit(book.run, asked.person, "known", "raise a ramp")
    ramps = [item for item in ramping.ramps(book.run) if asked.subject in ("", item[0].id)]
    if not ramps:
        raise NotNow("no ramp is under way", hint=f"relight why {book.run.id[:8]}")
    lower = asked.value in ("floor", "down")
    if lower and not any(state.position for _, state in ramps):
        raise NotNow(f"{ramps[0][0].id} is at its floor already")
    for step, state in ramps:
        if lower and state.position:
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
    if book.run.undo is not None:
        raise NotNow("something is being undone already; wait for it")
    if asked.value:
        _undo_to(book, asked)
        return
    step = _known_step(book.run, asked.subject)
    entries = down_to(book.run, step.id)
    if not entries:
        raise NotNow(f"{step.id} has no effect in force", hint=f"relight effects {book.run.id[:8]}")
    if not all(may_undo(entry) for entry in entries):
        raise NotNow(
            f"{step.id} protects the service, and undoing it would expose it",
            hint="a later stage of the runbook loosens it; or end the run with abort, which leaves it in force",
        )
    top = entries[0]
    if not top.sure and step.settle is None and not (top.undo is not None and top.undo.idempotent):
        raise NotNow(f"whether {step.id} happened is not known; say which first", hint=_mark_hint(book.run, step.id))
    # What else the run holds for about the step is answered when it is undone.
    for code in ("step-unknown", "undo-failed"):
        hold = find_hold(book.run, code, step=step.id)
        if hold is not None:
            leave(book, hold, asked)
    begin_undo(book, entries, then="hold", step=step.id, person=asked.person)


def _undo_to(book: Book, asked: Asked) -> None:
    run = book.run
    names = [stage.id for stage in run.plan.stages]
    if asked.value not in names:
        raise NotNow(f"there is no stage {asked.value!r}", hint=f"stages are {', '.join(names)}")
    index = names.index(asked.value)
    if index > run.cursor:
        raise NotNow(f"stage {asked.value} has not been reached, so there is nothing to undo")
    if any(item.purpose != "undo" for item in run.dispatches.values()):
        raise NotNow("a step is under way; wait for it, then undo", hint=f"relight pause {run.id[:8]}")
    unknown = [step.id for stage in run.plan.stages[index:] for step in stage.steps if is_unknown(run, step.id)]
    if unknown:
        raise NotNow(f"whether {unknown[0]} happened is not known; say which first", hint=_mark_hint(run, unknown[0]))
    for hold in run.holds:
        if hold.code != "guard-breached":
            leave(book, hold, asked)
    what = to_undo(run, tuple(names[index:]))
    begin_undo(book, what, then="hold", back_to=asked.value, person=asked.person)
