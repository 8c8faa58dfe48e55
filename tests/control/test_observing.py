"""A rehearsal at a real site looks, checks and shows, and writes nothing."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from relight.control import observing
from relight.control.observing import Observed
from relight.control.rehearsing import Played, document, play
from relight.drivers.rehearsal.script import GateAnswer, Script, Spell
from relight.kernel.plan import Plan, Use
from relight.sdk import Action, Arguments, Call, Contract, Failed, Plugin, Provider, Result
from relight.sdk.capabilities import METRIC_QUERY
from relight.sdk.registry import Registry
from relight.testing.fakes import fake_plugin
from relight.testing.plans import act, below, check, gate, lasting, plan, stage, undo_previous, use
from relight.testing.world import FakeWorld


class Told(Result):
    """What the checked action gives."""

    changed: int = 0


CALLS: list[str] = []


class Playbook(Action):
    """An action with a check mode of its own."""

    contract: ClassVar[Contract] = Contract(name="playbook", title="Play", args=Arguments, result=Told)

    async def perform(self, call: Call) -> Result:
        CALLS.append("performed")
        return Told(changed=9)

    async def check(self, call: Call) -> Result | None:
        CALLS.append("checked")
        return Told(changed=3)


class Broken(Action):
    """One whose check mode fails."""

    contract: ClassVar[Contract] = Contract(name="broken", title="Break", args=Arguments, result=Told)

    async def perform(self, call: Call) -> Result:
        CALLS.append("performed")
        return Told()

    async def check(self, call: Call) -> Result | None:
        raise Failed("no such host")


class Site(Provider):
    """A provider with both."""

    actions = (Playbook, Broken)


@pytest.fixture(name="world")
def _world() -> FakeWorld:
    CALLS.clear()
    return FakeWorld(metrics={"errors": 4.0})


def registry(world: FakeWorld) -> Registry:
    """Return the fake world's plugin, and one with check modes."""
    checked = Plugin(name="checked", summary="Checks", provider=Site, needs_config=False)
    return Registry({"fake": fake_plugin(world), "checked": checked})


def looked(world: FakeWorld, made: Plan, **script: Any) -> Played:
    """Rehearse a plan at the fake world."""
    plugins = registry(world)
    scenes: list[Observed] = []

    def over(calm: Any) -> Observed:
        scenes.append(Observed(made, plugins, calm))
        return scenes[0]

    try:
        return play(made, plugins, starter="ana", over=over, script=Script(**script))
    finally:
        scenes[0].__exit__(None, None, None)


def errors() -> Any:
    """Return a check that asks the fake world's metrics."""
    query = {"name": "errors", "promql": "errors", "sources": ["fake"], "window_ms": 0, "max_age_ms": 20_000}
    return replace(check("errors", below(10)), query=query)


def with_providers(made: Plan) -> Plan:
    """Return the plan with its providers configured."""
    return replace(made, providers={"fake": {"use": "fake"}, "checked": {"use": "checked"}})


def set_thing() -> Use:
    """Return an action of the fake plugin that leaves an effect."""
    return replace(lasting("fake.do", on=("name",), name="it", value=2), action="do", reads_value=True)


def test_readings_are_real(world: FakeWorld) -> None:
    """The check sees the site's own figure, which is asked for once however often it is sampled."""
    made = with_providers(plan(stage("one", verify=("errors",)), stage("two", verify=("errors",)), checks=(errors(),)))
    found = looked(world, made)
    assert found.rehearsed.run.state == "succeeded"
    assert len(world.called(METRIC_QUERY.name)) == 1
    world.metrics["errors"] = 40.0
    assert looked(world, made).rehearsed.run.holds[0].code == "verify-failed"


def test_nothing_is_written(world: FakeWorld) -> None:
    """An action without a check mode is only shown, and said to be; the value in force is read."""
    before = world.seen()
    made = with_providers(plan(stage("one", act("a", set_thing(), undo=undo_previous()), gate=gate())))
    found = looked(world, made)
    assert found.rehearsed.run.state == "succeeded"
    assert world.seen() == before
    assert not world.happened
    assert [each["step"] for each in document(found)["not_rehearsed"]] == ["a"]
    assert "it has no check mode, so it was only shown" in document(found)["not_rehearsed"][0]["why"]


def test_a_check_mode_is_gone_through(world: FakeWorld) -> None:
    """What it gives is the step's result, and nothing was performed."""
    made = with_providers(plan(stage("one", act("a", use("playbook", provider="checked")))))
    found = looked(world, made)
    assert CALLS == ["checked"]
    assert found.checked == ("a",)
    assert found.not_rehearsed == ()
    assert found.rehearsed.run.steps["a"].word == "succeeded"


def test_a_check_mode_that_fails_holds(world: FakeWorld) -> None:
    """It fails in the rehearsal as it would have failed in the night."""
    made = with_providers(plan(stage("one", act("a", use("broken", provider="checked")))))
    found = looked(world, made)
    assert found.rehearsed.run.holds[0].code == "step-failed"
    assert "no such host" in found.rehearsed.run.holds[0].text
    assert CALLS == []


def test_an_action_that_is_not_there(world: FakeWorld) -> None:
    """Its provider says so, and it fails for good."""
    made = with_providers(plan(stage("one", act("a", use("nothing", provider="checked")))))
    assert "offers no nothing" in looked(world, made).rehearsed.run.holds[0].text


def test_a_script_may_stand_over_it(world: FakeWorld) -> None:
    """What it says wins over what is read."""
    made = with_providers(plan(stage("one", verify=("errors",), gate=gate()), checks=(errors(),)))
    found = looked(world, made, checks={"errors": (Spell(word="fails"),)}, gates={"one": (GateAnswer(times=None),)})
    assert found.rehearsed.run.holds[0].code == "verify-failed"
    assert world.called(METRIC_QUERY.name) == []


def test_it_holds_no_way_to_perform() -> None:
    """The module that looks at sites never names what would write there."""
    tree = ast.parse(Path(str(observing.__file__)).read_text())
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "perform" not in called
    assert {"check", "preview", "read"} <= called
