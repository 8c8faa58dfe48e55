"""Ramps: up one declared value at a time while everything passes, down at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relight.errors import NotNow, NotPermitted
from relight.kernel import facts as f
from relight.kernel.intents import Perform, ReadProbe, Wake
from relight.kernel.plan import Guard, Retry
from relight.kernel.state import Ramping
from relight.testing.desk import Desk, desk_of
from relight.testing.plans import (
    act,
    check,
    equal,
    kind,
    path,
    plan,
    ramp,
    settle_when,
    stage,
    throttle,
    undo_previous,
    undo_with,
    use,
)

GUARD = Guard(check="api", breach_after_ms=5_000, on_breach="step_back")
RATE = throttle(max_rate=150)


def climbing(*through: Any, guards: tuple[Guard, ...] = (), step: dict[str, Any] | None = None, **how: Any) -> Desk:
    """Return a desk where a ramp from 10 up stands at its floor, its guards passing."""
    given: dict[str, Any] = {"floor": 10, "checks": ("calm",), **how}
    up = act("up", RATE, ramp=ramp(*(through or (25, 50, 100)), **given), **(step or {}))
    desk = Desk(plan(stage("one", up), stage("two", kind("m", "manual")), guards=guards))
    for guard in guards:
        desk.turn("guard:", guard.check)
    return desk


def state_of(desk: Desk) -> Ramping:
    """Return the state of the ramp."""
    state = desk.run.steps["up"].state
    assert isinstance(state, Ramping)
    return state


def value(desk: Desk) -> object:
    """Return the value of the move under way."""
    return desk.perform("up").args["percent"]


def rise(desk: Desk, times: int = 1) -> Desk:
    """Let the ramp rise so many values."""
    for _ in range(times):
        desk.turn("ramp:", "calm")
        desk.report("up")
    return desk


# ---- up


def test_declared_values_not_above_the_floor_are_passed_over() -> None:
    """The floor comes first, then every declared value above it, in order and once."""
    desk = climbing(5, 10, 50, 25, 25)
    assert (10, 25, 50) == state_of(desk).values
    assert ([], 0) == (desk.performing, state_of(desk).position)


def test_values_may_be_expressions() -> None:
    """Floor and values are resolved when the ramp begins; what is no number holds."""
    how = ramp(path("inputs.half"), floor=path("inputs.low"))
    desk = desk_of(act("up", RATE, ramp=how), scope={"inputs": {"low": 3, "half": 50}})
    assert (3, 50) == state_of(desk).values
    desk = desk_of(act("up", RATE, ramp=how), scope={"inputs": {"low": "3", "half": 50}})
    assert (["expression-failed"], "ramp up: '3' is no number") == (desk.holds, desk.run.holds[0].text)
    desk = desk_of(act("up", RATE, ramp=how), scope={"inputs": {"low": True, "half": 50}})
    assert ["expression-failed"] == desk.holds


def test_it_rises_one_declared_value_at_a_time() -> None:
    """Each value has its own watch, which has to hold for the dwell; after the last it is done."""
    desk = climbing()
    assert 0 == desk.watch("ramp:", "calm").for_ms
    for wanted in (25, 50, 100):
        desk.turn("ramp:", "calm")
        assert {"max_rate": 150, "percent": wanted} == desk.perform("up").args
        desk.report("up")
        assert ([], 10_000, desk.t) == (
            desk.performing,
            desk.watch("ramp:", "calm").for_ms,
            desk.watch("ramp:", "calm").not_before_t,
        )
    desk.turn("ramp:", "calm")
    assert "succeeded" == desk.word("up")
    done = next(fact for fact in desk.facts if isinstance(fact, f.StepSucceeded) and fact.dispatch == 0)
    assert {"percent": 100, "step_backs": 0} == done.result


def test_a_ramp_with_nothing_above_its_floor_is_done_when_its_checks_pass() -> None:
    """There is nothing to dispatch."""
    desk = climbing(5)
    desk.turn("ramp:", "calm")
    assert ("succeeded", 1) == (desk.word("up"), desk.run.next_dispatch)


def test_without_checks_it_dwells_by_the_clock() -> None:
    """The guards are enough, for as long as it dwells."""
    desk = climbing(25, 50, checks=(), guards=(GUARD,))
    assert 25 == value(desk)
    desk.report("up")
    desk.tick(9_999)
    assert [] == desk.performing
    desk.tick(1)
    assert 50 == value(desk)


def test_it_never_rises_while_a_guard_does_not_pass() -> None:
    """No verdict, and neither one nor the other, keep it where it is."""
    up = act("up", RATE, ramp=ramp(50, floor=10, checks=("calm",)))
    desk = Desk(plan(stage("one", up), guards=(GUARD,)))
    desk.turn("ramp:", "calm")
    assert [] == desk.performing
    desk.turn("guard:", "api", "neutral")
    assert [] == desk.performing
    desk.turn("guard:", "api")
    assert 50 == value(desk)


@pytest.mark.parametrize(("prefix", "name"), [("ramp:", "calm"), ("guard:", "api")])
def test_a_blind_check_or_guard_holds(prefix: str, name: str) -> None:
    """Without data it could never rise, and nobody would know why: so a person is asked."""
    desk = climbing(guards=(GUARD,))
    desk.turn(prefix, name, "inconclusive")
    assert (["check-blind"], name) == (desk.holds, desk.run.holds[0].subject)
    desk.turn("guard:", "api")
    desk.ask("ana", "retry", "up")
    rise(desk)
    assert 1 == state_of(desk).position


def test_a_check_that_may_wait_only_keeps_it_from_rising() -> None:
    """``on_inconclusive: wait``."""
    up = act("up", RATE, ramp=ramp(50, floor=10, checks=("calm",)))
    desk = desk_of(up, checks=(check("calm", on_inconclusive="wait"),))
    desk.turn("ramp:", "calm", "inconclusive")
    assert ([], []) == (desk.holds, desk.performing)


# ---- down by itself


def test_a_failing_check_steps_back_one_value_and_cools_down() -> None:
    """Down at once; then no watching and no rise for the cool-down, and then the dwell again."""
    desk = rise(climbing(), 2)
    facts = desk.turn("ramp:", "calm", "fail", 30)
    assert ["CheckTurned", "RampMoved", "StepDispatched"] == desk.kinds(facts)
    assert (25, 1) == (value(desk), state_of(desk).step_backs)
    desk.report("up")
    assert (10_000, 10_000) == (desk.watch("ramp:", "calm").not_before_t, desk.watch("ramp:", "calm").for_ms)
    desk.turn("ramp:", "calm")
    assert [] == desk.performing
    desk.tick(10_000)
    assert 50 == value(desk)


def test_back_at_its_floor_it_dwells_before_it_rises_again() -> None:
    """The first rise needs one sample; one after a fall needs as many as any other."""
    desk = rise(climbing())
    desk.turn("ramp:", "calm", "fail")
    desk.report("up")
    assert (0, 10_000) == (state_of(desk).position, desk.watch("ramp:", "calm").for_ms)


def test_after_so_many_steps_back_it_holds_at_the_lower_value() -> None:
    """Then only a person can raise it again, and its steps back count anew."""
    desk = rise(climbing(max_step_backs=2), 2)
    desk.turn("ramp:", "calm", "fail", 30)
    desk.report("up")
    desk.tick(10_000)
    desk.turn("ramp:", "calm", "fail", 31)
    assert (["ramp-exhausted"], 10) == (desk.holds, value(desk))
    assert "it stepped back 2 times and stays at the lower value" in desk.run.holds[0].text
    desk.report("up")
    desk.tick(60_000)
    assert [] == desk.performing
    desk.ask("dee", "ramp", value="up")
    assert ([], 0) == (desk.holds, state_of(desk).step_backs)
    rise(desk)
    assert 1 == state_of(desk).position


def test_a_check_that_fails_at_the_floor_holds() -> None:
    """There is nothing below."""
    desk = climbing()
    desk.turn("ramp:", "calm", "fail", 30)
    assert (["ramp-exhausted"], []) == (desk.holds, desk.performing)
    assert "it is at its floor" in desk.run.holds[0].text


def test_on_failure_hold_holds_where_it_is() -> None:
    """The runbook may ask a person instead of stepping back; then down is a verb."""
    desk = rise(climbing(on_failure="hold"), 2)
    desk.turn("ramp:", "calm", "fail", 30)
    assert (["ramp-failing"], []) == (desk.holds, desk.performing)
    desk.ask("os:stranger", "ramp", value="down")
    assert 25 == value(desk)
    desk.report("up")
    desk.ask("dee", "ramp", value="up")
    assert [] == desk.holds
    desk.tick(10_000)
    rise(desk)
    assert 2 == state_of(desk).position


def test_a_breached_guard_steps_back_until_it_passes() -> None:
    """Each step back is given as long as a breach takes to show; when the guard passes, it cools and tries again."""
    desk = rise(climbing(guards=(GUARD,)), 3)
    desk.turn("guard:", "api", "fail", 5)
    assert 50 == value(desk)
    desk.report("up")
    desk.tick(4_999)
    assert [] == desk.performing
    desk.tick(1)
    assert 25 == value(desk)
    desk.turn("guard:", "api", "pass")
    desk.report("up")
    assert [] == desk.holds
    desk.tick(10_000)
    desk.turn("ramp:", "calm")
    assert 50 == value(desk)


def test_a_guard_that_stays_breached_sends_it_to_the_floor_and_then_holds() -> None:
    """Not even a hold stops it on its way down."""
    desk = rise(climbing(guards=(GUARD,), max_step_backs=2), 3)
    desk.turn("guard:", "api", "fail", 5)
    seen = []
    while desk.wanted(Perform):
        seen.append((value(desk), tuple(desk.holds)))
        desk.report("up")
        desk.tick(5_000)
    assert [(50, ()), (25, ("ramp-exhausted",)), (10, ("ramp-exhausted",))] == seen


def test_at_the_floor_a_breach_holds() -> None:
    """A guard that is breached before the ramp began to rise leaves nothing to step back from."""
    desk = climbing(guards=(GUARD,))
    desk.turn("guard:", "api", "fail", 5)
    assert (["ramp-exhausted"], []) == (desk.holds, desk.performing)


def test_a_breach_overtakes_a_move_up_that_is_under_way() -> None:
    """It is told to stop at once; the move down follows when it has ended, and says what is in force."""
    desk = rise(climbing(guards=(GUARD,)))
    desk.turn("ramp:", "calm")
    up = desk.dispatch("up").number
    desk.turn("guard:", "api", "fail")
    assert ([up], []) == (desk.stopping, desk.performing)
    desk.say_report(up, "succeeded")
    assert (25, 50) == (value(desk), desk.run.ledger["admission.throttle@fake"].value["percent"])
    desk.report("up")
    assert 25 == desk.run.ledger["admission.throttle@fake"].value["percent"]


@pytest.mark.parametrize("outcome", ["failed", "unknown"])
def test_however_an_overtaken_move_ended_the_move_down_follows(outcome: str) -> None:
    """What nobody knows is in the ledger unsurely until the lower value is asserted."""
    desk = rise(climbing(guards=(GUARD,)))
    desk.turn("ramp:", "calm")
    desk.turn("guard:", "api", "fail")
    desk.report("up", outcome, error="killed")
    assert 25 == value(desk)
    assert (outcome == "failed") == desk.run.ledger["admission.throttle@fake"].sure
    desk.report("up")
    assert desk.run.ledger["admission.throttle@fake"].sure


@pytest.mark.parametrize("verb", ["pause", "none"])
def test_stepping_back_waits_for_nobody(verb: str) -> None:
    """Pause and holds stop forward motion only."""
    desk = rise(climbing(guards=(GUARD,)), 2)
    if verb == "pause":
        desk.ask("dee", "pause")
    desk.turn("ramp:", "calm", "fail")
    assert 25 == value(desk)


# ---- moves that go wrong


def test_a_move_up_that_failed_is_tried_again_and_then_left_at_the_value_below() -> None:
    """It certainly did not happen, so the value below stands, and nothing is dispatched for it."""
    desk = rise(climbing(step={"retry": Retry(max_attempts=2, backoff_ms=0)}))
    desk.turn("ramp:", "calm")
    key = desk.perform("up").key
    desk.report("up", "failed", error="no")
    desk.tick(1)
    assert (50, key) == (value(desk), desk.perform("up").key)
    desk.report("up", "failed", error="no")
    assert (["step-failed"], 1, [], True) == (
        desk.holds,
        state_of(desk).position,
        desk.performing,
        state_of(desk).settled,
    )
    desk.ask("ana", "retry", "up")
    desk.turn("ramp:", "calm")
    assert 50 == value(desk)


def test_a_move_says_itself_when_to_try_again_or_to_stop() -> None:
    """As for any step."""
    desk = climbing(step={"retry": Retry(max_attempts=3)})
    desk.turn("ramp:", "calm")
    desk.report("up", "failed", error="busy", retry_after_ms=7_000)
    assert 7_000 == desk.wanted(Wake)[0].t
    desk.tick(7_000)
    desk.report("up", "failed", error="forbidden", retry=False)
    assert ["step-failed"] == desk.holds


def test_a_move_up_that_was_lost_goes_back_to_the_value_below_at_once() -> None:
    """Perhaps more is let through than was verified: the last verified value is asserted, and the fall counts."""
    desk = rise(climbing())
    desk.turn("ramp:", "calm")
    desk.report("up", "unknown", error="connection lost")
    assert (25, 1, []) == (value(desk), state_of(desk).step_backs, desk.holds)
    assert "50 may be in force" in state_of(desk).why
    assert not desk.run.ledger["admission.throttle@fake"].sure
    desk.report("up")
    assert desk.run.ledger["admission.throttle@fake"].sure
    desk.tick(10_000)
    desk.turn("ramp:", "calm")
    assert 50 == value(desk)


def test_a_takeover_in_the_middle_of_a_move_up_goes_back_too() -> None:
    """What the dead driver had in hand is lost; nothing is taken for granted above the last verified value."""
    desk = rise(climbing(max_step_backs=1))
    desk.turn("ramp:", "calm")
    desk.take_over()
    assert (25, ["ramp-exhausted"]) == (value(desk), desk.holds)


def test_a_move_down_is_tried_again_and_again() -> None:
    """Ten times, with backoff, whatever the runbook says about retries; then a person is asked."""
    desk = rise(climbing())
    desk.ask("dee", "ramp", value="floor")
    for number in range(10):
        desk.report("up", "failed" if number % 2 else "unknown", error="no", retry=False)
        desk.tick(60_000)
    assert (["step-failed"], []) == (desk.holds, desk.performing)
    desk.ask("ana", "retry", "up")
    assert 10 == value(desk)


def test_what_is_destructive_is_not_done_on_a_guess_not_even_less_of_it() -> None:
    """A lost move of a destructive ramp has to be settled before it moves again, up or down."""
    how = ramp(5, 20, key="share", floor=0, checks=("calm",))
    flush = use("sessions.flush", effect="destructive")
    desk = Desk(plan(stage("one", act("up", flush, ramp=how, settle=settle_when(equal(1)))), guards=(GUARD,)))
    desk.turn("guard:", "api")
    desk.turn("ramp:", "calm")
    desk.report("up", "unknown", error="lost")
    desk.turn("guard:", "api", "fail")
    assert ([], "unknown") == (desk.performing, desk.word("up"))
    with pytest.raises(NotNow, match="no ramp is under way"):
        desk.ask("dee", "ramp", value="floor")
    desk.read("settle:up", 1)
    assert {"share": 0} == desk.perform("up").args


def test_a_destructive_move_that_did_not_happen_is_made_again() -> None:
    """Once it is known, it is an attempt like any other."""
    how = ramp(5, 20, key="share", floor=0, checks=("calm",))
    desk = desk_of(act("up", use("sessions.flush", effect="destructive"), ramp=how))
    desk.turn("ramp:", "calm")
    desk.report("up", "unknown", error="lost")
    assert ["step-unknown"] == desk.holds
    desk.ask("ana", "mark", "up", value="not-done")
    assert {"share": 5} == desk.perform("up").args


def test_an_overtaken_destructive_move_is_settled_before_the_move_down() -> None:
    """Also there nothing destructive is done while nobody knows."""
    how = ramp(5, 20, key="share", floor=0, checks=("calm",))
    flush = use("sessions.flush", effect="destructive")
    desk = Desk(plan(stage("one", act("up", flush, ramp=how)), guards=(GUARD,)))
    desk.turn("guard:", "api")
    desk.turn("ramp:", "calm")
    desk.turn("guard:", "api", "fail")
    desk.report("up", "unknown", error="killed")
    assert ([], ["step-unknown"]) == (desk.performing, desk.holds)
    desk.ask("ana", "mark", "up", value="done")
    assert {"share": 0} == desk.perform("up").args


# ---- people at the ramp


def test_anybody_may_send_it_down_and_it_stays_at_the_floor() -> None:
    """Less exposure needs nobody's leave, in any state of the run; the floor is a lasting state."""
    desk = rise(climbing(), 2)
    desk.ask("dee", "pause")
    desk.ask("os:stranger", "ramp", value="floor")
    assert (10, True) == (value(desk), state_of(desk).stay)
    desk.report("up")
    desk.ask("dee", "resume")
    desk.tick(60_000)
    desk.turn("ramp:", "calm")
    assert [] == desk.performing
    with pytest.raises(NotNow, match="at its floor already"):
        desk.ask("dee", "ramp", value="down")
    with pytest.raises(NotPermitted, match="may not raise a ramp"):
        desk.ask("os:stranger", "ramp", value="up")
    desk.ask("dee", "ramp", value="up")
    assert 25 == value(desk)


