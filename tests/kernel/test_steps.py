"""Plain steps: order, conditions, retries, timeouts, waits, probes, tasks by hand, and outcomes that nobody knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relight.errors import NotNow, NotPermitted
from relight.kernel import facts as f
from relight.kernel.intents import Perform, ReadProbe, Wake
from relight.kernel.plan import Retry
from relight.kernel.state import Prepared
from relight.testing.desk import Desk, desk_of
from relight.testing.plans import (
    act,
    equal,
    fan,
    kind,
    lasting,
    path,
    plan,
    settle_when,
    stage,
    throttle,
    undo_previous,
    undo_with,
    use,
)

THREE = Retry(max_attempts=3, backoff_ms=1_000, max_backoff_ms=1_500)
READING = use("look", effect="read")


def test_steps_run_in_order_and_the_run_succeeds() -> None:
    """A stage's steps run one after the other, the stages too, and then the run is over."""
    desk = Desk(plan(stage("one", act("a"), act("b")), stage("two", act("c"))))
    for step in "abc":
        assert [step] == desk.performing
        desk.report(step)
    assert "succeeded" == desk.run.state
    assert [] == desk.ids


def test_an_outcome_and_the_next_dispatch_are_one_transaction() -> None:
    """What follows from an outcome is said with it, so that both are one commit."""
    desk = desk_of(act("a"), act("b"))
    assert ["StepSucceeded", "StepDispatched"] == desk.kinds(desk.report("a"))


def test_nothing_happens_before_a_driver_begins() -> None:
    """A run without a driver wants nothing and goes nowhere."""
    desk = Desk(plan(stage("one", act("a"))), drive=False)
    assert ("pending", []) == (desk.run.state, desk.ids)
    assert [] == desk.tick(1_000)


def test_a_stage_without_steps_is_verified_at_once() -> None:
    """An empty stage, and a plan without stages, end by themselves."""
    assert "succeeded" == Desk(plan(stage("one"), stage("two"))).run.state
    assert "succeeded" == Desk(plan()).run.state


# ---- conditions and arguments


def test_a_step_whose_when_is_false_is_skipped() -> None:
    """``when`` decides; anything but true is false."""
    desk = desk_of(act("a", when=path("inputs.no")), act("b"), scope={"inputs": {"no": "yes"}})
    assert ("skipped", ["b"]) == (desk.word("a"), desk.performing)


def test_a_stage_whose_when_is_false_is_skipped() -> None:
    """A stage that does not apply asks nobody and starts nothing."""
    desk = Desk(plan(stage("one", act("a"), when=path("inputs.no")), scope={"inputs": {"no": False}}))
    assert ("succeeded", {"one": "skipped"}) == (desk.run.state, desk.run.past)


def test_arguments_are_evaluated_once_when_the_step_is_dispatched() -> None:
    """Results of earlier steps reach later arguments, whole trees of them, and the intent carries plain data."""
    later = use("warm", nodes=[path("steps.scale.result.added"), 1], how={"rate": path("inputs.rate"), "x": None})
    desk = desk_of(act("scale"), act("warm", later), scope={"inputs": {"rate": 50}})
    desk.report("scale", result={"added": ["edge-6"]})
    assert {"nodes": [["edge-6"], 1], "how": {"rate": 50, "x": None}} == desk.perform("warm").args


def test_expressions_read_the_run_the_site_and_checks() -> None:
    """``run``, ``site`` and the last turn of a check are in scope; a check that never turned is not."""
    what = use("say", run=path("run.id"), site=path("site.id"), calm=path("checks.calm.value"))
    desk = Desk(
        plan(stage("one", act("a"), verify=("calm",)), stage("two", act("b", what)), scope={"site": {"id": "s"}})
    )
    desk.report("a")
    desk.turn("verify:", "calm", value=3)
    assert {"run": "run-1", "site": "s", "calm": 3} == desk.perform("b").args


