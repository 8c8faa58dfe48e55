"""The records of a run's steps: a mapping of which a copy with one change is cheap, however many there are."""

from collections.abc import Iterator, Mapping
from typing import Any

from relight.kernel.step_state import StepRecord

NEW_MAX = 64
"""Changes that are kept apart from the rest; copying them, and now and then the rest, costs about the same."""


class Records(Mapping[str, StepRecord]):
    """Steps by their ids, as they were when they last changed; never changed in place."""

    __slots__ = ("_new", "_old")

    def __init__(self, old: Mapping[str, StepRecord], new: dict[str, StepRecord] | None = None) -> None:
        self._old = old
        self._new = new or {}

    def __getitem__(self, step: str) -> StepRecord:
        record = self._new.get(step)
        return self._old[step] if record is None else record

    def __iter__(self) -> Iterator[str]:
        yield from self._old
        yield from (step for step in self._new if step not in self._old)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def get(self, step: str, default: Any = None) -> Any:
        """Return the record of a step that has begun; without an exception for one that has not."""
        return self._new.get(step) or self._old.get(step, default)

    def __contains__(self, step: object) -> bool:
        return step in self._new or step in self._old

    def changed(self, step: str, record: StepRecord) -> "Records":
        """Return the records with one of them changed."""
        if len(self._new) < NEW_MAX or step in self._new:
            return Records(self._old, {**self._new, step: record})
        return Records({**self._old, **self._new, step: record})

    def __repr__(self) -> str:
        return repr(dict(self))