def test_stay_is_a_lasting_state() -> None:
    """It stays where it is, also at the last value, until somebody says up; it may still fall."""
    desk = rise(climbing(), 3)
    desk.ask("os:stranger", "ramp", value="stay")
    desk.turn("ramp:", "calm")
    assert "running" == desk.word("up")
    desk.turn("ramp:", "calm", "fail")
    assert 50 == value(desk)
    desk.report("up")
    desk.tick(10_000)
    desk.turn("ramp:", "calm")
    assert [] == desk.performing
    desk.ask("dee", "ramp", "up", value="up")
    assert 100 == value(desk)


def test_down_is_one_value_and_it_may_rise_again() -> None:
    """A person's step down is not counted among those that the ramp takes by itself."""
    desk = rise(climbing(), 2)
    desk.ask("dee", "ramp", value="down")
    assert (25, 0) == (value(desk), state_of(desk).step_backs)
    desk.report("up")
    desk.tick(10_000)
    desk.turn("ramp:", "calm")
    assert 50 == value(desk)


def test_a_person_overtakes_a_move_up() -> None:
    """The move under way is told to stop first."""
    desk = climbing()
    desk.turn("ramp:", "calm")
    desk.ask("dee", "ramp", value="floor")
    assert [1] == desk.stopping


def test_steering_says_why_it_cannot() -> None:
    """No ramp, or no such way."""
    with pytest.raises(NotNow, match="no ramp is under way"):
        desk_of(act("a")).ask("dee", "ramp", value="floor")
    with pytest.raises(NotNow, match="'sideways' is not a way"):
        climbing().ask("dee", "ramp", value="sideways")


