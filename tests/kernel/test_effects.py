"""The ledger of effects in force, and undoing them: last in, first out, and what protects stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relight.errors import NotNow, NotPermitted
from relight.kernel import facts as f
from relight.kernel.effects import layers
from relight.kernel.intents import Observe, Perform, ReadProbe
from relight.kernel.plan import Retry, Step, Undo
from relight.kernel.state import EffectEntry
from relight.kernel.undoing import keys_to_undo
from relight.testing.desk import Desk, desk_of
from relight.testing.plans import (
    act,
    equal,
    gate,
    kind,
    lasting,
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

THROTTLE = "admission.throttle@fake"
TASK = kind("task", "manual")


def freeze(name: str = "freeze", **fields: Any) -> Step:
    """Return a step that freezes deploys, and can be undone."""
    given: dict[str, Any] = {"undo": undo_with(use("deploy.unfreeze")), **fields}
    return act(name, lasting("deploy.freeze", service="auth"), **given)


def shield(name: str = "shield", percent: int = 10, **fields: Any) -> Step:
    """Return a protective throttle."""
    return act(name, throttle(percent=percent), protective=True, undo=undo_previous(), **fields)


def entry_of(desk: Desk, key: str = THROTTLE) -> EffectEntry:
    """Return the effect in force of that key."""
    return desk.run.ledger[key]


def steps_undone(desk: Desk) -> list[str]:
    """Undo everything that is under way, and return whose effects they were."""
    found = []
    while desk.wanted(Perform):
        found.append(desk.performing[0])
        desk.report(found[-1])
    return found


# ---- identity and supersession


def test_same_capability_on_the_same_target_is_one_effect() -> None:
    """The later supersedes the earlier; another target is another effect."""
    one, two = (lasting("edge.serve", on=("nodes",), nodes=["a", "b"], rate=rate) for rate in (1, 2))
    other = lasting("edge.serve", on=("nodes",), nodes=["c"], rate=3)
    desk = desk_of(act("x", one), act("y", two), act("z", other), TASK)
    for step in "xyz":
        desk.report(step)
    first, second = desk.run.ledger.values()
    assert ("edge.serve@fake[nodes=a+b]", {"rate": 2}, ("x", "y")) == (first.key, first.value, first.steps)
    assert ("edge.serve@fake[nodes=c]", {"rate": 3}) == (second.key, second.value)


def test_arguments_that_a_later_call_does_not_name_stay_in_force() -> None:
    """The value in force is what all calls together made it."""
    desk = desk_of(act("x", throttle(percent=10, max_rate=20)), act("y", throttle(percent=50)), TASK)
    desk.report("x")
    desk.report("y")
    assert {"percent": 50, "max_rate": 20} == entry_of(desk).value


def test_an_action_that_leaves_nothing_is_in_no_ledger() -> None:
    """Unless its step says how to undo it, or that it protects; then the effect is the step's own."""
    desk = desk_of(act("x"), act("y", undo=undo_with(use("put.back"))), act("z", protective=True), TASK)
    for step in "xyz":
        desk.report(step)
    assert ["y@fake:y", "z@fake:z"] == list(desk.run.ledger)


def test_reaching_the_neutral_value_clears_the_effect() -> None:
    """With all that it superseded; in several calls as well as in one."""
    neutral = {"percent": 100, "max_rate": "none"}

    def limit(**args: Any) -> Any:
        return lasting("admission.throttle", neutral=neutral, **args)

    steps = (act("shield", throttle(percent=10)), act("y", limit(percent=100)), act("z", limit(max_rate="none")))
    desk = desk_of(*steps, TASK)
    desk.report("shield")
    desk.report("y")
    assert {"percent": 100} == entry_of(desk).value
    desk.report("z")
    assert {} == desk.run.ledger


def test_nothing_is_cleared_that_never_was() -> None:
    """A neutral value where nothing was in force is no effect and no news."""
    desk = desk_of(act("x", throttle(percent=100)), TASK)
    assert ["StepSucceeded", "ManualAsked"] == desk.kinds(desk.report("x"))


def test_protective_effects_are_observed_while_in_force() -> None:
    """What is really in force is read now and then, by whoever can read it; others are not."""
    readable = replace(throttle(percent=10), reads_value=True)
    desk = desk_of(act("x", readable, protective=True), freeze(), TASK)
    desk.read("before:x", {"percent": 100})
    desk.report("x")
    desk.report("freeze")
    assert [f"observe:{THROTTLE}"] == [item.id for item in desk.wanted(Observe)]


