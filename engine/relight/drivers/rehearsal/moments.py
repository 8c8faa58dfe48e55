"""What happens in a run, in the words of a rehearsal: ``undeploy failed``, ``gate reopen asked``, ``held step-failed``.

Scripts begin something at a moment and expect moments; people read them in a story.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

from relight.kernel import facts as f
from relight.kernel.state import Ramping, Run

Kind: TypeAlias = Literal["stage", "gate", "step", "check", "run"]

WORDS: Mapping[Kind, tuple[str, ...]] = {
    "stage": ("begun", "entered", "verified", "skipped"),
    "gate": ("asked", "approved", "opened", "denied", "expired", "escalated"),
    "step": (
        "started",
        "succeeded",
        "failed",
        "retried",
        "unknown",
        "settled",
        "skipped",
        "stopped",
        "asked",
        "at",
        "stepped-back",
        "undone",
    ),
    "check": ("passed", "failed", "blind", "breached", "cleared"),
    "run": ("begun", "held", "paused", "resumed", "aborted", "taken-over"),
}
"""Every word of every kind; ``at`` is followed by a ramp's value, ``held`` may be by a hold's code."""


class Moment(NamedTuple):
    """One thing that happens; an empty *value* means any."""

    kind: Kind
    name: str
    word: str
    value: str = ""

    def __str__(self) -> str:
        lead = "gate " if self.kind == "gate" else ""
        return " ".join(part for part in (f"{lead}{self.name}", self.word, self.value) if part).strip()

    def meets(self, happened: "Moment") -> bool:
        """Return whether what happened is this."""
        same = (self.kind, self.name, self.word) == (happened.kind, happened.name, happened.word)
        return same and self.value in ("", happened.value)


def moments(fact: f.AnyFact, before: Run | None, after: Run) -> Iterator[Moment]:
    """Yield what a fact means in these words."""
    yield from _of_stages(fact, before, after)
    yield from _of_steps(fact, after)
    yield from _of_the_run(fact)


def _of_stages(fact: f.AnyFact, before: Run | None, after: Run) -> Iterator[Moment]:
    match fact:
        case f.StageEntered():
            yield Moment("stage", fact.stage, "entered")
        case f.StageVerified():
            yield Moment("stage", fact.stage, "verified")
        case f.StageSkipped():
            yield Moment("stage", fact.stage, "skipped")
        case f.GateAsked():
            yield Moment("gate", fact.stage, "asked")
        case f.VoteCast():
            yield Moment("gate", _stage(fact.ticket), "approved")
        case f.GateOpened():
            yield Moment("gate", fact.stage, "opened")
        case f.GateDenied():
            yield Moment("gate", _stage(fact.ticket), "denied")
        case f.GateExpired():
            yield Moment("gate", _stage(fact.ticket), "expired")
        case f.GateEscalated():
            yield Moment("gate", _stage(fact.ticket), "escalated", fact.notify)
        case _:
            pass
    here = after.current
    if here is not None and (before is None or before.cursor != after.cursor):
        yield Moment("stage", here.id, "begun")


def _of_steps(fact: f.AnyFact, after: Run) -> Iterator[Moment]:
    match fact:
        case f.StepDispatched(purpose="forward"):
            yield Moment("step", fact.step, "started")
        case f.WaitBegun() | f.RampBegun():
            yield Moment("step", fact.step, "started")
        case f.StepSucceeded():
            yield from _succeeded(fact, after)
        case f.StepFailed():
            yield Moment("step", fact.step, "failed")
        case f.RetryScheduled():
            yield Moment("step", fact.step, "retried")
        case f.StepLost():
            yield Moment("step", fact.step, "unknown")
        case f.StepSettled():
            yield Moment("step", fact.step, "settled", "done" if fact.done else "not-done")
        case f.StepSkipped():
            yield Moment("step", fact.step, "skipped")
        case f.StepStopping():
            yield Moment("step", fact.step, "stopped")
        case f.ManualAsked():
            yield Moment("step", fact.step, "asked")
        case f.RampMoved(direction="down"):
            yield Moment("step", fact.step, "stepped-back")
        case f.EffectCleared(why="undone"):
            yield from (Moment("step", step, "undone") for step in _undone(after, fact.key))
        case _:
            pass


def _succeeded(fact: f.StepSucceeded, after: Run) -> Iterator[Moment]:
    record = after.steps.get(fact.step)
    state = record.state if record is not None else None
    if isinstance(state, Ramping):
        yield Moment("step", fact.step, "at", f"{state.values[state.position]:g}")
    else:
        yield Moment("step", fact.step, "succeeded")


def _undone(after: Run, _key: str) -> Iterator[str]:
    if after.undo is not None:
        yield from after.undo.steps[-1:]


def _of_the_run(fact: f.AnyFact) -> Iterator[Moment]:
    match fact:
        case f.CheckTurned():
            word = {"pass": "passed", "fail": "failed", "inconclusive": "blind"}.get(fact.verdict)
            if word is not None:
                yield Moment("check", fact.check, word)
        case f.GuardBreached():
            yield Moment("check", fact.check, "breached")
        case f.GuardCleared():
            yield Moment("check", fact.check, "cleared")
        case f.RunStarted():
            yield Moment("run", "", "begun")
        case f.Held():
            yield Moment("run", "", "held", fact.code)
        case f.Paused():
            yield Moment("run", "", "paused")
        case f.Resumed():
            yield Moment("run", "", "resumed")
        case f.AbortBegun():
            yield Moment("run", "", "aborted")
        case f.DriverTookOver(epoch=epoch) if epoch > 1:
            yield Moment("run", "", "taken-over")
        case _:
            pass


def _stage(ticket: str) -> str:
    return ticket.partition("/")[0]
