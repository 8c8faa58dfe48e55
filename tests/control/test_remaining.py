"""How much of a run is left, by what its stages and steps took before."""

from typing import Any

import pytest

from relight.control.durations import Range
from relight.control.remaining import remaining
from relight.control.wording import instant

NOW = 1_763_850_250_000


def took(low: float, high: float, runs: int = 3) -> dict[str, Any]:
    """Return a range in seconds as documents have it."""
    return Range(round(low * 1_000), round((low + high) * 500), round(high * 1_000), runs).document()


def step(state: str, usual: dict[str, Any] | None, *, since_s: float = 0) -> dict[str, Any]:
    """Return a step that began, or ended, that many seconds ago."""
    then = instant(NOW - round(since_s * 1_000))
    return {"state": state, "usual": usual, "started_at": then, "ended_at": then if state == "succeeded" else None}


def run(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what a status document has of it."""
    return {"stages": list(stages), "undoing": None, "aborting": False, **more}


def stage(state: str, usual: dict[str, Any] | None, *steps: dict[str, Any]) -> dict[str, Any]:
    """Return a stage."""
    return {"state": state, "usual": usual, "steps": list(steps)}


def left(*stages: dict[str, Any], **more: Any) -> tuple[float, float] | None:
    """Return the lowest and the highest of what is left."""
    found = remaining(run(*stages, **more), NOW)
    return None if found is None else (found["low_s"], found["high_s"])


def test_what_is_over_is_not_left_and_what_is_ahead_is() -> None:
    """A gate's stage counts whole: what people take is in no range."""
    ahead = stage("waiting", took(10, 20)), stage("pending", took(5, 8))
    assert (15, 28) == left(stage("succeeded", took(60, 90)), stage("skipped", None), *ahead)


def test_a_stage_at_hand_counts_what_is_left_of_it() -> None:
    """The step that runs less what it has run, those to come, and the time that its checks take."""
    going = stage(
        "running",
        took(30, 60),
        step("succeeded", took(5, 10), since_s=9),
        step("running", took(10, 20), since_s=4),
        step("pending", took(3, 6)),
    )
    assert (6 + 3 + 12, 16 + 6 + 24) == left(going)


def test_a_step_that_takes_longer_than_ever_leaves_nothing_below_zero() -> None:
    """It does not make up for what comes after it."""
    going = stage("running", took(10, 20), step("running", took(10, 20), since_s=500))
    assert (5, 8) == left(going, stage("pending", took(5, 8)))


def test_checks_run_from_the_end_of_the_last_step() -> None:
    """A stage that verifies has only that left."""
    last = stage("verifying", took(30, 60), step("succeeded", took(10, 20), since_s=12))
    assert (8, 28) == left(last)


@pytest.mark.parametrize("more", [{"undoing": {"to": None}}, {"aborting": True}])
def test_a_run_that_goes_back_has_no_estimate(more: dict[str, Any]) -> None:
    """What its stages took forward says nothing of it."""
    assert left(stage("running", took(10, 20)), **more) is None


def test_what_was_never_seen_is_not_guessed() -> None:
    """One stage that no run went through is enough; the evidence is that of the stage that was seen least."""
    assert left(stage("pending", took(10, 20)), stage("pending", None)) is None
    found = remaining(run(stage("pending", took(10, 20, 6)), stage("pending", took(1, 2, 2))), NOW)
    assert found is not None
    assert "11-22s (2 runs)" == found["says"]
