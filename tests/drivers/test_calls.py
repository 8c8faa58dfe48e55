"""How calls of plugins end, and what is kept of what they say."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from relight.kernel.facts import StepFailed, StepLost, StepSucceeded, TargetsReported
from relight.kernel.plan import Retry, Settle, Targets
from relight.testing.outcomes import Answer, Break, Fail, Hang, Lose, Succeed


def only(facts: list[Any], kind: type) -> Any:
    """Return the one fact of that kind."""
    (found,) = [fact for fact in facts if isinstance(fact, kind)]
    return found


def test_wrong_arguments_fail_for_good_and_name_the_argument(bench: Any) -> None:
    """Arguments that the contract does not take are never sent, and the value is not repeated: it may be a secret."""
    bench.begin(bench.plan([bench.step("one", args={"nmae": "hunter2"}, retry=Retry(max_attempts=3))]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "held" in bench.kinds())
        bench.ask("abort")
        await driving

    bench.run(go())
    assert [] == bench.world.called("do")
    failed = only(bench.facts(), StepFailed)
    assert "nmae" in failed.error
    assert "hunter2" not in failed.error
    assert failed.final


@pytest.mark.parametrize(
    ("action", "outcome", "expected"),
    [
        ("do", Break(), StepLost),
        ("do", Break(error=SystemExit(3)), StepLost),
        ("do", Break(error=asyncio.CancelledError()), StepLost),
        ("do", Answer(result=["not", "a", "result"]), StepLost),
        ("do", Answer(result=object()), StepLost),
        ("do", Lose(), StepLost),
        ("look", Break(), StepFailed),
        ("look", Answer(result=3), StepFailed),
        ("look", Lose(), StepFailed),
    ],
)
def test_what_a_plugin_may_not_do_is_unknown_for_a_write_and_failed_for_a_read(
    bench: Any, action: str, outcome: Any, expected: type
) -> None:
    """An end without a word of the plugin's says nothing about the world."""
    bench.world.script(action, outcome)
    bench.begin(bench.plan([bench.step("one", action)]))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "held" in bench.kinds())
        bench.ask("abort")
        return await driving

    run = bench.run(go())
    assert "aborted" == run.outcome
    assert isinstance(only(bench.facts(), expected), expected)


def test_an_unknown_outcome_is_settled_by_its_probe(bench: Any) -> None:
    """What happened although nobody heard of it is found out by reading, and not done again."""
    bench.world.script("destroy", Lose(happened=True))
    bench.world.things["one"] = 1
    settle = Settle(
        use=bench.use("look", args={"name": "one"}, effect="read"), done_when=bench.expression("value['value'] is None")
    )
    run = bench.drive(bench.plan([bench.step("one", "destroy", settle=settle)]))
    assert "succeeded" == run.outcome
    assert 1 == len(bench.world.called("destroy"))


