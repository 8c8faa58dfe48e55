"""The virtual clock: what is due, in order; time is where the next of it is."""

import heapq
from collections.abc import Callable
from typing import TypeAlias

Deed: TypeAlias = Callable[[], None]


class Due:
    """Something that happens at *t*; cancelled by taking its deed away."""

    __slots__ = ("background", "deed", "t")

    def __init__(self, t: int, deed: Deed, *, background: bool) -> None:
        self.t = t
        self.deed: Deed | None = deed
        self.background = background

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
        self._due: list[tuple[int, int, Due]] = []
        self._number = 0

    @property
    def at(self) -> int:
        """The wall clock that goes with it, in milliseconds since 1970."""
        return self._began_at + self.t

    def call_at(self, t: int, deed: Deed, *, background: bool = False) -> Due:
        """Have *deed* done at *t*, or now if that is past; a *background* one keeps nothing from being over."""
        self._number += 1
        due = Due(max(t, self.t), deed, background=background)
        heapq.heappush(self._due, (due.t, self._number, due))
        return due

    def next_t(self) -> int | None:
        """Return when the next thing is due, None where nothing is."""
        due = self._due
        while due and due[0][2].deed is None:
            heapq.heappop(due)
        return due[0][0] if due else None

    def jump(self) -> bool:
        """Go to the next thing that is due and do it; False where nothing is."""
        if self.next_t() is None:
            return False
        self.t, _, due = heapq.heappop(self._due)
        assert due.deed is not None, "what was cancelled is skipped"
        due.deed()
        return True

    def foreground(self) -> bool:
        """Return whether anything but background is still due."""
        return any(due.deed is not None and not due.background for _, _, due in self._due)
