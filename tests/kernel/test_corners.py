"""Corners that the stories do not pass: what never should happen, and what happens to nobody twice."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest

from relight.errors import NotNow
from relight.kernel import facts as f
from relight.kernel import fitting
from relight.kernel.authority import permit
from relight.kernel.book import Book
from relight.kernel.choices import choices, seldom
from relight.kernel.decide import decide
from relight.kernel.evolve import evolve
from relight.kernel.inputs import Started, Ticked, TookOver
from relight.kernel.intents import ReadProbe
from relight.kernel.outcomes import stop
from relight.kernel.plan import ExpressionFailed, Probe
from relight.kernel.ramping import DOWN_TRIES_MAX
from relight.kernel.records import NEW_MAX, Records
from relight.kernel.scope import value_of
from relight.kernel.state import Done
from relight.kernel.step_state import StepRecord
from relight.testing.desk import Desk, desk_of
from relight.testing.plans import act, fan, gate, kind, lasting, path, plan, ramp, stage, throttle, undo_with, use


def test_a_run_begins_with_its_plan() -> None:
    """The first fact holds the plan; no run is needed for it."""
    of = plan(stage("one", act("a")))
    (started,) = decide(None, Started(at=1, t=0, run="r1", plan=of, starter="ana"))
    assert f.RunStarted(at=1, t=0, run="r1", plan=of, starter="ana") == started


def test_a_kernel_that_does_not_come_to_rest_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    """It raises instead of spinning for ever."""
    desk = desk_of(act("a"))
    monkeypatch.setattr(sys.modules["relight.kernel.decide"], "TURNS_MAX", 0)
    with pytest.raises(AssertionError, match="does not come to rest"):
        decide(desk.run, Ticked(at=1, t=desk.t + 1))


def test_a_driver_of_an_earlier_epoch_takes_nothing_over() -> None:
    """Its epoch is not above the run's."""
    desk = desk_of(act("a"))
    assert [] == desk.say(TookOver(at=1, t=desk.t, epoch=desk.run.epoch, driver="late"))


def test_what_anybody_may_is_permitted_to_a_stranger() -> None:
    """Stopping is never refused."""
    permit(desk_of(act("a")).run, "os:stranger", "anybody", "abort")


def test_an_amended_plan_is_the_plan_and_a_drift_changes_nothing_yet() -> None:
    """Their verbs come later; their facts can be read already."""
    run = desk_of(act("a")).run
    other = replace(run.plan, digest="other")
    amended = evolve(run, f.PlanAmended(at=1, t=run.t, plan=other, diff="", person="ana", reason="more"))
    assert "other" == amended.plan.digest
    drifted = evolve(run, f.EffectDrifted(at=1, t=run.t, key="k", observed=1))
    assert (run.ledger, run.steps) == (drifted.ledger, drifted.steps)


def test_a_step_that_is_done_outside_its_stage_moves_no_position() -> None:
    """A fact is applied as it is, also where no driver of today would write it."""
    run = Desk(plan(stage("one", act("a"), gate=gate()))).run
    after = evolve(run, f.StepSkipped(at=1, t=run.t, step="a", why="because"))
    assert (Done(outcome="skipped"), 0) == (after.steps["a"].state, after.stage.position)


def test_what_was_told_to_stop_is_not_told_again() -> None:
    """One stop a dispatch."""
    desk = desk_of(act("a"))
    desk.ask("dee", "abort")
    book = Book(desk.run, at=1, t=desk.t)
    stop(book, desk.dispatch("a"), "again")
    assert [] == book.said


def test_records_read_like_the_mapping_they_are() -> None:
    """Whatever was changed last counts, in either of its halves."""
    records = Records({})
    for number in range(NEW_MAX + 2):
        records = records.changed(f"s{number}", StepRecord(state=Done(outcome="succeeded"), attempts=number))
    records = records.changed("s0", StepRecord(state=Done(outcome="failed")))
    assert NEW_MAX + 2 == len(records) == len(list(records))
    assert "s1" in records
    assert "nobody" not in records
    assert records["s1"].attempts == 1
    assert records["s0"].word == "failed"
    assert records.get("nobody") is None
    assert repr(dict(records)) == repr(records)
    with pytest.raises(KeyError):
        records["nobody"]


def test_a_probe_that_was_not_read_is_not_in_scope() -> None:
    """The expression fails, instead of reading something else."""
    run = desk_of(act("a")).run
    with pytest.raises(ExpressionFailed):
        value_of(run, path("probes.auth.release"))


def test_a_run_whose_step_waits_for_a_reading_is_running() -> None:
    """The step has not begun; nobody is waited for."""
    needs = act("a", use("do", release=path("probes.auth")))
    desk = Desk(plan(stage("one", needs), probes=("auth",)))
    assert ("running", {}) == (desk.run.state, dict(desk.run.steps))
    assert 1 == len(desk.wanted(ReadProbe))


def test_a_reading_whose_arguments_cannot_be_evaluated_is_asked_without_them() -> None:
    """The plugin says what it misses, and the reading counts as an error."""
    late = Probe(id="auth", use=use("deploy.current", effect="read", of=path("steps.nope.result")))
    needs = act("a", use("do", release=path("probes.auth")))
    desk = Desk(replace(plan(stage("one", needs), probes=("auth",)), probes={"auth": late}))
    assert [{}] == [item.args for item in desk.wanted(ReadProbe)]


def test_a_protective_step_that_cannot_be_evaluated_holds_once() -> None:
    """It is tried again while the run holds, and says the same thing only once."""
    desk = desk_of(act("a", throttle(percent=path("inputs.nope")), protective=True))
    assert ["expression-failed"] == desk.holds
    assert [] == desk.tick(1_000)
    assert ["expression-failed"] == desk.holds


