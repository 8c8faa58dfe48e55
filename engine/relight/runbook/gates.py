"""Gates and the people who can open them."""

from relight.kernel.plan import Approval, Escalation, Gate, Person, Solo
from relight.runbook import document
from relight.runbook.binding import Binder
from relight.runbook.complaints import did_you_mean
from relight.runbook.document import Stage
from relight.runbook.planning import Planning
from relight.runbook.site_document import Site
from relight.sdk.capabilities import NOTIFY

_DOORS = ("os", "slack", "oidc", "matrix", "key")


def people_of(site: Site) -> tuple[Person, ...]:
    """Return the site's people."""
    return tuple(
        Person(
            id=person.id,
            roles=tuple(person.roles),
            identities={door: str(found) for door in _DOORS if (found := getattr(person, door)) is not None},
            kind=person.kind,
        )
        for person in site.people
    )


def solo_of(site: Site) -> Solo | None:
    """Return the site's rule for a starter who is alone."""
    solo = site.solo
    return None if solo is None else Solo(after_ms=solo.after, roles=tuple(solo.roles))


def gate_of(planning: Planning, binder: Binder, stage: Stage, starter: str | None) -> Gate | None:
    """Return a stage's gate; one that nobody here can open is refused."""
    gate = stage.gate
    if gate is None:
        return None
    _fillable(planning, stage.id, gate, starter)
    for item in gate.escalate:
        _reachable(planning, binder, item)
    if gate.title is not None:
        title = planning.tree(gate, "title")
    else:
        title = planning.tree(stage, "title") if stage.title is not None else f"Open {stage.id}?"
    return Gate(
        title=title,
        approval=Approval(
            roles=tuple(gate.approval.roles),
            min_approvals=gate.approval.min_approvals,
            allow_self_approval=gate.approval.allow_self_approval,
            valid_for_ms=gate.approval.valid_for,
        ),
        require=tuple(gate.require),
        show=tuple(gate.show),
        expires_after_ms=gate.expires_after,
        on_expiry=gate.on_expiry,
        escalate=tuple(
            Escalation(after_ms=item.after, notify=item.notify, use=binder.notice(item, item.notify))
            for item in gate.escalate
        ),
    )


def holders(planning: Planning, roles: list[str]) -> list[str]:
    """Return the people with any of *roles*."""
    return [person.id for person in planning.site.people if set(roles) & set(person.roles)]


def _fillable(planning: Planning, stage: str, gate: document.Gate, starter: str | None) -> None:
    """Refuse a gate that asks for more different people than this site has."""
    approval = gate.approval
    known = {role for person in planning.site.people for role in person.roles}
    where = planning.there.source.name
    for index, role in enumerate(approval.roles):
        if role not in known:
            hint = did_you_mean(role, known, otherwise=f"give it to somebody in people of {where}")
            planning.here.add("RL608", approval.place("roles", index), f"nobody at {where} is {role!r}", hint)
    able = holders(planning, approval.roles)
    counted = [person for person in able if approval.allow_self_approval or person != starter]
    if len(counted) >= approval.min_approvals or _alone(planning, able, starter, gate):
        return
    need = f"{approval.min_approvals} of {' or '.join(approval.roles)}"
    have = f"there is only {', '.join(counted)}" if counted else "there is nobody"
    if len(counted) < len(able):
        have += f"; {starter} starts the run and does not count"
    hint = f"give somebody the role in people of {where}, allow_self_approval, or a solo rule"
    message = f"nobody here can open the gate of {stage!r}: it needs {need}, {have}"
    planning.here.add("RL607", approval.place("roles"), message, hint)


def _alone(planning: Planning, able: list[str], starter: str | None, gate: document.Gate) -> bool:
    """Return whether the site's solo rule would let the starter open it before it expires."""
    solo = planning.site.solo
    if solo is None or gate.approval.min_approvals > 1 or solo.after >= gate.expires_after:
        return False
    may = set(able) & set(holders(planning, solo.roles))
    return bool(may) if starter is None else starter in may


def _reachable(planning: Planning, binder: Binder, item: document.Escalation) -> None:
    if not binder.able(NOTIFY.name):
        message = f"nobody tells {item.notify!r}: no provider of this site offers {NOTIFY.name}"
        hint = f"bind {NOTIFY.name} in {planning.there.source.name} to one that does; the gate holds without it"
        planning.here.add("RL618", item.place("notify"), message, hint)
    people = {person.id for person in planning.site.people}
    roles = {role for person in planning.site.people for role in person.roles}
    if item.notify not in people | roles and not item.notify.startswith(("#", "@")):
        hint = did_you_mean(item.notify, people | roles, otherwise="write a person, a role, or a channel such as #ops")
        message = f"{item.notify!r} is no person or role of this site"
        planning.here.add("RL608", item.place("notify"), message, hint)
