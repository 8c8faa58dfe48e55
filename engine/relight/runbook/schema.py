"""JSON Schema (draft-07) of the documents, from the models: what editors complete and check.

Short forms are allowed here, since the document that a person writes is checked and not the written-out one.
"""

from typing import Any, Literal, get_args

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from relight.runbook.document import Runbook
from relight.runbook.meanings import WithMeanings
from relight.runbook.parts import DURATION_PATTERN, ID, NAME, TEXT_CHARS_MAX
from relight.runbook.rehearsal_document import Rehearsal
from relight.runbook.shorthand import ENDINGS
from relight.runbook.site_document import Site
from relight.sdk.values import format_duration

Kind = Literal["runbook", "site", "rehearsal"]
KINDS: tuple[str, ...] = get_args(Kind)
_MODELS: dict[str, type[BaseModel]] = {"runbook": Runbook, "site": Site, "rehearsal": Rehearsal}
_SHORT: dict[tuple[str, str], dict[str, Any]] = {
    ("Runbook", "lock"): {"type": "string", "minLength": 1, "maxLength": TEXT_CHARS_MAX},
    ("Step", "undo"): {"type": "string", "pattern": f"^{ID.pattern}$"},
    ("Site", "bind"): {"type": "string", "pattern": f"^{NAME.pattern}$"},
    ("Query", "sources"): {"type": "string", "pattern": f"^{NAME.pattern}$"},
    ("GateAnswer", "by"): {"type": "string"},
}
"""Where a text stands for a longer form; what it means is in ``shorthand``."""


class _Draft07(WithMeanings):
    """Writes what draft-07 understands, and no null: a key without a value is an error here."""

    schema_dialect = "http://json-schema.org/draft-07/schema#"

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        written = super().default_schema(schema)
        if written.get("default", "") is None:
            del written["default"]
        return written

    def generate(self, schema: core_schema.CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        return {"$schema": self.schema_dialect, **super().generate(schema, mode)}


def json_schema(kind: str) -> dict[str, Any]:
    """Return the schema of a ``runbook``, a ``site`` or a ``rehearsal``."""
    written = _MODELS[kind].model_json_schema(schema_generator=_Draft07, ref_template="#/definitions/{model}")
    definitions = written.pop("$defs", {})
    name = _MODELS[kind].__name__
    for model, schema in [(name, written), *definitions.items()]:
        _tidy(model, schema)
    title = f"relight {kind}"
    schema = {"$schema": written.pop("$schema"), "$id": f"relight-{kind}.schema.json", **written, "title": title}
    if definitions:
        schema["definitions"] = definitions
    return schema


def _tidy(model: str, schema: dict[str, Any]) -> None:
    """Give every property its description in a form that draft-07 reads, and its short form."""
    schema.pop("title", None)
    for key, value in schema.get("properties", {}).items():
        value.pop("title", None)
        if isinstance(value.get("default"), list | dict):
            del value["default"]
        if value.get("pattern") == DURATION_PATTERN and isinstance(value.get("default"), int):
            value["default"] = format_duration(value["default"])
        if "patternProperties" in value:
            value["additionalProperties"] = False
        short = _SHORT.get((model, key))
        if short is not None:
            _allow(value, short, inside=key == "bind")
        if (model, key) == ("Expect", "approved_by") or (model == "Rehearsal" and key in ENDINGS):
            _allow_one_for_many(value, _words(key))
        if model == "Runbook" and key in ("always", "never"):
            value["items"] = {"anyOf": [value["items"], {"type": "string", "minLength": 1}]}
        if "$ref" in value:
            # Whatever stands beside a $ref is not read in draft-07.
            value["allOf"] = [{"$ref": value.pop("$ref")}]
        if isinstance(value.get("description"), str):
            value["description"] = value["description"].replace("``", "`")
    if isinstance(schema.get("description"), str):
        schema["description"] = schema["description"].replace("``", "`")
    if model in ("ProbeAnswers", "Spell"):
        schema["required"].remove("is")  # who gives a value says that it is read


def _allow_one_for_many(value: dict[str, Any], words: list[str]) -> None:
    """Let one entry stand for a list of one, and one word for an entry, in each value of a mapping."""
    word = [{"type": "string", "enum": words}] if words else []
    for pattern, entries in value["patternProperties"].items():
        one = [entries["items"], *word]
        value["patternProperties"][pattern] = {"anyOf": [{**entries, "items": {"anyOf": one}}, *one]}


def _words(key: str) -> list[str]:
    """Return what an entry under this key of a rehearsal may be in one word."""
    kinds = [get_args(field.annotation) for name, field in Rehearsal.model_fields.items() if name == key]
    entry = get_args(kinds[0][1])[0] if kinds else None
    return list(get_args(entry.model_fields["is_"].annotation)) if entry is not None else []


def _allow(value: dict[str, Any], short: dict[str, Any], *, inside: bool) -> None:
    """Let *short* stand for the value, or for each value of the mapping that it is."""
    if inside:
        value["additionalProperties"] = {"anyOf": [value["additionalProperties"], short]}
        return
    described = value.pop("description", None)
    long = dict(value)
    value.clear()
    value["anyOf"] = [long, short]
    if described is not None:
        value["description"] = described
