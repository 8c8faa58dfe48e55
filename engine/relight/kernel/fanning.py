"""Fan-out: one step over many hosts, in batches, stopping when too many fail."""

from relight.kernel import facts as f
from relight.kernel.book import Book, find_hold
from relight.kernel.outcomes import LOST_AGAIN_MAX, dispatch, take_effect
from relight.kernel.plan import Json, Step, Targets
from relight.kernel.scope import resolve
from relight.kernel.state import Dispatch, Fanning
from relight.kernel.watching import between_id, passes, reading

SLICE_MAX = 100
"""Hosts in one dispatched and one reported fact."""


def begin(book: Book, step: Step) -> None:
    """Dispatch the first slice.

    Raises:
        ExpressionFailed: an argument cannot be evaluated.
    """
    assert step.targets is not None
    if not step.targets.hosts:
        book.say(f.StepSkipped, step=step.id, why=f"{step.targets.group} has no hosts")
        return
    _slice(book, step, step.targets, "." * len(step.targets.hosts))


def bounds(targets: Targets, index: int) -> tuple[int, int]:
    """Return the first and one past the last host index of the batch that holds host *index*."""
    start = 0
    for size in targets.batches:
        if index < start + size:
            return start, min(start + size, len(targets.hosts))
        start += size
    return start, len(targets.hosts)


def _slice(book: Book, step: Step, targets: Targets, status: str) -> None:
    assert step.use is not None
    first = status.index(".")
    _, end = bounds(targets, first)
    chosen = tuple(index for index in range(first, end) if status[index] == ".")[:SLICE_MAX]
    record = book.run.steps.get(step.id)
    attempt = (record.attempts if record else 0) + 1
    dispatch(book, step, step.use, resolve(book.run, step.use.args), attempt=attempt, targets=chosen)


def advance(book: Book, step: Step, fan: Fanning) -> bool:
    """Go on with the fan-out; True when something was said."""
    targets = step.targets
    assert targets is not None and step.use is not None
    if fan.dispatch:
        return False
    if "?" in fan.status:
        return _unknown(book, step, fan)
    failed = fan.status.count("x")
    if failed and failed >= targets.max_failures:
        return _too_many(book, step, targets, fan, failed)
    if "." not in fan.status:
        result = result_of(targets, fan)
        book.say(f.StepSucceeded, step=step.id, dispatch=0, result=result)
        return True
    first = fan.status.index(".")
    start, _ = bounds(targets, first)
    if first == start and start > 0 and not _between(book, step, targets, fan):
        return bool(book.run.holds)
    _slice(book, step, targets, fan.status)
    return True


def result_of(targets: Targets, fan: Fanning) -> Json:
    """Return what later expressions may read: how many were done, and which failed with what."""
    failed = {targets.hosts[int(index)]: error for index, error in sorted(fan.errors.items())[:SLICE_MAX]}
    return {"done": fan.status.count("+"), "failed": failed, "total": len(fan.status)}


def _between(book: Book, step: Step, targets: Targets, fan: Fanning) -> bool:
    for check in targets.between:
        use = between_id(book.run, step.id, fan, check)
        turned = reading(book.run, use)
        if turned is not None and turned.verdict in ("fail", "inconclusive"):
            text = f"{check} is {turned.verdict} between batches: {turned.value!r} {turned.detail}".rstrip()
            book.hold("between-failed", step=step.id, subject=check, text=text)
    return all(passes(book.run, between_id(book.run, step.id, fan, check)) for check in targets.between)


def _unknown(book: Book, step: Step, fan: Fanning) -> bool:
    assert step.use is not None
    unknowns = book.run.steps[step.id].unknowns
    if step.use.idempotent and unknowns <= LOST_AGAIN_MAX:
        why = "idempotent: the hosts whose outcome is unknown are done again"
        record = book.run.steps[step.id]
        book.say(f.RetryScheduled, step=step.id, attempt=record.attempts + 1, until_t=book.t, why=why)
        return True
    count = fan.status.count("?")
    return book.hold("step-unknown", step=step.id, text=f"{count} of {len(fan.status)} hosts may or may not be done")


def _too_many(book: Book, step: Step, targets: Targets, fan: Fanning, failed: int) -> bool:
    if find_hold(book.run, "step-failed", step=step.id) is not None:
        return False
    some = [f"{targets.hosts[int(index)]}: {error}" for index, error in list(fan.errors.items())[:3]]
    text = f"failed on {failed} of {len(fan.status)} hosts: {'; '.join(some)}"
    if step.on_failure == "continue":
        book.say(f.StepSkipped, step=step.id, why=text)
        return True
    return book.hold("step-failed", step=step.id, text=text)


def reported(book: Book, done: Dispatch, outcome: str, error: str, targets: dict[str, str | None]) -> None:
    """Take how a slice ended."""
    step = book.run.step_of(done.step)
    assert step.targets is not None
    hosts = step.targets.hosts
    if outcome == "unknown" and not targets:
        book.say(f.StepLost, step=step.id, dispatch=done.number, why=error)
        take_effect(book, step, done, sure=False)
        return
    default = None if outcome == "succeeded" else error
    heard = {index: targets.get(hosts[index], default) for index in done.targets}
    unknown = tuple(i for i in done.targets if outcome == "unknown" and hosts[i] not in targets)
    book.say(
        f.TargetsReported,
        step=step.id,
        dispatch=done.number,
        done=tuple(i for i, e in heard.items() if e is None and i not in unknown),
        failed={str(i): e for i, e in heard.items() if e is not None and i not in unknown},
        unknown=unknown,
    )
    take_effect(book, step, done)
