"""Who may say what: judged when a person asks, and for votes again when they are used."""

from relight.errors import NotPermitted
from relight.kernel.holds import Who
from relight.kernel.plan import Gate, Person, Stage
from relight.kernel.state import Run, Ticket

ANYBODY_VERBS = frozenset({"pause", "abort", "note"})
"""Stopping and writing down: whoever reaches the door may."""

_A = {"bot": "a bot", "agent": "an agent"}


def person_of(run: Run, person: str) -> Person | None:
    """Return the site's person of that id."""
    for known in run.people:
        if known.id == person:
            return known
    return None


def gate_roles(stage: Stage | None) -> tuple[str, ...]:
    """Return the roles that decide at this stage; empty where it has no gate."""
    return stage.gate.approval.roles if stage is not None and stage.gate is not None else ()


def holds_role(run: Run, person: str, roles: tuple[str, ...]) -> bool:
    """Return whether that person has one of these roles now."""
    known = person_of(run, person)
    return known is not None and bool(set(known.roles) & set(roles))


def may_decide(run: Run, gate: Gate) -> tuple[str, ...]:
    """Return the ids of the people whose approval could count at this gate."""
    roles = set(gate.approval.roles)
    return tuple(
        person.id
        for person in run.people
        if set(person.roles) & roles and (person.id != run.starter or gate.approval.allow_self_approval)
    )


def alone_from_t(run: Run, gate: Gate, ticket: Ticket) -> int | None:
    """Return since when the starter may open this gate alone, by the site's solo rule; None: never."""
    solo = run.solo
    if solo is None or gate.approval.min_approvals > 1 or gate.approval.allow_self_approval:
        return None
    able = holds_role(run, run.starter, solo.roles) and holds_role(run, run.starter, gate.approval.roles)
    return ticket.asked_t + solo.after_ms if able else None


def stage_of_ticket(run: Run, ticket: str) -> Stage | None:
    """Return the stage whose gate gave this ticket."""
    name = ticket.rpartition("/")[0]
    return next((stage for stage in run.plan.stages if stage.id == name), None)


def permit(run: Run, person: str, who: Who, verb: str, *, stage: Stage | None = None) -> None:
    """Return quietly if this person may.

    Raises:
        NotPermitted: they may not; the text says who may.
    """
    if who == "anybody":
        return
    known = person_of(run, person)
    if known is not None and known.kind != "person":
        raise NotPermitted(
            f"{person} is {_A[known.kind]}, and only people decide, so it may not {verb}",
            hint="ask one of the site's people; pause and abort are for all",
        )
    roles = gate_roles(stage) if who == "gate" else ()
    if roles:
        if holds_role(run, person, roles):
            return
        assert stage is not None and stage.gate is not None, "it is the gate that names the roles"
        holders = tuple(each.id for each in run.people if set(each.roles) & set(roles))
        able = may_decide(run, stage.gate) if verb == "approve" else holders
        raise NotPermitted(
            f"{person} may not {verb} here: it takes {_either(roles)}",
            hint=f"ask {_either(able)}" if able else "nobody of the site holds that role",
        )
    if known is None and person != run.starter:
        able = tuple(each.id for each in run.people if each.kind == "person")
        raise NotPermitted(
            f"{person} is not one of the site's people, so may not {verb}",
            hint=f"ask {_either(able) or run.starter}; pause and abort are for all",
        )


def _either(words: tuple[str, ...]) -> str:
    return " or ".join(words)
