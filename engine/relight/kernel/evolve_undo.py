"""How facts about undoing change a run; the part of :mod:`relight.kernel.evolve` that is about undo jobs."""

from typing import TypeAlias, assert_never

from relight.kernel import facts as f
from relight.kernel.changing import evolved
from relight.kernel.effects import next_in
from relight.kernel.evolve_gates import close_ticket
from relight.kernel.state import Run, StageState, StepRecord, Undoing, UndoJob

UndoFact: TypeAlias = f.UndoBegun | f.UndoFailed | f.UndoEnded


def evolve_undo(run: Run, fact: UndoFact) -> Run:
    """Return the run after a fact about undoing."""
    match fact:
        case f.UndoBegun():
            return _begun(run, fact)
        case f.UndoFailed():
            job = run.undo
            assert job is not None and job.queue and job.queue[0] == fact.key, "the first in the queue was tried"
            return evolved(run, undo=next_in(evolved(job, failed={**job.failed, fact.key: fact.error})))
        case f.UndoEnded():
            return _ended(run, fact)
        case _:
            assert_never(fact)


def _begun(run: Run, fact: f.UndoBegun) -> Run:
    before = run.undo_before
    job = UndoJob(
        queue=fact.keys,
        layers=fact.layers,
        then=fact.then,
        step=fact.step,
        back_to=fact.back_to,
        person=fact.person,
        why=fact.why,
        # Nobody has said resume since: what was undone the first time is to be done again as well.
        steps=before.steps if before is not None and fact.then == "hold" else (),
    )
    run = evolved(run, undo=job)
    if fact.then == "step":
        record = run.steps.get(fact.step, StepRecord(state=Undoing(), started_t=fact.t))
        run = run.with_step(fact.step, evolved(record, state=Undoing()))
    return close_ticket(run, f"{fact.person} had the run go back to {fact.back_to}") if fact.back_to else run


def _ended(run: Run, fact: f.UndoEnded) -> Run:
    """Where it went back to a stage, everything from there on is yet to come."""
    job = run.undo
    asked_for = job if job is not None and job.then != "step" else run.undo_before
    run = evolved(run, undo=None, undo_before=asked_for, rounds=run.rounds + 1)
    if not fact.back_to:
        return run
    names = [stage.id for stage in run.plan.stages]
    cursor = names.index(fact.back_to)
    again = {step.id for stage in run.plan.stages[cursor:] for step in stage.steps}
    return evolved(
        run,
        cursor=cursor,
        stage=StageState(id=fact.back_to, since_t=fact.t),
        past={name: word for name, word in run.past.items() if name in names[:cursor]},
        steps={step: record for step, record in run.steps.items() if step not in again},
        readings={use: reading for use, reading in run.readings.items() if use.startswith("guard:")},
        ticket=None,
    )
