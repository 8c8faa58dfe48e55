"""What follows from a dispatch and from how it ended: effects, retries, and outcomes that nobody knows.

Nothing destructive is done twice on a guess: an unknown outcome is settled by a probe, dispatched again only where the
action is declared idempotent and destroys nothing, and otherwise put before a person.
"""

import hashlib
from typing import Any

from relight.kernel import facts as f
from relight.kernel.book import Book
from relight.kernel.effects import effect_key, is_lifted, is_neutral, target_in, undo_use, value_after, value_in
from relight.kernel.plan import Json, Step, Use
from relight.kernel.state import Dispatch, EffectEntry, Fanning, Run, Unknown

LOST_AGAIN_MAX = 3
"""As often an idempotent step is dispatched again after its outcome was lost; then a person is asked."""

STOP_GRACE_MS = 12_000
"""Ten seconds for a child to end when asked to, and two to kill it; after that its outcome is unknown."""


RETRY_AFTER_MAX_MS = 900_000
"""A provider that asks for patience is heeded for a quarter of an hour; then it is asked again."""


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
    # An undo is another action than its step's: its own time counts, if it has one.
    timeout_ms = (use.timeout_ms if purpose == "undo" else None) or step.timeout_ms
    book.say(
        f.StepDispatched,
        step=step.id,
        dispatch=run.next_dispatch,
        attempt=attempt,
        purpose=purpose,
        use=use,
        args=args,
        key=key or f"{run.id}/{step.id}{rounds}",
        deadline_t=book.t + timeout_ms,
        effect_key="" if purpose == "undo" else effect_key(step, use, args),
        before=before,
        before_known=before_known,
        targets=targets,
        undoes=undoes,
    )


def stop(book: Book, item: Dispatch, why: str) -> None:
    """Tell what is under way to end, unless it was told already."""
    if item.stop_until_t is None:
        until = book.t + STOP_GRACE_MS
        book.say(f.StepStopping, step=item.step, dispatch=item.number, why=why, until_t=until, purpose=item.purpose)


def ended_why(item: Dispatch, error: str) -> str:
    """Return why something ended badly: that it was told to stop says more than how it died of it."""
    return "; ".join(part for part in (item.stop_why, error) if part)


def succeed(book: Book, step: Step, done: Dispatch, result: Json) -> None:
    """Record that it happened and what is in force because of it."""
    book.say(f.StepSucceeded, step=step.id, dispatch=done.number, result=result)
    take_effect(book, step, done)


def take_effect(book: Book, step: Step, done: Dispatch, *, sure: bool = True, targets: tuple[int, ...] = ()) -> None:
    """Enter the dispatch's effect into the ledger, or clear it where it reached its neutral value."""
    if sure and not step.protective and not done.targets:
        for entry in _undone_by(book.run, step, done):
            lift(book, entry, step, done)
    if not done.effect_key:
        return
    value = value_in(done.use, done.args)
    neutral = sure and is_neutral(done.use, value_after(book.run, done.effect_key, step.id, value))
    if neutral and not lifts(book.run, step, done.effect_key):
        clear_effect(book, done.effect_key)
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
        targets=targets,
    )


def lift(book: Book, entry: EffectEntry, by: Step, done: Dispatch) -> None:
    """Record that a step lifted what protects: it stays beneath, to return until the step's stage is verified."""
    book.say(
        f.EffectInForce,
        key=entry.key,
        step=by.id,
        stage=book.run.stage_of(by.id).id,
        use=done.use,
        target=entry.target,
        value=value_in(done.use, done.args),
        undo=None,
        undo_ask=False,
        before=None,
        protective=False,
    )


def _undone_by(run: Run, step: Step, done: Dispatch) -> list[EffectEntry]:
    """Return what protects and has just this call as its declared undo, though the step does not say that it undoes."""
    call = (done.use.capability, done.use.provider, done.args)
    return [
        entry
        for entry in run.ledger.values()
        if entry.key != done.effect_key
        and may_be_lifted(entry)
        and entry.undo is not None
        and (entry.undo.capability, entry.undo.provider, entry.undo.args) == call
        and entry.step != step.id
    ]


def may_be_lifted(entry: EffectEntry) -> bool:
    """Return whether it protects and can stay beneath what lifts it: not by hosts, nor where nobody knows of it."""
    return entry.protective and not entry.loosens and entry.sure and not entry.targets


def in_force_after_all(book: Book, entry: EffectEntry) -> None:
    """Record that an effect of which nobody knew is in force."""
    book.say(
        f.EffectInForce,
        key=entry.key,
        step=entry.step,
        stage=entry.stage,
        use=entry.use,
        target=entry.target,
        value=entry.value,
        undo=entry.undo,
        undo_ask=entry.undo_ask,
        before=entry.before,
        protective=entry.protective and not entry.loosens,
        targets=entry.maybe,
    )


def lifts(run: Run, step: Step, key: str) -> bool:
    """Return whether this step lifts what another put there to protect: it can return until its stage is verified."""
    there = run.ledger.get(key)
    return there is not None and there.protective and not step.protective


