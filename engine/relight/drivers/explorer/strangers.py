"""Requests that must change nothing: votes of people who may not, on spent tickets, on what has changed since.

Each is put to every state in which a gate waits or has been answered, and has to be refused; the refusal is written
down, as a driver would, and has to leave everything as it was.
What does not belong here: what people may do (``moves``).
"""

from collections.abc import Iterator

from relight.drivers.explorer.canonical import Canon
from relight.drivers.explorer.findings import Broken
from relight.drivers.explorer.moves import moment
from relight.drivers.explorer.walking import Place, Walk
from relight.errors import NotNow, NotPermitted
from relight.kernel import facts as f
from relight.kernel.authority import holds_role, may_decide
from relight.kernel.evolve import evolve
from relight.kernel.inputs import Asked
from relight.kernel.plan import Gate, Stage
from relight.kernel.state import Run, Ticket
from relight.kernel.wanted import wanted

NOBODY = "os:nobody"
"""Somebody whom no site knows."""

STALE = "stale"
"""The digest of something else."""


class Strangers:
    """Puts every wrong request to the states of a walk.

    Attributes:
        refused: How many requests were refused, as they should be.
    """

    def __init__(self, canon: Canon) -> None:
        self._canon = canon
        self.refused = 0

    def at(self, walk: Walk, place: Place) -> None:
        """Try every wrong request at one state."""
        run = place.run
        if run.epoch == 0 or run.outcome is not None or run.aborting:
            return
        for asked, wrong in wrong_requests(run):
            try:
                broken: list[Broken] = []
                walk.transact(run, place.held, asked, broken)
            except (NotNow, NotPermitted) as refusal:
                walk.transitions += 1
                self.refused += 1
                self._written_down(walk, place, asked, str(refusal))
                continue
            text = f"{asked.verb} is taken {wrong}"
            found = broken or [Broken("careful-opening", text, stage=run.stage.id, subject=f"{asked.verb} {wrong}")]
            for what in found:
                walk.found(what, place.number, (asked,))

    def _written_down(self, walk: Walk, place: Place, asked: Asked, why: str) -> None:
        run = place.run
        fact = f.RequestRefused(
            at=run.at, t=run.t, request=asked.request, person=asked.person, verb=asked.verb, why=why, permitted=False
        )
        after = evolve(run, fact)
        if self._canon.key(after) != self._canon.key(run) or wanted(after) != wanted(run):
            text = f"a refused {asked.verb} changes something"
            walk.found(Broken("same-again", text, stage=run.stage.id), place.number, (asked,))


def wrong_requests(run: Run) -> Iterator[tuple[Asked, str]]:
    """Yield what must be refused now, each with what is wrong with it."""
    stage, ticket = run.current, run.ticket
    if stage is None or stage.gate is None or run.stage.phase != "approach":
        return
    able = next((person for person in may_decide(run, stage.gate) if person != run.starter), "")
    if ticket is not None and ticket.status == "waiting":
        yield from _by_the_wrong(run, stage, stage.gate, ticket)
        if able:
            yield _asked(run, "approve", able, ticket.id, scope_digest=STALE), "for what has changed since it was seen"
            yield _asked(run, "approve", able, ticket.id, t=ticket.expires_t), "after it has expired"
            yield _asked(run, "approve", able, f"{stage.id}/none"), "on a ticket that nobody gave"
        for vote in ticket.votes:
            if holds_role(run, vote.person, stage.gate.approval.roles) and _stands(run, stage.gate, vote.t):
                yield _asked(run, "approve", vote.person, ticket.id), "twice from one person"
    spent = next(reversed(run.spent), "")
    if spent and able and spent not in run.opened_solo:
        for verb in ("approve", "deny"):
            yield _asked(run, verb, able, spent), "on a spent ticket"


def _by_the_wrong(run: Run, stage: Stage, gate: Gate, ticket: Ticket) -> Iterator[tuple[Asked, str]]:
    roles = gate.approval.roles
    without = [person.id for person in run.people if not set(person.roles) & set(roles)]
    others = [person.id for person in run.people if person.kind != "person"]
    for person in dict.fromkeys((*without[:1], *others[:1], NOBODY)):
        yield _asked(run, "approve", person, ticket.id), "from somebody who may not"
        yield _asked(run, "deny", person, ticket.id), "from somebody who may not"
        if stage.optional:
            yield _asked(run, "skip", person, subject=stage.id, reason="because"), "from somebody who may not"
    if not gate.approval.allow_self_approval:
        yield _asked(run, "approve", run.starter, ticket.id), "from the starter, who wants somebody else's"


def _stands(run: Run, gate: Gate, since_t: int) -> bool:
    return run.t - since_t <= gate.approval.valid_for_ms


def _asked(
    run: Run,
    verb: str,
    person: str,
    ticket: str = "",
    *,
    subject: str = "",
    reason: str = "",
    scope_digest: str = "",
    t: int | None = None,
) -> Asked:
    return Asked(
        **moment(run.t if t is None else t),
        request="r",
        person=person,
        door="cli",
        verb=verb,
        ticket=ticket,
        subject=subject,
        reason=reason,
        scope_digest=scope_digest,
    )
