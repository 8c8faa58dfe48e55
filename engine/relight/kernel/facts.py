"""Facts: what has happened in a run, in the past tense; a run is the fold of them.

Each carries *at* (wall clock, milliseconds since 1970, for people) and *t* (the run's own clock in milliseconds,
never falling; the only time that is compared). The journal adds version, run, sequence and epoch to each.
What does not belong here: what anybody wants (intents), or said (inputs).
"""

from dataclasses import field
from typing import Any, TypeAlias

from relight.frozen import frozen
from relight.kernel.fact import Direction, Fact, Outcome, Purpose, Verdict
from relight.kernel.plan import Json, Person, Plan, Solo
from relight.kernel.step_facts import (
    EffectAdopted,
    EffectCleared,
    EffectDrifted,
    EffectInForce,
    ManualAsked,
    RampBegun,
    RampCooling,
    RampMoved,
    RampSteered,
    RetryScheduled,
    StepDispatched,
    StepFailed,
    StepLost,
    StepPrepared,
    StepReopened,
    StepSettled,
    StepSkipped,
    StepStopping,
    StepSucceeded,
    TargetsReported,
    UndoBegun,
    UndoEnded,
    UndoFailed,
    WaitBegun,
)

__all__ = [
    "AbortBegun",
    "AnyFact",
    "CheckTurned",
    "Direction",
    "DriverTookOver",
    "EffectAdopted",
    "EffectCleared",
    "EffectDrifted",
    "EffectInForce",
    "Fact",
    "GateAsked",
    "GateDenied",
    "GateEscalated",
    "GateExpired",
    "GateOpened",
    "GuardBreached",
    "GuardCleared",
    "Held",
    "HoldLeft",
    "ManualAsked",
    "Noted",
    "Outcome",
    "Paused",
    "PeopleTurned",
    "PlanAmended",
    "ProbeRead",
    "Purpose",
    "RampBegun",
    "RampCooling",
    "RampMoved",
    "RampSteered",
    "RequestRefused",
    "Resumed",
    "RetryScheduled",
    "RunEnded",
    "RunStarted",
    "StageEntered",
    "StageSkipped",
    "StageVerified",
    "StepDispatched",
    "StepFailed",
    "StepLost",
    "StepPrepared",
    "StepReopened",
    "StepSettled",
    "StepSkipped",
    "StepStopping",
    "StepSucceeded",
    "TargetsReported",
    "UndoBegun",
    "UndoEnded",
    "UndoFailed",
    "Verdict",
    "VoteCast",
    "WaitBegun",
]

# ---- the run


@frozen
class RunStarted(Fact):
    """A plan became a run. *starter* is a person's id, or ``os:NAME`` for somebody the site does not know."""

    run: str
    plan: Plan
    starter: str
    door: str = "cli"


@frozen
class DriverTookOver(Fact):
    """A driver holds the run under a new epoch; verdicts and readings start anew.

    *clock_lost* says that the wall clock went back across the takeover: waiting tickets expire.
    """

    epoch: int
    driver: str
    clock_lost: bool = False


@frozen
class PlanAmended(Fact):
    """The plan was changed during the run (its place is kept; the verbs come later)."""

    plan: Plan
    diff: str
    person: str
    reason: str


@frozen
class PeopleTurned(Fact):
    """The site's people are now these; votes of those who lost a role no longer count."""

    people: tuple[Person, ...]
    solo: Solo | None = None


@frozen
class Paused(Fact):
    """Nothing goes forward until somebody resumes; moves to less exposure still do."""

    person: str
    reason: str = ""
    door: str = ""


@frozen
class Resumed(Fact):
    """The pause is over."""

    person: str
    reason: str = ""
    door: str = ""


@frozen
class AbortBegun(Fact):
    """Somebody ended it: nothing forward starts any more, what is under way is stopped."""

    person: str
    reason: str = ""
    door: str = ""


@frozen
class Held(Fact):
    """The run stands still and asks a person; *code* names the row of the hold table."""

    code: str
    stage: str
    step: str = ""
    subject: str = ""
    text: str = ""


@frozen
class HoldLeft(Fact):
    """A person (or a settled outcome, then *person* is empty) ended the hold."""

    code: str
    stage: str
    step: str = ""
    verb: str = ""
    person: str = ""
    reason: str = ""


@frozen
class RequestRefused(Fact):
    """A person asked for what was not legal or not theirs to ask."""

    request: str
    person: str
    verb: str
    why: str
    permitted: bool = True


@frozen
class Noted(Fact):
    """Somebody wrote something down."""

    person: str
    text: str
    door: str = ""


@frozen
class RunEnded(Fact):
    """The run is over; *left* are the ledger keys of effects that are still in force, *unknown* unsettled steps."""

    outcome: Outcome
    left: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    why: str = ""


# ---- what was read


@frozen
class ProbeRead(Fact):
    """A probe answered, or could not (*error*).

    *probe* is a named probe's id; ``settle:STEP`` where it settles an unknown outcome, ``before:STEP`` where it is
    the value in force that a step is about to change.
    """

    probe: str
    value: Json = None
    error: str = ""


@frozen
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


@frozen
class GuardBreached(Fact):
    """A guard failed for as long as it may: forward motion stops."""

    check: str
    value: float | bool | str | None = None


@frozen
class GuardCleared(Fact):
    """The guard passes again."""

    check: str
    value: float | bool | str | None = None


# ---- stages and gates


@frozen
class StageEntered(Fact):
    """Its ``when`` is true, its gate is open and its preconditions pass: its first step may start."""

    stage: str
    readings: dict[str, Any] = field(default_factory=dict)


@frozen
class StageSkipped(Fact):
    """It was left out: its ``when`` is false, or a person skipped it."""

    stage: str
    why: str
    person: str = ""
    reason: str = ""


@frozen
class StageVerified(Fact):
    """All its steps are done and all its checks passed, or a person waived them (*person*, *reason*)."""

    stage: str
    readings: dict[str, Any] = field(default_factory=dict)
    person: str = ""
    reason: str = ""


@frozen
class GateAsked(Fact):
    """A gate asks people; *ticket* is good for this asking alone, *scope_digest* is what a vote binds."""

    stage: str
    ticket: str
    title: str
    scope_digest: str
    expires_t: int


@frozen
class VoteCast(Fact):
    """Somebody with authority approved this ticket."""

    ticket: str
    person: str
    door: str = ""
    proof: str = ""
    reason: str = ""
    solo: bool = False


@frozen
class GateDenied(Fact):
    """Somebody with authority denied; the ticket is closed."""

    ticket: str
    person: str
    door: str = ""
    reason: str = ""


@frozen
class GateExpired(Fact):
    """Nobody answered in time (or the clock was lost); the ticket is closed."""

    ticket: str
    why: str = ""


@frozen
class GateEscalated(Fact):
    """The next person on the list was told; *index* is the position in the list."""

    ticket: str
    notify: str
    index: int


@frozen
class GateOpened(Fact):
    """Quorum, authority and every required check held together; *readings* is what they saw."""

    stage: str
    ticket: str
    approvers: tuple[str, ...]
    alone: bool = False
    solo: bool = False
    readings: dict[str, Any] = field(default_factory=dict)


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
    | EffectAdopted
    | EffectDrifted
    | EffectCleared
    | UndoBegun
    | UndoFailed
    | UndoEnded
)
