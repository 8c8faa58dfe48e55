"""Fan-out: one step over many hosts, in batches, stopping when too many fail."""

from dataclasses import dataclass, field
from itertools import islice

from relight.kernel import facts as f
from relight.kernel.book import Book
from relight.kernel.effects import effect_key, is_neutral, value_in
from relight.kernel.inputs import Reported
from relight.kernel.outcomes import (
    LOST_AGAIN_MAX,
    clear_effect,
    dispatch,
    ended_why,
    hold_failed,
    lifts,
    may_repeat,
    take_effect,
)
from relight.kernel.plan import Json, Step, Targets
from relight.kernel.scope import resolve
from relight.kernel.state import Dispatch, Fanning
from relight.kernel.watching import batch_of, between_id, blind, in_words, passes, pauses, reading

SLICE_MAX = 100
"""Hosts in one dispatched and one reported fact."""
NAMED_MAX = 3
"""Hosts that a reason names; more would not fit on a line."""


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


def _slice(book: Book, step: Step, targets: Targets, status: str) -> None:
    first = status.index(".")
    _, end = batch_of(targets, first)
    waiting = (index for index in range(first, min(end, len(status))) if status[index] == ".")
    _dispatch(book, step, tuple(islice(waiting, SLICE_MAX)))


def _dispatch(book: Book, step: Step, hosts: tuple[int, ...]) -> None:
    assert step.use is not None
    record = book.run.steps.get(step.id)
    attempt = (record.attempts if record is not None else 0) + 1
    dispatch(book, step, step.use, resolve(book.run, step.use.args), attempt=attempt, targets=hosts)


def advance(book: Book, step: Step, fan: Fanning) -> bool:
    """Go on with the fan-out; True when something was said.

    Raises:
        ExpressionFailed: an argument cannot be evaluated.
    """
    targets = step.targets
    assert targets is not None
    if fan.dispatch or fan.failed:
        return False
    if "?" in fan.status:
        return unknown(book, step, fan, forward=True)
    failed = fan.status.count("x")
    if failed and failed >= targets.max_failures:
        some = [f"{targets.hosts[int(index)]}: {error}" for index, error in list(fan.errors.items())[:NAMED_MAX]]
        _give_up(book, step, f"failed on {failed} of {len(fan.status)} hosts: {'; '.join(some)}")
        return True
    if "." not in fan.status:
        _succeed(book, step, targets, fan)
        return True
    if pauses(targets, fan):
        for check in targets.between:
            if _between_fails(book, step, fan, check):
                return True
        if not all(passes(book.run, between_id(book.run, step.id, fan, check)) for check in targets.between):
            return False
    _slice(book, step, targets, fan.status)
    return True


def _between_fails(book: Book, step: Step, fan: Fanning, check: str) -> bool:
    use = between_id(book.run, step.id, fan, check)
    turned = reading(book.run, use)
    if turned is None or (turned.verdict != "fail" and blind(book.run, use, check) is None):
        return False
    text = f"{check} is {turned.verdict} between batches: {in_words(turned.value)} {turned.detail}".rstrip(" :")
    return book.hold("between-failed", step=step.id, subject=check, text=text)


def _succeed(book: Book, step: Step, targets: Targets, fan: Fanning) -> None:
    assert step.use is not None
    args = resolve(book.run, step.use.args)
    key = effect_key(step, step.use, args)
    book.say(f.StepSucceeded, step=step.id, dispatch=0, result=result_of(targets, fan))
    if "x" not in fan.status and is_neutral(step.use, value_in(step.use, args)) and not lifts(book.run, step, key):
        clear_effect(book, key)


def result_of(targets: Targets, fan: Fanning) -> Json:
    """Return what later expressions may read: how many were done, and which failed with what."""
    failed = {targets.hosts[int(index)]: error for index, error in list(fan.errors.items())[:SLICE_MAX]}
    return {"done": fan.status.count("+"), "failed": failed, "total": len(fan.status)}


def unknown(book: Book, step: Step, fan: Fanning, *, forward: bool) -> bool:
    """Go on with hosts whose outcome is unknown; True when something was said.

    Raises:
        ExpressionFailed: an argument cannot be evaluated.
    """
    assert step.use is not None
    record = book.run.steps[step.id]
    if not may_repeat(step.use) or record.unknowns > LOST_AGAIN_MAX:
        hosts = fan.at("?")
        text = f"{_named(step, hosts)} may or may not be done ({len(hosts)} of {len(fan.status)} hosts)"
        return book.hold("step-unknown", step=step.id, text=text)
    if not forward:
        return False
    why = "idempotent: the hosts whose outcome is unknown are done again"
    book.say(f.RetryScheduled, step=step.id, attempt=record.attempts + 1, until_t=book.t, why=why)
    _dispatch(book, step, fan.at("?")[:SLICE_MAX])
    return True


