"""What was rehearsed and explored: the night as curves, and what people can decide where as a table."""

from dataclasses import replace
from typing import Any

from relight.charts import sheet_fragment
from relight.control.keeping import EXPLORATIONS, REHEARSALS, kept_results, kept_whole, sheet_again
from relight.control.reception import NotThere
from relight.web.pages import Answer, Page, Show, Visit
from relight.web.pages_starting import visible
from relight.web.rendering import drawn


def pages() -> list[Page]:
    """Return both of them."""
    return [
        Page("GET", "/rehearsals/{kept}", "results", "rehearsal", _rehearsal),
        Page("GET", "/explorations/{kept}", "results", "exploration", _exploration),
    ]


def _rehearsal(visit: Visit) -> Answer:
    summary, whole = _whole(visit, REHEARSALS)
    sheet = sheet_again(whole)
    drawing = drawn(sheet_fragment(replace(sheet, moments=(), title=summary["runbook"])))
    return Show("rehearsal.html", {"kept": summary, "whole": whole, "drawing": drawing, "moments": sheet.moments})


def _exploration(visit: Visit) -> Answer:
    summary, whole = _whole(visit, EXPLORATIONS)
    return Show("exploration.html", {"kept": summary, "whole": whole})


def _whole(visit: Visit, shelf: str) -> tuple[dict[str, Any], dict[str, Any]]:
    name = visit.path["kept"]
    for summary in visible(visit, kept_results(visit.reception.journal, shelf)):
        if summary["id"] == name and (whole := kept_whole(visit.reception.journal, summary)) is not None:
            return summary, whole
    raise NotThere(f"nothing is kept as {name[:40]!r}", hint="a newer one may have taken its place: see the runbooks")
