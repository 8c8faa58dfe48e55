"""What a fact did to a run, in the words of the kernel's tables, and whether the tables know it."""

from collections.abc import Iterator
from typing import NamedTuple

from relight.kernel import facts as f
from relight.kernel.evolve_steps import StepFact
from relight.kernel.state import Run
from relight.kernel.tables import PHASES, RUNS, STEPS, TICKETS, step_state, ticket_state


class Change(NamedTuple):
    """One thing that a fact led from one state to another."""

    table: str
    state: str
    fact: str
    to: str


TABLES = {"steps": STEPS, "phases": PHASES, "tickets": TICKETS, "runs": RUNS}


def changes(run: Run, fact: f.AnyFact, after: Run) -> Iterator[Change]:
    """Yield everything that the fact did."""
    kind = type(fact).__name__
    yield from _steps(run, fact, after, kind)
    if run.current is not None and (run.stage is not after.stage or isinstance(fact, f.UndoEnded)):
        yield from _phase(run, fact, after, kind)
    before, now = ticket_state(run), ticket_state(after)
    if isinstance(fact, f.VoteCast | f.GateEscalated) or (before != now and now != "none"):
        yield Change("tickets", before, kind, now)
    elif before == "waiting" and now == "none":
        yield Change("tickets", before, kind, "superseded")
    if run.state != after.state:
        yield Change("runs", run.state, kind, after.state)


def _phase(run: Run, fact: f.AnyFact, after: Run, kind: str) -> Iterator[Change]:
    if isinstance(fact, f.StageVerified | f.StageSkipped):
        yield Change("phases", run.stage.phase, kind, "next stage")
    elif run.stage.phase != after.stage.phase or (isinstance(fact, f.UndoEnded) and fact.back_to):
        yield Change("phases", run.stage.phase, kind, after.stage.phase)


def _steps(run: Run, fact: f.AnyFact, after: Run, kind: str) -> Iterator[Change]:
    if _is_of_an_undo(run, fact) or (isinstance(fact, f.UndoEnded) and fact.back_to):
        return
    about = fact.step if isinstance(fact, StepFact) else ""
    if isinstance(fact, f.ProbeRead):
        about = fact.probe.partition(":")[2]
    for step in {*run.steps, *after.steps, about} - {""}:
        before, now = step_state(run.steps.get(step)), step_state(after.steps.get(step))
        if before != now or step == about:
            yield Change("steps", before, kind, now)


def _is_of_an_undo(run: Run, fact: f.AnyFact) -> bool:
    if isinstance(fact, f.StepDispatched):
        return fact.purpose == "undo"
    if isinstance(fact, f.StepSucceeded | f.StepFailed | f.StepLost | f.StepStopping | f.TargetsReported):
        item = run.dispatches.get(fact.dispatch)
        return item is not None and item.purpose == "undo"
    return False


def is_legal(change: Change) -> bool:
    """Return whether the table has that row."""
    return change.to in TABLES[change.table].get(change.state, {}).get(change.fact, ())


def rows() -> set[Change]:
    """Return every row of every table."""
    return {
        Change(name, state, fact, to)
        for name, table in TABLES.items()
        for state, follows in table.items()
        for fact, leads in follows.items()
        for to in leads
    }
