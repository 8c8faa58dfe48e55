"""Ramps: up one declared value at a time while checks and guards pass, down at once.

A rise waits for everything; a step down waits for nothing but the move that is under way.
"""

from typing import Any

from relight.kernel import facts as f
from relight.kernel.book import Book, find_hold
from relight.kernel.outcomes import STOP_GRACE_MS, backoff_ms, dispatch, take_effect
from relight.kernel.plan import ExpressionFailed, Json, Ramp, Step
from relight.kernel.scope import resolve
from relight.kernel.state import Dispatch, Ramping, Run
from relight.kernel.watching import open_steps, passes, ramp_id, reading

DOWN_TRIES_MAX = 10
"""A move to less exposure is tried this often, with backoff, before a person is asked."""


def begin(book: Book, step: Step) -> None:
    """Resolve the ramp's values: the floor, then every declared value above it.

    Raises:
        ExpressionFailed: a value cannot be evaluated or is no number.
    """
    assert step.ramp is not None
    floor = _number(step, resolve(book.run, step.ramp.floor))
    declared = [_number(step, resolve(book.run, value)) for value in step.ramp.through]
    values = (floor, *sorted(value for value in set(declared) if value > floor))
    book.say(f.RampBegun, step=step.id, values=values)


def _number(step: Step, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionFailed(f"ramp {step.id}: {value!r} is no number")
    return value


def _move(book: Book, step: Step, state: Ramping) -> None:
    """Dispatch the move to the position that the ramp is at."""
    assert step.use is not None and step.ramp is not None
    value = state.values[state.position]
    args = {**resolve(book.run, step.use.args), step.ramp.key: value}
    record = book.run.steps[step.id]
    key = f"{book.run.id}/{step.id}/{book.run.rounds}/{state.moves}"
    dispatch(
        book,
        step,
        step.use,
        args,
        purpose="ramp",
        attempt=record.attempts + 1,
        key=key,
        before={**{name: args[name] for name in args if name != step.ramp.key}, step.ramp.key: state.values[0]},
        before_known=True,
    )


def rise(book: Book, step: Step, state: Ramping) -> bool:
    """Go up by one declared value if everything allows it; True when something was said."""
    ramp = step.ramp
    assert ramp is not None
    if not state.settled:
        return _retry_move(book, step, state)
    if book.t < state.cool_until_t:
        return False
    if _blind(book, step, ramp, state):
        return True
    last = state.position == len(state.values) - 1
    if not all(passes(book.run, ramp_id(step.id, state, check)) for check in ramp.checks):
        return False
    if book.run.breached or not _guards_pass(book.run):
        return False
    if not ramp.checks and book.t < state.since_t + (ramp.dwell_ms if state.position else 0):
        return False
    if last:
        result = {ramp.key: state.values[state.position], "step_backs": state.step_backs}
        book.say(f.StepSucceeded, step=step.id, dispatch=0, result=result)
        return True
    if state.stay:
        return False
    book.say(f.RampMoved, step=step.id, position=state.position + 1, direction="up")
    return True


def _guards_pass(run: Run) -> bool:
    return all(passes(run, f"guard:{guard.check}") for guard in run.plan.guards)


def _blind(book: Book, step: Step, ramp: Ramp, state: Ramping) -> bool:
    for check in ramp.checks:
        turned = reading(book.run, ramp_id(step.id, state, check))
        hold = book.run.plan.checks[check].on_inconclusive == "hold"
        if hold and turned is not None and turned.verdict == "inconclusive":
            return book.hold("check-blind", step=step.id, subject=check, text=f"{check}: {turned.detail}")
    return False


def _retry_move(book: Book, step: Step, state: Ramping) -> bool:
    if book.t < state.retry_at_t or any(item.step == step.id for item in book.run.dispatches.values()):
        return False
    if find_hold(book.run, "step-failed", step=step.id) is not None:
        return False
    _move(book, step, state)
    return True


def fall(book: Book) -> bool:
    """Step back where a check or a guard says so, and carry on moves to less exposure; never blocked by anything."""
    for step in open_steps(book.run):
        record = book.run.steps.get(step.id)
        if record is None or not isinstance(record.state, Ramping):
            continue
        state = record.state
        try:
            if not state.settled and state.why and _retry_move(book, step, state):
                return True
            why = _reason_to_fall(book.run, step, state, book.t)
            if why and _step_back(book, step, state, why):
                return True
        except ExpressionFailed as error:
            if book.hold("expression-failed", step=step.id, text=str(error)):
                return True
    return False


def _reason_to_fall(run: Run, step: Step, state: Ramping, t: int) -> str:
    assert step.ramp is not None
    for guard in run.plan.guards:
        since = run.breached.get(guard.check)
        if since is None or guard.on_breach != "step_back":
            continue
        pause = max(guard.breach_after_ms, run.plan.checks[guard.check].interval_ms)
        moved = state.since_t if state.settled else t
        if not state.why or (state.settled and t >= moved + pause):
            turned = run.readings.get(f"guard:{guard.check}")
            seen = f" {turned.value!r}" if turned is not None else ""
            return f"guard {guard.check}{seen} breached at {state.values[state.position]:g}"
    if state.settled and t >= state.cool_until_t:
        for check in step.ramp.checks:
            turned = reading(run, ramp_id(step.id, state, check))
            if turned is not None and turned.verdict == "fail":
                return f"{check} {turned.value!r} fails at {state.values[state.position]:g}"
    return ""


def _step_back(book: Book, step: Step, state: Ramping, why: str) -> bool:
    assert step.ramp is not None
    if step.ramp.on_failure == "hold" and not why.startswith("guard "):
        return book.hold("ramp-exhausted", step=step.id, text=why)
    if state.position == 0:
        return book.hold("ramp-exhausted", step=step.id, text=f"{why}; it is at its floor")
    down(book, step, state, state.position - 1, why, counted=True)
    if state.step_backs + 1 >= step.ramp.max_step_backs:
        text = f"{why}; it stepped back {state.step_backs + 1} times and stays at the lower value"
        book.hold("ramp-exhausted", step=step.id, text=text)
    return True


def down(book: Book, step: Step, state: Ramping, position: int, why: str, *, counted: bool) -> None:
    """Send the ramp down; a move that is under way is told to stop first."""
    under_way = book.run.dispatches.get(state.dispatch)
    book.say(f.RampMoved, step=step.id, position=position, direction="down", why=why, counted=counted)
    if under_way is not None and under_way.stop_until_t is None:
        book.say(
            f.StepStopping,
            step=step.id,
            dispatch=under_way.number,
            why=why,
            until_t=book.t + STOP_GRACE_MS,
        )


def reported(book: Book, done: Dispatch, outcome: str, error: str, result: Json) -> None:
    """Take how a ramp's move ended."""
    step = book.run.step_of(done.step)
    state = book.run.steps[step.id].state
    assert isinstance(state, Ramping) and step.ramp is not None
    if state.dispatch != done.number:
        _overtaken(book, step, done, outcome, error)
        return
    if outcome == "succeeded":
        book.say(f.StepSucceeded, step=step.id, dispatch=done.number, result=result)
        take_effect(book, step, done)
        if state.why and step.ramp.cool_down_ms:
            book.say(f.RampCooling, step=step.id, until_t=book.t + step.ramp.cool_down_ms)
        return
    if outcome == "unknown" and not done.use.idempotent:
        book.say(f.StepLost, step=step.id, dispatch=done.number, why=error)
        take_effect(book, step, done, sure=False)
        return
    tries = DOWN_TRIES_MAX if state.why else step.retry.max_attempts
    failures = state.failures + 1
    book.say(f.StepFailed, step=step.id, dispatch=done.number, error=error, final=failures >= tries)
    if outcome == "unknown":
        take_effect(book, step, done, sure=False)
    until = book.t + backoff_ms(book.run, step, failures)
    book.say(f.RetryScheduled, step=step.id, attempt=done.attempt + 1, until_t=until, why=error)
    if failures >= tries:
        book.hold("step-failed", step=step.id, text=error)


def _overtaken(book: Book, step: Step, done: Dispatch, outcome: str, error: str) -> None:
    """A move that was stopped for a move down ended: whatever it did, the move down follows and says what is."""
    if outcome == "succeeded":
        book.say(f.StepFailed, step=step.id, dispatch=done.number, error="overtaken by a move down", final=False)
        take_effect(book, step, done)
        return
    book.say(f.StepFailed, step=step.id, dispatch=done.number, error=error or done.stop_why, final=False)
    if outcome == "unknown":
        take_effect(book, step, done, sure=False)