# ---- unsure effects


def test_an_unknown_step_leaves_an_unsure_effect_until_it_is_settled() -> None:
    """Settled as done it is sure; as not done the ledger is as it was."""
    what = replace(throttle(percent=50), idempotent=False)
    for done in (True, False):
        desk = desk_of(shield(), act("x", what), TASK)
        desk.report("shield")
        desk.report("x", "unknown", error="lost")
        assert ({"percent": 50}, False, True) == (entry_of(desk).value, entry_of(desk).sure, entry_of(desk).protective)
        desk.ask("ana", "mark", "x", value="done" if done else "not-done")
        assert ({"percent": 50 if done else 10}, True) == (entry_of(desk).value, entry_of(desk).sure)
        assert (2 if done else 1) == len(list(layers(entry_of(desk))))


def test_an_effect_that_was_lost_twice_is_one_effect() -> None:
    """What was there before the first loss is what comes back."""
    desk = desk_of(act("x", throttle(percent=50)), TASK)
    desk.report("x", "unknown", error="lost")
    desk.report("x", "unknown", error="lost")
    desk.report("x", "failed", error="refused")
    assert not entry_of(desk).sure
    desk.ask("ana", "mark", "x", value="not-done")
    assert {} == desk.run.ledger


def test_an_effect_that_nobody_settled_is_reported_at_the_end() -> None:
    """A failed last attempt says nothing about the lost one before it: the run says so when it ends."""
    desk = desk_of(act("x", throttle(percent=50), on_failure="continue"), TASK)
    desk.report("x", "unknown", error="lost")
    desk.report("x", "failed", error="refused")
    desk.ask("dee", "mark", "task", value="done")
    ended = next(fact for fact in desk.facts if isinstance(fact, f.RunEnded))
    assert ((THROTTLE,), ("x",)) == (ended.left, ended.unknown)


def test_an_unsure_effect_may_be_marked_as_in_force() -> None:
    """Then it can be undone like any other."""
    what = lasting("deploy.freeze", service="auth")
    desk = desk_of(act("x", what, undo=undo_with(use("deploy.unfreeze")), on_failure="continue"), TASK)
    desk.report("x", "unknown", error="lost")
    desk.report("x", "failed", error="refused")
    with pytest.raises(NotNow, match="not known; say which first"):
        desk.ask("ana", "undo", "x")
    desk.ask("ana", "mark", "x", value="done")
    desk.ask("ana", "undo", "x")
    assert ["x"] == desk.performing


# ---- undoing a step


def test_undo_reverses_a_steps_effect_and_holds() -> None:
    """Shown first at the door; then the run waits to be told whether to go on, and does the step again."""
    desk = desk_of(freeze(), TASK)
    desk.report("freeze")
    with pytest.raises(NotPermitted):
        desk.ask("os:stranger", "undo", "freeze")
    desk.ask("dee", "undo", "freeze")
    assert ("undoing", "deploy.unfreeze") == (desk.run.state, desk.perform("freeze").use.capability)
    key = desk.perform("freeze").key
    desk.report("freeze")
    assert (["undone"], "undone", {}) == (desk.holds, desk.word("freeze"), desk.run.ledger)
    desk.ask("dee", "resume")
    assert ["freeze"] == desk.performing
    assert key != desk.perform("freeze").key


def test_what_was_undone_is_done_again_before_what_comes_after_it() -> None:
    """The run goes back to the step, and past those that are still done."""
    desk = desk_of(freeze("x"), act("y"), act("z"), TASK)
    for step in "xyz":
        desk.report(step)
    desk.ask("dee", "undo", "x")
    desk.report("x")
    desk.ask("dee", "resume")
    assert ["x"] == desk.performing
    desk.report("x")
    assert "waiting" == desk.run.state


def test_what_was_undone_may_also_be_skipped() -> None:
    """Somebody undid it for good."""
    desk = desk_of(freeze(), TASK)
    desk.report("freeze")
    desk.ask("dee", "undo", "freeze")
    desk.report("freeze")
    desk.ask("dee", "skip", "freeze", reason="not needed")
    desk.ask("dee", "resume")
    assert ("skipped", "waiting", []) == (desk.word("freeze"), desk.run.state, desk.performing)


def test_a_stage_that_was_done_is_done_again_where_it_was_undone() -> None:
    """Also while it is being verified: its steps come first again."""
    desk = desk_of(freeze(), verify=("calm",))
    desk.report("freeze")
    desk.ask("dee", "undo", "freeze")
    desk.report("freeze")
    desk.ask("dee", "resume")
    assert ("steps", ["freeze"]) == (desk.run.stage.phase, desk.performing)


