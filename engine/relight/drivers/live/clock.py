"""The two clocks of a run: the wall for people, and its own for everything that is compared.

The run's clock advances by the time since boot, suspension included, so a step of the wall clock changes nothing.
Across a take-over it goes on by the same clock if the boot is the same, otherwise by the wall's difference.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Where there is none (not Linux), the monotonic clock has to do; it may stand still while the machine sleeps.
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """What a machine can tell of the time."""

    def wall_ms(self) -> int:
        """Return milliseconds since 1970; may go back."""
        ...

    def boot_ms(self) -> int:
        """Return milliseconds since boot; never goes back."""
        ...

    def boot_id(self) -> str:
        """Return what tells this boot of this machine from every other; empty where nothing does."""
        ...


class SystemClock:
    """This machine's clocks."""

    def wall_ms(self) -> int:
        """Return the wall clock."""
        return time.time_ns() // 1_000_000

    def boot_ms(self) -> int:
        """Return the boot clock."""
        return time.clock_gettime_ns(_BOOT_CLOCK) // 1_000_000

    def boot_id(self) -> str:
        """Return the kernel's boot id."""
        try:
            return _BOOT_ID.read_text().strip()
        except OSError:
            return ""


@dataclass(frozen=True, slots=True)
class RunClock:
    """A run's clock on this machine: *zero_ms* is the boot clock's reading at the run's zero."""

    clock: Clock
    zero_ms: int

    def t(self) -> int:
        """Return the run's clock in milliseconds."""
        return self.clock.boot_ms() - self.zero_ms

    def at(self) -> int:
        """Return the wall clock in milliseconds since 1970."""
        return self.clock.wall_ms()

    def mark(self) -> dict[str, Any]:
        """Return what lets a later driver on the same boot go on by the same clock."""
        return {"boot_id": self.clock.boot_id(), "zero_ms": self.zero_ms}


def carried_on(clock: Clock, last_at: int, last_t: int, mark: dict[str, Any]) -> tuple[RunClock, bool]:
    """Return the clock of a run whose last fact is of *last_at*/*last_t*, and whether time was lost.

    *mark* is what an earlier driver left (:meth:`RunClock.mark`), empty if none did.
    """
    boot_ms = clock.boot_ms()
    zero = mark.get("zero_ms")
    if mark.get("boot_id") and mark["boot_id"] == clock.boot_id() and isinstance(zero, int):
        return RunClock(clock, min(zero, boot_ms - last_t)), False
    passed = clock.wall_ms() - last_at
    return RunClock(clock, boot_ms - last_t - max(passed, 0)), passed < 0
