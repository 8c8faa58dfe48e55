"""What there is to draw, and the arithmetic that every way of drawing it shares."""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Points = Sequence[tuple[int, float | None]]

WORTH_SAYING_MS = 500

_COMPARISON = re.compile(r"value\s*(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)")
_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400)


class Curve(Protocol):
    """One figure over time, such as ``relight.sdk.Curve``; units are share, percent, count and per second."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def points(self) -> Points: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One stage: when it was begun and ended, and when it waited for people; None stands for what goes on."""

    id: str
    from_ms: int
    until_ms: int | None
    outcome: str = ""
    waits: tuple[tuple[int, int | None], ...] = ()

    def closed(self, end_ms: int) -> "Closed":
        """Return it with everything that goes on ended at *end_ms*."""
        until_ms = end_ms if self.until_ms is None else self.until_ms
        return Closed(self, until_ms, tuple((begin, end_ms if end is None else end) for begin, end in self.waits))


class Closed(NamedTuple):
    """A band as it is drawn."""

    band: Band
    until_ms: int
    waits: tuple[tuple[int, int], ...]

    @property
    def took(self) -> str:
        """How long, and how it ended."""
        return f"{clock(self.until_ms - self.band.from_ms)} {self.band.outcome}".rstrip()

    @property
    def waited(self) -> str:
        """How long it waited for people; empty if that is not worth a word, or said already."""
        waited_ms = sum(end - begin for begin, end in self.waits)
        return clock(waited_ms) if waited_ms >= WORTH_SAYING_MS and self.band.until_ms is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened: *what* in words, in which stage and, if in one, in which step."""

    t_ms: int
    what: str
    stage: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A threshold of the curve called *curve*; *good* is the side on which all is well."""

    curve: str
    value: float
    good: str

    @property
    def below(self) -> bool:
        """Whether less is better."""
        return self.good in ("<", "<=")

    def holds(self, value: float) -> bool:
        """Return whether *value* is on the good side."""
        return _HOLDS[self.good](value, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One history: *note* says in a line what it is, *outcome* how it ended, and *rows* what it cost, in words."""

    title: str
    outcome: str
    note: str = ""
    bands: Sequence[Band] = ()
    moments: Sequence[Moment] = ()
    curves: Sequence[Curve] = ()
    limits: Sequence[Limit] = ()
    rows: Sequence[tuple[str, str]] = ()

    @property
    def closed(self) -> list[Closed]:
        """The bands as they are drawn."""
        end_ms = self.end_ms
        return [band.closed(end_ms) for band in self.bands]

    @property
    def end_ms(self) -> int:
        """The last moment of anything in it, at least one second."""
        times = [1_000, *(moment.t_ms for moment in self.moments)]
        times += [band.until_ms if band.until_ms is not None else band.from_ms for band in self.bands]
        times += [curve.points[-1][0] for curve in self.curves if curve.points]
        return max(times)

    def limit(self, curve: str) -> Limit | None:
        """Return the limit of a curve; of several the first."""
        return next((limit for limit in self.limits if limit.curve == curve), None)


def limit_from(curve: str, criterion: str) -> Limit | None:
    """Return the limit that a criterion such as ``value < 0.03`` draws; None where it is no plain comparison."""
    # What is never negative and has to be nothing has its limit at nothing.
    found = _COMPARISON.fullmatch(re.sub(r"==\s*0(\.0*)?$", "<= 0", criterion.strip()))
    return Limit(curve=curve, value=float(found[2]), good=found[1]) if found else None


def top_of(curve: Curve, limit: Limit | None) -> float:
    """Return the value that the upper edge of a curve's drawing stands for."""
    if curve.unit == "percent":
        return 100.0
    highest = max((value for _, value in curve.points if value is not None), default=0.0)
    if limit is not None:
        near = limit.value <= 20 * max(highest, 1e-9)
        # What is next to nothing beside its limit stays on the floor, though the limit itself is out of sight.
        highest = max(highest, limit.value * 1.25 if near else limit.value / 50)
    if curve.unit == "share":
        # Half of the scale for nothing would hide what little there is; a small share is drawn large.
        return 1.0 if highest > 0.5 else round_up(max(highest, 0.02))
    # A ratio that nobody named a unit for is drawn as large as it is.
    return round_up(highest) if highest > 0 else 1.0


def round_up(value: float) -> float:
    """Return the next number that people like to see on an axis."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next(step * power for step in _STEPS if step * power >= value * (1 - 1e-9))


def sampled(points: Points, begin_ms: int, end_ms: int, count: int) -> list[tuple[float, float] | None]:
    """Return the lowest and highest value in each of *count* equal spans; None where nothing was measured.

    A span without a point of its own shows what was last measured, for at most three spans.
    """
    width = (end_ms - begin_ms) / count
    found: list[tuple[float, float] | None] = [None] * count
    for at, value in points:
        index = min(count - 1, int((at - begin_ms) / width)) if at >= begin_ms else -1
        if index < 0 or value is None:
            continue
        low, high = found[index] or (value, value)
        found[index] = (min(low, value), max(high, value))
    return _held(found)


def _held(found: list[tuple[float, float] | None]) -> list[tuple[float, float] | None]:
    kept = list(found)
    since = 4
    for index, each in enumerate(found):
        since = 0 if each is not None else since + 1
        if each is None and since <= 3 and index:
            kept[index] = kept[index - 1]
    return kept


def ticks_ms(end_ms: int, count_max: int) -> list[int]:
    """Return at most *count_max* + 1 round moments from 0."""
    step_s = next((step for step in _TICKS_S if end_ms / 1_000 / step <= count_max), _TICKS_S[-1])
    return list(range(0, end_ms + 1, step_s * 1_000))


SMALLEST = 1e-4
"""What is less is nothing to people."""


def clock(ms: float) -> str:
    """Return a moment: ``0:52``, ``1:02:09``."""
    minutes, seconds = divmod(max(0, round(ms / 1_000)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def words(value: float, unit: str) -> str:
    """Return a value as people say it: ``0.8%``, ``1,702``."""
    if unit in ("share", "percent"):
        percent = value * 100 if unit == "share" else value
        return f"{_figure(percent)}%"
    text = _figure(value)
    return f"{text}/s" if unit == "per second" else text


def _figure(value: float) -> str:
    """Return three digits of it at most, and none behind a point that says nothing; a small ratio keeps its two."""
    if SMALLEST <= abs(value) < 0.95:
        return f"{value:.2g}"
    small = f"{value:.1f}"
    return f"{value:,.0f}" if abs(value) >= 9.95 or small.endswith(".0") else small


def summary(curve: Curve, limit: Limit | None) -> str:
    """Return the words beside a curve: its worst, where less or more is better, and its last."""
    values = [value for _, value in curve.points if value is not None]
    if not values:
        return "no data"
    last = words(values[-1], curve.unit)
    if limit is None:
        return f"{words(min(values), curve.unit)} to {words(max(values), curve.unit)}, ends {last}"
    worst = max(values) if limit.below else min(values)
    return f"worst {words(worst, curve.unit)}, ends {last}"
