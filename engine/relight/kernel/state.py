"""What a run is at one moment: the fold of its facts, and nothing else.

Everything that affects the machine lives here. It is frozen: :mod:`relight.kernel.evolve` makes the next one.
What does not belong here: rules about what may follow.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from relight.kernel.facts import Outcome, Purpose, Verdict
from relight.kernel.plan import Json, Person, Plan, Solo, Stage, Step, Use

RunState: TypeAlias = Literal[
    "pending", "running", "waiting", "held", "paused", "undoing", "succeeded", "failed", "aborted"
]
StepWord: TypeAlias = Literal["pending", "running", "succeeded", "failed", "unknown", "skipped", "undone"]
StageWord: TypeAlias = Literal["pending", "waiting", "running", "verifying", "held", "succeeded", "skipped"]


# ---- steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Its arguments are resolved; the value in force is being read before it is dispatched."""

    use: Use
    args: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One dispatch is under way (see ``Run.dispatches``)."""

    dispatch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """It failed and is tried again at *until_t*."""

    until_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """It may or may not have happened; *reads* settle readings were taken since *since_t*.

    *lost* is the dispatch, kept with its arguments until the outcome is known; *ramp* is the ramp it was a move of.
    """

    lost: "Dispatch"
    ramp: "Ramping | None" = None
    why: str
    since_t: int
    reads: int = 0
    last_read_t: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A wait step, until *until_t*."""

    until_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manual:
    """A person was asked to do it and mark it."""

    instruction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """An undo step whose undo is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramping:
    """A ramp at ``values[position]``; 0 is the floor.

    Attributes:
        moves: How often it moved; names the windows of its watches, so that each begins empty.
        settled: The dispatch for this position succeeded at *since_t* (always true at the floor before the first move).
        step_backs: How often a failing check or guard sent it down.
        cool_until_t: No watching and no rise before.
        stay: A person said stay: it never rises until told to.
        dispatch: The move under way, 0 when none is.
        failures: How often the move to this value failed in a row; tried again at *retry_at_t*.
        why: Why it went down; empty after a move up.
    """

    values: tuple[float, ...]
    position: int = 0
    moves: int = 0
    settled: bool = True
    since_t: int = 0
    step_backs: int = 0
    cool_until_t: int = 0
    stay: bool = False
    dispatch: int = 0
    failures: int = 0
    retry_at_t: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fanning:
    """A fan-out: one status character per host (``.`` waiting, ``>`` dispatched, ``+`` done, ``x`` failed, ``?``)."""

    status: str
    errors: dict[str, str] = field(default_factory=dict)
    reported_t: int = 0
    dispatch: int = 0
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It failed for good and waits for a person (or the run went on without it: ``Done``)."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Nothing more happens to it by itself."""

    outcome: Literal["succeeded", "failed", "skipped", "undone"]


