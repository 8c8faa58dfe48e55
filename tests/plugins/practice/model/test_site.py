"""The simulated site is driven and read as the practice site is, and says what it cannot do."""

from __future__ import annotations

import time
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from relight.sdk import Failed
from relight_practice.model.counters import SHOWN
from relight_practice.model.parameters import SignInConfig
from relight_practice.shape import Shape

if TYPE_CHECKING:
    from .conftest import Night


def test_parameters_are_those_of_the_practice_site() -> None:
    """Left out, every number is the practice site's own; durations are written as documents write them."""
    assert SignInConfig().shape(7, 10.0) == Shape()
    assert SignInConfig.model_validate({"patience": "2m", "nodes": 40}).shape(3, 1.0).patience_s == 120.0
    known = {part.name.removesuffix("_s") for part in fields(Shape)} | {"fault", "broken_for", "heals_after", "queries"}
    assert set(SignInConfig.model_fields) <= known


def test_half_an_hour_is_rehearsed_in_much_less_than_a_second(night: type[Night]) -> None:
    """Thirty minutes at the drill's pace are three; measured against work of the same machine in the same moment."""
    began = time.process_time()
    for _ in range(400_000):
        pass
    empty_s = time.process_time() - began
    look = night()
    began = time.process_time()
    look.site.advance(180_000)
    assert time.process_time() - began < 100 * empty_s


def test_a_thousand_times_the_people_cost_the_same(night: type[Night]) -> None:
    """What is kept are sums; the story is the same, a thousand times as large."""
    many = night(
        demand=6_000, surge=24_000, residents=60_000, people=6_000_000, waiting_max=600_000, api_rate=10_000,
        nodes=2_000, nodes_floor=2_000, nodes_ceiling=8_000, pages=240_000, page_spread=30_000,
        origin_slots=6_000, store_slots=5_000, queue_rate=200_000, broken_for=30,
    )  # fmt: skip
    few = night(broken_for=30)
    large, small = many.later(10), few.later(10)
    for name in ("login_error_ratio", "edge_5xx_ratio", "cache_hit_ratio"):
        assert large[name] == pytest.approx(small[name], abs=0.1), name
    assert large["users_locked_out"] == pytest.approx(1_000 * small["users_locked_out"], rel=0.3)


def test_the_queries_of_the_practice_site_are_answered_from_its_counters(night: type[Night]) -> None:
    """Every one has a value, and nothing is said aside."""
    look = night()
    assert len(look.figures()) == 9
    assert look.site.aside() == ()
    assert look.read("metric.query", promql="edge_nodes_serving").value == 2.0


def test_queries_of_another_site_are_mapped_or_answered_by_name(night: type[Night]) -> None:
    """And it is said which, so that nobody takes one for the other."""
    look = night(queries={"errors": "sum(rate(logins_failed_total[3s])) / sum(rate(logins_total[3s]))"})
    foreign = 'sum(rate(http_errors{job="auth"}[1m]))'
    assert (look.site.query("errors", foreign).value or 0.0) > 0.5
    assert look.site.query("login_error_ratio", foreign).value == look.site.query("errors", foreign).value
    assert look.site.query("latency_p99", foreign).kind == "empty"
    assert (look.site.query("", foreign).value or 0.0) > 1e6, "its volume is taken to be enough"
    assert len(look.site.aside()) == 2
    assert "own figure of that name" in look.site.aside()[0]
    assert "http_errors; map it under simulation.with.queries" in look.site.aside()[1]


def test_what_is_no_number_is_no_value(night: type[Night]) -> None:
    """A range, several series, a division by nothing, a text that is no query."""
    look = night()
    kinds = [look.site.query("q", text).kind for text in ("queue_depth[3s]", "edge_requests_total", "0/0", "sum(")]
    assert kinds == ["error", "error", "nan", "empty"]
    assert "queue_depth" in SHOWN


def test_the_value_in_force_is_read_back(night: type[Night]) -> None:
    """As the practice site's own provider reads it, for the ledger and for undo."""
    look = night()
    assert look.in_force("admission.throttle") is None
    look.throttle(10, 8)
    assert look.in_force("admission.throttle") == {
        "surface": "consumer",
        "percent": 10.0,
        "max_rate": 8.0,
        "retry_after": {"min": 30.0, "max": 90.0},
    }
    assert look.in_force("deploy.rollback") == {"service": "auth", "to": 41}
    assert look.in_force("edge.scale") == {"pool": "edge", "nodes": ["node-1", "node-2"]}
    assert look.in_force("edge.serve", nodes=["node-1"]) == {"nodes": ["node-1"], "serve": True}
    assert look.in_force("status.publish", state="degraded") is None
    look.do("status.publish", state="degraded")
    assert look.in_force("status.publish", state="degraded") == {
        "surface": "consumer", "state": "degraded", "retry": "wait", "advice": ""
    }  # fmt: skip


