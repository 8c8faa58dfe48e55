"""The rehearsal driver: everything a script can say comes about, in no time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from relight.drivers.rehearsal.driver import BEGAN_AT, STILL_MS, Rehearsed
from relight.drivers.rehearsal.moments import Moment
from relight.drivers.rehearsal.script import Event, GateAnswer, ProbeSays, Spell, StepEnd, When
from relight.kernel.facts import (
    AnyFact,
    CheckTurned,
    DriverTookOver,
    GateOpened,
    RetryScheduled,
    StepDispatched,
    StepLost,
)
from relight.kernel.plan import Guard, Retry, Verify
from relight.testing.plans import (
    above,
    act,
    check,
    equal,
    fan,
    gate,
    kind,
    path,
    plan,
    ramp,
    settle_when,
    stage,
    throttle,
    undo_with,
    use,
)

Play: TypeAlias = Callable[..., Rehearsed]
Fact = TypeVar("Fact", bound=AnyFact)


def facts(rehearsed: Rehearsed, of: type[Fact]) -> list[Fact]:
    return [told.fact for told in rehearsed.told if isinstance(told.fact, of)]


FAILS_TWICE = StepEnd(word="fails", times=2, error="no answer")


def test_without_a_script_everything_succeeds(play: Play) -> None:
    """Steps, checks, gates, ramps and hosts all go well, and the run succeeds."""
    found = play(
        plan(
            stage(
                "one", act("a", throttle(percent=10), protective=True), verify=(Verify(check="well", for_ms=60_000),)
            ),
            stage("two", act("b"), gate=gate("well", roles=("owner",))),
            stage("three", act("c", ramp=ramp(25, 50, checks=("well",))), act("d", targets=fan(5, 1, 4))),
            checks=(check("well", above(0.98)),),
        )
    )
    assert found.run.state == "succeeded"
    assert found.ending == "over"
    assert found.duration_ms > 60_000
    assert facts(found, GateOpened)[0].approvers == ("bo",)
    assert set(found.assumed) == {"a", "b", "c", "d"}


def test_hours_pass_in_no_time(play: Play) -> None:
    """A wait of four hours under a watched guard takes no hundredth of that."""
    began = time.perf_counter()
    found = play(
        plan(stage("one", kind("wait", "wait", duration_ms=4 * 3_600_000)), guards=(Guard(check="calm"),)),
    )
    assert found.run.state == "succeeded"
    assert found.duration_ms >= 4 * 3_600_000
    assert time.perf_counter() - began < found.duration_ms / 1_000 / 100


def test_the_same_rehearsal_twice_is_the_same(play: Play) -> None:
    """There are no dice and no clock in it."""
    made = plan(stage("one", act("a", retry=Retry(max_attempts=3)), gate=gate("well")))
    once, again = (play(made, steps={"a": (FAILS_TWICE,)}) for _ in range(2))
    assert once.told == again.told
    assert once.told[0].fact.at == BEGAN_AT


def test_a_step_that_fails_is_tried_again(play: Play) -> None:
    """It fails as often as the script says, and then it succeeds."""
    found = play(plan(stage("one", act("a", retry=Retry(max_attempts=3)))), steps={"a": (FAILS_TWICE,)})
    assert found.run.state == "succeeded"
    assert found.run.steps["a"].attempts == 3
    assert [fact.why for fact in facts(found, RetryScheduled)] == ["no answer", "no answer"]
    assert found.unplayed == ()


def test_a_step_that_fails_for_good_holds(play: Play) -> None:
    """Nobody answers the hold, so the run stands still there."""
    found = play(plan(stage("one", act("a"), act("b"))), steps={"a": (StepEnd(word="fails"),)})
    assert found.run.state == "held"
    assert found.run.holds[0].code == "step-failed"
    assert found.ending == "stands still"
    assert "b" not in found.run.steps


def test_what_the_script_says_and_never_came_is_named(play: Play) -> None:
    """A test that did not test anything is no test."""
    found = play(
        plan(stage("one", act("a"))),
        steps={"a": (StepEnd(), StepEnd(word="fails", times=1))},
        gates={"two": (GateAnswer(word="denied"),)},
        events=(Event(when=When(on=Moment("step", "b", "started")), verb="pause"),),
    )
    assert found.unplayed == ("step a fails", "relight pause at b started", "gate two denied")


def test_a_step_that_times_out_is_stopped_and_unknown(play: Play) -> None:
    """It never reports; its timeout stops it, and a write may or may not have happened."""
    found = play(
        plan(stage("one", act("a", use("deploy", effect="destructive"), timeout_ms=60_000))),
        steps={"a": (StepEnd(word="times-out"),)},
    )
    assert found.run.holds[0].code == "step-unknown"
    assert found.duration_ms >= 60_000


def test_an_unknown_step_is_settled_as_it_happened(play: Play) -> None:
    """The settle probe sees what the script says really happened."""
    made = plan(
        stage(
            "one",
            act(
                "a", use("deploy", effect="destructive"), settle=settle_when(equal("new")), retry=Retry(max_attempts=2)
            ),
        )
    )
    for happened, dispatches in ((True, 1), (False, 2)):
        found = play(made, steps={"a": (StepEnd(word="unknown", times=1, happened=happened),)})
        assert found.run.state == "succeeded"
        assert len(facts(found, StepDispatched)) == dispatches
        assert len(facts(found, StepLost)) == 1


def test_a_check_fails_for_a_while(play: Play) -> None:
    """A ramp steps back while it does, and goes on when it passes again."""
    made = plan(stage("one", act("a", throttle(), ramp=ramp(25, 50, 75, checks=("well",)))), checks=("well",))
    spell = Spell(word="fails", start=When(on=Moment("step", "a", "at", "50")), for_ms=5_000)
    found = play(made, checks={"well": (spell,)})
    assert found.run.state == "succeeded"
    backs = [moment for _, moment in found.story.happened if moment.word == "stepped-back"]
    assert len(backs) == 1


def test_a_blind_check_holds(play: Play) -> None:
    """No data is never a pass."""
    found = play(plan(stage("one", verify=("well",))), checks={"well": (Spell(word="blind"),)})
    assert found.run.holds[0].code == "check-blind"


def test_a_flapping_check_is_not_a_steady_pass(play: Play) -> None:
    """It passes half of the time, which is less than it must."""
    made = plan(stage("one", verify=(Verify(check="well", for_ms=30_000, within_ms=120_000),)))
    found = play(made, checks={"well": (Spell(word="flaps", every_ms=10_000),)})
    assert found.run.holds[0].code == "verify-failed"


def test_a_check_reads_a_value_while_a_stage_lasts(play: Play) -> None:
    """What is said for a stage does not touch the next."""
    made = plan(stage("one", verify=("well",)), stage("two", verify=("well",)), checks=("well",))
    spell = Spell(word="reads", value=9.5, during="one")
    found = play(made, checks={"well": (spell,)})
    assert found.run.state == "succeeded"
    assert [fact.value for fact in facts(found, CheckTurned)] == [9.5, 0]


def test_a_guard_that_is_breached_stops_forward_motion(play: Play) -> None:
    """It clears, and the run goes on."""
    made = plan(
        stage("one", kind("a", "wait", duration_ms=20_000), act("b")),
        guards=(Guard(check="api", breach_after_ms=5_000, on_breach="step_back"),),
    )
    spell = Spell(word="fails", until=When(t_ms=60_000))
    found = play(made, checks={"api": (spell,)})
    assert found.run.state == "succeeded"
    assert [moment.word for _, moment in found.story.happened if moment.name == "api"] == [
        "failed",
        "breached",
        "passed",
        "cleared",
    ]


def test_a_probe_is_blind_for_a_while(play: Play) -> None:
    """It is read again, and what waits for it goes on."""
    made = plan(stage("one", act("a", use("do", of=path("probes.auth.release")))), probes=("auth",))
    answers = (ProbeSays(error="no answer", times=2), ProbeSays(value={"release": 41}))
    found = play(made, probes={"auth": answers})
    assert found.run.state == "succeeded"
    assert facts(found, StepDispatched)[0].args == {"of": 41}


class TestGates:
    """Whoever is asked answers as the script says."""

    made = plan(stage("one", act("a"), gate=gate("well", min_approvals=2, expires_after_ms=900_000), optional=True))

    def test_denied(self, play: Play) -> None:
        """The ticket is closed and the run holds."""
        found = play(self.made, gates={"one": (GateAnswer(word="denied", by=("bo",), reason="not now"),)})
        assert found.run.holds[0].code == "gate-denied"
        assert "bo denied: not now" in found.run.holds[0].text

    def test_ignored(self, play: Play) -> None:
        """It expires, and nothing goes on."""
        found = play(self.made, gates={"one": (GateAnswer(word="ignored"),)})
        assert found.run.holds[0].code == "gate-expired"

    def test_denied_and_asked_anew(self, play: Play) -> None:
        """The second asking has an answer of its own."""
        events = (Event(when=When(on=Moment("run", "", "held", "gate-denied"), after_ms=60_000), verb="ask"),)
        found = play(self.made, gates={"one": (GateAnswer(word="denied"),)}, events=events)
        assert found.run.state == "succeeded"

    def test_skipped(self, play: Play) -> None:
        """An optional stage is left out."""
        found = play(self.made, gates={"one": (GateAnswer(word="skipped"),)})
        assert found.run.past == {"one": "skipped"}

    def test_somebody_without_the_role(self, play: Play) -> None:
        """They are refused, as the script says, and nobody else answers."""
        answers = (GateAnswer(by=("cy", "stranger"), refused=True),)
        found = play(self.made, gates={"one": answers})
        assert [(refusal.who.split(":")[0], refusal.expected) for refusal in found.refusals] == [
            ("cy", True),
            ("os", True),
        ]
        assert found.run.holds[0].code == "gate-expired"

    def test_too_late(self, play: Play) -> None:
        """A ticket that has expired opens nothing."""
        events = (Event(when=When(t_ms=1_000_000), verb="approve", by="bo", refused=True),)
        found = play(self.made, gates={"one": (GateAnswer(word="ignored"),)}, events=events)
        assert found.run.state == "held"
        assert found.refusals[0].expected

    def test_a_refusal_that_did_not_come(self, play: Play) -> None:
        """Who was to be refused and was not is named."""
        found = play(self.made, gates={"one": (GateAnswer(by=("ana", "bo"), refused=True),)})
        assert found.unrefused == ("ana: approve", "bo: approve")

    def test_people_wait_until_what_is_required_passes(self, play: Play) -> None:
        """Nobody approves what cannot open."""
        spell = Spell(word="fails", until=When(t_ms=300_000))
        found = play(self.made, checks={"well": (spell,)})
        opened = facts(found, GateOpened)[0]
        assert 300_000 <= opened.t < 310_000


class TestPeople:
    """People say what the command line lets them say, when its moment has come."""

    def test_a_pause_and_its_end(self, play: Play) -> None:
        """Nothing goes forward between the two."""
        paused = Event(when=When(on=Moment("step", "a", "started")), verb="pause", by="dee")
        resumed = Event(when=When(on=Moment("run", "", "paused"), after_ms=3_600_000), verb="resume")
        found = play(plan(stage("one", act("a"), act("b"))), events=(paused, resumed))
        assert found.run.state == "succeeded"
        assert found.duration_ms > 3_600_000

    def test_a_pause_for_ever(self, play: Play) -> None:
        """A run that waits for people who say nothing stands still."""
        found = play(plan(stage("one", act("a"), act("b"))), events=(Event(when=When(), verb="pause"),))
        assert found.run.state == "paused"
        assert found.ending == "stands still"

    def test_an_abort(self, play: Play) -> None:
        """Protective effects stay in force."""
        made = plan(stage("one", act("a", throttle(percent=10), protective=True), act("b"), act("c")))
        found = play(made, events=(Event(when=When(on=Moment("step", "b", "started")), verb="abort"),))
        assert found.run.state == "aborted"
        assert [entry.step for entry in found.run.ledger.values()] == ["a"]

    def test_a_mark(self, play: Play) -> None:
        """A person settles what nothing else can."""
        mark = Event(when=When(on=Moment("run", "", "held", "step-unknown")), verb="mark", words=("a", "done"))
        found = play(
            plan(stage("one", act("a", use("deploy", effect="destructive")))),
            steps={"a": (StepEnd(word="unknown", happened=True),)},
            events=(mark,),
        )
        assert found.run.state == "succeeded"

    def test_a_manual_task(self, play: Play) -> None:
        """Somebody does it and marks it, unless the script says that nobody does, or who does and when."""
        made = plan(stage("one", kind("look", "manual", instruction="Look at the dashboard")))
        assert play(made).run.state == "succeeded"
        assert play(made, steps={"look": (StepEnd(word="times-out"),)}).run.state == "waiting"
        assert play(made, steps={"look": (StepEnd(word="fails"),)}).run.holds[0].code == "step-failed"
        done = Event(
            when=When(on=Moment("step", "look", "asked"), after_ms=60_000), verb="mark", words=("look", "done")
        )
        assert play(made, events=(done,)).run.state == "succeeded"

    def test_an_undo_that_fails(self, play: Play) -> None:
        """What is undone ends as the script says."""
        made = plan(stage("one", act("a", undo=undo_with(use("unset"))), act("b")))
        undo = Event(when=When(on=Moment("step", "b", "started")), verb="undo", words=("a",))
        found = play(made, undos={"a": (StepEnd(word="fails", retry=False),)}, events=(undo,))
        assert (found.run.holds[0].code, found.unplayed) == ("undo-failed", ())

    def test_an_abort_that_cannot_undo(self, play: Play) -> None:
        """A rehearsal may end as failed: the script has the undo fail that the abort begins."""
        made = plan(stage("one", act("a", undo=undo_with(use("unset"))), act("b")), on_abort="undo")
        abort = Event(when=When(on=Moment("step", "b", "started")), verb="abort", reason="wrong site")
        found = play(made, undos={"a": (StepEnd(word="fails", retry=False, error="busy"),)}, events=(abort,))
        assert (found.run.outcome, found.run.left) == ("failed", ("a@fake:a",))
        assert found.run.why.endswith("could not be undone: a@fake:a: busy")


class TestDrivers:
    """A driver dies, and the next one goes on from the facts."""

    def test_what_it_had_in_hand_is_unknown(self, play: Play) -> None:
        """What is idempotent is done again; what is not is asked about."""
        killed = Event(when=When(on=Moment("step", "a", "started"), after_ms=500), kills=True)
        found = play(plan(stage("one", act("a", throttle(percent=10)))), events=(killed,))
        assert found.run.state == "succeeded"
        assert found.run.steps["a"].attempts == 2
        assert [fact.epoch for fact in facts(found, DriverTookOver)] == [1, 2]
        once = play(plan(stage("one", act("a", use("deploy", effect="destructive")))), events=(killed,))
        assert once.run.holds[0].code == "step-unknown"

    def test_whether_it_happened_is_settled(self, play: Play) -> None:
        """The settle probe tells the next driver."""
        step = act("a", use("deploy", effect="destructive"), settle=settle_when(equal("new")))
        killed = Event(when=When(on=Moment("step", "a", "started")), kills=True, happened=True)
        found = play(plan(stage("one", step)), events=(killed,))
        assert found.run.state == "succeeded"
        assert len(facts(found, StepDispatched)) == 1


def test_hosts_fail_as_the_script_says(play: Play) -> None:
    """Only those that are named do."""
    made = plan(stage("one", act("a", targets=fan(4, 1, 3, max_failures=1))))
    found = play(made, steps={"a": (StepEnd(word="fails", hosts=("h2",), retry=False),)})
    assert found.run.holds[0].code == "step-failed"
    assert "h2" in found.run.holds[0].text


def test_a_move_of_a_ramp_fails(play: Play) -> None:
    """Only the move to that value does, and the ramp stays at the one below."""
    made = plan(stage("one", act("a", throttle(), ramp=ramp(25, 50, 75, checks=("well",)))), checks=("well",))
    found = play(made, steps={"a": (StepEnd(word="fails", at=50, retry=False),)})
    assert found.run.holds[0].code == "step-failed"
    assert next(iter(found.run.ledger.values())).value["percent"] == 25


def test_it_ends_where_nothing_would_ever_change(play: Play) -> None:
    """A precondition that never turns keeps nobody waiting for ever."""
    never = check("well", on_inconclusive="wait")
    found = play(plan(stage("one", act("a"), pre=("well",)), checks=(never,)), checks={"well": (Spell(word="blind"),)})
    assert found.ending == "stands still"
    assert found.run.state == "running"
    assert found.duration_ms < STILL_MS


def test_a_limit_breaks_it_off(play: Play) -> None:
    """What takes longer than it may is broken off there."""
    made = plan(stage("one", kind("wait", "wait", duration_ms=3_600_000)))
    found = play(made, limit_ms=600_000)
    assert found.ending == "broken off"


def test_nothing_in_it_can_call_anything() -> None:
    """Whoever imports the rehearsal has no plugin, no provider and no secret within reach: absent, not switched off."""
    code = (
        "import sys, relight.drivers.rehearsal.driver\n"
        "print([name for name in sys.modules if name.startswith(('relight.sdk', 'relight.runbook', "
        "'relight.drivers.live', 'relight_')) or name in ('asyncio', 'socket', 'subprocess', 'pydantic')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
