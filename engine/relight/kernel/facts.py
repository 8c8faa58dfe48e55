"""Facts: what has happened in a run, in the past tense; a run is the fold of them.

Each carries *at* (wall clock, milliseconds since 1970, for people) and *t* (the run's own clock in milliseconds,
never falling; the only time that is compared). The journal adds version, run, sequence and epoch to each.
What does not belong here: what anybody wants (intents), or said (inputs).
"""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from relight.kernel.plan import Json, Person, Plan, Solo, Use

Verdict: TypeAlias = Literal["pass", "fail", "neutral", "inconclusive"]
"""``neutral`` is not yet: enough data, but neither passed for long enough nor failed for long enough."""

Purpose: TypeAlias = Literal["forward", "ramp", "undo"]
Outcome: TypeAlias = Literal["succeeded", "failed", "aborted"]
Direction: TypeAlias = Literal["up", "down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """The base of all facts."""

    at: int
    t: int


# ---- the run


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Fact):
    """A plan became a run. *starter* is a person's id, or ``os:NAME`` for somebody the site does not know."""

    run: str
    plan: Plan
    starter: str
    door: str = "cli"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverTookOver(Fact):
    """A driver holds the run under a new epoch; verdicts and readings start anew.

    *clock_lost* says that the wall clock went back across the takeover: waiting tickets expire.
    """

    epoch: int
    driver: str
    clock_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAmended(Fact):
    """The plan was changed during the run (its place is kept; the verbs come later)."""

    plan: Plan
    diff: str
    person: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleTurned(Fact):
    """The site's people are now these; votes of those who lost a role no longer count."""

    people: tuple[Person, ...]
    solo: Solo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Fact):
    """Nothing goes forward until somebody resumes; moves to less exposure still do."""

    person: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Fact):
    """The pause is over."""

    person: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortBegun(Fact):
    """Somebody ended it: nothing forward starts any more, what is under way is stopped."""

    person: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Fact):
    """The run stands still and asks a person; *code* names the row of the hold table."""

    code: str
    stage: str
    step: str = ""
    subject: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLeft(Fact):
    """A person (or a settled outcome, then *person* is empty) ended the hold."""

    code: str
    stage: str
    step: str = ""
    verb: str = ""
    person: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Fact):
    """A person asked for what was not legal or not theirs to ask."""

    request: str
    person: str
    verb: str
    why: str
    permitted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Fact):
    """Somebody wrote something down."""

    person: str
    text: str
    door: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Fact):
    """The run is over; *left* are the ledger keys of effects that are still in force, *unknown* unsettled steps."""

    outcome: Outcome
    left: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    why: str = ""


# ---- what was read


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRead(Fact):
    """A probe answered, or could not (*error*).

    *probe* is a named probe's id; ``settle:STEP`` where it settles an unknown outcome, ``before:STEP`` where it is
    the value in force that a step is about to change.
    """

    probe: str
    value: Json = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTurned(Fact):
    """A watched check's verdict changed; *use* tells where it is watched.

    *worst* is the worst value since the watch began, *samples* how many data points were folded,
    *digest* the SHA-256 of them.
    """

    use: str
    check: str
    verdict: Verdict
    value: float | bool | str | None = None
    worst: float | None = None
    samples: int = 0
    digest: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardBreached(Fact):
    """A guard failed for as long as it may: forward motion stops."""

    check: str
    value: float | bool | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardCleared(Fact):
    """The guard passes again."""

    check: str
    value: float | bool | str | None = None


# ---- stages and gates


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEntered(Fact):
    """Its ``when`` is true, its gate is open and its preconditions pass: its first step may start."""

    stage: str
    readings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSkipped(Fact):
    """It was left out: its ``when`` is false, or a person skipped it."""

    stage: str
    why: str
    person: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageVerified(Fact):
    """All its steps are done and all its checks passed, or a person waived them (*person*, *reason*)."""

    stage: str
    readings: dict[str, Any] = field(default_factory=dict)
    person: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAsked(Fact):
    """A gate asks people; *ticket* is good for this asking alone, *scope_digest* is what a vote binds."""

    stage: str
    ticket: str
    title: str
    scope_digest: str
    expires_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteCast(Fact):
    """Somebody with authority approved this ticket."""

    ticket: str
    person: str
    door: str = ""
    proof: str = ""
    reason: str = ""
    solo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDenied(Fact):
    """Somebody with authority denied; the ticket is closed."""

    ticket: str
    person: str
    door: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateExpired(Fact):
    """Nobody answered in time (or the clock was lost); the ticket is closed."""

    ticket: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEscalated(Fact):
    """The next person on the list was told; *index* is the position in the list."""

    ticket: str
    notify: str
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOpened(Fact):
    """Quorum, authority and every required check held together; *readings* is what they saw."""

    stage: str
    ticket: str
    approvers: tuple[str, ...]
    alone: bool = False
    solo: bool = False
    readings: dict[str, Any] = field(default_factory=dict)


