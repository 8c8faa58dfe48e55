"""Random nights: each comes to rest, is the fold of its facts, and replays to the last of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from relight.drivers.rehearsal.driver import Rehearsed
from relight.drivers.rehearsal.moments import Moment
from relight.drivers.rehearsal.replay import replay
from relight.drivers.rehearsal.script import Event, GateAnswer, Spell, StepEnd, When
from relight.kernel.evolve import evolve
from relight.kernel.plan import Plan
from relight.kernel.state import Run
from relight.testing.random_plans import random_plan

Play: TypeAlias = Callable[..., Rehearsed]
SEEDS = range(300)


def random_script(dice: random.Random, plan: Plan) -> dict[str, Any]:
    """Return what may happen to a plan."""
    steps = [step.id for stage in plan.stages for step in stage.steps]
    gates = [stage.id for stage in plan.stages if stage.gate is not None]
    words: Any = ("fails", "unknown", "times-out", "succeeds")
    ends = {
        step: tuple(
            StepEnd(word=dice.choice(words), times=dice.randint(1, 3), happened=dice.random() < 0.5)
            for _ in range(dice.randint(1, 2))
        )
        for step in steps
        if dice.random() < 0.4
    }
    spells: Any = ("fails", "blind", "flaps", "neutral")
    checks = {
        check: (Spell(word=dice.choice(spells), start=When(t_ms=dice.randrange(60_000)), for_ms=20_000),)
        for check in plan.checks
        if dice.random() < 0.4
    }
    answers: Any = ("approved", "denied", "skipped", "ignored")
    asked = {gate: (GateAnswer(word=dice.choice(answers)),) for gate in gates if dice.random() < 0.5}
    events = [Event(when=When(t_ms=dice.randrange(120_000)), kills=True, happened=dice.random() < 0.5)]
    for verb in ("pause", "resume", "retry", "ask", "abort"):
        if dice.random() < 0.3:
            held = When(on=Moment("run", "", "held"), nth=dice.randint(1, 2), after_ms=dice.randrange(60_000))
            events.append(Event(when=held, verb=verb))
    for step in steps:
        if dice.random() < 0.3:
            how = dice.choice(("done", "not-done"))
            held = When(on=Moment("step", step, "unknown"), after_ms=30_000)
            events.append(Event(when=held, verb="mark", words=(step, how)))
    return {"steps": ends, "checks": checks, "gates": asked, "events": tuple(events)}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_night(seed: int, play: Play) -> None:
    """It ends, and a driver that is told the same decides the same, fact for fact."""
    dice = random.Random(seed)
    plan = random_plan(dice.choice)
    found = play(plan, **random_script(dice, plan))
    facts = [told.fact for told in found.told]
    run: Run | None = None
    for fact in facts:
        run = evolve(run, fact)
    assert run == found.run
    assert found.ending in ("over", "stands still")
    again = replay(facts, plan)
    assert again.divergence is None
    assert list(again.facts) == facts
