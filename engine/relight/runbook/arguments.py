"""Arguments held against the contract of their action: unknown ones, missing ones, wrong values.

What is an expression until the run is not judged; everything around it is.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from relight.runbook.complaints import did_you_mean
from relight.runbook.secrecy import MEND
from relight.runbook.yaml12 import kind_of
from relight.sdk.plugin import Contract
from relight.sdk.secrets import REFERENCE, Secret

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "none_required": "",
}
_RANGES = {
    "greater_than_equal": "at least {ge:g}",
    "greater_than": "more than {gt:g}",
    "less_than_equal": "at most {le:g}",
    "less_than": "less than {lt:g}",
}


class Late:
    """Stands for a value that is only known in the run."""


class Wrong(NamedTuple):
    """One thing that is wrong with arguments; *path* leads to it, or to its key where *is_key*.

    *secret* is a value that nobody may see: a secret was written where a reference belongs.
    """

    code: str
    path: tuple[str | int, ...]
    message: str
    hint: str
    is_key: bool = False
    secret: str = ""


def judge_arguments(
    contract: Contract, args: dict[str, Any], is_late: Callable[[Any], bool], *, partial: bool = False, name: str = ""
) -> list[Wrong]:
    """Return what is wrong with *args* for *contract*.

    Args:
        is_late: Whether a leaf's value is only known later.
        partial: Others may add arguments, so none is missing yet.
        name: What the document calls the action; a plugin's own contract knows the verb alone.
    """
    contract = replace(contract, name=name or contract.name)
    known = _with_stand_ins(args, is_late)
    try:
        contract.args.model_validate(known)
    except ValidationError as error:
        details = error.errors(include_url=False)
    except (ValueError, TypeError, ArithmeticError) as error:
        return [Wrong("RL407", (), f"{contract.name}: {error}"[:200], "")]
    else:
        return []
    return _wrongs(contract, known, details, partial)


def _with_stand_ins(tree: Any, is_late: Callable[[Any], bool]) -> Any:
    if is_late(tree):
        return Late()
    if isinstance(tree, dict):
        return {key: _with_stand_ins(item, is_late) for key, item in tree.items()}
    if isinstance(tree, list | tuple):
        return [_with_stand_ins(item, is_late) for item in tree]
    return tree


def _wrongs(contract: Contract, args: dict[str, Any], details: list[ErrorDetails], partial: bool) -> list[Wrong]:
    """Return complaints, one for each value however many types of a union it failed."""
    grouped: dict[tuple[str | int, ...], list[ErrorDetails]] = {}
    found: list[Wrong] = []
    for detail in details:
        path, value = _walk(args, detail["loc"])
        if isinstance(value, Late):
            continue
        if detail["type"] == "missing":
            if not partial or len(path) > 0:
                found.append(_missing(contract, path, str(detail["loc"][-1])))
        elif detail["type"] == "extra_forbidden":
            found.append(_unknown(contract, path))
        else:
            grouped.setdefault(path, []).append(detail)
    return found + [_mistyped(contract, args, path, group) for path, group in grouped.items()]


def _walk(tree: Any, path: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], Any]:
    """Follow *path* as far as it leads into *tree*: a union's error goes on with names of types."""
    taken: list[str | int] = []
    for key in path:
        is_there = key in tree if isinstance(tree, dict) else isinstance(tree, list) and isinstance(key, int)
        if not is_there or (isinstance(tree, list) and int(key) >= len(tree)):
            break
        tree = tree[key]
        taken.append(key)
        if isinstance(tree, Late):
            break
    return tuple(taken), tree


def _missing(contract: Contract, path: tuple[str | int, ...], name: str) -> Wrong:
    model = _model_at(contract.args, path)
    field = model.model_fields.get(name) if model else None
    hint = f"{field.description}" if field is not None and field.description else ""
    return Wrong("RL406", path, f"{contract.name} needs the argument {name!r}", hint, is_key=False)


def _unknown(contract: Contract, path: tuple[str | int, ...]) -> Wrong:
    model = _model_at(contract.args, path[:-1])
    name = str(path[-1])
    hint = did_you_mean(name, model.model_fields if model else ())
    return Wrong("RL405", path, f"{contract.name} has no argument {name!r}", hint, is_key=True)


def _mistyped(contract: Contract, args: Any, path: tuple[str | int, ...], details: list[ErrorDetails]) -> Wrong:
    _, value = _walk(args, path)
    name = ".".join(str(key) for key in path) or "the arguments"
    if any(_wants_secret(detail) for detail in details):
        secret = value if isinstance(value, str) else ""
        return Wrong("RL407", path, f"{name} is a secret, and is not written out here", MEND, secret=secret)
    expected: list[str] = []
    for detail in details:
        phrase = _expectation(detail)
        if phrase and phrase not in expected:
            expected.append(phrase)
    wanted = " or ".join(expected)
    said = _said(details)
    message = f"{name} is {_shown(value)}, not {wanted}" if wanted else f"{name}: {said}"
    model = _model_at(contract.args, path[:-1])
    field = model.model_fields.get(str(path[-1])) if model and path else None
    return Wrong("RL407", path, message, f"{contract.name}: {field.description}" if field and field.description else "")


def _wants_secret(detail: ErrorDetails) -> bool:
    context = detail.get("ctx", {})
    return context.get("class") == Secret.__name__ or context.get("pattern") == REFERENCE.pattern


def _expectation(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "literal_error":
        return str(context.get("expected", "")).replace("'", "")
    if kind in _RANGES:
        return _RANGES[kind].format(**context)
    return _EXPECTED.get(kind, "")


def _said(details: list[ErrorDetails]) -> str:
    text = str(details[0]["msg"]).removeprefix("Value error, ")
    return re.sub(r"\s+", " ", text)[:200]


def _model_at(model: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel] | None:
    current: Any = model
    for key in path:
        if not (isinstance(current, type) and issubclass(current, BaseModel)) or key not in current.model_fields:
            return None
        current = _first_model(current.model_fields[str(key)].annotation)
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _first_model(annotation: Any) -> Any:
    if isinstance(annotation, type):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _first_model(inner)
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
    return None


def _shown(value: Any) -> str:
    if isinstance(value, dict | list | tuple) or value is None:
        return kind_of(value)
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
