"""The only way a run changes: one fact at a time.

Nothing is judged here; a fact is applied as it is. A fact that nobody handles fails the type check, not the incident.
"""

from typing import Literal, TypeAlias, assert_never

from relight.kernel import facts as f
from relight.kernel.adopting import effect_adopted
from relight.kernel.changing import evolved
from relight.kernel.effects import effect_cleared, effect_in_force
from relight.kernel.evolve_gates import GateFact, close_ticket, evolve_gate
from relight.kernel.evolve_steps import StepFact, evolve_step, taken_over
from relight.kernel.evolve_undo import UndoFact, evolve_undo
from relight.kernel.holds import UNDO_HOLDS
from relight.kernel.state import Hold, Prepared, ProbeReading, Ramping, Reading, Run, StageState, StepState, Unknown

RunFact: TypeAlias = (
    f.RunStarted
    | f.DriverTookOver
    | f.PlanAmended
    | f.PeopleTurned
    | f.Paused
    | f.Resumed
    | f.AbortBegun
    | f.RequestRefused
    | f.Noted
    | f.RunEnded
)
ReadFact: TypeAlias = f.ProbeRead | f.CheckTurned | f.GuardBreached | f.GuardCleared | f.EffectDrifted
StageFact: TypeAlias = f.StageEntered | f.StageSkipped | f.StageVerified


def evolve(run: Run | None, fact: f.AnyFact) -> Run:
    """Return the run after *fact*."""
    if isinstance(fact, f.RunStarted):
        return _started(fact)
    assert run is not None, "the first fact of a run is RunStarted"
    t = max(run.t, fact.t)
    if run.stage.phase == "verify" and t > run.t and run.stands_still:
        # What is verified is not late because somebody made the run wait.
        run = evolved(run, stage=evolved(run.stage, verify_t=run.stage.verify_t + t - run.t))
    after = _evolve(run, fact)
    # What follows from one input happens at one moment.
    return after if after.t == t and after.at == fact.at else evolved(after, at=fact.at, t=t)


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
    if isinstance(fact, StepFact):
        return evolve_step(run, fact)
    if isinstance(fact, ReadFact):
        return _read(run, fact)
    if isinstance(fact, f.Held | f.HoldLeft):
        return _hold(run, fact)
    if isinstance(fact, StageFact):
        return _stage(run, fact)
    if isinstance(fact, GateFact):
        return evolve_gate(run, fact)
    if isinstance(fact, f.EffectInForce):
        return effect_in_force(run, fact)
    if isinstance(fact, f.EffectAdopted):
        return effect_adopted(run, fact)
    if isinstance(fact, f.EffectCleared):
        return effect_cleared(run, fact)
    if isinstance(fact, UndoFact):
        return evolve_undo(run, fact)
    return _run(run, fact)


def _run(run: Run, fact: RunFact) -> Run:
    match fact:
        case f.DriverTookOver():
            return taken_over(evolved(run, epoch=fact.epoch, driver=fact.driver, took_over_t=fact.t, readings={}))
        case f.PlanAmended():
            return evolved(run, plan=fact.plan)
        case f.PeopleTurned():
            return evolved(run, people=fact.people, solo=fact.solo)
        case f.Paused():
            return evolved(run, paused=True, paused_by=fact.person)
        case f.Resumed():
            return evolved(run, paused=False, paused_by="")
        case f.AbortBegun():
            run = close_ticket(run, "the run was aborted")
            return evolved(run, aborting=True, aborted_by=fact.person, holds=())
        case f.RunEnded():
            return evolved(run, outcome=fact.outcome, ended_at=fact.at, why=fact.why, left=fact.left, holds=())
        case f.RunStarted() | f.RequestRefused() | f.Noted():
            return run
        case _:
            assert_never(fact)


# ---- holds


def _hold(run: Run, fact: f.Held | f.HoldLeft) -> Run:
    if isinstance(fact, f.HoldLeft):
        return _hold_left(run, fact)
    hold = Hold(
        code=fact.code,
        stage=fact.stage,
        step=fact.step,
        subject=fact.subject,
        text=fact.text,
        at=fact.at,
        t=fact.t,
    )
    return evolved(run, holds=(*run.holds, hold))


