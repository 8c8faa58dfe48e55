"""What follows from a dispatch and from how it ended: effects, retries, and outcomes that nobody knows.

Nothing destructive is done twice on a guess: an unknown outcome is settled by a probe, dispatched again only where the
action is declared idempotent, and otherwise put before a person.
"""

import hashlib
from typing import Any

from relight.kernel import facts as f
from relight.kernel.book import Book
from relight.kernel.effects import effect_key, is_neutral, target_in, undo_use, value_in
from relight.kernel.plan import Json, Step, Use
from relight.kernel.state import Dispatch, Run, Unknown

LOST_AGAIN_MAX = 3
"""As often an idempotent step is dispatched again after its outcome was lost; then a person is asked."""

STOP_GRACE_MS = 12_000
"""Ten seconds for a child to end when asked to, and two to kill it; after that its outcome is unknown."""


def dispatch(
    book: Book,
    step: Step,
    use: Use,
    args: dict[str, Any],
    *,
    purpose: f.Purpose = "forward",
    attempt: int = 1,
    key: str = "",
    before: dict[str, Any] | None = None,
    before_known: bool = False,
    targets: tuple[int, ...] = (),
    undoes: str = "",
) -> None:
    """Write the intent down; the driver acts on it once it is on disk."""
    run = book.run
    rounds = f"/{run.rounds}" if run.rounds else ""
    book.say(
        f.StepDispatched,
        step=step.id,
        dispatch=run.next_dispatch,
        attempt=attempt,
        purpose=purpose,
        use=use,
        args=args,
        key=key or f"{run.id}/{step.id}{rounds}",
        deadline_t=book.t + step.timeout_ms,
        effect_key="" if purpose == "undo" else effect_key(step, use, args),
        before=before,
        before_known=before_known,
        targets=targets,
        undoes=undoes,
    )


def succeed(book: Book, step: Step, done: Dispatch, result: Json) -> None:
    """Record that it happened and what is in force because of it."""
    book.say(f.StepSucceeded, step=step.id, dispatch=done.number, result=result)
    take_effect(book, step, done)


def take_effect(book: Book, step: Step, done: Dispatch, *, sure: bool = True) -> None:
    """Enter the dispatch's effect into the ledger, or clear it where it reached its neutral value."""
    if not done.effect_key:
        return
    value = value_in(done.use, done.args)
    if sure and is_neutral(done.use, value):
        if done.effect_key in book.run.ledger:
            book.say(f.EffectCleared, key=done.effect_key, why="back at its neutral value", whole=True)
        return
    book.say(
        f.EffectInForce,
        key=done.effect_key,
        step=step.id,
        stage=book.run.stage_of(step.id).id,
        use=done.use,
        target=target_in(done.use, done.args),
        value=value,
        undo=undo_use(book.run, step, done),
        undo_ask=step.undo.ask if step.undo is not None else False,
        before=done.before,
        protective=step.protective,
        sure=sure,
    )


def fail(
    book: Book, step: Step, failed: Dispatch, error: str, *, retry: bool = True, after_ms: int | None = None
) -> None:
    """Record that it certainly did not happen, and try again or stop."""
    record = book.run.steps[step.id]
    tried = failed.attempt - record.tries_from
    again = retry and tried < step.retry.max_attempts and not book.run.aborting
    book.say(f.StepFailed, step=step.id, dispatch=failed.number, error=error, final=not again)
    if again:
        until = book.t + (after_ms if after_ms is not None else backoff_ms(book.run, step, tried))
        book.say(f.RetryScheduled, step=step.id, attempt=failed.attempt + 1, until_t=until, why=error)
    elif step.on_failure == "hold" and not book.run.aborting:
        book.hold("step-failed", step=step.id, text=error)


def backoff_ms(run: Run, step: Step, tried: int) -> int:
    """Return how long to wait before the next attempt: exponential, at most ``max_backoff``, half of it jitter.

    The jitter is seeded by the run's id, so that a replay waits as long and two runs do not march in step.
    """
    full: int = min(step.retry.backoff_ms * 2 ** min(tried - 1, 30), step.retry.max_backoff_ms)
    seed = hashlib.sha256(f"{run.id}|{step.id}|{tried}".encode()).digest()
    return full // 2 + full * int.from_bytes(seed[:4], "big") // 2**33


def lose(book: Book, step: Step, lost: Dispatch, why: str) -> None:
    """Record that nobody knows whether it happened; its effect, if any, is in force unsurely."""
    if lost.use.effect == "read":
        fail(book, step, lost, why)
        return
    book.say(f.StepLost, step=step.id, dispatch=lost.number, why=why)
    take_effect(book, step, lost, sure=False)


def settle(
    book: Book,
    step: Step,
    lost: Dispatch,
    *,
    done: bool,
    by: str,
    result: Json = None,
    person: str = "",
    reason: str = "",
) -> None:
    """Record what became of an unknown step; one that did not happen goes the way of a failed attempt."""
    book.say(
        f.StepSettled,
        step=step.id,
        dispatch=lost.number,
        done=done,
        by=by,
        result=result,
        person=person,
        reason=reason,
    )
    if done:
        take_effect(book, step, lost)
        return
    entry = book.run.ledger.get(lost.effect_key)
    if entry is not None and not entry.sure:
        book.say(f.EffectCleared, key=lost.effect_key, why="it did not happen")
    if step.ramp is None:
        fail(book, step, lost, "it did not happen")


def unknown(book: Book, step: Step, state: Unknown, *, forward: bool) -> bool:
    """Go on with a step whose outcome is unknown and that no probe settles; True when something was said."""
    if book.run.aborting:
        return False
    if step.settle is not None and book.t < settle_deadline(step, state):
        return False
    idempotent = state.lost.use.idempotent and step.settle is None
    if not idempotent or book.run.steps[step.id].unknowns > LOST_AGAIN_MAX:
        return book.hold("step-unknown", step=step.id, text=state.why)
    if not forward:
        return False
    book.say(
        f.RetryScheduled,
        step=step.id,
        attempt=state.lost.attempt + 1,
        until_t=book.t,
        why=f"{state.why}; it is idempotent and is done again with the same key",
    )
    return True


def settle_deadline(step: Step, state: Unknown) -> int:
    """Return when the settle probe has had its time and what it says is final (or a person is asked)."""
    assert step.settle is not None
    return state.since_t + step.settle.within_ms + 3 * step.settle.interval_ms
