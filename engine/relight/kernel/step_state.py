"""What a step is at one moment, and what was dispatched for it.

What does not belong here: what changes it (:mod:`relight.kernel.evolve_steps`).
"""

from dataclasses import field
from typing import Any, Literal, TypeAlias

from relight.frozen import frozen
from relight.kernel.facts import Purpose
from relight.kernel.plan import Json, Use

StepWord: TypeAlias = Literal["pending", "running", "succeeded", "failed", "unknown", "skipped", "undone"]


@frozen(slots=False)
class Prepared:
    """Its arguments are resolved; the value in force is being read, since *since_t*, before it is dispatched.

    *read* says that the reading is over, and *known* that it told the value (*before*; None: nothing is in force).
    """

    use: Use
    args: dict[str, Any]
    since_t: int
    read: bool = False
    known: bool = False
    before: dict[str, Any] | None = None


@frozen(slots=False)
class Running:
    """One dispatch is under way (see ``Run.dispatches``)."""

    dispatch: int


@frozen(slots=False)
class Backoff:
    """It failed and is tried again at *until_t*."""

    until_t: int


@frozen(slots=False)
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


@frozen(slots=False)
class Waiting:
    """A wait step, until *until_t*."""

    until_t: int


@frozen(slots=False)
class Manual:
    """A person was asked to do it and mark it."""

    instruction: str


@frozen(slots=False)
class Undoing:
    """An undo step whose undo is under way."""


@frozen(slots=False)
class Ramping:
    """A ramp at ``values[position]``; 0 is the floor.

    Attributes:
        args: The step's other arguments, resolved when it began, so that a move down evaluates nothing.
        moves: How often it moved, and *tries* how often a person had it watch anew; both name the windows of its
            watches, so that each begins empty.
        settled: The dispatch for this position succeeded at *since_t* (always true at the floor before the first move).
        step_backs: How often a failing check or guard sent it down.
        cool_until_t: No watching and no rise before.
        stay: A person said stay: it never rises until told to.
        dispatch: The move under way, 0 when none is.
        failures: How often the move to this value failed in a row; tried again at *retry_at_t*.
        why: Why it went down; empty after a move up.
    """

    values: tuple[float, ...]
    args: dict[str, Any] = field(default_factory=dict)
    position: int = 0
    moves: int = 0
    tries: int = 0
    settled: bool = True
    since_t: int = 0
    step_backs: int = 0
    cool_until_t: int = 0
    stay: bool = False
    dispatch: int = 0
    failures: int = 0
    retry_at_t: int = 0
    why: str = ""

    @property
    def falling(self) -> bool:
        """Whether a move to less exposure is decided and not done."""
        return not self.settled and bool(self.why)


@frozen(slots=False)
class Fanning:
    """A fan-out: one status character per host (``.`` waiting, ``>`` dispatched, ``+`` done, ``x`` failed, ``?``).

    Attributes:
        lost: The slice whose outcome is unknown (``?``), kept in case it is heard of late.
        failed: It stopped because too many hosts failed, and waits for a person.
    """

    status: str
    errors: dict[str, str] = field(default_factory=dict)
    reported_t: int = 0
    dispatch: int = 0
    tries: int = 0
    lost: "Dispatch | None" = None
    failed: bool = False

    def at(self, mark: str) -> tuple[int, ...]:
        """Return the indices of the hosts with that status."""
        return tuple(index for index, status in enumerate(self.status) if status == mark)


@frozen(slots=False)
class Failed:
    """It failed for good and waits for a person (or the run went on without it: ``Done``)."""

    error: str


@frozen(slots=False)
class Done:
    """Nothing more happens to it by itself."""

    outcome: Literal["succeeded", "failed", "skipped", "undone"]


StepState: TypeAlias = (
    Prepared | Running | Backoff | Unknown | Waiting | Manual | Undoing | Ramping | Fanning | Failed | Done
)


@frozen(slots=False)
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
            case Fanning() as fan if "?" in fan.status and not fan.dispatch:
                return "unknown"
            case Fanning(failed=True):
                return "failed"
            case _:
                return "running"


@frozen(slots=False)
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
