"""kill -9, at every write and at any moment: nothing acknowledged is lost, and nothing is done twice on a guess."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from typing import Any

import pytest

STEPS = 6
# In the nightly run KILLS=100 tries every write, and a hundred seeds.
KILLS = int(os.environ.get("KILLS", "6"))
WRITES = (1, 2, 4, 6, 9, 11) if KILLS <= 6 else tuple(range(1, 20))


def plan_of(bed: Any) -> Any:
    """Return steps that may be done once, and some that may be done again."""
    steps = [bed.step(f"once{n}", "do", seconds=0.03) for n in range(STEPS)]
    steps.insert(2, bed.step("again", "again", idempotent=True, seconds=0.03))
    steps.insert(4, bed.settled("probed", seconds=0.03))
    return bed.plan(steps[:4], steps[4:])


def carried_through(bed: Any, kills: Any) -> Counter[str]:
    """Drive the run to its end with one driver after the other, and return how often each effect happened.

    A person looks at what really happened, and marks it, wherever the run asks.
    """
    seen: list[str] = []
    for _ in range(60):
        kill = next(kills, None)
        epochs = bed.kinds().count("driver_took_over")
        driver = bed.start(kill=kill if isinstance(kill, str) else None)
        left_s = kill if isinstance(kill, float) else 30.0
        looked = time.monotonic()
        while driver.alive and left_s > 0:
            hashes = bed.hashes()
            assert seen == hashes[: len(seen)], "something that was acknowledged is gone"
            seen = hashes
            bed.mark_what_is_unknown()
            time.sleep(0.002)
            now = time.monotonic()
            # However slow this machine is today: a driver's time runs from its first record.
            if bed.kinds().count("driver_took_over") > epochs:
                left_s -= now - looked
            looked = now
        driver.kill()
        row = bed.journal.row(bed.run)
        if row.ended_at is not None:
            assert "succeeded" == row.state
            return Counter(bed.happened())
    raise AssertionError(f"it does not end: {bed.kinds()[-10:]}")


def assert_sound(bed: Any, happened: Counter[str], *, drivers: int) -> None:
    """Assert what must hold however often the driver died."""
    assert {f"once{n}" for n in range(STEPS)} | {"again", "probed"} == set(happened)
    assert {1} == {count for name, count in happened.items() if name != "again"}
    epochs = [record.epoch for record in bed.journal.records(bed.run)]
    assert sorted(epochs) == epochs
    assert epochs[-1] > drivers, "it was not killed"


@pytest.mark.parametrize("when", ["before", "inside", "commit", "after"])
def test_a_driver_that_dies_at_any_write_loses_and_repeats_nothing(bed: Any, when: str) -> None:
    """Each driver dies at its first, second, third … write; the next one takes over, until the run has ended."""
    bed.begin(plan_of(bed))
    assert_sound(
        bed, carried_through(bed, iter([f"{when}:{n}" for n in (1, 2, 1, 3, 2, 4, 1, 5, 2, 3, 6, 2)])), drivers=8
    )


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("when", ["before", "inside", "commit", "after"])
def test_a_driver_that_dies_at_one_write_loses_and_repeats_nothing(bed: Any, when: str, write: int) -> None:
    """One death, at this write of an otherwise undisturbed run."""
    bed.begin(plan_of(bed))
    assert_sound(bed, carried_through(bed, iter([f"{when}:{write}"])), drivers=0)


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_driver_that_dies_at_any_moment_loses_and_repeats_nothing(bed: Any, seed: int) -> None:
    """Killed from outside after a random time, again and again."""
    dice = random.Random(seed)
    bed.begin(plan_of(bed))
    assert_sound(bed, carried_through(bed, iter([dice.uniform(0.0, 0.1) for _ in range(8)])), drivers=2)


def test_a_driver_that_nobody_kills_does_the_same(bed: Any) -> None:
    """The oracle itself: without a kill every effect happens exactly once."""
    bed.begin(plan_of(bed))
    happened = carried_through(bed, iter([]))
    assert_sound(bed, happened, drivers=0)
    assert 1 == happened["again"]
