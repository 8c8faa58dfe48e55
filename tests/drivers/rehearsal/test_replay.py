"""A past run as a rehearsal: the same plan decides the same, another one is caught at its first other decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from relight.drivers.rehearsal.driver import Rehearsed
from relight.drivers.rehearsal.explaining import Unexplained
from relight.drivers.rehearsal.moments import Moment
from relight.drivers.rehearsal.replay import replay
from relight.drivers.rehearsal.script import Event, GateAnswer, ProbeSays, Spell, StepEnd, When
from relight.kernel import facts as f
from relight.kernel.plan import Guard, Plan, Retry
from relight.testing.plans import (
    act,
    equal,
    fan,
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
    use,
)

Play: TypeAlias = Callable[..., Rehearsed]


def said(rehearsed: Rehearsed) -> list[f.AnyFact]:
    """Return the facts of a rehearsal."""
    return [told.fact for told in rehearsed.told]


def at(kind_of: Any, name: str, word: str, value: str = "", after_ms: int = 0) -> When:
    """Return a moment."""
    return When(on=Moment(kind_of, name, word, value), after_ms=after_ms)


ROLLBACK = act(
    "undeploy",
    use("deploy.rollback", effect="destructive", to=path("probes.auth.previous")),
    settle=settle_when(equal("new")),
    retry=Retry(max_attempts=3),
)
WHOLE = plan(
    stage("one", act("throttle", throttle(percent=10), protective=True), verify=("well",)),
    stage("two", ROLLBACK, gate=gate("well"), optional=True),
    stage("three", act("hosts", targets=fan(5, 1, 4, between=("well",))), kind("look", "manual", instruction="Look")),
    stage("four", act("set", lasting("set", value=1), undo=undo_previous())),
    stage(
        "five", act("admit", throttle(), ramp=ramp(25, 50, 100, checks=("well",))), gate=gate("well", roles=("owner",))
    ),
    checks=("well",),
    probes=("auth",),
    guards=(Guard(check="api", breach_after_ms=3_000, on_breach="step_back"),),
)
LOOKED = Event(when=at("step", "look", "asked", after_ms=5_000), verb="mark", words=("look", "done"))
STORIES: dict[str, dict[str, Any]] = {
    "all goes well": {"events": (LOOKED,)},
    "failures and retries": {
        "steps": {
            "undeploy": (StepEnd(word="fails", times=2, error="busy"),),
            "hosts": (StepEnd(hosts=("h3",), word="fails", times=2),),
        },
        "events": (LOOKED, Event(when=at("run", "", "held", "step-failed"), verb="retry", words=("hosts",), by="bo")),
    },
    "unknown, settled and marked": {
        "steps": {"undeploy": (StepEnd(word="unknown", times=1), StepEnd(word="times-out", times=1, happened=True))},
        "events": (LOOKED,),
    },
    "gates": {
        "gates": {
            "two": (GateAnswer(word="denied", reason="no"), GateAnswer(word="ignored"), GateAnswer(word="skipped")),
            "five": (GateAnswer(by=("cy", "dee"), after_ms=60_000, refused=True),),
        },
        "events": (
            LOOKED,
            Event(when=at("run", "", "held", "gate-denied", 60_000), verb="ask"),
            Event(when=at("run", "", "held", "gate-expired", 60_000), verb="ask"),
        ),
    },
    "checks that fail, flap and go blind": {
        "checks": {
            "well": (
                Spell(word="fails", start=at("step", "admit", "at", "50"), for_ms=20_000),
                Spell(word="flaps", during="two", until=When(t_ms=120_000), every_ms=7_000),
            ),
            "api": (Spell(word="fails", start=at("step", "admit", "at", "100"), for_ms=15_000),),
        },
        "events": (LOOKED,),
    },
    "people": {
        "probes": {"auth": (ProbeSays(error="no", times=1), ProbeSays(value={"previous": 40}))},
        "events": (
            LOOKED,
            Event(when=at("step", "undeploy", "started"), verb="pause", by="dee", reason="wait"),
            Event(when=at("run", "", "paused", "", 90_000), verb="resume"),
            Event(when=at("step", "set", "succeeded"), verb="undo", words=("set",), by="bo"),
            Event(when=at("run", "", "held", "undone"), verb="resume"),
            Event(when=at("step", "admit", "at", "25"), verb="ramp", words=("stay",)),
            Event(when=at("step", "admit", "at", "25", 60_000), verb="ramp", words=("up",)),
            Event(when=at("step", "admit", "at", "50"), verb="note", words=("looks", "good")),
            Event(when=at("step", "admit", "at", "100"), verb="abort", by="os:stranger"),
        ),
    },
    "drivers that die": {
        "events": (
            LOOKED,
            Event(when=at("step", "throttle", "started"), kills=True),
            Event(when=at("step", "undeploy", "started"), kills=True, happened=True),
            Event(when=at("gate", "five", "asked"), kills=True),
            Event(when=at("step", "admit", "at", "50"), kills=True),
        )
    },
}


@pytest.mark.parametrize("story", STORIES)
def test_the_same_plan_decides_the_same(story: str, play: Play) -> None:
    """Fed what a run was told, the kernel says every fact of it again, in order and at its time."""
    rehearsed = play(WHOLE, **STORIES[story])
    again = replay(said(rehearsed), WHOLE)
    assert again.divergence is None
    assert list(again.facts) == said(rehearsed)
    assert again.run == rehearsed.run


@pytest.mark.parametrize("door", ["", "chat"])
def test_whichever_door_was_kept_is_told_again(door: str, play: Play) -> None:
    """A journal of before doors were kept names none; what somebody said while the run held names its own."""
    events = (
        *STORIES["people"]["events"][:3],
        Event(when=at("step", "set", "started"), verb="note", words=("odd",)),
        Event(when=at("run", "", "held", "step-failed"), verb="abort", by="dee", reason="enough"),
    )
    steps = {"set": (StepEnd(word="fails", times=9, error="busy"),)}
    facts = said(play(WHOLE, events=events, steps=steps))
    doors = (f.RunStarted, f.Paused, f.Resumed, f.AbortBegun, f.Noted, f.VoteCast, f.GateDenied)
    facts = [replace(fact, door=door) if isinstance(fact, doors) else fact for fact in facts]
    assert {f.Paused, f.Resumed, f.AbortBegun, f.Noted, f.VoteCast} <= {type(fact) for fact in facts}
    again = replay(facts, WHOLE)
    assert (None, len(facts)) == (again.divergence, len(again.facts))


def changed(**fields: Any) -> Plan:
    """Return the plan with other fields of its first stage's step."""
    first = replace(WHOLE.stages[0], steps=(replace(WHOLE.stages[0].steps[0], **fields),))
    return replace(WHOLE, stages=(first, *WHOLE.stages[1:]), digest="another")