def test_undo_of_a_failed_step_reverses_what_an_earlier_attempt_left() -> None:
    """The hold about the step is left with it."""
    desk = desk_of(freeze(), act("x"), TASK)
    desk.report("freeze")
    desk.report("x", "failed", error="no")
    desk.ask("dee", "undo", "freeze")
    desk.report("freeze")
    assert ["step-failed", "undone"] == desk.holds
    desk.ask("dee", "resume")
    assert (["step-failed"], []) == (desk.holds, desk.performing)
    desk.ask("dee", "retry", "x")
    assert ["freeze"] == desk.performing


def test_undo_is_not_blocked_by_a_pause_or_a_hold() -> None:
    """It moves to less, or back."""
    desk = desk_of(freeze(), TASK)
    desk.report("freeze")
    desk.ask("dee", "pause")
    desk.ask("dee", "undo", "freeze")
    assert ["freeze"] == desk.performing


def test_what_protects_is_not_undone_by_asking() -> None:
    """It would expose the service; the runbook loosens it in its place."""
    desk = desk_of(shield(), TASK)
    desk.report("shield")
    with pytest.raises(NotNow, match="protects the service"):
        desk.ask("ana", "undo", "shield")
    assert () == keys_to_undo(desk.run)


@pytest.mark.parametrize(
    ("subject", "value", "why"),
    [
        ("nothing", "", "there is no step 'nothing'"),
        ("task", "", "task has no effect in force"),
        ("", "nowhere", "there is no stage 'nowhere'"),
        ("", "two", "two has not been reached"),
    ],
)
def test_undo_says_why_it_cannot(subject: str, value: str, why: str) -> None:
    """No such step or stage, nothing in force, not there yet."""
    desk = Desk(plan(stage("one", TASK), stage("two")))
    with pytest.raises(NotNow, match=why):
        desk.ask("ana", "undo", subject, value=value)


def test_one_undo_at_a_time() -> None:
    """The next waits for the last."""
    desk = desk_of(freeze(), TASK)
    desk.report("freeze")
    desk.ask("ana", "undo", "freeze")
    with pytest.raises(NotNow, match="something is being undone"):
        desk.ask("ana", "undo", "freeze")


def test_undo_of_a_step_under_way_stops_it_first() -> None:
    """Its effect of an earlier try is in force; what is under way is told to stop, and then undone."""
    desk = desk_of(act("x", throttle(percent=50), undo=undo_with(use("open.up"))), TASK)
    desk.report("x", "unknown", error="lost")
    under_way = desk.dispatch("x").number
    with pytest.raises(NotNow, match="not known"):
        desk.ask("ana", "undo", "x")
    assert under_way == desk.dispatch("x").number
    idempotent = replace(use("open.up"), idempotent=True)
    desk = desk_of(act("x", throttle(percent=50), undo=undo_with(idempotent)), TASK)
    desk.report("x", "unknown", error="lost")
    desk.ask("ana", "undo", "x")
    assert [2] == desk.stopping
    desk.report("x", "failed", error="stopped")
    assert ["open.up"] == [item.use.capability for item in desk.wanted(Perform)]


# ---- layers


def test_what_was_superseded_comes_back_when_what_supersedes_it_is_undone() -> None:
    """A step without an undo of its own is undone by asserting what was there before it."""
    desk = desk_of(act("x", throttle(percent=30), undo=undo_with(use("open.up"))), act("y", throttle(percent=60)), TASK)
    desk.report("x")
    desk.report("y")
    desk.ask("ana", "undo", "y")
    assert {"percent": 30} == desk.perform("y").args
    desk.report("y")
    assert ("x", {"percent": 30}) == (entry_of(desk).step, entry_of(desk).value)


def test_undoing_what_was_superseded_undoes_what_supersedes_it_first() -> None:
    """Last in, first out."""
    desk = desk_of(act("x", throttle(percent=30), undo=undo_with(use("open.up"))), act("y", throttle(percent=60)), TASK)
    desk.report("x")
    desk.report("y")
    desk.ask("ana", "undo", "x")
    assert ["y", "x"] == steps_undone(desk)
    assert {} == desk.run.ledger


