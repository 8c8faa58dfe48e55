"""A sheet on a terminal."""

from __future__ import annotations

import pytest

from relight.charts import Row, Sheet, chart_rows, moment_rows


def texts(rows: list[Row]) -> list[str]:
    """Return the rows without their styles."""
    return ["".join(text for text, _ in row) for row in rows]


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_every_line_fits(sheet: Sheet, width: int, ascii_only: bool) -> None:
    """At any width, with blocks or with letters alone."""
    rows = texts([*chart_rows(sheet, width=width, ascii_only=ascii_only), *moment_rows(sheet, width=width)])
    assert max(map(len, rows)) <= width
    assert all(row.isascii() for row in rows) or not ascii_only


def test_stages_are_bars_with_their_waits_and_words(sheet: Sheet) -> None:
    """When, how long, how it ended, and how much of it waited for people; the shortest is seen."""
    rows = texts(chart_rows(sheet))
    assert rows[1].startswith("1 contain     ██ ")
    assert rows[1].endswith(" 0:06 succeeded")
    assert rows[2].startswith("2 roll-back     ▒▒▒▒▒▒▒▒▒▒█")
    assert rows[2].endswith(" 0:54 succeeded ▒ 0:30")
    assert rows[3].rstrip().endswith("▒▒▒▒▒▒▒▒▒▒ 1:00 waits for people"), "what goes on is drawn to the end"
    assert "▒ waits for people" in rows[4]


def test_curves_rise_and_fall_and_say_so(sheet: Sheet) -> None:
    """Two rows each: the worst and the last in words, the limit beside them, and a gap where nothing was measured."""
    rows = texts(chart_rows(sheet))
    assert rows[5].startswith("errors        ▂▂▂▂▂▂▂▂▂▂  ")
    assert rows[5].endswith(" worst 60%, ends 1%")
    assert rows[6].startswith("              ██████████▁▁▁▁")
    assert rows[6].endswith(" < 3% is well")
    assert "   " in rows[8][14:55].strip()
    assert rows[8].endswith(" scale 0 to 2,000")
    assert rows[9].endswith(" no data")


def test_styles_tell_what_is_well(sheet: Sheet) -> None:
    """The same words are there without colour."""
    styles = [style for _, style in chart_rows(sheet)[6]]
    assert "bad" in styles
    assert "good" in styles


def test_moments_name_a_stage_once(sheet: Sheet) -> None:
    """A line each; a step is named before what it did."""
    rows = texts(moment_rows(sheet))
    assert rows[0].split() == ["0:00", "contain", "throttle", "begins"]
    assert rows[1].split() == ["0:06", "is", "done"]
    assert rows[2].split() == ["1:30", "reopen", "HELD"]
