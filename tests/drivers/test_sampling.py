"""Checks that are watched: where their data points come from, and which of them count."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from relight.drivers.live.sampling import UNKEPT_MAX, shown_as
from relight.drivers.live.sources import Point
from relight.kernel.facts import CheckTurned
from relight.kernel.plan import Approval, Gate, Guard, Precondition, Stage, Verify
from relight.sdk.capabilities import MetricResult
from relight.testing.outcomes import Fail, Hang, Succeed


def turned(bench: Any) -> list[CheckTurned]:
    """Return the turns that the journal has."""
    return [fact for fact in bench.facts() if isinstance(fact, CheckTurned)]


def verified(bench: Any, *checks: Any, **more: Any) -> Any:
    """Return a plan of one stage that is verified by *checks*."""
    verify = tuple(Verify(check=check.id, **more) for check in checks)
    return bench.plan(
        Stage(id="s0", steps=(bench.step("one"),), verify=verify), checks={check.id: check for check in checks}
    )


def driven_until(bench: Any, plan: Any, seen: Any, **more: Any) -> Any:
    """Drive *plan* until *seen* is true, then abort."""
    bench.begin(plan)

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver(**more).drive())
        await bench.until(seen)
        bench.ask("abort")
        return await driving

    return bench.run(go())


def test_a_check_that_passes_ends_the_stage(bench: Any) -> None:
    """The first sample is taken at once, and one that passes is enough where the check asks for one."""
    bench.world.metrics["errors"] = 0.5
    run = bench.drive(verified(bench, bench.check("errors")))
    assert "succeeded" == run.outcome
    (turn,) = turned(bench)
    assert ("errors", "pass", 0.5, 1) == (turn.check, turn.verdict, turn.value, turn.samples)
    assert run.t < 100


def test_sampling_begins_one_window_after_the_last_step(bench: Any) -> None:
    """What was measured over the time before the step says nothing of the time after it."""
    bench.world.metrics["errors"] = 0.5
    run = bench.drive(verified(bench, bench.check("errors", settle_ms=30_000)))
    assert 30_000 <= run.t < 31_000
    assert 30_000 <= turned(bench)[0].t


def test_a_check_has_to_pass_for_its_time(bench: Any) -> None:
    """With ``for`` every sample of that time has to pass; a bad one begins it anew."""
    values = iter([0.5, 0.5, 5.0, *[0.5] * 100])

    class Metric:
        async def play(self, _effect: Any) -> Any:
            return MetricResult(kind="value", value=next(values))

    bench.world.usual["metric.query"] = Metric()
    run = bench.drive(verified(bench, bench.check("errors"), for_ms=20_000))
    assert 30_000 <= run.t < 40_000


def test_each_reason_for_no_data_is_told_apart(bench: Any) -> None:
    """Empty, NaN, stale, error, too little volume and an old data point are no data, each with its own words."""
    now = bench.clock.wall_ms() / 1_000
    bench.world.metrics |= {
        "empty": MetricResult(kind="empty", detail="no series"),
        "nan": MetricResult(kind="value", value=float("nan")),
        "stale": MetricResult(kind="stale", detail="ended"),
        "error": MetricResult(kind="error", detail="500"),
        "old": MetricResult(kind="value", value=0.5, at=now - 60),
        "thin": 0.5,
        "volume": 0.2,
    }
    checks = [bench.check(name) for name in ("empty", "nan", "stale", "error", "old")]
    checks.append(bench.check("thin", query={"min_volume": {"promql": "volume", "at_least": 1}}))
    checks.append(bench.check("nowhere", query={"sources": []}))
    driven_until(
        bench, verified(bench, *checks), lambda: sum(t.verdict == "inconclusive" for t in turned(bench)) == len(checks)
    )
    details = {turn.check: turn.detail for turn in turned(bench) if turn.verdict == "inconclusive"}
    assert "empty: no series" in details["empty"]
    assert "nan" in details["nan"]
    assert "stale: ended" in details["stale"]
    assert "error: 500" in details["error"]
    assert "stale, 75 s old" in details["old"]
    assert "volume 0.2 is below 1" in details["thin"]
    assert "no sources" in details["nowhere"]


def test_enough_volume_makes_a_value_count(bench: Any) -> None:
    """A value over enough requests is a value."""
    bench.world.metrics |= {"thin": 0.5, "volume": 7.0}
    check = bench.check("thin", query={"min_volume": {"promql": "volume", "at_least": 1}})
    assert "succeeded" == bench.drive(verified(bench, check)).outcome


def two_sources(bench: Any) -> Any:
    """Return a check with two sources, and the registry that has them."""
    from relight.sdk.registry import Registry
    from relight.testing.fakes import fake_plugin
    from relight.testing.world import FakeWorld

    bench.second = FakeWorld()
    bench.registry = Registry({"fake": fake_plugin(bench.world), "other": fake_plugin(bench.second, "other")})
    return bench.check("errors", query={"sources": ["fake", "other"]})


def test_the_second_source_answers_when_the_first_has_nothing(bench: Any) -> None:
    """A dead dashboard is not a dead check."""
    check = two_sources(bench)
    bench.world.usual["metric.query"] = Fail(message="connection refused")
    bench.second.metrics["errors"] = 0.5
    run = bench.drive(verified(bench, check))
    assert "succeeded" == run.outcome
    assert run.t < 1_000


def test_a_silent_source_keeps_the_next_waiting_for_a_second_only(bench: Any) -> None:
    """A source that hangs costs a second and not its whole timeout."""
    check = two_sources(bench)
    bench.world.usual["metric.query"] = Hang()
    bench.second.metrics["errors"] = 0.5
    run = bench.drive(verified(bench, check))
    assert 1_000 <= run.t < 1_500


def test_the_first_source_wins_when_both_answer(bench: Any) -> None:
    """Sources are asked in their order."""
    check = two_sources(bench)
    bench.world.usual["metric.query"] = Succeed(after_s=0.5)
    bench.world.metrics["errors"] = 0.1
    bench.second.metrics["errors"] = 0.9
    bench.drive(verified(bench, check))
    assert 0.1 == turned(bench)[0].value
    assert [] == bench.second.calls


def test_a_data_point_counts_once(bench: Any) -> None:
    """However often a source repeats its last data point, it is one sample."""
    bench.world.metrics["errors"] = MetricResult(kind="value", value=5.0, at=bench.clock.wall_ms() / 1_000)
    check = bench.check("errors", fail_when="value > 3", max_age_ms=3_600_000)
    plan = verified(bench, check, within_ms=60_000)
    driven_until(bench, plan, lambda: "held" in bench.kinds())
    assert [("fail", 1)] == [(turn.verdict, turn.samples) for turn in turned(bench)]


def test_one_reading_feeds_all_watches_of_a_source(bench: Any) -> None:
    """A gate, a guard and another check with its own criterion share one query every five seconds."""
    bench.world.metrics["errors"] = 0.5
    checks = {
        "errors": bench.check("errors"),
        "strict": bench.check("strict", "value < 0.1", query={"name": "errors", "promql": "errors"}),
    }
    gate = Gate(title="?", approval=Approval(roles=("ic",)), require=("errors",), show=("strict",))
    plan = bench.plan(Stage(id="s0", gate=gate), checks=checks, guards=(Guard(check="errors"),))

    def waited() -> bool:
        return bool(bench.loop.time() > 1_000 + 60)

    driven_until(bench, plan, waited)
    assert len(bench.world.called("metric.query")) in (12, 13)
    assert {"pass", "fail"} == {turn.verdict for turn in turned(bench)}


def test_a_source_that_falls_silent_makes_a_passing_check_stale(bench: Any) -> None:
    """Old good news is no news: the gate does not open on it."""
    bench.world.script("metric.query", Succeed())
    bench.world.usual["metric.query"] = Hang()
    bench.world.metrics["errors"] = 0.5
    gate = Gate(title="?", approval=Approval(roles=("ic",)), require=("errors",))
    plan = bench.plan(Stage(id="s0", gate=gate), checks={"errors": bench.check("errors", max_age_ms=20_000)})
    driven_until(bench, plan, lambda: any(turn.verdict == "inconclusive" for turn in turned(bench)))
    stale = next(turn for turn in turned(bench) if turn.verdict == "inconclusive")
    assert 20_000 < stale.t < 22_000


def test_a_probe_is_a_check_on_its_whole_answer(bench: Any) -> None:
    """A precondition reads a field of what a probe says."""
    bench.world.things["schema"] = 7
    check = bench.check("same", "value['value'] == 7")
    check = replace(check, query=None, probe=bench.use("look", args={"name": "schema"}, effect="read"))
    plan = bench.plan(
        Stage(id="s0", preconditions=(Precondition(check="same"),), steps=(bench.step("one"),)), checks={"same": check}
    )
    assert "succeeded" == bench.drive(plan).outcome


def test_a_probe_that_cannot_be_read_is_no_data(bench: Any) -> None:
    """A check on a broken probe is inconclusive and holds."""
    bench.world.usual["look"] = Fail(message="no route to host")
    probe = bench.use("look", args={"name": "schema"}, effect="read")
    check = replace(bench.check("same"), query=None, probe=probe)
    plan = bench.plan(
        Stage(id="s0", preconditions=(Precondition(check="same"),), steps=(bench.step("one"),)), checks={"same": check}
    )
    driven_until(bench, plan, lambda: "held" in bench.kinds())
    assert "no route to host" in turned(bench)[-1].detail
    assert [] == bench.world.called("do")


def test_samples_are_kept_beside_the_chain_and_on_the_board(bench: Any) -> None:
    """Views see the newest sample of each check and the last hundred; the chain has only turns."""
    bench.world.metrics["errors"] = 5.0
    plan = verified(bench, bench.check("errors"), within_ms=60_000)
    driven_until(bench, plan, lambda: "held" in bench.kinds())
    samples = bench.journal.samples("r1", check="errors")
    assert len(samples) in (12, 13)
    assert {("value", 5.0)} == {(sample.kind, sample.value) for sample in samples}
    board = bench.journal.live("r1")
    assert 5.0 == board["checks"]["errors"]["value"]
    assert len(samples) <= UNKEPT_MAX


def test_protective_effects_are_observed_while_in_force(bench: Any) -> None:
    """The board shows what the edge itself says of a throttle, every few seconds, errors beside the last value."""
    throttle = bench.step(
        "throttle",
        "admission.throttle",
        args={"percent": 10, "max_rate": 20},
        use={
            "capability": "admission.throttle",
            "reads_value": True,
            "lasting": True,
            "key_args": ("surface",),
            "idempotent": True,
        },
        protective=True,
    )
    gate = Gate(title="?", approval=Approval(roles=("ic",)))
    plan = bench.plan([throttle], Stage(id="s1", gate=gate))
    boards: list[Any] = []
    bench.begin(plan)

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: bench.journal.live("r1").get("observed"))
        boards.append(bench.journal.live("r1")["observed"])
        bench.world.throttles["consumer"]["percent"] = 55
        await asyncio.sleep(7)
        boards.append(bench.journal.live("r1")["observed"])
        bench.ask("abort")
        await driving

    bench.run(go())
    (before,), (after,) = (list(board.values()) for board in boards)
    assert 10 == before["value"]["percent"]
    assert 55 == after["value"]["percent"]
    assert after["at"] > before["at"]
    assert "" == after["error"]


def test_a_probe_that_answers_with_more_than_a_value_is_shown_by_its_value(bench: Any) -> None:
    """A figure is what people look for; an answer without one is shown as its text."""
    deep: Any = {"body": {"depth": 3}}
    answers: list[tuple[Any, tuple[str, ...], Any]] = [
        ({"value": 0.5, "stdout": "0.5"}, (), (0.5, "")),
        ({"value": "up"}, (), ("up", "")),
        (7, (), (7, "")),
        ({"release": 41}, (), (None, '{"release": 41}')),
        (deep, ("body", "depth"), (3, "")),
        (deep, ("body", "gone"), (None, '{"body": {"depth": 3}}')),
    ]
    for answer, reads, shown in answers:
        check = replace(bench.check("same"), reads=reads)
        assert shown == shown_as(check, Point(t=1, at=1, stamp="", kind="value", value=answer))
