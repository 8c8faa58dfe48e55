"""The way to a state, told as a story: one sentence for each thing that world and people did."""

from collections.abc import Iterator, Sequence

from relight.kernel.decide import turn
from relight.kernel.inputs import AnyInput, Asked, Read, Reported, Started, Ticked, TookOver, Turned
from relight.kernel.plan import Plan
from relight.kernel.state import Run


def runs_on(plan: Plan, path: Sequence[AnyInput], starter: str) -> Iterator[tuple[Run, AnyInput]]:
    """Yield the run before each input of a path, and the input."""
    run = turn(None, Started(at=0, t=0, run="run-1", plan=plan, starter=starter))[1]
    for number, given in enumerate(path):
        if number:
            run = turn(run, path[number - 1])[1]
        yield run, given  # what the last one leads to may be what is wrong: nobody goes there


def story(plan: Plan, path: Sequence[AnyInput], starter: str) -> list[str]:
    """Return a path's story; what all expect to go well is told in one word."""
    said = []
    for run, given in runs_on(plan, path, starter):
        sentence = _said(run, given)
        if sentence:
            said.append(sentence)
    return said


def _said(run: Run, given: AnyInput) -> str:
    match given:
        case TookOver():
            return "the run begins" if run.epoch == 0 else "the driver dies; another takes over"
        case Reported():
            return _reported(run, given)
        case Turned():
            word = {"pass": "passes", "fail": "fails", "inconclusive": "has no data"}.get(given.verdict, given.verdict)
            value = f" ({given.value:g})" if isinstance(given.value, float | int) else ""
            return f"{_where(given)}{given.check} {word}{value}"
        case Read():
            kind, name = given.read.split(":")[:2]
            what = {"probe": f"probe {name}", "settle": f"the settle probe of {name}"}.get(
                kind, f"the value before {name}"
            )
            return f"{what} cannot be read" if given.error else f"{what} is read"
        case Ticked():
            return f"{_duration(given.t - run.t)} pass" if given.t > run.t else ""
        case Asked():
            words = " ".join(word for word in (given.subject, given.ticket, given.value) if word)
            return f"{given.person} says: {given.verb} {words}".rstrip()
        case _:
            return ""


def _where(given: Turned) -> str:
    kind = given.use.split(":", 1)[0]
    return "guard " if kind == "guard" else ""


def _reported(run: Run, given: Reported) -> str:
    item = run.dispatches.get(given.dispatch)
    if item is None:
        return "an old report comes late"
    step = run.step_of(item.step)
    what = f"undoing {item.step}" if item.purpose == "undo" else item.step
    if item.purpose == "ramp" and step.ramp is not None:
        what = f"{item.step} at {item.args.get(step.ramp.key)}"
    word = {"succeeded": "succeeds", "failed": "fails", "unknown": "may or may not have happened"}[given.outcome]
    some = " on some hosts" if given.targets else ""
    return f"{what} {word}{some}"


def _duration(ms: int) -> str:
    if ms < 1_000:
        return f"{ms} ms"
    if ms < 120_000:
        return f"{ms / 1_000:g} s"
    return f"{ms / 60_000:.4g} min"
