"""A plan as it is shown before it is started."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relight.runbook.describe import describe
from relight.runbook.describe_text import WIDTH, plan_text
from relight.runbook.plan import prepare_plan
from relight.sdk.registry import Registry

from .conftest import SITE
from .test_plan import RUNBOOK

Write = Callable[..., tuple[Path, Path]]


@pytest.fixture
def described(write: Write, registry: Registry) -> dict[str, Any]:
    """The description of a plan with one of everything."""
    planned = prepare_plan(*write(RUNBOOK), registry=registry)
    assert planned.plan is not None
    return describe(planned.plan, planned.complaints, {"scale": "2 nodes become 4"}, starter="ana")


def test_the_data_is_versioned_json(described: dict[str, Any]) -> None:
    """A program gets the whole plan as JSON."""
    assert described["schema"] == "relight.plan/v1"
    assert json.loads(json.dumps(described)) == described
    assert [stage["id"] for stage in described["stages"]] == ["first", "second", "third"]


def test_a_gate_names_who_can_open_it(write: Write, registry: Registry) -> None:
    """Those who hold its roles are named; the starter where she counts; a solo rule with its time."""
    runbook = "stages:\n  - id: a\n    gate: {approval: {roles: [sre]}}\n"
    site = SITE + "solo: {after: 5m, roles: [sre]}\n"
    planned = prepare_plan(*write(runbook, site), starter="ana", registry=registry)
    assert planned.plan is not None
    gate = describe(planned.plan, starter="ana")["stages"][0]["gate"]
    assert gate["can_open"] == ["bo"]
    assert gate["solo"] == {"after": "5m", "people": ["ana"]}
    assert describe(planned.plan)["stages"][0]["gate"]["can_open"] == ["ana", "bo"]


def test_a_step_says_what_is_called_and_how_it_is_undone(described: dict[str, Any]) -> None:
    """Provider, plugin, arguments, effect, undo, and what the provider says it would change."""
    scale = described["stages"][1]["steps"][1]
    assert (scale["action"], scale["provider"], scale["plugin"]) == ("edge.scale", "edge", "fake")
    assert (scale["effect"], scale["undo"], scale["would"]) == (
        "write",
        {"kind": "previous", "ask": False},
        "2 nodes become 4",
    )
    assert described["stages"][1]["steps"][3]["args"]["nodes"] == "${{ steps.scale.result.added }}"


def test_what_outlives_a_dead_driver_is_listed(described: dict[str, Any]) -> None:
    """Every effect that stays in force when nobody carries the run on, with its undo."""
    assert [each["step"] for each in described["outlives_driver"]] == ["throttle", "back", "scale", "serve", "open"]
    assert described["outlives_driver"][0]["protective"] is True


def test_the_text_fits_a_terminal(described: dict[str, Any]) -> None:
    """No line is wider than 80 columns, and the words that matter are there."""
    text = plan_text(described)
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    for words in (
        "DESTRUCTIVE",
        "GATE",
        "undo: back to the value that was in force before, asks first",
        "IF THE DRIVER DIES",
        "now: 2 nodes become 4",
        "a person does: Look at",
        "percent 10 > 25 > 50 > 100, 1m each",
        "wait 1m",
        "undo what throttle did",
        "effects are undone, last in first out",
    ):
        assert words in text
    assert "; what cannot be undone fails the run" in " ".join(text.split())


def test_nothing_secret_and_nothing_that_moves_a_cursor_is_shown(write: Write, registry: Registry) -> None:
    """What looks like a secret is masked, and control characters in titles are written out."""
    runbook = (
        'stages:\n  - id: a\n    title: "\\e]0;owned\\a"\n    steps:\n'
        "      - {id: a, action: shell.run, with: {argv: [ls], env: {API_TOKEN: hunter22}}}\n"
    )
    planned = prepare_plan(*write(runbook), registry=registry)
    assert planned.plan is not None
    data = describe(planned.plan, planned.complaints)
    text = plan_text(data)
    assert "hunter22" not in json.dumps(data)
    assert "\x1b" not in text
    assert [warning["code"] for warning in data["warnings"]] == ["RL510"]
    assert "WARNING" in text