def test_an_expression_that_fails_holds_and_retry_begins_the_step_again() -> None:
    """Bad data never crashes a run: it holds and says which expression met what; the step has not happened."""
    desk = desk_of(act("a", use("do", this=path("steps.gone.result"))), act("b"))
    assert ["expression-failed"] == desk.holds
    assert "steps.gone.result" in desk.run.holds[0].text
    assert ["HoldLeft", "StepReopened", "Held"] == desk.kinds(desk.ask("ana", "retry", "a"))
    desk.ask("ana", "skip", "a", reason="not needed today")
    assert ["b"] == desk.performing


def test_results_that_no_later_expression_names_are_dropped() -> None:
    """Of earlier stages only the results that are named later stay in the state."""
    stages = (stage("one", act("a"), act("b")), stage("two", act("c")))
    desk = Desk(plan(*stages, later_names=("steps.b.result",)))
    desk.report("a", result=1)
    desk.report("b", result=2)
    assert (None, 2) == (desk.run.steps["a"].result, desk.run.steps["b"].result)


# ---- probes


def test_a_named_probe_is_read_before_the_step_that_names_it() -> None:
    """A probe's answer is awaited; a failed reading is tried again after a while."""
    desk = desk_of(act("a", use("do", to=path("probes.seen.previous"))), probes=("seen",))
    assert [] == desk.performing
    desk.read("probe:seen", error="refused")
    assert desk.t + 2_000 == desk.wanted(ReadProbe)[0].not_before_t
    desk.read("probe:seen", {"previous": 40})
    assert {"to": 40} == desk.perform("a").args


def test_a_probe_that_cannot_be_read_holds_and_retry_reads_it_anew() -> None:
    """After four failed readings a person is asked, and no more are taken until they answer."""
    desk = desk_of(act("a", when=path("probes.seen")), probes=("seen",))
    for _ in range(4):
        desk.read("probe:seen", error="refused")
    assert (["probe-blind"], []) == (desk.holds, desk.wanted(ReadProbe))
    desk.ask("ana", "retry", "a")
    desk.read("probe:seen", True)
    assert ["a"] == desk.performing


def test_a_protective_step_waits_for_no_probe_that_only_its_undo_names() -> None:
    """Nothing may stand before a protective step; what its settling and undo read is read meanwhile."""
    settle = replace(settle_when(equal(1)), use=use("probe.settle", effect="read", of=path("probes.seen")))
    desk = desk_of(act("a", throttle(percent=10), protective=True, settle=settle), probes=("seen",))
    assert ["a"] == desk.performing
    assert ["probe:seen:one:0:0:0"] == [item.id for item in desk.wanted(ReadProbe)]


def test_a_probe_steps_answer_is_judged_and_kept() -> None:
    """A probe step passes when its criterion does, and its answer is its result; else it failed, and may be retried."""
    desk = desk_of(kind("look", "probe", use=READING, pass_when=equal(1), retry=THREE), act("b"))
    assert ["RetryScheduled"] == desk.kinds(desk.report("look", result=0))[1:]
    desk.tick(1_500)
    desk.report("look", result=1)
    assert ("succeeded", 1) == (desk.word("look"), desk.run.steps["look"].result)


def test_a_probe_step_whose_criterion_cannot_work_on_its_answer_fails() -> None:
    """An answer of the wrong shape is a failure of the step, not of the run."""
    desk = desk_of(kind("look", "probe", use=READING, pass_when=path("value.deep")))
    desk.report("look", result=3)
    assert ["step-failed"] == desk.holds


def test_a_probe_step_without_a_criterion_takes_any_answer() -> None:
    """Without ``pass_when`` having an answer is enough."""
    desk = desk_of(kind("look", "probe", use=READING))
    desk.report("look", result={"any": "thing"})
    assert "succeeded" == desk.run.state


# ---- failing


def test_retries_wait_exponentially_with_jitter_seeded_by_the_run() -> None:
    """Backoff doubles up to its maximum, at least half of it is waited, and a replay waits exactly as long."""
    waits = []
    desk = desk_of(act("a", retry=Retry(max_attempts=4, backoff_ms=1_000, max_backoff_ms=3_000)))
    for _ in range(3):
        desk.report("a", "failed", error="no")
        due = desk.wanted(Wake)[0].t
        waits.append(due - desk.t)
        assert [] == desk.performing
        desk.tick(due - desk.t)
    assert all(
        low <= wait <= high for wait, (low, high) in zip(waits, ((500, 1000), (1000, 2000), (1500, 3000)), strict=True)
    )
    assert 4 == desk.run.steps["a"].attempts


