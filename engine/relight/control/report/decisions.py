"""What people decided, each with its evidence: who, by which door, on which ticket, and what they could see."""

from collections.abc import Mapping
from typing import Any

from relight.control.readings import check_entry
from relight.control.report.history import Entry
from relight.control.sentences import sentence
from relight.control.times import seconds
from relight.control.wording import instant
from relight.kernel import facts as f
from relight.kernel.plan import Plan
from relight.kernel.state import Run

READINGS_MAX = 12


def decision_documents(entries: list[Entry]) -> list[dict[str, Any]]:
    """Return every decision in order, refused ones and those of a clock that ran out too."""
    asked: dict[str, f.GateAsked] = {}
    found = []
    for entry in entries:
        if isinstance(entry.fact, f.GateAsked):
            asked[entry.fact.ticket] = entry.fact
        kind, who = _decision(entry.fact)
        if kind:
            found.append(_document(entry, kind, who, asked))
    return found


_KINDS: dict[type[f.AnyFact], str] = {
    f.RunStarted: "started",
    f.VoteCast: "approved",
    f.GateOpened: "gate opened",
    f.GateDenied: "denied",
    f.GateExpired: "expired",
    f.StageSkipped: "skipped",
    f.StepSkipped: "skipped",
    f.StageVerified: "checks waived",
    f.StepSettled: "settled",
    f.HoldLeft: "hold left",
    f.StepReopened: "again",
    f.RampSteered: "ramp",
    f.UndoBegun: "undo",
    f.Paused: "paused",
    f.Resumed: "resumed",
    f.AbortBegun: "aborted",
    f.PlanAmended: "plan changed",
    f.RequestRefused: "refused",
}
"""What each fact says that somebody decided."""


def _decision(fact: f.AnyFact) -> tuple[str, str]:
    """Return the kind of decision that a fact is and who made it; of kind ``""`` where it is none."""
    kind = _KINDS.get(type(fact), "")
    if isinstance(fact, f.GateOpened):
        return kind, ", ".join(fact.approvers)
    if isinstance(fact, f.RunStarted):
        return kind, fact.starter
    who = str(getattr(fact, "person", ""))
    # Without a person these follow by themselves: a condition was false, a check passed, a probe told.
    return (kind if who or isinstance(fact, f.GateExpired) else ""), who


def _document(entry: Entry, kind: str, who: str, asked: Mapping[str, f.GateAsked]) -> dict[str, Any]:
    fact = entry.fact
    ticket = str(getattr(fact, "ticket", ""))
    gate = asked.get(ticket)
    return {
        "seq": entry.seq,
        "t_s": seconds(fact.t),
        "at": instant(fact.at),
        "stage": entry.stage or None,
        "step": getattr(fact, "step", "") or None,
        "kind": kind,
        "who": who,
        "verb": getattr(fact, "verb", ""),
        "door": getattr(fact, "door", ""),
        "proof": getattr(fact, "proof", ""),
        "solo": getattr(fact, "solo", False),
        "alone": getattr(fact, "alone", False),
        "diff": getattr(fact, "diff", ""),
        "reason": getattr(fact, "reason", ""),
        "says": sentence(fact),
        "ticket": ticket or None,
        "title": gate.title if gate is not None else "",
        "scope_digest": gate.scope_digest if gate is not None else None,
        "plan_digest": entry.run.plan.digest,
        "readings": _readings(entry),
    }


def _readings(entry: Entry) -> list[dict[str, Any]]:
    """Return what was to be seen: what the fact itself records, else the last turn of each check that mattered."""
    fact, run = entry.fact, entry.before or entry.run
    if isinstance(fact, f.GateOpened | f.StageVerified) and fact.readings:
        return [
            _reading(run, check, said["value"], said["verdict"], said.get("worst"), "recorded with it")
            for check, said in fact.readings.items()
        ][:READINGS_MAX]
    if isinstance(fact, f.RunStarted | f.RequestRefused | f.PlanAmended):
        return []
    found = []
    for check in _checks_of(run.plan, entry.stage):
        turned = run.checks.get(check)
        if turned is not None:
            found.append(_reading(run, check, turned.value, turned.verdict, turned.worst, "as last turned"))
    return found[:READINGS_MAX]


def _reading(run: Run, check: str, value: Any, verdict: str, worst: float | None, how: str) -> dict[str, Any]:
    known = check_entry(run, check) if check in run.plan.checks else {"criterion": "", "unit": ""}
    return {
        "check": check,
        "value": value,
        "verdict": verdict,
        "worst": worst,
        "criterion": known["criterion"],
        "unit": known["unit"],
        "how": how,
    }


def _checks_of(plan: Plan, stage_id: str) -> list[str]:
    """Return the checks that a stage has to do with, and the guards."""
    stage = next((each for each in plan.stages if each.id == stage_id), None)
    found = [] if stage is None or stage.gate is None else [*stage.gate.require, *stage.gate.show]
    if stage is not None:
        found += [item.check for item in stage.verify]
        found += [check for step in stage.steps if step.ramp is not None for check in step.ramp.checks]
    found += [guard.check for guard in plan.guards]
    return list(dict.fromkeys(found))