def test_an_unnamed_ramp_means_every_ramp_under_way() -> None:
    """In a hurry nobody should have to name two ramps to bring both down."""
    both = [act(name, use(name), ramp=ramp(50, floor=10), group=1) for name in ("x", "y")]
    desk = desk_of(*both)
    assert ["x", "y"] == desk.performing
    desk.report("x")
    desk.report("y")
    desk.ask("dee", "ramp", value="floor")
    assert [{"percent": 10}, {"percent": 10}] == [item.args for item in desk.wanted(Perform)]


@pytest.mark.parametrize("falling", [False, True])
def test_skip_ends_a_ramp_where_it_is_but_not_on_its_way_down(falling: bool) -> None:
    """With a reason it ends at the value it is at, once that is in force."""
    desk = rise(climbing(max_step_backs=1, step={"retry": Retry(backoff_ms=5_000)}), 2)
    desk.turn("ramp:", "calm", "fail")
    if falling:
        desk.report("up", "failed", error="no")
        with pytest.raises(NotNow, match="on its way down"):
            desk.ask("ana", "skip", "up", reason="enough")
        return
    desk.report("up")
    desk.ask("ana", "skip", "up", reason="enough")
    assert ("skipped", [], "waiting") == (desk.word("up"), desk.holds, desk.run.state)


