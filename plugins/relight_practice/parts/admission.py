"""Who is admitted: a share of those who ask, and of these only so many a second."""

from dataclasses import dataclass, field

from relight_practice.dice import Dice

BURST_S = 0.5
"""Unused admissions are kept this long; longer, and a pause would be followed by a crowd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """What is in force; *retry_after* is in practice seconds."""

    percent: float = 100.0
    max_rate: float | None = None
    retry_after: tuple[float, float] = (5.0, 15.0)


@dataclass(slots=True)
class Admission:
    """Decides about one sign-in at a time; those who are refused do not count against the rate."""

    dice: Dice
    throttle: Throttle = field(default_factory=Throttle)
    _credit: float = 1.0
    _at: float = 0.0

    def set(self, throttle: Throttle, now: float) -> None:
        """Put *throttle* in force from now on; a new rate begins without credit."""
        if throttle.max_rate != self.throttle.max_rate:
            self._credit, self._at = 0.0, now
        self.throttle = throttle

    def refuse(self, now: float) -> str | None:
        """Return why this sign-in is refused, or None if it is admitted."""
        if self.dice.random() * 100 >= self.throttle.percent:
            return "percent"
        rate = self.throttle.max_rate
        if rate is None:
            return None
        self._credit = min(self._credit + (now - self._at) * rate, max(1.0, rate * BURST_S))
        self._at = now
        if self._credit < 1:
            return "rate"
        self._credit -= 1
        return None

    def retry_after_s(self) -> int:
        """Return the wait to tell a refused client; jittered, so that they do not come back all at once."""
        return round(self.dice.uniform(*self.throttle.retry_after))