def test_every_attempt_has_the_same_key() -> None:
    """The idempotency key says which deed it is, not which try."""
    desk = desk_of(act("a", retry=THREE))
    first = desk.perform("a")
    desk.report("a", "failed", error="no")
    desk.tick(2_000)
    assert (first.key, first.dispatch + 1) == (desk.perform("a").key, desk.perform("a").dispatch)


def test_a_step_says_itself_when_to_try_again_or_to_stop() -> None:
    """``retry_after`` is heeded, and a failure that cannot be mended by trying again is final."""
    desk = desk_of(act("a", retry=THREE))
    desk.report("a", "failed", error="busy", retry_after_ms=30_000)
    assert [desk.t + 30_000] == [wake.t for wake in desk.wanted(Wake)]
    desk.tick(30_000)
    desk.report("a", "failed", error="forbidden", retry=False)
    assert ["step-failed"] == desk.holds


def test_nobody_is_put_off_for_ever() -> None:
    """A quarter of an hour is heeded; what protects waits no longer than its own longest backoff."""
    for step, longest in ((act("a", retry=THREE), 900_000), (act("a", retry=THREE, protective=True), 60_000)):
        desk = desk_of(replace(step, retry=replace(THREE, max_backoff_ms=60_000)))
        desk.report("a", "failed", error="busy", retry_after_ms=86_400_000)
        assert [desk.t + longest] == [wake.t for wake in desk.wanted(Wake)]


def test_a_failed_step_holds_and_retry_tries_it_as_often_again() -> None:
    """The attempts of a person's retry count anew."""
    desk = desk_of(act("a", retry=Retry(max_attempts=2, backoff_ms=0)))
    for _ in range(2):
        desk.report("a", "failed", error="no")
        desk.tick(1)
    assert (["step-failed"], "failed") == (desk.holds, desk.word("a"))
    desk.ask("ana", "retry", "a")
    desk.report("a", "failed", error="no")
    assert [] == desk.holds
    desk.tick(1)
    desk.report("a")
    assert "succeeded" == desk.run.state


def test_on_failure_continue_goes_on() -> None:
    """A step that may fail is recorded as failed, and the next begins."""
    desk = desk_of(act("a", on_failure="continue"), act("b"))
    desk.report("a", "failed", error="no")
    assert ("failed", "no", ["b"]) == (desk.word("a"), desk.run.steps["a"].error, desk.performing)


def test_mark_done_records_work_done_by_hand() -> None:
    """Whoever mended it by hand says so, and the effect enters the ledger as if the step had made it."""
    desk = desk_of(act("a", throttle(percent=10), protective=True), act("b"))
    desk.report("a", "failed", error="no")
    desk.ask("bo", "mark", "a", value="done", reason="did it in the console")
    assert ("succeeded", ["b"]) == (desk.word("a"), desk.performing)
    assert {"percent": 10} == desk.run.ledger["admission.throttle@fake"].value


def test_mark_done_by_hand_needs_arguments_that_can_be_told() -> None:
    """What cannot be told is not entered; the person is told to skip instead."""
    desk = desk_of(
        kind("look", "probe", use=READING), act("a", use("do", this=path("checks.calm.value"))), verify=("calm",)
    )
    desk.report("look")
    assert ["expression-failed"] == desk.holds
    with pytest.raises(NotNow, match="nothing to mark"):
        desk.ask("ana", "mark", "a", value="done")


# ---- timeouts, stopping, unknown outcomes