def test_mark_done_ends_a_ramp_that_failed() -> None:
    """Somebody did the rest by hand."""
    desk = climbing()
    desk.turn("ramp:", "calm")
    desk.report("up", "failed", error="no")
    desk.ask("ana", "mark", "up", value="done")
    assert "succeeded" == desk.word("up")


# ---- abort


def test_an_abort_takes_a_move_up_back_before_the_run_ends() -> None:
    """It is stopped, the value below is asserted, and then the run ends with a value that was verified."""
    desk = rise(climbing())
    desk.turn("ramp:", "calm")
    desk.ask("dee", "abort")
    assert [desk.dispatch("up").number] == desk.stopping
    desk.report("up", "unknown", error="killed")
    assert (25, "running") == (value(desk), desk.run.state)
    desk.report("up")
    assert ("aborted", 25) == (desk.run.state, desk.run.ledger["admission.throttle@fake"].value["percent"])


def test_an_abort_lets_a_move_down_end_and_tries_a_failed_one_once_more() -> None:
    """What protects is not killed; nor is an abort kept waiting for long."""
    desk = rise(climbing())
    desk.ask("dee", "ramp", value="floor")
    desk.ask("dee", "abort")
    assert ([], ["up"]) == (desk.stopping, desk.performing)
    desk.report("up", "failed", error="no")
    assert ["up"] == desk.performing
    desk.report("up", "failed", error="no")
    assert "aborted" == desk.run.state


