"""Undoing: last in, first out; one failed undo does not stop the rest."""

from collections.abc import Sequence
from typing import Literal

from relight.kernel import facts as f
from relight.kernel.book import Book, find_hold
from relight.kernel.effects import layers, to_undo
from relight.kernel.fanning import SLICE_MAX, sort_hosts
from relight.kernel.holds import UNDO_HOLDS
from relight.kernel.inputs import Reported
from relight.kernel.outcomes import (
    backoff_ms,
    dispatch,
    ended_why,
    hold_failed,
    in_force_after_all,
    lift,
    may_be_lifted,
    may_repeat,
    settle_deadline,
    stop,
)
from relight.kernel.state import Dispatch, EffectEntry, Run, UndoJob, Unknown

UNDO_TRIES_MAX = 3
"""As often an undo is tried before it is given up and reported."""


def keys_to_undo(run: Run, stages: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return the ledger's keys in the order of undoing, protective ones left out (of these stages, or all)."""
    return tuple(dict.fromkeys(entry.key for entry in to_undo(run, stages)))


def begin_undo(
    book: Book,
    what: Sequence[EffectEntry],
    *,
    then: Literal["hold", "end", "step"],
    step: str = "",
    back_to: str = "",
    person: str = "",
    why: str = "",
) -> None:
    """Begin to undo these effects, in this order."""
    book.say(
        f.UndoBegun,
        keys=tuple(entry.key for entry in what),
        layers=tuple(entry.step for entry in what),
        then=then,
        step=step,
        back_to=back_to,
        person=person,
        why=why,
    )


def advance(book: Book) -> bool:
    """Go on with what is being undone; never blocked by a pause or a hold. True when something was said."""
    job = book.run.undo
    if job is None or any(item.purpose == "undo" for item in book.run.dispatches.values()):
        return False
    if not job.queue:
        if job.back_to and book.run.dispatches:
            return False  # a ramp on its way down: going back forgets its step, so it has to end first
        _finish(book, job)
        return True
    entry = book.run.ledger.get(job.queue[0])
    if entry is None or job.layers[0] not in (layer.step for layer in layers(entry)):
        book.say(f.EffectCleared, key=job.queue[0], why="it was not in force any more")
        return True
    in_its_way = [item for item in book.run.dispatches.values() if item.effect_key == entry.key]
    if in_its_way:
        running = [item for item in in_its_way if item.stop_until_t is None]
        for item in running:
            stop(book, item, "its effect is being undone")
        return bool(running)
    if not entry.sure and _is_being_settled(book, entry):
        return False
    why_not = _why_not(book.run, job, entry)
    if why_not:
        book.say(f.UndoFailed, key=entry.key, error=why_not)
        return True
    if book.t < job.again_t:
        return False
    _undo(book, job, entry)
    return True


def _undo(book: Book, job: UndoJob, entry: EffectEntry) -> None:
    assert entry.undo is not None
    hosts = entry.targets + entry.maybe
    dispatch(
        book,
        book.run.step_of(entry.step),
        entry.undo,
        dict(entry.undo.args),
        purpose="undo",
        attempt=job.attempts + 1,
        key=f"{book.run.id}/undo/{entry.step}/{entry.t}",
        targets=hosts[:SLICE_MAX],
        undoes=entry.key,
    )


def _is_being_settled(book: Book, entry: EffectEntry) -> bool:
    """Return whether a settle probe is about to say whether there is something to undo."""
    record = book.run.steps.get(entry.step)
    state = record.state if record is not None else None
    step = book.run.step_of(entry.step)
    idempotent = entry.undo is not None and entry.undo.idempotent
    waits = isinstance(state, Unknown) and step.settle is not None and book.t < settle_deadline(step, state)
    return waits and not idempotent


def _why_not(run: Run, job: UndoJob, entry: EffectEntry) -> str:
    if entry.step != job.layers[0]:
        return f"{entry.step}, which superseded it, could not be undone"
    if entry.undo is None:
        declared = run.step_of(entry.step).undo is not None
        return "what its undo needs was never read" if declared else "it has no undo"
    if job.attempts >= UNDO_TRIES_MAX:
        return f"it was tried {job.attempts} times and lost each time"
    if job.lost and not may_repeat(entry.undo):
        return "its undo may or may not have happened"
    if not entry.sure and not entry.undo.idempotent:
        return "whether it is in force is not known; settle the step first"
    # Whoever says undo has been asked; a step that undoes another is in the plan that people let through its gates.
    if entry.undo_ask and job.then == "end":
        return "its undo asks a person first"
    return ""


def _finish(book: Book, job: UndoJob) -> None:
    if job.back_to:
        _leave_behind(book)
    book.say(f.UndoEnded, back_to=job.back_to)
    failures = "; ".join(f"{key}: {error}" for key, error in job.failed.items())
    if job.then == "step" and failures:
        book.say(f.StepFailed, step=job.step, dispatch=0, error=failures)
        hold_failed(book, book.run.step_of(job.step), failures)
    elif job.then == "step":
        book.say(f.StepSucceeded, step=job.step, dispatch=0, result={"undone": list(job.undone)})
    elif book.run.aborting:
        return
    elif failures:
        book.hold("undo-failed", step="" if job.back_to else job.step, text=failures)
    else:
        book.hold("undone", step="" if job.back_to else job.step, text=_undone(job))


def _leave_behind(book: Book) -> None:
    """Where the run goes back its later steps have not begun: what they came to hold for meanwhile is over."""
    for hold in book.run.holds:
        if hold.step:
            book.say(f.HoldLeft, code=hold.code, stage=hold.stage, step=hold.step, verb="undo")


def _undone(job: UndoJob) -> str:
    what = ", ".join(dict.fromkeys(job.undone)) or "nothing was in force"
    if job.why:
        return f"{job.why}; {what} is back at the value before, which was verified"
    return f"undone: {what}" + (f"; the run stands at the start of {job.back_to}" if job.back_to else "")


def reported(book: Book, done: Dispatch, given: Reported) -> None:
    """Take how an undo, or one slice of it, ended."""
    step, job = book.run.step_of(done.step), book.run.undo
    assert job is not None
    outcome, error = given.outcome, ended_why(done, given.error)
    if done.targets:
        outcome, error = _hosts_reported(book, done, given, error)
    if outcome == "succeeded":
        book.say(f.StepSucceeded, step=step.id, dispatch=done.number, purpose="undo")
        entry = book.run.ledger.get(done.undoes)
        if entry is None or not (entry.targets or entry.maybe):
            if entry is not None and job.then == "step" and not done.targets and may_be_lifted(entry):
                lift(book, entry, book.run.step_of(job.step), done)
            else:
                book.say(f.EffectCleared, key=done.undoes, why="undone")
            if entry is not None and entry.step == step.id:
                _leave_holds(book, step.id)  # else a person marked the step meanwhile, and is asked about that
    elif outcome == "unknown":
        book.say(f.StepLost, step=step.id, dispatch=done.number, why=error, purpose="undo")
    else:
        final = not given.retry or job.attempts >= UNDO_TRIES_MAX
        again = 0 if final else book.t + backoff_ms(book.run, step, job.attempts)
        book.say(
            f.StepFailed,
            step=step.id,
            dispatch=done.number,
            error=error,
            final=final,
            again_t=again,
            purpose="undo",
        )
        if final:
            book.say(f.UndoFailed, key=done.undoes, error=error)


def heard_late(book: Book, given: Reported) -> None:
    """Take what became of an undo of this epoch that was given up as lost: its effect is known again."""
    entry = next((entry for entry in book.run.ledger.values() if _was_lost_as(book.run, entry, given.dispatch)), None)
    if entry is None or given.outcome == "unknown":
        return
    if given.outcome == "failed":
        in_force_after_all(book, entry)
        return
    hold, before = find_hold(book.run, "undo-failed"), book.run.undo_before
    if hold is not None and before is not None and set(before.failed) == {entry.key} and book.run.undo is None:
        # The undo that was given up is done after all: it ends once more, and as it should.
        book.say(f.HoldLeft, code=hold.code, stage=hold.stage, step=hold.step, verb="late report")
        begin_undo(book, [entry], then="hold", step=before.step, back_to=before.back_to, person=before.person)
    book.say(f.EffectCleared, key=entry.key, why="undone, as was heard late")
    _leave_holds(book, entry.step)


def _was_lost_as(run: Run, entry: EffectEntry, dispatch: int) -> bool:
    if not entry.undo_lost or (entry.undo_lost_as, entry.undo_lost_epoch) != (dispatch, run.epoch):
        return False
    # The next try, if it is under way, is about to say.
    return all(item.undoes != entry.key for item in run.dispatches.values())


def _leave_holds(book: Book, step: str) -> None:
    """What the run held for about this step is nobody's question any more."""
    for hold in book.run.holds:
        if hold.step == step and hold.code not in UNDO_HOLDS:
            book.say(f.HoldLeft, code=hold.code, stage=hold.stage, step=step, verb="undo")


def _hosts_reported(
    book: Book, done: Dispatch, given: Reported, error: str
) -> tuple[Literal["succeeded", "failed", "unknown"], str]:
    """Take off the hosts where it was undone; return what became of the slice as a whole."""
    step = book.run.step_of(done.step)
    sides = sort_hosts(step, done, given)
    if sides.done:
        book.say(f.TargetsReported, step=step.id, dispatch=done.number, done=sides.done, purpose="undo")
    assert step.targets is not None
    if sides.failed:
        index, why = next(iter(sides.failed.items()))
        return "failed", f"failed on {len(sides.failed)} hosts; {step.targets.hosts[int(index)]}: {why}"
    return ("unknown" if sides.unknown else "succeeded"), error
