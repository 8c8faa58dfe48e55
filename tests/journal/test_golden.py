"""Journals that were written once are read for ever: names, defaults and digests of every kind of fact are pinned.

``RELIGHT_REWRITE_GOLDEN=1`` adds what is new. After a release a line is never changed: raise ``FACT_VERSION`` instead.
"""

import dataclasses
import json
import os
import types
import typing
from pathlib import Path
from typing import Any

import pytest

from relight.journal.codec import KINDS, decode, encode, kind_of
from relight.kernel.facts import AnyFact
from relight.kernel.plan import Expression
from relight.runbook.expressions import bare, restore

GOLDEN = Path(__file__).with_name("golden") / "facts-v1.jsonl"
REWRITE = os.environ.get("RELIGHT_REWRITE_GOLDEN") == "1"
CLASSES: dict[str, type] = {kind_of(cls): cls for cls in typing.get_args(AnyFact)}


def example(cls: type, *, whole: bool, **known: Any) -> Any:
    """Return a value of a dataclass, no field at its default, or (not *whole*) only what must be given."""
    hints = typing.get_type_hints(cls)
    given = dict(known)
    for field in dataclasses.fields(cls):
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if cls in typing.get_args(hints[field.name]):
            continue  # one of its own kind, which would hold one of its own kind
        if field.name not in given and (needed or whole):
            given[field.name] = sample(hints[field.name], field.name, whole=whole, default=field.default)
    return cls(**given)


def sample(hint: Any, name: str, *, whole: bool, default: Any = None) -> Any:
    """Return a value of that type that is not its default."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return next(each for each in reversed(arguments) if each != default)
    if dataclasses.is_dataclass(hint):
        return example(typing.cast(type, hint), whole=whole)
    if origin in (typing.Union, types.UnionType):
        return sample(next(each for each in arguments if each is not type(None)), name, whole=whole, default=default)
    if origin is tuple:
        return (sample(arguments[0], name, whole=whole),)
    if origin is dict:
        return {"key": sample(arguments[1], name, whole=whole)}
    plain = {str: f"a {name}", int: 7, float: 0.5, bool: default is not True, Expression: bare("inputs.a > 1")}
    return plain.get(hint, {"any": [1, 2.5, None, bare("steps.b.result")]})


def full(value: Any) -> Any:
    """Return a fact with every field written out, defaults too."""
    if dataclasses.is_dataclass(value) and not isinstance(value, Expression):
        return {field.name: full(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(name): full(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [full(item) for item in value]
    return f"CEL {value.text}" if isinstance(value, Expression) else value


def line(kind: str, *, whole: bool) -> str:
    """Return a golden line: the exact body, and the fact that it stands for, written out."""
    cls = CLASSES[kind]
    same = {name: value for name, value in {"run": "7f3a", "epoch": 3}.items() if name in typing.get_type_hints(cls)}
    fact = example(cls, whole=whole, at=1_800_000_000_000, t=41_000, **same)
    _, body = encode(fact, run="7f3a", seq=12, epoch=3)
    return json.dumps({"kind": kind, "body": body.decode(), "fact": full(fact)})


def lines() -> list[Any]:
    """Return what is pinned."""
    return [json.loads(each) for each in GOLDEN.read_text().splitlines()] if GOLDEN.exists() else []


@pytest.mark.skipif(not REWRITE, reason="the golden lines are only read")
def test_rewrite() -> None:
    """Add lines for what is new, beside those that older journals have; look at the difference before it is kept."""
    GOLDEN.parent.mkdir(exist_ok=True)
    pinned = lines()
    bodies = {each["body"] for each in pinned}
    written = [json.loads(line(kind, whole=whole)) for kind in sorted(CLASSES) for whole in (False, True)]
    pinned += [each for each in written if each["body"] not in bodies]
    GOLDEN.write_text("".join(f"{json.dumps(each)}\n" for each in sorted(pinned, key=lambda each: each["kind"])))


def assert_means(found: Any, pinned: Any) -> None:
    """Every word that was pinned has its value; a field that is newer may have its default."""
    if isinstance(pinned, dict):
        for name, item in pinned.items():
            assert_means(found[name], item)
    elif isinstance(pinned, list):
        assert len(found) == len(pinned)
        for one, other in zip(found, pinned, strict=True):
            assert_means(one, other)
    else:
        assert (type(found), found) == (type(pinned), pinned)


@pytest.mark.parametrize("pinned", lines(), ids=lambda pinned: pinned["kind"])
def test_a_body_of_old_is_the_same_fact_and_the_same_bytes(pinned: dict[str, Any]) -> None:
    """What an earlier relight wrote means what it meant, and is written as it was."""
    body = pinned["body"].encode()
    fact = decode(body, restore)
    assert_means(full(fact), pinned["fact"])
    assert encode(fact, run="7f3a", seq=12, epoch=3) == (pinned["kind"], body)


def test_every_kind_is_pinned_with_every_field() -> None:
    """What is new is pinned with the change that makes it: run this file with RELIGHT_REWRITE_GOLDEN=1."""
    assert sorted(KINDS) == sorted({pinned["kind"] for pinned in lines()})
    bodies = {pinned["body"] for pinned in lines()}
    assert [] == [kind for kind in KINDS if json.loads(line(kind, whole=True))["body"] not in bodies]