def test_what_loosened_a_protection_may_be_taken_back() -> None:
    """That is a move to less exposure; the protection itself stays."""
    desk = desk_of(shield(), act("open", throttle(percent=60)), TASK)
    desk.report("shield")
    desk.report("open")
    assert (True, True) == (entry_of(desk).protective, entry_of(desk).loosens)
    desk.ask("ana", "undo", "open")
    assert {"percent": 10} == desk.perform("open").args
    desk.report("open")
    assert ("shield", {"percent": 10}, False) == (entry_of(desk).step, entry_of(desk).value, entry_of(desk).loosens)


def test_a_layer_under_one_that_could_not_be_undone_stays() -> None:
    """Otherwise something would come back into force that nobody asked for."""
    stubborn = act("y", throttle(percent=60), undo=undo_with(use("stubborn")))
    desk = desk_of(act("x", throttle(percent=30), undo=undo_with(use("open.up"))), stubborn, TASK)
    desk.report("x")
    desk.report("y")
    desk.ask("ana", "undo", "x")
    desk.report("y", "failed", error="no", retry=False)
    assert ["undo-failed"] == desk.holds
    assert f"{THROTTLE}: y, which superseded it, could not be undone" == desk.run.holds[0].text


def test_the_ledger_keeps_the_order_in_which_things_came_into_force() -> None:
    """What comes back comes back at its place."""
    desk = desk_of(act("x", throttle(percent=30)), freeze(), act("y", throttle(percent=60)), TASK)
    for number, step in enumerate(("x", "freeze", "y")):
        desk.tick(1_000 * number + 1)
        desk.report(step)
    assert ["deploy.freeze@fake", THROTTLE] == list(desk.run.ledger)
    desk.ask("ana", "undo", "y")
    desk.report("y")
    assert [THROTTLE, "deploy.freeze@fake"] == list(desk.run.ledger)


# ---- undo that fails


def test_a_failed_undo_is_tried_again_with_backoff_and_then_given_up() -> None:
    """Three tries with the same key; the effect stays in the ledger, and a person is asked."""
    desk = desk_of(freeze(), TASK)
    desk.report("freeze")
    desk.ask("ana", "undo", "freeze")
    keys = set()
    for _ in range(3):
        keys.add(desk.perform("freeze").key)
        desk.report("freeze", "failed", error="no")
        assert [] == desk.performing
        desk.tick(60_000)
    assert (["undo-failed"], ["deploy.freeze@fake"], 1) == (desk.holds, list(desk.run.ledger), len(keys))
    desk.ask("ana", "retry")
    desk.report("freeze")
    assert (["undone"], {}) == (desk.holds, desk.run.ledger)
    desk.ask("ana", "resume")
    assert ["freeze"] == desk.performing


def test_resume_leaves_the_effect_in_force_and_goes_on() -> None:
    """What could not be undone stays; what was undone is done again."""
    steps = (freeze("x"), act("y", throttle(percent=5), undo=undo_with(use("stubborn"))))
    desk = desk_of(*steps, TASK)
    desk.report("x")
    desk.report("y")
    desk.ask("ana", "undo", value="one")
    desk.report("y", "failed", error="no", retry=False)
    desk.report("x")
    assert (["undo-failed"], [THROTTLE]) == (desk.holds, list(desk.run.ledger))
    desk.ask("ana", "resume")
    assert ["x"] == desk.performing


def test_retrying_a_failed_undo_remembers_what_had_been_undone_the_first_time() -> None:
    """All of it is done again when the run goes on."""
    steps = (freeze("x"), act("y", throttle(percent=5), undo=undo_with(use("stubborn"))), act("z"))
    desk = desk_of(*steps, TASK)
    for step in "xyz":
        desk.report(step)
    desk.ask("ana", "undo", "x")
    desk.report("x")
    desk.ask("ana", "undo", "y")
    desk.report("y", "failed", error="no", retry=False)
    assert ["undone", "undo-failed"] == desk.holds
    desk.ask("ana", "retry")
    desk.report("y")
    desk.ask("ana", "resume")
    assert ["x"] == desk.performing
    desk.report("x")
    assert ["y"] == desk.performing


@pytest.mark.parametrize("idempotent", [False, True])
def test_a_lost_undo_is_done_again_only_where_that_is_harmless(idempotent: bool) -> None:
    """Else nobody knows whether the effect is in force, and a person says."""
    how = replace(use("deploy.unfreeze"), idempotent=idempotent)
    desk = desk_of(freeze(undo=undo_with(how)), TASK)
    desk.report("freeze")
    desk.ask("ana", "undo", "freeze")
    desk.take_over()
    assert not entry_of(desk, "deploy.freeze@fake").sure
    assert (["freeze"] if idempotent else []) == desk.performing
    if idempotent:
        desk.take_over()
        desk.take_over()
        assert "it was tried 3 times and lost each time" in desk.run.holds[0].text
    else:
        assert "its undo may or may not have happened" in desk.run.holds[0].text


