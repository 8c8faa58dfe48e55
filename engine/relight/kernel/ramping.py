"""Ramps: up one declared value at a time while checks and guards pass, down at once.

A rise waits for everything; a step down waits for nothing but the move that is under way.
Whatever goes wrong on the way up, the ramp returns to the value below, which was verified.
"""

from typing import Any

from relight.kernel import facts as f
from relight.kernel.book import Book
from relight.kernel.inputs import Reported
from relight.kernel.outcomes import dispatch, ended_why, stop, take_effect, wait_ms
from relight.kernel.plan import ExpressionFailed, Guard, Ramp, Step
from relight.kernel.scope import resolve
from relight.kernel.state import Dispatch, Ramping, Run
from relight.kernel.watching import blind, dwell_ms, guard_id, in_words, passes, ramp_id, reading

DOWN_TRIES_MAX = 10
"""A move to less exposure is tried this often, with backoff, before a person is asked."""

ABORTED = "the run is aborted"
"""Why a ramp goes down when the run ends: it is tried once more then."""


def begin(book: Book, step: Step, *, before: dict[str, Any] | None = None, before_known: bool = False) -> None:
    """Resolve the ramp's values (the floor, then every declared value above it) and its other arguments.

    Raises:
        ExpressionFailed: one of them cannot be evaluated, or a value is no number.
    """
    assert step.ramp is not None and step.use is not None
    floor = _number(step, resolve(book.run, step.ramp.floor))
    declared = [_number(step, resolve(book.run, value)) for value in step.ramp.through]
    book.say(
        f.RampBegun,
        step=step.id,
        values=(floor, *sorted(value for value in set(declared) if value > floor)),
        args=resolve(book.run, step.use.args),
        before=before,
        before_known=before_known,
    )


