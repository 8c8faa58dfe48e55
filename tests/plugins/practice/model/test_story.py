"""In the model as at the practice site: every recovery is needed, and all of them together mend it.

The stories, their criteria and their seeds are those of ``test_recovery.py``, which is played by real processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from relight_practice.document import OPEN_RATE, REPAIR_RATE

if TYPE_CHECKING:
    from .conftest import Night, Numbers

SEEDS = [7, 23]


def api_is_well(f: Numbers) -> bool:
    """The guard of the runbook."""
    return f["api_error_ratio"] < 0.01


def edge_is_well(f: Numbers) -> bool:
    """What the throttle mends."""
    return f["edge_5xx_ratio"] < 0.03


def logins_are_well(f: Numbers) -> bool:
    """What the flush mends, and an opening must not break."""
    return f["login_error_ratio"] < 0.02


def writes_are_well(f: Numbers) -> bool:
    """What the rollback mends."""
    return f["corrupt_writes"] == 0


def reads_are_well(f: Numbers) -> bool:
    """What the flush mends."""
    return f["corrupt_reads"] < 0.5


def caches_are_well(f: Numbers) -> bool:
    """What scaling and warming mend."""
    return f["cache_hit_ratio"] > 0.85


@pytest.mark.parametrize("seed", SEEDS)
def test_a_calm_day_stays_calm(night: type[Night], seed: int) -> None:
    """Nothing is wrong, nobody waits, and nothing is recovered from."""
    calm = night(fault="none", seed=seed)
    calm.stays(
        lambda f: (
            edge_is_well(f) and logins_are_well(f) and caches_are_well(f) and api_is_well(f) and reads_are_well(f)
        ),
        for_s=30,
    )
    assert calm.figures()["users_locked_out"] < 5
    assert calm.site.toll().relapses == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_it_does_not_mend_itself(night: type[Night], seed: int) -> None:
    """Left alone it gets worse; the API stays well."""
    broken = night(seed=seed)
    first = broken.figures()
    assert not any(well(first) for well in (edge_is_well, logins_are_well, writes_are_well, reads_are_well))
    last = broken.later(60)
    assert last["users_locked_out"] > first["users_locked_out"] > 50
    assert last["queue_depth"] > 200
    assert last["login_error_ratio"] > 0.8
    assert api_is_well(last)
    assert broken.site.toll().recovered_ms is None


@pytest.mark.parametrize("seed", SEEDS)
def test_each_recovery_is_needed(night: type[Night], seed: int) -> None:
    """Throttle, roll back, flush, scale and warm, drain, reopen: none can be left out, and all of them mend it."""
    look = night(seed=seed)
    look.throttle(10, REPAIR_RATE)
    look.until(lambda f: edge_is_well(f) and api_is_well(f), for_s=1.5, within_s=15)
    look.stays(lambda f: not logins_are_well(f) or not reads_are_well(f), for_s=2)

    # Left out: the rollback. What is flushed is corrupt again in no time.
    look.do("sessions.flush")
    look.until(lambda f: not reads_are_well(f) and not writes_are_well(f), for_s=2)
    look.later(10)
    look.do("deploy.rollback")
    look.until(writes_are_well, for_s=3, within_s=18)

    # Left out: the flush. The people who are locked out stay so, and when it is opened they fail all the more.
    look.stays(lambda f: not reads_are_well(f) and f["users_locked_out"] > 50, for_s=3)
    look.throttle(50, OPEN_RATE)
    look.until(lambda f: not logins_are_well(f) and not reads_are_well(f), for_s=3)
    look.throttle(10, REPAIR_RATE)
    look.do("sessions.flush", where="corrupt", batch=1, max_share=20)
    look.until(lambda f: reads_are_well(f) and logins_are_well(f), for_s=2)

    # Left out: scaling and warming. Two nodes cannot carry the crowd, and it gets worse again.
    look.stays(lambda f: not caches_are_well(f), for_s=1)
    look.throttle(50, OPEN_RATE)
    look.until(lambda f: f["login_error_ratio"] > 0.1, for_s=4)
    look.throttle(10, REPAIR_RATE)
    added = look.do("edge.scale", add=2, serve=False).added
    assert look.do("cache.warm", nodes=added, max_rate=50).hit_share > 0.95
    look.do("edge.serve", nodes=added)
    look.until(lambda f: caches_are_well(f) and logins_are_well(f) and edge_is_well(f), for_s=6, within_s=90)

    assert look.in_force("queue.release") == {"queue": "default", "max_rate": 0.0}, "its breaker had stopped it"
    for rate in (5, 20, 50):
        look.do("queue.release", max_rate=rate, drop_older_than="10m")
        look.stays(lambda f: logins_are_well(f) and edge_is_well(f), for_s=1.5)
    look.until(lambda f: f["queue_depth"] < 50, for_s=3, within_s=120)

    for percent in (25, 50, 75, 100):
        look.throttle(percent, OPEN_RATE)
        look.until(
            lambda f: caches_are_well(f) and logins_are_well(f) and edge_is_well(f) and api_is_well(f),
            for_s=6,
            within_s=10,
        )
    look.until(lambda f: f["admitted_over_asked"] > 0.98, for_s=3, within_s=60)

    look.throttle(100, "none")
    back = look.do("sessions.restore", where="valid")
    assert back.restored > back.left
    look.until(lambda f: f["users_locked_out"] < 20 and f["admitted_over_asked"] > 0.98, for_s=6, within_s=60)
    toll = look.site.toll()
    assert toll.recovered_ms is not None
    assert toll.locked_out_worst > 200
    assert toll.relapses >= 2, "two openings too early"


@pytest.mark.parametrize("seed", SEEDS)
def test_cold_caches_and_a_door_too_wide(night: type[Night], seed: int) -> None:
    """Opening on cold nodes breaks down for good; opening to everybody on many nodes hurts the healthy surface."""
    look = night(seed=seed)
    look.throttle(10, REPAIR_RATE)
    look.do("deploy.rollback")
    look.do("sessions.flush")
    look.until(lambda f: logins_are_well(f) and edge_is_well(f) and f["users_locked_out"] > 250, within_s=60)

    # Left out: only the warming. The origin works in vain, and no cache ever fills.
    added = look.do("edge.scale", add=2, serve=False).added
    look.do("edge.serve", nodes=added)
    look.throttle(50, OPEN_RATE)
    look.until(lambda f: f["edge_5xx_ratio"] > 0.1 and f["cache_hit_ratio"] < 0.6, for_s=5, within_s=40)
    look.throttle(10, REPAIR_RATE)
    look.stays(lambda f: not caches_are_well(f), for_s=4)
    assert look.do("cache.warm", nodes=added, max_rate=50).hit_share > 0.95
    look.until(lambda f: edge_is_well(f) and caches_are_well(f), for_s=1.5, within_s=40)

    # Too far: so many nodes that the session store is the next to give in, and no limit before a larger crowd.
    look = night(seed=seed, fault="surge", surge=60, nodes=8)
    look.later(20)
    look.until(lambda f: f["api_error_ratio"] > 0.03, for_s=1.5, within_s=40)
    look.throttle(100, OPEN_RATE)
    look.until(api_is_well, for_s=1.5, within_s=30)


@pytest.mark.parametrize("seed", SEEDS)
def test_reopening_at_once_relapses(night: type[Night], seed: int) -> None:
    """All is mended, and the crowd that waits outside knocks it down again; by steps it does not."""

    def mended() -> Night:
        look = night(seed=seed)
        look.throttle(10, REPAIR_RATE)
        look.do("deploy.rollback")
        look.do("sessions.flush")
        added = look.do("edge.scale", add=2, serve=False).added
        look.do("cache.warm", nodes=added)
        look.do("edge.serve", nodes=added)
        look.later(15)
        return look

    at_once, by_steps = mended(), mended()
    at_once.throttle(100, "none")
    at_once.until(lambda f: not logins_are_well(f) and not edge_is_well(f), for_s=3, within_s=10)
    for percent in (25, 50, 75, 100):
        by_steps.throttle(percent, OPEN_RATE)
        by_steps.stays(lambda f: logins_are_well(f) and edge_is_well(f), for_s=6)
    assert (at_once.site.toll().relapses, by_steps.site.toll().relapses) == (1, 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_failed_region_is_left_and_returned_to(night: type[Night], seed: int) -> None:
    """The fallback carries everybody; the primary is well again after its time, and not before."""
    look = night(fault="region", seed=seed)
    assert look.figures()["login_error_ratio"] > 0.8
    assert look.read("traffic.pool", pool="fallback").healthy
    assert not look.read("traffic.pool", pool="primary").healthy
    for percent in (10, 50, 100):
        look.do("traffic.failover", percent=percent)
        look.later(3)
        assert look.read("traffic.pool", pool="fallback").breaker == "closed"
    look.until(lambda f: edge_is_well(f) and logins_are_well(f), for_s=1.5)
    look.until(lambda _: bool(look.read("traffic.pool", pool="primary").healthy), within_s=45)
    for percent in (10, 25, 50, 100):
        look.do("traffic.failover", to="primary", percent=percent)
        look.stays(lambda f: edge_is_well(f) and logins_are_well(f), for_s=6)
    assert look.in_force("traffic.failover", to="fallback") is None


def test_a_surge_opens_the_breaker_of_the_fallback(night: type[Night]) -> None:
    """It is big enough for every day and not for a surge: it refuses everything, and tries again."""
    look = night(fault="surge")
    look.do("traffic.failover", percent=100)
    states = set()
    for _ in range(80):
        look.later(0.25)
        states.add(look.read("traffic.pool", pool="fallback").breaker)
    assert "open" in states
    assert not look.read("traffic.pool", pool="fallback").healthy