def clear_neutral(book: Book) -> None:
    """Take out of the ledger what was lifted or is back at its neutral value, and need not return any more."""
    for key, entry in book.run.ledger.items():
        if entry.sure and is_lifted(book.run, entry):
            book.say(f.EffectCleared, key=key, why="it was lifted, and need not return any more", whole=True)
        elif entry.sure and is_neutral(entry.use, entry.value) and _everywhere(book.run, entry):
            clear_effect(book, key)


def _everywhere(run: Run, entry: EffectEntry) -> bool:
    """Return whether a fan-out reached all its hosts: where one failed, what it lifted is still in force there."""
    targets = run.step_of(entry.step).targets
    return targets is None or len(entry.targets) == len(targets.hosts)


def clear_effect(book: Book, key: str) -> None:
    """Take an effect out of the ledger with all that it superseded: nothing is in force at the neutral value."""
    if key in book.run.ledger:
        book.say(f.EffectCleared, key=key, why="back at its neutral value", whole=True)


def fail(
    book: Book, step: Step, failed: Dispatch, error: str, *, retry: bool = True, after_ms: int | None = None
) -> None:
    """Record that it certainly did not happen, and try again or stop."""
    record = book.run.steps[step.id]
    tried = failed.attempt - record.tries_from
    again = retry and tried < step.retry.max_attempts and not book.run.aborting
    book.say(f.StepFailed, step=step.id, dispatch=failed.number, error=error, final=not again)
    if again:
        until = book.t + wait_ms(book.run, step, tried, after_ms, hurry=step.protective)
        book.say(f.RetryScheduled, step=step.id, attempt=failed.attempt + 1, until_t=until, why=error)
    else:
        hold_failed(book, step, error)


def hold_failed(book: Book, step: Step, error: str) -> None:
    """Hold for a step that failed for good, unless the runbook goes on without it or the run is being ended."""
    if step.on_failure == "hold" and not book.run.aborting:
        book.hold("step-failed", step=step.id, text=error)


def wait_ms(run: Run, step: Step, tried: int, after_ms: int | None, *, hurry: bool) -> int:
    """Return how long to wait before the next attempt, where a provider may have asked for *after_ms*.

    What protects is in a *hurry*: it never waits longer than the step itself would.
    """
    if after_ms is None:
        return backoff_ms(run, step, tried)
    return min(max(after_ms, 0), step.retry.max_backoff_ms if hurry else RETRY_AFTER_MAX_MS)


def backoff_ms(run: Run, step: Step, tried: int) -> int:
    """Return how long to wait before the next attempt: exponential, at most ``max_backoff``, half of it jitter.

    The jitter is seeded by the run's id, so that a replay waits as long and two runs do not march in step.
    """
    full: int = min(step.retry.backoff_ms * 2 ** min(tried - 1, 30), step.retry.max_backoff_ms)
    seed = hashlib.sha256(f"{run.id}|{step.id}|{tried}".encode()).digest()
    return full // 2 + full * int.from_bytes(seed[:4], "big") // 2**33


def lose(book: Book, step: Step, lost: Dispatch, why: str) -> None:
    """Record that nobody knows whether it happened; its effect, if any, is in force unsurely."""
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
    entry = book.run.ledger.get(lost.effect_key)
    unsure = entry is not None and not entry.sure and entry.step == step.id
    if done:
        take_effect(book, step, lost, targets=lost.targets)
    elif unsure:
        book.say(f.EffectCleared, key=lost.effect_key, why="it did not happen", never=True)
    if not done and step.ramp is None and step.targets is None:
        fail(book, step, lost, "it did not happen")


def unknown(book: Book, step: Step, state: Unknown, *, forward: bool) -> bool:
    """Go on with a step whose outcome is unknown and that no probe settles; True when something was said."""
    if step.settle is not None and book.t < settle_deadline(step, state):
        return False
    lost = state.lost
    if not may_repeat(lost.use) or step.ramp is not None or book.run.steps[step.id].unknowns > LOST_AGAIN_MAX:
        return book.hold("step-unknown", step=step.id, text=state.why)
    if not forward:
        return False
    why = f"{state.why}; it is idempotent and is done again with the same key"
    book.say(f.RetryScheduled, step=step.id, attempt=lost.attempt + 1, until_t=book.t, why=why)
    return True


def may_repeat(use: Use) -> bool:
    """Return whether it may be done again while nobody knows whether it was done."""
    return use.effect == "read" or (use.idempotent and use.effect != "destructive")


def settle_deadline(step: Step, state: Unknown) -> int:
    """Return when the settle probe has had its time, and a person is asked if it said nothing that settles."""
    assert step.settle is not None
    return state.since_t + step.settle.within_ms + 3 * step.settle.interval_ms


def is_unknown(run: Run, step: str) -> bool:
    """Return whether nobody knows what became of that step, or of some of its hosts."""
    record = run.steps.get(step)
    state = record.state if record is not None else None
    return isinstance(state, Unknown) or (isinstance(state, Fanning) and "?" in state.status)
