"""The board: small JSON beside the chain that tells views how things are right now.

It replaces itself, at most a few times a second, and nothing is ever decided by it. Its layout::

    {"beat_at": 1763850000000, "driver": "…", "clock": {"boot_id": "…", "zero_ms": 1},
     "checks":   {check: {"kind": "value", "value": 0.01, "detail": "", "at": ms, "t": ms}},
     "observed": {effect key: {"value": {…}, "at": ms, "error": ""}},
     "progress": {step: {"text": "12 of 24 pods", "at": ms}},
     "budgets":  {surface: {"spent_ms": 41000, "budget_ms": 2592000, "at": ms}},
     "trouble":  ["the journal cannot be written: …"]}
"""

from collections.abc import Callable
from typing import Any

PROGRESS_MAX = 200
"""Characters of a progress line: two lines of a narrow terminal."""
RAW_MAX = 8 * 1024
"""Characters of a progress line before it is redacted and cut: a plugin may say a megabyte at a time."""
ENTRIES_MAX = 200
"""Entries of each kind that are kept, the newest; nobody looks through more, and it is rewritten every second."""


class Board:
    """What is on the board, and whether it has changed since it was last put up."""

    def __init__(self, driver: str, clock: dict[str, Any], clean: Callable[[str, int], str]) -> None:
        self._clean = clean
        self._tree: dict[str, Any] = {
            "beat_at": 0,
            "driver": driver,
            "clock": clock,
            "checks": {},
            "observed": {},
            "progress": {},
            "budgets": {},
            "trouble": {},
        }
        self.changed = True

    def check(self, check: str, **reading: Any) -> None:
        """Show the newest sample of a check."""
        self._put("checks", check, reading)

    def observed(self, key: str, *, at: int, value: Any = None, error: str = "") -> None:
        """Show what is really in force of an effect; an error leaves the value that was seen last, with its time."""
        if error:
            last = self._tree["observed"].get(key, {"value": None, "at": None})
            self._put("observed", key, {**last, "error": error})
        else:
            self._put("observed", key, {"value": value, "at": at, "error": ""})

    def unobserved(self, key: str) -> None:
        """Take an effect off: it is no longer in force."""
        self._take("observed", key)

    def progress(self, step: str, text: str, at: int) -> None:
        """Show how far a step is."""
        self._put("progress", step, {"text": text[:RAW_MAX], "at": at})

    def finished(self, step: str) -> None:
        """Take a step's progress off."""
        self._take("progress", step)

    def budget(self, surface: str, **spent: Any) -> None:
        """Show how much of a surface's error budget went."""
        self._put("budgets", surface, spent)

    def trouble(self, about: str, text: str) -> None:
        """Show what the driver itself is struggling with; an empty *text*: that is over."""
        if text:
            self._put("trouble", about, text)
        else:
            self._take("trouble", about)

    def put_up(self, at: int) -> dict[str, Any]:
        """Return the board as it is at *at*, a copy that later changes do not reach."""
        self.changed = False
        self._tree["beat_at"] = at
        shown = {key: dict(value) if isinstance(value, dict) else value for key, value in self._tree.items()}
        shown["trouble"] = list(self._tree["trouble"].values())
        # Only now: most lines are replaced before anybody could have seen them.
        shown["progress"] = {
            step: {**line, "text": self._clean(line["text"], PROGRESS_MAX)}
            for step, line in self._tree["progress"].items()
        }
        return shown

    def _put(self, kind: str, key: str, entry: Any) -> None:
        entries: dict[str, Any] = self._tree[kind]
        entries.pop(key, None)
        entries[key] = entry
        while len(entries) > ENTRIES_MAX:
            del entries[next(iter(entries))]
        self.changed = True

    def _take(self, kind: str, key: str) -> None:
        if self._tree[kind].pop(key, None) is not None:
            self.changed = True
