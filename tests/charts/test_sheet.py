"""The arithmetic under every drawing."""

from __future__ import annotations

import pytest

from relight.charts import Limit, limit_from
from relight.charts.sheet import clock, round_up, sampled, summary, ticks_ms, top_of, words
from relight.sdk import Curve


@pytest.mark.parametrize(
    ("criterion", "limit"),
    [
        ("value < 0.03", Limit(curve="q", value=0.03, good="<")),
        (" value >= 12 ", Limit(curve="q", value=12, good=">=")),
        ("value == 0", Limit(curve="q", value=0, good="<=")),
        ("value == 10", None),
        ("value.healthy && value.breaker == 'closed'", None),
        ("value < 0.03 || value > 9", None),
    ],
)
def test_a_plain_comparison_is_a_limit(criterion: str, limit: Limit | None) -> None:
    """Whatever is more than one comparison with a number has no line to draw."""
    assert limit_from("q", criterion) == limit


@pytest.mark.parametrize(("good", "holds"), [("<", False), ("<=", True), (">", False), (">=", True)])
def test_a_limit_is_on_one_side(good: str, holds: bool) -> None:
    """On the limit itself, the sign decides."""
    assert Limit(curve="q", value=3, good=good).holds(3) is holds


@pytest.mark.parametrize(
    ("value", "top"), [(1, 1), (1.1, 2), (2.4, 2.5), (388, 500), (0.3, 0.5), (0.02, 0.02), (51, 100)]
)
def test_axes_end_at_round_numbers(value: float, top: float) -> None:
    """One, two, two and a half or five times a power of ten."""
    assert round_up(value) == pytest.approx(top)


def curve(unit: str, *values: float | None) -> Curve:
    """Return a curve with a point each second."""
    return Curve(name="c", title="c", unit=unit, points=[(n * 1_000, v) for n, v in enumerate(values)])  # type: ignore[arg-type]


def test_the_scale_shows_the_limit_unless_that_would_hide_the_curve() -> None:
    """A limit a little above the highest value is drawn; one far above it is not."""
    limit = Limit(curve="c", value=50, good="<")
    assert top_of(curve("count", 10, 30), limit) == 100
    assert top_of(curve("count", 1, 2), limit) == 2
    assert top_of(curve("share", 0.6), None) == 1
    assert top_of(curve("percent", 10), None) == 100
    assert top_of(curve("count"), None) == 1
    assert top_of(curve("count", 0.004), Limit(curve="c", value=0.03, good="<")) == 0.05
    assert top_of(curve("count", 0.001), limit) == 1


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.01, "count", "0.01"),
        (0.025, "count", "0.025"),
        (0, "count", "0"),
        (0.00001, "count", "0"),
        (0.0021, "share", "0.21%"),
        (1.04, "percent", "1%"),
        (9.5, "per second", "9.5/s"),
        (1702, "count", "1,702"),
    ],
)
def test_a_value_keeps_the_digits_that_matter(value: float, unit: str, said: str) -> None:
    """A small ratio is not rounded to nothing: the limit it is held against is as small."""
    assert words(value, unit) == said


def test_columns_hold_the_extremes_and_short_gaps() -> None:
    """Each column has the lowest and highest of its span; a gap of up to three columns shows what was last seen."""
    points = [(0, 1.0), (500, 3.0), (1_000, None), (7_000, 5.0)]
    assert sampled(points, 0, 8_000, 8) == [(1, 3), (1, 3), (1, 3), (1, 3), None, None, None, (5, 5)]


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.008, "share", "0.8%"),
        (0.35, "share", "35%"),
        (1e-9, "share", "0%"),
        (25.0, "percent", "25%"),
        (1702.4, "count", "1,702"),
        (0.5, "per second", "0.5/s"),
    ],
)
def test_values_in_words(value: float, unit: str, said: str) -> None:
    """As people say them."""
    assert words(value, unit) == said


def test_the_worst_is_on_the_side_of_the_limit() -> None:
    """Of errors the most, of hits the fewest; without a limit nothing is worst."""
    assert summary(curve("share", 0.1, 0.5, 0.2), Limit(curve="c", value=0.3, good="<")) == "worst 50%, ends 20%"
    assert summary(curve("share", 0.1, 0.5, 0.2), Limit(curve="c", value=0.3, good=">")) == "worst 10%, ends 20%"
    assert summary(curve("count", 1, 5, 2), None) == "1 to 5, ends 2"
    assert summary(curve("count", None), None) == "no data"


def test_ticks_are_round_and_few() -> None:
    """No more labels than fit, and the clock has hours when there are any."""
    assert ticks_ms(134_000, 5) == [0, 30_000, 60_000, 90_000, 120_000]
    assert len(ticks_ms(14_400_000, 9)) <= 10
    assert [clock(52_000), clock(3_729_000)] == ["0:52", "1:02:09"]
