"""Durations, percentages, shares and rates, as documents write them."""

import math
from contextlib import suppress
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.sdk import Duration, Percent, Rate, Share, format_duration, parse_duration
from relight.sdk.values import DURATION_MAX_MS


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0s", 0),
        ("90s", 90_000),
        ("1.5s", 1_500),
        ("500ms", 500),
        ("5m", 300_000),
        ("1m30s", 90_000),
        ("1m30ms", 60_030),
        ("1h30m", 5_400_000),
        ("2d", 172_800_000),
        (" 30d ", DURATION_MAX_MS),
    ],
)
def test_durations_are_read(text: str, ms: int) -> None:
    """Days to milliseconds, largest first; seconds may have a fraction."""
    assert parse_duration(text) == ms


@pytest.mark.parametrize(
    "text", ["", " ", "m", "30s1m", "-5s", "1e3s", "٣s", "5mm", "5m5m", "5s\n5s", "0 min", "99999999h", "5 years"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """The refusal shows what one looks like."""
    with pytest.raises(ValueError, match=r"write it like 90s, 5m or 1h30m|longer than 30d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("90", "write 90s for seconds, 90m for minutes"),
        ("5 m", "write 5m"),
        ("5M", "write 5m"),
        ("5min", "write 5m"),
        ("1.5m", "write 1m30s"),
        ("1.5 hours", "write 1h30m"),
        ("2 days", "write 2d"),
        ("250 msec", "write 250ms"),
    ],
)
def test_a_duration_as_others_write_it_is_respelled(text: str, mend: str) -> None:
    """What was meant is offered in our own spelling."""
    with pytest.raises(ValueError, match=f"; {mend}$"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["31d", "30d1ms", "9" * 40 + "h"])
def test_a_duration_has_a_limit(text: str) -> None:
    """A slipped zero is noticed."""
    with pytest.raises(ValueError, match="longer than 30d"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=DURATION_MAX_MS))
def test_a_duration_comes_back_as_it_was_written(ms: int) -> None:
    """What is printed can be read."""
    assert parse_duration(format_duration(ms)) == ms


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    """Nothing else is ever raised."""
    with suppress(ValueError):
        assert 0 <= parse_duration(text) <= DURATION_MAX_MS


@pytest.mark.parametrize(
    ("unit", "written", "read"),
    [
        (Duration, "90s", 90.0),
        (Duration, 1.5, 1.5),
        (Duration, 0, 0.0),
        (Percent, 10, 10.0),
        (Percent, "10%", 10.0),
        (Percent, "0.5 %", 0.5),
        (Share, "20%", 20.0),
        (Rate, 50, 50.0),
        (Rate, 0, 0.0),
        (Rate, "none", "none"),
    ],
)
def test_units_are_read(unit: Any, written: Any, read: Any) -> None:
    """Each in the ways that documents write it."""
    assert pydantic.TypeAdapter(unit).validate_python(written) == read


@pytest.mark.parametrize(
    ("unit", "written"),
    [
        *[(Duration, each) for each in (True, -1, math.inf, math.nan, "90", "soon", 31 * 86_400, None)],
        *[(Percent, each) for each in (True, -1, 100.1, math.inf, math.nan, "many", "101%", "-1%")],
        *[(Rate, each) for each in (True, -1, math.inf, math.nan, "None", "unlimited", None)],
    ],
)
def test_what_is_outside_a_unit_is_refused(unit: Any, written: Any) -> None:
    """Neither a truth value nor infinity is a number of anything."""
    with pytest.raises(pydantic.ValidationError):
        pydantic.TypeAdapter(unit).validate_python(written)
