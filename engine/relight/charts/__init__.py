"""How a run or a rehearsal went, drawn: stages as bands, figures as curves, limits as lines.

A :class:`Sheet` says what there is to draw; it becomes lines for a terminal, an SVG or a page that needs nothing else.
What does not belong here: runs, journals and doors; whoever has a history makes a sheet of it.
"""

from relight.charts.page import html_page
from relight.charts.sheet import Band, Curve, Limit, Moment, Sheet, limit_from
from relight.charts.svg import svg_image
from relight.charts.text import Row, chart_rows, moment_rows

__all__ = [
    "Band",
    "Curve",
    "Limit",
    "Moment",
    "Row",
    "Sheet",
    "chart_rows",
    "html_page",
    "limit_from",
    "moment_rows",
    "svg_image",
]
