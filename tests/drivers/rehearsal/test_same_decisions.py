"""A rehearsal decides as a live run that sees the same: one is held against the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from relight.drivers.rehearsal.calm import Calm
from relight.drivers.rehearsal.driver import rehearse
from relight.drivers.rehearsal.moments import Moment
from relight.drivers.rehearsal.replay import TIMES, replay
from relight.drivers.rehearsal.scene import Doing, End, Seen
from relight.drivers.rehearsal.script import GateAnswer, Script, Spell, StepEnd, When
from relight.kernel import facts as f
from relight.kernel.intents import Perform, ReadProbe
from relight.kernel.plan import Approval, Check, Gate, Guard, Plan, Ramp, Retry, Stage, Undo, Verify
from relight.kernel.state import Run
from relight.testing.outcomes import Fail, Lose


def recovery(bench: Any) -> Plan:
    """Return a plan with one of everything that a live driver does."""
    gate = Gate(title="Go on?", approval=Approval(roles=("ic",), allow_self_approval=True), require=("errors",))
    ramp = Ramp(key="value", floor=1, through=(2, 3), dwell_ms=10_000, checks=("errors",), cool_down_ms=10_000)
    return bench.plan(
        Stage(
            id="contain",
            steps=(bench.step("throttle", undo=Undo(kind="previous"), protective=True), bench.step("freeze")),
            verify=(Verify(check="errors", for_ms=10_000, within_ms=60_000),),
        ),
        Stage(id="mend", gate=gate, steps=(bench.step("mend", "destroy", retry=Retry(max_attempts=3)),)),
        Stage(id="reopen", steps=(bench.step("admit", ramp=ramp, args={"name": "admit"}),)),
        checks={"errors": bench.check("errors", "value < 0.05", interval_ms=5_000)},
        guards=(Guard(check="errors", breach_after_ms=20_000, on_breach="step_back"),),
    )


async def approving(bench: Any) -> None:
    """Approve every gate half a minute after it asked."""
    seen: set[str] = set()
    while True:
        await asyncio.sleep(0.5)
        for fact in bench.facts():
            if isinstance(fact, f.GateAsked) and fact.ticket not in seen:
                seen.add(fact.ticket)
                await asyncio.sleep(30)
                bench.ask("approve", ticket=fact.ticket)


async def errors_for(bench: Any, begin_s: float, end_s: float) -> None:
    """Let sign-ins fail for a while."""
    await asyncio.sleep(begin_s)
    bench.world.metrics["errors"] = 0.4
    await asyncio.sleep(end_s - begin_s)
    bench.world.metrics["errors"] = 0.01


def drive(bench: Any, *beside: Any) -> Any:
    """Drive the recovery to its end, or until it holds, with something going on beside it."""
    bench.world.metrics["errors"] = 0.01
    bench.begin(recovery(bench))

    async def go() -> None:
        others = [asyncio.ensure_future(each) for each in (approving(bench), *beside)]
        driver = bench.driver()
        driving = asyncio.ensure_future(driver.drive())
        await bench.until(lambda: driving.done() or "held" in bench.kinds(), 3_600)
        await asyncio.sleep(5)
        driver.stop()
        await driving
        for other in others:
            other.cancel()

    bench.run(go())
    return bench.facts()


async def blind(bench: Any, begin_s: float) -> None:
    """Let the source have no data from some time on."""
    await asyncio.sleep(begin_s)
    del bench.world.metrics["errors"]


def beside(bench: Any, story: str) -> list[Any]:
    """Set the fake world up for a story, and return what goes on beside the driver."""
    match story:
        case "a failure that goes away":
            bench.world.script("destroy", Fail(), Fail())
        case "an outcome that nobody knows":
            bench.world.script("destroy", Lose())
        case "errors while reopening":
            return [errors_for(bench, 50, 75)]
        case "a check without data":
            return [blind(bench, 12)]
    return []


STORIES = (
    "all goes well",
    "a failure that goes away",
    "an outcome that nobody knows",
    "errors while reopening",
    "a check without data",
)


@pytest.mark.parametrize("story", STORIES)
def test_a_live_run_is_replayed_to_the_last_fact(story: str, bench: Any) -> None:
    """Fed what the live driver was told, the same plan says every recorded fact again."""
    facts = drive(bench, *beside(bench, story))
    again = replay(facts, facts[0].plan)
    assert again.divergence is None
    assert list(again.facts) == facts


# ---- the same observations, played


UNLIKE = {"driver", "digest", "samples", "door", "result", "key", "run"}
"""What names the driver, the door and the very samples; a fake's results are not what is decided by."""


