"""What the time of a run went into: work and checks, people, or nobody driving; from its facts alone.

One account for all who tell of time: the report, the drill's summary, and what later runs are expected to take.
A moment is the people's when nothing but a person's word was missing: an approval of a gate whose checks passed, a
hold, a pause, a task done by hand. All else is the machine's, a gate's wait for its checks too.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from relight.control.wording import listed, span
from relight.kernel.evolve import evolve
from relight.kernel.facts import AnyFact, DriverTookOver
from relight.kernel.plan import Stage
from relight.kernel.stages import counting_votes
from relight.kernel.state import Done, Manual, Run
from relight.kernel.watching import gate_id, passes, precondition_id

Whose: TypeAlias = Literal["machine", "people", "undriven"]

WORTH_SAYING_S = 0.5


class Wait(NamedTuple):
    """A time in which only people could go on: *why* is ``gate``, ``hold``, ``pause`` or ``task``."""

    from_ms: int
    until_ms: int
    why: str


@dataclass(slots=True)
class Spent:
    """Milliseconds, by whose they were; *undriven* is the most that it can have been."""

    machine: int = 0
    people: int = 0
    undriven: int = 0

    @property
    def all(self) -> int:
        """All of it."""
        return self.machine + self.people + self.undriven

    def add(self, whose: Whose, ms: int) -> None:
        """Add some."""
        setattr(self, whose, getattr(self, whose) + ms)


@dataclass(slots=True)
class Stint:
    """A stage or a step that was begun: when, until when (None: it goes on, or was left), and what it took."""

    id: str
    began_ms: int
    ended_ms: int | None = None
    outcome: str = "not done"
    spent: Spent = field(default_factory=Spent)
    waits: list[Wait] = field(default_factory=list)
    by_hand: bool = False

    def pass_time(self, from_ms: int, until_ms: int, whose: Whose, why: str) -> None:
        """Take note of whose that time was."""
        self.spent.add(whose, until_ms - from_ms)
        if whose != "people" or until_ms == from_ms:
            return
        if self.waits and self.waits[-1].why == why and self.waits[-1].until_ms == from_ms:
            self.waits[-1] = self.waits[-1]._replace(until_ms=until_ms)
        else:
            self.waits.append(Wait(from_ms, until_ms, why))


class Times:
    """The account of one run; give it every fact in order.

    *signs* are moments at which a driver was seen alive between its facts, in order: samples that it took.
    """

    def __init__(self, signs: Sequence[int] = ()) -> None:
        self._signs = signs
        self.spent = Spent()
        self.stages: dict[str, Stint] = {}
        self.steps: dict[str, Stint] = {}
        self.run: Run | None = None

    def take(self, fact: AnyFact, run: Run) -> None:
        """Take a fact and the run after it."""
        before, self.run = self.run, run
        if before is not None:
            self._pass(before, fact)
        self._begin_and_end(run)

    def until(self, t: int, *, driven: bool = True) -> None:
        """Let time pass up to *t* without a fact: a run that is not over goes on, or waits for a driver."""
        if self.run is not None and self.run.outcome is None and t > self.run.t:
            whose, why = _whose(self.run)
            self._spend(self.run, self.run.t, t, whose if driven or whose == "people" else "undriven", why)

    def _pass(self, before: Run, fact: AnyFact) -> None:
        whose, why = _whose(before)
        seen_t = before.t
        if isinstance(fact, DriverTookOver) and before.epoch > 0 and whose == "machine":
            latest = bisect_left(self._signs, fact.t)
            seen_t = max(seen_t, self._signs[latest - 1]) if latest else seen_t
            self._spend(before, before.t, seen_t, whose, why)
            whose = "undriven"
        self._spend(before, seen_t, fact.t, whose, why)

    def _spend(self, run: Run, from_ms: int, until_ms: int, whose: Whose, why: str) -> None:
        self.spent.add(whose, until_ms - from_ms)
        stage = run.current
        if stage is None:
            return
        if stage.id in self.stages:
            self.stages[stage.id].pass_time(from_ms, until_ms, whose, why)
        for step in run.open_steps:
            record = run.steps.get(step.id)
            if record is not None and step.id in self.steps and not isinstance(record.state, Done):
                own = ("people", "task") if isinstance(record.state, Manual) else (whose, why)
                self.steps[step.id].pass_time(from_ms, until_ms, own[0], own[1])  # type: ignore[arg-type]

    def _begin_and_end(self, run: Run) -> None:
        stage = run.current
        if stage is not None:
            stint = self.stages.setdefault(stage.id, Stint(stage.id, run.t))
            stint.ended_ms, stint.outcome = None, "not done"
            for step in run.open_steps:
                if step.id in run.steps:
                    one = self.steps.setdefault(step.id, Stint(step.id, run.t))
                    one.by_hand = one.by_hand or step.kind == "manual"
        for stage_id, outcome in run.past.items():
            stint = self.stages.setdefault(stage_id, Stint(stage_id, run.t))
            if stint.outcome == "not done":
                stint.ended_ms, stint.outcome = run.t, outcome
        for step_id, record in run.steps.items() if stage is None else _near(run, stage):
            one = self.steps.setdefault(step_id, Stint(step_id, record.started_t))
            one.outcome = record.word if record.word not in {"running", "pending"} else "not done"
            one.ended_ms = record.ended_t if isinstance(record.state, Done) else None


def _near(run: Run, stage: Stage) -> Iterable[tuple[str, Any]]:
    """Yield the records that a fact may have changed: those of the stage at hand and of the one before it."""
    stages = (run.plan.stages[run.cursor - 1], stage) if run.cursor else (stage,)
    for each in stages:
        for step in each.steps:
            record = run.steps.get(step.id)
            if record is not None:
                yield step.id, record


def _whose(run: Run) -> tuple[Whose, str]:
    """Return whose the time is while a run stands like this, and what it waits for if it is the people's."""
    if run.outcome is not None or run.aborting or run.undo is not None:
        return "machine", ""
    if run.holds:
        return "people", "hold"
    if run.paused:
        return "people", "pause"
    if _only_approval_missing(run):
        return "people", "gate"
    open_records = [record for step in run.open_steps if (record := run.steps.get(step.id)) is not None]
    going_on = [record for record in open_records if not isinstance(record.state, Done)]
    if going_on and all(isinstance(record.state, Manual) for record in going_on):
        return "people", "task"
    return "machine", ""