def test_another_argument_is_the_first_divergence(play: Play) -> None:
    """It is named with its fact, stage, step and why."""
    found = replay(said(play(WHOLE)), changed(use=throttle(percent=20))).divergence
    assert found is not None
    assert (found.stage, found.step, found.why) == ("one", "throttle", "percent is 20 and was 10")
    assert isinstance(found.was, f.StepDispatched)


def test_another_order_is_a_divergence(play: Play) -> None:
    """What came second comes first now."""
    other = replace(WHOLE, stages=(WHOLE.stages[1], WHOLE.stages[0], *WHOLE.stages[2:]))
    found = replay(said(play(WHOLE)), other).divergence
    assert found is not None
    assert found.was is not None
    assert found.why == "nothing follows from that now"


def test_a_wording_is_none(play: Play) -> None:
    """Another title of a gate decides nothing."""
    two = replace(WHOLE.stages[1], gate=gate("well", title="Roll back now?"))
    other = replace(WHOLE, stages=(WHOLE.stages[0], two, *WHOLE.stages[2:]), digest="another")
    assert replay(said(play(WHOLE)), other).divergence is None


def test_what_would_have_come_earlier_is_a_divergence(play: Play) -> None:
    """A gate that expires sooner had expired before it was approved."""
    rehearsed = play(WHOLE, gates={"two": (GateAnswer(after_ms=600_000),)})
    sooner = replace(WHOLE.stages[1], gate=gate("well", expires_after_ms=300_000))
    other = replace(WHOLE, stages=(WHOLE.stages[0], sooner, *WHOLE.stages[2:]), digest="another")
    found = replay(said(rehearsed), other).divergence
    assert found is not None
    assert isinstance(found.now, f.GateExpired)
    assert found.why == "the run had decided nothing there"


def test_a_request_that_is_refused_now_is_a_divergence(play: Play) -> None:
    """Whoever approved holds no role that counts any more."""
    rehearsed = play(WHOLE)
    two = replace(WHOLE.stages[1], gate=gate("well", roles=("nobody",)))
    other = replace(WHOLE, stages=(WHOLE.stages[0], two, *WHOLE.stages[2:]), digest="another")
    found = replay(said(rehearsed), other).divergence
    assert found is not None
    assert isinstance(found.was, f.VoteCast)
    assert isinstance(found.now, f.RequestRefused)


def test_what_no_kernel_says_cannot_be_replayed(play: Play) -> None:
    """A fact that follows from nothing is named by its number."""
    facts = said(play(WHOLE))
    at_index = next(index for index, fact in enumerate(facts) if isinstance(fact, f.StageEntered))
    facts[at_index] = replace(facts[at_index], stage="nowhere")  # type: ignore[arg-type]
    with pytest.raises(Unexplained) as caught:
        replay(facts, WHOLE)
    assert 1 < caught.value.seq <= at_index + 1
