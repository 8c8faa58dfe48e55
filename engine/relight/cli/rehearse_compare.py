"""Rehearsals side by side: what a change of the runbook would do to the night."""

from collections.abc import Iterator
from typing import Any

from relight.cli.terminal import Line, Span, line, pad
from relight.control.rehearsing import Played, figures
from relight.control.wording import figure, span

LABEL_WIDTH = 18
COLUMN_MIN = 10
AS_IT_IS = "as it is"

_ROWS = (
    ("time to recovery", "recovered_s", "span"),
    ("worst error ratio", "error_ratio_worst", "%"),
    ("turned away", "turned_away", ""),
    ("gave up", "gave_up", ""),
    ("locked out, worst", "locked_out_worst", ""),
    ("relapses", "relapses", ""),
    ("steps back", "step_backs", ""),
    ("the run takes", "duration_s", "span"),
)


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def compared_lines(plays: list[tuple[str, Played]], where: str) -> Iterator[Line | str]:
    """Yield a column for each rehearsal, the one without a change first."""
    yield line(Span(pad("REHEARSALS", LABEL_WIDTH), "bold"), f"{plays[0][1].plan.runbook} at {where}")
    for letter, (change, _) in zip(LETTERS, plays, strict=False):
        yield line(Span(pad(f"  {letter}", LABEL_WIDTH)), change or AS_IT_IS)
    yield ""
    columns = [_column(letter, played) for letter, (_, played) in zip(LETTERS, plays, strict=False)]
    widths = [max(COLUMN_MIN, max(len(text) for text in column) + 2) for column in columns]
    labels = ["", "ends", *(label for label, _, _ in _ROWS)]
    for number, label in enumerate(labels):
        cells = [column[number].rjust(width) for column, width in zip(columns, widths, strict=True)]
        if any(cell.strip() not in ("", "-") for cell in cells):
            yield line(Span(pad(label, LABEL_WIDTH), "bold" if number else ""), *cells)


def _column(letter: str, played: Played) -> list[str]:
    found = figures(played)
    return [letter, played.rehearsed.run.state, *(_cell(found[key], unit) for _, key, unit in _ROWS)]


def _cell(value: Any, unit: str) -> str:
    if value is None:
        return "never" if unit == "span" else "-"
    return span(value * 1_000) if unit == "span" else figure(value, unit)


def cost(played: Played) -> list[tuple[str, str]]:
    """Return what a rehearsal cost, in words, as far as it is known."""
    found = figures(played)
    rows = [(label, _cell(found[key], unit)) for label, key, unit in _ROWS]
    return [(label, said) for label, said in rows if said != "-"]