StepState: TypeAlias = (
    Prepared | Running | Backoff | Unknown | Waiting | Manual | Undoing | Ramping | Fanning | Failed | Done
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A step that has begun. Steps that have not are absent from ``Run.steps`` (and are pending)."""

    state: StepState
    attempts: int = 0
    tries_from: int = 0
    error: str = ""
    result: Json = None
    started_t: int = 0
    ended_t: int = 0
    before: dict[str, Any] | None = None
    before_known: bool = False
    unknowns: int = 0

    @property
    def word(self) -> StepWord:
        """The step's state as people and ``status`` say it."""
        match self.state:
            case Done(outcome=outcome):
                return outcome
            case Failed():
                return "failed"
            case Unknown():
                return "unknown"
            case _:
                return "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Something that was dispatched and has not been heard of.

    *stop_until_t* is set once it was told to stop.
    """

    number: int
    step: str
    attempt: int
    purpose: Purpose
    use: Use
    args: dict[str, Any]
    key: str
    deadline_t: int
    epoch: int
    since_t: int
    effect_key: str = ""
    before: dict[str, Any] | None = None
    before_known: bool = False
    targets: tuple[int, ...] = ()
    undoes: str = ""
    stop_until_t: int | None = None
    stop_why: str = ""


# ---- gates, holds, readings


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's approval of one ticket."""

    person: str
    at: int
    t: int
    door: str = ""
    proof: str = ""
    reason: str = ""
    solo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One asking of a gate."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why the run stands still; *code* names the row in :mod:`relight.kernel.holds`."""

    code: str
    stage: str
    step: str
    subject: str
    text: str
    at: int
    t: int


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReading:
    """What a named probe answered while the current stage is approached or under way."""

    value: Json
    error: str
    errors: int
    t: int


# ---- effects, undo


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectEntry:
    """An effect in force.

    *prior* is the one that it superseded and that comes back when this one is undone;
    *steps* are all steps that shaped it (a later one without an undo of its own joins the earlier).
    """

    key: str
    step: str
    steps: tuple[str, ...]
    stage: str
    use: Use
    target: dict[str, Any]
    value: dict[str, Any]
    undo: Use | None
    undo_ask: bool
    before: dict[str, Any] | None
    protective: bool
    sure: bool
    at: int
    t: int
    prior: "EffectEntry | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoJob:
    """Effects that are being undone, one after another; *queue* holds what is left, the first is next or under way."""

    queue: tuple[str, ...]
    then: Literal["hold", "end", "step"]
    step: str
    back_to: str
    person: str
    undone: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    attempts: int = 0
    lost: bool = False


# ---- stage and run


@dataclass(frozen=True, slots=True, kw_only=True)
class StageState:
    """The stage at the cursor.

    Attributes:
        phase: ``approach`` (when, probes, preconditions, gate), ``steps``, ``verify``.
        tries: Names its watches, so that a retry begins with empty windows.
        position: Index of the first step that is not done.
        steps_done_t: When its last step ended; ``verify`` samples count one query window later.
        verify_t: Since when it is being verified; ``within`` counts from here.
    """

    id: str
    phase: Literal["approach", "steps", "verify"] = "approach"
    since_t: int = 0
    tries: int = 0
    position: int = 0
    steps_done_t: int = 0
    verify_t: int = 0
    probes: dict[str, ProbeReading] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run. *cursor* is the index of the current stage; equal to the number of stages when all are done."""

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
    abort_undone: bool = False
    outcome: Outcome | None = None
    ended_at: int | None = None
    why: str = ""
    left: tuple[str, ...] = ()
    holds: tuple[Hold, ...] = ()
    ticket: Ticket | None = None
    spent: dict[str, str] = field(default_factory=dict)
    asks: int = 0
    steps: dict[str, StepRecord] = field(default_factory=dict)
    dispatches: dict[int, Dispatch] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    checks: dict[str, Reading] = field(default_factory=dict)
    breached: dict[str, int] = field(default_factory=dict)
    ledger: dict[str, EffectEntry] = field(default_factory=dict)
    undo: UndoJob | None = None
    rounds: int = 0

    # -- looking things up

    @property
    def current(self) -> Stage | None:
        """The stage at the cursor, None when all are done."""
        return self.plan.stages[self.cursor] if self.cursor < len(self.plan.stages) else None

    def step_of(self, step_id: str) -> Step:
        """Return the plan's step of that id."""
        return self.plan_index[step_id][1]

    def stage_of(self, step_id: str) -> Stage:
        """Return the stage that holds that step."""
        return self.plan_index[step_id][0]

    @property
    def plan_index(self) -> dict[str, tuple[Stage, Step]]:
        """Every step by its id, with its stage."""
        return _index(self.plan)

    def with_step(self, step_id: str, record: StepRecord) -> "Run":
        """Return the run with that step's record."""
        return replace(self, steps={**self.steps, step_id: record})

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
        if self.holds:
            return "held"
        if self.paused:
            return "paused"
        if self.ticket is not None and self.ticket.status == "waiting":
            return "waiting"
        if any(isinstance(record.state, Manual) for record in self.steps.values()):
            return "waiting"
        return "running"


_INDEXES: dict[int, tuple[Plan, dict[str, tuple[Stage, Step]]]] = {}
_INDEXES_MAX = 64
"""Plans whose index is remembered; a process that drives more at once builds some again."""


def _index(plan: Plan) -> dict[str, tuple[Stage, Step]]:
    known = _INDEXES.get(id(plan))
    if known is not None and known[0] is plan:
        return known[1]
    index = {step.id: (stage, step) for stage in plan.stages for step in stage.steps}
    if len(_INDEXES) >= _INDEXES_MAX:
        _INDEXES.clear()
    _INDEXES[id(plan)] = (plan, index)
    return index
