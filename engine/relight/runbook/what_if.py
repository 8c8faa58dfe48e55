"""A document with some of its values changed, as if its author had written them: ``PATH=VALUE``.

A path goes by keys, and in lists by the id of an item (or the check it names, or its number from 1):
``stages.reopen.steps.admit.ramp.through``. The changed text is read, judged and linted like any other.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from relight.errors import UsageError
from relight.runbook.complaints import Complaints, did_you_mean
from relight.runbook.source import Mark, Source, source_from_bytes
from relight.runbook.yaml12 import Items, Map, child, extent, plain, read_yaml

_NAMING = ("id", "check", "action", "probe")
"""Keys whose value may name an item of a list, in this order."""
TOGETHER = re.compile(r"\s+and\s+(?=[A-Za-z_][\w.-]*=)")


@dataclass(frozen=True, slots=True)
class Change:
    """One value that is to be another; *text* is how it was asked for."""

    path: tuple[str, ...]
    value: Any
    text: str


def changes(text: str) -> list[Change]:
    """Return the changes that a text asks for: ``PATH=VALUE``, or several joined by *and*.

    Raises:
        UsageError: it is not formed so.
    """
    return [_change(part) for part in TOGETHER.split(text.strip())]


def _change(text: str) -> Change:
    path, equals, value = text.partition("=")
    keys = tuple(key.strip() for key in path.strip().split("."))
    if not equals or not all(keys) or not value.strip():
        hint = "write PATH=VALUE, such as inputs.admit=20 or 'stages.reopen.steps.admit.ramp.dwell=30s'"
        raise UsageError(f"{text!r} changes nothing", hint=hint)
    complaints = Complaints(source_from_bytes("--what-if", f"value: {value.strip()}".encode()))
    tree = read_yaml(complaints)
    if tree is None or len(complaints) or list(tree) != ["value"]:
        why = next((complaint.message for complaint in complaints), "it is more than one value")
        hint = "write it as in the runbook, with brackets and quotes"
        raise UsageError(f"{value.strip()!r} is no value: {why}", hint=hint)
    return Change(keys, plain(tree["value"]), text.strip())


def inputs_and_rest(asked: list[Change]) -> tuple[dict[str, Any], list[Change]]:
    """Return values that are given to inputs (``inputs.NAME=VALUE``), and the changes of the document."""
    given = {change.path[1]: change.value for change in asked if _is_input(change)}
    return given, [change for change in asked if not _is_input(change)]


def _is_input(change: Change) -> bool:
    return len(change.path) == 2 and change.path[0] == "inputs"


def changed(source: Source, asked: list[Change]) -> Source:
    """Return the document with these changes.

    Raises:
        UsageError: a path leads nowhere; says what was probably meant.
    """
    for change in asked:
        tree = read_yaml(Complaints(source))
        if tree is None:
            return source  # whoever reads it next says what is wrong with it
        source = _changed(source, tree, change)
    said = " and ".join(change.text for change in asked)
    return replace(source, name=f"{source.name} (what if {said})") if asked else source


def _changed(source: Source, tree: Map, change: Change) -> Source:
    at: Any = tree
    walked: list[str] = []
    for key in change.path[:-1]:
        at = _inner(at, key, walked, change)
        walked.append(key)
    last, written = change.path[-1], json.dumps(change.value, ensure_ascii=False)
    if isinstance(at, Map) and last not in at:
        return _spliced(source, at.mark, at.mark, _new_key(source, at, last, written))
    value_at = _place(at, last, walked, change)
    found = extent(source.text, value_at)
    assert found is not None, "what was read stands somewhere"
    return _spliced(source, *found, written)


def _inner(at: Any, key: str, walked: list[str], change: Change) -> Any:
    if isinstance(at, Items):
        items, index = _item(at, key)
        inner = child(items, index) if index is not None else None
    else:
        inner = child(at, key)
    if isinstance(inner, Map | Items):
        return inner
    where = ".".join(walked) or "the runbook"
    if inner is not None or (isinstance(at, Map) and key in at):
        raise UsageError(f"{change.text!r}: {key!r} in {where} is one value, and nothing lies under it")
    raise _nowhere(at, key, where, change)


def _place(at: Any, key: str, walked: list[str], change: Change) -> Mark:
    if isinstance(at, Map):
        return at.values_at[key]
    items, index = _item(at, key)
    if index is None:
        raise _nowhere(at, key, ".".join(walked) or "the runbook", change)
    return items.items_at[index]


def _nowhere(at: Any, key: str, where: str, change: Change) -> UsageError:
    names = _names(at) if isinstance(at, Items) else list(at)
    return UsageError(f"{change.text!r}: there is no {key!r} in {where}", hint=did_you_mean(key, names))


def _item(items: Items, key: str) -> tuple[Items, int | None]:
    """Return the list and which item of it is meant: by what names it, or by its number from 1."""
    for index, item in enumerate(items):
        if isinstance(item, Map) and key in (item.get(naming) for naming in _NAMING):
            return items, index
    for item in items:
        inner = item.get("parallel") if isinstance(item, Map) else None
        if isinstance(inner, Items) and not key.isdigit():
            within = _item(inner, key)
            if within[1] is not None:
                return within
    return items, int(key) - 1 if key.isdigit() and 0 < int(key) <= len(items) else None


def _names(items: Items) -> list[str]:
    """Return what names the items, those side by side in one of them too; of an item without a name its number."""
    found: list[str] = []
    for number, item in enumerate(items, 1):
        inner = item.get("parallel") if isinstance(item, Map) else None
        named = [str(item[key]) for key in _NAMING if key in item] if isinstance(item, Map) else []
        found += _names(inner) if isinstance(inner, Items) else named[:1] or [str(number)]
    return found


def _new_key(source: Source, owner: Map, key: str, written: str) -> str:
    """Return what is put before a mapping's first key, so that it has one more."""
    name = key if re.fullmatch(r"[A-Za-z_][\w-]*", key) else json.dumps(key)
    if source.line(owner.mark.line)[owner.mark.col - 1 : owner.mark.col] == "{":
        return f"{{{name}: {written}, " if owner else f"{{{name}: {written}"
    return f"{name}: {written}\n{' ' * (owner.mark.col - 1)}"


def _spliced(source: Source, start: Mark, end: Mark, text: str) -> Source:
    """Return the document with *text* in the place of what stands between two marks."""
    lines = list(source.lines)
    head, tail = lines[start.line - 1][: start.col - 1], lines[end.line - 1][end.col - 1 :]
    if start == end and text.startswith("{"):
        tail = tail[1:]  # the bracket is written anew, with the key behind it
    lines[start.line - 1 : end.line] = f"{head}{text}{tail}".split("\n")
    return source_from_bytes(source.name, "\n".join(lines).encode(), path=source.path)
