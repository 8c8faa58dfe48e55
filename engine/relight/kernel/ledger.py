"""What the ledger of a run holds: effects in force, and whose they were where an ended run left them.

What does not belong here: what changes the ledger (:mod:`relight.kernel.effects`), and what a new run takes into its
own (:mod:`relight.kernel.adopting`).
"""

from typing import Any

from relight.frozen import frozen
from relight.kernel.fact import Outcome
from relight.kernel.plan import Step, Use


@frozen(slots=False)
class EffectEntry:
    """An effect in force.

    Attributes:
        prior: The one that it superseded and that comes back when this one is undone.
        otherwise: What was in the ledger before an unsure change; it comes back if that never happened.
        step: Whose change is in force; *steps* are all that shaped the value, the superseded ones too.
        undo: What reverses it; where its step declares none and it superseded another, what asserts that one again.
        undo_lost: It is unsure because an undo of it was lost: dispatch *undo_lost_as* of epoch *undo_lost_epoch*.
        loosens: It is protective because what it superseded is, but its own step lets more through:
            undoing it goes back to the tighter value.
        targets: For a fan-out: the hosts where it is in force; *maybe* those where nobody knows.
        t: When it came into force; of what an ended run left, before this run's zero.
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
    otherwise: "EffectEntry | None" = None
    undo_lost: bool = False
    undo_lost_as: int = 0
    undo_lost_epoch: int = 0
    loosens: bool = False
    targets: tuple[int, ...] = ()
    maybe: tuple[int, ...] = ()


@frozen(slots=False)
class LeftStep:
    """A step of an ended run that left an effect in force; its id begins with that run's (``7f3a/throttle``).

    Attributes:
        run: The run that made the effect, *runbook* what it was a run of, and *ended_at* when it was over.
        step: The step as its plan had it; what settled it read that run, so that is gone.
    """

    run: str
    runbook: str
    outcome: Outcome
    ended_at: int
    step: Step