def test_an_abort_leaves_a_ramp_that_stands_where_it_is() -> None:
    """Nothing is under way, so it ends at once, and what is in force is reported."""
    desk = rise(climbing())
    desk.ask("dee", "abort")
    assert ("aborted", ("admission.throttle@fake",)) == (desk.run.state, desk.run.left)


# ---- effects of ramps


def test_the_value_before_a_ramp_is_read_and_undo_brings_it_back() -> None:
    """Whatever value it has reached, its undo goes to what was in force before its first move."""
    up = act("up", replace(RATE, reads_value=True), ramp=ramp(25, 50, floor=10, checks=("calm",)), undo=undo_previous())
    desk = desk_of(up, kind("m", "manual"))
    assert ["before:up:0:0"] == [item.id for item in desk.wanted(ReadProbe)]
    desk.read("before:up", {"percent": 80, "max_rate": 5})
    rise(desk, 2)
    undo = desk.run.ledger["admission.throttle@fake"].undo
    assert undo is not None
    assert {"percent": 80, "max_rate": 5} == undo.args


def test_a_ramp_without_an_undo_goes_back_to_its_floor() -> None:
    """The floor is the first to step back to, so it is also what undoing means."""
    desk = rise(climbing(), 2)
    desk.ask("dee", "undo", "up")
    assert {"percent": 10, "max_rate": 150} == desk.perform("up").args
    desk.report("up")
    assert (["undone"], {}) == (desk.holds, desk.run.ledger)
    desk.ask("dee", "resume")
    assert 0 == state_of(desk).position


