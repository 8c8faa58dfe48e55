"""How the steps of a stage begin and go on, one after another or side by side."""

from typing import Any, assert_never

from relight.kernel import facts as f
from relight.kernel import fanning, ramping
from relight.kernel.book import Book
from relight.kernel.effects import down_to
from relight.kernel.inputs import Reported
from relight.kernel.outcomes import dispatch, ended_why, fail, lose, settle, succeed, unknown
from relight.kernel.plan import ExpressionFailed, Json, Step
from relight.kernel.plan_index import index_of
from relight.kernel.scope import holds, resolve
from relight.kernel.stages import probes_blind, probes_missing
from relight.kernel.state import Backoff, Dispatch, Fanning, Prepared, Ramping, StepRecord, Unknown, Waiting
from relight.kernel.undoing import begin_undo

BEFORE_MS = 5_000
BEFORE_PROTECTIVE_MS = 900
"""How long the value in force may take to read; a protective step starts within a second, known or not."""


def advance(book: Book, *, protective_only: bool = False) -> bool:
    """Begin or carry on one of the open steps; True when something was said."""
    for step in book.run.open_steps:
        if protective_only and (not step.protective or step.ramp is not None):
            continue
        record = book.run.steps.get(step.id)
        try:
            if _begin(book, step) if record is None else _go_on(book, step, record):
                return True
        except ExpressionFailed as error:
            if book.hold("expression-failed", step=step.id, text=str(error)):
                return True
    return False


def _begin(book: Book, step: Step) -> bool:
    probes = index_of(book.run.plan).probes[step.id]
    if probes_blind(book, probes, step=step.id):
        return True
    if probes_missing(book.run, probes):
        return False
    if step.when is not None and not holds(book.run, step.when):
        book.say(f.StepSkipped, step=step.id, why=f"when is false: {step.when.text}")
        return True
    match step.kind:
        case "wait":
            book.say(f.WaitBegun, step=step.id, until_t=book.t + _duration_ms(book, step))
        case "manual":
            book.say(f.ManualAsked, step=step.id, instruction=str(resolve(book.run, step.instruction)))
        case "undo":
            _begin_undo(book, step)
        case "action" | "probe":
            _begin_call(book, step)
        case _:
            assert_never(step.kind)
    return True


def _duration_ms(book: Book, step: Step) -> int:
    duration = resolve(book.run, step.duration_ms)
    if isinstance(duration, bool) or not isinstance(duration, int | float):
        raise ExpressionFailed(f"wait {step.id}: {duration!r} is no number of milliseconds")
    return max(int(duration), 0)


def _begin_undo(book: Book, step: Step) -> None:
    assert step.undoes is not None
    layers = down_to(book.run, step.undoes)
    if layers:
        begin_undo(book, layers, then="step", step=step.id)
    else:
        book.say(f.StepSkipped, step=step.id, why=f"{step.undoes} has nothing in force")


def _begin_call(book: Book, step: Step) -> None:
    """Dispatch the step, or first have the value read that is in force; a retry keeps what the first one read."""
    record = book.run.steps.get(step.id)
    assert step.use is not None
    if step.targets is not None:
        fanning.begin(book, step)
        return
    known = record is not None and record.before_known
    first = record is None or record.attempts == record.tries_from
    if step.use.reads_value and first and not known:
        book.say(f.StepPrepared, step=step.id, use=step.use, args=resolve(book.run, step.use.args))
    elif step.ramp is not None:
        ramping.begin(book, step)
    else:
        _dispatch(book, step, resolve(book.run, step.use.args), record)


def _dispatch(book: Book, step: Step, args: dict[str, Any], record: StepRecord | None) -> None:
    assert step.use is not None
    before, known = (record.before, record.before_known) if record is not None else (None, False)
    attempt = (record.attempts if record is not None else 0) + 1
    dispatch(book, step, step.use, args, attempt=attempt, before=before, before_known=known)


def before_ms(step: Step) -> int:
    """Return how long the value in force may take to read before the step goes on without it."""
    return BEFORE_PROTECTIVE_MS if step.protective else BEFORE_MS


def _go_on(book: Book, step: Step, record: StepRecord) -> bool:
    match record.state:
        case Prepared() as prepared if prepared.read or book.t >= prepared.since_t + before_ms(step):
            _go_on_prepared(book, step, record, prepared)
            return True
        case Backoff(until_t=until) if book.t >= until:
            if record.attempts == 0 or step.kind == "undo":
                return _begin(book, step)
            _begin_call(book, step)
            return True
        case Waiting(until_t=until) if book.t >= until:
            book.say(f.StepSucceeded, step=step.id, dispatch=0)
            return True
        case Unknown() as state:
            return unknown(book, step, state, forward=True)
        case Ramping() as state:
            return ramping.rise(book, step, state)
        case Fanning() as state:
            return fanning.advance(book, step, state)
        case _:
            return False


def _go_on_prepared(book: Book, step: Step, record: StepRecord, prepared: Prepared) -> None:
    if step.ramp is not None:
        ramping.begin(book, step, before=prepared.before, before_known=prepared.known)
        return
    attempt = record.attempts + 1
    dispatch(
        book,
        step,
        prepared.use,
        prepared.args,
        attempt=attempt,
        before=prepared.before,
        before_known=prepared.known,
    )


# ---- what the world reports


def reported(book: Book, done: Dispatch, given: Reported) -> None:
    """Take how a plain step's dispatch ended."""
    step = book.run.step_of(done.step)
    error = ended_why(done, given.error)
    if given.outcome == "unknown" and done.use.effect != "read":
        lose(book, step, done, error)
    elif given.outcome != "succeeded":
        fail(book, step, done, error, retry=given.retry, after_ms=given.retry_after_ms)
    elif step.pass_when is not None:
        _judge_probe(book, step, done, given.result)
    else:
        succeed(book, step, done, given.result)


def _judge_probe(book: Book, step: Step, done: Dispatch, result: Json) -> None:
    assert step.pass_when is not None
    try:
        passed = holds(book.run, step.pass_when, value=result)
    except ExpressionFailed as error:
        fail(book, step, done, str(error))
        return
    if passed:
        succeed(book, step, done, result)
    else:
        fail(book, step, done, f"{step.pass_when.text} is not true")


def settle_read(book: Book, step: Step, state: Unknown, value: Json, error: str) -> None:
    """Take one answer of a settle probe."""
    assert step.settle is not None
    book.say(f.ProbeRead, probe=f"settle:{step.id}", value=value, error=error)
    if error:
        return
    try:
        happened = holds(book.run, step.settle.done_when, value=value)
    except ExpressionFailed as failure:
        book.hold("step-unknown", step=step.id, text=f"{state.why}; its settle probe answered, but {failure}")
        return
    if happened:
        settle(book, step, state.lost, done=True, by="settle probe", result=value)
    elif book.t >= state.since_t + step.settle.within_ms:
        settle(book, step, state.lost, done=False, by="settle probe", result=value)
