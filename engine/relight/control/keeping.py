"""What rehearsals and explorations came to, kept beside the runs, the newest of each, for who looks before a start.

Keeping is never in the way: where there is no journal, or none that can be written, nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from relight.charts import Band, Limit, Moment, Sheet, thinned
from relight.control.wording import instant, now_ms
from relight.errors import JournalError
from relight.journal.port import BLOB_BYTES_MAX, Kept

if TYPE_CHECKING:
    from relight.journal.port import Journal

REHEARSALS, EXPLORATIONS = "rehearsals", "explorations"
KEPT_MS = 400 * 86_400_000
"""A year and a month: whoever rehearses once a year still sees the last one."""
ID_CHARS = 12
_FIGURES = 1_000


class Line(NamedTuple):
    """One curve of a kept drawing."""

    name: str
    title: str
    unit: str
    points: list[tuple[int, float | None]]


def keep_rehearsal(journal: Journal | None, document: Mapping[str, Any], sheet: Sheet) -> str:
    """Keep what a rehearsal came to and return its id; empty if it was not kept."""
    summary = {
        "runbook": document["runbook"],
        "site": document["site"],
        "where": document.get("where", ""),
        "rehearsal": document["rehearsal"],
        "title": document["title"],
        "world": document["world"],
        "ok": document["ok"],
        "state": document["state"],
        "duration_s": document["duration_s"],
        "figures": document["figures"],
    }
    whole = {key: value for key, value in document.items() if key not in ("curves", "timeline")}
    whole["sheet"] = _written(sheet)
    return _keep(journal, REHEARSALS, (summary["runbook"], summary["site"], summary["rehearsal"] or ""), summary, whole)


def keep_exploration(journal: Journal | None, document: Mapping[str, Any]) -> str:
    """Keep what an exploration found and return its id; empty if it was not kept."""
    summary = {
        "runbook": document["runbook"],
        "site": document["site"],
        "ok": document["verdict"] == "clean",
        "verdict": document["verdict"],
        "states": document["states"],
        "violations": len(document["violations"]),
    }
    return _keep(journal, EXPLORATIONS, (summary["runbook"], summary["site"]), summary, document)


def kept_results(journal: Journal, shelf: str) -> list[dict[str, Any]]:
    """Return the summaries on a shelf, the newest first."""
    found = [{**kept.body, "id": kept.name, "at": instant(kept.at)} for kept in journal.kept(shelf, now_ms())]
    return sorted(found, key=lambda each: str(each["at"]), reverse=True)


def kept_whole(journal: Journal, summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the whole of what a summary is of; None where it is gone."""
    content = journal.blob(summary["blob"])
    found: dict[str, Any] | None = None if content is None else json.loads(content)
    return found


def sheet_again(whole: Mapping[str, Any]) -> Sheet:
    """Return the drawing of a kept rehearsal."""
    kept = whole["sheet"]
    return Sheet(
        title=kept["title"],
        outcome=kept["outcome"],
        note=kept["note"],
        bands=[
            Band(
                id=each["id"],
                from_ms=each["from_ms"],
                until_ms=each["until_ms"],
                outcome=each["outcome"],
                waits=tuple((begin, end) for begin, end in each["waits"]),
            )
            for each in kept["bands"]
        ],
        moments=[Moment(**each) for each in kept["moments"]],
        curves=[
            Line(each["name"], each["title"], each["unit"], [(at, value) for at, value in each["points"]])
            for each in kept["curves"]
        ],
        limits=[Limit(**each) for each in kept["limits"]],
        rows=[(name, text) for name, text in kept["rows"]],
    )


def _keep(
    journal: Journal | None, shelf: str, name: tuple[str, ...], summary: Mapping[str, Any], whole: Mapping[str, Any]
) -> str:
    if journal is None:
        return ""
    content = json.dumps(whole, separators=(",", ":"), default=str).encode()
    if len(content) > BLOB_BYTES_MAX:
        return ""
    now = now_ms()
    called = hashlib.sha256("\0".join(name).encode()).hexdigest()[:ID_CHARS]
    try:
        body = {**summary, "blob": journal.put_blob(content)}
        journal.keep(Kept(shelf=shelf, name=called, at=now, until=now + KEPT_MS, body=body))
    except JournalError:
        return ""
    return called


def _written(sheet: Sheet) -> dict[str, Any]:
    return {
        "title": sheet.title,
        "outcome": sheet.outcome,
        "note": sheet.note,
        "bands": [
            {
                "id": band.id,
                "from_ms": band.from_ms,
                "until_ms": band.until_ms,
                "outcome": band.outcome,
                "waits": [list(wait) for wait in band.waits],
            }
            for band in sheet.bands
        ],
        "moments": [
            {"t_ms": each.t_ms, "what": each.what, "stage": each.stage, "step": each.step}
            for each in sheet.moments[:_FIGURES]
        ],
        "curves": [
            {
                "name": curve.name,
                "title": curve.title,
                "unit": curve.unit,
                "points": [[at, value] for at, value in thinned(curve.points, sheet.end_ms)],
            }
            for curve in sheet.curves
        ],
        "limits": [{"curve": each.curve, "value": each.value, "good": each.good} for each in sheet.limits],
        "rows": [list(row) for row in sheet.rows],
    }
