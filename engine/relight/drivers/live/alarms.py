"""Wake-ups by the run's clock: never early, and late by a second at most even when the machine was suspended."""

import asyncio
from collections.abc import Callable

from relight.drivers.live.clock import RunClock

LATE_MS = 1
"""A timer may fire a moment before its time; a millisecond of rounding is added instead of a second look."""


class Alarms:
    """The wake-ups that are set."""

    def __init__(self, clock: RunClock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._set: dict[int, asyncio.TimerHandle] = {}

    def set(self, t: int) -> None:
        """Ring at *t*."""
        left_ms = max(t - self._clock.t(), 0) + LATE_MS
        self._set[t] = asyncio.get_running_loop().call_later(left_ms / 1_000, self._due, t)

    def drop(self, t: int) -> None:
        """Do not ring at *t*."""
        timer = self._set.pop(t, None)
        if timer is not None:
            timer.cancel()

    def look(self) -> None:
        """Ring if one is overdue: timers stand still while a machine sleeps, a run's clock does not."""
        now = self._clock.t()
        if any(t <= now for t in self._set):
            self._ring()

    def close(self) -> None:
        """Drop all of them."""
        for t in list(self._set):
            self.drop(t)

    def _due(self, t: int) -> None:
        if self._clock.t() < t:
            self.set(t)
        else:
            self._ring()
