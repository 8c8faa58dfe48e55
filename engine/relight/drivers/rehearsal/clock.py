"""The virtual clock: what is due, in order; time is where the next of it is."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

Deed: TypeAlias = Callable[[], None]


@dataclass(slots=True, order=True)
class Due:
    """Something that happens at *t*; cancelled by taking its deed away."""

    t: int
    number: int
    deed: Deed | None = field(compare=False)
    background: bool = field(compare=False, default=False)

    def cancel(self) -> None:
        """Let it not happen."""
        self.deed = None


class VirtualClock:
    """Says what time it is, and jumps to the next thing that is due.

    Attributes:
        t: The run's clock in milliseconds.
    """

    __slots__ = ("_began_at", "_due", "_number", "t")

    def __init__(self, began_at: int) -> None:
        self.t = 0
        self._began_at = began_at
        self._due: list[Due] = []
        self._number = 0

    @property
    def at(self) -> int:
        """The wall clock that goes with it, in milliseconds since 1970."""
        return self._began_at + self.t

    def call_at(self, t: int, deed: Deed, *, background: bool = False) -> Due:
        """Have *deed* done at *t*, or now if that is past; a *background* one keeps nothing from being over."""
        self._number += 1
        due = Due(max(t, self.t), self._number, deed, background)
        heapq.heappush(self._due, due)
        return due

    def next_t(self) -> int | None:
        """Return when the next thing is due, None where nothing is."""
        due = self._due
        while due and due[0].deed is None:
            heapq.heappop(due)
        return due[0].t if due else None

    def jump(self) -> bool:
        """Go to the next thing that is due and do it; False where nothing is."""
        if self.next_t() is None:
            return False
        due = heapq.heappop(self._due)
        self.t = due.t
        assert due.deed is not None, "what was cancelled is skipped"
        due.deed()
        return True

    def foreground(self) -> bool:
        """Return whether anything but background is still due."""
        return any(due.deed is not None and not due.background for due in self._due)
