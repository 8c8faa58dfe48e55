"""A rehearsal's document becomes a script and an expected ending, both held against the plan that is rehearsed."""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from relight.control.moment_words import WrongMoment, moment_of, plan_step, when_of
from relight.drivers.rehearsal.moments import Moment
from relight.drivers.rehearsal.script import START, Event, GateAnswer, ProbeSays, Script, Spell, StepEnd, When
from relight.kernel.asking import VERBS
from relight.kernel.holds import HOLDS
from relight.kernel.plan import Plan
from relight.runbook.complaints import did_you_mean

if TYPE_CHECKING:
    from relight.runbook import rehearsal_document as document
    from relight.runbook.complaints import Complaints
    from relight.runbook.parts import Part

KILL = ("kill", "driver")
_MARKS, _RAMPS = ("done", "not-done"), ("floor", "down", "stay", "up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How a rehearsal has to end; None and empty: whatever."""

    state: str | None = None
    hold: str | None = None
    stage: str | None = None
    in_force: tuple[str, ...] | None = None
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    attempts: dict[str, int] = field(default_factory=dict)
    asked: tuple[str, ...] | None = None
    approved_by: dict[str, tuple[str, ...]] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    breached: tuple[str, ...] = ()
    happens: tuple[Moment, ...] = ()
    never_happens: tuple[Moment, ...] = ()
    within_ms: int | None = None


SUCCEEDS = Expected(state="succeeded")
"""What is expected where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Scripted:
    """What a document says; only to be played where nobody complained."""

    script: Script
    expected: Expected


def scripted(rehearsal: "document.Rehearsal", plan: Plan, complaints: "Complaints") -> Scripted:
    """Return what *rehearsal* says of *plan*; what the plan does not have is complained of."""
    return _Scripting(rehearsal, plan, complaints).scripted()


class _Scripting:
    def __init__(self, rehearsal: "document.Rehearsal", plan: Plan, complaints: "Complaints") -> None:
        self._rehearsal = rehearsal
        self._plan = plan
        self._complaints = complaints
        self._steps = [step.id for stage in plan.stages for step in stage.steps]
        self._stages = [stage.id for stage in plan.stages]
        self._gates = [stage.id for stage in plan.stages if stage.gate is not None]

    def scripted(self) -> Scripted:
        """Return the script and the ending."""
        said = self._rehearsal
        self._named("steps", said.steps, self._steps, "step")
        self._named("undo", said.undo, self._steps, "step")
        self._named("probes", said.probes, self._plan.probes, "probe")
        self._named("checks", said.checks, self._plan.checks, "check")
        self._named("gates", said.gates, self._gates, "gate at a stage")
        script = Script(
            steps={name: tuple(self._step_end(name, each) for each in ends) for name, ends in said.steps.items()},
            undos={name: tuple(self._step_end(name, each) for each in ends) for name, ends in said.undo.items()},
            probes={name: tuple(_probe(each) for each in answers) for name, answers in said.probes.items()},
            checks={name: tuple(self._spell(each) for each in spells) for name, spells in said.checks.items()},
            gates={name: tuple(self._answer(name, each) for each in answers) for name, answers in said.gates.items()},
            events=tuple(event for each in said.events if (event := self._event(each)) is not None),
            limit_ms=said.until,
        )
        expected = SUCCEEDS if said.expect is None else self._expected(said.expect)
        return Scripted(script, expected)

    # ---- names

    def _named(self, key: str, given: Iterable[str], known: Iterable[str], what: str) -> None:
        owner = self._rehearsal.raw(key)
        for name in given:
            if name not in known:
                at = owner.keys_at[name]
                self._complaints.add("RL701", at, f"the runbook has no {what} {name!r}", did_you_mean(name, known))

    def _known(self, part: "Part", key: str, names: Iterable[str], known: Iterable[str], what: str) -> None:
        for index, name in enumerate(names):
            if name not in known:
                hint = did_you_mean(name, known)
                self._complaints.add("RL701", part.place(key, index), f"the runbook has no {what} {name!r}", hint)

    def _people(self, part: "Part", key: str, names: Iterable[str], *, single: bool = False) -> None:
        people = [person.id for person in self._plan.people]
        roles = {role for person in self._plan.people for role in person.roles}
        for index, name in enumerate(names):
            if name not in (*people, *roles, "starter", "stranger"):
                at = part.place(key) if single else part.place(key, index)
                hint = did_you_mean(name, [*people, *roles, "starter", "stranger"])
                message = f"{name!r} is no person or role of the site {self._plan.site!r}"
                self._complaints.add("RL701", at, message, hint)

    def _when(self, part: "Part", key: str, text: str, **more: Any) -> When:
        return self._said(lambda: when_of(text, self._plan, **more), part, (key,)) or START

    def _said(self, say: Callable[[], Any], part: "Part", path: tuple[str | int, ...]) -> Any:
        try:
            return say()
        except WrongMoment as wrong:
            hint = wrong.hint or did_you_mean(wrong.word, wrong.known)
            self._complaints.add(wrong.code, part.place(*path), wrong.message, hint)
            return None

    # ---- parts

    def _step_end(self, name: str, ends: "document.StepEnds") -> StepEnd:
        step = plan_step(self._plan, name) if name in self._steps else None
        if ends.hosts and step is not None:
            hosts = step.targets.hosts if step.targets is not None else ()
            self._known(ends, "hosts", ends.hosts, hosts, "host")
        if ends.at is not None and step is not None and step.ramp is None:
            self._complaints.add("RL704", ends.key_place("at"), f"{name!r} is no ramp", "leave `at` out")
        if ends.happened and ends.is_ not in ("unknown", "times-out"):
            hint = "leave it out, or write `is: unknown`"
            message = f"what {ends.is_} is known to have happened or not"
            self._complaints.add("RL704", ends.key_place("happened"), message, hint)
        return StepEnd(
            word=ends.is_,
            times=ends.times,
            error=ends.error or "",
            retry=ends.retry,
            takes_ms=ends.after,
            result=_plain(ends.result),
            gives=ends.written("result"),
            happened=ends.happened,
            hosts=tuple(ends.hosts),
            at=ends.at,
        )

    def _spell(self, spell: "document.Spell") -> Spell:
        if spell.during is not None:
            self._one(spell, "during", spell.during, self._stages, "stage")
        return Spell(
            word=spell.is_,
            value=_plain(spell.value),
            start=START if spell.from_ is None else self._when(spell, "from", spell.from_),
            until=None if spell.until is None else self._when(spell, "until", spell.until),
            for_ms=spell.for_,
            during=spell.during or "",
            every_ms=spell.every,
        )

    def _one(self, part: "Part", key: str, name: str, known: Iterable[str], what: str) -> None:
        if name not in known:
            message = f"the runbook has no {what} {name!r}"
            self._complaints.add("RL701", part.place(key), message, did_you_mean(name, known))

    def _answer(self, stage: str, answer: "document.GateAnswer") -> GateAnswer:
        self._people(answer, "by", answer.by)
        optional = next((each.optional for each in self._plan.stages if each.id == stage), True)
        if answer.is_ == "skipped" and not optional and not answer.refused:
            hint = "write `optional: true` in the runbook, or `refused: true` here"
            self._complaints.add("RL704", answer.place("is"), f"the stage {stage!r} cannot be skipped", hint)
        if answer.is_ == "ignored" and (answer.by or answer.after is not None):
            at = answer.key_place("by" if answer.by else "after")
            self._complaints.add("RL704", at, "nobody answers what is ignored", "leave it out")
        return GateAnswer(
            word=answer.is_,
            by=tuple(answer.by),
            after_ms=answer.after,
            reason=answer.reason or "",
            refused=answer.refused,
            times=answer.times,
        )

    # ---- events

    def _event(self, event: "document.Event") -> Event | None:
        when = self._when(event, "at", event.at, nth=event.nth, after_ms=event.after)
        if event.by is not None:
            self._people(event, "by", [event.by], single=True)
        try:
            words = tuple(shlex.split(event.do))
        except ValueError:
            self._complaints.add("RL703", event.place("do"), "a quote is not closed", "close it")
            return None
        words = words[1:] if words[:1] == ("relight",) else words
        if words == KILL:
            return Event(when=when, kills=True, happened=event.happened)
        if not words or (words[0] not in VERBS and words[0] != "note"):
            hint = did_you_mean(words[0] if words else "", [*VERBS, "note", "kill driver"])
            self._complaints.add("RL703", event.place("do"), f"{event.do!r} is no verb", hint)
            return None
        if event.happened:
            hint = "leave it out, or write `do: kill driver`"
            self._complaints.add("RL704", event.key_place("happened"), "only a driver that is killed leaves that", hint)
        self._words(event, words[0], words[1:])
        reason = event.reason or ""
        return Event(when=when, verb=words[0], words=words[1:], by=event.by or "", reason=reason, refused=event.refused)

    def _words(self, event: "document.Event", verb: str, words: tuple[str, ...]) -> None:
        """Complain of words that the verb cannot have."""
        match verb, words:
            case "mark", (step, how) if how in _MARKS:
                self._one(event, "do", step, self._steps, "step")
            case "mark", _:
                self._verb(event, "say which step, and done or not-done", "write `mark STEP done`")
            case "ramp", (where,) if where in _RAMPS:
                pass
            case "ramp", _:
                self._verb(event, "say where the ramp goes", f"write `ramp {'`, `ramp '.join(_RAMPS)}`")
            case "undo", ("--to", stage):
                self._one(event, "do", stage, self._stages, "stage")
            case "undo", (step,):
                self._one(event, "do", step, self._steps, "step")
            case "undo", _:
                self._verb(event, "say what is undone", "write `undo STEP` or `undo --to STAGE`")
            case "retry" | "skip", (name,):
                known = [*self._steps, *self._stages, *self._plan.checks]
                self._one(event, "do", name, known, "step or stage")
            case "note", _:
                pass
            case _, ():
                pass
            case "approve" | "deny", (_,):
                pass
            case _:
                self._verb(event, f"{verb} takes no {words[-1]!r}", f"write `{verb}`")

    def _verb(self, event: "document.Event", message: str, hint: str) -> None:
        self._complaints.add("RL703", event.place("do"), message, hint)

    # ---- the ending

    def _expected(self, expect: "document.Expect") -> Expected:
        if expect.hold is not None:
            if expect.hold not in HOLDS:
                hint = did_you_mean(expect.hold, HOLDS)
                self._complaints.add("RL701", expect.place("hold"), f"no hold is called {expect.hold!r}", hint)
            if expect.state not in (None, "held", "paused", "undoing"):
                message = f"a run that is {expect.state} holds for nothing"
                self._complaints.add("RL704", expect.key_place("hold"), message, "leave it out, or write `state: held`")
        if expect.stage is not None:
            self._one(expect, "stage", expect.stage, self._stages, "stage")
        for key in ("in_force", "done", "failed", "unknown", "undone", "never"):
            self._known(expect, key, getattr(expect, key) or (), self._steps, "step")
        self._known(expect, "skipped", expect.skipped, [*self._stages, *self._steps], "stage or step")
        self._known(expect, "asked", expect.asked or (), self._gates, "gate at a stage")
        self._known(expect, "breached", expect.breached, [each.check for each in self._plan.guards], "guard")
        for key, known, what in (
            ("values", self._steps, "step"),
            ("attempts", self._steps, "step"),
            ("approved_by", self._gates, "gate at a stage"),
        ):
            self._keys(expect, key, known, what)
        words = {"done": "succeeded", "failed": "failed", "unknown": "unknown", "undone": "undone"}
        return Expected(
            state=expect.state,
            hold=expect.hold,
            stage=expect.stage,
            in_force=None if expect.in_force is None else tuple(expect.in_force),
            values={name: _plain(value) for name, value in (expect.values or {}).items()},
            words={word: tuple(getattr(expect, key)) for key, word in words.items()},
            skipped=tuple(expect.skipped),
            never=tuple(expect.never),
            attempts=dict(expect.attempts),
            asked=None if expect.asked is None else tuple(expect.asked),
            approved_by={stage: tuple(names) for stage, names in expect.approved_by.items()},
            told=tuple(expect.told),
            breached=tuple(expect.breached),
            happens=self._moments(expect, "happens"),
            never_happens=self._moments(expect, "never_happens"),
            within_ms=expect.within,
        )

    def _keys(self, part: "Part", key: str, known: Iterable[str], what: str) -> None:
        for name in getattr(part, key) or ():
            if name not in known:
                at = part.raw(key).keys_at[name]
                self._complaints.add("RL701", at, f"the runbook has no {what} {name!r}", did_you_mean(name, known))

    def _moments(self, expect: "document.Expect", key: str) -> tuple[Moment, ...]:
        found = [
            self._said(lambda text=text: moment_of(text, self._plan), expect, (key, index))  # type: ignore[misc]
            for index, text in enumerate(getattr(expect, key))
        ]
        return tuple(moment for moment in found if moment is not None)


def _probe(answer: "document.ProbeAnswers") -> ProbeSays:
    error = "the script says that it cannot be read" if answer.is_ == "blind" else ""
    return ProbeSays(value=_plain(answer.value), error=error, times=answer.times)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
