"""One or more sheets as one HTML file: no script, nothing fetched, readable on a phone, light and dark.

Texts are HTML and keep their size; only the shapes are stretched to the width of the screen.
"""

from collections.abc import Iterator, Sequence
from html import escape

from relight.charts.sheet import Closed, Curve, Sheet, clock, summary, ticks_ms, top_of, words
from relight.charts.svg import COLOURS, SHAPES, described, lane, shapes, stripes

BOX_WIDTH, BOX_HEIGHT = 1000, 100
PAPER = """
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.45 system-ui,sans-serif}
main{max-width:60rem;margin:auto;padding:1rem}
h1{font-size:1.35rem;margin:.2rem 0}h2{font-size:1.15rem;margin:2rem 0 .3rem}h3{font-size:1rem;margin:0}
p{margin:.2rem 0}
table{border-collapse:collapse;width:100%;margin:.6rem 0}
td,th{text-align:left;padding:.25rem .6rem .25rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
th[scope=row]{white-space:nowrap}th[scope=col]{overflow-wrap:anywhere}
"""
LOOK = """
.soft,.axis,td.time{color:var(--soft)}
.row{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;align-items:baseline}
.box{display:block;width:100%}.panel{margin:.9rem 0}.panel svg{height:5.5rem}.stage{margin:.35rem 0}
.stage svg{height:.7rem;background:var(--band)}
.bound{color:var(--limit)}.panel{position:relative}.top{font-size:.8rem;position:absolute;padding-left:.2rem}
.wait-key{color:var(--wait)}
.axis{display:block;width:100%;height:1.4rem;font-size:.85rem}.axis text{fill:var(--soft)}
.scroll{overflow-x:auto}
"""


def html_page(title: str, sheets: Sequence[Sheet]) -> str:
    """Return a page with every sheet; of several, what they cost is first set side by side."""
    parts = [f"<h1>{escape(title)}</h1>"]
    if len(sheets) > 1:
        parts.append(_side_by_side(sheets))
    for sheet in sheets:
        parts += sections(sheet, alone=len(sheets) == 1)
    return (
        '<!doctype html>\n<html lang="en" class="sheet"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{COLOURS}{SHAPES}{PAPER}{LOOK}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _side_by_side(sheets: Sequence[Sheet]) -> str:
    names = list(dict.fromkeys(name for sheet in sheets for name, _ in sheet.rows))
    head = "".join(f'<th scope="col">{escape(_apart(sheet.title, sheets[0].title))}</th>' for sheet in sheets)
    rows = [("ended", [sheet.outcome for sheet in sheets])]
    rows += [(name, [dict(sheet.rows).get(name, "") for sheet in sheets]) for name in names]
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for name, cells in rows
    )
    return f'<div class="scroll"><table><tr><td></td>{head}</tr>{body}</table></div>'


def _apart(title: str, first: str) -> str:
    """Return what tells a sheet from the first, whose title it may go on from."""
    return "as it is" if title == first else title.removeprefix(f"{first}: ")


def sections(sheet: Sheet, *, alone: bool = True) -> Iterator[str]:
    """Yield one sheet, part by part; *alone* it also says what it cost."""
    yield f"<section><h2>{escape(sheet.title)}: {escape(sheet.outcome)}</h2>"
    if sheet.note:
        yield f'<p class="soft">{escape(sheet.note)}</p>'
    if sheet.rows and alone:
        cells = "".join(f'<tr><th scope="row">{escape(n)}</th><td>{escape(t)}</td></tr>' for n, t in sheet.rows)
        yield f"<table>{cells}</table>"
    if sheet.bands:
        key = '<p class="soft"><span class="wait-key" aria-hidden="true">&#9632;</span> waits for people</p>'
        yield f'<div class="row"><h3>Stages</h3>{key if any(band.waits for band in sheet.bands) else ""}</div>'
    for number, band in enumerate(sheet.closed, 1):
        yield stage_row(sheet, number, band)
    yield axis(sheet)
    for curve in sheet.curves:
        yield panel(sheet, curve)
    if sheet.curves:
        yield axis(sheet)
    if sheet.moments:
        yield _moments(sheet)
    yield "</section>"


def stage_row(sheet: Sheet, number: int, closed: Closed) -> str:
    """Return a stage: its number and name, how long it took in words, and its bar."""
    band = closed.band
    said = f"{clock(band.from_ms)}, {closed.took}"
    said += f", of it {closed.waited} for people" if closed.waited else ""
    drawn = lane(closed, sheet.end_ms, BOX_WIDTH, BOX_HEIGHT)
    return (
        f'<div class="stage"><div class="row"><span>{number} {escape(band.id)}</span>'
        f'<span class="soft">{escape(said)}</span></div>{_box(drawn)}</div>'
    )


def panel(sheet: Sheet, curve: Curve) -> str:
    """Return a curve: its name, its worst, its limit, and the drawing."""
    limit = sheet.limit(curve.name)
    drawn = stripes(sheet, BOX_WIDTH, BOX_HEIGHT) + shapes(curve, limit, sheet.end_ms, BOX_WIDTH, BOX_HEIGHT)
    bound = f"- - well if {limit.good} {words(limit.value, curve.unit)}" if limit else ""
    top = words(top_of(curve, limit), curve.unit)
    return (
        f'<div class="panel"><div class="row"><h3>{escape(curve.title)}</h3>'
        f"<span>{escape(summary(curve, limit))}</span>"
        f'<span class="bound">{escape(bound)}</span></div>'
        f'<div class="top soft" aria-hidden="true">{escape(top)}</div>{_box(drawn)}</div>'
    )


def _box(drawn: str) -> str:
    # Read aloud are the words beside it; the shapes would only be repeated.
    return (
        f'<svg class="box" viewBox="0 0 {BOX_WIDTH} {BOX_HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true" focusable="false">{drawn}</svg>'
    )


def axis(sheet: Sheet) -> str:
    """Return the moments below what is drawn; no attribute in it is a style, which a strict page forbids."""
    # Four labels fit the narrowest phone.
    ticks = "".join(
        f'<text x="{100 * tick / sheet.end_ms:.2f}%" y="1em">{clock(tick)}</text>'
        for tick in ticks_ms(sheet.end_ms, 4)
        if tick <= 0.95 * sheet.end_ms
    )
    return f'<svg class="axis" aria-hidden="true" focusable="false">{ticks}</svg>'


def _moments(sheet: Sheet) -> str:
    rows = "".join(
        f'<tr><td class="time">{clock(moment.t_ms)}</td><td>{escape(moment.stage)}</td>'
        f"<td>{escape(f'{moment.step}: {moment.what}' if moment.step else moment.what)}</td></tr>"
        for moment in sheet.moments
    )
    return (
        f'<h3>What happened</h3><p class="soft">{escape(described(sheet))}</p>'
        f'<div class="scroll"><table>{rows}</table></div>'
    )
