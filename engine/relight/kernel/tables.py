"""What is legal where, as plain data: which facts may follow in which state, and where each leads.

Nothing asks these tables; the tests hold every transaction against them, and every row against the transactions,
so they tell what the code does. ``python -m relight.testing.states`` draws them as ``STATES.md``.
"""

from collections.abc import Mapping
from typing import TypeAlias

from relight.kernel.state import Done, Failed, Run, StepRecord

Table: TypeAlias = Mapping[str, Mapping[str, tuple[str, ...]]]
"""State to fact to the states that it may lead to."""

ENDED = ("succeeded", "given up", "skipped", "undone")
"""Step states in which nothing more happens by itself; ``given up`` is a failure that the run went on without."""

STEPS: Table = {
    "pending": {
        "StepSkipped": ("skipped",),
        "StepPrepared": ("prepared",),
        "StepDispatched": ("running", "fanning"),
        "RampBegun": ("ramping",),
        "WaitBegun": ("waiting",),
        "ManualAsked": ("manual",),
        "UndoBegun": ("undoing",),
        "StepReopened": ("backoff",),
    },
    "prepared": {
        "ProbeRead": ("prepared",),
        "StepDispatched": ("running",),
        "RampBegun": ("ramping",),
        "StepSkipped": ("skipped",),
    },
    "running": {
        "StepSucceeded": ("succeeded",),
        "StepFailed": ("failed", "given up"),
        "StepLost": ("unknown",),
        "StepStopping": ("running",),
    },
    "backoff": {
        "StepDispatched": ("running", "fanning"),
        "StepPrepared": ("prepared",),
        "RampBegun": ("ramping",),
        "WaitBegun": ("waiting",),
        "ManualAsked": ("manual",),
        "UndoBegun": ("undoing",),
        "StepReopened": ("backoff",),
        "StepSkipped": ("skipped",),
        "EffectCleared": ("undone",),
    },
    "unknown": {
        "ProbeRead": ("unknown",),
        "StepSettled": ("succeeded", "failed", "ramping"),
        "RetryScheduled": ("backoff",),
        "EffectCleared": ("undone",),
    },
    "waiting": {
        "StepSucceeded": ("succeeded",),
        "StepSkipped": ("skipped",),
    },
    "manual": {
        "StepSucceeded": ("succeeded",),
        "StepFailed": ("failed", "given up"),
        "StepSkipped": ("skipped",),
    },
    "undoing": {
        "StepSucceeded": ("succeeded",),
        "StepFailed": ("failed", "given up"),
    },
    "ramping": {
        "RampMoved": ("ramping",),
        "RampCooling": ("ramping",),
        "RampSteered": ("ramping",),
        "StepDispatched": ("ramping",),
        "StepStopping": ("ramping",),
        "StepSucceeded": ("ramping", "succeeded"),
        "StepFailed": ("ramping",),
        "RetryScheduled": ("ramping",),
        "StepLost": ("ramping", "unknown"),
        "StepReopened": ("ramping",),
        "StepSettled": ("succeeded",),
        "StepSkipped": ("skipped",),
        "EffectCleared": ("undone",),
    },
    "fanning": {
        "StepDispatched": ("fanning",),
        "StepStopping": ("fanning",),
        "TargetsReported": ("fanning",),
        "StepLost": ("fanning",),
        "RetryScheduled": ("fanning",),
        "StepReopened": ("fanning",),
        "StepSucceeded": ("succeeded",),
        "StepFailed": ("fanning", "given up"),
        "StepSettled": ("fanning", "succeeded"),
        "StepSkipped": ("skipped",),
        "EffectCleared": ("undone",),
    },
    "failed": {
        "RetryScheduled": ("backoff",),
        "StepReopened": ("backoff",),
        "StepFailed": ("failed", "given up"),
        "StepSettled": ("succeeded",),
        "StepSkipped": ("skipped",),
        "EffectCleared": ("undone",),
    },
    "succeeded": {"EffectCleared": ("undone",)},
    "given up": {"EffectCleared": ("undone",)},
    "skipped": {"EffectCleared": ("undone",)},
    "undone": {"StepReopened": ("backoff",), "StepSkipped": ("skipped",)},
}
"""A step. From each of them ``UndoEnded`` may lead back to ``pending``: a person had the run go back to its stage.

The facts of an undo name the step whose effect they are about and leave its state as it is.
"""