def test_a_timeout_stops_the_action(bench: Any) -> None:
    """A step that takes longer than it may is stopped; what became of it is not known."""
    bench.world.script("do", Hang())
    bench.begin(bench.plan([bench.step("one", timeout_ms=5_000)]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "held" in bench.kinds())
        bench.ask("abort")
        await driving

    bench.run(go())
    lost = only(bench.facts(), StepLost)
    assert 5_000 <= lost.t < 6_000
    assert "timeout" in lost.why


def test_an_action_that_ignores_being_stopped_is_given_up(bench: Any) -> None:
    """After its grace period it is reported as unknown, and the driver goes on without it."""
    bench.world.script("do", Hang(stubborn_s=3_600))
    bench.begin(bench.plan([bench.step("one", timeout_ms=5_000)]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "step_lost" in bench.kinds())
        bench.ask("abort")
        await driving

    bench.run(go())
    lost = only(bench.facts(), StepLost)
    assert 15_000 <= lost.t <= 17_100
    assert "given up" in lost.why


def test_a_late_report_settles_what_was_given_up(bench: Any) -> None:
    """An action that was slow to stop but did happen is heard of after all."""
    bench.world.script("do", Hang(happened=True, stubborn_s=30))
    bench.world.usual["do"] = Succeed()
    bench.begin(bench.plan([bench.step("one", timeout_ms=5_000)]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "step_lost" in bench.kinds())
        await asyncio.sleep(60)
        bench.ask("abort")
        await driving

    bench.run(go())
    # The fake lets the cancellation through at last, and that settles nothing: one report, no second one.
    assert 1 == bench.kinds().count("step_lost")


def test_an_abort_stops_what_is_under_way_and_is_acknowledged_at_once(bench: Any) -> None:
    """The answer is there within a second, nothing forward starts afterwards, and the run ends."""
    bench.world.script("do", Hang(stubborn_s=3))
    bench.begin(bench.plan([bench.step("one"), bench.step("two")]))
    took: list[float] = []

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: bench.world.called("do"))
        began = bench.loop.time()
        request = bench.ask("abort", reason="enough")
        answer = await bench.until(lambda: bench.answer(request))
        took.append(bench.loop.time() - began)
        assert answer.ok
        return await driving

    run = bench.run(go())
    assert "aborted" == run.outcome
    assert took[0] < 0.1
    assert ["one"] == [call.args["name"] for call in bench.world.called("do")]


def test_a_large_result_is_a_blob_and_the_journal_keeps_its_digest(bench: Any) -> None:
    """Beyond 16 KiB the journal has digest, size and head; the blob has the rest."""
    bench.drive(bench.plan([bench.step("one", args={"name": "one", "value": "x" * 40_000})]))
    result = only(bench.facts(), StepSucceeded).result
    assert {"$blob", "bytes", "head"} == result.keys()
    assert "x" * 40_000 == json.loads(bench.journal.blob(result["$blob"]))["value"]
    assert 40_000 < result["bytes"] < 40_100


def test_a_giant_result_is_cut(bench: Any) -> None:
    """A result of ten megabytes neither stops the run nor fills the journal."""
    bench.world.script("do", Answer(result={"value": ["y" * 1_000] * 10_000}))
    bench.drive(bench.plan([bench.step("one")]))
    result = only(bench.facts(), StepSucceeded).result
    assert 10_000_000 < result["bytes"]
    assert len(bench.journal.blob(result["$blob"])) <= 1024 * 1024


def test_a_result_that_nests_without_end_is_unknown(bench: Any) -> None:
    """What no journal can keep is no result."""
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    bench.world.script("do", Answer(result={"value": deep}))
    bench.begin(bench.plan([bench.step("one")]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "step_lost" in bench.kinds())
        bench.ask("abort")
        await driving

    bench.run(go())
    assert "nests deeper" in only(bench.facts(), StepLost).why


def test_secrets_and_control_characters_stay_out(bench: Any, canary: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plugin says is stored without revealed secrets and without anything a terminal would obey."""
    from relight.sdk import Secret

    def leak(_world: Any, _args: Any, call: Any) -> Any:
        value = call.secrets.reveal(Secret("env:RELIGHT_TEST_CANARY"))
        raise RuntimeError(f"\x1b[31mlogin {value} refused\x07\u202e")

    bench.world.script("do", Succeed())
    monkeypatch.setattr("relight.testing.fakes._do", leak)
    from relight.sdk.registry import Registry
    from relight.testing import fakes

    monkeypatch.setattr(fakes, "_OWN", ((fakes.DO, leak, None), *fakes._OWN[1:]))
    bench.registry = Registry({"fake": fakes.fake_plugin(bench.world)})
    bench.begin(bench.plan([bench.step("one")]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "step_lost" in bench.kinds())
        bench.ask("abort")
        await driving

    bench.run(go())
    why = only(bench.facts(), StepLost).why
    assert canary not in why
    assert "login [secret] refused" in why
    assert not {"\x1b", "\x07", "\u202e"} & set(why)


def test_a_fan_out_reports_each_host(bench: Any) -> None:
    """One call a host, so many at once, with a key of its own; each failure is known by its host."""
    hosts = tuple(f"h{number}" for number in range(30))
    peak, now = [0], [0]

    class Counted:
        async def play(self, effect: Any) -> Any:
            now[0] += 1
            peak[0] = max(peak[0], now[0])
            await asyncio.sleep(1)
            now[0] -= 1
            return effect()

    bench.world.usual["do"] = Counted()
    targets = Targets(group="all", hosts=hosts, batches=(10, 20), max_concurrency=4, max_failures=5)
    run = bench.drive(bench.plan([bench.step("one", targets=targets)]))
    assert "succeeded" == run.outcome
    assert 4 == peak[0]
    calls = bench.world.called("do")
    assert list(hosts) == [call.targets[0] for call in calls]
    assert 30 == len({call.key for call in calls})


def test_too_many_failures_stop_in_the_middle_of_a_batch(bench: Any) -> None:
    """Reaching the limit begins no other host; those are said to be untouched, not failed."""
    hosts = tuple(f"h{number}" for number in range(9))
    bench.world.usual["do"] = Fail(message="it is down", retry=False)
    targets = Targets(group="all", hosts=hosts, batches=(9,), max_concurrency=1, max_failures=2)
    bench.drive(bench.plan([replace(bench.step("one", targets=targets), on_failure="continue")]))
    assert 2 == len(bench.world.called("do"))
    assert {"0", "1"} == set(only(bench.facts(), TargetsReported).failed)


def test_a_batch_action_is_called_once_a_slice(bench: Any) -> None:
    """An action that takes many targets gets them in one call and says which failed."""
    hosts = tuple(f"h{number}" for number in range(6))
    bench.world.refusing["h3"] = "it is down"
    targets = Targets(group="all", hosts=hosts, batches=(6,), max_failures=2)
    run = bench.drive(bench.plan([bench.step("one", "sweep", targets=targets)]))
    assert "succeeded" == run.outcome
    assert 1 == len(bench.world.called("sweep"))
    result = run.steps["one"].result or only(bench.facts(), StepSucceeded).result
    assert {"done": 5, "failed": {"h3": "it is down"}, "total": 6} == result


def test_hosts_come_with_what_the_inventory_says_of_them(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """References are resolved for the call alone; one that cannot be is a failure before anything is called."""
    monkeypatch.setenv("DB_TOKEN", "s3cr3t-s3cr3t")
    variables = {"h0": {"port": 22, "token": "env:DB_TOKEN"}}
    targets = Targets(group="all", hosts=("h0", "h1"), batches=(2,), variables=variables)
    assert "succeeded" == bench.drive(bench.plan([bench.step("one", "sweep", targets=targets)])).outcome
    assert {"h0": {"port": 22, "token": "s3cr3t-s3cr3t"}} == bench.world.called("sweep")[0].variables
    assert "s3cr3t" not in "".join(str(record.body) for record in bench.journal.records("r1"))


def test_a_hosts_secret_that_cannot_be_resolved_calls_nothing(bench: Any) -> None:
    """The step fails with the reference's name."""
    targets = Targets(group="all", hosts=("h0",), batches=(1,), variables={"h0": {"token": "env:NO_SUCH_THING"}})
    step = replace(bench.step("one", "sweep", targets=targets), on_failure="continue")
    bench.drive(bench.plan([step]))
    assert [] == bench.world.called("sweep")
    failed = only(bench.facts(), TargetsReported).failed["0"]
    assert "a variable of its hosts: secret env:NO_SUCH_THING" in failed


def test_a_stopped_fan_out_tells_done_lost_and_not_begun_apart(bench: Any) -> None:
    """Hosts that were not reached have certainly not been touched; those under way may have been."""
    hosts = ("a", "b", "c", "d")
    bench.world.script("do", Succeed(), Hang())
    targets = Targets(group="all", hosts=hosts, batches=(4,), max_concurrency=1)
    bench.begin(bench.plan([bench.step("one", targets=targets, timeout_ms=5_000)]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "targets_reported" in bench.kinds())
        bench.ask("abort")
        await driving

    bench.run(go())
    (reported,) = [fact for fact in bench.facts() if type(fact).__name__ == "TargetsReported"]
    assert (0,) == reported.done
    assert (1,) == reported.unknown
    assert ["2", "3"] == sorted(reported.failed)


class Stubborn:
    """A call that does not listen when it is cancelled."""

    async def play(self, _effect: Any) -> Any:
        loop = asyncio.get_running_loop()
        until = loop.time() + 3_600
        while loop.time() < until:
            try:
                await asyncio.sleep(until - loop.time())
            except asyncio.CancelledError:
                continue


def test_a_probe_that_ignores_being_cancelled_keeps_nobody_waiting(bench: Any) -> None:
    """A reading takes as long as it may, and then it is an error."""
    bench.world.usual["look"] = Stubborn()
    settle = Settle(
        use=bench.use("look", args={"name": "one"}, effect="read"),
        done_when=bench.expression("value['value'] is None"),
        within_ms=30_000,
    )
    bench.world.script("destroy", Lose())
    bench.begin(bench.plan([bench.step("one", "destroy", settle=settle)]))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "held" in bench.kinds())
        bench.ask("abort")
        return await driving

    run = bench.run(go())
    assert "aborted" == run.outcome
    assert run.t < 120_000
    assert 1 < len(bench.world.called("look"))


@pytest.mark.parametrize("broken", ["load", "make", "close"])
def test_a_plugin_that_breaks_before_or_after_its_calls_breaks_nothing_else(bench: Any, broken: str) -> None:
    """One that cannot be loaded or made fails its step for good; one that cannot be closed is left."""
    from relight.errors import PluginError

    registry = bench.registry

    class Broken:
        def provider(self, name: str, config: Any, secrets: Any) -> Any:
            if broken == "load":
                raise PluginError("fake", "cannot be loaded: SyntaxError")
            if broken == "make":
                raise ZeroDivisionError("no address")
            made = registry.provider(name, config, secrets)
            made.close = lambda: Stubborn().play(None)
            return made

    bench.registry = Broken()
    bench.begin(bench.plan([bench.step("one")]))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        if broken != "close":
            await bench.until(lambda: "held" in bench.kinds())
            bench.ask("abort")
        return await driving

    run = bench.run(go())
    assert ("succeeded" if broken == "close" else "aborted") == run.outcome
    if broken != "close":
        failed = only(bench.facts(), StepFailed)
        assert {"load": "cannot be loaded", "make": "no address"}[broken] in failed.error
