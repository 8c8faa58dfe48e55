"""A few minutes of samples in memory, with Prometheus' rules for what is there at a moment."""

import bisect
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from relight_practice.metrics.registry import Labels

LOOKBACK_S = 300.0
"""Prometheus' default: an instant selector finds a sample at most this old."""
SERIES_MAX = 5_000
"""Twenty times what the site exposes; a label with endless values is refused, not kept."""

GONE = None
"""A staleness marker: the series was not in its target's last scrape."""

Sample = tuple[float, float]


@dataclass(slots=True)
class Series:
    """The samples of one series, oldest first; a value of ``GONE`` says that it vanished."""

    name: str
    labels: Labels
    times: deque[float] = field(default_factory=deque)
    values: deque[float | None] = field(default_factory=deque)

    def append(self, time: float, value: float | None, keep_s: float) -> None:
        """Add the newest sample and forget the oldest."""
        if self.times and time <= self.times[-1]:
            return
        self.times.append(time)
        self.values.append(value)
        while self.times[0] < time - keep_s:
            self.times.popleft()
            self.values.popleft()

    def at(self, time: float) -> Sample | None:
        """Return the newest sample at *time*; None where it is older than the lookback or the series is gone."""
        index = bisect.bisect_right(self.times, time) - 1
        if index < 0 or self.times[index] <= time - LOOKBACK_S:
            return None
        value = self.values[index]
        return None if value is GONE else (self.times[index], value)

    def between(self, start: float, end: float) -> list[Sample]:
        """Return the samples after *start* up to and with *end*, without staleness markers."""
        found: list[Sample] = []
        for index in range(bisect.bisect_right(self.times, start), len(self.times)):
            if self.times[index] > end:
                break
            value = self.values[index]
            if value is not GONE:
                found.append((self.times[index], value))
        return found


Matcher = Callable[[str], bool]


def matcher(operator: str, text: str) -> Matcher:
    """Return the test of one label; regular expressions are anchored at both ends, as Prometheus' are."""
    if operator == "=":
        return lambda value: value == text
    if operator == "!=":
        return lambda value: value != text
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValueError(f"error parsing regexp: {error}") from None
    wanted = operator == "=~"
    return lambda value: (pattern.fullmatch(value) is not None) is wanted


@dataclass(slots=True)
class Database:
    """Every series, by name."""

    keep_s: float = 240.0
    _by_name: dict[str, dict[Labels, Series]] = field(default_factory=dict)
    _count: int = 0

    def append(self, name: str, labels: Labels, time: float, value: float | None) -> None:
        """Add a sample.

        Raises:
            ValueError: there are too many series.
        """
        family = self._by_name.setdefault(name, {})
        series = family.get(labels)
        if series is None:
            if self._count >= SERIES_MAX:
                raise ValueError(f"more than {SERIES_MAX} series")
            series = family[labels] = Series(name, labels)
            self._count += 1
        series.append(time, value, self.keep_s)

    def select(self, name: str | None, tests: Iterable[tuple[str, Matcher]]) -> Iterator[Series]:
        """Yield the series of *name* (None: of any) whose labels pass every test; a label that lacks is empty."""
        tests = list(tests)
        families = self._by_name.values() if name is None else [self._by_name.get(name, {})]
        for family in families:
            for series in family.values():
                labels = {"__name__": series.name, **dict(series.labels)}
                if all(test(labels.get(label, "")) for label, test in tests):
                    yield series
