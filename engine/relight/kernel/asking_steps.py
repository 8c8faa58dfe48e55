"""The verbs that are about steps: retry, skip, mark, ramp, undo."""

from relight.errors import NotNow
from relight.kernel import facts as f
from relight.kernel import ramping
from relight.kernel.authority import permit
from relight.kernel.book import Book, find_hold
from relight.kernel.inputs import Asked
from relight.kernel.outcomes import settle, take_effect
from relight.kernel.plan import Stage, Step
from relight.kernel.state import (
    Backoff,
    Dispatch,
    Done,
    Failed,
    Fanning,
    Hold,
    Manual,
    Ramping,
    StepRecord,
    Unknown,
    Waiting,
)
from relight.kernel.undoing import keys_to_undo
from relight.kernel.watching import open_steps

STEP_HOLDS = ("step-failed", "between-failed", "expression-failed", "probe-blind", "check-blind")
RETRIED = ("step-failed", "expression-failed")
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


def _known_step(book: Book, step_id: str) -> Step:
    index = book.run.plan_index
    if step_id not in index:
        raise NotNow(f"there is no step {step_id!r}", hint=f"steps are {', '.join(index)}")
    return index[step_id][1]


def _hold_about(book: Book, subject: str, codes: tuple[str, ...]) -> Hold | None:
    for hold in book.run.holds:
        if hold.code in codes and subject in ("", hold.step, hold.subject, hold.stage):
            return hold
    return None


# ---- retry


def retry(book: Book, asked: Asked) -> None:
    """Try again what failed, or look again at what could not be read."""
    permit(book.run, asked.person, "known", "retry")
    codes = (
        *STEP_HOLDS,
        "precondition-failed",
        "precondition-blind",
        "verify-failed",
        "undo-failed",
        "ramp-exhausted",
        "undone",
    )
    hold = _hold_about(book, asked.subject, codes)
    if hold is None:
        about = f"{asked.subject}" if asked.subject else "anything"
        raise NotNow(f"nothing holds that a retry of {about} would end", hint=f"relight why {book.run.id[:8]}")
    leave(book, hold, asked)
    if hold.code in RETRIED and hold.step:
        book.say(f.StepReopened, step=hold.step, person=asked.person)
    elif hold.code == "ramp-exhausted":
        book.say(f.RampSteered, step=hold.step, stay=False, person=asked.person)
    elif hold.code == "undone":
        reopen_undone(book, asked)
    elif hold.code == "undo-failed":
        keys = tuple(key for key in keys_to_undo(book.run) if key in hold.text)
        book.say(f.UndoBegun, keys=keys or keys_to_undo(book.run), then="hold", step=hold.step, person=asked.person)


def reopen_undone(book: Book, asked: Asked) -> None:
    """Send the undone steps of the current stage back to their beginning."""
    stage = book.run.current
    for step in stage.steps if stage is not None else ():
        record = book.run.steps.get(step.id)
        if record is not None and record.state == Done(outcome="undone"):
            book.say(f.StepReopened, step=step.id, person=asked.person)


# ---- skip


def skip_step(book: Book, asked: Asked) -> None:
    """Leave a step out that holds, waits or has not begun its next attempt."""
    step = _known_step(book, asked.subject)
    record = book.run.steps.get(step.id)
    if step not in open_steps(book.run):
        raise NotNow(f"{step.id} is not where the run stands, so it cannot be skipped now")
    state = record.state if record is not None else None
    if isinstance(state, Unknown) or (isinstance(state, Fanning) and "?" in state.status):
        raise NotNow(
            f"whether {step.id} happened is not known; say which first",
            hint=f"relight mark {book.run.id[:8]} {step.id} done|not-done",
        )
    if any(item.step == step.id for item in book.run.dispatches.values()):
        raise NotNow(f"{step.id} is under way; wait for it, or abort")
    if isinstance(state, Done):
        raise NotNow(f"{step.id} is {state.outcome} already")
    for hold in book.run.holds:
        if hold.step == step.id:
            leave(book, hold, asked)
    book.say(f.StepSkipped, step=step.id, why="a person skipped it", person=asked.person, reason=asked.reason)


def waive(book: Book, asked: Asked, stage: Stage) -> None:
    """Take a person's word that a stage is done, where its checks fail or are blind."""
    holds = [hold for hold in book.run.holds if hold.code in ("verify-failed", "check-blind") and not hold.step]
    if not holds or asked.subject not in ("", stage.id, *(hold.subject for hold in holds)):
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
    step = _known_step(book, asked.subject)
    record = book.run.steps.get(step.id)
    done = asked.value == "done"
    state = record.state if record is not None else None
    if isinstance(state, Manual):
        _mark_manual(book, asked, step, done)
    elif isinstance(state, Unknown):
        _leave_all(book, asked, step)
        settle(book, step, state.lost, done=done, by="person", person=asked.person, reason=asked.reason)
    elif isinstance(state, Fanning) and "?" in state.status:
        _leave_all(book, asked, step)
        book.say(f.StepSettled, step=step.id, dispatch=0, done=done, by="person", person=asked.person)
    elif record is not None and done and isinstance(state, Failed | Fanning | Ramping):
        _mark_failed_done(book, asked, step, record)
    else:
        word = record.word if record is not None else "pending"
        raise NotNow(f"{step.id} is {word}; there is nothing to mark", hint="mark settles unknown and manual steps")


def _leave_all(book: Book, asked: Asked, step: Step) -> None:
    for hold in book.run.holds:
        if hold.step == step.id:
            leave(book, hold, asked)


