"""What a run is at one moment: the fold of its facts, and nothing else.

Everything that affects the machine lives here. It is frozen: :mod:`relight.kernel.evolve` makes the next one.
What does not belong here: rules about what may follow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from itertools import takewhile
from typing import Any, Literal, TypeAlias

from relight.frozen import frozen
from relight.kernel.changing import evolved
from relight.kernel.facts import Outcome, Verdict
from relight.kernel.ledger import EffectEntry, LeftStep
from relight.kernel.plan import Json, Person, Plan, Solo, Stage, Step
from relight.kernel.plan_index import index_of
from relight.kernel.records import Records
from relight.kernel.step_state import (
    Backoff,
    Dispatch,
    Done,
    Failed,
    Fanning,
    Manual,
    Prepared,
    Ramping,
    Running,
    StepRecord,
    StepState,
    StepWord,
    Undoing,
    Unknown,
    Waiting,
)

RunState: TypeAlias = Literal[
    "pending", "running", "waiting", "held", "paused", "undoing", "succeeded", "failed", "aborted"
]
StageWord: TypeAlias = Literal["pending", "waiting", "running", "verifying", "held", "succeeded", "skipped"]

# ---- gates, holds, readings


@frozen(slots=False)
class Vote:
    """One person's approval of one ticket."""

    person: str
    at: int
    t: int
    door: str = ""
    proof: str = ""
    reason: str = ""
    solo: bool = False


@frozen(slots=False)
class Ticket:
    """One asking of a gate; *worst* is the worst value of each of its checks since, whichever drivers sampled it."""

    id: str
    stage: str
    title: str
    scope_digest: str
    asked_at: int
    asked_t: int
    expires_t: int
    votes: tuple[Vote, ...] = ()
    escalated: int = 0
    status: Literal["waiting", "open", "denied", "expired", "superseded"] = "waiting"
    worst: dict[str, float] = field(default_factory=dict)


@frozen(slots=False)
class Hold:
    """Why the run stands still; *code* names the row in :mod:`relight.kernel.holds`."""

    code: str
    stage: str
    step: str
    subject: str
    text: str
    at: int
    t: int


@frozen(slots=False)
class Reading:
    """The last turn of one watched check."""

    check: str
    verdict: Verdict
    value: float | bool | str | None
    worst: float | None
    samples: int
    detail: str
    at: int
    t: int


@frozen(slots=False)
class ProbeReading:
    """What a named probe answered while the current stage is approached or under way."""

    value: Json
    error: str
    errors: int
    t: int


# ---- undo


@frozen(slots=False)
class UndoJob:
    """Effects that are being undone, one after another; *queue* holds what is left, the first is next or under way.

    Attributes:
        layers: For each key in the queue the step whose effect is meant, for others may lie above or below it.
        undone: Keys that are done, and *steps* the steps whose effects they were.
        failed: Keys that were given up, each with its last error.
        attempts: How often the first in the queue was tried; *lost*: the last try's outcome is unknown.
        again_t: When it is tried again.
        why: What failed, where nobody asked for it.
    """

    queue: tuple[str, ...]
    layers: tuple[str, ...]
    then: Literal["hold", "end", "step"]
    step: str
    back_to: str
    person: str
    why: str = ""
    undone: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    attempts: int = 0
    lost: bool = False
    again_t: int = 0


# ---- stage and run


@frozen(slots=False)
class StageState:
    """The stage at the cursor.

    Attributes:
        phase: ``approach`` (when, probes, preconditions, gate), ``steps``, ``verify``.
        tries: Names its watches, so that a retry begins with empty windows.
        position: Index of the first step that is not done.
        steps_done_t: When its last step ended; ``verify`` samples count one query window later.
        verify_t: Since when it is being verified, later by the time that the run stood still; ``within`` counts from
            here.
    """

    id: str
    phase: Literal["approach", "steps", "verify"] = "approach"
    since_t: int = 0
    tries: int = 0
    position: int = 0
    steps_done_t: int = 0
    verify_t: int = 0
    probes: dict[str, ProbeReading] = field(default_factory=dict)


