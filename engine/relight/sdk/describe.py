"""Documents plugins from their code, as data and as text.

``relight plugins NAME`` prints it; what a plugin declares is all there is to know about it.
"""

import inspect
import textwrap
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from relight.sdk import capabilities
from relight.sdk.plugin import Action, Plugin, Probe
from relight.sdk.secrets import Secret
from relight.sdk.simulation import Simulation
from relight.sdk.values import Unit, format_duration

SCHEMA = "relight.plugin/v1"
_WORDS = {str: "text", int: "whole number", float: "number", bool: "true | false", dict: "mapping", Any: "anything"}
_CHOICES_MAX = 2
"""More kinds of values than this say nothing any more."""
_WORDS_OF_COLLECTIONS = {list: "list of", tuple: "list of", set: "list of", frozenset: "list of"}


def describe_plugin(plugin: Plugin, *, origin: str = "") -> dict[str, Any]:
    """Return what *plugin* declares as plain JSON data.

    Args:
        plugin: What is described.
        origin: The distribution that brings it.
    """
    provider = plugin.provider
    return {
        "schema": SCHEMA,
        "name": plugin.name,
        "summary": plugin.summary,
        "origin": origin,
        "needs_config": plugin.needs_config,
        "config": _fields(provider.Config),
        "actions": [_kind(plugin, kind) for kind in provider.actions],
        "probes": [_kind(plugin, kind) for kind in provider.probes],
    }


def describe_simulation(name: str, kind: type[Simulation]) -> dict[str, Any]:
    """Return what a simulation declares as plain JSON data."""
    return {
        "schema": "relight.simulation/v1",
        "name": name,
        "summary": (inspect.getdoc(kind) or "").split("\n")[0],
        "parameters": _fields(kind.Config),
        "plays": sorted(contract.name for contract in kind.plays),
    }


def _kind(plugin: Plugin, kind: type[Action] | type[Probe]) -> dict[str, Any]:
    contract = kind.contract
    capability = contract.name in capabilities.ALL
    described = {
        "name": contract.name,
        "address": contract.name if capability else f"{plugin.name}.{contract.name}",
        "capability": capability,
        "title": contract.title,
        "effect": contract.effect,
        "timeout": None if contract.timeout_s is None else format_duration(round(contract.timeout_s * 1_000)),
        "args": _fields(contract.args),
        "result": _fields(contract.result),
    }
    if issubclass(kind, Action):
        described |= {
            "idempotent": contract.idempotent,
            "key_args": list(contract.key_args),
            "neutral": dict(contract.neutral),
            "lasting": contract.lasting,
            "reads_value": contract.reads_value,
            "batch": contract.batch,
            "check_mode": kind.check is not Action.check,
            "preview": kind.preview is not Action.preview,
        }
    return described


def _fields(model: type[BaseModel]) -> list[dict[str, Any]]:
    hints = typing.get_type_hints(model, include_extras=True)
    return [_field(name, info, hints[name]) for name, info in model.model_fields.items()]


def _field(name: str, info: FieldInfo, hint: Any) -> dict[str, Any]:
    kind = _type(hint)
    default = None if info.is_required() else _plain(info.get_default(call_default_factory=True))
    if kind == "duration" and isinstance(default, int | float):
        default = format_duration(round(default * 1_000))
    described = {
        "name": name,
        "type": kind,
        "description": info.description or "",
        "required": info.is_required(),
        "default": default,
    }
    nested = [model for model in _models(hint) if model.model_fields]
    if nested:
        described["fields"] = _fields(nested[0])
    return described


