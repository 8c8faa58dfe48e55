"""The document ``relight.report/v1``: everything that a run's journal tells of it, and what it cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.control.durations import NOTHING, Usual, range_of, usual
from relight.control.effects import effect_entries
from relight.control.finding import short_name
from relight.control.history import QUIET
from relight.control.left import holders
from relight.control.report import checks, decisions, trouble
from relight.control.report.hints import hints
from relight.control.report.history import Told, tell
from relight.control.report.rehearsed import Rehearse, rehearsal_document
from relight.control.sentences import sentence
from relight.control.stages import does, tree_text
from relight.control.times import Stint, figures, seconds, stage_figures
from relight.control.wording import instant, now_ms, plain_value
from relight.errors import JournalError
from relight.journal.port import Journal
from relight.kernel.facts import EffectInForce, RunStarted
from relight.kernel.plan import Stage, Step

SCHEMA = "relight.report/v1"


def report_document(
    journal: Journal, run_id: str, *, rehearse: Rehearse | None = None, at: int | None = None
) -> dict[str, Any]:
    """Return the report of a run, whatever state it is in.

    Args:
        rehearse: Plays its plan in a simulation of its site; None: the run is compared with no rehearsal.
        at: Wall milliseconds of the moment at which it is made; now, if that is left out.

    Raises:
        JournalError: there is no such run, or not even its first fact can be read.
    """
    made_at = now_ms() if at is None else at
    told = tell(journal, run_id, made_at)
    board = _board(journal, run_id, told)
    report = _head(journal, told, made_at)
    report |= {
        "time": figures(told.times.spent),
        "stages": [_stage(told, stage, _usual(journal, told)) for stage in told.run.plan.stages],
        "checks": checks.check_documents(told),
        "decisions": decisions.decision_documents(told.entries),
        "budgets": _budgets(told, board),
        "effects_left": _effects_left(journal, told, board),
        "unknowns": trouble.unknown_documents(told),
        "holds": trouble.hold_documents(told),
        "attempts": trouble.attempts_documents(told),
        "step_backs": trouble.step_back_documents(told),
        "guard_breaches": trouble.breach_documents(told),
        "drift": trouble.drift_documents(told),
        "drivers": trouble.driver_documents(told),
        "notes": trouble.noted_documents(told),
    }
    report["rehearsal"], report["rehearsal_missing"] = rehearsal_document(told, rehearse)
    report["timeline"] = [
        trouble.place(entry) | {"quiet": isinstance(entry.fact, (*QUIET, EffectInForce))} for entry in told.entries
    ]
    report["missing"] = told.missing
    report["look_at"] = hints(report)
    return report


def _head(journal: Journal, told: Told, at: int) -> dict[str, Any]:
    run, began = told.run, told.entries[0].fact
    assert isinstance(began, RunStarted), "a run begins with its start"
    return {
        "schema": SCHEMA,
        "run": run.id,
        "name": short_name(journal, run.id),
        "runbook": run.plan.runbook,
        "title": run.plan.title,
        "site": run.plan.site,
        "environment": run.plan.environment,
        "owner": run.plan.owner,
        "starter": run.starter,
        "inputs": plain_value(run.plan.scope.get("inputs", {})),
        "state": run.state,
        "why": run.why,
        "stage": run.current.id if run.current is not None else None,
        "plan_digest": run.plan.digest,
        "started_at": instant(run.started_at),
        "ended_at": instant(run.ended_at),
        "made_at": instant(at),
        "journal": {
            "location": journal.location,
            "records": len(told.entries),
            "sound": told.sound,
            "ok": not told.damage,
            "finding": told.damage or None,
            "head": told.head,
            "last": sentence(told.entries[-1].fact),
        },
    }


def _board(journal: Journal, run_id: str, told: Told) -> Mapping[str, Any]:
    try:
        return journal.live(run_id)
    except (JournalError, ValueError):
        told.missing.append("What the driver last showed cannot be read: no error budgets, and no observed values.")
        return {}


def _effects_left(journal: Journal, told: Told, board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the run left in force; *adopted_by* is the run that holds it now, where one does."""
    now_with = holders(journal, told.run)
    return [{**each, "adopted_by": now_with.get(each["key"])} for each in effect_entries(told.run, board)]


def _usual(journal: Journal, told: Told) -> Usual:
    """Return what it took before; a run is no evidence of itself."""
    try:
        return usual(journal, told.run.plan.runbook, told.run.plan.site, without=told.run.id)
    except JournalError:
        return NOTHING


def _stage(told: Told, stage: Stage, known: Usual) -> dict[str, Any]:
    stint = told.times.stages.get(stage.id)
    expected = known.stages.get(stage.id)
    return {
        "id": stage.id,
        "title": tree_text(stage.title) or stage.id,
        **_figures(stint),
        "waits": [
            {
                "from_s": seconds(wait.from_ms),
                "until_s": seconds(wait.until_ms),
                "took_s": seconds(wait.until_ms - wait.from_ms),
                "for": wait.why,
            }
            for wait in (stint.waits if stint is not None else ())
        ],
        "usual": None if expected is None else expected.document(),
        "steps": [_step(told, step, known) for step in stage.steps],
    }


def _step(told: Told, step: Step, known: Usual) -> dict[str, Any]:
    record = told.run.steps.get(step.id)
    expected = range_of(known, step)
    return {
        "id": step.id,
        "does": does(step),
        "state": "pending" if record is None else record.word,
        **_figures(told.times.steps.get(step.id)),
        "attempts": 0 if record is None else record.attempts,
        "error": "" if record is None else record.error,
        "usual": None if expected is None else expected.document(),
    }


def _figures(stint: Stint | None) -> dict[str, Any]:
    if stint is None:
        nothing = {"took_s": 0.0, "machine_s": 0.0, "people_s": 0.0, "undriven_s": 0.0}
        return {"outcome": "not reached", "began_s": None, "ended_s": None, **nothing}
    return stage_figures(stint)


def _budgets(told: Told, board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the run spent of each surface's error budget; None where the driver saw no figures."""
    spent = board.get("budgets", {})
    found = []
    for name, surface in told.run.plan.surfaces.items():
        entry = spent.get(name)
        budget_ms = float(surface["window_ms"]) * (1 - float(surface["objective"]) / 100)
        found.append(
            {
                "surface": name,
                "objective": surface["objective"],
                "window_s": surface["window_ms"] / 1_000,
                "budget_s": round(budget_ms / 1_000, 1),
                "spent_s": None if entry is None else entry["spent_ms"] / 1_000,
                "until": None if entry is None else instant(entry["at"]),
            }
        )
        if entry is None:
            told.missing.append(f"What the run cost {name} was not measured: no figures of it reached the driver.")
    return found