def _only_approval_missing(run: Run) -> bool:
    stage, ticket = run.current, run.ticket
    if stage is None or stage.gate is None or ticket is None or ticket.status != "waiting":
        return False
    gate = stage.gate
    if len(counting_votes(run, gate, ticket, run.t)) >= gate.approval.min_approvals:
        return False
    checks_pass = all(passes(run, gate_id(run, check)) for check in gate.require)
    return checks_pass and all(passes(run, precondition_id(run, item.check)) for item in stage.preconditions)


def times_of(facts: Iterable[AnyFact]) -> Times:
    """Return the account of a whole history."""
    times = Times()
    run: Run | None = None
    for fact in facts:
        run = evolve(run, fact)
        times.take(fact, run)
    return times


# ---- in words and figures


def stage_figures(stint: Stint) -> dict[str, Any]:
    """Return what a stage or a step took, as documents have it."""
    return {
        "outcome": stint.outcome,
        "began_s": seconds(stint.began_ms),
        "ended_s": None if stint.ended_ms is None else seconds(stint.ended_ms),
        **figures(stint.spent),
    }


def figures(spent: Spent) -> dict[str, Any]:
    """Return what took how long, in seconds."""
    return {
        "took_s": seconds(spent.all),
        "machine_s": seconds(spent.machine),
        "people_s": seconds(spent.people),
        "undriven_s": seconds(spent.undriven),
    }


def seconds(ms: float) -> float:
    """Return milliseconds as documents have them."""
    return round(ms / 1_000, 1)


def took_words(entry: Mapping[str, Any]) -> str:
    """Return how long something took and how much of it was not the machine's: ``4:12, of it 0:52 for people``."""
    others = [
        f"{span(entry[key] * 1_000)} {whose}"
        for key, whose in (("people_s", "for people"), ("undriven_s", "without a driver"))
        if entry[key] >= WORTH_SAYING_S
    ]
    return span(entry["took_s"] * 1_000) + (f", of it {listed(others)}" if others else "")