@pytest.mark.parametrize("in_force", [True, False])
def test_somebody_says_whether_an_effect_whose_undo_was_lost_is_in_force(in_force: bool) -> None:
    """In force after all, it is what it was; not in force, what it superseded is back."""
    desk = desk_of(shield(), act("open", throttle(percent=60), undo=undo_with(use("x"))), TASK)
    desk.report("shield")
    desk.report("open")
    desk.ask("ana", "undo", "open")
    desk.take_over()
    desk.ask("ana", "mark", "open", value="done" if in_force else "not-done")
    assert ("open" if in_force else "shield", True) == (entry_of(desk).step, entry_of(desk).sure)
    assert ({"percent": 60 if in_force else 10}, True) == (entry_of(desk).value, entry_of(desk).protective)


def test_an_effect_without_an_undo_says_so() -> None:
    """Nothing is guessed."""
    desk = desk_of(act("x", lasting("status.publish", state="degraded")), TASK)
    desk.report("x")
    desk.ask("ana", "undo", "x")
    assert "status.publish@fake: it has no undo" == desk.run.holds[0].text


def test_an_undo_whose_arguments_cannot_be_told_is_none() -> None:
    """It is shown as having no way back, from the beginning."""
    how = undo_with(use("put.back", what=path("steps.x.result.missing")))
    desk = desk_of(act("x", undo=how), TASK)
    desk.report("x", result={})
    assert entry_of(desk, "x@fake:x").undo is None


def test_an_undo_may_read_the_result_of_its_step() -> None:
    """Its arguments are resolved when the effect comes into force."""
    how = undo_with(use("put.back", what=path("steps.x.result.id")))
    desk = desk_of(act("x", undo=how), TASK)
    desk.report("x", result={"id": 7})
    undo = entry_of(desk, "x@fake:x").undo
    assert undo is not None
    assert {"what": 7} == undo.args


def test_an_undo_has_its_own_time() -> None:
    """It is another action than its step's, so its own timeout counts where it has one."""
    how = undo_with(replace(use("put.back"), timeout_ms=1_000))
    desk = desk_of(act("x", undo=how), TASK)
    desk.report("x")
    desk.ask("ana", "undo", "x")
    assert 1_000 == desk.perform("x").deadline_t


# ---- undo steps of the runbook


def test_a_step_may_undo_an_earlier_one() -> None:
    """``unfreeze: undo: freeze``: its outcome is the undo's."""
    desk = desk_of(freeze(), kind("unfreeze", "undo", undoes="freeze"), TASK)
    desk.report("freeze")
    assert ("running", "deploy.unfreeze") == (desk.word("unfreeze"), desk.perform("freeze").use.capability)
    desk.report("freeze")
    assert ("undone", "succeeded", []) == (desk.word("freeze"), desk.word("unfreeze"), desk.holds)
    assert {"undone": ["deploy.freeze@fake"]} == desk.run.steps["unfreeze"].result


def test_an_undo_step_may_undo_what_protects() -> None:
    """The runbook says so, in a stage that was entered; once that is verified nothing is in force any more."""
    guarded = act("shield", throttle(percent=10), protective=True, undo=undo_with(use("lift")))
    desk = desk_of(guarded, kind("lift", "undo", undoes="shield"), TASK)
    desk.report("shield")
    assert "lift" == desk.perform("shield").use.capability
    desk.report("shield")
    assert {"undone": [THROTTLE]} == desk.run.steps["lift"].result
    assert "lift" == entry_of(desk).step
    desk.ask("ana", "mark", "task", value="done")
    assert ("succeeded", ()) == (desk.run.outcome, desk.run.left)


def test_an_undo_step_with_nothing_in_force_is_skipped() -> None:
    """Somebody, or another step, was there before."""
    desk = desk_of(kind("unfreeze", "undo", undoes="freeze"), freeze(), TASK)
    assert "skipped" == desk.word("unfreeze")


