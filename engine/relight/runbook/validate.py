"""A tree becomes a typed document; what does not fit becomes complaints.

What is wrong is then cut out, so that lint can still judge the rest and one reading reports everything.
"""

import re
import types
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from relight.runbook.complaints import Complaints, did_you_mean
from relight.runbook.meanings import meanings
from relight.runbook.parts import Empty, Part
from relight.runbook.source import Mark
from relight.runbook.yaml12 import Items, Map, child, kind_of, mark_at

Document = TypeVar("Document", bound=Part)

ROUNDS_MAX = 20
"""Each round cuts out at least one wrong part and sees one level more; documents are not that deep."""

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_RANGES = {
    "greater_than_equal": ("at least {ge}", "RL207"),
    "greater_than": ("more than {gt}", "RL207"),
    "less_than_equal": ("at most {le}", "RL207"),
    "less_than": ("less than {lt}", "RL207"),
    "finite_number": ("finite", "RL207"),
}
_LENGTHS = {
    "too_short": "needs at least {min_length}",
    "too_long": "may have at most {max_length}",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "may have at most {max_length} characters",
}
_OTHER_WORDS = {
    "if": "when",
    "name": "title",
    "label": "title",
    "tasks": "steps",
    "actions": "steps",
    "args": "with",
    "arguments": "with",
    "params": "with",
    "condition": "pass_when",
    "approvers": "roles",
    "hosts": "targets",
    "retries": "retry",
    "variables": "inputs",
    "parameters": "inputs",
}
"""What other tools call our keys."""
_YAML_11 = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def validate(model: type[Document], data: Map, complaints: Complaints) -> tuple[Document | None, bool]:
    """Return the document, and whether all of it is there; None where not even a part of it makes sense."""
    for round_number in range(ROUNDS_MAX):
        try:
            return model.model_validate(data), round_number == 0
        except ValidationError as error:
            details = error.errors(include_url=False)
        if round_number == 0:
            for detail in details:
                _complain(model, data, detail, complaints)
        if not _cut_out(model, data, details):
            return None, False
    return None, False


def _complain(model: type[Part], data: Map, detail: ErrorDetails, complaints: Complaints) -> None:
    path, kind = detail["loc"], detail["type"]
    context = detail.get("ctx", {})
    if kind == "missing":
        _missing(model, data, detail, complaints)
    elif kind == "extra_forbidden":
        owner = _model_at(model, path[:-1])
        name = str(path[-1])
        message = f"unknown key {name!r} in {owner.thing if owner else 'a mapping'}"
        complaints.add("RL201", key_mark(data, path), message, _meant(model, owner, name))
    elif kind.startswith("RL"):
        mark = key_mark(data, path[:-1]) if path[-1:] == ("[key]",) else mark_at(data, path)
        complaints.add(kind, mark, str(context["message"]), str(context.get("hint", "")))
    elif kind == "literal_error":
        allowed = _allowed(str(context.get("expected", "")))
        code = "RL208" if path == ("schema",) else "RL204"
        message = f"{_shown(detail['input'])} is none of {', '.join(allowed)}"
        hint = did_you_mean(str(detail["input"]), allowed, otherwise=f"write {' or '.join(allowed)}")
        complaints.add(code, mark_at(data, path), message, hint)
    elif kind in _RANGES:
        wording, code = _RANGES[kind]
        hint = f"write a number that is {wording.format(**context)}"
        complaints.add(code, mark_at(data, path), f"{_name(path)} is {_shown(detail['input'])}", hint)
    elif kind in _LENGTHS:
        message = f"{_name(path)} {_LENGTHS[kind].format(**context)}, and has {len(detail['input'])}"
        hint = "shorten it" if "long" in kind else "fill it, or leave the key out if it may be missing"
        complaints.add("RL210", mark_at(data, path), message, hint)
    else:
        _wrong_type(model, data, detail, complaints)


def _missing(model: type[Part], data: Map, detail: ErrorDetails, complaints: Complaints) -> None:
    path = detail["loc"]
    owner = _model_at(model, path[:-1])
    thing, hint = (owner.thing, "") if owner else ("a mapping", "")
    for name, field in (owner.model_fields if owner else {}).items():
        if path[-1] in (name, field.alias):
            part = _model_at(model, path)
            fixed = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
            shown = part.example if part else fixed[0] if len(fixed) == 1 else ""
            said = meanings(owner).get(name, "").split("\n")[0].replace("``", "`") if owner else ""
            hint = f"{path[-1]}: {shown}" if shown else said
    parent = path[:-1]
    mark = key_mark(data, parent) if parent and isinstance(parent[-1], str) else mark_at(data, parent)
    complaints.add("RL202", mark, f"{thing} needs the key {str(path[-1])!r}", f"add it: {hint}" if hint else "")


def _wrong_type(model: type[Part], data: Map, detail: ErrorDetails, complaints: Complaints) -> None:
    path, kind, given = detail["loc"], detail["type"], detail["input"]
    expected = _EXPECTED.get(kind, "something else")
    hint = ""
    if isinstance(given, Empty):
        complaints.add("RL203", mark_at(data, path), f"{_name(path)} has no value", "give it one, or leave it out")
        return
    if kind == "bool_type" and isinstance(given, str) and given.lower() in _YAML_11:
        hint = f"write {_YAML_11[given.lower()]}: in YAML 1.2 {given} is a word"
    elif kind == "string_type" and isinstance(given, int | float):
        hint = "put it in quotes"
    elif kind == "list_type":
        is_word = isinstance(given, str) and re.fullmatch(r"[\w./#@:-]{1,60}", given)
        hint = f"write [{given}]" if is_word else "write it as a list: [… , …], or one `- …` a line"
    elif kind in {"int_type", "float_type"} and isinstance(given, str):
        hint = "write it without quotes or unit"
    elif kind in {"dict_type", "model_type"}:
        part = _model_at(model, path)
        hint = f"write {part.example}" if part and part.example else "write it as key: value"
    hint = hint or f"write {expected}"
    complaints.add("RL203", mark_at(data, path), f"{_name(path)} is {kind_of(given)}, not {expected}", hint)


