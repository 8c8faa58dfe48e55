"""A sheet as one SVG: it stands alone, is light or dark as the reader's screen is, and can be read aloud."""

from collections.abc import Iterator
from html import escape

from relight.charts.sheet import Closed, Curve, Limit, Points, Sheet, clock, summary, ticks_ms, top_of, words

WIDTH, LEFT, RIGHT = 960, 165, 215
PLOT = WIDTH - LEFT - RIGHT
HEAD, BAND, PANEL, GAP, FOOT = 64, 20, 56, 14, 30
POINTS_MAX = 600
"""Two points for each pixel of a phone; more cannot be seen, and a four-hour run has sixty thousand."""

COLOURS = """
.sheet{--ink:#1b1f24;--soft:#57606a;--paper:#fff;--line:#d0d7de;--band:#eef2f6;--curve:#0b57d0;--limit:#a3330f;
--good:#1a7f37;--warn:#a1461a;--wait:#c79100}
@media(prefers-color-scheme:dark){.sheet{--ink:#e6edf3;--soft:#9aa4ae;--paper:#0d1117;--line:#30363d;--band:#161b22;
--curve:#79b8ff;--limit:#ff9b7a;--good:#56d364;--warn:#e0783c;--wait:#e3b341}}
"""
SHAPES = """
.curve{fill:none;stroke:var(--curve);stroke-width:1.8;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.area{fill:var(--curve);opacity:.13;stroke:none}
.limit{stroke:var(--limit);stroke-width:1.3;stroke-dasharray:5 4;vector-effect:non-scaling-stroke}
.base{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
.stripe{fill:var(--band)}
.work{fill:var(--good)}.other{fill:var(--warn)}.wait{fill:var(--wait)}
"""


def svg_image(sheet: Sheet) -> str:
    """Return the whole drawing, 960 units wide."""
    height = HEAD + BAND * len(sheet.bands) + (PANEL + GAP) * len(sheet.curves) + FOOT + 2 * GAP
    body = [
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
        _text(16, 26, f"{sheet.title}: {sheet.outcome}", "head"),
        _text(16, 46, sheet.note, "soft"),
        *_axis(sheet, height),
        *(part for number, band in enumerate(sheet.closed) for part in _band(sheet, number, band)),
    ]
    at = HEAD + BAND * len(sheet.bands) + 2 * GAP
    for curve in sheet.curves:
        body += _panel(sheet, curve, at)
        at += PANEL + GAP
    style = f"{COLOURS}{SHAPES}.paper{{fill:var(--paper)}}text{{font:13px system-ui,sans-serif;fill:var(--ink)}}"
    style += ".head{font-size:16px;font-weight:600}.soft{fill:var(--soft)}.bold{font-weight:600}"
    style += ".bound{fill:var(--limit)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sheet" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="title desc"><title id="title">{escape(sheet.title)}</title>'
        f'<desc id="desc">{escape(described(sheet))}</desc><style>{style}</style>{"".join(body)}</svg>\n'
    )


def described(sheet: Sheet) -> str:
    """Return the drawing in words, for those who do not see it."""
    said = [f"{sheet.title}: {sheet.outcome}."]
    for number, band in enumerate(sheet.bands, 1):
        until = "the end" if band.until_ms is None else clock(band.until_ms)
        said.append(f"Stage {number}, {band.id}, {band.outcome}, from {clock(band.from_ms)} to {until}.")
    for curve in sheet.curves:
        limit = sheet.limit(curve.name)
        bound = f", well if {limit.good} {words(limit.value, curve.unit)}" if limit else ""
        said.append(f"{curve.title}: {summary(curve, limit)}{bound}.")
    return " ".join(said)


