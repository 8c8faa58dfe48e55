"""How stages are entered and verified, and how guards, pauses and holds stop forward motion only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relight.errors import NotNow, NotPermitted
from relight.kernel import facts as f
from relight.kernel.intents import ReadProbe, Wake, Watch
from relight.kernel.plan import Guard, Retry, Verify
from relight.testing.desk import Desk, desk_of
from relight.testing.plans import act, check, gate, kind, path, plan, ramp, stage, throttle

HOLDING = Guard(check="api", breach_after_ms=15_000, on_breach="hold")
STEPPING = Guard(check="api", breach_after_ms=15_000, on_breach="step_back")
SHIELD = act("shield", throttle(percent=10), protective=True)


# ---- preconditions


def test_a_stage_is_entered_only_when_its_preconditions_pass() -> None:
    """No answer, and neither one nor the other, are no pass; the readings are recorded."""
    desk = desk_of(act("a"), pre=("calm", "quiet"))
    desk.turn("pre:", "calm", "pass", 1)
    desk.turn("pre:", "quiet", "neutral")
    assert ([], []) == (desk.performing, desk.holds)
    desk.turn("pre:", "quiet", "pass", 2)
    assert ["a"] == desk.performing
    entered = next(fact for fact in desk.facts if isinstance(fact, f.StageEntered))
    assert {"calm", "quiet"} == set(entered.readings)


@pytest.mark.parametrize(("verdict", "code"), [("fail", "precondition-failed"), ("inconclusive", "precondition-blind")])
def test_a_precondition_that_does_not_hold_holds_the_run(verdict: str, code: str) -> None:
    """Nothing of the stage has started; retry reads everything anew, in empty windows."""
    desk = desk_of(act("a"), pre=("calm",))
    before = desk.watch("pre:", "calm").id
    desk.turn("pre:", "calm", verdict)
    assert ([code], []) == (desk.holds, desk.performing)
    desk.ask("ana", "retry")
    assert before != desk.watch("pre:", "calm").id
    desk.turn("pre:", "calm")
    assert ["a"] == desk.performing


def test_a_precondition_may_wait_for_data() -> None:
    """``on_inconclusive: wait`` waits instead of holding; it is no pass either."""
    desk = desk_of(act("a"), pre=("calm",), checks=(check("calm", on_inconclusive="wait"),))
    desk.turn("pre:", "calm", "inconclusive")
    assert ([], []) == (desk.holds, desk.performing)


def test_probes_of_a_condition_are_read_first() -> None:
    """A stage that does not apply has none of its gate's probes read."""
    made = plan(
        stage("one", act("a"), when=path("probes.applies"), gate=gate(title=path("probes.auth"))),
        probes=("applies", "auth"),
    )
    desk = Desk(made)
    assert ["probe:applies:one:0:0:0"] == [item.id for item in desk.wanted(ReadProbe)]
    desk.read("probe:applies", True)
    assert ["probe:auth:one:0:0:0"] == [item.id for item in desk.wanted(ReadProbe)]
    desk.read("probe:auth", 41)
    assert "waiting" == desk.run.state


def test_a_stages_blind_probe_holds() -> None:
    """A gate that cannot be put in words is not asked."""
    desk = desk_of(act("a"), gate=gate(title=path("probes.auth")), probes=("auth",))
    for _ in range(4):
        desk.read("probe:auth", error="refused")
    assert ["probe-blind"] == desk.holds


# ---- verify


def test_a_stage_is_done_only_when_every_verify_passes() -> None:
    """They have to pass together; each watch has its window, ratio and beginning."""
    item = Verify(check="calm", for_ms=30_000, within_ms=60_000, ratio=0.9)
    desk = desk_of(act("a"), verify=(item, "served"), checks=(check("calm", settle_ms=15_000),))
    desk.tick(1_000)
    desk.report("a")
    watch = desk.watch("verify:", "calm")
    assert (30_000, 0.9, 16_000) == (watch.for_ms, watch.ratio, watch.not_before_t)
    desk.turn("verify:", "calm")
    desk.turn("verify:", "calm", "fail")
    desk.turn("verify:", "served")
    assert "running" == desk.run.state
    desk.turn("verify:", "calm")
    assert "succeeded" == desk.run.state


def test_a_check_that_does_not_pass_in_time_holds() -> None:
    """``within`` is the stage's time to mend; what was last seen is said."""
    desk = desk_of(act("a"), verify=(Verify(check="calm", within_ms=60_000),))
    desk.report("a")
    desk.turn("verify:", "calm", "fail", 30)
    desk.tick(60_000)
    assert (["verify-failed"], "calm did not pass in time: last 30, fail") == (desk.holds, desk.run.holds[0].text)


def test_a_check_without_an_answer_says_so() -> None:
    """Silence is no pass either."""
    desk = desk_of(act("a"), verify=(Verify(check="calm", within_ms=60_000),))
    desk.report("a")
    desk.tick(60_000)
    assert "calm did not pass in time: no answer" == desk.run.holds[0].text


