"""How facts about steps change a run; the part of :mod:`relight.kernel.evolve` that is about steps."""

from typing import TypeAlias, assert_never

from relight.kernel import facts as f
from relight.kernel.changing import evolved
from relight.kernel.evolve_ramps import evolve_ramp, ramp_failed, ramp_lost, ramp_reopened, ramp_settled, ramp_succeeded
from relight.kernel.state import (
    Backoff,
    Dispatch,
    Done,
    EffectEntry,
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
    f.StepDispatched
    | f.StepSucceeded
    | f.StepFailed
    | f.StepPrepared
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
    match fact:
        case f.StepDispatched():
            return _dispatched(run, fact)
        case f.StepStopping():
            stopping = evolved(run.dispatches[fact.dispatch], stop_until_t=fact.until_t, stop_why=fact.why)
            return evolved(run, dispatches={**run.dispatches, fact.dispatch: stopping})
        case f.StepSucceeded() | f.StepFailed() | f.StepLost() | f.TargetsReported():
            return _heard(run, fact)
        case f.StepSettled():
            return _settled(run, fact)
        case f.StepSkipped():
            return _done(run, fact.step, _record(run, fact), "skipped", fact.t)
        case f.StepReopened():
            return _reopened(run, fact)
        case f.RetryScheduled():
            record = _record(run, fact)
            return run.with_step(fact.step, evolved(record, state=_again(record.state, fact.until_t)))
        case f.RampBegun() | f.RampMoved() | f.RampCooling() | f.RampSteered():
            return run.with_step(fact.step, evolve_ramp(_record(run, fact), fact))
        case f.StepPrepared() | f.WaitBegun() | f.ManualAsked():
            return run.with_step(fact.step, evolved(_record(run, fact), state=_begun(fact)))
        case _:
            assert_never(fact)


def taken_over(run: Run) -> Run:
    """Return the run as a new driver finds it: what was being read is read from the beginning, in its full time."""
    for step in run.open_steps:
        record = run.steps.get(step.id)
        if record is not None and isinstance(record.state, Prepared):
            run = run.with_step(step.id, evolved(record, state=evolved(record.state, since_t=run.took_over_t)))
        elif record is not None and isinstance(record.state, Unknown):
            unknown = evolved(record.state, since_t=run.took_over_t, reads=0)
            run = run.with_step(step.id, evolved(record, state=unknown))
    return evolved(run, stage=evolved(run.stage, verify_t=run.took_over_t))


def _record(run: Run, fact: StepFact) -> StepRecord:
    """Return the step's record; of one that begins, an empty one whose state the fact is about to say."""
    return run.steps.get(fact.step) or StepRecord(state=Undoing(), started_t=fact.t)


def _begun(fact: f.StepPrepared | f.WaitBegun | f.ManualAsked) -> StepState:
    match fact:
        case f.StepPrepared():
            return Prepared(use=fact.use, args=fact.args, since_t=fact.t)
        case f.WaitBegun():
            return Waiting(until_t=fact.until_t)
        case f.ManualAsked():
            return Manual(instruction=fact.instruction)
        case _:
            assert_never(fact)


def _again(state: StepState, until_t: int) -> StepState:
    match state:
        case Ramping():
            return evolved(state, retry_at_t=until_t)
        case Fanning():
            return state  # the dispatch of the hosts in doubt follows at once
        case _:
            return Backoff(until_t=until_t)


def _reopened(run: Run, fact: f.StepReopened) -> Run:
    record = _record(run, fact)
    state: StepState = record.state
    match state:
        case Ramping():
            state = ramp_reopened(state, fact.t)
        case Fanning():
            status = state.status.replace("x", ".")
            state = evolved(state, status=status, errors={}, tries=state.tries + 1, failed=False)
        case _:
            if state == Done(outcome="undone"):
                record = evolved(record, before=None, before_known=False)
            state = Backoff(until_t=fact.t)
    run = run.with_step(fact.step, evolved(record, state=state, tries_from=record.attempts, unknowns=0))
    steps = [step.id for step in run.plan.stages[run.cursor].steps]
    position = min(steps.index(fact.step), run.stage.position)
    return evolved(run, stage=evolved(run.stage, phase="steps", position=position))


def _done(run: Run, step_id: str, record: StepRecord, outcome: object, t: int) -> Run:
    """Return the run with that step done and the stage's position moved past all that is done."""
    run = run.with_step(step_id, evolved(record, state=_DONE[outcome], ended_t=t))
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
    state = evolved(run.stage, position=position, steps_done_t=t)
    if position == len(stage.steps):
        state = evolved(state, phase="verify", verify_t=t)
    return evolved(run, stage=state)


_DONE: dict[object, Done] = {outcome: Done(outcome=outcome) for outcome in ("succeeded", "failed", "skipped", "undone")}


# ---- what is under way


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
    run = evolved(run, dispatches={**run.dispatches, fact.dispatch: dispatch}, next_dispatch=fact.dispatch + 1)
    if fact.purpose == "undo":
        job = run.undo
        assert job is not None, "an undo is dispatched by its job"
        return evolved(run, undo=evolved(job, attempts=job.attempts + 1, lost=False))
    record = _record(run, fact)
    if fact.before_known:
        record = evolved(record, before=fact.before, before_known=True)
    state: StepState
    if fact.targets:
        state = _slice_dispatched(run, fact, record.state)
    elif isinstance(record.state, Ramping):
        state = evolved(record.state, dispatch=fact.dispatch)
    else:
        state = Running(dispatch=fact.dispatch)
    return run.with_step(fact.step, evolved(record, state=state, attempts=fact.attempt))


def _slice_dispatched(run: Run, fact: f.StepDispatched, state: StepState) -> Fanning:
    hosts = run.step_of(fact.step).targets
    assert hosts is not None, "only a fan-out has slices"
    fan = state if isinstance(state, Fanning) else Fanning(status="." * len(hosts.hosts))
    status = _mark(fan.status, fact.targets, ">")
    return evolved(fan, status=status, dispatch=fact.dispatch, lost=fan.lost if "?" in status else None)


def _heard(run: Run, fact: f.StepSucceeded | f.StepFailed | f.StepLost | f.TargetsReported) -> Run:
    dispatch = run.dispatches.get(fact.dispatch)
    if dispatch is not None and dispatch.purpose == "undo":
        return _undo_heard(run, dispatch, fact)
    if dispatch is not None:
        left = {number: item for number, item in run.dispatches.items() if number != fact.dispatch}
        run = evolved(run, dispatches=left)
    record = _record(run, fact)
    match fact:
        case f.StepSucceeded():
            if fact.dispatch and isinstance(record.state, Ramping):
                return run.with_step(fact.step, ramp_succeeded(record, record.state, fact))
            return _done(run, fact.step, evolved(record, result=fact.result, error=""), "succeeded", fact.t)
        case f.StepFailed():
            return _failed(run, fact, record)
        case f.StepLost():
            assert dispatch is not None, "what is lost was under way"
            return run.with_step(fact.step, _lost(record, dispatch, fact))
        case f.TargetsReported():
            return _targets(run, fact, record, dispatch)
        case _:
            assert_never(fact)


def _undo_heard(
    run: Run, dispatch: Dispatch, fact: f.StepSucceeded | f.StepFailed | f.StepLost | f.TargetsReported
) -> Run:
    job, entry = run.undo, run.ledger.get(dispatch.undoes)
    assert job is not None, "while it is under way its job goes on"
    if isinstance(fact, f.TargetsReported):
        return run if entry is None else _hosts_undone(run, entry, set(fact.done))
    left = {number: item for number, item in run.dispatches.items() if number != fact.dispatch}
    run = evolved(run, dispatches=left)
    match fact:
        case f.StepSucceeded():
            return evolved(run, undo=evolved(job, attempts=0, lost=False))
        case f.StepFailed():
            return evolved(run, undo=evolved(job, again_t=fact.again_t))
        case f.StepLost():
            if entry is not None:
                run = evolved(run, ledger={**run.ledger, entry.key: _perhaps_undone(entry, dispatch)})
            return evolved(run, undo=evolved(job, lost=True, again_t=fact.t))
        case _:
            assert_never(fact)


def _perhaps_undone(entry: EffectEntry, lost: Dispatch) -> EffectEntry:
    # Of a fan-out no single report can tell: its slices were undone one by one.
    number = lost.number if not lost.targets else 0
    return evolved(entry, sure=False, otherwise=entry, undo_lost=True, undo_lost_as=number, undo_lost_epoch=lost.epoch)


def _hosts_undone(run: Run, entry: EffectEntry, done: set[int]) -> Run:
    targets = tuple(index for index in entry.targets if index not in done)
    maybe = tuple(index for index in entry.maybe if index not in done)
    return evolved(run, ledger={**run.ledger, entry.key: evolved(entry, targets=targets, maybe=maybe)})


def _failed(run: Run, fact: f.StepFailed, record: StepRecord) -> Run:
    record = evolved(record, error=fact.error)
    if isinstance(record.state, Ramping):
        return run.with_step(fact.step, ramp_failed(record, record.state, fact))
    if fact.final and run.step_of(fact.step).on_failure == "continue":
        return _done(run, fact.step, record, "failed", fact.t)
    if isinstance(record.state, Fanning):
        return run.with_step(fact.step, evolved(record, state=evolved(record.state, failed=True)))
    return run.with_step(fact.step, evolved(record, state=Failed(error=fact.error), ended_t=fact.t))


def _lost(record: StepRecord, dispatch: Dispatch, fact: f.StepLost) -> StepRecord:
    record = evolved(record, error=fact.why, unknowns=record.unknowns + 1)
    match record.state:
        case Fanning() as fan:
            status = _mark(fan.status, dispatch.targets, "?")
            return evolved(record, state=evolved(fan, status=status, dispatch=0, lost=dispatch))
        case Ramping() as ramp:
            return evolved(record, state=ramp_lost(ramp, dispatch, fact))
        case _:
            return evolved(record, state=Unknown(lost=dispatch, why=fact.why, since_t=fact.t))


def _settled(run: Run, fact: f.StepSettled) -> Run:
    record = run.steps[fact.step]
    if not fact.dispatch:
        # Not one dispatch of it is known now: a person did the step as a whole by hand.
        return _done(run, fact.step, evolved(record, result=fact.result, error=""), "succeeded", fact.t)
    match record.state:
        case Fanning() as fan:
            unknown = fan.at("?")
            errors = fan.errors if fact.done else fan.errors | {str(index): "it did not happen" for index in unknown}
            status = _mark(fan.status, unknown, "+" if fact.done else "x")
            state = evolved(fan, status=status, errors=errors, lost=None)
            return run.with_step(fact.step, evolved(record, state=state))
        case Unknown(ramp=ramp) if ramp is not None:
            return run.with_step(fact.step, evolved(record, state=ramp_settled(ramp, fact)))
        case _ if fact.done:
            return _done(run, fact.step, evolved(record, result=fact.result, error=""), "succeeded", fact.t)
        case _:
            return run.with_step(fact.step, evolved(record, state=Failed(error=record.error), ended_t=fact.t))


def _targets(run: Run, fact: f.TargetsReported, record: StepRecord, dispatch: Dispatch | None) -> Run:
    fan = record.state
    assert isinstance(fan, Fanning), "only a fan-out has targets"
    status = _mark(fan.status, fact.done, "+")
    status = _mark(status, tuple(int(index) for index in fact.failed), "x")
    status = _mark(status, fact.unknown, "?")
    if dispatch is not None:
        # Of whom nothing is said, nothing was done: they wait as before.
        status = _mark(status, tuple(index for index in dispatch.targets if status[index] == ">"), ".")
    state = evolved(
        fan,
        status=status,
        errors={**fan.errors, **fact.failed} if fact.failed else fan.errors,
        reported_t=fact.t,
        dispatch=0,
        lost=(dispatch or fan.lost) if fact.unknown else None,
    )
    unknowns = record.unknowns + (1 if fact.unknown and dispatch is not None else 0)
    return run.with_step(fact.step, evolved(record, state=state, unknowns=unknowns))


def _mark(status: str, indices: tuple[int, ...], mark: str) -> str:
    marks = bytearray(status, "ascii")
    for index in indices:
        marks[index] = ord(mark)
    return marks.decode("ascii")
