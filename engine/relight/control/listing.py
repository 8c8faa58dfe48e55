"""The list of runs as every door shows it."""

from typing import TYPE_CHECKING, Any

from relight.control.wording import instant

if TYPE_CHECKING:
    from relight.journal.port import Journal, Row

UNFINISHED_MAX = 1_000


def newest_rows(journal: "Journal", *, limit: int) -> "list[Row]":
    """Return all unfinished runs, then the newest of the others: *limit* runs are looked at."""
    open_rows = journal.rows(unfinished=True, limit=UNFINISHED_MAX)
    known = {row.run for row in open_rows}
    return [*open_rows, *(row for row in journal.rows(limit=limit) if row.run not in known)]


def run_entry(row: "Row") -> dict[str, Any]:
    """Return a run of the list as ``relight.runs/v1``."""
    return {
        "schema": "relight.runs/v1",
        "run": row.run,
        "runbook": row.runbook,
        "site": row.site,
        "state": row.state,
        "starter": row.starter,
        "started_at": instant(row.started_at),
        "ended_at": instant(row.ended_at),
        "records": row.seq,
    }