def test_retry_verifies_for_as_long_again() -> None:
    """Empty windows, the whole time."""
    desk = desk_of(act("a"), verify=(Verify(check="calm", within_ms=60_000),))
    desk.report("a")
    desk.tick(60_000)
    desk.ask("dee", "retry")
    desk.tick(59_999)
    assert [] == desk.holds
    desk.tick(1)
    assert ["verify-failed"] == desk.holds


def test_a_blind_check_holds_unless_it_may_wait() -> None:
    """Inconclusive is never a pass: by default a person is asked, else it waits for ``within``."""
    desk = desk_of(act("a"), verify=("calm",))
    desk.report("a")
    desk.turn("verify:", "calm", "inconclusive")
    assert ["check-blind"] == desk.holds
    desk = desk_of(
        act("a"), verify=(Verify(check="calm", within_ms=9_000),), checks=(check("calm", on_inconclusive="wait"),)
    )
    desk.report("a")
    desk.turn("verify:", "calm", "inconclusive")
    assert [] == desk.holds
    desk.tick(9_000)
    assert ["verify-failed"] == desk.holds


@pytest.mark.parametrize("subject", ["", "calm", "one"])
def test_a_persons_word_may_stand_for_a_check(subject: str) -> None:
    """With the gate's role and a reason, recorded as waived."""
    desk = desk_of(act("a"), verify=("calm",), gate=gate())
    desk.ask("bo", "approve")
    desk.report("a")
    desk.turn("verify:", "calm", "inconclusive")
    with pytest.raises(NotPermitted):
        desk.ask("dee", "skip", subject, reason="saw it")
    desk.ask("bo", "skip", subject, reason="saw it")
    verified = next(fact for fact in desk.facts if isinstance(fact, f.StageVerified))
    assert ({"waived": {"calm": "saw it"}}, "bo", "succeeded") == (verified.readings, verified.person, desk.run.state)


def test_a_run_that_is_done_has_nothing_to_skip() -> None:
    """A paused run whose last stage was skipped ends when it goes on, and not before."""
    desk = Desk(plan(stage("one", act("a"), gate=gate(), optional=True)))
    desk.ask("dee", "pause")
    desk.ask("ana", "skip", "one", reason="because")
    assert ("paused", []) == (desk.run.state, desk.ids)
    with pytest.raises(NotNow, match="nothing is left to skip"):
        desk.ask("ana", "skip", "one", reason="because")
    desk.ask("ana", "resume")
    assert "succeeded" == desk.run.state


def test_a_takeover_restarts_the_time_to_verify() -> None:
    """While nobody drove, nobody sampled: the new driver's windows are empty and its time is whole."""
    desk = desk_of(act("a"), verify=(Verify(check="calm", within_ms=60_000),))
    desk.report("a")
    desk.t = 59_000
    desk.take_over()
    desk.tick(59_999)
    assert [] == desk.holds


def test_only_watches_that_are_wanted_are_heard() -> None:
    """A turn of yesterday's watch, or of none, gives no facts."""
    desk = desk_of(act("a"), verify=("calm",))
    desk.report("a")
    old = desk.watch("verify:", "calm")
    desk.turn("verify:", "calm", "inconclusive")
    desk.ask("ana", "retry")
    from relight.kernel.inputs import Turned

    assert [] == desk.say(Turned(**desk.now, use=old.id, check="calm", verdict="pass"))


# ---- guards


def test_a_guard_is_watched_all_the_time() -> None:
    """From the first moment to the last, whatever the stage does, also while the run is aborted."""
    desk = Desk(plan(stage("one", act("a")), guards=(HOLDING,)))
    assert [Watch(id="guard:api", check="api", fail_for_ms=15_000)] == desk.wanted(Watch)
    desk.ask("dee", "abort")
    assert ["guard:api"] == [item.id for item in desk.wanted(Watch)]
    desk.turn("guard:", "api", "fail")
    assert ([], {"api"}) == (desk.holds, set(desk.run.breached))


def test_a_breached_guard_stops_forward_motion_and_clears_by_itself() -> None:
    """With ``step_back`` and no ramp under way nothing else happens, and nobody is needed when it passes again."""
    desk = Desk(plan(stage("one", act("a"), act("b")), guards=(STEPPING,)))
    desk.turn("guard:", "api", "fail", 5)
    desk.report("a")
    assert ([], []) == (desk.performing, desk.holds)
    desk.turn("guard:", "api", "neutral")
    assert [] == desk.performing
    desk.turn("guard:", "api", "pass")
    assert ["b"] == desk.performing


def test_a_guard_that_holds_wants_a_person() -> None:
    """``on_breach: hold`` asks somebody; resuming goes on as soon as the guard passes, not before."""
    desk = Desk(plan(stage("one", act("a"), act("b")), guards=(HOLDING,)))
    desk.turn("guard:", "api", "fail", 5)
    desk.report("a")
    assert (["guard-breached"], "api is 5") == (desk.holds, desk.run.holds[0].text)
    desk.ask("ana", "resume")
    assert ([], []) == (desk.holds, desk.performing)
    desk.turn("guard:", "api", "pass")
    assert ["b"] == desk.performing


