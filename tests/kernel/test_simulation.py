"""The eight properties on random plans under random worlds, people and takeovers.

``Desk`` holds the properties after every transaction; what is asserted here is what takes a whole run to see.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from relight.kernel import facts as f
from relight.kernel.evolve import evolve
from relight.kernel.inputs import TookOver
from relight.kernel.state import Run
from relight.kernel.wanted import wanted
from relight.testing.desk import Desk
from relight.testing.offers import offers_are_true
from relight.testing.players import Player
from relight.testing.random_plans import random_plan

pytestmark = pytest.mark.long_walk

RUNS = 2_000
CHUNKS = 20
"""So that several workers share them."""
MOVES_MAX = 100
FRIENDLY_MOVES_MAX = 400
"""From any state a kind world and sensible people end any of these plans in fewer moves; a hundred are usual."""


def play(seed: int) -> Desk:
    """Play a run with a hundred moves of chaos, and then bring it to its end."""
    dice = random.Random(seed)
    desk = Desk(random_plan(dice.choice))
    player = Player(desk, dice.choice)
    for _ in range(MOVES_MAX):
        if desk.run.outcome is None:
            player.move()
    for _ in range(FRIENDLY_MOVES_MAX):
        if desk.run.outcome is None:
            player.friendly()
    return desk


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_two_thousand_runs_hold_the_properties_and_can_be_brought_to_an_end(chunk: int) -> None:
    """Seeded: ``play(seed)`` reproduces any of them."""
    for seed in range(chunk, RUNS, CHUNKS):
        try:
            desk = play(seed)
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
        assert desk.run.outcome is not None, f"seed {seed} cannot be brought to an end: {desk.run.state}"


@pytest.mark.parametrize("chunk", range(4))
def test_whatever_is_offered_is_taken_and_nothing_else(chunk: int) -> None:
    """``choices`` and ``seldom`` are the whole of what may be said; everything else is refused in a clear sentence."""
    for seed in range(chunk, 80, 4):
        dice = random.Random(seed)
        desk = Desk(random_plan(dice.choice))
        player = Player(desk, dice.choice)
        for number in range(40):
            if desk.run.outcome is None:
                player.move()
                if number % 2:
                    offers_are_true(desk.run, desk.t)


def test_a_replay_gives_the_same_run_and_wants_the_same() -> None:
    """The journal is the only truth: folding its facts from the first gives the state and the wanted set."""
    for seed in range(200):
        desk = play(seed)
        run: Run | None = None
        for fact in desk.facts:
            run = evolve(run, fact)
        assert run is not None
        assert (desk.run, wanted(desk.run)) == (run, wanted(run))


def test_deciding_is_the_same_every_time() -> None:
    """Nothing but the state and the input decides: the same game is the same journal."""
    for seed in range(50):
        assert play(seed).facts == play(seed).facts


def test_a_takeover_changes_only_what_it_says() -> None:
    """Between any two transactions: dispatches become unknown, verdicts unsure, and nothing else is different."""
    for seed in range(150):
        dice = random.Random(seed)
        desk = Desk(random_plan(dice.choice))
        player = Player(desk, dice.choice)
        for _ in range(40):
            if desk.run.outcome is not None:
                break
            if not desk.run.dispatches:
                quiet_takeover(desk)
            player.move()


def quiet_takeover(desk: Desk) -> None:
    """Hold what a takeover does to a run that has nothing under way."""
    from relight.kernel.decide import turn

    given = TookOver(**desk.now, epoch=desk.run.epoch + 1, driver="another")
    facts, after = turn(desk.run, given)
    assert [f.DriverTookOver] == [type(fact) for fact in facts]
    for name in ("cursor", "past", "paused", "holds", "ticket", "breached", "ledger", "undo", "aborting"):
        assert getattr(desk.run, name) == getattr(after, name), name
    assert {step: record.word for step, record in desk.run.steps.items()} == {
        step: record.word for step, record in after.steps.items()
    }
    assert {} == after.readings


class AnyRun(RuleBasedStateMachine):
    """A random plan and whatever may happen to it, with hypothesis for the dice: it shrinks what breaks."""

    desk: Desk
    player: Player

    @initialize(data=st.data())
    def begin(self, data: Any) -> None:
        """Start a run of a random plan."""
        self.data = data
        self.desk = Desk(random_plan(self.pick))
        self.player = Player(self.desk, self.pick)

    def pick(self, options: Any) -> Any:
        """Let hypothesis choose."""
        return self.data.draw(st.sampled_from(list(options)))

    @rule(data=st.data())
    def move(self, data: Any) -> None:
        """Something happens; the desk holds the properties."""
        self.data = data
        if self.desk.run.outcome is None:
            self.player.move()

    @rule(data=st.data())
    def go_on(self, data: Any) -> None:
        """Something sensible happens."""
        self.data = data
        if self.desk.run.outcome is None:
            self.player.friendly()


TestAnyRun = AnyRun.TestCase
TestAnyRun.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
