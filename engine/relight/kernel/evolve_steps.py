"""How facts about steps change a run; the part of :mod:`relight.kernel.evolve` that is about steps."""

from dataclasses import replace
from typing import TypeAlias, assert_never, cast

from relight.kernel import facts as f
from relight.kernel.state import (
    Backoff,
    Dispatch,
    Done,
    Failed,
    Fanning,
    Manual,
    Prepared,
    Ramping,
    Run,
    Running,
    StepRecord,
    StepState,
    Undoing,
    Unknown,
    Waiting,
)

StepFact: TypeAlias = (
    f.StepPrepared
    | f.StepDispatched
    | f.StepSucceeded
    | f.StepFailed
    | f.StepLost
    | f.StepSettled
    | f.StepStopping
    | f.StepSkipped
    | f.RetryScheduled
    | f.StepReopened
    | f.TargetsReported
    | f.RampBegun
    | f.RampMoved
    | f.RampCooling
    | f.RampSteered
    | f.WaitBegun
    | f.ManualAsked
)


def evolve_step(run: Run, fact: StepFact) -> Run:
    """Return the run after a fact about a step."""
    if isinstance(fact, f.StepDispatched | f.StepSucceeded | f.StepFailed | f.StepLost):
        return _dispatching(run, fact)
    record = run.steps.get(fact.step, StepRecord(state=Undoing(), started_t=fact.t))
    match fact:
        case f.StepPrepared():
            record = replace(record, state=Prepared(use=fact.use, args=fact.args))
        case f.StepSettled():
            return _settled(run, fact, record)
        case f.StepStopping():
            stopping = replace(run.dispatches[fact.dispatch], stop_until_t=fact.until_t, stop_why=fact.why)
            return replace(run, dispatches={**run.dispatches, fact.dispatch: stopping})
        case f.StepSkipped():
            return _done(run, fact.step, replace(record, state=Done(outcome="skipped"), ended_t=fact.t), fact.t)
        case f.RetryScheduled():
            record = replace(record, state=_again(record.state, fact.until_t))
        case f.StepReopened():
            record = replace(record, state=_again(record.state, fact.t), tries_from=record.attempts, unknowns=0)
        case f.TargetsReported():
            return _targets(run, fact, record)
        case f.RampBegun():
            record = replace(record, state=Ramping(values=fact.values, since_t=fact.t))
        case f.RampMoved() | f.RampCooling() | f.RampSteered():
            record = replace(record, state=_ramp(cast(Ramping, record.state), fact))
        case f.WaitBegun():
            record = replace(record, state=Waiting(until_t=fact.until_t))
        case f.ManualAsked():
            record = replace(record, state=Manual(instruction=fact.instruction))
        case _:
            assert_never(fact)
    return run.with_step(fact.step, record)


def _again(state: StepState, until_t: int) -> StepState:
    match state:
        case Ramping():
            return replace(state, settled=False, dispatch=0, retry_at_t=until_t, failures=state.failures + 1)
        case Fanning():
            status = state.status.replace("x", ".").replace("?", ".")
            return replace(state, status=status, errors={}, tries=state.tries + 1)
        case _:
            return Backoff(until_t=until_t)


def _ramp(state: Ramping, fact: f.RampMoved | f.RampCooling | f.RampSteered) -> Ramping:
    match fact:
        case f.RampMoved():
            return replace(
                state,
                position=fact.position,
                moves=state.moves + 1,
                settled=False,
                dispatch=0,
                failures=0,
                retry_at_t=fact.t,
                cool_until_t=0,
                step_backs=state.step_backs + (1 if fact.counted else 0),
                why=fact.why if fact.direction == "down" else "",
            )
        case f.RampCooling():
            return replace(state, cool_until_t=fact.until_t)
        case f.RampSteered():
            return replace(state, stay=fact.stay, step_backs=state.step_backs if fact.stay else 0)
        case _:
            assert_never(fact)


def _done(run: Run, step_id: str, record: StepRecord, t: int) -> Run:
    """Return the run with that step done and the stage's position moved past all that is done."""
    run = run.with_step(step_id, record)
    stage = run.current
    if stage is None or run.stage.phase != "steps":
        return run
    position = run.stage.position
    while position < len(stage.steps):
        at = run.steps.get(stage.steps[position].id)
        if at is None or not isinstance(at.state, Done):
            break
        position += 1
    if position == run.stage.position:
        return run
    state = replace(run.stage, position=position, steps_done_t=t)
    if position == len(stage.steps):
        state = replace(state, phase="verify", verify_t=t)
    return replace(run, stage=state)


def _dispatching(run: Run, fact: f.StepDispatched | f.StepSucceeded | f.StepFailed | f.StepLost) -> Run:
    if isinstance(fact, f.StepDispatched):
        return _dispatched(run, fact)
    dispatch = run.dispatches.get(fact.dispatch)
    if dispatch is not None:
        left = {number: item for number, item in run.dispatches.items() if number != fact.dispatch}
        run = replace(run, dispatches=left)
        if dispatch.purpose == "undo":
            return _undo_heard(run, lost=isinstance(fact, f.StepLost))
    record = run.steps.get(fact.step, StepRecord(state=Undoing(), started_t=fact.t))
    match fact:
        case f.StepSucceeded():
            if fact.dispatch and isinstance(record.state, Ramping):
                state = replace(record.state, settled=True, dispatch=0, failures=0, since_t=fact.t)
                return run.with_step(fact.step, replace(record, state=state))
            record = replace(record, state=Done(outcome="succeeded"), result=fact.result, ended_t=fact.t, error="")
            return _done(run, fact.step, record, fact.t)
        case f.StepFailed():
            return _failed(run, fact, record)
        case f.StepLost():
            assert dispatch is not None
            return run.with_step(fact.step, _lost(record, dispatch, fact))
        case _:
            assert_never(fact)