def decisions(facts: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what was decided, without its times: what was seen meanwhile is no decision."""
    kept = []
    for fact in facts:
        if isinstance(fact, f.RunStarted | f.ProbeRead | f.StepPrepared | f.CheckTurned):
            continue
        words = {
            name: getattr(fact, name)
            for name in fact.__dataclass_fields__
            if name not in TIMES | UNLIKE and not (isinstance(fact, f.StepDispatched) and name.startswith("before"))
        }
        words.pop("readings", None)
        words.pop("ticket", None)
        kept.append((type(fact).__name__, words))
    return kept


class AsFaked:
    """The calm scene with the fake world's figures."""

    def __init__(self, below: Calm) -> None:
        self._below = below

    def pass_until(self, t: int) -> int:
        return t

    def begin(self, act: Perform, run: Run) -> Doing:
        return Doing(takes_ms=0, end=lambda: End(result={"value": act.args.get("value")}))

    def read(self, reading: ReadProbe, run: Run) -> Seen:
        return self._below.read(reading, run)

    def sample(self, check: Check, run: Run) -> Seen:
        return Seen(0.01)


def make_up(_use: Any, args: Mapping[str, Any]) -> Any:
    return dict(args)


SCRIPTS: dict[str, dict[str, Any]] = {
    "all goes well": {},
    "a failure that goes away": {"steps": {"mend": (StepEnd(word="fails", times=2, error="it failed"),)}},
}


@pytest.mark.parametrize("story", SCRIPTS)
def test_a_rehearsal_decides_what_the_live_run_decided(story: str, bench: Any) -> None:
    """Driver against driver: seeing the same, they record the same facts but for their times."""
    live = drive(bench, *beside(bench, story))
    plan = live[0].plan
    answers = {"mend": (GateAnswer(by=("ana",), after_ms=30_000),)}
    script = Script(gates=answers, **SCRIPTS[story])
    played = rehearse(plan, AsFaked(Calm(plan, make_up)), script, make_up, starter="ana")
    errors = {fact.error for fact in live if isinstance(fact, f.StepFailed)}
    rehearsed = [told.fact for told in played.told]
    mended = [(kind, {**words, **_same_words(words, errors)}) for kind, words in decisions(rehearsed)]
    assert mended == decisions(live)
    assert played.run.state == "succeeded"


def _same_words(words: dict[str, Any], errors: set[str]) -> dict[str, Any]:
    """Return a scripted failure in the fake's words."""
    return {name: next(iter(errors)) for name in ("error", "why") if words.get(name) == "it failed" and errors}


def test_checks_turn_as_in_a_live_run(bench: Any) -> None:
    """What fails while the ramp is up sends both down, and both rise again."""
    live = drive(bench, *beside(bench, "errors while reopening"))
    plan = live[0].plan
    up = next(fact.t for fact in live if isinstance(fact, f.RampMoved))
    spell = Spell(
        word="reads", value=0.4, start=When(on=Moment("step", "admit", "started"), after_ms=50_000 - up), for_ms=25_000
    )
    script = Script(gates={"mend": (GateAnswer(by=("ana",), after_ms=30_000),)}, checks={"errors": (spell,)})
    played = rehearse(plan, AsFaked(Calm(plan, make_up)), script, make_up, starter="ana")
    moves = [(fact.position, fact.direction, fact.counted) for fact in live if isinstance(fact, f.RampMoved)]
    again = [told.fact for told in played.told if isinstance(told.fact, f.RampMoved)]
    assert [(fact.position, fact.direction, fact.counted) for fact in again] == moves
    assert any(counted for _, _, counted in moves)
