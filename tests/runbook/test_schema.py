"""The JSON Schema that editors read says what the models say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from relight.runbook.schema import KINDS, json_schema

from .conftest import HEAD, SITE
from .test_plan import RUNBOOK

SHIPPED = Path(__file__).parents[2] / "runbooks"


def properties(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every property with its path."""
    if isinstance(node, dict):
        for name, value in node.get("properties", {}).items():
            yield f"{path}/{name}", value
        for key, value in node.items():
            yield from properties(value, f"{path}/{key}")
    elif isinstance(node, list):
        for value in node:
            yield from properties(value, path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_draft_07_and_describes_everything(kind: str) -> None:
    """Each property has a description, nothing may be null, and nothing later than draft-07 is used."""
    schema = json_schema(kind)
    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert [path for path, value in properties(schema) if not value.get("description")] == []
    assert "null" not in json.dumps(schema)
    assert not re.search(r'"(\$defs|prefixItems|unevaluated\w+|dependent\w+)"', json.dumps(schema))


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_for_a_missing_key_could_be_written_there(kind: str) -> None:
    """Editors write a default out."""
    schema = json_schema(kind)
    kept = {path: value for path, value in properties(schema) if "default" in value}
    assert kept
    for value in kept.values():
        Draft7Validator({**value, "definitions": schema["definitions"]}).validate(value["default"])


@pytest.mark.parametrize("kind", KINDS)
def test_references_stand_alone(kind: str) -> None:
    """Draft-07 reads nothing beside a reference."""
    found = re.findall(r"\{[^{}]*\"\$ref\"[^{}]*\}", json.dumps(json_schema(kind)))
    assert found
    assert all(set(json.loads(each)) == {"$ref"} for each in found)


def test_good_documents_fit_the_schema() -> None:
    """Shipped runbooks and a document with one of everything, short forms too, are valid."""
    runbooks = [path.read_text() for path in SHIPPED.glob("*/*.runbook.yaml")]
    for text in [*runbooks, HEAD + RUNBOOK]:
        assert list(Draft7Validator(json_schema("runbook")).iter_errors(yaml.safe_load(text))) == []
    assert list(Draft7Validator(json_schema("site")).iter_errors(yaml.safe_load(SITE))) == []


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("runbook", {"stpes": []}),
        ("runbook", {"schema": "relight/v2"}),
        ("runbook", {"runbook": "A Name"}),
        ("runbook", {"title": None}),
        ("runbook", {"checks": {"a-b": {"query": "q", "pass_when": "true"}}}),
        ("runbook", {"checks": {"a": {"query": "q", "pass_when": "true", "interval": 5}}}),
        ("runbook", {"on_abort": "undoo"}),
        ("site", {"pace": 0}),
        ("site", {"people": {}}),
        ("site", {"bind": {"a.b": {"provider": "x", "wiht": {}}}}),
    ],
)
def test_wrong_documents_do_not_fit_the_schema(kind: str, change: dict[str, Any]) -> None:
    """What lint refuses for its form, an editor marks too."""
    text = HEAD + RUNBOOK if kind == "runbook" else SITE
    document = {**yaml.safe_load(text), **change}
    assert list(Draft7Validator(json_schema(kind)).iter_errors(document))


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_schema_is_this_one(kind: str) -> None:
    """The file beside the shipped runbooks is what ``relight schema`` prints."""
    file = SHIPPED / f"relight-{kind}.schema.json"
    assert json.loads(file.read_text()) == json_schema(kind)
