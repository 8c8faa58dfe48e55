"""Moments as people write them: ``5m``, ``undeploy started``, ``gate reopen asked``, ``admit at 50``, ``held``."""

from dataclasses import dataclass

from relight.drivers.rehearsal.moments import WORDS, Kind, Moment
from relight.drivers.rehearsal.script import When
from relight.kernel.holds import HOLDS
from relight.kernel.plan import Plan, Step
from relight.sdk.values import parse_duration

WITH_VALUE = frozenset({"at", "held", "escalated", "settled"})
"""Words that something may follow: a ramp's value, a hold's code, who was told, done or not-done."""
_KINDS: tuple[Kind, ...] = ("stage", "gate", "step", "check")


@dataclass(frozen=True, slots=True)
class WrongMoment(Exception):
    """A moment that never comes: *code* of the complaint, what is wrong, the word it is about, what it may have been.

    Attributes:
        known: Names or words that it may have meant.
    """

    code: str
    message: str
    word: str = ""
    known: tuple[str, ...] = ()
    hint: str = ""


def when_of(text: str, plan: Plan, *, nth: int = 1, after_ms: int = 0) -> When:
    """Return the time or moment that *text* says.

    Raises:
        WrongMoment: it says none that can come in a run of *plan*.
    """
    try:
        return When(t_ms=parse_duration(text), after_ms=after_ms)
    except ValueError as error:
        if text[:1].isdigit():
            message, _, hint = str(error).partition("; ")
            raise WrongMoment("RL206", message, hint=hint) from None
        return When(on=moment_of(text, plan), nth=nth, after_ms=after_ms)


def moment_of(text: str, plan: Plan) -> Moment:
    """Return the moment that *text* says.

    Raises:
        WrongMoment: it says none that can come in a run of *plan*.
    """
    words = text.split()
    if words and words[0] in WORDS["run"]:
        return _of_run(words)
    kinds: tuple[Kind, ...] = ("stage", "step", "check")
    if words and words[0] in _KINDS and len(words) > 2:
        kinds, words = (words[0],), words[1:]
    if len(words) < 2:
        hint = "write what and what becomes of it: `undeploy failed`, `gate reopen asked`, `admit at 50`, `held`; or 5m"
        raise WrongMoment("RL702", f"{text!r} is no time and no moment", hint=hint)
    name, word, rest = words[0], words[1], words[2:]
    if len(rest) > (1 if word in WITH_VALUE else 0):
        raise WrongMoment("RL702", f"{text!r} goes on after {word!r}", hint=f"write `{name} {word}`")
    named = [kind for kind in kinds if name in _names(plan, kind)]
    if not named:
        raise _unknown(name, kinds, plan)
    fitting = [kind for kind in named if word in WORDS[kind]]
    if not fitting:
        can = tuple(each for kind in named for each in WORDS[kind])
        raise WrongMoment("RL702", f"{name!r} is never {word!r}", word, can)
    if len(fitting) > 1:
        hint = f"write {' or '.join(f'`{kind} {name} {word}`' for kind in fitting)}"
        raise WrongMoment("RL702", f"{name!r} is {' and '.join(fitting)} of this runbook", hint=hint)
    return _checked(Moment(fitting[0], name, word, rest[0] if rest else ""), plan)


def _of_run(words: list[str]) -> Moment:
    word, rest = words[0], words[1:]
    if len(rest) > (1 if word == "held" else 0):
        raise WrongMoment("RL702", f"{' '.join(words)!r} goes on after {word!r}", hint=f"write `{word}`")
    if rest and rest[0] not in HOLDS:
        raise WrongMoment("RL702", f"no hold is called {rest[0]!r}", rest[0], tuple(HOLDS))
    return Moment("run", "", word, rest[0] if rest else "")


def _checked(moment: Moment, plan: Plan) -> Moment:
    """Return the moment with its value as facts write it, if it can come at all."""
    if moment.kind != "step":
        return moment
    step = plan_step(plan, moment.name)
    if moment.word in ("at", "stepped-back") and step.ramp is None:
        raise WrongMoment("RL702", f"{moment.name!r} is no ramp", hint="only a ramp is at a value, or steps back")
    if moment.word == "at":
        try:
            return moment._replace(value=f"{float(moment.value.rstrip('%')):g}")
        except ValueError:
            hint = f"write `{moment.name} at 50`"
            raise WrongMoment("RL702", f"{moment.value!r} is no value of a ramp", hint=hint) from None
    if moment.word == "settled" and moment.value not in ("", "done", "not-done"):
        raise WrongMoment("RL702", "a step is settled done or not-done", moment.value, ("done", "not-done"))
    return moment


def plan_step(plan: Plan, name: str) -> Step:
    """Return the step of that id."""
    return next(step for stage in plan.stages for step in stage.steps if step.id == name)


def _unknown(name: str, kinds: tuple[Kind, ...], plan: Plan) -> WrongMoment:
    known = tuple(dict.fromkeys(each for kind in kinds for each in _names(plan, kind)))
    what = "stage with a gate" if kinds == ("gate",) else " or ".join(kinds)
    return WrongMoment("RL701", f"the runbook has no {what} {name!r}", name, known)


def _names(plan: Plan, kind: Kind) -> tuple[str, ...]:
    match kind:
        case "stage":
            return tuple(stage.id for stage in plan.stages)
        case "gate":
            return tuple(stage.id for stage in plan.stages if stage.gate is not None)
        case "step":
            return tuple(step.id for stage in plan.stages for step in stage.steps)
        case _:
            return tuple(plan.checks)