def test_an_undo_step_that_fails_holds_and_may_be_retried_or_marked() -> None:
    """Like any step; marked done by hand, the effect is out of the ledger."""
    desk = desk_of(freeze(), kind("unfreeze", "undo", undoes="freeze"), TASK)
    desk.report("freeze")
    desk.report("freeze", "failed", error="no", retry=False)
    assert (["step-failed"], "failed") == (desk.holds, desk.word("unfreeze"))
    desk.ask("ana", "retry", "unfreeze")
    desk.report("freeze", "failed", error="no", retry=False)
    desk.ask("ana", "mark", "unfreeze", value="done")
    assert ({}, "undone", "succeeded") == (desk.run.ledger, desk.word("freeze"), desk.word("unfreeze"))


def test_an_undo_step_that_may_fail_goes_on() -> None:
    """``on_failure: continue``."""
    desk = desk_of(freeze(), kind("unfreeze", "undo", undoes="freeze", on_failure="continue"), TASK)
    desk.report("freeze")
    desk.report("freeze", "failed", error="no", retry=False)
    assert ([], "failed", "waiting") == (desk.holds, desk.word("unfreeze"), desk.run.state)


def test_an_undo_step_under_way_cannot_be_skipped() -> None:
    """Not even between two tries."""
    desk = desk_of(freeze(), kind("unfreeze", "undo", undoes="freeze"), TASK)
    desk.report("freeze")
    desk.report("freeze", "failed", error="no")
    with pytest.raises(NotNow, match="unfreeze is under way"):
        desk.ask("ana", "skip", "unfreeze", reason="because")


# ---- undo --to


def three_stages(**last: Any) -> Desk:
    """Return a desk in the third stage, with a protection, a freeze and a scaling in force."""
    one = stage("one", shield())
    two = stage("two", freeze(), gate=gate())
    scale = act("scale", lasting("edge.scale", add=2), undo=undo_with(use("edge.unscale")))
    desk = Desk(plan(one, two, stage("three", scale, kind("m", "manual"), **last)))
    desk.report("shield")
    desk.ask("bo", "approve")
    desk.report("freeze")
    desk.report("scale")
    return desk


def test_undo_to_a_stage_goes_back_to_its_start_with_its_gate_asked_anew() -> None:
    """In reverse order; protective effects stay; the run holds, and then everything from there on is yet to come."""
    desk = three_stages()
    old = desk.run.spent
    desk.ask("ana", "undo", value="two")
    assert ["scale", "freeze"] == steps_undone(desk)
    assert (["undone"], [THROTTLE], {"one": "succeeded"}) == (desk.holds, list(desk.run.ledger), desk.run.past)
    assert "the run stands at the start of two" in desk.run.holds[0].text
    assert ("pending", "pending", "succeeded") == (desk.word("scale"), desk.word("freeze"), desk.word("shield"))
    desk.ask("ana", "resume")
    assert ("waiting", []) == (desk.run.state, desk.performing)
    assert desk.run.ticket is not None
    assert desk.run.ticket.id not in old
    desk.ask("bo", "approve")
    assert ["freeze"] == desk.performing


def test_undo_to_the_current_stage_undoes_only_that() -> None:
    """Earlier effects stay."""
    desk = three_stages()
    desk.ask("ana", "undo", value="three")
    assert ["scale"] == steps_undone(desk)
    assert [THROTTLE, "deploy.freeze@fake"] == list(desk.run.ledger)


def test_undo_to_takes_back_what_loosened_a_protection() -> None:
    """Going back to before the stage means going back to its exposure."""
    two = stage("two", act("open", throttle(percent=60)), kind("m", "manual"))
    desk = Desk(plan(stage("one", shield()), two))
    desk.report("shield")
    desk.report("open")
    desk.ask("ana", "undo", value="two")
    assert {"percent": 10} == desk.perform("open").args


def test_undo_to_closes_a_waiting_ticket() -> None:
    """An approval on its way opens nothing."""
    desk = Desk(plan(stage("one", freeze()), stage("two", act("x"), gate=gate())))
    desk.report("freeze")
    assert desk.run.ticket is not None
    ticket = desk.run.ticket.id
    desk.ask("ana", "undo", value="one")
    with pytest.raises(NotNow, match="ana had the run go back to one"):
        desk.ask("bo", "approve", ticket=ticket)


def test_undo_to_waits_for_what_is_under_way_and_what_is_unknown() -> None:
    """Nothing is forgotten by going back."""
    desk = desk_of(freeze(), act("x"))
    desk.report("freeze")
    with pytest.raises(NotNow, match="a step is under way"):
        desk.ask("ana", "undo", value="one")
    desk.report("x", "unknown", error="lost")
    with pytest.raises(NotNow, match="whether x happened is not known"):
        desk.ask("ana", "undo", value="one")
    desk.ask("ana", "mark", "x", value="not-done")
    desk.ask("ana", "undo", value="one")
    assert ["freeze"] == desk.performing


