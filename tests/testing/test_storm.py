"""Twenty thousand runs in a storm, and faults planted in the rules, each of which a storm brings to light."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from relight.drivers import pump, requests
from relight.journal import memory, refusals
from relight.kernel import asking, decide, effects, fitting, outcomes, ramping, stages, stepping
from relight.kernel.state import Dispatch, Unknown
from relight.testing import storm as storms
from relight.testing.storm import storm

RUNS = 20_000
CHUNKS = 40
"""So that several workers share them."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_twenty_thousand_runs_weather_the_storm(chunk: int) -> None:
    """Seeded: ``python -m relight.testing.storm SEED`` tells the story of any of them."""
    size = RUNS // CHUNKS
    played = [storm(seed) for seed in range(chunk * size, (chunk + 1) * size)]
    assert any(each.witness.epoch > 3 for each in played)
    assert sum(each.over for each in played) > size // storms.CALM_EVERY
    assert any(each.witness.run.adopted for each in played)


def test_a_seed_is_the_same_storm_every_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever is told a seed sees what the one who found it saw."""
    stories = []
    for _ in range(2):
        storms.main(["17"])
        stories.append(capsys.readouterr().out)
    assert stories[0] == stories[1]
    assert len(stories[0].splitlines()) > 10


# ---- faults


def _nobody_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that opens without votes."""
    real = stages.gate_blockers
    monkeypatch.setattr(stages, "gate_blockers", lambda *args: [each for each in real(*args) if "approval" not in each])


def _votes_count_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Votes of people who lost their role, or that are too old."""
    monkeypatch.setattr(stages, "counting_votes", lambda _run, _gate, ticket, _t: ticket.votes)


def _guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was lost is done again, whatever it is."""
    real = outcomes.unknown

    def guess(book: Any, step: Any, state: Any, *, forward: bool) -> bool:
        harmless = replace(state.lost.use, effect="read")
        lost = Dispatch(**{**vars(state.lost), "use": harmless})
        return real(book, step, Unknown(**{**vars(state), "lost": lost}), forward=forward)

    for module in (stepping, decide):
        monkeypatch.setattr(module, "unknown", guess)


def _forgets_what_was_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A takeover that takes a dead driver's dispatches for its own."""
    monkeypatch.setattr(decide, "_lost", lambda *_args: None)


def _rises_blindly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ramp that does not look at its checks."""
    monkeypatch.setattr(ramping, "passes", lambda _run, _use: True)


def _exposes_on_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What protects is undone like anything else."""
    for module in (effects, fitting):
        monkeypatch.setattr(module, "may_undo", lambda _entry: True)


def _answers_late_tickets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A denied or expired ticket that still takes votes."""
    real = asking._gate_of

    def lenient(book: Any, asked: Any) -> Any:
        stage, ticket = book.run.current, book.run.ticket
        if stage is not None and stage.gate is not None and ticket is not None:
            return stage, stage.gate, ticket
        return real(book, asked)

    monkeypatch.setattr(asking, "_gate_of", lenient)


def _lets_anybody_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that does not look at the epoch."""
    monkeypatch.setattr(refusals, "stale", lambda *_args: None)


def _acts_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pump that acts on what is not written down."""
    real = pump.Pump.draft

    def eager(self: pump.Pump, *args: Any, **fields: Any) -> Any:
        draft = real(self, *args, **fields)
        self.adopt(draft)
        return draft

    monkeypatch.setattr(pump.Pump, "draft", eager)


def _loses_a_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that acknowledges a batch and keeps all of it but the last."""
    real = memory.MemoryJournal._add

    def forgetful(self: Any, run: Any, epoch: int, bodies: Any) -> None:
        real(self, run, epoch, bodies[:-1] if len(bodies) > 3 else bodies)
        run.row = replace(run.row)

    monkeypatch.setattr(memory.MemoryJournal, "_add", forgetful)


def _does_not_see_the_clock_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A takeover that takes any wall clock for a good one."""
    stormy = importlib.import_module("relight.testing.stormy_driver")
    real = stormy.carried_on
    monkeypatch.setattr(stormy, "carried_on", lambda *args: (real(*args)[0], False))


def _goes_on_after_an_abort(monkeypatch: pytest.MonkeyPatch) -> None:
    """An abort that stops nothing."""
    monkeypatch.setattr(decide, "_aborting", decide._forward)


def _ends_as_if_all_were_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends as aborted though it could not undo what it should."""
    monkeypatch.setattr(decide, "not_undone", lambda _run: [])


def _hears_denials_in_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A denial that was there in time, decided after the approval that opens the gate."""
    monkeypatch.setattr(requests, "in_order", lambda asked: ([], list(asked)))


def _believes_the_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """A late report of another driver's time that settles something."""
    real = decide._reported_late

    def believing(book: Any, given: Any) -> None:
        epoch = book.run.epoch
        for record in book.run.steps.values():
            lost = getattr(record.state, "lost", None)
            if lost is not None and lost.number == given.dispatch:
                book.run = type(book.run)(**{**vars(book.run), "epoch": lost.epoch})
        real(book, given)
        book.run = type(book.run)(**{**vars(book.run), "epoch": epoch})

    monkeypatch.setattr(decide, "_reported_late", believing)


FAULTS: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
    _nobody_is_needed,
    _votes_count_for_ever,
    _guesses,
    _forgets_what_was_in_hand,
    _rises_blindly,
    _exposes_on_the_way_out,
    _answers_late_tickets,
    _lets_anybody_write,
    _acts_first,
    _loses_a_fact,
    _does_not_see_the_clock_go_back,
    _goes_on_after_an_abort,
    _ends_as_if_all_were_undone,
    _hears_denials_in_their_turn,
    _believes_the_dead,
)


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__.strip("_"))
def test_a_planted_fault_comes_to_light(plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: Any) -> None:
    """The storm can fail: each of these is found, and its seed is told."""
    plant(monkeypatch)
    with pytest.raises(Exception) as found:  # noqa: PT011 - whichever rule meets it first
        storms.main(["0", "2500"])
    assert any("python -m relight.testing.storm" in note for note in found.value.__notes__)
