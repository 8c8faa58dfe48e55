"""Documents made from the JSON Schema, whole and damaged: what editors accept and what the models accept is the same.

``SCHEMA_FUZZ=20000 pytest tests/runbook/test_schema_fuzz.py`` tries as many of each kind; a seed reproduces a failure.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator

from relight.runbook.complaints import Complaint, Complaints
from relight.runbook.document import Runbook
from relight.runbook.offers import Offers
from relight.runbook.reading import read_any
from relight.runbook.schema import json_schema
from relight.runbook.shorthand import write_out_runbook, write_out_site
from relight.runbook.site_document import Site
from relight.runbook.source import source_from_bytes
from relight.runbook.validate import validate
from relight.runbook.yaml12 import read_yaml
from relight.sdk.registry import Registry

KINDS = ("runbook", "site")
TRIED = int(os.environ.get("SCHEMA_FUZZ", "300"))
SECONDS_MAX = 2.0
OFFERS = Offers(Registry({}))
BEYOND_SCHEMA = {"longer than 30d"}
"""What a pattern cannot say."""
TEXTS = ["x", "value < 1", "a: b", "${{ site.id }}", "previous", "é😀", " ", "#", "yes", "1"]
NUMBERS = [None, True, False, 0, -1, 1, 1.0, 1.5, 10**15, 1e300]
WORDS = [
    "",
    "x",
    "5s",
    "31d",
    "10%",
    "0.0%",
    "1000%",
    "-5s",
    "90",
    "A B",
    "a-b",
    "a_b",
    "x" * 64,
    "x" * 4_001,
    "é",
]
THINGS = ["a.b.c", "*", "deploy.*", "${{ a }}", "previous", [], {}, [1], ["x"], {"a": 1}, {"x": None}, [[]]]
ODD = [*NUMBERS, *WORDS, *THINGS]
KEYS = ["zz", "When", "stpes", "with", "id", "checks", "gate", "a-b", "for"]
SAMPLES = (  # a piece of a pattern, and texts that such a pattern may or may not take
    ("%", ["1%", "10%", "100%", "12.5%"]),
    ("d)?", ["90s", "5m", "1h30m", "500ms", "0s", "1.5s", "30d", "31d"]),
    ("{{", ["${{ inputs.a }}", "${{ site.values.x }}"]),
    ("ed25519", ["ed25519:" + "A" * 43 + "="]),
    ("sqlite", ["sqlite:////var/lib/relight.db", "postgresql://db/relight"]),
    ("://", ["https://example.org/a"]),
    ("(\\.", ["deploy.current", "admission.throttle", "wait", "a-b.c_d"]),
    ("@+", ["ana", "Bo.X", "9"]),
    ("_-", ["a", "edge", "prom-a", "a_b"]),
    ("_", ["a", "b", "a_b", "x9"]),
    ("", ["a", "b", "roll-back"]),
)


class Maker:
    """Makes documents that a schema allows, as far as patterns can be guessed, and damages them."""

    def __init__(self, schema: dict[str, Any], seed: int) -> None:
        self._schema = schema
        self._dice = random.Random(seed)

    def document(self, schema: dict[str, Any] | None = None, depth: int = 0) -> Any:
        """Return a value that *schema* allows."""
        schema = self._schema if schema is None else schema
        if "$ref" in schema:
            return self.document(self._schema["definitions"][schema["$ref"].split("/")[-1]], depth)
        if "allOf" in schema:
            return self.document(schema["allOf"][0], depth)
        if "anyOf" in schema:
            return self.document(self._dice.choice(schema["anyOf"]), depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._dice.choice(schema["enum"])
        kind = schema.get("type")
        kind = self._dice.choice(kind) if isinstance(kind, list) else kind
        return getattr(self, f"_{kind}", self._anything)(schema, depth)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        likely = 0.35 if depth < 3 else 0.15
        for key, value in schema.get("properties", {}).items():
            if key in schema.get("required", []) or (self._dice.random() < likely and depth < 8):
                made[key] = self.document(value, depth + 1)
        for pattern, value in schema.get("patternProperties", {}).items():
            for _ in range(self._dice.randint(0, 2)):
                made[self._sample(pattern)] = self.document(value, depth + 1)
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and not made:
            made[self._dice.choice(["a", "deploy.*", "k"])] = self.document(more, depth + 1)
        return made

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        return [self.document(schema["items"], depth + 1) for _ in range(self._dice.randint(least, max(least, 2)))]

    def _string(self, schema: dict[str, Any], _: int) -> str:
        return self._sample(schema["pattern"]) if "pattern" in schema else self._dice.choice(TEXTS)

    def _sample(self, pattern: str) -> str:
        return self._dice.choice(next(texts for piece, texts in SAMPLES if piece in pattern))

    def _integer(self, schema: dict[str, Any], _: int) -> int:
        least = schema.get("minimum", 0)
        return self._dice.choice([least, schema.get("maximum", least + 50)])

    def _number(self, schema: dict[str, Any], _: int) -> float:
        least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        return (least + schema.get("maximum", schema.get("exclusiveMaximum", 1))) / 2

    def _boolean(self, *_: Any) -> bool:
        return self._dice.random() < 0.5

    def _anything(self, *_: Any) -> Any:
        return self._dice.choice([1, "x", True, [1], {"a": 1}, 1.5])

    def damaged(self, document: Any) -> Any:
        """Return a copy with one to three parts replaced, removed or added."""
        document = json.loads(json.dumps(document))
        for _ in range(self._dice.choice([1, 1, 1, 2, 3])):
            path = self._dice.choice([path for path in paths(document) if path])
            owner = document
            for key in path[:-1]:
                owner = owner[key]
            odd = json.loads(json.dumps(self._dice.choice(ODD)))
            what = self._dice.random()
            if what < 0.6:
                owner[path[-1]] = odd
            elif what < 0.75:
                del owner[path[-1]]
            elif isinstance(owner, dict):
                owner[self._dice.choice(KEYS)] = odd
            else:
                owner.append(odd)
        return document


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every part of a document."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


def refused_by_models(kind: str, text: str) -> list[Complaint]:
    """Return the errors that the models alone find."""
    complaints = Complaints(source_from_bytes("x.yaml", text.encode()))
    tree = read_yaml(complaints)
    if tree is not None:
        if kind == "runbook":
            validate(Runbook, write_out_runbook(tree), complaints)
        else:
            validate(Site, write_out_site(tree), complaints)
    return [each for each in complaints if each.severity == "error"]


@pytest.mark.parametrize("kind", KINDS)
def test_editors_and_models_accept_the_same(kind: str) -> None:
    """Whatever is made from the schema, whole or damaged, both take it or both refuse it, in time and with places."""
    schema = json_schema(kind)
    validator = Draft7Validator(schema)
    taken = refused = 0
    for seed in range(TRIED):
        maker = Maker(schema, seed)
        document = maker.document()
        document = maker.damaged(document) if seed % 2 else document
        text = json.dumps(document, ensure_ascii=False)
        fits = validator.is_valid(document)
        errors = refused_by_models(kind, text)
        if fits and errors and all(any(words in each.message for words in BEYOND_SCHEMA) for each in errors):
            continue
        assert fits == (not errors), (seed, text, errors)
        taken, refused = taken + fits, refused + (not fits)
    assert taken > TRIED // 4
    assert refused > TRIED // 4


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_made_is_judged_in_order(kind: str) -> None:
    """Lint takes what is made from the schema without a crash, in time; its errors have a place and a mend."""
    schema = json_schema(kind)
    for seed in range(TRIED):
        maker = Maker(schema, seed)
        text = json.dumps(maker.damaged(maker.document()), ensure_ascii=False)
        began = time.process_time()
        read = read_any(source_from_bytes("x.yaml", text.encode()), OFFERS)
        for each in read.complaints:
            assert each.line == 1, (seed, text, each)
            assert 1 <= each.col <= len(text) + 1, (seed, text, each)
            assert each.hint, (seed, text, each)
        assert time.process_time() - began < SECONDS_MAX, (seed, text)
