"""How the steps of a stage begin and go on, one after another or side by side."""

from typing import Any

from relight.kernel import facts as f
from relight.kernel import fanning, ramping
from relight.kernel.book import Book
from relight.kernel.outcomes import dispatch, fail, lose, settle, succeed, unknown
from relight.kernel.plan import ExpressionFailed, Json, Step, Use
from relight.kernel.scope import holds, probes_of_step, resolve
from relight.kernel.stages import probes_blind, probes_missing
from relight.kernel.state import Backoff, Dispatch, Fanning, Prepared, Ramping, Unknown, Waiting
from relight.kernel.watching import open_steps


def advance(book: Book, *, protective_only: bool = False) -> bool:
    """Begin or carry on one of the open steps; True when something was said."""
    for step in open_steps(book.run):
        if protective_only and (not step.protective or step.ramp is not None):
            continue
        record = book.run.steps.get(step.id)
        try:
            if _begin(book, step) if record is None else _go_on(book, step):
                return True
        except ExpressionFailed as error:
            if book.hold("expression-failed", step=step.id, text=str(error)):
                return True
    return False


def _begin(book: Book, step: Step) -> bool:
    probes = probes_of_step(step)
    if probes_blind(book, probes, step=step.id):
        return True
    if probes_missing(book.run, probes):
        return False
    if step.when is not None and not holds(book.run, step.when):
        book.say(f.StepSkipped, step=step.id, why=f"when is false: {step.when.text}")
        return True
    match step.kind:
        case "wait":
            book.say(f.WaitBegun, step=step.id, until_t=book.t + int(resolve(book.run, step.duration_ms)))
        case "manual":
            book.say(f.ManualAsked, step=step.id, instruction=str(resolve(book.run, step.instruction)))
        case "undo":
            _begin_undo(book, step)
        case "action" | "probe":
            _begin_call(book, step, attempt=1)
    return True


def _begin_undo(book: Book, step: Step) -> None:
    keys = tuple(key for key, entry in book.run.ledger.items() if step.undoes in entry.steps)
    if keys:
        book.say(f.UndoBegun, keys=keys, then="step", step=step.id)
    else:
        book.say(f.StepSkipped, step=step.id, why=f"{step.undoes} has nothing in force")


def _begin_call(book: Book, step: Step, *, attempt: int) -> None:
    if step.ramp is not None:
        ramping.begin(book, step)
        return
    if step.targets is not None:
        fanning.begin(book, step)
        return
    use, args = call_of(book, step)
    record = book.run.steps.get(step.id)
    known = record is not None and record.before_known
    if use.reads_value and not known and not (record is not None and record.attempts):
        book.say(f.StepPrepared, step=step.id, use=use, args=args)
        return
    dispatch(book, step, use, args, attempt=attempt)


def call_of(book: Book, step: Step) -> tuple[Use, dict[str, Any]]:
    """Return what the step calls and its arguments, evaluated now, once.

    Raises:
        ExpressionFailed: an argument cannot be evaluated.
    """
    assert step.use is not None
    return step.use, resolve(book.run, step.use.args)


def _go_on(book: Book, step: Step) -> bool:
    record = book.run.steps[step.id]
    match record.state:
        case Backoff(until_t=until) if book.t >= until:
            if step.kind == "undo" or record.attempts == 0:
                return _begin_again(book, step)
            _begin_call(book, step, attempt=record.attempts + 1)
            return True
        case Waiting(until_t=until) if book.t >= until:
            book.say(f.StepSucceeded, step=step.id, dispatch=0)
            return True
        case Unknown():
            return unknown(book, step, record.state, forward=True)
        case Ramping():
            return ramping.rise(book, step, record.state)
        case Fanning():
            return fanning.advance(book, step, record.state)
        case _:
            return False


def _begin_again(book: Book, step: Step) -> bool:
    match step.kind:
        case "undo":
            _begin_undo(book, step)
            return True
        case _:
            return _begin(book, step)


# ---- what the world reports


def value_read(book: Book, step: Step, value: Json, error: str) -> None:
    """Take the value in force that was read before a step, and dispatch it; unreadable is no reason to wait."""
    record = book.run.steps[step.id]
    assert isinstance(record.state, Prepared)
    known = not error and (value is None or isinstance(value, dict))
    before = value if known and isinstance(value, dict) else None
    dispatch(
        book,
        step,
        record.state.use,
        record.state.args,
        attempt=record.attempts + 1,
        before=before,
        before_known=known,
    )


def reported(
    book: Book, done: Dispatch, outcome: str, result: Json, error: str, retry: bool, after_ms: int | None
) -> None:
    """Take how a plain step's dispatch ended."""
    step = book.run.step_of(done.step)
    if done.stop_why:
        error = f"{done.stop_why}; {error}" if error else done.stop_why
    if outcome == "unknown":
        lose(book, step, done, error)
    elif outcome == "failed":
        fail(book, step, done, error, retry=retry, after_ms=after_ms)
    elif step.pass_when is not None:
        _judge_probe(book, step, done, result)
    else:
        succeed(book, step, done, result)


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
