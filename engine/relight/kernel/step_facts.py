"""Facts about steps, ramps, effects and undoing; the part of :mod:`relight.kernel.facts` that is about steps."""

from dataclasses import field
from typing import Any, Literal

from relight.frozen import frozen
from relight.kernel.fact import Direction, Fact, Purpose
from relight.kernel.ledger import EffectEntry, LeftStep
from relight.kernel.plan import Json, Use

# ---- steps


@frozen
class StepPrepared(Fact):
    """Its arguments are resolved; the value in force is read before it is dispatched."""

    step: str
    use: Use
    args: dict[str, Any]


@frozen
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


@frozen
class StepSucceeded(Fact):
    """It happened. *dispatch* is 0 for steps that dispatch nothing (waits, manual tasks, empty ramps)."""

    step: str
    dispatch: int
    result: Json = None
    purpose: Purpose = "forward"


@frozen
class StepFailed(Fact):
    """It certainly did not happen. *final* says that no further attempt follows by itself.

    *dispatch* is 0 where the step as a whole failed (too many hosts, a manual task); an undo is tried at *again_t*.
    """

    step: str
    dispatch: int
    error: str
    final: bool = True
    again_t: int = 0
    purpose: Purpose = "forward"


@frozen
class StepLost(Fact):
    """It may or may not have happened."""

    step: str
    dispatch: int
    why: str
    purpose: Purpose = "forward"


@frozen
class StepSettled(Fact):
    """An unknown outcome is known now, by a probe, a late report or a person."""

    step: str
    dispatch: int
    done: bool
    by: str
    result: Json = None
    person: str = ""
    reason: str = ""


@frozen
class StepStopping(Fact):
    """What is under way was told to stop; if nothing is heard by *until_t* its outcome is unknown."""

    step: str
    dispatch: int
    why: str
    until_t: int
    purpose: Purpose = "forward"


@frozen
class StepSkipped(Fact):
    """It was left out: its ``when`` is false, or a person skipped it."""

    step: str
    why: str
    person: str = ""
    reason: str = ""


@frozen
class RetryScheduled(Fact):
    """It will be tried again at *until_t*; *attempt* is the number of that attempt."""

    step: str
    attempt: int
    until_t: int
    why: str = ""


@frozen
class StepReopened(Fact):
    """A person sent a finished or held step back to its beginning (``retry``); *attempt* counts on."""

    step: str
    person: str


@frozen
class TargetsReported(Fact):
    """A slice of a fan-out (or of its undo) reported.

    *done* are host indices, *failed* maps an index (as text) to its error.
    """

    step: str
    dispatch: int
    done: tuple[int, ...]
    failed: dict[str, str] = field(default_factory=dict)
    unknown: tuple[int, ...] = ()
    purpose: Purpose = "forward"


@frozen
class RampBegun(Fact):
    """A ramp's values are resolved: the floor first, then every declared value above it.

    *args* are the step's other arguments; *before* is the value that was in force, if *before_known*.
    """

    step: str
    values: tuple[float, ...]
    args: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] | None = None
    before_known: bool = False


@frozen
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
    value: float | None = None


@frozen
class RampCooling(Fact):
    """A ramp waits after stepping back, until *until_t*."""

    step: str
    until_t: int


@frozen
class RampSteered(Fact):
    """A person told a ramp to stay (lasting) or to go on."""

    step: str
    stay: bool
    person: str


@frozen
class WaitBegun(Fact):
    """A wait step waits until *until_t*."""

    step: str
    until_t: int


@frozen
class ManualAsked(Fact):
    """A person was asked to do something by hand and to mark it."""

    step: str
    instruction: str


# ---- effects and undoing


@frozen
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


@frozen
class EffectAdopted(Fact):
    """What an ended run left in force is this run's matter, from its beginning.

    *entry* is as it was left, its steps named after their runs; *left* are those steps, *providers* those that only
    they need. *holder* is the run that held it until now.
    """

    key: str
    holder: str
    entry: EffectEntry
    left: tuple[LeftStep, ...]
    providers: dict[str, dict[str, Any]] = field(default_factory=dict)


@frozen
class EffectDrifted(Fact):
    """The world no longer shows the value (its place is kept; re-asserting comes later)."""

    key: str
    observed: Json = None


@frozen
class EffectCleared(Fact):
    """The effect is no longer in force.

    *whole*: nor is any that it superseded (it is back at its neutral value).
    *never*: it never was; the ledger is as it was before it was unsure.
    """

    key: str
    why: str = ""
    whole: bool = False
    never: bool = False


@frozen
class UndoBegun(Fact):
    """These effects are undone, in this order; *then* is what follows: ``hold``, ``end`` or ``step``.

    A key may come twice, for what superseded and for what was superseded: *layers* names for each key the step.
    *why* is what failed, where nobody asked: what loosened protection returns by itself.
    """

    keys: tuple[str, ...]
    layers: tuple[str, ...]
    then: Literal["hold", "end", "step"]
    step: str = ""
    back_to: str = ""
    person: str = ""
    why: str = ""


@frozen
class UndoFailed(Fact):
    """One effect could not be undone and stays in the ledger; the rest go on."""

    key: str
    error: str


@frozen
class UndoEnded(Fact):
    """Everything that was to be undone was tried; *back_to* is the stage at whose start the run now stands."""

    back_to: str = ""
