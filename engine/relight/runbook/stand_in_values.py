"""Values made up for what only a real site, or whoever starts a run, could say.

They are plausible, not true: of the type that is asked for, within its limits, and such that the runbook plans.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from relight.runbook.cel_text import read_cel
from relight.runbook.document import Input, Runbook
from relight.runbook.expressions import whole_name
from relight.runbook.inputs import BadInput, judged
from relight.runbook.template import Unterminated, is_template, parts_of

NUMBERS = (50, 1, 10, 100, 5, 25, 150, 0.5)
"""Tried in this order: in the middle of a percentage, the least count, and what ramps and rates are like."""
OTHERS: tuple[Any, ...] = ("one", True, "10m", ["one", "two"], {"one": 1}, "https://site.example", "/srv/one")
_ROOT = "site.values."


@dataclass(frozen=True, slots=True)
class Guess:
    """One set of made-up values: the site's by dotted path, and the inputs' by name."""

    site: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """Return the site's values, nested as expressions read them."""
        nested: dict[str, Any] = {}
        for path, value in self.site.items():
            *parents, last = path.split(".")
            at = nested
            for parent in parents:
                inner = at.setdefault(parent, {})
                at = inner if isinstance(inner, dict) else at
            at.setdefault(last, value)
        return nested

    def others(self, path: str) -> "Iterator[Guess]":
        """Yield the same set with each other value that the site's *path* might have instead."""
        for value in (*NUMBERS, *OTHERS):
            yield replace(self, site={**self.site, path: value})


def first_guess(runbook: Runbook, texts: Iterator[str], given: Mapping[str, Any]) -> Guess:
    """Return the values that come to mind first; *texts* are all that may read the site, *given* the inputs known."""
    site: dict[str, Any] = {}
    for declared in runbook.inputs.values():
        name = whole_name(declared.default) if is_template(declared.default) else None
        if name is not None and name.startswith(_ROOT):
            site[name.removeprefix(_ROOT)] = plausible(declared)
    for path in sorted({path for text in texts for path in _paths(text)}, key=lambda path: -path.count(".")):
        site.setdefault(path, NUMBERS[0])
    known = {path: value for path, value in site.items() if value is not None}
    missing = {name: each for name, each in runbook.inputs.items() if each.default is None and name not in given}
    inputs = {name: value for name, each in missing.items() if (value := plausible(each)) is not None}
    return Guess(known, inputs)


def plausible(declared: Input) -> Any:
    """Return a value that an input takes, None where none comes to mind."""
    candidates: list[Any] = [declared.minimum, declared.maximum, *(declared.choices or ()), *NUMBERS, *OTHERS]
    low, high = declared.minimum, declared.maximum
    if isinstance(low, int | float) and isinstance(high, int | float):
        candidates.insert(0, (low + high) // 2)
    for value in candidates:
        if value is None:
            continue
        try:
            return judged(declared, value)
        except BadInput:
            continue
    return None


def _paths(text: str) -> Iterator[str]:
    """Yield the site's values that a text reads, bare or embedded, below ``site.values``."""
    try:
        pieces = [part.text for part in parts_of(text) if part.is_cel] if is_template(text) else [text]
    except Unterminated:
        return
    for piece in pieces:
        for name in read_cel(piece).names:
            if name.path.startswith(_ROOT):
                yield name.path.removeprefix(_ROOT)
