"""Plugins are documented from their code, as data and as text."""

import importlib
import json
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import Field

from relight.sdk import Action, Arguments, Call, Contract, Duration, Percent, Plugin, Provider, Rate, Result, Secret
from relight.sdk.describe import describe_plugin, render_plugin, render_plugins
from relight.testing.fakes import fake_plugin

FIELD = {
    "type": "object",
    "required": ["name", "type", "description", "required", "default"],
    "properties": {"name": {"type": "string"}, "type": {"type": "string"}, "required": {"type": "boolean"}},
}
KIND = {
    "type": "object",
    "required": ["name", "address", "capability", "title", "effect", "timeout", "args", "result"],
    "properties": {
        "effect": {"enum": ["read", "write", "destructive"]},
        "args": {"type": "array", "items": FIELD},
        "result": {"type": "array", "items": FIELD},
    },
}
SCHEMA = {
    "type": "object",
    "required": ["schema", "name", "summary", "origin", "needs_config", "config", "actions", "probes"],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": "relight.plugin/v1"},
        "name": {"type": "string"},
        "summary": {"type": "string"},
        "origin": {"type": "string"},
        "needs_config": {"type": "boolean"},
        "config": {"type": "array", "items": FIELD},
        "actions": {"type": "array", "items": KIND},
        "probes": {"type": "array", "items": KIND},
    },
}


class Inner(Arguments):
    """Arguments in arguments."""

    low: Annotated[Duration, Field(description="The least")] = 30.0


class OddConfig(Arguments):
    """Every type that there is."""

    wait: Annotated[Duration | None, Field(description="A wait")] = None
    share: Annotated[Percent, Field(description="A share")] = 10
    rate: Annotated[Rate | None, Field(description="A rate")] = None
    token: Annotated[Secret, Field(description="A token")]
    either: Annotated[Secret | str, Field(union_mode="left_to_right", description="A token or a text")] = "x"
    how: Annotated[Literal["a", "b"], Field(description="A choice")] = "a"
    names: Annotated[list[str], Field(description="Names")] = []
    ports: Annotated[dict[str, int], Field(description="Ports")] = {}
    anything: Annotated[Any, Field(description="Anything")] = None
    inner: Annotated[Inner | None, Field(description="More of it")] = Inner()
    on: Annotated[bool, Field(description="A switch \x1b[2J and \u202e more")] = True


class OddResult(Result):
    """What it gives."""

    count: Annotated[int, Field(description="How many")] = 0


class OddAction(Action):
    """An action with everything."""

    contract = Contract(
        name="twist",
        title="Twist it",
        args=OddConfig,
        result=OddResult,
        effect="destructive",
        idempotent="on",
        key_args=("how",),
        neutral={"share": 0},
        lasting=True,
        timeout_s=90.0,
        batch=True,
    )

    async def perform(self, call: Call) -> Result:
        """Twist it."""
        return OddResult()

    async def check(self, call: Call) -> Result | None:
        """Pretend to."""
        return OddResult()


class OddProvider(Provider):
    """A provider with everything."""

    Config = OddConfig
    actions = (OddAction,)


ODD = Plugin(name="odd", summary="Has everything", provider=OddProvider)


def test_types_are_said_in_words_that_authors_write() -> None:
    """Not in those of Python."""
    described = describe_plugin(ODD, origin="odd 1.0")
    assert {field["name"]: field["type"] for field in described["config"]} == {
        "wait": "duration",
        "share": "percent",
        "rate": "number | none",
        "token": "secret reference",
        "either": "secret reference | text",
        "how": "a | b",
        "names": "list of text",
        "ports": "mapping of whole number",
        "anything": "anything",
        "inner": "mapping",
        "on": "true | false",
    }
    inner = described["config"][9]
    assert inner["default"] == {"low": 30.0}
    assert inner["fields"][0]["default"] == "30s"
    assert inner["fields"][0]["name"] == "low"
    assert [field["name"] for field in described["config"] if field["required"]] == ["token"]


def test_everything_that_is_declared_is_described() -> None:
    """What a plan or a person may want to know of an action."""
    (action,) = describe_plugin(ODD)["actions"]
    del action["args"], action["result"]
    assert action == {
        "name": "twist",
        "address": "odd.twist",
        "capability": False,
        "title": "Twist it",
        "effect": "destructive",
        "timeout": "1m30s",
        "idempotent": "on",
        "key_args": ["how"],
        "neutral": {"share": 0},
        "lasting": True,
        "reads_value": False,
        "batch": True,
        "check_mode": True,
        "preview": False,
    }


def test_capabilities_are_marked_and_keep_their_names() -> None:
    """A runbook names them without the plugin."""
    described = describe_plugin(fake_plugin())
    throttle = next(action for action in described["actions"] if action["name"] == "admission.throttle")
    assert (throttle["capability"], throttle["address"], throttle["reads_value"]) == (True, "admission.throttle", True)
    look = next(probe for probe in described["probes"] if probe["name"] == "look")
    assert (look["capability"], look["address"]) == (False, "fake.look")


def plugins() -> list[Plugin]:
    """Return every plugin of ours that is there."""
    ours = (importlib.import_module(f"relight_{name}") for name in ("shell", "http", "prometheus", "ansible"))
    return [ODD, fake_plugin(), *(module.plugin for module in ours)]


@pytest.mark.parametrize("plugin", plugins(), ids=lambda plugin: plugin.name)
def test_the_description_is_json_of_a_fixed_shape(plugin: Plugin) -> None:
    """``relight plugins NAME -o json`` is read by machines."""
    described = describe_plugin(plugin)
    assert json.loads(json.dumps(described)) == described
    jsonschema.validate(described, SCHEMA)


@pytest.mark.parametrize("width", [60, 80, 160])
@pytest.mark.parametrize("plugin", plugins(), ids=lambda plugin: plugin.name)
def test_the_text_fits_and_names_everything(plugin: Plugin, width: int) -> None:
    """No line is wider than the terminal, and nothing in it moves the cursor."""
    described = describe_plugin(plugin, origin="odd 1.0")
    text = render_plugin(described, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    for kind in (*described["actions"], *described["probes"]):
        assert kind["address"] in text
        for field in (*kind["args"], *kind["result"]):
            assert field["name"] in text


def test_the_text_of_one_action_reads_well() -> None:
    """The whole of it, as somebody sees it at 3 a.m."""
    text = render_plugin(describe_plugin(ODD, origin="odd 1.0"))
    assert text.startswith(
        "odd: Has everything\n"
        "from odd 1.0\n"
        "\n"
        "CONFIGURATION\n"
        "  in a site: providers: {NAME: {use: odd, ...}}\n"
        "  wait: duration\n"
        "      A wait\n"
        "  share: percent (default 10)\n"
        "      A share\n"
    )
    assert (
        "  odd.twist: Twist it\n"
        "    its own, destructive, idempotent if on: true, stays in force, nothing is in\n"
        "      force at share=0, one effect for each how, has a check mode, takes many\n"
        "      targets at once, timeout 1m30s\n"
        "    takes\n"
    ) in text
    assert "      token: secret reference (required)\n" in text
    assert "      A switch  [2J and   more\n" in text


def test_the_list_has_a_line_for_each() -> None:
    """``relight plugins``, not wider than the terminal."""
    text = render_plugins([describe_plugin(plugin) for plugin in plugins()], width=40)
    assert [line.split()[0] for line in text.splitlines()] == ["odd", "fake", "shell", "http", "prometheus", "ansible"]
    assert max(map(len, text.splitlines())) <= 40
    assert render_plugins([]) == ""