def _named(step: Step, hosts: tuple[int, ...]) -> str:
    """Return some hosts by name, and how many more there are."""
    assert step.targets is not None
    names = [step.targets.hosts[index] for index in hosts[:NAMED_MAX]]
    more = len(hosts) - len(names)
    return f"{', '.join(names)}{f' and {more} more' if more else ''}"


def _give_up(book: Book, step: Step, text: str) -> None:
    book.say(f.StepFailed, step=step.id, dispatch=0, error=text)
    hold_failed(book, step, text)


# ---- what the world and people say


def reported(book: Book, done: Dispatch, given: Reported) -> None:
    """Take how a slice ended, host by host; of whom nothing was heard, the outcome of the whole is said."""
    step = book.run.step_of(done.step)
    sides = sort_hosts(step, done, given)
    if not sides.done and not sides.failed and not given.untouched:
        book.say(f.StepLost, step=step.id, dispatch=done.number, why=ended_why(done, given.error))
    else:
        book.say(
            f.TargetsReported,
            step=step.id,
            dispatch=done.number,
            done=sides.done,
            failed=sides.failed,
            unknown=sides.unknown,
        )
    _take_effects(book, step, done, sides)


@dataclass(slots=True)
class Sides:
    """The hosts of a slice by what became of them."""

    done: tuple[int, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    unknown: tuple[int, ...] = ()


def sort_hosts(step: Step, done: Dispatch, given: Reported) -> Sides:
    """Return what became of each host of a slice."""
    assert step.targets is not None
    hosts, heard = step.targets.hosts, given.targets
    silent = tuple(index for index in done.targets if hosts[index] not in heard and hosts[index] not in given.untouched)
    said = {index: heard[hosts[index]] for index in done.targets if hosts[index] in heard}
    if given.outcome != "unknown":
        said |= dict.fromkeys(silent, None if given.outcome == "succeeded" else ended_why(done, given.error))
        silent = ()
    return Sides(
        done=tuple(index for index, why in said.items() if why is None),
        failed={str(index): why for index, why in said.items() if why is not None},
        unknown=silent,
    )


def _take_effects(book: Book, step: Step, done: Dispatch, sides: Sides) -> None:
    if is_neutral(done.use, value_in(done.use, done.args)) and not lifts(book.run, step, done.effect_key):
        return  # it clears, and is clear when all hosts are
    if sides.done:
        take_effect(book, step, done, targets=sides.done)
    if sides.unknown:
        take_effect(book, step, done, sure=False, targets=sides.unknown)


def settle(book: Book, step: Step, fan: Fanning, *, done: bool, by: str, person: str = "", reason: str = "") -> None:
    """Record what became of all hosts whose outcome is unknown."""
    hosts, lost = fan.at("?"), fan.lost
    assert lost is not None
    book.say(f.StepSettled, step=step.id, dispatch=lost.number, done=done, by=by, person=person, reason=reason)
    entry = book.run.ledger.get(lost.effect_key)
    if done:
        _take_effects(book, step, lost, Sides(done=hosts))
    elif entry is not None and not entry.sure and entry.step == step.id:
        book.say(f.EffectCleared, key=lost.effect_key, why="it did not happen", never=True)


def heard_late(book: Book, step: Step, fan: Fanning, given: Reported) -> None:
    """Take a late report of a slice that was given up; it settles the hosts that it names."""
    lost = fan.lost
    assert lost is not None
    unknown = set(fan.at("?"))
    sides = sort_hosts(step, lost, given)
    sides.done = tuple(index for index in sides.done if index in unknown)
    sides.failed = {index: why for index, why in sides.failed.items() if int(index) in unknown}
    sides.unknown = tuple(sorted(unknown.difference(sides.done, map(int, sides.failed))))
    if not sides.done and not sides.failed:
        return
    book.say(
        f.TargetsReported,
        step=step.id,
        dispatch=lost.number,
        done=sides.done,
        failed=sides.failed,
        unknown=sides.unknown,
    )
    _take_effects(book, step, lost, sides)
