"""Short forms written out, in one place: what comes after sees one form of everything."""

from typing import Any

from relight.runbook.source import Mark
from relight.runbook.yaml12 import Items, Map


def write_out_runbook(document: Map) -> Map:
    """Write out the short forms of a runbook, in place."""
    _as_list(document, "lock")
    for key in ("always", "never"):
        stated = document.get(key)
        if isinstance(stated, Items):
            for index, item in enumerate(stated):
                if isinstance(item, str):
                    stated[index] = _one("expression", item, stated.items_at[index])
    for stage in _maps(document.get("stages")):
        for step in _maps(stage.get("steps")):
            _step(step)
    return document


def write_out_site(document: Map) -> Map:
    """Write out the short forms of a site, in place."""
    bind = document.get("bind")
    if isinstance(bind, Map):
        for capability, binding in bind.items():
            if isinstance(binding, str):
                bind[capability] = _one("provider", binding, bind.values_at[capability])
    for query in _maps(document.get("queries")):
        _as_list(query, "sources")
    return document


ENDINGS = ("steps", "undo", "probes", "checks", "gates")
"""Keys of a rehearsal under which one word stands for a whole entry, and one entry for a list of them."""


def write_out_rehearsal(document: Map) -> Map:
    """Write out the short forms of a rehearsal, in place.

    A single entry holds from then on; in a list each stands for one time unless it says otherwise.
    """
    for key in ENDINGS:
        owner = document.get(key)
        if isinstance(owner, Map):
            for name in list(owner):
                _entries(owner, name, one_each=key != "checks")
                for answer in _maps(owner[name]):
                    _as_list(answer, "by")
    expect = document.get("expect")
    approved = expect.get("approved_by") if isinstance(expect, Map) else None
    if isinstance(approved, Map):
        for stage in list(approved):
            _as_list(approved, stage)
    return document


def _entries(owner: Map, name: str, *, one_each: bool) -> None:
    value, at = owner[name], owner.values_at[name]
    if isinstance(value, Map | str):
        items = Items(at)
        items.put(_one("is", value, at) if isinstance(value, str) else value, at)
        owner[name] = items
    elif isinstance(value, Items):
        for index, item in enumerate(value):
            place = value.items_at[index]
            entry = _one("is", item, place) if isinstance(item, str) else item
            if one_each and isinstance(entry, Map) and "times" not in entry:
                entry.put("times", 1, place, place)
            value[index] = entry
    for entry in _maps(owner[name]):
        if "is" not in entry and "value" in entry:
            entry.put("is", "reads", entry.values_at["value"], entry.values_at["value"])


def _step(step: Map) -> None:
    undo = step.get("undo")
    if isinstance(undo, str):
        step["undo"] = _one("restore" if undo == "previous" else "step", undo, step.values_at["undo"])
    for inner in _maps(step.get("parallel")):
        _step(inner)


def _one(key: str, value: Any, at: Mark) -> Map:
    """Return ``{key: value}``, which stands where the short form stood."""
    written = Map(at)
    written.put(key, value, at, at)
    return written


def _as_list(owner: Map, key: str) -> None:
    value = owner.get(key)
    if isinstance(value, str):
        items = Items(owner.values_at[key])
        items.put(value, owner.values_at[key])
        owner[key] = items


def _maps(container: Any) -> list[Map]:
    """Return the mappings in a list or in the values of a mapping."""
    values = container.values() if isinstance(container, Map) else container if isinstance(container, Items) else ()
    return [value for value in values if isinstance(value, Map)]