def key_mark(data: Any, path: tuple[str | int, ...]) -> Mark:
    """Return where the key that *path* ends with stood."""
    owner: Any = data
    for key in path[:-1]:
        owner = child(owner, key)
    if path and isinstance(owner, Map) and path[-1] in owner.keys_at:
        return owner.keys_at[str(path[-1])]
    return mark_at(data, path)


def _model_at(model: type[Part], path: tuple[str | int, ...]) -> type[Part] | None:
    """Return the model of the part at *path*."""
    current: Any = model
    for key in path:
        current = _without_none(current)
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            current = _inner(current)
            continue
        found = [field.annotation for name, field in current.model_fields.items() if key in (name, field.alias)]
        if not found:
            return None
        current = found[0]
    current = _without_none(current)
    return current if isinstance(current, type) and issubclass(current, Part) else None


def _meant(model: type[Part], owner: type[Part] | None, name: str) -> str:
    """Return what to do about an unknown key: a slip, a word of another house, or a key of another part."""
    known = [field.alias or name for name, field in owner.model_fields.items()] if owner else []
    word = _OTHER_WORDS.get(name)
    if word in known:
        return f"did you mean {word!r}?"
    homes = sorted(part.thing for part in _parts_of(model) if part is not owner and _has(part, name))
    otherwise = f"{name!r} is a key of {' and of '.join(homes[:2])}: check the indentation" if homes else ""
    if not otherwise and "with" in known:
        otherwise = f"an argument of the action belongs under with: {{{name[:40]}: …}}"
    return did_you_mean(name, known, otherwise=otherwise)


def _has(part: type[Part], name: str) -> bool:
    return any(name == (field.alias or key) for key, field in part.model_fields.items())


@cache
def _parts_of(model: type[Part]) -> frozenset[type[Part]]:
    """Return *model* and every part that can stand somewhere inside it."""
    found: set[type[Part]] = set()
    left: list[Any] = [model]
    while left:
        one = left.pop()
        if isinstance(one, type) and issubclass(one, Part):
            if one not in found:
                found.add(one)
                left += [field.annotation for field in one.model_fields.values()]
        else:
            left += get_args(one)
    return frozenset(found)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        return next((arg for arg in get_args(annotation) if arg is not type(None)), annotation)
    return annotation


def _inner(annotation: Any) -> Any:
    """Return what a list or mapping holds."""
    args = get_args(_without_none(annotation))
    return args[-1] if args else None


_STAND_INS: dict[str, Any] = {
    "runbook": "unnamed",
    "site": "unnamed",
    "environment": "unnamed",
    "schema": "relight/v1",
    "roles": Items(),
}


def _cut_out(model: type[Part], data: Map, details: list[ErrorDetails]) -> bool:
    """Take every wrong value out of *data*, or put one in that harms nothing; False where nothing can be left."""
    doomed: set[tuple[str | int, ...]] = set()
    for detail in details:
        path = detail["loc"]
        if _stand_in(data, path):
            continue
        if path[-1:] == ("[key]",) or detail["type"] == "missing":
            path = path[:-1]
        doomed.add(_removable(model, path))
    if () in doomed:
        return False
    for path in sorted(doomed, key=_from_the_end, reverse=True):
        _remove(data, path)
    return True


def _stand_in(data: Any, path: tuple[str | int, ...]) -> bool:
    """Replace a required value by a harmless one, so that what stands around it can still be judged."""
    for key in path[:-1]:
        data = child(data, key)
    last = path[-1]
    if not isinstance(data, Map):
        return False
    if last == "id" and path[:-2] == ("stages",):
        data["id"] = f"unnamed-{path[1]}"
    elif last in _STAND_INS:
        data[str(last)] = _STAND_INS[str(last)]
    else:
        return False
    return True


def _removable(model: type[Part], path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return *path*, or the nearest part around it that can be spared: a list without its items is still a list."""
    while path:
        owner = _model_at(model, path[:-1])
        field = next((f for n, f in (owner.model_fields if owner else {}).items() if path[-1] in (n, f.alias)), None)
        if field is None or not field.is_required():
            return path
        path = path[:-1]
    return path


def _from_the_end(path: tuple[str | int, ...]) -> list[tuple[int, str]]:
    return [(key, "") if isinstance(key, int) else (-1, key) for key in path]


def _remove(data: Any, path: tuple[str | int, ...]) -> None:
    for key in path[:-1]:
        data = child(data, key)
    last = path[-1]
    if isinstance(data, Map):
        data.pop(str(last), None)
    elif isinstance(data, Items) and isinstance(last, int) and last < len(data):
        del data[last], data.items_at[last]


def _allowed(expected: str) -> list[str]:
    """Return the values of a message such as ``'hold', 'wait' or 'go'``."""
    return [part.strip().strip("'") for part in expected.replace(" or ", ", ").split(",") if part.strip()]


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, list | dict) else kind_of(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _name(path: tuple[str | int, ...]) -> str:
    """Return what a reader calls the value at *path*."""
    keys = [str(key) for key in path if isinstance(key, str)]
    name = repr(keys[-1]) if keys else "the document"
    return f"an item of {name}" if path and isinstance(path[-1], int) else name
