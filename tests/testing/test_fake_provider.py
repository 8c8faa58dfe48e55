"""The fake provider passes the suite that judges every other one, and ends its calls as it is told."""

import asyncio
from typing import Any

import pytest

from relight.sdk import Action, Arguments, Call, Failed, OutcomeUnknown, Probe, Provider, Result, Secrets, TargetHost
from relight.sdk.capabilities import MetricResult
from relight.testing.fakes import fake_plugin
from relight.testing.outcomes import Answer, Break, Fail, Hang, Lose, Outcome, Succeed
from relight.testing.providers import ProviderConformance
from relight.testing.world import FakeWorld


class TestFake(ProviderConformance):
    """The suite itself, with a new world for every provider."""

    plugin = fake_plugin()

    async def make(self) -> Provider:
        """Return a provider of a new world."""
        return fake_plugin(FakeWorld()).provider("tested", Arguments(), Secrets())


def call(world: FakeWorld, action: str, /, targets: tuple[str, ...] = (), **args: Any) -> Any:
    """Return the coroutine of one call, as a driver would make it."""
    provider = fake_plugin(world).provider("fake", Arguments(), Secrets())
    kind = provider.contracts()[action]
    made = Call(args=kind.contract.args(**args), key="k1", targets=tuple(TargetHost(name=each) for each in targets))
    if issubclass(kind, Action):
        return kind(provider).perform(made)
    assert issubclass(kind, Probe)
    return kind(provider).read(made)


async def test_calls_are_recorded_with_their_key() -> None:
    """A test can say what was called, with what, and how often it took effect."""
    world = FakeWorld()
    await call(world, "do", name="a", value=3)
    (recorded,) = world.called("do")
    assert (recorded.args, recorded.key) == ({"name": "a", "value": 3}, "k1")
    assert (world.things, world.happened["do"]) == ({"a": 3}, 1)


@pytest.mark.parametrize(
    ("outcome", "error", "happened"),
    [
        (Fail(message="no", retry=False), Failed, 0),
        (Lose(happened=True), OutcomeUnknown, 1),
        (Lose(happened=False), OutcomeUnknown, 0),
        (Break(), RuntimeError, 0),
    ],
)
async def test_a_call_ends_as_scripted(outcome: Outcome, error: type[Exception], happened: int) -> None:
    """Whether it happened and what is told are two things; the next call is as usual again."""
    world = FakeWorld()
    world.script("deploy.freeze", outcome)
    with pytest.raises(error):
        await call(world, "deploy.freeze")
    assert world.happened["deploy.freeze"] == happened
    await call(world, "deploy.freeze")
    assert world.happened["deploy.freeze"] == happened + 1


async def test_a_hanging_call_ends_when_it_is_cancelled_and_a_stubborn_one_later() -> None:
    """Cancelling works at once, or after as long as the script says."""
    world = FakeWorld()
    world.script("do", Hang(), Hang(happened=True, stubborn_s=0.2))
    for least_s, happened in ((0.0, 0), (0.2, 1)):
        task = asyncio.ensure_future(call(world, "do", value=1))
        await asyncio.sleep(0.01)
        task.cancel()
        started = asyncio.get_running_loop().time()
        await asyncio.wait({task})
        assert task.cancelled()
        assert asyncio.get_running_loop().time() - started >= least_s * 0.9
        assert world.happened["do"] == happened


async def test_an_outcome_may_be_usual_and_an_answer_may_be_wrong() -> None:
    """``usual`` holds for every call that nothing else is scripted for; an answer need not keep the contract."""
    world = FakeWorld()
    world.usual["do"] = Answer(result="not a result")
    world.script("do", Succeed(after_s=0.01))
    assert isinstance(await call(world, "do"), Result)
    assert await call(world, "do") == "not a result"


async def test_a_sweep_fails_on_the_targets_that_refuse() -> None:
    """Hosts that are not named in the failure succeeded."""
    world = FakeWorld(refusing={"b": "no space left"})
    with pytest.raises(Failed) as failed:
        await call(world, "sweep", targets=("a", "b", "c"))
    assert failed.value.targets == {"b": "no space left"}
    assert world.swept == {"a": 1, "c": 1}


async def test_metrics_may_be_numbers_or_whole_answers() -> None:
    """A number is a value; an answer is given as it is; what is not set is empty."""
    world = FakeWorld(metrics={"up": 1.0, "gone": MetricResult(kind="stale")})
    kinds = {name: (await call(world, "metric.query", promql=name)).kind for name in ("up", "gone", "other")}
    assert kinds == {"up": "value", "gone": "stale", "other": "empty"}


def test_seen_is_a_copy_of_the_world_without_the_record_of_calls() -> None:
    """Two views are equal when nothing changed, however often it was called."""
    world = FakeWorld()
    before = world.seen()
    asyncio.run(call(world, "look"))
    assert world.seen() == before
    asyncio.run(call(world, "deploy.freeze"))
    assert world.seen() != before