# ---- steps


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPrepared(Fact):
    """Its arguments are resolved; the value in force is read before it is dispatched."""

    step: str
    use: Use
    args: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDispatched(Fact):
    """Intent, durable before it is acted on.

    Attributes:
        dispatch: Its number in the run; the identity of the intent.
        use: What is called, with *args* resolved.
        key: The idempotency key; the same for every attempt.
        effect_key: The ledger's key, empty where nothing lasting is made.
        before: The value that was in force (arguments that bring it back), if *before_known*.
        targets: Indices into the step's hosts for a slice of a fan-out.
        undoes: For ``purpose="undo"``: the ledger's key that is undone.
    """

    step: str
    dispatch: int
    attempt: int
    purpose: Purpose
    use: Use
    args: dict[str, Any]
    key: str
    deadline_t: int
    effect_key: str = ""
    before: dict[str, Any] | None = None
    before_known: bool = False
    targets: tuple[int, ...] = ()
    undoes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSucceeded(Fact):
    """It happened. *dispatch* is 0 for steps that dispatch nothing (waits, manual tasks, empty ramps)."""

    step: str
    dispatch: int
    result: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed(Fact):
    """It certainly did not happen. *final* says that no further attempt follows by itself.

    *dispatch* is 0 where the step as a whole failed (too many hosts, a manual task); an undo is tried at *again_t*.
    """

    step: str
    dispatch: int
    error: str
    final: bool = True
    again_t: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLost(Fact):
    """It may or may not have happened."""

    step: str
    dispatch: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSettled(Fact):
    """An unknown outcome is known now, by a probe, a late report or a person."""

    step: str
    dispatch: int
    done: bool
    by: str
    result: Json = None
    person: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStopping(Fact):
    """What is under way was told to stop; if nothing is heard by *until_t* its outcome is unknown."""

    step: str
    dispatch: int
    why: str
    until_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSkipped(Fact):
    """It was left out: its ``when`` is false, or a person skipped it."""

    step: str
    why: str
    person: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryScheduled(Fact):
    """It will be tried again at *until_t*; *attempt* is the number of that attempt."""

    step: str
    attempt: int
    until_t: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReopened(Fact):
    """A person sent a finished or held step back to its beginning (``retry``); *attempt* counts on."""

    step: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsReported(Fact):
    """A slice of a fan-out (or of its undo) reported.

    *done* are host indices, *failed* maps an index (as text) to its error.
    """

    step: str
    dispatch: int
    done: tuple[int, ...]
    failed: dict[str, str] = field(default_factory=dict)
    unknown: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RampBegun(Fact):
    """A ramp's values are resolved: the floor first, then every declared value above it.

    *args* are the step's other arguments; *before* is the value that was in force, if *before_known*.
    """

    step: str
    values: tuple[float, ...]
    args: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] | None = None
    before_known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RampMoved(Fact):
    """A ramp goes to another of its values; its dispatch follows.

    *counted* is true for a step back that the ramp took by itself; *stands* where that value is still in force,
    because the move up certainly did not happen: then no dispatch follows.
    """

    step: str
    position: int
    direction: Direction
    why: str = ""
    counted: bool = False
    stands: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RampCooling(Fact):
    """A ramp waits after stepping back, until *until_t*."""

    step: str
    until_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RampSteered(Fact):
    """A person told a ramp to stay (lasting) or to go on."""

    step: str
    stay: bool
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitBegun(Fact):
    """A wait step waits until *until_t*."""

    step: str
    until_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualAsked(Fact):
    """A person was asked to do something by hand and to mark it."""

    step: str
    instruction: str


# ---- effects and undoing


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectInForce(Fact):
    """A change is in force (or may be, when not *sure*).

    *target* are the arguments that name what it works on, *value* those that say what is in force.
    *undo* is the use that reverses it, with arguments resolved; None: it cannot be undone.
    *targets* are the hosts of a fan-out that this adds.
    """

    key: str
    step: str
    stage: str
    use: Use
    target: dict[str, Any]
    value: dict[str, Any]
    undo: Use | None = None
    undo_ask: bool = False
    before: dict[str, Any] | None = None
    protective: bool = False
    sure: bool = True
    targets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectDrifted(Fact):
    """The world no longer shows the value (its place is kept; re-asserting comes later)."""

    key: str
    observed: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectCleared(Fact):
    """The effect is no longer in force.

    *whole*: nor is any that it superseded (it is back at its neutral value).
    *never*: it never was; the ledger is as it was before it was unsure.
    """

    key: str
    why: str = ""
    whole: bool = False
    never: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoBegun(Fact):
    """These effects are undone, in this order; *then* is what follows: ``hold``, ``end`` or ``step``.

    A key may come twice, for what superseded and for what was superseded: *layers* names for each key the step.
    """

    keys: tuple[str, ...]
    layers: tuple[str, ...]
    then: Literal["hold", "end", "step"]
    step: str = ""
    back_to: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoFailed(Fact):
    """One effect could not be undone and stays in the ledger; the rest go on."""

    key: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoEnded(Fact):
    """Everything that was to be undone was tried; *back_to* is the stage at whose start the run now stands."""

    back_to: str = ""


AnyFact: TypeAlias = (
    RunStarted
    | DriverTookOver
    | PlanAmended
    | PeopleTurned
    | Paused
    | Resumed
    | AbortBegun
    | Held
    | HoldLeft
    | RequestRefused
    | Noted
    | RunEnded
    | ProbeRead
    | CheckTurned
    | GuardBreached
    | GuardCleared
    | StageEntered
    | StageSkipped
    | StageVerified
    | GateAsked
    | VoteCast
    | GateDenied
    | GateExpired
    | GateEscalated
    | GateOpened
    | StepPrepared
    | StepDispatched
    | StepSucceeded
    | StepFailed
    | StepLost
    | StepSettled
    | StepStopping
    | StepSkipped
    | RetryScheduled
    | StepReopened
    | TargetsReported
    | RampBegun
    | RampMoved
    | RampCooling
    | RampSteered
    | WaitBegun
    | ManualAsked
    | EffectInForce
    | EffectDrifted
    | EffectCleared
    | UndoBegun
    | UndoFailed
    | UndoEnded
)