def _type(hint: Any) -> str:
    """Return in a word or two what an author may write there."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        unit = next((each.name for each in args[1:] if isinstance(each, Unit)), None)
        return unit or _type(args[0])
    if origin is Literal:
        return " | ".join(str(each) for each in args)
    if origin in (Union, types.UnionType):
        said = [_type(each) for each in args if each is not type(None)]
        return " | ".join(dict.fromkeys(said))
    if origin in _WORDS_OF_COLLECTIONS:
        return f"{_WORDS_OF_COLLECTIONS[origin]} {_type(args[0])}"
    if origin is not None:
        values = _type(args[1]) if len(args) == 2 and args[1] is not Any else ""
        return f"mapping of {values}" if values and values.count("|") <= _CHOICES_MAX else "mapping"
    if hint is Secret:
        return "secret reference"
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return "mapping"
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))


def _models(hint: Any) -> Iterator[type[BaseModel]]:
    if isinstance(hint, type) and get_origin(hint) is None and issubclass(hint, BaseModel):
        yield hint
    for each in get_args(hint):
        yield from _models(each)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Secret):
        return value.reference
    return list(value) if isinstance(value, tuple | set | frozenset) else value


def render_plugin(described: dict[str, Any], *, width: int = 80) -> str:
    """Return what :func:`describe_plugin` gave as text for people, no line longer than *width*."""
    return "\n".join(line.rstrip() for line in _lines(described, width)) + "\n"


def render_plugins(all_described: list[dict[str, Any]], *, width: int = 80) -> str:
    """Return one line for each: its name and its summary."""
    longest = max((len(each["name"]) for each in all_described), default=0)
    lines = (f"{each['name']:{longest}}  {each['summary']}" for each in all_described)
    return "".join(textwrap.shorten(line, width, placeholder=" ...") + "\n" for line in lines)


def render_simulation(described: dict[str, Any], *, width: int = 80) -> str:
    """Return what :func:`describe_simulation` gave as text."""
    lines = [f"{described['name']}: a simulation. {described['summary']}", "", "Parameters (simulation.with):"]
    lines += _field_lines(described["parameters"], width, 2)
    lines += ["", *_wrap(f"Plays {', '.join(described['plays'])}.", width)]
    return "\n".join(lines) + "\n"


def _lines(described: dict[str, Any], width: int) -> Iterator[str]:
    yield from _wrap(f"{described['name']}: {described['summary']}", width)
    if described["origin"]:
        yield f"from {described['origin']}"
    yield ""
    if described["config"]:
        yield "CONFIGURATION"
        yield from _wrap(f"in a site: providers: {{NAME: {{use: {described['name']}, ...}}}}", width, 2)
        yield from _field_lines(described["config"], width, 2)
        yield ""
    if not described["needs_config"]:
        yield from _wrap("A runbook may use it without a provider in the site.", width)
        yield ""
    for heading, key in (("ACTIONS", "actions"), ("PROBES", "probes")):
        if described[key]:
            yield heading
            for each in described[key]:
                yield from _kind_lines(each, width)
                yield ""


def _kind_lines(kind: dict[str, Any], width: int) -> Iterator[str]:
    yield from _wrap(f"{kind['address']}: {kind['title']}", width, 2)
    yield from _wrap(", ".join(_traits(kind)), width, 4)
    for heading, key in (("takes", "args"), ("gives", "result")):
        if kind[key]:
            yield f"    {heading}"
            yield from _field_lines(kind[key], width, 6, required=key == "args")


def _traits(kind: dict[str, Any]) -> Iterator[str]:
    yield "capability" if kind["capability"] else "its own"
    yield kind["effect"]
    if "idempotent" in kind:
        said = kind["idempotent"]
        yield f"idempotent if {said}: true" if isinstance(said, str) else "idempotent" if said else "not idempotent"
        if kind["lasting"]:
            yield "stays in force"
        if kind["neutral"]:
            yield "nothing is in force at " + " ".join(f"{key}={value}" for key, value in kind["neutral"].items())
        if kind["key_args"]:
            yield f"one effect for each {' and '.join(kind['key_args'])}"
        yield from (
            word
            for key, word in (
                ("reads_value", "reads the value in force"),
                ("check_mode", "has a check mode"),
                ("batch", "takes many targets at once"),
            )
            if kind[key]
        )
    if kind["timeout"]:
        yield f"timeout {kind['timeout']}"


def _field_lines(fields: list[dict[str, Any]], width: int, indent: int, *, required: bool = True) -> Iterator[str]:
    for field in fields:
        note = ""
        if required:
            note = " (required)" if field["required"] else ""
            if field["default"] not in (None, "", [], {}):
                note = f" (default {_default(field['default'])})"
        yield from _wrap(f"{field['name']}: {field['type']}{note}", width, indent)
        yield from _wrap(field["description"], width, indent + 4)
        yield from _field_lines(field.get("fields", []), width, indent + 4, required=required)


def _default(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wrap(text: str, width: int, indent: int = 0) -> list[str]:
    # What a plugin says about itself must not move the cursor.
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return textwrap.wrap(clean, width, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2))
