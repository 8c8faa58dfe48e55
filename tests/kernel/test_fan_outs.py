"""Fan-outs: batches, failure limits, checks between, slices, and hosts of which nobody knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relight.errors import NotNow
from relight.kernel import facts as f
from relight.kernel.plan import Targets
from relight.kernel.state import Fanning
from relight.testing.desk import Desk, desk_of
from relight.testing.plans import act, check, fan, kind, lasting, undo_with, use

RESTART = use("service.restart")


def over(targets: Targets, what: Any = RESTART, **fields: Any) -> Desk:
    """Return a desk where a step is fanned out, and another waits after it."""
    return desk_of(act("a", what, targets=targets, **fields), kind("m", "manual"))


def hosts(desk: Desk) -> tuple[str, ...]:
    """Return the hosts of the slice under way."""
    return desk.perform("a").targets


def test_batches_are_taken_one_after_the_other() -> None:
    """Each batch is dispatched when the one before has ended; what each host said is recorded."""
    desk = over(fan(7, 1, 2, 4, max_concurrency=3))
    assert (("h0",), 3) == (hosts(desk), desk.perform("a").max_concurrency)
    desk.report("a")
    assert ("h1", "h2") == hosts(desk)
    desk.report("a")
    assert ("h3", "h4", "h5", "h6") == hosts(desk)
    desk.report("a")
    assert ("succeeded", {"done": 7, "failed": {}, "total": 7}) == (desk.word("a"), desk.run.steps["a"].result)


def test_a_large_batch_is_taken_in_slices_of_a_hundred() -> None:
    """One dispatched and one reported fact for at most a hundred hosts."""
    desk = over(fan(250))
    sizes = []
    while desk.performing:
        sizes.append(len(hosts(desk)))
        desk.report("a")
    assert [100, 100, 50] == sizes
    assert ["StepDispatched", "TargetsReported"] * 3 == [kind for kind in desk.kinds() if kind[:4] in ("Step", "Targ")][
        :6
    ]


def test_batches_that_do_not_cover_every_host_go_on_to_the_end() -> None:
    """Nobody is left out by a sum that is off, nor asked for beyond the last."""
    desk = over(fan(5, 2))
    desk.report("a")
    assert ("h2", "h3", "h4") == hosts(desk)
    assert ("h0", "h1", "h2") == hosts(over(fan(3, 10)))


def test_an_inventory_without_hosts_is_skipped() -> None:
    """There is nothing to do, and it says so."""
    desk = over(fan(0, 0))
    skipped = next(fact for fact in desk.facts if isinstance(fact, f.StepSkipped))
    assert "edge has no hosts" == skipped.why


# ---- failures


@pytest.mark.parametrize(("limit", "stops"), [(1, True), (2, True), (3, False)])
def test_max_failures_is_inclusive(limit: int, stops: bool) -> None:
    """Reaching it stops; below it the rest goes on."""
    desk = over(fan(4, 2, 2, max_failures=limit))
    desk.report("a", "failed", error="one of them", targets={"h0": "disk full", "h1": "no route"})
    assert (["step-failed"] if stops else []) == desk.holds
    assert ([] if stops else ["a"]) == desk.performing


def test_a_fan_out_that_stopped_says_where_and_why() -> None:
    """The first three hosts are named."""
    desk = over(fan(4))
    desk.report("a", "failed", error="all")
    assert ("failed", "failed on 4 of 4 hosts: h0: all; h1: all; h2: all") == (desk.word("a"), desk.run.holds[0].text)


def test_few_failures_are_part_of_the_result() -> None:
    """Below the limit the step succeeds, and later expressions may read who failed."""
    desk = over(fan(3, max_failures=2))
    desk.report("a", "failed", error="one", targets={"h0": None, "h1": "no route", "h2": None})
    assert {"done": 2, "failed": {"h1": "no route"}, "total": 3} == desk.run.steps["a"].result


def test_retry_takes_only_the_hosts_that_are_left() -> None:
    """Who is done is done; who failed and who waits is next."""
    desk = over(fan(4, 3, 1))
    desk.report("a", "failed", error="one", targets={"h0": None, "h1": "no", "h2": None})
    desk.ask("ana", "retry", "a")
    assert ("h1",) == hosts(desk)
    desk.report("a")
    assert ("h3",) == hosts(desk)


def test_on_failure_continue_leaves_the_rest() -> None:
    """The step has failed, and the run goes on without it."""
    desk = over(fan(4, 1, 3), on_failure="continue")
    desk.report("a", "failed", error="no")
    assert ("failed", [], "waiting") == (desk.word("a"), desk.holds, desk.run.state)


def test_somebody_may_do_the_rest_by_hand() -> None:
    """``mark done`` ends a stopped fan-out; ``skip`` leaves it."""
    desk = over(fan(4, 1, 3))
    desk.report("a", "failed", error="no")
    desk.ask("ana", "mark", "a", value="done")
    assert ("succeeded", []) == (desk.word("a"), desk.holds)
    desk = over(fan(4, 1, 3))
    desk.report("a", "failed", error="no")
    desk.ask("ana", "skip", "a", reason="later")
    assert "skipped" == desk.word("a")


# ---- between


def test_checks_between_batches_have_to_pass() -> None:
    """Sampled one query window after the batch; another pause is another watch."""
    desk = over(fan(3, 1, 1, 1, between=("calm",)))
    desk.run.plan.checks["calm"] = check("calm", settle_ms=15_000)
    desk.tick(1_000)
    desk.report("a")
    watch = desk.watch("between:", "calm")
    assert ([], 16_000) == (desk.performing, watch.not_before_t)
    desk.turn("between:", "calm", "neutral")
    assert [] == desk.performing
    desk.turn("between:", "calm")
    assert ("h1",) == hosts(desk)
    desk.report("a")
    assert watch.id != desk.watch("between:", "calm").id


@pytest.mark.parametrize("verdict", ["fail", "inconclusive"])
def test_a_check_between_batches_that_does_not_pass_holds(verdict: str) -> None:
    """Retry reads it anew and goes on with the next batch."""
    desk = over(fan(3, 1, 2, between=("calm",)))
    desk.report("a")
    desk.turn("between:", "calm", verdict, 30)
    assert (["between-failed"], "calm") == (desk.holds, desk.run.holds[0].subject)
    desk.ask("ana", "retry", "a")
    desk.turn("between:", "calm")
    assert ("h1", "h2") == hosts(desk)


def test_a_check_between_batches_may_wait_for_data() -> None:
    """``on_inconclusive: wait``."""
    targets = fan(2, 1, 1, between=("calm",))
    desk = desk_of(act("a", RESTART, targets=targets), checks=(check("calm", on_inconclusive="wait"),))
    desk.report("a")
    desk.turn("between:", "calm", "inconclusive")
    assert ([], []) == (desk.holds, desk.performing)


def test_a_protective_fan_out_that_waits_for_its_check_comes_to_rest() -> None:
    """It goes on while the run stands still, as far as its own check lets it."""
    targets = fan(2, 1, 1, between=("calm",))
    desk = desk_of(act("a", RESTART, targets=targets, protective=True))
    desk.ask("dee", "pause")
    desk.report("a")
    desk.turn("between:", "calm", "fail")
    desk.turn("between:", "calm", "pass")
    assert ["a"] == desk.performing


# ---- nobody knows


def test_hosts_that_were_not_heard_of_are_unknown() -> None:
    """A slice may be known in part; a person says what became of the others."""
    desk = over(fan(3, max_failures=2))
    desk.report("a", "unknown", error="cut off", targets={"h0": None})
    assert (["step-unknown"], "h1, h2 may or may not be done (2 of 3 hosts)") == (desk.holds, desk.run.holds[0].text)
    assert "unknown" == desk.word("a")
    desk.ask("ana", "mark", "a", value="done")
    assert "succeeded" == desk.word("a")


def test_unknown_hosts_that_were_not_done_have_failed() -> None:
    """They count against the limit and are taken again by a retry."""
    desk = over(fan(3, max_failures=2))
    desk.report("a", "unknown", error="cut off", targets={"h0": None})
    desk.ask("ana", "mark", "a", value="not-done")
    assert ["step-failed"] == desk.holds
    assert "h1: it did not happen" in desk.run.holds[0].text
    desk.ask("ana", "retry", "a")
    assert ("h1", "h2") == hosts(desk)


def test_an_idempotent_fan_out_does_unknown_hosts_again() -> None:
    """Only those, with the same key, and not for ever."""
    desk = over(fan(3, 2, 1, between=("calm",)), replace(RESTART, idempotent=True))
    key = desk.perform("a").key
    desk.report("a", "unknown", error="cut off", targets={"h1": "no"})
    assert [("h0",), key, []] == [hosts(desk), desk.perform("a").key, desk.holds]
    for _ in range(3):
        desk.take_over()
    assert ["step-unknown"] == desk.holds


def test_a_slice_that_was_lost_with_its_driver_is_unknown() -> None:
    """Every host of it; three are named."""
    desk = over(fan(5))
    desk.take_over()
    assert "h0, h1, h2 and 2 more may or may not be done (5 of 5 hosts)" == desk.run.holds[0].text


def test_a_late_report_settles_the_hosts_that_it_names() -> None:
    """The last host heard of ends the hold."""
    desk = over(fan(3, max_failures=9), timeout_ms=1_000)
    desk.tick(13_000)
    assert [] == desk.kinds(desk.say_report(1, "unknown"))
    assert ["TargetsReported"] == desk.kinds(desk.say_report(1, "unknown", targets={"h0": None, "h1": "no"}))
    assert (["step-unknown"], "+x?") == (desk.holds, desk.run.steps["a"].state.status)  # type: ignore[union-attr]
    desk.say_report(1, "succeeded")
    assert ([], "succeeded") == (desk.holds, desk.word("a"))


def test_a_report_after_a_timeout_says_so() -> None:
    """Hosts that failed because they were stopped say why they were stopped."""
    desk = over(fan(2), timeout_ms=1_000)
    desk.tick(1_000)
    desk.report("a", "failed", error="killed")
    assert "it took longer than its timeout; killed" in desk.run.holds[0].text


# ---- effects


FLAG = lasting("flag.set", on=("name",), name="slow", value=True, neutral={"value": False})


def test_the_hosts_where_it_is_in_force_are_in_the_ledger() -> None:
    """Those that were done, not those that failed."""
    desk = over(fan(3, 1, 2, max_failures=9), FLAG, undo=undo_with(use("flag.clear")))
    desk.report("a")
    desk.report("a", "failed", error="x", targets={"h1": "no", "h2": None})
    entry = desk.run.ledger["flag.set@fake[name=slow]"]
    assert ((0, 2), (), True) == (entry.targets, entry.maybe, entry.sure)


def test_a_fan_out_is_undone_on_the_hosts_where_it_is_in_force() -> None:
    """In slices; a slice that failed in part is tried again where it failed; then the effect is gone."""
    desk = over(fan(150), FLAG, undo=undo_with(use("flag.clear")))
    desk.report("a")
    desk.report("a")
    desk.ask("ana", "undo", "a")
    assert 100 == len(hosts(desk))
    desk.report("a", "failed", error="x", targets=dict.fromkeys(hosts(desk)) | {"h7": "no"})
    desk.tick(1_000)
    assert (51, "h7") == (len(hosts(desk)), hosts(desk)[0])
    desk.report("a")
    assert ({}, ["undone"]) == (desk.run.ledger, desk.holds)


def test_an_undo_that_fails_on_some_hosts_stays_in_force_there() -> None:
    """After three tries it is given up, and the ledger says where."""
    desk = over(fan(3), FLAG, undo=undo_with(use("flag.clear")))
    desk.report("a")
    desk.ask("ana", "undo", "a")
    for _ in range(3):
        desk.report("a", "failed", error="x", targets={host: "no" if host == "h1" else None for host in hosts(desk)})
        desk.tick(60_000)
    assert (["undo-failed"], (1,)) == (desk.holds, desk.run.ledger["flag.set@fake[name=slow]"].targets)


def test_an_undo_of_which_some_hosts_were_not_heard_of_is_unknown() -> None:
    """It is not done again there, unless that is harmless."""
    desk = over(fan(2), FLAG, undo=undo_with(use("flag.clear")))
    desk.report("a")
    desk.ask("ana", "undo", "a")
    desk.report("a", "unknown", error="cut off", targets={"h0": None})
    assert (["undo-failed"], False) == (desk.holds, desk.run.ledger["flag.set@fake[name=slow]"].sure)


@pytest.mark.parametrize("done", [True, False])
def test_marking_unknown_hosts_settles_the_ledger(done: bool) -> None:
    """Done adds them; not done leaves what was there."""
    desk = over(fan(3, 1, 2, max_failures=9), replace(FLAG, idempotent=False), undo=undo_with(use("flag.clear")))
    desk.report("a")
    desk.report("a", "unknown", error="cut off")
    entry = desk.run.ledger["flag.set@fake[name=slow]"]
    assert ((0,), (1, 2), False) == (entry.targets, entry.maybe, entry.sure)
    desk.ask("ana", "mark", "a", value="done" if done else "not-done")
    entry = desk.run.ledger["flag.set@fake[name=slow]"]
    assert ((0, 1, 2) if done else (0,), (), True) == (entry.targets, entry.maybe, entry.sure)


def test_a_fan_out_that_clears_an_effect_clears_it_when_every_host_is_done() -> None:
    """Not with the first slice."""
    clear = replace(FLAG, args={"name": "slow", "value": False})
    one = act("a", FLAG, targets=fan(2), undo=undo_with(use("flag.clear")))
    desk = desk_of(one, act("b", clear, targets=fan(2, 1, 1)), kind("m", "manual"))
    desk.report("a")
    desk.report("b")
    assert ["flag.set@fake[name=slow]"] == list(desk.run.ledger)
    desk.report("b")
    assert {} == desk.run.ledger


def test_marking_a_stopped_fan_out_done_enters_the_other_hosts() -> None:
    """What was done by hand is in force too."""
    desk = over(fan(3), FLAG, undo=undo_with(use("flag.clear")))
    desk.report("a", "failed", error="x", targets={"h0": None, "h1": "no", "h2": "no"})
    desk.ask("ana", "mark", "a", value="done")
    assert (0, 1, 2) == desk.run.ledger["flag.set@fake[name=slow]"].targets


def test_a_fan_out_under_way_cannot_be_marked() -> None:
    """Nothing about it is unknown yet."""
    with pytest.raises(NotNow, match="a is running"):
        over(fan(3)).ask("ana", "mark", "a", value="done")


def test_hosts_that_were_not_begun_wait_as_before() -> None:
    """Reaching the limit stops in the middle of a batch: who was not touched is neither done nor failed."""
    desk = desk_of(act("a", targets=fan(6, 6, max_failures=2)))
    assert 2 == desk.perform("a").failures_max
    desk.report("a", "failed", targets={"h0": None, "h1": "no", "h2": "no"}, untouched=("h3", "h4", "h5"))
    state = desk.run.steps["a"].state
    assert isinstance(state, Fanning)
    assert ("+xx...", ["step-failed"]) == (state.status, desk.holds)
    assert "failed on 2 of 6 hosts" in desk.run.holds[0].text
    desk.ask("ana", "retry", "a")
    assert ("h1", "h2", "h3", "h4", "h5") == desk.perform("a").targets


def test_what_is_lost_and_what_was_not_begun_are_told_apart() -> None:
    """The one is unknown, the other waits; and an undo is tried everywhere."""
    desk = desk_of(act("a", targets=fan(3, 3), undo=undo_with(use("back"))), kind("task", "manual"))
    desk.report("a", "unknown", untouched=("h1", "h2"))
    state = desk.run.steps["a"].state
    assert isinstance(state, Fanning)
    assert "?.." == state.status
    desk.ask("ana", "mark", "a", value="done")
    desk.report("a")
    desk.ask("ana", "undo", "a")
    assert 0 == desk.perform("a").failures_max
