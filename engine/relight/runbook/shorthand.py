"""Short forms written out, in one place: what comes after sees one form of everything."""

from typing import Any

from relight.runbook.source import Mark
from relight.runbook.yaml12 import Items, Map


def write_out_runbook(document: Map) -> Map:
    """Write out the short forms of a runbook, in place."""
    _as_list(document, "lock")
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