def shapes(curve: Curve, limit: Limit | None, end_ms: int, width: float, height: float) -> str:
    """Return a curve, the area under it and its limit, in a box of *width* by *height* units."""
    top = top_of(curve, limit)
    drawn = [
        f'<line class="base" x1="0" x2="{width:g}" y1="{height:g}" y2="{height:g}"/>',
    ]
    for piece in _pieces(thinned(curve.points, end_ms), end_ms, top, width, height):
        path = " ".join(f"{'M' if index == 0 else 'L'}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(piece))
        area = f"{path} L{piece[-1][0]:.1f} {height:g} L{piece[0][0]:.1f} {height:g} Z"
        drawn.append(f'<path class="area" d="{area}"/><path class="curve" d="{path}"/>')
    if limit is not None and limit.value <= top:
        y = height * (1 - limit.value / top)
        drawn.append(f'<line class="limit" x1="0" x2="{width:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
    return "".join(drawn)


def stripes(sheet: Sheet, width: float, height: float) -> str:
    """Return every second stage as a band behind a curve."""
    found = []
    for closed in sheet.closed[::2]:
        x, right = (width * at / sheet.end_ms for at in (closed.band.from_ms, closed.until_ms))
        found.append(f'<rect class="stripe" x="{x:.1f}" width="{max(0.0, right - x):.1f}" height="{height:g}"/>')
    return "".join(found)


def lane(closed: Closed, end_ms: int, width: float, height: float) -> str:
    """Return one stage as a bar, with its waiting for people in another colour."""
    band = closed.band
    spans = [(band.from_ms, closed.until_ms, "work" if band.outcome == "succeeded" else "other")]
    spans += [(begin, end, "wait") for begin, end in closed.waits]
    seen = width / 300  # whatever happened is seen, however short it was
    return "".join(
        f'<rect class="{kind}" x="{min(width - seen, width * begin / end_ms):.1f}" '
        f'width="{max(seen, width * (end - begin) / end_ms):.1f}" height="{height:g}"/>'
        for begin, end, kind in spans
    )


def thinned(points: Points, end_ms: int) -> Points:
    """Return at most about ``POINTS_MAX`` points, keeping the lowest and the highest of each span."""
    if len(points) <= POINTS_MAX:
        return points
    size = end_ms / (POINTS_MAX / 2)
    kept: list[tuple[int, float | None]] = []
    chunk: list[tuple[int, float]] = []
    for at, value in points:
        if chunk and (value is None or int(at / size) != int(chunk[0][0] / size)):
            kept += _ends(chunk)
            chunk = []
        if value is None:
            kept.append((at, None))
        else:
            chunk.append((at, value))
    return [*kept, *_ends(chunk)]


def _ends(chunk: list[tuple[int, float]]) -> list[tuple[int, float | None]]:
    low, high = min(chunk, key=lambda point: point[1]), max(chunk, key=lambda point: point[1])
    return sorted({low, high})


def _pieces(
    points: Points, end_ms: int, top: float, width: float, height: float
) -> Iterator[list[tuple[float, float]]]:
    piece: list[tuple[float, float]] = []
    for at, value in points:
        if value is None:
            if piece:
                yield piece
            piece = []
        elif at >= 0:
            piece.append((width * at / end_ms, height * (1 - min(1.0, max(0.0, value / top)))))
    if piece:
        yield piece


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _axis(sheet: Sheet, height: int) -> Iterator[str]:
    for tick in ticks_ms(sheet.end_ms, 9):
        x = LEFT + PLOT * tick / sheet.end_ms
        yield f'<line class="base" x1="{x:.1f}" x2="{x:.1f}" y1="{HEAD}" y2="{height - FOOT}"/>'
        yield _text(round(x, 1), height - FOOT + 18, clock(tick), "soft", "middle")


def _band(sheet: Sheet, number: int, closed: Closed) -> Iterator[str]:
    y = HEAD + BAND * number
    yield _text(16, y + 14, f"{number + 1} {closed.band.id}", "bold")
    yield f'<g transform="translate({LEFT} {y + 3})">{lane(closed, sheet.end_ms, PLOT, BAND - 7)}</g>'
    people = f", {closed.waited} waiting" if closed.waited else ""
    yield _text(LEFT + PLOT + 10, y + 14, f"{closed.took}{people}", "soft")


def _panel(sheet: Sheet, curve: Curve, y: int) -> Iterator[str]:
    limit = sheet.limit(curve.name)
    top = top_of(curve, limit)
    yield f'<g transform="translate({LEFT} {y})">{stripes(sheet, PLOT, PANEL)}'
    yield f"{shapes(curve, limit, sheet.end_ms, PLOT, PANEL)}</g>"
    yield _text(16, y + 16, curve.title, "bold")
    yield _text(LEFT - 8, y + 12, words(top, curve.unit), "soft", "end")
    yield _text(LEFT + PLOT + 10, y + 16, summary(curve, limit), "")
    if limit is not None:
        yield _text(LEFT + PLOT + 10, y + 36, f"- - well if {limit.good} {words(limit.value, curve.unit)}", "bound")
