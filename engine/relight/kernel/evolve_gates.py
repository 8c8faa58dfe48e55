"""How facts about gates change a run; the part of :mod:`relight.kernel.evolve` that is about tickets."""

from typing import TypeAlias, assert_never

from relight.kernel import facts as f
from relight.kernel.changing import evolved
from relight.kernel.state import Run, Ticket, Vote

GateFact: TypeAlias = f.GateAsked | f.VoteCast | f.GateDenied | f.GateExpired | f.GateEscalated | f.GateOpened


def evolve_gate(run: Run, fact: GateFact) -> Run:
    """Return the run after a fact about a gate."""
    if isinstance(fact, f.GateAsked):
        ticket = Ticket(
            id=fact.ticket,
            stage=fact.stage,
            title=fact.title,
            scope_digest=fact.scope_digest,
            asked_at=fact.at,
            asked_t=fact.t,
            expires_t=fact.expires_t,
        )
        return evolved(close_ticket(run, "it was asked anew"), ticket=ticket, asks=run.asks + 1)
    if isinstance(fact, f.GateDenied) and fact.ticket in run.opened_solo:
        left = {ticket: stage for ticket, stage in run.opened_solo.items() if ticket != fact.ticket}
        return evolved(run, opened_solo=left, spent={**run.spent, fact.ticket: f"{fact.person} denied it afterwards"})
    ticket_now = run.ticket
    assert ticket_now is not None and ticket_now.id == fact.ticket, "the ticket is the one that was asked last"
    match fact:
        case f.VoteCast():
            vote = Vote(
                person=fact.person,
                at=fact.at,
                t=fact.t,
                door=fact.door,
                proof=fact.proof,
                reason=fact.reason,
                solo=fact.solo,
            )
            others = tuple(vote for vote in ticket_now.votes if vote.person != fact.person)
            return evolved(run, ticket=evolved(ticket_now, votes=(*others, vote)))
        case f.GateEscalated():
            return evolved(run, ticket=evolved(ticket_now, escalated=fact.index + 1))
        case f.GateDenied():
            return _spend(run, evolved(ticket_now, status="denied"), f"{fact.person} denied it")
        case f.GateExpired():
            return _spend(run, evolved(ticket_now, status="expired"), fact.why)
        case f.GateOpened():
            why = f"it was opened by {', '.join(fact.approvers)}"
            if fact.solo:
                run = evolved(run, opened_solo={**run.opened_solo, fact.ticket: fact.stage})
            return _spend(run, evolved(ticket_now, status="open"), why)
        case _:
            assert_never(fact)


def close_ticket(run: Run, why: str) -> Run:
    """Return the run with its waiting ticket, if any, superseded."""
    if run.ticket is None or run.ticket.status != "waiting":
        return run
    return _spend(run, evolved(run.ticket, status="superseded"), why)


def _spend(run: Run, ticket: Ticket, why: str) -> Run:
    """Close a ticket for good; what its gate had frozen is read anew for the next, unless it is open."""
    stage = run.stage if ticket.status == "open" else evolved(run.stage, probes={})
    return evolved(run, ticket=ticket, spent={**run.spent, ticket.id: why}, stage=stage)
