"""Figures as people read them."""

from __future__ import annotations

import pytest

from relight.control import wording
from relight.runbook.expressions import bare, embedded


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "", "no data"),
        (True, "", "true"),
        (0.008, "%", "0.8%"),
        (0.35, "%", "35%"),
        (1.0, "%", "100%"),
        (0.0, "%", "0%"),
        (1702, "", "1,702"),
        (12.5, "", "12.5"),
        (0.0012, "", "0.0012"),
        (422.4, "", "422"),
        ("v41", "", "v41"),
        (float("nan"), "", "nan"),
        (float("inf"), "%", "inf%"),
    ],
)
def test_a_figure_is_short(value: object, unit: str, text: str) -> None:
    """A reading is said with at most three digits that matter, a share of one in percent."""
    assert text == wording.figure(value, unit)


def test_a_criterion_says_its_unit() -> None:
    """A comparison loses the word that every one has and gains the unit; anything else is shown as it is."""
    assert wording.criterion("value < 0.03", "%") == "< 3%"
    assert wording.criterion("value == 0") == "== 0"
    assert wording.criterion("value.compatible && value.ok") == "value.compatible && value.ok"
    assert wording.limit("value > 0.85") == 0.85
    assert wording.limit("value.ok") is None


@pytest.mark.parametrize(
    ("name", "unit"), [("login_error_ratio", "%"), ("admitted_over_asked", "%"), ("queue_depth", ""), ("ratio_x", "")]
)
def test_a_unit_comes_from_the_query_name(name: str, unit: str) -> None:
    """A query that is called a ratio, a share or one thing over another is shown in percent."""
    assert wording.unit_of({"name": name}) == unit
    assert wording.unit_of(None) == ""


def test_spans_are_read_at_a_glance() -> None:
    """A span is minutes and seconds where seconds matter, and the roughest true word elsewhere."""
    assert [wording.span(ms) for ms in (0, 52_000, 252_000, 3_729_000)] == ["0:00", "0:52", "4:12", "1:02:09"]
    assert [wording.rough(ms) for ms in (900, 780_000, 9_000_000, 345_600_000)] == ["1s", "13m", "2h30", "4d"]
    assert [wording.brief(ms) for ms in (500, 15_000, 90_000, 3_600_000)] == ["0.5s", "15s", "1m30s", "1h"]


def test_instants_go_there_and_back() -> None:
    """A wall time in JSON is RFC 3339 in UTC, and nothing is lost."""
    text = wording.instant(1_763_850_250_123)
    assert text == "2025-11-22T22:24:10.123Z"
    assert wording.from_instant(text) == 1_763_850_250_123
    assert wording.instant(None) is None
    assert wording.from_instant(None) is None


def test_arguments_fit_beside_an_action() -> None:
    """Arguments stand on one line, an expression as it was written, and are cut where they are long."""
    tree = {"service": "auth", "to": embedded("${{ inputs.to }}"), "serve": False, "retry": {"min": 30.0}, "left": None}
    assert wording.arguments(tree) == "service=auth to=${{ inputs.to }} serve=false retry={min: 30}"
    assert wording.arguments({"argv": ["x" * 100]}).endswith("..")
    assert wording.plain_value({"a": [bare("value < 1")]}) == {"a": ["${{ value < 1 }}"]}


def test_lists_and_counts_are_words() -> None:
    """A list reads as a sentence has it, and one of a thing is not many."""
    assert [wording.listed(words) for words in ([], ["a"], ["a", "b", "c"])] == ["", "a", "a, b and c"]
    assert [wording.counted(n, "effect") for n in (0, 1, 2_000)] == ["0 effects", "1 effect", "2,000 effects"]


def test_long_figures_are_said_short() -> None:
    """What the engine compares to the last digit is told to three; short ones and words stay."""
    assert "edge_errors 0.031 fails at 100" == wording.rounded("edge_errors 0.031007751937984492 fails at 100")
    assert "backlog 1,702 and 0.25, 10.1.2.3, v1.2" == wording.rounded("backlog 1702.123456 and 0.25, 10.1.2.3, v1.2")