def test_one_failed_undo_does_not_stop_the_rest_nor_the_going_back() -> None:
    """What could not be undone is said, and may be tried again from there."""
    desk = three_stages()
    desk.ask("ana", "undo", value="two")
    desk.report("scale", "failed", error="no", retry=False)
    desk.report("freeze")
    assert (["undo-failed"], "two", [THROTTLE, "edge.scale@fake"]) == (
        desk.holds,
        desk.run.stage.id,
        list(desk.run.ledger),
    )
    desk.ask("ana", "retry")
    desk.report("scale")
    assert (["undone"], [THROTTLE]) == (desk.holds, list(desk.run.ledger))


def test_undo_to_with_nothing_in_force_just_goes_back() -> None:
    """And says that there was nothing."""
    desk = Desk(plan(stage("one", kind("m", "manual")), stage("two", kind("n", "manual"))))
    desk.ask("dee", "mark", "m", value="done")
    desk.ask("dee", "undo", value="one")
    assert "undone: nothing was in force; the run stands at the start of one" == desk.run.holds[0].text


def test_a_breached_guards_hold_outlives_going_back() -> None:
    """Going back answers other holds, not that one."""
    from relight.kernel.plan import Guard

    desk = Desk(plan(stage("one", freeze(), kind("m", "manual")), guards=(Guard(check="api"),)))
    desk.report("freeze")
    desk.turn("guard:", "api", "fail")
    desk.ask("ana", "undo", value="one")
    desk.report("freeze")
    assert ["guard-breached", "undone"] == desk.holds


# ---- unsure entries and undo


def test_an_unsure_effect_is_settled_first() -> None:
    """The settle probe is read; what did not happen needs no undo, what did is undone."""
    for answer in (1, 0):
        settle = settle_when(equal(1), within_ms=0, interval_ms=1_000)
        desk = desk_of(act("x", undo=undo_with(use("put.back")), settle=settle), TASK)
        desk.report("x", "unknown", error="lost")
        desk.ask("ana", "undo", "x")
        assert [] == desk.performing
        desk.read("settle:x", answer)
        assert (["x"] if answer else []) == desk.performing


def test_an_unsure_effect_that_nothing_settles_is_not_undone_on_a_guess() -> None:
    """After the settle probe's time the undo is given up, and a person decides."""
    desk = desk_of(act("x", undo=undo_with(use("put.back")), settle=settle_when(equal(1))), TASK)
    desk.report("x", "unknown", error="lost")
    desk.ask("ana", "undo", "x")
    desk.tick(6_000)
    assert ["undo-failed", "step-unknown"] == desk.holds
    assert "settle the step first" in desk.run.holds[0].text


def test_an_idempotent_undo_settles_by_itself() -> None:
    """Undone is undone, whether it had happened or not, and nobody is asked any more what became of it."""
    how = undo_with(replace(use("put.back"), idempotent=True))
    desk = desk_of(act("x", undo=how), TASK)
    desk.report("x", "unknown", error="lost")
    desk.ask("ana", "undo", "x")
    assert (["x"], []) == (desk.performing, desk.holds)
    desk.report("x")
    assert (["undone"], "undone") == (desk.holds, desk.word("x"))
    desk.ask("ana", "resume")
    assert ["x"] == desk.performing


def test_an_effect_that_was_marked_away_while_it_was_undone_is_gone() -> None:
    """The undo's report finds nothing to clear."""
    how = undo_with(replace(use("put.back"), idempotent=True))
    desk = desk_of(act("x", undo=how), TASK)
    desk.report("x", "unknown", error="lost")
    desk.ask("ana", "undo", "x")
    desk.ask("ana", "mark", "x", value="not-done")
    assert {} == desk.run.ledger
    desk.report("x")
    assert "undone" in desk.holds


def test_another_effect_may_be_marked_away_while_something_is_undone() -> None:
    """What is being undone goes on; the marked one is simply gone."""
    desk = desk_of(act("x", undo=undo_with(use("put.x"))), act("y", undo=undo_with(use("put.y"))), TASK)
    desk.report("x")
    desk.report("y")
    desk.ask("ana", "undo", value="one")
    desk.report("y", "unknown", error="lost")
    assert ["x"] == desk.performing, "an undo that may have happened is not tried again; the next goes on"
    desk.ask("ana", "mark", "y", value="not-done")
    assert ["x"] == desk.performing
    desk.report("x")
    assert {} == desk.run.ledger