def _mark_manual(book: Book, asked: Asked, step: Step, done: bool) -> None:
    if done:
        book.say(f.StepSucceeded, step=step.id, dispatch=0, result={"by": asked.person, "note": asked.reason})
        return
    error = f"{asked.person} marked it not done" + (f": {asked.reason}" if asked.reason else "")
    book.say(f.StepFailed, step=step.id, dispatch=0, error=error)
    if step.on_failure == "hold":
        book.hold("step-failed", step=step.id, text=error)


def _mark_failed_done(book: Book, asked: Asked, step: Step, record: StepRecord) -> None:
    if find_hold(book.run, "step-failed", step=step.id) is None:
        raise NotNow(f"{step.id} is still going on; there is nothing to mark")
    _leave_all(book, asked, step)
    if isinstance(record.state, Fanning | Ramping):
        book.say(f.StepSucceeded, step=step.id, dispatch=0, result={"by": asked.person})
        return
    book.say(
        f.StepSettled,
        step=step.id,
        dispatch=0,
        done=True,
        by="person",
        person=asked.person,
        reason=asked.reason,
    )
    _effect_by_hand(book, step)


def _effect_by_hand(book: Book, step: Step) -> None:
    """Enter what a person did by hand into the ledger, as if the step had done it."""
    if step.use is None:
        return
    from relight.kernel.effects import effect_key
    from relight.kernel.scope import resolve

    args = resolve(book.run, step.use.args)
    by_hand = Dispatch(
        number=0,
        step=step.id,
        attempt=0,
        purpose="forward",
        use=step.use,
        args=args,
        key="",
        deadline_t=0,
        epoch=book.run.epoch,
        since_t=book.t,
        effect_key=effect_key(step, step.use, args),
        before=book.run.steps[step.id].before,
        before_known=book.run.steps[step.id].before_known,
    )
    take_effect(book, step, by_hand)


# ---- ramp


def ramp(book: Book, asked: Asked) -> None:
    """Steer the ramp: ``floor``, ``down``, ``stay``, ``up``. Less exposure needs nobody's leave."""
    found = [(step, record) for step in open_steps(book.run) if (record := book.run.steps.get(step.id)) is not None]
    ramps = [(step, record.state) for step, record in found if isinstance(record.state, Ramping)]
    if not ramps:
        raise NotNow("no ramp is under way", hint=f"relight why {book.run.id[:8]}")
    step, state = ramps[0]
    lower = {"floor": 0, "down": max(state.position - 1, 0)}
    if asked.value in lower:
        if state.position == 0:
            raise NotNow(f"{step.id} is at its floor already")
        ramping.down(book, step, state, lower[asked.value], f"{asked.person} said {asked.value}", counted=False)
        if asked.value == "floor":
            book.say(f.RampSteered, step=step.id, stay=True, person=asked.person)
    elif asked.value == "stay":
        book.say(f.RampSteered, step=step.id, stay=True, person=asked.person)
    elif asked.value == "up":
        permit(book.run, asked.person, "known", "raise a ramp")
        hold = find_hold(book.run, "ramp-exhausted", step=step.id)
        if hold is not None:
            leave(book, hold, asked)
        book.say(f.RampSteered, step=step.id, stay=False, person=asked.person)
    else:
        raise NotNow(f"{asked.value!r} is not a way to steer a ramp; say floor, down, stay or up")


# ---- undo


def undo(book: Book, asked: Asked) -> None:
    """Reverse a step's effect, or all effects back to the start of a stage (``value`` names it)."""
    permit(book.run, asked.person, "known", "undo")
    if book.run.undo is not None:
        raise NotNow("something is being undone already; wait for it")
    if asked.value:
        _undo_to(book, asked)
        return
    step = _known_step(book, asked.subject)
    entries = [entry for entry in book.run.ledger.values() if step.id in entry.steps]
    if not entries:
        raise NotNow(f"{step.id} has no effect in force", hint=f"relight effects {book.run.id[:8]}")
    if any(entry.protective for entry in entries):
        raise NotNow(
            f"{step.id} protects the service, and undoing it would expose it",
            hint="a later stage of the runbook loosens it; or end the run with abort, which leaves it in force",
        )
    for hold in book.run.holds:
        if hold.step == step.id:
            leave(book, hold, asked)
    keys = tuple(entry.key for entry in reversed(entries))
    book.say(f.UndoBegun, keys=keys, then="hold", step=step.id, person=asked.person)


def _undo_to(book: Book, asked: Asked) -> None:
    names = [stage.id for stage in book.run.plan.stages]
    if asked.value not in names:
        raise NotNow(f"there is no stage {asked.value!r}", hint=f"stages are {', '.join(names)}")
    index = names.index(asked.value)
    if index > book.run.cursor:
        raise NotNow(f"stage {asked.value} has not been reached, so there is nothing to undo")
    if any(item.purpose != "undo" for item in book.run.dispatches.values()):
        raise NotNow("a step is under way; wait for it, then undo", hint=f"relight pause {book.run.id[:8]}")
    for hold in book.run.holds:
        leave(book, hold, asked)
    keys = keys_to_undo(book.run, tuple(names[index:]))
    book.say(f.UndoBegun, keys=keys, then="hold", back_to=asked.value, person=asked.person)


def marks_open(record: StepRecord) -> bool:
    """Return whether ``mark`` has something to settle here."""
    return isinstance(record.state, Manual | Unknown | Waiting | Backoff)