def test_a_check_without_an_answer_is_no_evidence() -> None:
    """What a gate shows need not have answered; it is left out of what was seen."""
    desk = Desk(plan(stage("one", act("a"), gate=gate(show=("calm",)))))
    desk.ask("bo", "approve")
    opened = next(fact for fact in desk.facts if isinstance(fact, f.GateOpened))
    assert {} == opened.readings


def test_no_stage_is_skipped_while_something_is_undone() -> None:
    """The undo may take the run back; only then is it known what is skipped."""
    made = act("a", undo=undo_with(use("undo")))
    desk = Desk(plan(stage("one", made), stage("two", act("b"), gate=gate(), optional=True)))
    desk.report("a")
    desk.ask("ana", "undo", "a")
    with pytest.raises(NotNow, match="being undone"):
        desk.ask("bo", "skip", "two", reason="later")


def test_work_by_hand_needs_arguments_that_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What went into the ledger otherwise would be a guess."""
    desk = desk_of(act("a", lasting("freeze"), undo=undo_with(use("thaw"))))
    desk.report("a", "failed", retry=False, error="no")

    def cannot(run: Any, tree: Any) -> Any:
        raise ExpressionFailed("checks.calm is not there")

    monkeypatch.setattr(fitting, "resolve", cannot)
    with pytest.raises(NotNow, match="cannot be told"):
        desk.ask("ana", "mark", "a", value="done")


def test_what_cannot_be_told_is_not_offered_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nobody knows whether an earlier attempt left its effect in force: that it did not can be said."""
    desk = desk_of(act("a", lasting("freeze"), undo=undo_with(use("thaw"))))
    desk.report("a", "unknown", error="lost")
    desk.report("a", "failed", retry=False, error="no")

    def cannot(run: Any, tree: Any) -> Any:
        raise ExpressionFailed("steps.scale.result.added is not there")

    monkeypatch.setattr(fitting, "resolve", cannot)
    marks = [choice.words for choice in (*choices(desk.run), *seldom(desk.run)) if choice.verb == "mark"]
    assert ["a not-done"] == marks
    desk.ask("ana", "mark", "a", value="not-done")
    assert {} == desk.run.ledger


def test_only_the_effect_that_nobody_knows_of_is_settled_by_hand() -> None:
    """Another step's effect is left as it is."""
    known = act("sure", lasting("freeze"), undo=undo_with(use("thaw")))
    made = act("a", replace(lasting("publish"), idempotent=False), undo=undo_with(use("withdraw")))
    desk = desk_of(known, made, kind("m", "manual"))
    desk.report("sure")
    desk.report("a")
    desk.ask("ana", "undo", "a")
    desk.report("a", "unknown", error="connection lost")
    before = desk.run.ledger["freeze@fake"]
    desk.ask("ana", "mark", "a", value="not-done")
    assert before == desk.run.ledger["freeze@fake"]
    assert "publish@fake" not in desk.run.ledger


def test_a_ramp_joins_the_effect_that_it_moves() -> None:
    """The throttle and the ramp that lifts it are one effect, which protects as long as it is in force."""
    first = act("throttle", throttle(percent=10), protective=True)
    desk = desk_of(first, act("admit", throttle(), ramp=ramp(25, 50, floor=10)))
    desk.report("throttle")
    desk.tick(1)
    desk.report("admit")
    entry = desk.run.ledger["admission.throttle@fake"]
    assert (("throttle", "admit"), {"percent": 25}, True) == (entry.steps, entry.value, entry.protective)


def test_a_ramps_move_that_fails_during_an_abort_holds_nobody_up() -> None:
    """It goes down one more, and the run ends."""
    desk = desk_of(act("up", throttle(), ramp=ramp(25, 50, floor=10)))
    desk.tick(1)
    desk.ask("dee", "abort")
    desk.report("up", "failed", retry=False, error="refused")
    assert [] == desk.holds


def test_an_undo_over_many_hosts_goes_slice_by_slice() -> None:
    """What some hosts still have is in force until the last of them is undone."""
    desk = desk_of(act("a", undo=undo_with(use("back")), targets=fan(150, 150)), kind("m", "manual"))
    desk.report("a")
    desk.report("a")
    desk.ask("ana", "undo", "a")
    desk.report("a")
    assert ["fake"] == [entry.use.provider for entry in desk.run.ledger.values()]
    desk.report("a")
    assert {} == desk.run.ledger


def test_a_move_down_that_fails_during_an_abort_holds_nobody_up() -> None:
    """It is tried as often as it may, and then the run ends and says what is in force."""
    desk = desk_of(act("up", throttle(), ramp=ramp(25, 50, floor=10, checks=())))
    desk.tick(1)
    desk.report("up")
    desk.ask("ana", "ramp", value="down")
    for _ in range(DOWN_TRIES_MAX - 1):
        desk.report("up", "failed", error="refused")
        desk.tick(60_000)
    desk.ask("dee", "abort")
    desk.report("up", "failed", error="refused")
    assert (True, []) == (desk.run.aborting, desk.holds)


def test_a_votes_digest_reads_lists_too() -> None:
    """Arguments inside lists are resolved like any other."""
    of = stage("one", act("a", use("warm", nodes=["n1", path("inputs.node")])), gate=gate())
    one, two = (Desk(plan(of, scope={"inputs": {"node": name}})).run.ticket for name in ("n2", "n3"))
    assert one is not None
    assert two is not None
    assert one.scope_digest != two.scope_digest
