"""Evaluating a tree at one moment."""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass

from relight_practice.metrics.registry import Labels
from relight_practice.metrics.series import Database, Sample, matcher
from relight_practice.promql.functions import OVER_TIME, RATES
from relight_practice.promql.syntax import (
    COMPARISONS,
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Expression,
    Negative,
    Number,
    Selector,
)


class EvaluationError(Exception):
    """The query is well written and cannot be answered on this data."""


@dataclass(frozen=True, slots=True)
class Element:
    """One series of a vector; *name* is dropped by whatever changes its meaning."""

    labels: Labels
    value: float
    name: str = ""
    time: float = 0.0


Vector = list[Element]


@dataclass(frozen=True, slots=True)
class Range:
    """One series of a range."""

    labels: Labels
    name: str
    samples: list[Sample]


@dataclass(frozen=True, slots=True)
class Matrix:
    """All series of a range."""

    series: list[Range]


Value = float | Vector | Matrix


def evaluate(tree: Expression, database: Database, time: float) -> Value:
    """Return a number for a scalar, a vector, or for a bare range its samples."""
    if isinstance(tree, Selector) and tree.range_s is not None:
        return Matrix(_range(tree, database, time))
    return _Evaluation(database, time).of(tree)


def _range(tree: Selector, database: Database, time: float) -> list[Range]:
    assert tree.range_s is not None
    found: list[Range] = []
    for series in database.select(tree.name, _tests(tree)):
        samples = series.between(time - tree.range_s, time)
        if samples:
            found.append(Range(series.labels, series.name, samples))
    return found


def _tests(tree: Selector) -> list[tuple[str, Callable[[str], bool]]]:
    return [(label, matcher(symbol, text)) for label, symbol, text in tree.matchers]


@dataclass(frozen=True, slots=True)
class _Evaluation:
    database: Database
    time: float

    def of(self, tree: Expression) -> float | Vector:
        match tree:
            case Number():
                return tree.value
            case Selector():
                return self._select(tree)
            case Call():
                return self._call(tree)
            case Aggregate():
                return _aggregate(tree, self._vector(tree.inner))
            case Negative():
                inner = self.of(tree.inner)
                return [Element(e.labels, -e.value) for e in inner] if isinstance(inner, list) else -inner
            case Binary():
                return _binary(tree, self.of(tree.left), self.of(tree.right))

    def _vector(self, tree: Expression) -> Vector:
        value = self.of(tree)
        assert isinstance(value, list)
        return value

    def _select(self, tree: Selector) -> Vector:
        found: Vector = []
        for series in self.database.select(tree.name, _tests(tree)):
            sample = series.at(self.time)
            if sample is not None:
                found.append(Element(series.labels, sample[1], series.name, sample[0]))
        return found

    def _call(self, tree: Call) -> float | Vector:
        if tree.name == "time":
            return self.time
        first = tree.args[0]
        if tree.name in RATES or tree.name in OVER_TIME:
            assert isinstance(first, Selector)
            return self._over_range(tree.name, first)
        value = self.of(first)
        if tree.name == "vector":
            assert isinstance(value, float)
            return [Element((), value)]
        assert isinstance(value, list)
        match tree.name:
            case "scalar":
                return value[0].value if len(value) == 1 else math.nan
            case "absent":
                return [] if value else [Element((), 1.0)]
            case "timestamp":
                return [Element(e.labels, e.time or self.time) for e in value]
            case "abs":
                return [Element(e.labels, abs(e.value)) for e in value]
        limit = self.of(tree.args[1])
        assert isinstance(limit, float)
        choose = max if tree.name == "clamp_min" else min
        return [Element(e.labels, choose(e.value, limit)) for e in value]

    def _over_range(self, name: str, selector: Selector) -> Vector:
        assert selector.range_s is not None
        found: Vector = []
        for series in _range(selector, self.database, self.time):
            if name in RATES:
                value = RATES[name](series.samples, self.time - selector.range_s, self.time)
            else:
                value = OVER_TIME[name]([sample[1] for sample in series.samples])
            if value is not None:
                found.append(Element(series.labels, value, series.name if name == "last_over_time" else ""))
        return found


def _aggregate(tree: Aggregate, vector: Vector) -> Vector:
    groups: dict[Labels, list[float]] = {}
    for element in vector:
        key = tuple(pair for pair in element.labels if (pair[0] in tree.labels) is not tree.without)
        groups.setdefault(key, []).append(element.value)
    combine = OVER_TIME[f"{tree.name}_over_time"]
    return [Element(labels, combine(values)) for labels, values in groups.items()]


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    if left == 0 or math.isnan(left) or math.isnan(right):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": lambda left, right: math.fmod(left, right) if right else math.nan,
    "^": _power,
}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def _binary(tree: Binary, left: float | Vector, right: float | Vector) -> float | Vector:
    if not isinstance(left, list) and not isinstance(right, list):
        if tree.operator in COMPARISONS:
            return float(_COMPARE[tree.operator](left, right))
        return _ARITHMETIC[tree.operator](left, right)
    if not isinstance(right, list):
        assert isinstance(left, list)
        return [e for one in left if (e := _combine(tree, one, one.value, right)) is not None]
    if not isinstance(left, list):
        return [e for one in right if (e := _combine(tree, one, left, one.value)) is not None]
    if tree.operator in SET_OPERATORS:
        return _set_operation(tree.operator, left, right)
    others = {element.labels: element for element in right}
    if len(others) < len(right) or len({element.labels for element in left}) < len(left):
        raise EvaluationError("found duplicate series for the match group; many-to-many matching not allowed")
    matched = [(one, others[one.labels]) for one in left if one.labels in others]
    return [e for one, other in matched if (e := _combine(tree, one, one.value, other.value)) is not None]


def _combine(tree: Binary, element: Element, left: float, right: float) -> Element | None:
    if tree.operator in COMPARISONS:
        holds = _COMPARE[tree.operator](left, right)
        if tree.as_bool:
            return Element(element.labels, float(holds))
        return element if holds else None
    return Element(element.labels, _ARITHMETIC[tree.operator](left, right))


def _set_operation(name: str, left: Vector, right: Vector) -> Vector:
    there = {element.labels for element in right}
    if name == "and":
        return [element for element in left if element.labels in there]
    if name == "unless":
        return [element for element in left if element.labels not in there]
    here = {element.labels for element in left}
    return left + [element for element in right if element.labels not in here]
