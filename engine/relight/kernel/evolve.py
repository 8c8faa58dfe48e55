"""The only way a run changes: one fact at a time.

Nothing is judged here; a fact is applied as it is. A fact that nobody handles fails the type check, not the incident.
"""

from dataclasses import replace
from typing import Literal, assert_never, cast

from relight.kernel import facts as f
from relight.kernel.effects import effect_cleared, effect_in_force, undo_ended
from relight.kernel.evolve_steps import evolve_step
from relight.kernel.state import (
    Hold,
    ProbeReading,
    Ramping,
    Reading,
    Run,
    StageState,
    Ticket,
    UndoJob,
    Unknown,
    Vote,
)


def evolve(run: Run | None, fact: f.AnyFact) -> Run:
    """Return the run after *fact*."""
    if isinstance(fact, f.RunStarted):
        return _started(fact)
    assert run is not None, "the first fact of a run is RunStarted"
    return replace(_evolve(run, fact), at=fact.at, t=max(run.t, fact.t))


def _started(fact: f.RunStarted) -> Run:
    first = fact.plan.stages[0].id if fact.plan.stages else ""
    return Run(
        id=fact.run,
        plan=fact.plan,
        starter=fact.starter,
        started_at=fact.at,
        at=fact.at,
        t=fact.t,
        people=fact.plan.people,
        solo=fact.plan.solo,
        stage=StageState(id=first, since_t=fact.t),
    )


def _evolve(run: Run, fact: f.AnyFact) -> Run:
    match fact:
        case f.RunStarted():
            return run
        case f.DriverTookOver():
            return replace(run, epoch=fact.epoch, driver=fact.driver, took_over_t=fact.t, readings={})
        case f.PlanAmended():
            return replace(run, plan=fact.plan)
        case f.PeopleTurned():
            return replace(run, people=fact.people, solo=fact.solo)
        case f.Paused():
            return replace(run, paused=True, paused_by=fact.person)
        case f.Resumed():
            return replace(run, paused=False, paused_by="")
        case f.AbortBegun():
            return replace(_close_ticket(run, "the run was aborted"), aborting=True, aborted_by=fact.person, holds=())
        case f.Held() | f.HoldLeft():
            return _hold(run, fact)
        case f.RequestRefused() | f.Noted() | f.EffectDrifted():
            return run
        case f.RunEnded():
            return replace(run, outcome=fact.outcome, ended_at=fact.at, why=fact.why, left=fact.left, holds=())
        case f.ProbeRead():
            return _probe_read(run, fact)
        case f.CheckTurned():
            return _turned(run, fact)
        case f.GuardBreached():
            return replace(run, breached={**run.breached, fact.check: fact.t})
        case f.GuardCleared():
            return replace(run, breached={check: t for check, t in run.breached.items() if check != fact.check})
        case f.StageEntered() | f.StageSkipped() | f.StageVerified():
            return _stage(run, fact)
        case f.GateAsked() | f.VoteCast() | f.GateDenied() | f.GateExpired() | f.GateEscalated() | f.GateOpened():
            return _gate(run, fact)
        case f.EffectInForce():
            return effect_in_force(run, fact)
        case f.EffectCleared() | f.UndoFailed():
            return effect_cleared(run, fact)
        case f.UndoBegun():
            job = UndoJob(queue=fact.keys, then=fact.then, step=fact.step, back_to=fact.back_to, person=fact.person)
            return replace(run, undo=job, abort_undone=run.abort_undone or fact.then == "end")
        case f.UndoEnded():
            return undo_ended(run, fact)
        case (
            f.StepPrepared()
            | f.StepDispatched()
            | f.StepSucceeded()
            | f.StepFailed()
            | f.StepLost()
            | f.StepSettled()
            | f.StepStopping()
            | f.StepSkipped()
            | f.RetryScheduled()
            | f.StepReopened()
            | f.TargetsReported()
            | f.RampBegun()
            | f.RampMoved()
            | f.RampCooling()
            | f.RampSteered()
            | f.WaitBegun()
            | f.ManualAsked()
        ):
            return evolve_step(run, fact)
        case _:
            assert_never(fact)


def _hold(run: Run, fact: f.Held | f.HoldLeft) -> Run:
    if isinstance(fact, f.Held):
        hold = Hold(
            code=fact.code,
            stage=fact.stage,
            step=fact.step,
            subject=fact.subject,
            text=fact.text,
            at=fact.at,
            t=fact.t,
        )
        return replace(run, holds=(*run.holds, hold))
    left = tuple(hold for hold in run.holds if (hold.code, hold.step) != (fact.code, fact.step))
    run = replace(run, holds=left)
    # A new try begins with empty windows: what was sampled before a person decided is the past.
    probes = {name: reading for name, reading in run.stage.probes.items() if not reading.error}
    stage = replace(run.stage, tries=run.stage.tries + 1, probes=probes, verify_t=fact.t)
    run = replace(run, stage=stage)
    record = run.steps.get(fact.step)
    if record is not None and isinstance(record.state, Ramping):
        state = replace(record.state, moves=record.state.moves + 1, since_t=fact.t)
        run = run.with_step(fact.step, replace(record, state=state))
    return run