@frozen(slots=False)
class Run:
    """A run.

    Attributes:
        cursor: The index of the current stage; equal to the number of stages when all are done.
        past: How the stages before it ended.
        spent: Tickets that open nothing any more, each with the reason.
        opened_solo: Tickets that a starter opened alone, each with its stage; a later denial holds the run.
        asks: How often gates asked; makes the next ticket.
        readings: The last turn of each watch; *checks* the last turn of each check, whoever watches it.
        breached: Guards that are breached, each since when.
        undo_before: The last undo that a person asked for, as it ended, until ``resume`` or ``retry`` go on from it;
            of an aborted run the one that its end began with.
        rounds: How often something was undone; in idempotency keys, so that what is done again is really done.
        adopted: Steps of ended runs whose effects this run holds now, and *lent* the providers that only these need.
    """

    id: str
    plan: Plan
    starter: str
    started_at: int
    at: int
    t: int
    people: tuple[Person, ...]
    solo: Solo | None
    stage: StageState
    epoch: int = 0
    driver: str = ""
    took_over_t: int = 0
    next_dispatch: int = 1
    cursor: int = 0
    past: dict[str, Literal["succeeded", "skipped"]] = field(default_factory=dict)
    paused: bool = False
    paused_by: str = ""
    aborting: bool = False
    aborted_by: str = ""
    outcome: Outcome | None = None
    ended_at: int | None = None
    why: str = ""
    left: tuple[str, ...] = ()
    holds: tuple[Hold, ...] = ()
    ticket: Ticket | None = None
    spent: dict[str, str] = field(default_factory=dict)
    opened_solo: dict[str, str] = field(default_factory=dict)
    asks: int = 0
    steps: Mapping[str, StepRecord] = field(default_factory=dict)
    dispatches: dict[int, Dispatch] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    checks: dict[str, Reading] = field(default_factory=dict)
    breached: dict[str, int] = field(default_factory=dict)
    ledger: dict[str, EffectEntry] = field(default_factory=dict)
    undo: UndoJob | None = None
    undo_before: UndoJob | None = None
    rounds: int = 0
    adopted: dict[str, LeftStep] = field(default_factory=dict)
    lent: dict[str, dict[str, Any]] = field(default_factory=dict)

    # -- looking things up

    @property
    def current(self) -> Stage | None:
        """The stage at the cursor, None when all are done."""
        return self.plan.stages[self.cursor] if self.cursor < len(self.plan.stages) else None

    @property
    def stands_still(self) -> bool:
        """Whether nothing goes forward: somebody paused it, it holds, a guard is breached, or something is undone."""
        return self.paused or bool(self.holds) or bool(self.breached) or self.undo is not None

    def step_of(self, step_id: str) -> Step:
        """Return the plan's step of that id, or that of an ended run."""
        known = self.plan_index.get(step_id)
        return known[1] if known is not None else self.adopted[step_id].step

    def stage_of(self, step_id: str) -> Stage:
        """Return the stage that holds that step."""
        return self.plan_index[step_id][0]

    @property
    def providers(self) -> dict[str, dict[str, Any]]:
        """Whoever may be called: the plan's providers, and those that undo what ended runs left."""
        return {**self.lent, **self.plan.providers}

    @property
    def open_steps(self) -> tuple[Step, ...]:
        """The steps that may be going on: the one at the position, or what is left of its parallel group."""
        if self.stage.phase != "steps":
            return ()
        steps, position = self.plan.stages[self.cursor].steps, self.stage.position
        first = steps[position]
        if first.group is None:
            return (first,)
        return tuple(takewhile(lambda step: step.group == first.group, steps[position:]))

    @property
    def plan_index(self) -> dict[str, tuple[Stage, Step]]:
        """Every step by its id, with its stage."""
        return index_of(self.plan).steps

    def with_step(self, step_id: str, record: StepRecord) -> "Run":
        """Return the run with that step's record."""
        records = self.steps if isinstance(self.steps, Records) else Records(self.steps)
        return evolved(self, steps=records.changed(step_id, record))

    # -- what people call its state

    @property
    def state(self) -> RunState:
        """The word for where the run stands."""
        if self.outcome is not None:
            return self.outcome
        if self.undo is not None:
            return "undoing"
        if self.epoch == 0:
            return "pending"
        if self.aborting:
            return "running"
        if self.holds:
            return "held"
        if self.paused:
            return "paused"
        if self.ticket is not None and self.ticket.status == "waiting":
            return "waiting"
        if any(isinstance(record.state, Manual) for record in self._open_records()):
            return "waiting"
        return "running"

    def _open_records(self) -> Iterator[StepRecord]:
        for step in self.open_steps:
            record = self.steps.get(step.id)
            if record is not None:
                yield record


__all__ = [
    "Backoff",
    "Dispatch",
    "Done",
    "EffectEntry",
    "Failed",
    "Fanning",
    "Hold",
    "Manual",
    "Prepared",
    "ProbeReading",
    "Ramping",
    "Reading",
    "Run",
    "RunState",
    "Running",
    "StageState",
    "StageWord",
    "StepRecord",
    "StepState",
    "StepWord",
    "Ticket",
    "UndoJob",
    "Undoing",
    "Unknown",
    "Vote",
    "Waiting",
]