def _number(step: Step, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionFailed(f"ramp {step.id}: {value!r} is no number")
    return value


# ---- up


def rise(book: Book, step: Step, state: Ramping) -> bool:
    """Go up by one declared value if everything allows it; True when something was said."""
    ramp = step.ramp
    assert ramp is not None
    if not state.settled:
        return _move(book, step, state)
    if state.stay or book.t < state.cool_until_t:
        return False
    if _blind(book, step, ramp, state):
        return True
    if not all(passes(book.run, ramp_id(step.id, state, check)) for check in ramp.checks):
        return False
    if not all(passes(book.run, guard_id(guard.check)) for guard in book.run.plan.guards):
        return False
    if not ramp.checks and book.t < state.since_t + dwell_ms(ramp, state):
        return False
    if state.position == len(state.values) - 1:
        result = {ramp.key: state.values[state.position], "step_backs": state.step_backs}
        book.say(f.StepSucceeded, step=step.id, dispatch=0, result=result)
    else:
        position = state.position + 1
        book.say(f.RampMoved, step=step.id, position=position, direction="up", value=state.values[position])
    return True


def _blind(book: Book, step: Step, ramp: Ramp, state: Ramping) -> bool:
    """Hold where a check or a guard has no data: without it the ramp could never rise, and nobody would know why."""
    watched = [(check, ramp_id(step.id, state, check)) for check in ramp.checks]
    watched += [(guard.check, guard_id(guard.check)) for guard in book.run.plan.guards]
    for check, use in watched:
        turned = blind(book.run, use, check)
        if turned is not None:
            return book.hold("check-blind", step=step.id, subject=check, text=f"{check}: {turned.detail}")
    return False


def _move(book: Book, step: Step, state: Ramping) -> bool:
    """Dispatch the move to the position that the ramp is at, unless it waits or was given up."""
    tries = 1 if book.run.aborting else DOWN_TRIES_MAX
    under_way = any(item.step == step.id for item in book.run.dispatches.values())
    if under_way or book.t < state.retry_at_t or state.failures >= tries:
        return False
    assert step.use is not None and step.ramp is not None
    record = book.run.steps[step.id]
    dispatch(
        book,
        step,
        step.use,
        {**state.args, step.ramp.key: state.values[state.position]},
        purpose="ramp",
        attempt=record.attempts + 1,
        key=f"{book.run.id}/{step.id}/{book.run.rounds}/{state.moves}",
        before=record.before,
        before_known=record.before_known,
    )
    return True


# ---- down


def fall(book: Book) -> bool:
    """Step back where a check or a guard says so, and carry on moves to less exposure; never blocked by anything."""
    for step, state in ramps(book.run):
        if _is_undone(book.run, step):
            continue
        if state.falling and _move(book, step, state):
            return True
        guard = _guard_to_fall_for(book.run, state, book.t)
        if guard is not None and _step_back(book, step, state, _seen(book.run, guard, state)):
            return True
        if guard is None and _check_back(book, step, state):
            return True
    return False


def ramps(run: Run) -> list[tuple[Step, Ramping]]:
    """Return the ramps under way."""
    return [
        (step, record.state)
        for step in run.open_steps
        if (record := run.steps.get(step.id)) is not None and isinstance(record.state, Ramping)
    ]


def _is_undone(run: Run, step: Step) -> bool:
    return run.undo is not None and step.id in run.undo.layers


def _guard_to_fall_for(run: Run, state: Ramping, t: int) -> Guard | None:
    """Return the breached guard that asks for a step back now: at once after a rise, else after as long as it takes."""
    for guard in run.plan.guards:
        if guard.check not in run.breached or guard.on_breach != "step_back":
            continue
        if not state.why or (state.settled and t >= state.since_t + guard_pause_ms(run, guard)):
            return guard
    return None


def guard_pause_ms(run: Run, guard: Guard) -> int:
    """Return how long a step back is given to show in the guard before the next one."""
    return max(guard.breach_after_ms, run.plan.checks[guard.check].interval_ms)


def _seen(run: Run, guard: Guard, state: Ramping) -> str:
    turned = reading(run, guard_id(guard.check))
    seen = f"{guard.check} {in_words(turned.value)}" if turned is not None else guard.check
    return f"guard {seen.rstrip()} breached at {state.values[state.position]:g}"


def _check_back(book: Book, step: Step, state: Ramping) -> bool:
    assert step.ramp is not None
    if not state.settled or book.t < state.cool_until_t:
        return False
    for check in step.ramp.checks:
        turned = reading(book.run, ramp_id(step.id, state, check))
        if turned is not None and turned.verdict == "fail":
            why = f"{f'{check} {in_words(turned.value)}'.rstrip()} fails at {state.values[state.position]:g}"
            if step.ramp.on_failure == "hold":
                return book.hold("ramp-failing", step=step.id, subject=check, text=why)
            return _step_back(book, step, state, why)
    return False


def _step_back(book: Book, step: Step, state: Ramping, why: str) -> bool:
    assert step.ramp is not None
    if state.position == 0:
        return book.hold("ramp-exhausted", step=step.id, text=f"{why}; it is at its floor")
    down(book, step, state, state.position - 1, why, counted=True)
    _count(book, step, state, why)
    return True


def _count(book: Book, step: Step, state: Ramping, why: str) -> None:
    """Hold, at the lower value, when the ramp has stepped back as often as it may."""
    assert step.ramp is not None
    if state.step_backs + 1 >= step.ramp.max_step_backs and not book.run.aborting:
        text = f"{why}; it stepped back {state.step_backs + 1} times and stays at the lower value"
        book.hold("ramp-exhausted", step=step.id, text=text)


def down(book: Book, step: Step, state: Ramping, position: int, why: str, *, counted: bool) -> None:
    """Send the ramp down; a move that is under way is told to stop first."""
    under_way = book.run.dispatches.get(state.dispatch)
    value = state.values[position]
    book.say(f.RampMoved, step=step.id, position=position, direction="down", why=why, counted=counted, value=value)
    if under_way is not None:
        stop(book, under_way, why)


def abandon(book: Book) -> bool:
    """Leave the ramps of a run that is aborted at values that were verified; True while something was said.

    A move up that is under way is taken back, and a move down that had failed is tried once more.
    """
    for step, state in ramps(book.run):
        rising, waiting = bool(state.dispatch) and not state.why, state.falling and not state.dispatch
        if state.why != ABORTED and (rising or waiting):
            down(book, step, state, state.position - (1 if rising else 0), ABORTED, counted=False)
            return True
        if state.falling and _move(book, step, state):
            return True
    return False


# ---- what the world reports


def reported(book: Book, done: Dispatch, given: Reported) -> None:
    """Take how a ramp's move ended."""
    step = book.run.step_of(done.step)
    state = book.run.steps[step.id].state
    assert step.ramp is not None
    error = ended_why(done, given.error)
    if not isinstance(state, Ramping) or state.dispatch != done.number:
        _overtaken(book, step, done, given.outcome, error)
    elif given.outcome == "succeeded":
        book.say(f.StepSucceeded, step=step.id, dispatch=done.number, result=given.result, purpose="ramp")
        take_effect(book, step, done)
        if state.why and step.ramp.cool_down_ms:
            book.say(f.RampCooling, step=step.id, until_t=book.t + step.ramp.cool_down_ms)
    elif given.outcome == "unknown":
        _lost(book, step, state, done, error)
    else:
        tried = state.failures + 1
        final = tried >= DOWN_TRIES_MAX if state.why else not given.retry or tried >= step.retry.max_attempts
        book.say(f.StepFailed, step=step.id, dispatch=done.number, error=error, final=final, purpose="ramp")
        _after_failure(book, step, done, error, final=final, after_ms=given.retry_after_ms)


def _lost(book: Book, step: Step, state: Ramping, lost: Dispatch, error: str) -> None:
    book.say(f.StepLost, step=step.id, dispatch=lost.number, why=error, purpose="ramp")
    take_effect(book, step, lost, sure=False)
    if not isinstance(book.run.steps[step.id].state, Ramping):
        return  # nothing destructive is done on a guess, not even less of it
    if state.why:
        _after_failure(book, step, lost, error, final=state.failures + 1 >= DOWN_TRIES_MAX)
        return
    # Perhaps the new value is in force: the one below is asserted again.
    why = f"{error}; {state.values[state.position]:g} may be in force"
    down(book, step, state, state.position - 1, why, counted=True)
    _count(book, step, state, why)


def _after_failure(
    book: Book, step: Step, failed: Dispatch, error: str, *, final: bool, after_ms: int | None = None
) -> None:
    """Try the move again, or leave the ramp at the last value that was verified and hold."""
    state = book.run.steps[step.id].state
    assert isinstance(state, Ramping)
    if not final:
        wait = wait_ms(book.run, step, state.failures, after_ms, hurry=bool(state.why))
        book.say(f.RetryScheduled, step=step.id, attempt=failed.attempt + 1, until_t=book.t + wait, why=error)
        return
    if not state.why:
        why, below = f"the move to {state.values[state.position]:g} failed", state.position - 1
        value = state.values[below]
        book.say(f.RampMoved, step=step.id, position=below, direction="down", why=why, stands=True, value=value)
    if not book.run.aborting:
        book.hold("step-failed", step=step.id, text=error)


def _overtaken(book: Book, step: Step, done: Dispatch, outcome: str, error: str) -> None:
    """A move that was stopped for a move down ended: whatever it did, the move down follows and says what is."""
    if outcome == "unknown":
        book.say(f.StepLost, step=step.id, dispatch=done.number, why=error, purpose="ramp")
    else:
        why = error or "overtaken by a move down"
        book.say(f.StepFailed, step=step.id, dispatch=done.number, error=why, final=False, purpose="ramp")
    if outcome != "failed":
        take_effect(book, step, done, sure=outcome == "succeeded")
