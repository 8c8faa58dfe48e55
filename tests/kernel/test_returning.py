"""What a plain step loosens returns by itself when its stage, the step or a guard says that it failed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relight.kernel.intents import Perform, Watch
from relight.kernel.plan import Guard, Step, Verify
from relight.testing.desk import Desk
from relight.testing.plans import act, fan, gate, kind, plan, ramp, stage, throttle, undo_previous, undo_with, use

THROTTLE = "admission.throttle@fake"
API = Guard(check="api", on_breach="step_back", breach_after_ms=1_000)


def reopening(open_up: Step, *more: Step, guards: tuple[Guard, ...] = ()) -> Desk:
    """Return a desk where the service is protected at 10, and the stage that opens it up has its gate open."""
    shield = act("shield", throttle(percent=10), protective=True, undo=undo_previous())
    checked = (Verify(check="calm", within_ms=60_000),)
    reopen = stage("reopen", open_up, *more, gate=gate(), verify=checked)
    desk = Desk(plan(stage("contain", shield), reopen, stage("after", kind("task", "manual")), guards=guards))
    for guard in guards:
        desk.turn("guard:", guard.check)
    desk.report("shield")
    desk.ask("ana", "approve")
    return desk


def opened(percent: int = 60, **fields: Any) -> Step:
    """Return the step that lets more people in."""
    return act("open_up", throttle(percent=percent), **fields)


def percent(desk: Desk) -> Any:
    """Return the share that is let in, as the ledger knows it."""
    return desk.run.ledger[THROTTLE].value["percent"]


@pytest.mark.parametrize("to", [60, 100])
def test_a_stage_that_does_not_verify_returns_what_it_loosened(to: int) -> None:
    """At once, to the value that was verified, though it was loosened to where nothing protects any more."""
    desk = reopening(opened(to))
    desk.report("open_up")
    assert to == percent(desk)
    kinds = desk.kinds(desk.tick(60_000))
    assert ["Held", "HoldLeft", "UndoBegun", "StepDispatched"] == kinds
    assert {"percent": 10} == desk.wanted(Perform)[0].args
    desk.report("open_up")
    assert (10, ["undone"], "held") == (percent(desk), [hold.code for hold in desk.run.holds], desk.run.state)
    assert "calm did not pass in time" in desk.run.holds[0].text
    assert f"{THROTTLE} is back at the value before, which was verified" in desk.run.holds[0].text


def test_resume_does_it_again_and_verifies_anew() -> None:
    """The gate stays open; the stage has its time once more."""
    desk = reopening(opened())
    desk.report("open_up")
    desk.tick(60_000)
    desk.report("open_up")
    desk.ask("ana", "resume")
    assert {"percent": 60} == desk.wanted(Perform)[0].args
    desk.report("open_up")
    desk.tick(30_000)
    desk.turn("verify:", "calm")
    assert ("after", 60) == (desk.run.stage.id, percent(desk))


def test_what_was_lifted_leaves_the_ledger_when_its_stage_is_verified() -> None:
    """Until then it can return; afterwards nothing is in force."""
    desk = reopening(opened(100))
    desk.report("open_up")
    assert [THROTTLE] == list(desk.run.ledger)
    assert ["CheckTurned", "EffectCleared", "StageVerified"] == desk.kinds(desk.turn("verify:", "calm"))[:3]
    assert {} == desk.run.ledger


def test_a_persons_word_that_the_stage_is_done_clears_it_as_well() -> None:
    """Whoever takes over its checks takes over what it lifted."""
    desk = reopening(opened(100, undo=undo_with(use("ask.first"), ask=True)))
    desk.report("open_up")
    desk.tick(60_000)
    desk.ask("ana", "skip", "calm", reason="I see it")
    assert {} == desk.run.ledger


def test_what_was_lifted_is_not_reported_as_left_by_an_abort() -> None:
    """Nothing is in force at the neutral value."""
    desk = reopening(opened(100))
    desk.report("open_up")
    desk.ask("ana", "abort")
    assert ("aborted", ()) == (desk.run.outcome, desk.run.left)


def test_a_guard_that_is_breached_returns_it_even_while_paused() -> None:
    """Moves to less exposure stand still for nobody."""
    desk = reopening(opened(), kind("task_here", "manual"), guards=(API,))
    desk.report("open_up")
    desk.ask("ana", "pause")
    desk.turn("guard:", "api", "fail", 0.2)
    assert ["open_up"] == desk.performing
    desk.report("open_up")
    assert (10, "undone") == (percent(desk), desk.run.holds[0].code)
    assert desk.run.holds[0].text.startswith("guard api is breached; ")


def test_a_guard_that_only_holds_returns_nothing() -> None:
    """The runbook says to hold there instead of stepping back, as for a ramp."""
    desk = reopening(opened(), kind("task_here", "manual"), guards=(replace(API, on_breach="hold"),))
    desk.report("open_up")
    desk.turn("guard:", "api", "fail", 0.2)
    assert (60, [], ["guard-breached"]) == (percent(desk), desk.performing, [hold.code for hold in desk.run.holds])


def test_a_step_of_which_nobody_knows_returns_before_anybody_is_asked() -> None:
    """Perhaps more people are let in: the value that was verified is asserted again."""
    desk = reopening(act("open_up", replace(throttle(percent=60), effect="destructive")))
    desk.report("open_up", "unknown", error="lost")
    assert [({"percent": 10}, "undo")] == [(item.args, item.purpose) for item in desk.wanted(Perform)]
    desk.report("open_up")
    assert (10, ["undone"]) == (percent(desk), [hold.code for hold in desk.run.holds])


def test_a_step_that_certainly_failed_has_nothing_to_return() -> None:
    """What protects is as it was."""
    desk = reopening(opened())
    desk.report("open_up", "failed", error="refused", retry=False)
    assert (10, [], ["step-failed"]) == (percent(desk), desk.performing, [hold.code for hold in desk.run.holds])


def test_another_steps_failure_lets_nobody_out_again() -> None:
    """What was loosened is about to be verified; only a stage, its own step or a guard says that it was wrong."""
    desk = reopening(opened(), act("tell"))
    desk.report("open_up")
    desk.report("tell", "failed", error="refused", retry=False)
    assert (60, [], ["step-failed"]) == (percent(desk), desk.performing, [hold.code for hold in desk.run.holds])


def test_a_return_that_fails_asks_a_person() -> None:
    """It is not begun again by itself, and a retry goes on with it."""
    desk = reopening(opened())
    desk.report("open_up")
    desk.tick(60_000)
    desk.report("open_up", "failed", error="refused", retry=False)
    assert (60, [], ["undo-failed"]) == (percent(desk), desk.performing, [hold.code for hold in desk.run.holds])
    desk.ask("ana", "retry")
    desk.report("open_up")
    assert (10, ["undone"]) == (percent(desk), [hold.code for hold in desk.run.holds])


@pytest.mark.parametrize(
    "step",
    [
        opened(undo=undo_with(use("ask.first"), ask=True)),
        opened(undo=undo_with(use("throttle.reset"))),
        opened(5),
        opened(ramp=ramp(60, floor=10, checks=("calm",))),
    ],
    ids=["its undo asks a person", "nobody knows and its undo cannot be repeated", "it tightens", "it is a ramp"],
)
def test_what_does_not_return_by_itself_holds(step: Step) -> None:
    """A person is asked as ever."""
    desk = reopening(step)
    if step.ramp is not None:
        desk.turn("ramp:", "calm")
        desk.report("open_up")
        desk.turn("ramp:", "calm")
    elif step.undo is not None and not step.undo.ask:
        for _ in range(4):
            desk.report("open_up", "unknown", error="lost")
    else:
        desk.report("open_up")
    desk.tick(60_000)
    code = "step-unknown" if step.undo is not None and not step.undo.ask else "verify-failed"
    assert (True, [code]) == (desk.run.undo is None, [hold.code for hold in desk.run.holds])


def test_a_ramp_without_checks_returns_when_it_is_done() -> None:
    """Nothing verified its values; while it is under way it comes down by itself."""
    desk = reopening(opened(ramp=ramp(60, floor=10)), guards=(API,))
    desk.tick(10_000)
    desk.report("open_up")
    desk.turn("guard:", "api", "fail", 0.2)
    assert [("ramp", {"percent": 10})] == [(item.purpose, item.args) for item in desk.wanted(Perform)]
    desk.report("open_up")
    desk.turn("guard:", "api")
    desk.tick(20_000)
    desk.report("open_up")
    desk.tick(70_000)
    assert [("undo", {"percent": 10})] == [(item.purpose, item.args) for item in desk.wanted(Perform)]


def test_who_marks_the_step_while_it_returns_is_asked_what_becomes_of_it() -> None:
    """It did not happen, so it failed: that is a question of its own, which the end of the return does not answer."""
    desk = reopening(act("open_up", replace(throttle(percent=60), effect="destructive")))
    desk.report("open_up", "unknown", error="lost")
    desk.ask("ana", "mark", "open_up", value="not-done")
    desk.report("open_up")
    assert {"step-failed", "undone"} == {hold.code for hold in desk.run.holds}
    desk.ask("ana", "resume")
    assert ["step-failed"] == [hold.code for hold in desk.run.holds]


def test_a_ramp_whose_record_an_undo_forgot_is_no_ramp_under_way() -> None:
    """Its effect is still in force, for undoing it failed; whoever resumes has the stage begin anew."""
    desk = reopening(act("open_up", throttle(), ramp=ramp(60), undo=undo_previous()))
    desk.report("open_up")
    desk.ask("ana", "undo", value="reopen")
    desk.report("open_up", "failed", error="refused", retry=False)
    desk.ask("ana", "resume")
    assert (["shield"], [THROTTLE], "waiting") == (list(desk.run.steps), list(desk.run.ledger), desk.run.state)


def test_a_step_that_failed_after_it_was_lost_returns_what_may_be_in_force() -> None:
    """Its last attempt did nothing, and nobody knows of the one before: its question is left with its effect."""
    desk = reopening(opened())
    desk.report("open_up", "unknown", error="lost")
    desk.report("open_up", "failed", error="refused", retry=False)
    assert (["step-failed"], ["open_up"]) == ([hold.code for hold in desk.run.holds], desk.performing)
    desk.report("open_up")
    assert (10, ["undone"]) == (percent(desk), [hold.code for hold in desk.run.holds])


# ---- fan-outs


def fanned(percent: int, **fields: Any) -> Step:
    """Return the step that lets more people in, host by host."""
    return opened(percent, targets=fan(3, **fields))


@pytest.mark.parametrize("to", [60, 100])
def test_what_a_fan_out_loosened_returns_on_its_hosts(to: int) -> None:
    """Also where it had lifted all that protects: until its stage is verified it can return."""
    desk = reopening(fanned(to))
    desk.report("open_up")
    assert (to, (0, 1, 2)) == (percent(desk), desk.run.ledger[THROTTLE].targets)
    desk.tick(60_000)
    assert [({"percent": 10}, ("h0", "h1", "h2"))] == [(item.args, item.targets) for item in desk.wanted(Perform)]
    desk.report("open_up")
    assert (10, ["undone"]) == (percent(desk), desk.holds)


def test_a_fan_out_that_failed_in_the_middle_returns_the_hosts_that_it_lifted() -> None:
    """The others were never let go."""
    desk = reopening(fanned(100))
    desk.report("open_up", "failed", targets={"h0": None, "h1": "refused", "h2": None}, retry=False)
    assert ["step-failed"] == desk.holds
    assert [("h0", "h2")] == [item.targets for item in desk.wanted(Perform)]
    desk.report("open_up")
    assert (10, ["undone"]) == (percent(desk), desk.holds)


@pytest.mark.parametrize(("failing", "left"), [({}, []), ({"h1": "refused"}, [THROTTLE])])
def test_what_a_fan_out_lifted_leaves_the_ledger_where_it_is_lifted_everywhere(
    failing: dict[str, str], left: list[str]
) -> None:
    """On a host that failed, as the runbook allows, it still protects."""
    desk = reopening(fanned(100, max_failures=2))
    desk.report("open_up", "failed" if failing else "succeeded", targets={"h0": None, "h1": None, "h2": None} | failing)
    desk.turn("verify:", "calm")
    assert left == list(desk.run.ledger)
    assert "after" == desk.run.stage.id


# ---- stages without a gate


def test_a_stage_without_a_gate_loosens_behind_its_preconditions_and_its_verify() -> None:
    """It has nothing to open: nothing is loosened before they pass, and what was loosened returns where they fail."""
    shield = act("shield", throttle(percent=10), protective=True)
    close = stage("close", opened(100), pre=("well",), verify=(Verify(check="calm", within_ms=60_000),))
    desk = Desk(plan(stage("contain", shield), close))
    desk.report("shield")
    assert (["pre:close:0:0:well"], []) == ([watch.id for watch in desk.wanted(Watch)], desk.performing)
    desk.turn("pre:", "well", "fail")
    assert (["precondition-failed"], 10) == (desk.holds, percent(desk))
    desk.ask("ana", "retry")
    desk.turn("pre:", "well")
    desk.report("open_up")
    desk.tick(60_000)
    desk.report("open_up")
    assert (["undone"], 10) == (desk.holds, percent(desk))


# ---- lifted by an undo step, or by a step of another capability

RESET = use("throttle.reset", surface="consumer")
LIFTINGS = {
    "an undo step, to the neutral value": (throttle(percent=100), kind("lift", "undo", undoes="shield")),
    "an undo step, to the value before": (throttle(percent=80), kind("lift", "undo", undoes="shield")),
    "an undo step, by another call": (RESET, kind("lift", "undo", undoes="shield")),
    "a step that calls what undoes it": (RESET, act("lift", RESET)),
}


def lifted(how: str, *, on_abort: Any = "leave", **fields: Any) -> Desk:
    """Return a desk where a step of the stage at hand has lifted what protects, in one of these ways."""
    undo, lift = LIFTINGS[how]
    shield = act("shield", throttle(percent=10), protective=True, undo=undo_with(undo), **fields)
    reopen = stage("reopen", lift, verify=(Verify(check="calm", within_ms=60_000),))
    desk = Desk(plan(stage("contain", shield), reopen, stage("after", kind("task", "manual")), on_abort=on_abort))
    desk.report("shield")
    desk.report("shield" if lift.kind == "undo" else "lift")
    return desk


@pytest.mark.parametrize("how", LIFTINGS)
def test_what_was_lifted_returns_where_its_stage_is_not_verified(how: str) -> None:
    """Whoever lifted it, and however: what protected is asserted again, and a resume lifts it anew."""
    desk = lifted(how)
    assert ("succeeded", "lift") == (desk.word("lift"), desk.run.ledger[THROTTLE].step)
    desk.tick(60_000)
    assert [("admission.throttle", {"percent": 10})] == [
        (item.use.capability, item.args) for item in desk.wanted(Perform)
    ]
    desk.report("lift")
    assert (["undone"], "shield", 10) == (desk.holds, desk.run.ledger[THROTTLE].step, percent(desk))
    desk.ask("ana", "resume")
    desk.report("shield" if "undo step" in how else "lift")
    desk.turn("verify:", "calm")
    assert ({}, "after") == (desk.run.ledger, desk.run.stage.id)


@pytest.mark.parametrize("how", LIFTINGS)
def test_what_was_lifted_is_no_effect_that_an_abort_leaves(how: str) -> None:
    """Nothing of it is in force; where the runbook undoes on abort, protection is what comes back."""
    desk = lifted(how)
    desk.ask("dee", "abort")
    assert ("aborted", ()) == (desk.run.outcome, desk.run.left)
    desk = lifted(how, on_abort="undo")
    desk.ask("dee", "abort")
    assert [{"percent": 10}] == [item.args for item in desk.wanted(Perform)]
    desk.report("lift")
    assert ("aborted", (THROTTLE,), 10) == (desk.run.outcome, desk.run.left, percent(desk))


def test_what_protects_host_by_host_and_is_lifted_by_an_undo_step_is_simply_gone() -> None:
    """Of its hosts nothing is left that could be asserted again: a stage that is not verified holds."""
    desk = lifted("an undo step, to the neutral value", targets=fan(2))
    assert {} == desk.run.ledger
    desk.tick(60_000)
    assert (["verify-failed"], []) == (desk.holds, desk.performing)


def test_a_step_that_protects_lifts_nothing() -> None:
    """It takes over what the other did, and nothing has to return."""
    shield = act("shield", throttle(percent=10), protective=True, undo=undo_with(RESET))
    desk = Desk(plan(stage("contain", shield), stage("reopen", act("other", RESET, protective=True), verify=("calm",))))
    desk.report("shield")
    desk.report("other")
    assert "shield" == desk.run.ledger[THROTTLE].step
