"""Drawings inside somebody else's page: no style and no script of their own, so that a strict page may show them."""

from html import escape

from relight.charts.page import BOX_HEIGHT, BOX_WIDTH, LOOK, sections
from relight.charts.sheet import Curve, Limit, Sheet, top_of, words
from relight.charts.svg import COLOURS, SHAPES, shapes

STYLE = f"{COLOURS}{SHAPES}{LOOK}"
"""What a page's stylesheet has to hold; everything drawn stands inside an element of the class ``sheet``."""


def sheet_fragment(sheet: Sheet) -> str:
    """Return a whole sheet: what it cost, its stages, its curves, and what happened."""
    return f'<div class="sheet">{"".join(sections(sheet))}</div>'


def curve_fragment(curve: Curve, limit: Limit | None, end_ms: int) -> str:
    """Return one curve with its limit, as large as the page makes it; its words stand beside it."""
    top = words(top_of(curve, limit), curve.unit)
    drawn = shapes(curve, limit, end_ms, BOX_WIDTH, BOX_HEIGHT)
    return (
        f'<div class="sheet small"><span class="top soft" aria-hidden="true">{escape(top)}</span>'
        f'<svg class="box" viewBox="0 0 {BOX_WIDTH} {BOX_HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true" focusable="false">{drawn}</svg></div>'
    )
