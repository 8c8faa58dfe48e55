"""How facts about ramps change a step's record; the part of :mod:`relight.kernel.evolve` that is about ramps."""

from typing import assert_never

from relight.kernel import facts as f
from relight.kernel.changing import evolved
from relight.kernel.state import Dispatch, Ramping, StepRecord, Unknown


def evolve_ramp(record: StepRecord, fact: f.RampBegun | f.RampMoved | f.RampCooling | f.RampSteered) -> StepRecord:
    """Return the step's record after a fact about its ramp."""
    if isinstance(fact, f.RampBegun):
        state = Ramping(values=fact.values, args=fact.args, since_t=fact.t)
        if fact.before_known:
            record = evolved(record, before=fact.before, before_known=True)
        return evolved(record, state=state)
    ramp = record.state
    assert isinstance(ramp, Ramping), "it has begun"
    match fact:
        case f.RampMoved():
            return evolved(record, state=_moved(ramp, fact))
        case f.RampCooling():
            return evolved(record, state=evolved(ramp, cool_until_t=fact.until_t))
        case f.RampSteered():
            step_backs = ramp.step_backs if fact.stay else 0
            return evolved(record, state=evolved(ramp, stay=fact.stay, step_backs=step_backs))
        case _:
            assert_never(fact)


def _moved(ramp: Ramping, fact: f.RampMoved) -> Ramping:
    return evolved(
        ramp,
        position=fact.position,
        moves=ramp.moves + 1,
        settled=fact.stands,
        since_t=fact.t,
        dispatch=0,
        failures=0,
        retry_at_t=fact.t,
        cool_until_t=0,
        step_backs=ramp.step_backs + (1 if fact.counted else 0),
        why=fact.why if fact.direction == "down" else "",
    )


def ramp_succeeded(record: StepRecord, ramp: Ramping, fact: f.StepSucceeded) -> StepRecord:
    """Return the record after a move of the ramp was done."""
    state = evolved(ramp, settled=True, dispatch=0, failures=0, since_t=fact.t)
    return evolved(record, state=state, error="")


def ramp_failed(record: StepRecord, ramp: Ramping, fact: f.StepFailed) -> StepRecord:
    """Return the record after a move failed; one that was overtaken by a move down is only heard of."""
    if fact.dispatch != ramp.dispatch:
        return record
    return evolved(record, state=evolved(ramp, dispatch=0, failures=ramp.failures + 1))


def ramp_lost(ramp: Ramping, dispatch: Dispatch, fact: f.StepLost) -> Ramping | Unknown:
    """Return the state after a move was lost: only where nothing may be done twice, that has to be settled first."""
    if dispatch.use.effect == "destructive":
        return Unknown(lost=dispatch, why=fact.why, since_t=fact.t, ramp=ramp)
    if ramp.dispatch == dispatch.number:
        ramp = evolved(ramp, dispatch=0, failures=ramp.failures + 1)
    return ramp


def ramp_settled(ramp: Ramping, fact: f.StepSettled) -> Ramping:
    """Return the state after a lost move is known; one that was overtaken leaves the move down to be made."""
    settled = fact.done and ramp.dispatch == fact.dispatch
    return evolved(ramp, settled=settled, dispatch=0, since_t=fact.t, retry_at_t=fact.t)


def ramp_reopened(ramp: Ramping, t: int) -> Ramping:
    """Return the state after a person said to try again: the move where it was given up, or watching anew."""
    return evolved(ramp, failures=0, retry_at_t=t, since_t=t, tries=ramp.tries + 1)