def _hold_left(run: Run, fact: f.HoldLeft) -> Run:
    left = tuple(hold for hold in run.holds if (hold.code, hold.step) != (fact.code, fact.step))
    # A new try begins with empty windows: what was sampled before a person decided is the past.
    # So is what probes said, but for what a waiting gate has frozen or a stage's steps have begun to use.
    frozen = run.stage.phase != "approach" or (run.ticket is not None and run.ticket.status == "waiting")
    probes = {name: reading for name, reading in run.stage.probes.items() if frozen and not reading.error}
    answered = fact.verb == "resume" and fact.code in UNDO_HOLDS
    run = evolved(
        run,
        holds=left,
        stage=evolved(run.stage, tries=run.stage.tries + 1, probes=probes, verify_t=fact.t),
        undo_before=None if answered else run.undo_before,
    )
    record = run.steps.get(fact.step)
    match record.state if record is not None else None:
        case Ramping() as ramp:
            return _with_state(run, fact.step, evolved(ramp, tries=ramp.tries + 1, since_t=fact.t))
        case Unknown() as unknown:
            return _with_state(run, fact.step, evolved(unknown, since_t=fact.t, reads=0))
        case _:
            return run


def _with_state(run: Run, step: str, state: StepState) -> Run:
    return run.with_step(step, evolved(run.steps[step], state=state))


# ---- what was read


def _read(run: Run, fact: ReadFact) -> Run:
    match fact:
        case f.ProbeRead():
            return _probe_read(run, fact)
        case f.CheckTurned():
            return _turned(run, fact)
        case f.GuardBreached():
            return evolved(run, breached={**run.breached, fact.check: fact.t})
        case f.GuardCleared():
            return evolved(run, breached={check: t for check, t in run.breached.items() if check != fact.check})
        case f.EffectDrifted():
            return run
        case _:
            assert_never(fact)


def _probe_read(run: Run, fact: f.ProbeRead) -> Run:
    kind, _, step = fact.probe.partition(":")
    if step:
        record = run.steps[step]
        return run.with_step(step, evolved(record, state=_answered(record.state, fact)))
    earlier = run.stage.probes.get(kind)
    errors = (earlier.errors if earlier else 0) + (1 if fact.error else 0)
    reading = ProbeReading(value=fact.value, error=fact.error, errors=errors, t=fact.t)
    return evolved(run, stage=evolved(run.stage, probes={**run.stage.probes, kind: reading}))


def _answered(state: object, fact: f.ProbeRead) -> Prepared | Unknown:
    if isinstance(state, Unknown):
        return evolved(state, reads=state.reads + 1, last_read_t=fact.t)
    assert isinstance(state, Prepared), "readings of steps settle them or precede them"
    before = fact.value if isinstance(fact.value, dict) else None
    known = not fact.error and (fact.value is None or before is not None)
    return evolved(state, read=True, known=known, before=before if known else None)


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
    ticket = run.ticket
    if ticket is not None and fact.worst is not None and fact.use.startswith(f"gate:{ticket.id}:"):
        run = evolved(run, ticket=evolved(ticket, worst={**ticket.worst, fact.check: fact.worst}))
    readings = run.readings
    if fact.use not in readings:
        # A new generation of watches has begun; what the one before said is nobody's matter any more.
        readings = {use: item for use, item in readings.items() if not _outdated(use, fact.use)}
    return evolved(run, readings={**readings, fact.use: reading}, checks={**run.checks, fact.check: reading})


def _outdated(use: str, new: str) -> bool:
    return _family(use) == _family(new) and use.rpartition(":")[0] != new.rpartition(":")[0]


def _family(use: str) -> str:
    kind, _, rest = use.partition(":")
    return f"{kind}:{rest.partition(':')[0]}" if kind in ("ramp", "between") else kind


# ---- stages


def _stage(run: Run, fact: StageFact) -> Run:
    if isinstance(fact, f.StageEntered):
        phase: Literal["steps", "verify"] = "steps" if run.plan.stages[run.cursor].steps else "verify"
        stage = evolved(run.stage, phase=phase, since_t=fact.t, steps_done_t=fact.t, verify_t=fact.t)
        return evolved(run, stage=stage)
    word: Literal["succeeded", "skipped"] = "skipped" if isinstance(fact, f.StageSkipped) else "succeeded"
    run = evolved(close_ticket(run, f"the stage was {word}"), past={**run.past, fact.stage: word})
    return _next_stage(run, fact.t)


def _next_stage(run: Run, t: int) -> Run:
    later = set(run.plan.later_names)
    for step in run.plan.stages[run.cursor].steps:
        record = run.steps.get(step.id)
        if record is None:
            continue
        result = record.result if f"steps.{step.id}.result" in later else None
        # What is as it should be is left alone: there may be thousands of records, and each change copies some.
        if record.before is not None or result != record.result:
            run = run.with_step(step.id, evolved(record, before=None, result=result))
    cursor = run.cursor + 1
    name = run.plan.stages[cursor].id if cursor < len(run.plan.stages) else ""
    guards = {use: reading for use, reading in run.readings.items() if use.startswith("guard:")}
    return evolved(run, cursor=cursor, stage=StageState(id=name, since_t=t), readings=guards, ticket=None)
