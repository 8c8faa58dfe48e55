"""Whatever numbers a site document gives it, and whatever is done to it, the model stays a model of something."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from relight.sdk import Setting
from relight.sdk.capabilities import ALL
from relight_practice.model import SignIn
from relight_practice.model.parameters import SignInConfig

rates = st.floats(0.01, 5_000)
few = st.integers(1, 40)
shares = st.floats(0, 1)
spans = st.floats(0.01, 100)

PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "fault": st.sampled_from(["brownout", "release", "surge", "region", "none"]),
        "broken_for": st.floats(0, 60),
        "heals_after": st.floats(0, 60),
        "demand": rates,
        "surge": st.one_of(st.just(0.0), rates),
        "residents": st.integers(0, 5_000),
        "visit": spans,
        "people": st.integers(1, 100_000),
        "patience": spans,
        "waiting_max": st.integers(1, 10_000),
        "polite_share": shares,
        "api_rate": st.one_of(st.just(0.0), rates),
        "nodes": few,
        "nodes_floor": few,
        "nodes_ceiling": few,
        "workers": st.integers(1, 2_000),
        "login_slots": few,
        "login_cost": spans,
        "login_patience": st.floats(0, 10),
        "boot": st.floats(0, 30),
        "corrupts": shares,
        "pages": st.integers(1, 5_000),
        "page_spread": st.floats(0.1, 1_000),
        "cache_pages": st.integers(1, 5_000),
        "origin_slots": few,
        "origin_cost": spans,
        "origin_backlog": st.floats(0, 10),
        "origin_patience": spans,
        "store_slots": few,
        "store_cost": spans,
        "store_patience": st.floats(0, 10),
        "api_patience": st.floats(0, 10),
        "new_device_share": shares,
        "queue_rate": rates,
        "fallback_login_slots": few,
        "fallback_share_failed": st.floats(0.01, 1),
    },
)
ORDERS = st.lists(
    st.one_of(
        st.tuples(
            st.just("admission.throttle"),
            st.fixed_dictionaries({"percent": st.floats(0, 100), "max_rate": st.one_of(st.just("none"), rates)}),
        ),
        st.tuples(st.just("traffic.failover"), st.fixed_dictionaries({"percent": st.floats(0, 100)})),
        st.tuples(st.just("queue.release"), st.fixed_dictionaries({"max_rate": st.one_of(st.just("none"), rates)})),
        st.tuples(st.just("edge.scale"), st.fixed_dictionaries({"add": st.integers(0, 5), "serve": st.booleans()})),
        st.tuples(st.just("deploy.rollback"), st.just({})),
        st.tuples(st.just("sessions.flush"), st.fixed_dictionaries({"max_share": st.floats(0, 100)})),
        st.tuples(st.just("sessions.restore"), st.just({"where": "all"})),
        st.tuples(st.just("cache.warm"), st.just({"nodes": ["node-1"]})),
    ),
    max_size=5,
)


def sane(site: SignIn, people: float) -> None:
    """Assert that nothing is less than nothing, nobody vanished, and shares are shares."""
    tier = site._tier
    residents = tier.residents
    assert math.isclose(residents.inside + residents.outside, people, abs_tol=1e-6)
    people_kept = (*tier.crowd.sound, *tier.crowd.cursed, residents.inside, residents.spoiled, residents.without)
    things_kept = (*tier.counts.values(), tier.jobs.good, tier.jobs.bad, tier.visits, *tier.reloads)
    kept = (*people_kept, *things_kept, tier.sessions.spoiled, tier.sessions.aside)
    assert all(math.isfinite(value) and value >= -1e-6 for value in kept)
    for curve in site.curves():
        top = {"share": 1.0, "percent": 100.0}.get(curve.unit, math.inf)
        values = [value for _, value in curve.points if value is not None]
        assert all(-1e-6 <= value <= top + 1e-6 for value in values), curve.name


@settings(max_examples=60, deadline=None)
@given(parameters=PARAMETERS, orders=ORDERS, seed=st.integers(0, 1_000))
def test_any_numbers_and_any_orders(
    parameters: dict[str, Any], orders: list[tuple[str, dict[str, Any]]], seed: int
) -> None:
    """No combination raises, hangs, or makes people out of nothing."""
    config = SignInConfig.model_validate(parameters)
    site = SignIn(config, Setting(seed=seed, pace=10.0))
    for name, args in orders:
        site.begin(name, ALL[name].args.model_validate(args))
        until_ms = site.now_ms + 3_000
        while site.now_ms < until_ms:
            site.advance(until_ms)
        sane(site, config.residents)
    toll = site.toll()
    assert min(toll.turned_away, toll.gave_up, toll.locked_out_worst, toll.relapses) >= 0
