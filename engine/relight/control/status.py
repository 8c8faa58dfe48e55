"""The status document ``relight.run/v1``: everything that a view, a script or a chat message shows of a run.

It is a pure function of the run and what the driver put beside the chain. Fields are added, never changed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from relight.control.choosing import choice_entries, seldom_entries
from relight.control.effects import effect_entries
from relight.control.readings import all_checks, guard_entries, with_samples
from relight.control.stages import stage_entries
from relight.control.waiting import gate_entry, hold_entries, waiting_on
from relight.control.wording import instant
from relight.journal.port import Lease, Sample
from relight.kernel.state import Run, Unknown

SCHEMA = "relight.run/v1"


def status_document(
    run: Run,
    *,
    lease: Lease | None = None,
    live: Mapping[str, Any] | None = None,
    samples: Iterable[Sample] = (),
    name: str = "",
    at: int | None = None,
) -> dict[str, Any]:
    """Return where *run* stands.

    Args:
        name: What commands call the run; its id where nothing shorter is known to be unique.
        at: The wall time of the reader; left out, that of the run's last fact.
    """
    board = dict(live or {})
    choices = choice_entries(run, name or run.id, driven=lease is None or lease.alive)
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "run": run.id,
        "runbook": run.plan.runbook,
        "title": run.plan.title,
        "site": run.plan.site,
        "environment": run.plan.environment,
        "plan_digest": run.plan.digest,
        "starter": run.starter,
        "state": run.state,
        "why": run.why,
        "at": instant(at if at is not None else run.at),
        "started_at": instant(run.started_at),
        "ended_at": instant(run.ended_at),
        "driver": _driver(run, lease, board) if lease is not None and lease.alive else None,
        "last_driver": _driver(run, lease, board) if lease is not None and not lease.alive else None,
        "stage": run.current.id if run.current is not None else None,
        "waiting_on": waiting_on(run),
        "gate": gate_entry(run) if run.outcome is None else None,
        "holds": hold_entries(run),
        "stages": stage_entries(run, board),
        "checks": all_checks(run),
        "guards": guard_entries(run),
        "effects_in_force": effect_entries(run, board),
        "budgets": _budgets(board),
        "undoing": _undoing(run),
        "paused": run.paused,
        "aborting": run.aborting,
        "unknown": [step for step, record in run.steps.items() if isinstance(record.state, Unknown)],
        "trouble": [str(text) for text in board.get("trouble", ())],
        "choices": choices,
        "seldom": seldom_entries(run, name or run.id),
        "next": [choice["command"] for choice in choices],
    }
    return with_samples(document, board, samples)


def _driver(run: Run, lease: Lease, board: Mapping[str, Any]) -> dict[str, Any] | None:
    if run.outcome is not None:
        return None
    beat = board.get("beat_at")
    return {
        "name": lease.driver,
        "epoch": lease.epoch,
        "alive": lease.alive,
        "lease_until": instant(lease.until),
        "seen_at": instant(beat) if beat and board.get("driver") == lease.driver else None,
        "pid": lease.details.get("pid"),
        "host": lease.details.get("host"),
    }


def _budgets(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the run has cost each surface so far, in seconds in which everything would have failed."""
    return [
        {
            "surface": name,
            "spent_s": entry["spent_ms"] / 1_000,
            "budget_s": entry["budget_ms"] / 1_000,
            "at": instant(entry["at"]),
        }
        for name, entry in board.get("budgets", {}).items()
    ]


def _undoing(run: Run) -> dict[str, Any] | None:
    if run.undo is None:
        return None
    return {
        "left": list(run.undo.queue),
        "undone": list(run.undo.undone),
        "failed": dict(run.undo.failed),
        "then": run.undo.then,
        "back_to": run.undo.back_to,
        "person": run.undo.person,
    }
