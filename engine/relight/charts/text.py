"""A sheet as lines of a terminal: a bar for each stage, two rows of blocks for each curve, words beside both."""

from collections.abc import Iterator
from typing import TypeAlias

from relight.charts.sheet import Closed, Curve, Limit, Sheet, clock, sampled, summary, ticks_ms, top_of, words

Row: TypeAlias = tuple[tuple[str, str], ...]
"""One line: texts and the style of each (``bold``, ``dim``, ``good``, ``warn``, ``bad``, or empty)."""

LABEL, WORDS = 14, 26
"""Columns for what a row is called, and for what it says in words."""
PLOT_MIN = 16
HEIGHT = 2
"""Rows of a curve: sixteen levels, and nine curves with eight stages fit a terminal of 40 lines."""

BLOCKS, ASCII = " ▁▂▃▄▅▆▇█", " .:-=+*##"
STAGE, STAGE_ASCII = {"work": "█", "wait": "▒"}, {"work": "=", "wait": "?"}


def chart_rows(sheet: Sheet, *, width: int = 80, ascii_only: bool = False) -> list[Row]:
    """Return stages and curves over one axis, in at most *width* columns.

    Args:
        sheet: What there is to draw.
        width: Columns of the terminal.
        ascii_only: For terminals that know no blocks.
    """
    plot = max(PLOT_MIN, width - LABEL - WORDS)
    rows = [_axis(sheet, plot)]
    rows += [_band(number, band, sheet.end_ms, plot, ascii_only) for number, band in enumerate(sheet.closed, 1)]
    if sheet.bands:
        rows.append(_key(ascii_only))
    for curve in sheet.curves:
        rows += _curve(sheet, curve, plot, ascii_only)
    return [_cut(row, width) for row in rows]


def moment_rows(sheet: Sheet, *, width: int = 80) -> list[Row]:
    """Return what happened, one line each; a stage is named once."""
    rows: list[Row] = []
    before = ""
    for moment in sheet.moments:
        stage = moment.stage if moment.stage != before else ""
        before = moment.stage
        what = f"{moment.step}  {moment.what}" if moment.step else moment.what
        rows.append(_cut(((f"{clock(moment.t_ms):>8}  ", "dim"), (f"{stage:<14}", "bold"), (what, "")), width))
    return rows


def _axis(sheet: Sheet, plot: int) -> Row:
    text = [" "] * (plot + 8)
    for tick in ticks_ms(sheet.end_ms, max(1, plot // 8)):
        at = min(plot - 1, int(tick / sheet.end_ms * plot))
        label = clock(tick)
        text[at : at + len(label)] = label
    return ((" " * LABEL, ""), ("".join(text).rstrip(), "dim"))


def _band(number: int, closed: Closed, end_ms: int, plot: int, ascii_only: bool) -> Row:
    marks = STAGE_ASCII if ascii_only else STAGE
    band = closed.band
    cells = [" "] * plot
    for span, kind in (((band.from_ms, closed.until_ms), "work"), *((wait, "wait") for wait in closed.waits)):
        first = min(plot - 1, int(span[0] / end_ms * plot))
        # Whatever happened is seen, however short it was.
        last = max(first + 1, min(plot, round(span[1] / end_ms * plot)))
        cells[first:last] = marks[kind] * (last - first)
    said = f"{closed.took} {marks['wait']} {closed.waited}" if closed.waited else closed.took
    style = {"succeeded": "good", "skipped": "dim"}.get(band.outcome, "warn")
    label = f"{number} {band.id}"
    return ((_label(label), "bold"), ("".join(cells), ""), (f" {said}", style))


def _key(ascii_only: bool) -> Row:
    marks = STAGE_ASCII if ascii_only else STAGE
    return ((" " * LABEL + f"{marks['wait']} waits for people   {marks['work']} works and checks", "dim"),)


def _curve(sheet: Sheet, curve: Curve, plot: int, ascii_only: bool) -> Iterator[Row]:
    limit = sheet.limit(curve.name)
    top = top_of(curve, limit)
    columns = sampled(curve.points, 0, sheet.end_ms, plot)
    levels = [None if each is None else each[1] if limit is None or limit.below else each[0] for each in columns]
    said = summary(curve, limit)
    bound = (
        f"{limit.good} {words(limit.value, curve.unit)} is well" if limit else f"scale 0 to {words(top, curve.unit)}"
    )
    for row in range(HEIGHT - 1, -1, -1):
        is_top = row == HEIGHT - 1
        label = _label(curve.title if is_top else "")
        drawn = _drawn(levels, top, row, limit, ASCII if ascii_only else BLOCKS)
        yield ((label, "bold"), *drawn, (f" {said if is_top else bound}", "dim"))


def _drawn(levels: list[float | None], top: float, row: int, limit: Limit | None, marks: str) -> list[tuple[str, str]]:
    """Return one row of a curve, in pieces that are well or not."""
    pieces: list[tuple[str, str]] = []
    for level in levels:
        style = "" if limit is None or level is None else "good" if limit.holds(level) else "bad"
        if pieces and pieces[-1][1] == style:
            pieces[-1] = (pieces[-1][0] + _mark(level, top, row, marks), style)
        else:
            pieces.append((_mark(level, top, row, marks), style))
    return pieces


def _mark(level: float | None, top: float, row: int, marks: str) -> str:
    if level is None:
        return " "
    eighths = round(min(1.0, level / top) * HEIGHT * 8) - row * 8
    # What was measured is seen, even where it is nothing; a gap is where nothing was measured.
    return marks[min(8, max(1 if row == 0 else 0, eighths))]


def _label(text: str) -> str:
    return f"{text[: LABEL - 1]:<{LABEL}}"


def _cut(row: Row, width: int) -> Row:
    kept: list[tuple[str, str]] = []
    left = width
    for text, style in row:
        if left <= 0:
            break
        kept.append((text if len(text) <= left else text[: max(0, left - 2)].rstrip() + "..", style))
        left -= len(text)
    return tuple(kept)
