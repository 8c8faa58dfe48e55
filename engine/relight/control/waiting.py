"""What a run waits for: a gate, a decision on a hold, a task done by hand, or somebody who resumes."""

from typing import Any

from relight.control.people import deciders, holders
from relight.control.readings import check_entry
from relight.control.stages import does, tree_text, undo_text, wall_of
from relight.control.wording import brief, instant
from relight.kernel.authority import alone_from_t
from relight.kernel.plan import Gate, Stage, Step
from relight.kernel.stages import counting_votes, gate_blockers
from relight.kernel.state import Hold, Manual, Run, Ticket, Vote
from relight.kernel.watching import gate_id


def waiting_on(run: Run) -> dict[str, Any] | None:
    """Return what the run waits for; a hold before a pause before a gate before a task, None when it goes on."""
    if run.outcome is not None:
        return None
    if run.holds:
        return _hold(run, run.holds[0])
    if run.paused:
        return {"kind": "resume", "by": run.paused_by}
    if (gate := gate_entry(run)) is not None:
        return gate
    for step_id, record in run.steps.items():
        if isinstance(record.state, Manual):
            since = instant(wall_of(run, record.started_t))
            return {"kind": "task", "step": step_id, "instruction": record.state.instruction, "since": since}
    return None


def gate_entry(run: Run) -> dict[str, Any] | None:
    """Return the gate that asks, whatever else the run waits for."""
    stage = run.current
    if run.ticket is None or run.ticket.status != "waiting" or stage is None or stage.gate is None:
        return None
    return _gate(run, stage, stage.gate, run.ticket)


def hold_entries(run: Run) -> list[dict[str, Any]]:
    """Return every hold, the oldest first."""
    return [_hold(run, hold) for hold in run.holds]


def _hold(run: Run, hold: Hold) -> dict[str, Any]:
    from relight.kernel.holds import HOLDS

    row = HOLDS.get(hold.code)
    return {
        "kind": "hold",
        "code": hold.code,
        "means": row.means if row else "",
        "stage": hold.stage,
        "step": hold.step,
        "subject": hold.subject,
        "text": hold.text,
        "since": instant(hold.at),
        "may": list(deciders(run)),
    }


def _gate(run: Run, stage: Stage, gate: Gate, ticket: Ticket) -> dict[str, Any]:
    approval, since = gate.approval, alone_from_t(run, gate, ticket)
    counting = counting_votes(run, gate, ticket, run.t)
    voted = [vote.person for vote in counting]
    may = [
        person
        for person in holders(approval.roles, run.people)
        if person not in voted and (approval.allow_self_approval or person != run.starter)
    ]
    return {
        "kind": "gate",
        "ticket": ticket.id,
        "stage": stage.id,
        "title": ticket.title or tree_text(gate.title) or stage.id,
        "scope_digest": ticket.scope_digest,
        "optional": stage.optional,
        "asked_at": instant(ticket.asked_at),
        "expires_at": instant(wall_of(run, ticket.expires_t)),
        "roles": list(approval.roles),
        "needed": approval.min_approvals,
        "allow_self_approval": approval.allow_self_approval,
        "approvals": [_vote(vote, counts=vote in counting) for vote in ticket.votes],
        "alone_from": instant(wall_of(run, since)) if since is not None else None,
        "waits_for": gate_blockers(run, stage, run.t),
        "may": may,
        "escalated": ticket.escalated,
        "told": [item.notify for item in gate.escalate[: ticket.escalated]],
        "tells_next": _tells_next(run, gate, ticket),
        "will": [_will(step) for step in stage.steps],
        "require": [check_entry(run, check, gate_id(run, check)) for check in gate.require],
        "show": [check_entry(run, check, gate_id(run, check)) for check in gate.show],
    }


def _will(step: Step) -> dict[str, Any]:
    pace = ""
    if step.ramp is not None:
        back = "steps back" if step.ramp.on_failure == "step_back" else "holds"
        pace = f"{brief(step.ramp.dwell_ms)} each; {back} by itself"
    effect = "read" if step.use is None else step.use.effect
    return {"step": step.id, "does": does(step), "undo": undo_text(step.undo), "pace": pace, "effect": effect}


def _tells_next(run: Run, gate: Gate, ticket: Ticket) -> dict[str, Any] | None:
    """Return who is told next that it waits, and when; None where nobody is left."""
    for item in gate.escalate[ticket.escalated :]:
        due_t = ticket.asked_t + item.after_ms
        if due_t < ticket.expires_t or gate.on_expiry == "escalate":
            return {"who": item.notify, "at": instant(wall_of(run, min(due_t, ticket.expires_t)))}
    return None


def _vote(vote: Vote, *, counts: bool) -> dict[str, Any]:
    return {
        "person": vote.person,
        "at": instant(vote.at),
        "door": vote.door,
        "reason": vote.reason,
        "solo": vote.solo,
        "counts": counts,
    }
