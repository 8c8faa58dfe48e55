"""One run as documents, with everything beside it: its lease, what its driver shows, its samples."""

from typing import TYPE_CHECKING, Any

from relight.control import chats
from relight.control.durations import usual, with_usual
from relight.control.history import load_run
from relight.control.left import left_something, still_holding
from relight.control.remaining import remaining
from relight.control.status import status_document
from relight.control.wording import now_ms

if TYPE_CHECKING:
    from relight.journal.port import Journal, Row
    from relight.kernel.state import Run

SAMPLES_MAX = 400
"""The newest samples that curves are drawn from: a dozen checks for two minutes at the usual interval."""


def document_of(journal: "Journal", run: "Run", *, name: str = "", samples: bool = True) -> dict[str, Any]:
    """Return the status document of *run* as it is now; commands in it call the run *name*.

    What a run left and another has adopted since is that one's.
    """
    now = now_ms()
    document = status_document(
        still_holding(journal, run),
        lease=journal.lease(run.id),
        live=journal.live(run.id),
        samples=journal.samples(run.id, last=SAMPLES_MAX) if samples else (),
        name=name or run.id,
        at=now,
    )
    if run.outcome is None:
        # Whoever waits for an answer from chat has to know that nobody there sees the question.
        document["trouble"] += chats.troubles(journal, run.plan.site, name or run.id, now)
        with_usual(document, run.plan, usual(journal, run.plan.runbook, run.plan.site))
        document["left"] = remaining(document, now)
    return document


def effects_of(journal: "Journal", row: "Row", run: "Run | None" = None) -> list[dict[str, Any]]:
    """Return what that run has in force or left behind, each entry with the run that it is of.

    *command* undoes what a run left that is over; one that goes on says itself what may be undone.
    """
    if run is None and row.ended_at is not None and not left_something(journal, row):
        return []
    document = document_of(journal, run or load_run(journal, row.run), samples=False)
    of_run = {"run": row.run, "runbook": row.runbook, "site": row.site, "state": row.state}
    return [{**of_run, **entry, "command": _undo_command(row, entry)} for entry in document["effects_in_force"]]


def _undo_command(row: "Row", entry: dict[str, Any]) -> str | None:
    if row.ended_at is None or entry["undo"] is None:
        return None
    return f"relight undo {row.run} {entry['step']}"