def test_a_step_that_takes_too_long_is_stopped_and_then_unknown() -> None:
    """At its deadline it is told to stop; if nothing is heard within the grace, nobody knows what became of it."""
    desk = desk_of(act("a", timeout_ms=1_000))
    assert [1_000] == [wake.t for wake in desk.wanted(Wake)]
    desk.tick(1_000)
    assert ([1], []) == (desk.stopping, desk.performing)
    assert [13_000] == [wake.t for wake in desk.wanted(Wake)]
    desk.tick(12_000)
    assert (["step-unknown"], "unknown") == (desk.holds, desk.word("a"))
    assert "longer than its timeout" in desk.run.holds[0].text


def test_a_step_that_was_stopped_in_time_failed_of_its_timeout() -> None:
    """What it reports after the stop is taken, with the reason of the stop."""
    desk = desk_of(act("a", timeout_ms=1_000))
    desk.tick(1_000)
    desk.report("a", "failed", error="killed")
    assert "it took longer than its timeout; killed" == desk.run.steps["a"].error


def test_an_idempotent_step_is_done_again_with_the_same_key() -> None:
    """Only what is declared idempotent is dispatched again while nobody knows, and not for ever."""
    desk = desk_of(act("a", replace(use("a"), idempotent=True)))
    key = desk.perform("a").key
    for number in range(2, 5):
        desk.report("a", "unknown", error="lost")
        assert (number, key) == (desk.perform("a").dispatch, desk.perform("a").key)
    desk.report("a", "unknown", error="lost")
    assert ["step-unknown"] == desk.holds


def test_what_destroys_is_not_done_again_even_if_it_is_idempotent() -> None:
    """Its plugin may be sure; nobody else is. Of a fan-out the same, and of an undo."""
    destroy = replace(use("flush", effect="destructive"), idempotent=True)
    for step in (act("a", destroy), act("a", destroy, targets=fan(2))):
        desk = desk_of(step)
        desk.report("a", "unknown", error="lost")
        assert (["step-unknown"], []) == (desk.holds, desk.performing)
    desk = desk_of(act("a", undo=undo_with(destroy)), kind("task", "manual"))
    desk.report("a")
    desk.ask("ana", "undo", "a")
    desk.report("a", "unknown", error="lost")
    assert (["undo-failed"], []) == (desk.holds, desk.performing)


def test_another_step_holds_for_a_person_who_says_what_became_of_it() -> None:
    """``mark done`` goes on; ``mark not-done`` is a failed attempt, and is tried again or fails."""
    desk = desk_of(act("a", retry=THREE), act("b"))
    desk.report("a", "unknown", error="connection lost")
    assert ["step-unknown"] == desk.holds
    with pytest.raises(NotNow, match="not known; say which first"):
        desk.ask("ana", "skip", "a", reason="never mind")
    desk.ask("ana", "mark", "a", value="not-done")
    desk.tick(2_000)
    desk.report("a", "unknown", error="connection lost")
    desk.ask("ana", "mark", "a", value="done")
    assert ["b"] == desk.performing


def test_a_late_report_settles_an_unknown_step() -> None:
    """What is heard after all counts, and ends the hold that asked for it; a second one changes nothing."""
    desk = desk_of(act("a", timeout_ms=1_000), act("b"))
    late = desk.dispatch("a").number
    desk.tick(13_000)
    assert ["step-unknown"] == desk.holds
    facts = desk.say_report(late, "succeeded", result=7)
    assert (["StepSettled", "HoldLeft", "StepDispatched"], 7) == (desk.kinds(facts), desk.run.steps["a"].result)
    assert [] == desk.say_report(late, "failed")


def test_a_late_report_of_a_failure_is_a_failed_attempt() -> None:
    """A late failure is certain knowledge: it did not happen."""
    desk = desk_of(act("a", timeout_ms=1_000))
    desk.tick(13_000)
    desk.say_report(1, "unknown")
    assert ["step-unknown"] == desk.holds
    desk.say_report(1, "failed", error="refused")
    assert ["step-failed"] == desk.holds


def test_a_late_report_to_another_driver_settles_nothing() -> None:
    """Only a result of this epoch is believed: what a dead driver's child says comes to nobody."""
    desk = desk_of(act("a"))
    desk.take_over()
    assert ["step-unknown"] == desk.holds
    desk.take_over()
    assert [] == desk.say_report(1, "succeeded")


