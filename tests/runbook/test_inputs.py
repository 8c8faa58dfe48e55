"""Inputs: text from a command line and values from a program become values of the right type, or a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relight.runbook.document import Input
from relight.runbook.inputs import BadInput, judged, limits, parsed
from relight.runbook.plan import make_plan, prepare_plan
from relight.sdk.registry import Registry


def declared(**keys: Any) -> Input:
    """Return an input as a document would declare it."""
    return Input.model_validate(keys)


@pytest.mark.parametrize(
    ("spec", "text", "value"),
    [
        ({"type": "percent"}, "10", 10),
        ({"type": "percent"}, "10%", 10),
        ({"type": "percent"}, "2.5 %", 2.5),
        ({"type": "percent"}, "100.0", 100),
        ({"type": "integer"}, "-3", -3),
        ({"type": "integer"}, "+07", 7),
        ({"type": "integer"}, "5.0", None),
        ({"type": "number"}, "1e3", 1000.0),
        ({"type": "number"}, "7", 7),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "False", False),
        ({"type": "duration"}, "90s", "1m30s"),
        ({"type": "duration"}, "1h30m", "1h30m"),
        ({"type": "string"}, "", ""),
        ({"type": "string"}, "12", "12"),
        ({"type": "string", "pattern": "[a-z]+-[0-9]+"}, "edge-12", "edge-12"),
        ({"type": "choice", "choices": ["a", 2]}, "2", 2),
        ({"type": "choice", "choices": ["a", 2]}, "a", "a"),
        ({"type": "duration", "minimum": "1m", "maximum": "1h"}, "5m", "5m"),
        ({"type": "percent", "minimum": 1, "maximum": 24}, "24", 24),
        ({"type": "percent"}, "101", None),
        ({"type": "percent"}, "-1", None),
        ({"type": "percent"}, "ten", None),
        ({"type": "percent"}, "10%%", None),
        ({"type": "integer"}, "1.5", None),
        ({"type": "integer"}, "1_000", None),
        ({"type": "integer"}, "99999999999999999999999", None),
        ({"type": "integer"}, "٣", None),
        ({"type": "number"}, "nan", None),
        ({"type": "number"}, "inf", None),
        ({"type": "number"}, "1e999", None),
        ({"type": "boolean"}, "yes", None),
        ({"type": "boolean"}, "1", None),
        ({"type": "duration"}, "5", None),
        ({"type": "duration"}, "5 minutes", None),
        ({"type": "choice", "choices": ["a"]}, "b", None),
        ({"type": "string", "pattern": "[a-z]+"}, "edge-12", None),
        ({"type": "string"}, "x" * 1_001, None),
        ({"type": "duration", "minimum": "1m"}, "30s", None),
        ({"type": "percent", "maximum": 24}, "25", None),
    ],
)
def test_text_is_read_by_the_inputs_type(spec: dict[str, Any], text: str, value: Any) -> None:
    """What is typed is of the input's type and within its limits, or refused with what it should be."""
    if value is not None:
        found = parsed(declared(**spec), text)
        assert (type(found), found) == (type(value), value)
        return
    with pytest.raises(BadInput):
        parsed(declared(**spec), text)


@pytest.mark.parametrize("value", [None, [], {}, True, float("nan"), float("inf"), 10**30, b"x", object()])
@pytest.mark.parametrize("kind", ["percent", "integer", "number", "string", "duration"])
def test_values_of_other_types_are_refused(kind: str, value: Any) -> None:
    """A program's value has to be of the type as well."""
    with pytest.raises(BadInput):
        judged(declared(type=kind), value)


def test_limits_are_said_in_a_few_words() -> None:
    """A person sees what may be given."""
    assert limits(declared(type="percent", minimum=1, maximum=24)) == "percent, from 1 to 24"
    assert limits(declared(type="choice", choices=["a", "b"])) == "choice, one of a, b"


RUNBOOK = """\
inputs:
  must: {type: integer, minimum: 5, description: How many}
  may: {type: percent, default: 10}
  where: {type: integer, default: "${{ site.values.nowhere }}"}
stages:
  - id: a
    title: ${{ inputs.must }} ${{ inputs.may }} ${{ inputs.where }}
    steps: [{id: a, action: deploy.freeze}]
"""


def test_inputs_missing_wrong_and_unknown_are_said_at_once(
    write: Callable[..., tuple[Path, Path]], registry: Registry
) -> None:
    """Every input that keeps a plan from being made is complained of, at its declaration."""
    planned = prepare_plan(*write(RUNBOOK), {"may": "lots", "muts": "7"}, registry=registry)
    said = [(each.line, each.code, each.message) for each in planned.complaints]
    assert said == [
        (3, "RL612", "this runbook has no input 'muts'"),
        (4, "RL610", "input must has no value"),
        (5, "RL611", "input may: 'lots' is not a percentage"),
        (6, "RL613", "the site 'here' has no value 'nowhere'"),
    ]
    assert planned.complaints[0].hint == "did you mean 'must'?"
    assert planned.complaints[1].hint == "give it: -i must=VALUE (integer, at least 5)"


def test_a_given_input_needs_no_default(write: Callable[..., tuple[Path, Path]], registry: Registry) -> None:
    """A default that this site cannot give does no harm where a value is given."""
    plan = make_plan(*write(RUNBOOK), {"must": "7", "where": 3}, registry=registry)
    assert plan.scope["inputs"] == {"must": 7, "may": 10, "where": 3}
    assert plan.stages[0].title == "7 10 3"
