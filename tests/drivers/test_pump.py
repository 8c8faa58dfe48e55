"""The pump acts on the difference between what is wanted and what is in hand, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from relight.drivers.drafting import Draft
from relight.drivers.pump import Pump
from relight.kernel.facts import Noted
from relight.kernel.intents import AnyIntent, Observe, Perform, ReadProbe, Stop, Wake, Watch
from relight.kernel.plan import Check, ExpressionFailed, Person, Plan, Probe, Stage, Use
from relight.kernel.state import Run, StageState

USE = Use(capability="c", provider="p", action="a")
PERFORM = Perform(dispatch=1, step="s", purpose="forward", use=USE, args={}, key="k", deadline_t=9)
STOP = Stop(dispatch=1, until_t=9)
READ = ReadProbe(id="probe:x", use=USE, args={})
WATCH = Watch(id="guard:errors", check="errors")
OBSERVE = Observe(key="throttle", use=USE)
WAKE = Wake(t=5)


class Expression:
    """An expression that fails, or does not."""

    text = "inputs.who"
    names = frozenset({"inputs.who"})

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails

    def value(self, scope: Any) -> Any:
        if self.fails:
            raise ExpressionFailed("no such input")
        return scope["inputs"]["who"]


class World:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.checks: list[Check] = []

    def __getattr__(self, verb: str) -> Callable[..., None]:
        def tell(intent: AnyIntent, *more: Check) -> None:
            self.told.append((verb, intent.id))
            self.checks.extend(more)

        return tell


def run_of(args: dict[str, Any]) -> Run:
    check = Check(id="errors", probe=replace(USE, args=args), pass_when=Expression())
    plan = Plan(
        runbook="r",
        title="R",
        site="x",
        stages=(Stage(id="s0"),),
        checks={"errors": check},
        probes={"x": Probe(id="x", use=USE)},
        scope={"inputs": {"who": "auth"}},
        people=(Person(id="ana"),),
    )
    return Run(
        id="r1",
        plan=plan,
        starter="ana",
        started_at=0,
        at=0,
        t=0,
        people=(),
        solo=None,
        stage=StageState(id="s0"),
    )


class Bench:
    """A pump whose kernel wants what a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, args: dict[str, Any] | None = None) -> None:
        self.world = World()
        self.run = run_of(args or {})
        self.pump = Pump(self.world, self.run)
        self.wanted: list[AnyIntent] = []
        monkeypatch.setattr("relight.drivers.pump.wanted", lambda _run: self.wanted)

    def adopt(self, *wanted: AnyIntent, facts: bool = True, reported: tuple[int, ...] = ()) -> list[tuple[str, str]]:
        """Adopt a draft after which these are wanted, and return what the world was told."""
        self.wanted = list(wanted)
        self.world.told.clear()
        said: list[Any] = [Noted(at=0, t=0, person="ana", text="x")] if facts else []
        self.pump.adopt(Draft(self.run, facts=said, reported=list(reported)))
        return list(self.world.told)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def test_what_is_wanted_is_begun_once(bench: Bench) -> None:
    """Each kind of intent reaches the world by its verb; what is in hand is left alone."""
    told = bench.adopt(PERFORM, READ, WATCH, OBSERVE, WAKE)
    verbs = ["start", "read", "watch", "observe", "wake"]
    assert list(zip(verbs, [each.id for each in (PERFORM, READ, WATCH, OBSERVE, WAKE)], strict=True)) == told
    assert [] == bench.adopt(PERFORM, READ, WATCH, OBSERVE, WAKE)


def test_what_is_no_longer_wanted_is_dropped_but_an_action_is_not(bench: Bench) -> None:
    """Reads, watches and wake-ups end by not being wanted; an action ends by its report or by name."""
    bench.adopt(PERFORM, READ, WATCH, OBSERVE, WAKE)
    assert [("drop", each.id) for each in (READ, WATCH, OBSERVE, WAKE)] == bench.adopt()
    assert [("stop", STOP.id)] == bench.adopt(STOP)
    assert [] == bench.adopt(STOP)


def test_ends_come_before_beginnings(bench: Bench) -> None:
    """What is in the way goes first."""
    bench.adopt(WAKE)
    assert [("drop", "wake:5"), ("wake", "wake:7")] == bench.adopt(Wake(t=7))


def test_an_action_that_reported_may_be_wanted_again(bench: Bench) -> None:
    """After its report a dispatch is in nobody's hand."""
    bench.adopt(PERFORM)
    assert [] == bench.adopt(facts=False, reported=(1,))
    assert [("start", PERFORM.id)] == bench.adopt(PERFORM)


def test_an_observation_of_something_else_begins_anew(bench: Bench) -> None:
    """An effect that was superseded is looked at by its new provider."""
    bench.adopt(OBSERVE)
    changed = replace(OBSERVE, args={"surface": "api"})
    assert [("drop", OBSERVE.id), ("observe", OBSERVE.id)] == bench.adopt(changed)


def test_a_draft_without_facts_changes_nothing(bench: Bench) -> None:
    """Nothing happened, so nothing else is wanted."""
    assert [] == bench.adopt(PERFORM, facts=False)


@pytest.mark.parametrize(("fails", "expected"), [(False, {"service": "auth"}), (True, {})])
def test_a_checks_probe_gets_its_arguments_evaluated(
    monkeypatch: pytest.MonkeyPatch, fails: bool, expected: dict[str, Any]
) -> None:
    """The world knows no expressions; one that cannot be evaluated is an argument that is missing."""
    bench = Bench(monkeypatch, {"service": Expression(fails)})
    bench.adopt(WATCH)
    (check,) = bench.world.checks
    assert check.probe is not None
    assert expected == check.probe.args
