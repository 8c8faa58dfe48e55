"""A past run from the journal, played again to a plan: the same to its last fact, or the first other decision."""

from typing import Any

from relight.control.sentences import sentence
from relight.drivers.rehearsal.explaining import Unexplained
from relight.drivers.rehearsal.replay import Divergence, Replayed, replay
from relight.errors import JournalError
from relight.journal.codec import decode
from relight.journal.port import Journal
from relight.kernel.facts import AnyFact, RunStarted
from relight.kernel.plan import Plan
from relight.runbook.expressions import restore


def recorded(journal: Journal, run_id: str) -> tuple[list[AnyFact], Plan]:
    """Return the facts of a run, and the plan that it was started with.

    Raises:
        JournalError: there is no such run, or it cannot be read.
    """
    facts = [decode(record.body, restore) for record in journal.records(run_id)]
    if not facts or not isinstance(facts[0], RunStarted):
        raise JournalError(f"there is no run {run_id} in {journal.location}", hint="relight runs")
    return facts, facts[0].plan


def replayed(facts: list[AnyFact], plan: Plan, run_id: str) -> Replayed:
    """Play a run again.

    Raises:
        JournalError: its facts cannot be explained: another version recorded them.
    """
    try:
        return replay(facts, plan)
    except Unexplained as why:
        raise JournalError(
            f"run {run_id} cannot be replayed: its fact {why.seq} ({sentence(why.fact)}) follows from nothing here",
            hint="another version of relight may have recorded it; `relight verify` says whether somebody changed it",
        ) from None


def document(found: Replayed, run_id: str, plan: Plan) -> dict[str, Any]:
    """Return ``relight.rehearsal/v1`` of a replay."""
    run = found.run
    return {
        "schema": "relight.rehearsal/v1",
        "runbook": plan.runbook,
        "site": plan.site,
        "plan_digest": plan.digest,
        "rehearsal": None,
        "world": "replay",
        "replay_of": run_id,
        "ok": found.divergence is None,
        "state": run.state,
        "stage": run.current.id if run.current is not None else None,
        "duration_s": round(run.t / 1_000, 1),
        "facts": {"same": len(found.facts), "of": found.of},
        "divergence": None if found.divergence is None else divergence(found.divergence),
        "timeline": [
            {
                "t_s": round(fact.t / 1_000, 1),
                "stage": getattr(fact, "stage", "") or None,
                "step": getattr(fact, "step", "") or None,
                "what": sentence(fact),
            }
            for fact in found.facts
        ],
        "curves": {},
        "not_rehearsed": [],
    }


def divergence(found: Divergence) -> dict[str, Any]:
    """Return the first other decision as JSON."""
    return {
        "seq": found.seq,
        "t_s": round(found.t / 1_000, 1),
        "stage": found.stage or None,
        "step": found.step or None,
        "was": None if found.was is None else sentence(found.was),
        "now": None if found.now is None else sentence(found.now),
        "why": found.why,
    }