def test_a_ramp_does_not_move_while_it_is_undone() -> None:
    """The move under way is told to stop, and then only the undo moves it."""
    desk = rise(climbing(guards=(GUARD,)))
    desk.turn("ramp:", "calm")
    desk.ask("dee", "undo", "up")
    assert [desk.dispatch("up").number] == desk.stopping
    desk.turn("guard:", "api", "fail")
    desk.report("up", "failed", error="stopped")
    assert ["undo"] == [item.purpose for item in desk.wanted(Perform)]
    desk.report("up")
    assert "undone" == desk.word("up")


def test_going_back_waits_for_a_move_down_that_is_under_way() -> None:
    """The stage's steps are forgotten only when nothing of them is under way any more."""
    undone = act("x", undo=undo_with(use("put.x")))
    desk = desk_of(undone, act("up", RATE, ramp=ramp(50, floor=10, checks=("calm",))))
    desk.report("x")
    desk.turn("ramp:", "calm")
    desk.take_over()
    desk.report("up", "failed", error="no")
    desk.ask("ana", "undo", value="one")
    desk.report("up", "failed", error="no", retry=False)
    desk.tick(5_000)
    assert ["x", "up"] == desk.performing, "what could not be undone goes on its way down"
    desk.report("x")
    assert (["up"], []) == (desk.performing, desk.holds)
    desk.report("up")
    assert ([], ["undo-failed"]) == (desk.performing, desk.holds)
