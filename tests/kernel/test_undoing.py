"""An undo that was given up as lost and is heard of late: it settles what nobody knew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relight.errors import NotNow
from relight.kernel.choices import choices
from relight.kernel.plan import Guard
from relight.kernel.ramping import DOWN_TRIES_MAX
from relight.kernel.state import EffectEntry, Ramping
from relight.testing.desk import Desk, desk_of
from relight.testing.plans import act, kind, plan, ramp, stage, throttle, undo_with, use

TASK = kind("task", "manual")


def entry_of(desk: Desk) -> EffectEntry:
    """Return the throttle that is in force."""
    return desk.run.ledger["admission.throttle@fake"]


def lost_undo(*, percent: int = 50) -> tuple[Desk, int]:
    """Return a desk whose undo of x was given up as lost, and the number of that undo."""
    what = replace(throttle(percent=percent), idempotent=False)
    desk = desk_of(act("x", what, undo=undo_with(use("throttle.reset"))), TASK)
    desk.report("x")
    desk.ask("ana", "undo", "x")
    number = desk.dispatch("x").number
    desk.report("x", "unknown", error="lost")
    assert (["undo-failed"], False) == ([hold.code for hold in desk.run.holds], entry_of(desk).sure)
    return desk, number


def test_a_lost_undo_that_succeeded_after_all_is_done() -> None:
    """The effect is gone, and the run holds as after any undo: a resume does it again."""
    desk, number = lost_undo()
    assert ["HoldLeft", "UndoBegun", "EffectCleared", "UndoEnded", "Held"] == desk.kinds(desk.say_report(number))
    assert ({}, ["undone"], "undone") == (
        desk.run.ledger,
        [hold.code for hold in desk.run.holds],
        desk.run.steps["x"].word,
    )
    desk.ask("ana", "resume")
    assert ["x"] == desk.performing


def test_a_lost_undo_that_failed_after_all_leaves_its_effect_in_force() -> None:
    """It is sure again, and can be tried again."""
    desk, number = lost_undo()
    assert ["EffectInForce"] == desk.kinds(desk.say_report(number, "failed", error="refused"))
    assert entry_of(desk).sure
    desk.ask("ana", "retry")
    assert ["x"] == desk.performing
    assert [] == desk.say_report(number)


@pytest.mark.parametrize("what", ["unknown still", "another driver", "tried again"])
def test_a_late_report_that_says_nothing_new_changes_nothing(what: str) -> None:
    """Nor one of an epoch that is over, nor one of an undo that is being tried again."""
    desk, number = lost_undo()
    if what == "another driver":
        desk.take_over()
    if what == "tried again":
        desk = desk_of(act("x", throttle(percent=50), undo=undo_with(throttle(percent=100))), TASK)
        desk.report("x")
        desk.ask("ana", "undo", "x")
        number = desk.dispatch("x").number
        desk.report("x", "unknown", error="lost")
        assert ["x"] == desk.performing
    assert [] == desk.say_report(number, "unknown" if what == "unknown still" else "succeeded")


def test_a_late_word_after_the_run_went_on_clears_the_effect_alone() -> None:
    """Nobody waits for that undo any more; the ledger is told all the same."""
    desk, number = lost_undo()
    desk.ask("ana", "resume")
    assert ["EffectCleared"] == desk.kinds(desk.say_report(number))
    assert ({}, []) == (desk.run.ledger, [hold.code for hold in desk.run.holds])


def test_an_undo_is_lost_whose_effect_was_marked_away_meanwhile() -> None:
    """There is nothing left to be unsure of."""
    what = replace(throttle(percent=50), effect="destructive")
    desk = desk_of(act("x", what, undo=undo_with(throttle(percent=100))), TASK)
    desk.report("x", "unknown", error="lost")
    desk.ask("ana", "undo", "x")
    desk.ask("ana", "mark", "x", value="not-done")
    desk.report("x", "unknown", error="lost")
    assert {} == desk.run.ledger


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "unknown"])
def test_what_is_being_undone_cannot_be_marked_as_undone_by_hand(outcome: str) -> None:
    """Neither by its own name nor by that of the step that undoes it: the undo under way says what became of it."""
    freeze = act("freeze", use("deploy.freeze", lasting=True), undo=undo_with(use("deploy.unfreeze")))
    desk = desk_of(freeze, kind("unfreeze", "undo", undoes="freeze"), TASK)
    desk.report("freeze")
    desk.report("freeze", "failed", error="no", retry=False)
    desk.ask("ana", "undo", "freeze")
    with pytest.raises(NotNow, match="being undone"):
        desk.ask("ana", "mark", "unfreeze", value="done")
    assert ("mark", "unfreeze done") not in {(choice.verb, choice.words) for choice in choices(desk.run)}
    desk.report("freeze", outcome, error="no", **({"retry": False} if outcome == "failed" else {}))
    assert (outcome == "succeeded") == (desk.run.ledger == {})


def test_what_a_ramp_came_to_hold_for_is_over_when_the_run_goes_back() -> None:
    """It could not be brought down while everything was undone back to a stage before its own."""
    freeze = act("freeze", use("deploy.freeze", lasting=True), undo=undo_with(use("deploy.unfreeze")))
    desk = Desk(plan(stage("one", freeze), stage("two", act("admit", ramp=ramp(50, checks=("errors",))))))
    desk.report("freeze")
    desk.turn("ramp", "errors", "pass")
    desk.report("admit")
    desk.turn("ramp", "errors", "fail")
    for tried in range(DOWN_TRIES_MAX):
        desk.report("admit", "failed", error="no")
        state = desk.run.steps["admit"].state
        assert isinstance(state, Ramping)
        if tried == DOWN_TRIES_MAX - 2:
            desk.ask("ana", "undo", value="one")
        desk.tick(max(state.retry_at_t - desk.t, 0))
    assert "step-failed" in desk.holds
    desk.report("freeze")
    assert ("one", ["undone"]) == (desk.run.stage.id, desk.holds)
    assert "retry" not in {choice.verb for choice in choices(desk.run)}


def test_a_breached_guard_still_holds_when_the_run_goes_back() -> None:
    """It is about no step, and is not over."""
    freeze = act("freeze", use("deploy.freeze", lasting=True), undo=undo_with(use("deploy.unfreeze")))
    desk = Desk(plan(stage("one", freeze, TASK), guards=(Guard(check="calm", on_breach="hold"),)))
    desk.report("freeze")
    desk.turn("guard", "calm", "fail")
    desk.ask("ana", "undo", value="one")
    desk.report("freeze")
    assert ["guard-breached", "undone"] == desk.holds