def test_a_settle_probe_tells_that_it_happened() -> None:
    """The probe is read until its criterion holds; then the step is done and its answer the result."""
    desk = desk_of(act("a", settle=settle_when(equal(1), within_ms=3_000, interval_ms=1_000)), act("b"))
    desk.report("a", "unknown", error="lost")
    assert ("unknown", []) == (desk.word("a"), desk.holds)
    desk.read("settle:a", 0)
    assert 1_000 == desk.wanted(ReadProbe)[0].not_before_t
    desk.tick(1_000)
    desk.read("settle:a", 1)
    assert ("succeeded", ["b"]) == (desk.word("a"), desk.performing)


def test_a_settle_probe_that_says_no_is_believed_after_its_time() -> None:
    """Within its time a no may be too early; after it the step has not happened and is tried again or fails."""
    desk = desk_of(act("a", settle=settle_when(equal(1), within_ms=3_000)))
    desk.report("a", "unknown", error="lost")
    desk.read("settle:a", 0)
    desk.tick(3_000)
    desk.read("settle:a", 0)
    assert ["step-failed"] == desk.holds


@pytest.mark.parametrize("idempotent", [False, True])
def test_a_settle_probe_that_says_nothing_leaves_it_to_a_person(idempotent: bool) -> None:
    """Blind in all its time, the outcome goes to a person, or is done again where that is harmless."""
    desk = desk_of(act("a", replace(use("a"), idempotent=idempotent), settle=settle_when(equal(1), within_ms=3_000)))
    desk.report("a", "unknown", error="lost")
    desk.read("settle:a", error="refused")
    desk.tick(6_000)
    assert (["a"] if idempotent else []) == desk.performing
    assert ([] if idempotent else ["step-unknown"]) == desk.holds


def test_retry_asks_the_settle_probe_once_more() -> None:
    """A person who mended the network has the probe read again instead of guessing."""
    desk = desk_of(act("a", settle=settle_when(equal(1))))
    desk.report("a", "unknown", error="lost")
    desk.tick(6_000)
    assert (["step-unknown"], []) == (desk.holds, desk.wanted(ReadProbe))
    desk.ask("ana", "retry", "a")
    desk.read("settle:a", 1)
    assert "succeeded" == desk.run.state


def test_a_settle_probe_whose_criterion_fails_leaves_it_to_a_person() -> None:
    """An answer that the criterion cannot work on settles nothing."""
    desk = desk_of(act("a", settle=settle_when(path("value.release"))))
    desk.report("a", "unknown", error="lost")
    desk.read("settle:a", 3)
    assert ["step-unknown"] == desk.holds


def test_settling_goes_on_while_the_run_is_paused_or_holds_for_something_else() -> None:
    """Finding out is no forward motion; going on with what was found out is."""
    desk = desk_of(act("a", settle=settle_when(equal(1))), act("b"))
    desk.report("a", "unknown", error="lost")
    desk.ask("dee", "pause")
    desk.read("settle:a", 1)
    assert ("succeeded", []) == (desk.word("a"), desk.performing)
    desk.ask("dee", "resume")
    assert ["b"] == desk.performing


def test_a_reading_that_was_lost_with_its_driver_is_taken_again() -> None:
    """A probe step changes nothing, so it needs no person; it has used up none of its attempts."""
    desk = desk_of(kind("look", "probe", use=READING))
    desk.take_over()
    assert ["look"] == desk.performing
    desk.report("look", "unknown", error="timeout")
    assert ["step-failed"] == desk.holds


def test_a_report_of_something_that_never_was_changes_nothing() -> None:
    """The world never raises: what no longer matters gives no facts."""
    desk = desk_of(act("a"))
    assert [] == desk.say_report(99, "succeeded")


# ---- the value in force before