def test_a_breach_outlives_a_takeover_until_the_guard_passes() -> None:
    """A new driver has no verdicts yet, and no verdict is no pass."""
    desk = Desk(plan(stage("one", act("a"), act("b")), guards=(STEPPING,)))
    desk.turn("guard:", "api", "fail")
    desk.report("a")
    desk.take_over()
    assert ({"api"}, []) == (set(desk.run.breached), desk.performing)
    desk.turn("guard:", "api")
    assert ["b"] == desk.performing


# ---- safety is never in the way of safety


@pytest.mark.parametrize("still", ["pause", "guard", "holding guard"])
def test_a_protective_step_starts_although_the_run_stands_still(still: str) -> None:
    """Pause, guards and their holds stop forward motion only: the shield goes up, and the next step waits."""
    guard = HOLDING if still == "holding guard" else STEPPING
    made = plan(stage("one", act("a")), stage("two", SHIELD, act("b")), guards=(guard,))
    desk = Desk(made)
    if still == "pause":
        desk.ask("dee", "pause")
    else:
        desk.turn("guard:", "api", "fail")
    desk.report("a")
    assert ["shield"] == desk.performing
    desk.report("shield")
    assert [] == desk.performing


def test_a_protective_step_in_the_middle_of_a_stage_starts_too() -> None:
    """It waits for its turn and for nothing else; its retries are not blocked either."""
    desk = desk_of(act("a"), replace(SHIELD, retry=Retry(max_attempts=2, backoff_ms=0)), act("b"))
    desk.ask("dee", "pause")
    desk.report("a")
    desk.report("shield", "failed", error="no")
    desk.tick(1)
    assert ["shield"] == desk.performing


@pytest.mark.parametrize("why", ["gate", "precondition", "undone"])
def test_a_protective_step_never_goes_around_its_stage(why: str) -> None:
    """A gate, a precondition that does not pass, and somebody who undid something still have to be asked."""
    one = stage("one", SHIELD, act("a"))
    two = stage("two", SHIELD, gate=gate() if why == "gate" else None, pre=("calm",) if why == "precondition" else ())
    two = replace(two, steps=(replace(SHIELD, id="second"),))
    desk = Desk(plan(one, two, stage("three", kind("m", "manual"))))
    desk.report("shield")
    desk.ask("dee", "pause")
    desk.report("a")
    if why == "undone":
        desk.report("second")
        desk.ask("ana", "undo", value="two")
        assert ["undone"] == desk.holds
    assert [] == desk.performing


def test_a_ramp_is_no_protective_step_even_if_it_says_so() -> None:
    """What rises waits for everything."""
    desk = desk_of(act("a"), act("up", throttle(), protective=True, ramp=ramp(50, floor=10)))
    desk.ask("dee", "pause")
    desk.report("a")
    assert ([], "pending") == (desk.performing, desk.word("up"))


# ---- pause and resume


def test_pause_lets_what_is_under_way_end_and_starts_nothing_more() -> None:
    """Anybody may pause; the site's people, or the starter, resume."""
    desk = desk_of(act("a"), act("b"))
    desk.ask("os:stranger", "pause", reason="looks odd")
    assert (["a"], "paused") == (desk.performing, desk.run.state)
    desk.report("a")
    assert [] == desk.performing
    with pytest.raises(NotNow, match="paused already, by os:stranger"):
        desk.ask("ana", "pause")
    with pytest.raises(NotPermitted, match="may not resume"):
        desk.ask("os:stranger", "resume")
    desk.ask("dee", "resume")
    assert ["b"] == desk.performing


def test_resume_says_why_it_cannot() -> None:
    """A run that is not paused says what it is, or what it holds for."""
    desk = desk_of(act("a"))
    with pytest.raises(NotNow, match="it is running"):
        desk.ask("ana", "resume")
    desk.report("a", "failed", error="no")
    with pytest.raises(NotNow, match="it holds: no"):
        desk.ask("ana", "resume")


def test_a_pause_does_not_stop_a_stage_from_being_watched() -> None:
    """Sampling goes on; the verdict counts when the run goes on."""
    desk = desk_of(act("a"), verify=("calm",))
    desk.ask("dee", "pause")
    desk.report("a")
    desk.turn("verify:", "calm")
    assert "paused" == desk.run.state
    desk.ask("dee", "resume")
    assert "succeeded" == desk.run.state


def test_time_in_which_the_run_stands_still_is_not_counted_against_a_stage() -> None:
    """Paused, under a breached guard: ``within`` goes on when the run does, with what was left of it."""
    desk = desk_of(
        act("a"),
        verify=(Verify(check="served", within_ms=60_000),),
        guards=(Guard(check="api", on_breach="step_back"),),
    )
    desk.report("a")
    desk.tick(40_000)
    desk.turn("guard:", "api", "fail")
    desk.tick(600_000)
    assert [] == desk.holds
    desk.turn("guard:", "api", "pass")
    assert {desk.t + 20_000} == {wake.t for wake in desk.wanted(Wake)}
    desk.ask("dee", "pause")
    desk.tick(600_000)
    desk.ask("ana", "resume")
    desk.tick(19_999)
    assert [] == desk.holds
    desk.tick(1)
    assert ["verify-failed"] == desk.holds
