"""How a run or a rehearsal went, drawn: stages as bands, figures as curves, limits as lines.

A :class:`Sheet` says what there is to draw; it becomes lines for a terminal, an SVG or a page that needs nothing else.
A paper is words, tables and drawings in order; it becomes Markdown, or a page.
What does not belong here: runs, journals and doors; whoever has a history makes a sheet of it.
"""

from relight.charts.fragment import STYLE, curve_fragment, sheet_fragment
from relight.charts.page import html_page
from relight.charts.paper import (
    Block,
    Command,
    Drawing,
    Folded,
    Heading,
    Items,
    Pairs,
    Table,
    Words,
    markdown,
)
from relight.charts.paper_html import ALL_STYLE, paper_body, paper_page
from relight.charts.sheet import Band, Curve, Limit, Moment, Sheet, limit_from
from relight.charts.svg import svg_image, thinned
from relight.charts.text import Row, chart_rows, moment_rows

__all__ = [
    "ALL_STYLE",
    "STYLE",
    "Band",
    "Block",
    "Command",
    "Curve",
    "Drawing",
    "Folded",
    "Heading",
    "Items",
    "Limit",
    "Moment",
    "Pairs",
    "Row",
    "Sheet",
    "Table",
    "Words",
    "chart_rows",
    "curve_fragment",
    "html_page",
    "limit_from",
    "markdown",
    "moment_rows",
    "paper_body",
    "paper_page",
    "sheet_fragment",
    "svg_image",
    "thinned",
]
