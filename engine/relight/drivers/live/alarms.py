"""Wake-ups by the run's clock: never early, and late by a second at most even when the machine was suspended."""

import asyncio
from collections.abc import Callable

from relight.drivers.live.clock import RunClock

LATE_MS = 1
"""A timer may fire a moment before its time; a millisecond of rounding is added instead of a second look."""


class Alarms:
    """The wake-ups that are set.

    One timer serves all: a step sets the alarm of its timeout and is over long before it, so a timer that finds
    nothing to ring for is far cheaper than one for each alarm.
    """

    def __init__(self, clock: RunClock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._set: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_t = 0

    def set(self, t: int) -> None:
        """Ring at *t*."""
        self._set.add(t)
        if self._timer is None or t < self._timer_t:
            self._wind(t)

    def drop(self, t: int) -> None:
        """Do not ring at *t*."""
        self._set.discard(t)

    def look(self) -> None:
        """Ring if one is overdue: timers stand still while a machine sleeps, a run's clock does not."""
        now = self._clock.t()
        if any(t <= now for t in self._set):
            self._ring()

    def close(self) -> None:
        """Drop all of them."""
        self._set.clear()
        self._unwind()

    def _wind(self, t: int) -> None:
        self._unwind()
        left_ms = max(t - self._clock.t(), 0) + LATE_MS
        self._timer = asyncio.get_running_loop().call_later(left_ms / 1_000, self._due)
        self._timer_t = t

    def _unwind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        now = self._clock.t()
        later = [t for t in self._set if t > now]
        if later:
            self._wind(min(later))
        if len(later) < len(self._set):
            self._ring()
