"""How an aborted run ends: ``aborted``, or ``failed`` where its runbook undoes on abort and could not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relight.kernel import facts as f
from relight.kernel.plan import Step
from relight.kernel.undoing import UNDO_TRIES_MAX
from relight.testing.desk import Desk
from relight.testing.plans import act, kind, lasting, plan, stage, throttle, undo_previous, undo_with, use

THROTTLE, FREEZE, SCALE = "admission.throttle@fake", "deploy.freeze@fake", "edge.scale@fake"
SHIELD = act("shield", throttle(percent=10), protective=True, undo=undo_previous())
FROZEN = act("freeze", lasting("deploy.freeze"), undo=undo_with(use("deploy.unfreeze")))
SCALED = act("scale", lasting("edge.scale", add=2), undo=undo_with(use("edge.unscale")))
AGAIN = undo_with(replace(use("put.back"), idempotent=True))


def aborted(*steps: Step, lost: str = "") -> Desk:
    """Return a desk that was told to abort and undo once these steps had succeeded, or (*lost*) nobody knew of one."""
    desk = Desk(plan(stage("one", *steps, kind("task", "manual")), on_abort="undo"))
    for step in steps:
        desk.report(step.id, "unknown" if step.id == lost else "succeeded", error="lost" if step.id == lost else "")
    desk.ask("dee", "abort")
    return desk


def refuse(desk: Desk, step: str) -> None:
    """Have what is under way of that step fail for good."""
    desk.report(step, "failed", error="refused", retry=False)


def test_an_abort_that_could_not_undo_ends_as_failed() -> None:
    """The rest is undone all the same, and what is still in force is reported with what went wrong."""
    desk = aborted(SHIELD, FROZEN, SCALED)
    refuse(desk, "scale")
    desk.report("freeze")
    ended = desk.facts[-1]
    assert isinstance(ended, f.RunEnded)
    assert ("failed", (THROTTLE, SCALE)) == (ended.outcome, ended.left)
    assert f"dee aborted it, and this could not be undone: {SCALE}: refused" == ended.why
    assert "failed" == desk.run.state


def test_an_undo_of_which_nobody_knows_is_none() -> None:
    """It is not tried again on a guess, and the run says that nobody knows."""
    desk = aborted(SCALED)
    desk.report("scale", "unknown", error="the connection broke")
    assert ("failed", (SCALE,)) == (desk.run.outcome, desk.run.left)
    assert desk.run.why.endswith(f"{SCALE}: its undo may or may not have happened")


def test_an_undo_that_may_be_repeated_is_lost_only_so_often() -> None:
    """Then it is given up, and the run has failed."""
    desk = aborted(act("x", undo=AGAIN))
    for _ in range(UNDO_TRIES_MAX):
        assert desk.run.outcome is None
        desk.report("x", "unknown", error="lost")
    assert "failed" == desk.run.outcome


@pytest.mark.parametrize(("step", "outcome"), [(FROZEN, "failed"), (act("freeze", undo=AGAIN), "aborted")])
def test_what_may_be_in_force_is_undone_only_where_that_harms_nothing(step: Step, outcome: str) -> None:
    """An effect of which nobody knows stays where its undo is no safe thing to do on a guess."""
    desk = aborted(replace(step, use=replace(step.use or use("x"), effect="destructive")), lost="freeze")
    while desk.performing:
        desk.report("freeze")
    assert outcome == desk.run.outcome


def test_an_undo_that_cannot_be_told_is_none() -> None:
    """The runbook says ``previous``, and the value before was never read."""
    desk = aborted(act("scale", lasting("edge.scale", add=2), undo=undo_previous()))
    assert ("failed", (SCALE,)) == (desk.run.outcome, desk.run.left)
    assert desk.run.why.endswith(f"{SCALE}: what its undo needs was never read")


@pytest.mark.parametrize("how", ["ask first", "has no undo", "is another's"])
def test_what_was_not_to_be_undone_is_no_failure(how: str) -> None:
    """Its author said so: it is left, and reported; so is what protects and cannot be brought back."""
    kept = {
        "ask first": act("keep", lasting("edge.scale", add=2), undo=undo_with(use("x"), ask=True)),
        "has no undo": act("keep", lasting("edge.scale", add=2)),
        "is another's": act("keep", throttle(percent=5), protective=True),
    }[how]
    desk = aborted(SHIELD, kept, FROZEN)
    desk.report("freeze")
    assert "aborted" == desk.run.outcome
    assert (False, True) == (FREEZE in desk.run.left, THROTTLE in desk.run.left)


def test_an_abort_that_leaves_everything_never_fails() -> None:
    """``on_abort: leave`` promises nothing that could go wrong."""
    desk = Desk(plan(stage("one", FROZEN, kind("task", "manual"))))
    desk.report("freeze")
    desk.ask("ana", "undo", "freeze")
    refuse(desk, "freeze")
    desk.ask("dee", "abort")
    assert ("aborted", (FREEZE,)) == (desk.run.outcome, desk.run.left)


def test_what_a_person_could_not_undo_is_tried_once_more_by_an_abort() -> None:
    """Whoever aborts gives up what they were asked, and the undo has the last word."""
    desk = Desk(plan(stage("one", FROZEN, kind("task", "manual")), on_abort="undo"))
    desk.report("freeze")
    desk.ask("ana", "undo", "freeze")
    refuse(desk, "freeze")
    assert ["undo-failed"] == desk.holds
    desk.ask("dee", "abort")
    refuse(desk, "freeze")
    assert "failed" == desk.run.outcome


@pytest.mark.parametrize(("word", "outcome"), [("not-done", "aborted"), ("done", "failed")])
def test_a_person_may_still_say_what_became_of_it(word: str, outcome: str) -> None:
    """While something else is being undone: what is marked as gone is gone, and the run did not fail of it."""
    desk = aborted(FROZEN, SCALED)
    desk.report("scale", "unknown", error="lost")
    desk.ask("ana", "mark", "scale", value=word)
    desk.report("freeze")
    assert outcome == desk.run.outcome


def test_an_undo_that_is_heard_of_late_was_one() -> None:
    """Given up as lost, and done after all before the run ended."""
    desk = aborted(FROZEN, SCALED)
    number = desk.dispatch("scale").number
    desk.report("scale", "unknown", error="lost")
    desk.say_report(number)
    desk.report("freeze")
    assert ("aborted", ()) == (desk.run.outcome, desk.run.left)


def test_what_comes_back_when_another_was_never_there_is_still_in_force() -> None:
    """The lower of two was given up with the one above it; somebody finds that the upper one never happened."""
    more = act("more", replace(lasting("edge.scale", add=4), effect="destructive"), undo=undo_with(use("edge.less")))
    desk = aborted(FROZEN, SCALED, more, lost="more")
    assert ["freeze"] == desk.performing
    desk.ask("ana", "mark", "more", value="not-done")
    desk.report("freeze")
    assert ("failed", (SCALE,)) == (desk.run.outcome, desk.run.left)


@pytest.mark.parametrize("to", [60, 100])
def test_what_was_loosened_and_cannot_be_tightened_again_is_a_failure(to: int) -> None:
    """Also where nothing is in force any more: what protected before the abort should be back."""
    desk = aborted(SHIELD, act("open_up", throttle(percent=to)))
    refuse(desk, "open_up")
    assert ("failed", f"{THROTTLE}: refused") == (desk.run.outcome, desk.run.why.partition("undone: ")[2])
    assert desk.run.left == ((THROTTLE,) if to == 60 else ())
