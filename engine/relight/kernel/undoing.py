"""Undoing: last in, first out; one failed undo does not stop the rest."""

from relight.kernel import facts as f
from relight.kernel.book import Book
from relight.kernel.outcomes import dispatch
from relight.kernel.state import Dispatch, Run, UndoJob

UNDO_TRIES_MAX = 3
"""As often an undo is tried before it is given up and reported."""


def keys_to_undo(run: Run, stages: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return the ledger's keys in the order of undoing, protective ones left out (of these stages, or all)."""
    return tuple(
        key
        for key, entry in reversed(run.ledger.items())
        if not entry.protective and (stages is None or entry.stage in stages)
    )


def advance(book: Book) -> bool:
    """Go on with what is being undone; never blocked by a pause or a hold. True when something was said."""
    job = book.run.undo
    if job is None or any(item.purpose == "undo" for item in book.run.dispatches.values()):
        return False
    if not job.queue:
        _finish(book, job)
        return True
    entry = book.run.ledger.get(job.queue[0])
    if entry is None:
        book.say(f.EffectCleared, key=job.queue[0], why="it was not in force any more")
        return True
    if any(item.effect_key == entry.key for item in book.run.dispatches.values()):
        return False
    why_not = _why_not(book.run, job)
    if why_not:
        book.say(f.UndoFailed, key=entry.key, error=why_not)
        return True
    assert entry.undo is not None
    dispatch(
        book,
        book.run.step_of(entry.step),
        entry.undo,
        dict(entry.undo.args),
        purpose="undo",
        attempt=job.attempts + 1,
        key=f"{book.run.id}/undo/{entry.step}/{entry.t}",
        undoes=entry.key,
    )
    return True


def _why_not(run: Run, job: UndoJob) -> str:
    entry = run.ledger[job.queue[0]]
    if entry.undo is None:
        return "it has no undo"
    if job.lost and not entry.undo.idempotent:
        return "its undo may or may not have happened"
    if not entry.sure and not entry.undo.idempotent:
        return "whether it is in force is not known; settle the step first"
    if entry.undo_ask and job.then == "end":
        return "its undo asks a person first"
    if job.attempts >= UNDO_TRIES_MAX:
        return job.failed.get(entry.key, f"it was tried {job.attempts} times")
    return ""


def _finish(book: Book, job: UndoJob) -> None:
    done = not job.failed
    book.say(f.UndoEnded, back_to=job.back_to if done else "")
    if book.run.aborting:
        return
    failures = "; ".join(f"{key}: {error}" for key, error in job.failed.items())
    if job.then == "step":
        if done:
            book.say(f.StepSucceeded, step=job.step, dispatch=0, result={"undone": list(job.undone)})
            return
        book.say(f.StepFailed, step=job.step, dispatch=0, error=failures)
        if book.run.step_of(job.step).on_failure == "hold":
            book.hold("step-failed", step=job.step, text=failures)
        return
    if failures:
        book.hold("undo-failed", step=job.step, text=failures)
    else:
        book.hold("undone", step="" if job.back_to else job.step, text=f"undone: {', '.join(job.undone)}")


def reported(book: Book, done: Dispatch, outcome: str, error: str, *, retry: bool) -> None:
    """Take how an undo ended."""
    job = book.run.undo
    if outcome == "succeeded":
        book.say(f.StepSucceeded, step=done.step, dispatch=done.number)
        book.say(f.EffectCleared, key=done.undoes, why="undone")
    elif outcome == "unknown":
        book.say(f.StepLost, step=done.step, dispatch=done.number, why=error)
    else:
        book.say(f.StepFailed, step=done.step, dispatch=done.number, error=error, final=True)
        if not retry or job is None or job.attempts >= UNDO_TRIES_MAX:
            book.say(f.UndoFailed, key=done.undoes, error=error)