# ---- the end of a run


def test_an_aborted_run_leaves_its_effects_and_says_which() -> None:
    """``on_abort: leave`` reports them all, protective or not."""
    desk = three_stages()
    desk.ask("dee", "abort", reason="wrong site")
    ended = next(fact for fact in desk.facts if isinstance(fact, f.RunEnded))
    assert ("aborted", (THROTTLE, "deploy.freeze@fake", "edge.scale@fake")) == (ended.outcome, ended.left)


def of_abort(*steps: Step) -> Desk:
    """Return a desk whose run undoes its effects when it is aborted."""
    return Desk(plan(stage("one", *steps, kind("m", "manual")), on_abort="undo"))


def test_an_abort_may_undo_last_in_first_out_and_what_protects_stays() -> None:
    """Then the run ends, and what is left is what protects."""
    desk = of_abort(shield(), freeze(), act("open", throttle(percent=60)))
    for number, step in enumerate(("shield", "freeze", "open")):
        desk.tick(number + 1)
        desk.report(step)
    desk.ask("dee", "abort")
    assert "undoing" == desk.run.state
    assert ["open", "freeze"] == steps_undone(desk)
    assert ("aborted", (THROTTLE,), {"percent": 10}) == (desk.run.state, desk.run.left, entry_of(desk).value)


@pytest.mark.parametrize("undo", [None, undo_with(use("x"), ask=True)])
def test_an_abort_undoes_nothing_that_asks_first_or_has_no_undo(undo: Undo | None) -> None:
    """It is reported as left."""
    desk = of_abort(freeze(undo=undo))
    desk.report("freeze")
    desk.ask("dee", "abort")
    assert ("aborted", ("deploy.freeze@fake",)) == (desk.run.state, desk.run.left)


def test_a_person_may_undo_what_asks_first() -> None:
    """Asking is what they did."""
    desk = desk_of(freeze(undo=undo_with(use("x"), ask=True)), TASK)
    desk.report("freeze")
    desk.ask("ana", "undo", "freeze")
    assert ["freeze"] == desk.performing


def test_an_abort_settles_what_it_undoes() -> None:
    """Also while the run is being ended, a settle probe tells whether there is anything to undo."""
    desk = of_abort(act("x", undo=undo_with(use("put.back")), settle=settle_when(equal(1))))
    desk.ask("dee", "abort")
    desk.report("x", "unknown", error="killed")
    assert ["settle:x:1:0"] == [item.id for item in desk.wanted(ReadProbe)]
    desk.read("settle:x", 1)
    assert ["x"] == desk.performing
    desk.report("x")
    assert ("aborted", ()) == (desk.run.state, desk.run.left)


def test_an_abort_waits_for_an_undo_that_is_under_way() -> None:
    """And does not begin it again."""
    desk = of_abort(freeze())
    desk.report("freeze")
    desk.ask("ana", "undo", "freeze")
    desk.ask("dee", "abort")
    assert ["freeze"] == desk.performing
    desk.report("freeze", "failed", error="no", retry=False)
    assert ["freeze"] == desk.performing
    desk.report("freeze")
    assert ("aborted", ()) == (desk.run.state, desk.run.left)


def test_an_undo_step_that_an_abort_overtook_is_still_recorded() -> None:
    """What the undo step did is in the journal, and no hold comes of its failure."""
    desk = desk_of(freeze(), kind("unfreeze", "undo", undoes="freeze"), TASK)
    desk.report("freeze")
    desk.ask("dee", "abort")
    desk.report("freeze", "failed", error="no", retry=False)
    assert ("aborted", "failed") == (desk.run.state, desk.word("unfreeze"))


def test_a_run_that_succeeds_reports_what_it_leaves_in_force() -> None:
    """Effects outlive runs."""
    desk = desk_of(freeze())
    desk.report("freeze")
    assert ("succeeded", ("deploy.freeze@fake",)) == (desk.run.state, desk.run.left)


def test_a_ramp_reached_again_after_its_undo_begins_anew() -> None:
    """From the floor."""
    up = act("up", throttle(), ramp=ramp(50, floor=10), retry=Retry())
    desk = desk_of(up, TASK)
    desk.report("up")
    desk.tick(10_000)
    assert "succeeded" == desk.word("up")
    desk.ask("ana", "undo", "up")
    desk.report("up")
    desk.ask("ana", "resume")
    assert {"percent": 50} == desk.perform("up").args