def test_the_value_in_force_is_read_before_it_is_changed() -> None:
    """``undo: previous`` needs the value before, so it is read first, for the undo to bring it back."""
    what = replace(throttle(percent=10), reads_value=True)
    desk = desk_of(act("a", what, undo=undo_previous()))
    reading = desk.wanted(ReadProbe)[0]
    assert (True, 5_000, {"percent": 10}) == (reading.value_in_force, reading.timeout_ms, reading.args)
    desk.read("before:a", {"percent": 80})
    desk.report("a")
    entry = desk.run.ledger["admission.throttle@fake"]
    assert ({"percent": 80}, {"percent": 80}) == (entry.before, entry.undo.args if entry.undo else None)


def test_nothing_in_force_before_means_the_neutral_value() -> None:
    """Where nothing was in force, undoing it goes to the value at which nothing is."""
    desk = desk_of(act("a", replace(throttle(percent=10), reads_value=True), undo=undo_previous()))
    desk.read("before:a", None)
    desk.report("a")
    undo = desk.run.ledger["admission.throttle@fake"].undo
    assert undo is not None
    assert {"percent": 100} == undo.args


def test_a_value_that_cannot_be_read_delays_nothing() -> None:
    """An error, or silence for five seconds, is no reason to wait; then there is no way back, and that is shown."""
    what = replace(throttle(percent=10), reads_value=True)
    desk = desk_of(act("a", what, undo=undo_previous()))
    desk.read("before:a", error="refused")
    assert ["a"] == desk.performing
    desk = desk_of(act("a", what, undo=undo_previous()))
    desk.tick(5_000)
    desk.report("a")
    assert desk.run.ledger["admission.throttle@fake"].undo is None


def test_a_protective_step_starts_within_a_second() -> None:
    """Nine tenths of a second are given to the reading, not more."""
    desk = desk_of(act("a", replace(throttle(percent=10), reads_value=True), protective=True))
    assert [900] == [item.timeout_ms for item in desk.wanted(ReadProbe)]
    desk.tick(900)
    assert ["a"] == desk.performing


def test_a_value_that_was_read_starts_nothing_in_a_run_that_stands_still() -> None:
    """The reading is kept, and the step begins when the run goes on; after an abort it never does."""
    what = replace(lasting("deploy.freeze"), reads_value=True)
    desk = desk_of(act("a", what, undo=undo_previous()))
    desk.ask("dee", "pause")
    desk.read("before:a", {"service": "auth"})
    assert [] == desk.performing
    desk.ask("dee", "resume")
    assert {"service": "auth"} == desk.dispatch("a").before
    desk = desk_of(act("a", what))
    desk.ask("dee", "abort")
    assert ("aborted", []) == (desk.run.state, desk.wanted(Perform))


def test_a_retry_keeps_the_value_that_was_read_before_the_first_attempt() -> None:
    """After a failed attempt the value in force may be a half-made one, so it is not read again."""
    what = replace(throttle(percent=10), reads_value=True)
    desk = desk_of(act("a", what, undo=undo_previous(), retry=THREE))
    desk.read("before:a", {"percent": 80})
    desk.report("a", "failed", error="no")
    desk.tick(2_000)
    assert ({"percent": 80}, True) == (desk.dispatch("a").before, desk.dispatch("a").before_known)
    assert [] == desk.wanted(ReadProbe)


def test_a_new_driver_reads_the_value_in_its_full_time() -> None:
    """A takeover begins the reading anew instead of going on without it."""
    desk = desk_of(act("a", replace(throttle(percent=10), reads_value=True)))
    desk.tick(4_000)
    desk.take_over()
    desk.tick(4_000)
    assert isinstance(desk.run.steps["a"].state, Prepared)
    desk.tick(1_000)
    assert ["a"] == desk.performing


# ---- waits, manual tasks, side by side


def test_a_wait_waits() -> None:
    """A wait dispatches nothing and ends by the clock; its length may be an expression."""
    desk = desk_of(kind("w", "wait", duration_ms=path("inputs.ms")), scope={"inputs": {"ms": 5_000}})
    desk.tick(4_999)
    assert "running" == desk.word("w")
    desk.tick(1)
    assert "succeeded" == desk.run.state


@pytest.mark.parametrize("length", ["soon", True, None])
def test_a_wait_of_no_length_holds(length: object) -> None:
    """What is no number of milliseconds is an expression that failed, never a crash."""
    desk = desk_of(kind("w", "wait", duration_ms=path("inputs.ms")), scope={"inputs": {"ms": length}})
    assert ["expression-failed"] == desk.holds