def _probe_read(run: Run, fact: f.ProbeRead) -> Run:
    kind, _, step = fact.probe.partition(":")
    if step:
        record = run.steps[step]
        unknown = cast(Unknown, record.state)
        state = replace(unknown, reads=unknown.reads + 1, last_read_t=fact.t)
        return run.with_step(step, replace(record, state=state))
    earlier = run.stage.probes.get(kind)
    errors = (earlier.errors if earlier else 0) + (1 if fact.error else 0)
    reading = ProbeReading(value=fact.value, error=fact.error, errors=errors, t=fact.t)
    return replace(run, stage=replace(run.stage, probes={**run.stage.probes, kind: reading}))


def _turned(run: Run, fact: f.CheckTurned) -> Run:
    reading = Reading(
        check=fact.check,
        verdict=fact.verdict,
        value=fact.value,
        worst=fact.worst,
        samples=fact.samples,
        detail=fact.detail,
        at=fact.at,
        t=fact.t,
    )
    return replace(run, readings={**run.readings, fact.use: reading}, checks={**run.checks, fact.check: reading})


def _stage(run: Run, fact: f.StageEntered | f.StageSkipped | f.StageVerified) -> Run:
    if isinstance(fact, f.StageEntered):
        phase: Literal["steps", "verify"] = "steps" if run.plan.stages[run.cursor].steps else "verify"
        stage = replace(run.stage, phase=phase, since_t=fact.t, steps_done_t=fact.t, verify_t=fact.t)
        return replace(run, stage=stage)
    word: Literal["succeeded", "skipped"] = "skipped" if isinstance(fact, f.StageSkipped) else "succeeded"
    run = replace(_close_ticket(run, f"the stage was {word}"), past={**run.past, fact.stage: word})
    return _next_stage(run, fact.t)


def _next_stage(run: Run, t: int) -> Run:
    later = set(run.plan.later_names)
    steps = dict(run.steps)
    for step in run.plan.stages[run.cursor].steps:
        record = steps.get(step.id)
        if record is not None and record.result is not None and f"steps.{step.id}.result" not in later:
            steps[step.id] = replace(record, result=None)
    cursor = run.cursor + 1
    name = run.plan.stages[cursor].id if cursor < len(run.plan.stages) else ""
    guards = {use: reading for use, reading in run.readings.items() if use.startswith("guard:")}
    return replace(run, cursor=cursor, stage=StageState(id=name, since_t=t), steps=steps, readings=guards, ticket=None)


def _close_ticket(run: Run, why: str) -> Run:
    if run.ticket is None or run.ticket.status != "waiting":
        return run
    ticket = replace(run.ticket, status="superseded")
    return replace(run, ticket=ticket, spent={**run.spent, ticket.id: why})


def _gate(
    run: Run,
    fact: f.GateAsked | f.VoteCast | f.GateDenied | f.GateExpired | f.GateEscalated | f.GateOpened,
) -> Run:
    if isinstance(fact, f.GateAsked):
        run = _close_ticket(run, "it was asked anew")
        ticket = Ticket(
            id=fact.ticket,
            stage=fact.stage,
            title=fact.title,
            scope_digest=fact.scope_digest,
            asked_at=fact.at,
            asked_t=fact.t,
            expires_t=fact.expires_t,
        )
        return replace(run, ticket=ticket, asks=run.asks + 1)
    ticket = cast(Ticket, run.ticket)
    match fact:
        case f.VoteCast():
            others = tuple(vote for vote in ticket.votes if vote.person != fact.person)
            vote = Vote(
                person=fact.person,
                at=fact.at,
                t=fact.t,
                door=fact.door,
                proof=fact.proof,
                reason=fact.reason,
                solo=fact.solo,
            )
            return replace(run, ticket=replace(ticket, votes=(*others, vote)))
        case f.GateEscalated():
            return replace(run, ticket=replace(ticket, escalated=fact.index + 1))
        case f.GateDenied():
            why = f"{fact.person} denied it"
            return replace(run, ticket=replace(ticket, status="denied"), spent={**run.spent, ticket.id: why})
        case f.GateExpired():
            why = fact.why or "it expired"
            return replace(run, ticket=replace(ticket, status="expired"), spent={**run.spent, ticket.id: why})
        case f.GateOpened():
            why = f"it was opened by {', '.join(fact.approvers)}"
            return replace(run, ticket=replace(ticket, status="open"), spent={**run.spent, ticket.id: why})
        case _:
            assert_never(fact)
