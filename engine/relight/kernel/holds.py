"""Every hold that can happen: what it means, which verbs end it, who may say them and where each leads.

This one table is the source of ``next``, ``why`` and the decision table.
A verb's *who* is ``gate`` (a role of the stage's gate; anybody known where it has none), ``known`` (a person of the
site, or the starter) or ``anybody`` (whoever reaches the door: stopping is never refused).
"""

from typing import Literal, TypeAlias

from relight.frozen import frozen

Who: TypeAlias = Literal["gate", "known", "anybody"]


@frozen
class Way:
    """One verb that fits a hold: *leads_to* completes "relight VERB …: it …".

    Attributes:
        about: Only where the hold is about a step, or only where it is about the stage.
        only: Only where the stage is optional, or the step has a settle probe, or an effect that may be undone.
    """

    verb: str
    who: Who
    leads_to: str
    value: str = ""
    needs_reason: bool = False
    about: Literal["", "step", "stage"] = ""
    only: Literal["", "optional", "settled", "undoable"] = ""


@frozen
class HoldKind:
    """One code: *means* completes "the run holds because …"."""

    code: str
    means: str
    ways: tuple[Way, ...]


ABORT = Way(verb="abort", who="anybody", leads_to="ends the run; effects in force are reported, protective ones stay")
ABORT_UNDOES = "undoes what it may and ends the run, as failed if that cannot be done; protective effects stay"
"""Where an abort leads where the runbook undoes on it."""

_ASK = Way(verb="ask", who="known", leads_to="asks the gate anew with a new ticket")
_SKIP_STAGE = Way(
    verb="skip",
    who="gate",
    leads_to="leaves this optional stage out and goes on with the next",
    needs_reason=True,
    about="stage",
    only="optional",
)
_RETRY_STAGE = Way(verb="retry", who="known", leads_to="reads everything anew and goes on where it stands")
_SKIP_STEP = Way(
    verb="skip",
    who="gate",
    leads_to="leaves the step out and goes on with the next",
    needs_reason=True,
    about="step",
)
_TAKE_WORD = Way(
    verb="skip", who="gate", leads_to="takes your word that the stage is done", needs_reason=True, about="stage"
)
_END_RAMP = Way(
    verb="skip", who="gate", leads_to="ends the ramp at the value it is at", needs_reason=True, about="step"
)
_UNDO = Way(verb="undo", who="known", leads_to="reverses the step's effect, shown first, and holds", only="undoable")
_RAMP_UP = Way(verb="ramp", who="known", value="up", leads_to="may rise again from the value it is at")
_RAMP_DOWN = Way(verb="ramp", who="anybody", value="down", leads_to="goes down by one value")
_RAMP_FLOOR = Way(verb="ramp", who="anybody", value="floor", leads_to="goes down to the floor and stays")
_DONE = Way(verb="mark", who="known", value="done", leads_to="records it as done and goes on")
_NOT_DONE = Way(
    verb="mark", who="known", value="not-done", leads_to="records that it did not happen; it is tried again or fails"
)

GATE_HOLDS = ("gate-denied", "gate-expired")
"""Holds after a ticket was closed: ``ask`` begins the asking anew."""

UNDO_HOLDS = ("undone", "undo-failed")
"""Holds after an undo that a person asked for: ``resume`` does again what was undone."""

HOLDS: dict[str, HoldKind] = {
    kind.code: kind
    for kind in (
        HoldKind(code="gate-denied", means="somebody denied the gate", ways=(_ASK, _SKIP_STAGE, ABORT)),
        HoldKind(
            code="solo-denied",
            means="somebody denied what the starter had opened alone",
            ways=(
                Way(verb="resume", who="gate", leads_to="goes on all the same; for one of the gate's other deciders"),
                ABORT,
            ),
        ),
        HoldKind(code="gate-expired", means="nobody answered the gate in time", ways=(_ASK, _SKIP_STAGE, ABORT)),
        HoldKind(
            code="probe-blind",
            means="a probe that the stage needs cannot be read",
            ways=(_RETRY_STAGE, _SKIP_STAGE, _SKIP_STEP, ABORT),
        ),
        HoldKind(
            code="precondition-failed",
            means="a precondition does not hold, and nothing of the stage has started",
            ways=(_RETRY_STAGE, _SKIP_STAGE, ABORT),
        ),
        HoldKind(
            code="precondition-blind",
            means="a precondition cannot be read, and nothing of the stage has started",
            ways=(_RETRY_STAGE, _SKIP_STAGE, ABORT),
        ),
        HoldKind(
            code="expression-failed",
            means="an expression met data that it cannot work on",
            ways=(_RETRY_STAGE, _SKIP_STAGE, _SKIP_STEP, ABORT),
        ),
        HoldKind(
            code="step-failed",
            means="a step failed and will not be tried again by itself",
            ways=(
                Way(verb="retry", who="known", leads_to="tries the step again with the same key"),
                Way(verb="mark", who="known", value="done", leads_to="records that you did it by hand, and goes on"),
                _UNDO,
                _SKIP_STEP,
                ABORT,
            ),
        ),
        HoldKind(
            code="step-unknown",
            means="a step may or may not have happened, and only a person can tell",
            ways=(
                _DONE,
                _NOT_DONE,
                Way(verb="retry", who="known", leads_to="asks its settle probe once more", only="settled"),
                ABORT,
            ),
        ),
        HoldKind(
            code="between-failed",
            means="a check between two batches of hosts does not pass",
            ways=(
                Way(verb="retry", who="known", leads_to="reads the check anew and goes on with the next batch"),
                _SKIP_STEP,
                ABORT,
            ),
        ),
        HoldKind(
            code="check-blind",
            means="a check has no data, and no data is never a pass",
            ways=(
                Way(verb="retry", who="known", leads_to="watches the check anew"),
                _TAKE_WORD,
                _END_RAMP,
                ABORT,
            ),
        ),
        HoldKind(
            code="verify-failed",
            means="the stage did not mend what it should in time",
            ways=(
                Way(verb="retry", who="known", leads_to="verifies the stage for as long again"),
                Way(verb="undo", who="known", leads_to="goes back to the start of the stage", value="stage"),
                _TAKE_WORD,
                ABORT,
            ),
        ),
        HoldKind(
            code="ramp-exhausted",
            means="a ramp stepped back as often as it may, or fails at its floor, and stays at the lower value",
            ways=(_RAMP_UP, _RAMP_FLOOR, _END_RAMP, ABORT),
        ),
        HoldKind(
            code="ramp-failing",
            means="a ramp's check fails, and the runbook says to hold there instead of stepping back",
            ways=(_RAMP_UP, _RAMP_DOWN, _RAMP_FLOOR, _END_RAMP, ABORT),
        ),
        HoldKind(
            code="guard-breached",
            means="a guard is breached; moves to less exposure go on, nothing else does",
            ways=(
                Way(verb="resume", who="known", leads_to="goes on as soon as the guard passes"),
                ABORT,
            ),
        ),
        HoldKind(
            code="undone",
            means="something was undone and the run waits to be told whether to go on",
            ways=(
                Way(
                    verb="resume",
                    who="known",
                    leads_to="goes on from here, and does again what was undone of this stage",
                ),
                ABORT,
            ),
        ),
        HoldKind(
            code="undo-failed",
            means="an undo failed; its effect is still in force",
            ways=(
                Way(verb="retry", who="known", leads_to="tries the undo again"),
                Way(verb="resume", who="known", leads_to="leaves the effect in force and goes on"),
                ABORT,
            ),
        ),
    )
}
"""Every hold by its code."""
