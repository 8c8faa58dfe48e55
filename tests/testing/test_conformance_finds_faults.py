"""Each rule of the conformance suite fails for a provider that breaks it."""

from collections.abc import Callable
from typing import Any
from unittest import SkipTest

import pytest

from relight.sdk import Arguments, Call, Failed, Plugin, Provider, Secrets
from relight.sdk import capabilities as cap
from relight.testing import fake_capabilities
from relight.testing.fakes import fake_plugin
from relight.testing.outcomes import Answer, Break, Hang, Outcome
from relight.testing.providers import ProviderConformance
from relight.testing.world import FakeWorld

Fault = tuple[str, str, Callable[..., Any]]


class _Suite(ProviderConformance):
    def __init__(self, usual: dict[str, Outcome]) -> None:
        self._usual = usual

    @property
    def plugin(self) -> Plugin:  # type: ignore[override]
        return fake_plugin(FakeWorld(usual=self._usual))

    async def make(self) -> Provider:
        return self.plugin.provider("tested", Arguments(), Secrets())


def _flush_at_once(world: FakeWorld, args: cap.FlushArgs, call: Call) -> cap.FlushResult:
    moved, world.sessions.corrupt = world.sessions.corrupt, 0
    if args.max_share < 1:
        raise Failed("too many, but they are gone", retry=False)
    return cap.FlushResult(moved=moved)


def _throttle_adds(world: FakeWorld, args: cap.ThrottleArgs, call: Call) -> cap.ThrottleResult:
    now = world.throttles.setdefault(args.surface, {"percent": 100.0, "max_rate": 0.0})
    now["max_rate"] += 1
    return cap.ThrottleResult(**now)


def _throttle_everywhere(world: FakeWorld, args: cap.ThrottleArgs, call: Call) -> cap.ThrottleResult:
    for surface in ("consumer", "api"):
        world.throttles[surface] = args.model_dump(include={"percent", "max_rate"}, exclude_none=True)
    return cap.ThrottleResult(percent=args.percent or 100, max_rate=args.max_rate or 0)


def _scale_without_limit(world: FakeWorld, args: cap.ScaleArgs, call: Call) -> cap.ScaleResult:
    world.nodes["edge"] = dict.fromkeys(args.nodes if args.nodes is not None else ["edge-1", "edge-2", "edge-9"], True)
    return cap.ScaleResult()


def _always_ten(world: FakeWorld, args: cap.ThrottleArgs) -> dict[str, Any]:
    return {"surface": args.surface, "percent": 10, "max_rate": 20}


def _nonsense(world: FakeWorld, args: cap.ThrottleArgs) -> dict[str, Any]:
    return {"share": 10}


FAULTS: list[Fault] = [
    ("test_what_was_in_force_can_be_put_back", "admission.throttle", _throttle_adds),
    ("test_what_was_in_force_can_be_put_back", "admission.throttle in_force", _always_ten),
    ("test_what_was_in_force_can_be_put_back", "admission.throttle in_force", _nonsense),
    ("test_an_idempotent_action_done_twice_is_done_once", "admission.throttle", _throttle_adds),
    ("test_another_target_stays_as_it_is", "admission.throttle", _throttle_everywhere),
    ("test_neutral_arguments_clear_the_effect", "admission.throttle in_force", _always_ten),
    ("test_too_large_a_share_is_refused_before_anything_is_touched", "sessions.flush", _flush_at_once),
    ("test_flushed_sessions_come_back", "sessions.restore", lambda *_: cap.RestoreResult(restored=1)),
    ("test_a_pool_keeps_its_floor_and_its_ceiling", "edge.scale", _scale_without_limit),
    ("test_a_freeze_is_seen", "deploy.freeze", lambda *_: cap.Done()),
]


@pytest.mark.parametrize(("rule", "where", "fault"), FAULTS)
def test_a_wrong_implementation_is_found(
    rule: str, where: str, fault: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule that the fault breaks fails, and names the capability."""
    name, _, value = where.partition(" ")
    rows = [
        (contract, do if value else fault, fault if value else in_force) if contract.name == name else row
        for row in fake_capabilities.ACTIONS
        for contract, do, in_force in (row,)
    ]
    monkeypatch.setattr(fake_capabilities, "ACTIONS", tuple(rows))
    with pytest.raises(AssertionError):
        getattr(_Suite({}), rule)()


@pytest.mark.parametrize(
    ("rule", "name", "outcome"),
    [
        ("test_results_are_what_was_promised", "deploy.freeze", Answer(result=cap.CompatibleResult(compatible=True))),
        ("test_results_are_what_was_promised", "cache.warm", Answer(result=cap.WarmResult(nodes={"n" * 20_000: 1}))),
        ("test_cancelling_returns_promptly", "notify", Hang(stubborn_s=30)),
        ("test_cancelling_returns_promptly", "notify", Break()),
        (
            "test_a_metric_without_data_is_an_answer_and_no_error",
            "metric.query",
            Answer(result=cap.MetricResult(kind="value", value=0)),
        ),
    ],
)
def test_a_wrong_ending_is_found(rule: str, name: str, outcome: Outcome) -> None:
    """What a provider returns, and when, is judged like what it does."""
    with pytest.raises(AssertionError):
        getattr(_Suite({name: outcome}), rule)()


def test_what_a_provider_does_not_offer_is_skipped() -> None:
    """A provider is judged by what it offers."""

    class Empty(ProviderConformance):
        plugin = Plugin(name="empty", summary="Nothing", provider=Provider)

    with pytest.raises(SkipTest, match=r"empty does not offer sessions\.flush"):
        Empty().test_flushed_sessions_come_back()
    with pytest.raises(SkipTest, match="offers no such capability"):
        Empty().test_results_are_what_was_promised()