PHASES: Table = {
    "approach": {"StageEntered": ("steps", "verify"), "StageSkipped": ("next stage",), "UndoEnded": ("approach",)},
    "steps": {
        "StepSucceeded": ("verify",),
        "StepFailed": ("verify",),
        "StepSettled": ("verify",),
        "StepSkipped": ("verify",),
        "UndoEnded": ("approach",),
    },
    "verify": {"StageVerified": ("next stage",), "StepReopened": ("steps",), "UndoEnded": ("approach",)},
}
"""The stage at the cursor; ``UndoEnded`` may also lead to an earlier stage."""

TICKETS: Table = {
    "none": {"GateAsked": ("waiting",)},
    "waiting": {
        "VoteCast": ("waiting",),
        "GateEscalated": ("waiting",),
        "GateOpened": ("open",),
        "GateDenied": ("denied",),
        "GateExpired": ("expired",),
        "AbortBegun": ("superseded",),
        "StageSkipped": ("superseded",),
        "UndoBegun": ("superseded",),
    },
    "denied": {"GateAsked": ("waiting",)},
    "expired": {"GateAsked": ("waiting",)},
}
"""A gate's ticket; asking again makes another. What is not waiting opens nothing and never will."""

RUNS: Table = {
    "pending": {"DriverTookOver": ("running", "paused")},
    "running": {
        "GateAsked": ("waiting",),
        "ManualAsked": ("waiting",),
        "StepSucceeded": ("waiting",),
        "StepFailed": ("waiting",),
        "StepSettled": ("waiting",),
        "StepSkipped": ("waiting",),
        "Held": ("held",),
        "Paused": ("paused",),
        "UndoBegun": ("undoing",),
        "RunEnded": ("succeeded", "aborted", "failed"),
    },
    "waiting": {
        "GateOpened": ("running",),
        "GateDenied": ("running",),
        "GateExpired": ("running",),
        "StageSkipped": ("running",),
        "StepSucceeded": ("running",),
        "StepFailed": ("running",),
        "StepSkipped": ("running",),
        "Held": ("held",),
        "Paused": ("paused",),
        "UndoBegun": ("undoing",),
        "AbortBegun": ("running",),
    },
    "paused": {
        "Resumed": ("running", "waiting"),
        "Held": ("held",),
        "UndoBegun": ("undoing",),
        "AbortBegun": ("running",),
    },
    "held": {"HoldLeft": ("running", "waiting", "paused"), "UndoBegun": ("undoing",)},
    "undoing": {"UndoEnded": ("running", "waiting", "paused", "held")},
}
"""A run, by the word that people see. A hold is told before a pause, a pause before a gate or a task by hand.

An abort leaves every hold first; the run ends as ``aborted`` when what is under way has ended.
It ends as ``failed`` where its runbook undoes on abort, and something that should be undone is still in force: its undo
failed, or nobody knows. Every other failure holds and asks a person.
"""


def step_state(record: StepRecord | None) -> str:
    """Return the name of a step's state in the table."""
    if record is None:
        return "pending"
    if isinstance(record.state, Done):
        return "given up" if record.state.outcome == "failed" else record.state.outcome
    return "failed" if isinstance(record.state, Failed) else type(record.state).__name__.lower()


def ticket_state(run: Run) -> str:
    """Return the name of the ticket's state in the table."""
    return "none" if run.ticket is None else run.ticket.status