def _undo_heard(run: Run, *, lost: bool) -> Run:
    job = run.undo
    return run if job is None else replace(run, undo=replace(job, lost=lost))


def _dispatched(run: Run, fact: f.StepDispatched) -> Run:
    dispatch = Dispatch(
        number=fact.dispatch,
        step=fact.step,
        attempt=fact.attempt,
        purpose=fact.purpose,
        use=fact.use,
        args=fact.args,
        key=fact.key,
        deadline_t=fact.deadline_t,
        epoch=run.epoch,
        since_t=fact.t,
        effect_key=fact.effect_key,
        before=fact.before,
        before_known=fact.before_known,
        targets=fact.targets,
        undoes=fact.undoes,
    )
    run = replace(run, dispatches={**run.dispatches, fact.dispatch: dispatch}, next_dispatch=fact.dispatch + 1)
    if fact.purpose == "undo":
        job = run.undo
        return run if job is None else replace(run, undo=replace(job, attempts=job.attempts + 1, lost=False))
    record = run.steps.get(fact.step, StepRecord(state=Undoing(), started_t=fact.t))
    state: StepState
    if fact.targets:
        hosts = run.step_of(fact.step).targets
        total = len(hosts.hosts) if hosts is not None else 0
        fan = record.state if isinstance(record.state, Fanning) else Fanning(status="." * total)
        state = replace(fan, status=_mark(fan.status, fact.targets, ">"), dispatch=fact.dispatch)
    elif isinstance(record.state, Ramping):
        state = replace(record.state, dispatch=fact.dispatch, settled=False)
    else:
        state = Running(dispatch=fact.dispatch)
    if fact.before_known and not record.before_known:
        record = replace(record, before=fact.before, before_known=True)
    return run.with_step(fact.step, replace(record, state=state, attempts=fact.attempt))


def _failed(run: Run, fact: f.StepFailed, record: StepRecord) -> Run:
    record = replace(record, error=fact.error)
    if isinstance(record.state, Ramping | Fanning):
        state = replace(record.state, dispatch=0)
        return run.with_step(fact.step, replace(record, state=state))
    if not fact.final or run.step_of(fact.step).on_failure == "hold":
        return run.with_step(fact.step, replace(record, state=Failed(error=fact.error), ended_t=fact.t))
    return _done(run, fact.step, replace(record, state=Done(outcome="failed"), ended_t=fact.t), fact.t)


def _lost(record: StepRecord, dispatch: Dispatch, fact: f.StepLost) -> StepRecord:
    record = replace(record, error=fact.why, unknowns=record.unknowns + 1)
    if isinstance(record.state, Fanning):
        status = _mark(record.state.status, dispatch.targets, "?")
        return replace(record, state=replace(record.state, status=status, dispatch=0))
    ramp = replace(record.state, dispatch=0) if isinstance(record.state, Ramping) else None
    return replace(record, state=Unknown(lost=dispatch, why=fact.why, since_t=fact.t, ramp=ramp))


def _settled(run: Run, fact: f.StepSettled, record: StepRecord) -> Run:
    state = record.state
    if isinstance(state, Fanning):
        status = state.status.replace("?", "+" if fact.done else "x")
        if fact.done:
            status = status.replace("x", "+")
        return run.with_step(fact.step, replace(record, state=replace(state, status=status)))
    if isinstance(state, Unknown) and state.ramp is not None:
        ramp = replace(state.ramp, settled=fact.done, since_t=fact.t, retry_at_t=fact.t)
        return run.with_step(fact.step, replace(record, state=ramp))
    if fact.done:
        record = replace(record, state=Done(outcome="succeeded"), result=fact.result, ended_t=fact.t, error="")
        return _done(run, fact.step, record, fact.t)
    return run.with_step(fact.step, replace(record, state=Failed(error=record.error), ended_t=fact.t))


def _targets(run: Run, fact: f.TargetsReported, record: StepRecord) -> Run:
    fan = cast(Fanning, record.state)
    status = _mark(fan.status, fact.done, "+")
    status = _mark(status, tuple(int(index) for index in fact.failed), "x")
    status = _mark(status, fact.unknown, "?")
    left = {number: item for number, item in run.dispatches.items() if number != fact.dispatch}
    state = replace(fan, status=status, errors={**fan.errors, **fact.failed}, reported_t=fact.t, dispatch=0)
    return replace(run, dispatches=left).with_step(fact.step, replace(record, state=state))


def _mark(status: str, indices: tuple[int, ...], mark: str) -> str:
    marks = bytearray(status, "ascii")
    for index in indices:
        marks[index] = ord(mark)
    return marks.decode("ascii")