def test_a_manual_task_waits_for_somebody_to_mark_it() -> None:
    """Its instruction is shown; done goes on, with who did it as the result."""
    desk = desk_of(
        kind("m", "manual", instruction=path("inputs.what")), act("b"), scope={"inputs": {"what": "pull it"}}
    )
    assert "waiting" == desk.run.state
    asked = [fact for fact in desk.facts if isinstance(fact, f.ManualAsked)]
    assert ["pull it"] == [fact.instruction for fact in asked]
    with pytest.raises(NotPermitted, match="not one of the site's people"):
        desk.ask("os:stranger", "mark", "m", value="done")
    desk.ask("dee", "mark", "m", value="done", reason="pulled")
    assert ({"by": "dee", "note": "pulled"}, ["b"]) == (desk.run.steps["m"].result, desk.performing)


@pytest.mark.parametrize(("on_failure", "holds"), [("hold", ["step-failed"]), ("continue", [])])
def test_a_manual_task_that_was_not_done_failed(on_failure: str, holds: list[str]) -> None:
    """Not done is a failure like any other."""
    desk = desk_of(kind("m", "manual", on_failure=on_failure), act("b"))
    desk.ask("dee", "mark", "m", value="not-done", reason="no key")
    assert (holds, "dee marked it not done: no key") == (desk.holds, desk.run.steps["m"].error)


@pytest.mark.parametrize(
    ("subject", "value", "why"),
    [("m", "maybe", "neither done nor not-done"), ("x", "done", "no step 'x'"), ("b", "done", "b is pending")],
)
def test_mark_says_why_it_cannot(subject: str, value: str, why: str) -> None:
    """A mark that settles nothing is refused in words."""
    desk = desk_of(kind("m", "manual"), act("b"))
    with pytest.raises(NotNow, match=why):
        desk.ask("dee", "mark", subject, value=value)


def test_parallel_steps_run_side_by_side_and_the_next_waits_for_all() -> None:
    """A group begins together; a member's failure holds the run and leaves the others be."""
    desk = desk_of(act("a", group=1), act("b", group=1), act("c", group=1), act("d"))
    assert ["a", "b", "c"] == desk.performing
    desk.report("b")
    desk.report("a", "failed", error="no")
    assert (["step-failed"], ["c"]) == (desk.holds, desk.performing)
    desk.report("c")
    desk.ask("ana", "retry", "a")
    assert ["a"] == desk.performing
    desk.report("a")
    assert ["d"] == desk.performing


def test_a_timeout_is_kept_although_another_step_waits_for_a_person() -> None:
    """What stands still does not hide what is due: every moment is a wake-up of its own."""
    desk = desk_of(act("a", group=1, retry=THREE), act("b", group=1, timeout_ms=60_000))
    desk.report("a", "failed", error="no")
    desk.ask("dee", "pause")
    desk.tick(60_000)
    assert [2] == desk.stopping


# ---- skipping


def test_skip_needs_a_reason_and_leaves_the_step_out() -> None:
    """Skipping forward is a decision with a reason, for a step that holds or waits."""
    desk = desk_of(kind("m", "manual"), act("b"))
    with pytest.raises(NotNow, match="needs a reason"):
        desk.ask("dee", "skip", "m")
    desk.ask("dee", "skip", "m", reason="done last week")
    assert ("skipped", ["b"]) == (desk.word("m"), desk.performing)


def test_skip_says_why_it_cannot() -> None:
    """Under way, elsewhere, done: each is refused in words."""
    desk = desk_of(act("a", group=1), act("b", group=1), act("c"))
    desk.report("b")
    for subject, why in (("a", "under way"), ("c", "not where the run stands"), ("b", "succeeded already")):
        with pytest.raises(NotNow, match=why):
            desk.ask("dee", "skip", subject, reason="because")
    with pytest.raises(NotNow, match="nothing here can be skipped"):
        desk.ask("dee", "skip", "nothing", reason="because")