def test_an_undo_brings_back_what_was(night: type[Night]) -> None:
    """Nodes, release, sessions: each with what was in force before."""
    look = night()
    before = look.in_force("edge.scale")
    added = look.do("edge.scale", add=2, serve=True).added
    assert look.in_force("edge.serve", nodes=added) == {"nodes": added, "serve": True}
    assert look.do("edge.scale", **(before or {})).removed == added
    assert look.read("deploy.current").release == 41
    look.do("deploy.rollback")
    assert (look.read("deploy.current").release, look.read("deploy.current").previous) == (40, 39)
    moved = look.do("sessions.flush", max_share=50).moved
    assert moved > 0
    assert look.do("sessions.restore", where="all").restored == pytest.approx(moved, abs=2)
    assert not look.read("deploy.current").frozen
    look.do("deploy.freeze")
    assert look.read("deploy.current").frozen


@pytest.mark.parametrize(
    ("name", "args", "why"),
    [
        ("edge.scale", {"add": 20}, "more than the ceiling of 8"),
        ("edge.scale", {"nodes": ["node-1"]}, "too few: the floor is 2"),
        ("edge.scale", {"nodes": ["node-1", "node-2", "web"]}, "nodes are called node-1 to node-99"),
        ("edge.serve", {"nodes": ["node-9"]}, "there is no node-9"),
        ("edge.serve", {"nodes": ["node-1"], "serve": False}, "fewer than the floor of 2"),
        ("cache.warm", {"nodes": ["node-9"]}, "there is no node-9"),
        ("sessions.flush", {"max_share": 0.1}, r"are corrupt, more than 0.1%"),
        ("deploy.rollback", {"to": 39}, "reads sessions of format v0 only"),
        ("deploy.rollback", {"to": "yesterday"}, "to must be previous or one of 39, 40, 41"),
        ("traffic.failover", {"to": "moon"}, "to must be fallback or primary"),
        ("admission.throttle", {"surface": "api", "percent": 1}, "the surface api has no admission control"),
    ],
)
def test_refusals_are_those_of_the_practice_site(night: type[Night], name: str, args: dict[str, Any], why: str) -> None:
    """With the same words, for certain, and nothing is changed."""
    look = night()
    before = (look.in_force("edge.scale"), look.in_force("deploy.rollback"), look.in_force("admission.throttle"))
    with pytest.raises(Failed, match=why) as refused:
        look.do(name, **args)
    assert not refused.value.retry
    after = (look.in_force("edge.scale"), look.in_force("deploy.rollback"), look.in_force("admission.throttle"))
    assert after == before


def test_orders_that_take_time_take_it(night: type[Night]) -> None:
    """Nodes are replaced one by one, and meanwhile the release is mixed; what is stopped stays half done."""
    look = night()
    from relight.sdk.capabilities import ALL

    work = look.site.begin("deploy.rollback", ALL["deploy.rollback"].args())
    begun_ms = look.site.now_ms
    look.later(1.0)
    assert look.read("deploy.current").release == "mixed"
    work.stop()
    look.later(10.0)
    assert look.read("deploy.current").release == "mixed"
    look.do("deploy.rollback")
    assert look.read("deploy.current").release == 40
    assert look.site.now_ms > begun_ms + 12_000


def test_what_was_done_under_a_key_is_not_done_again(night: type[Night]) -> None:
    """A retry whose answer was lost adds no second pair of nodes."""
    look = night()
    first = look.do("edge.scale", key="k", add=2, serve=False)
    assert look.do("edge.scale", key="k", add=2, serve=False) == first
    assert look.do("edge.scale", key="other", add=2, serve=False).total == 6


def test_a_failed_region_heals_after_its_time_or_never(night: type[Night]) -> None:
    """Three quarters of a minute if nothing else is said."""
    assert night(fault="region", broken_for=0).later(50)["login_error_ratio"] < 0.02
    assert night(fault="region", broken_for=0, heals_after=0).later(50)["login_error_ratio"] > 0.8
