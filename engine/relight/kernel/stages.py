"""How a stage is approached, gated and verified.

It is entered only when its ``when`` is true, its gate is open and its preconditions pass,
and it is done only when every ``verify`` passes.
"""

import hashlib

from relight.kernel import facts as f
from relight.kernel.authority import alone_from_t
from relight.kernel.book import Book
from relight.kernel.outcomes import clear_neutral
from relight.kernel.plan import ExpressionFailed, Gate, Stage
from relight.kernel.plan_index import index_of
from relight.kernel.scope import holds, resolve, scope_digest
from relight.kernel.state import Reading, Run, Ticket, Vote
from relight.kernel.watching import blind, gate_id, in_words, passes, precondition_id, reading, shown, verify_id

PROBE_ERRORS_MAX = 4
"""As often a named probe may fail in a row before a person is asked; as for a check's samples."""


# ---- approach


def probes_missing(run: Run, wanted: frozenset[str]) -> frozenset[str]:
    """Return those of them that have not been read yet."""
    read = run.stage.probes
    return frozenset(name for name in wanted if name not in read or read[name].error)


def probes_blind(book: Book, wanted: frozenset[str], *, step: str = "") -> bool:
    """Hold when one of the missing probes failed too often; True when something was said."""
    for name in sorted(probes_missing(book.run, wanted)):
        seen = book.run.stage.probes.get(name)
        if seen is not None and seen.errors >= PROBE_ERRORS_MAX:
            text = f"probe {name} cannot be read: {seen.error}"
            return book.hold("probe-blind", step=step, subject=name, text=text)
    return False


def approach(book: Book) -> bool:
    """Go on towards the stage's first step; True when something was said."""
    stage = book.run.current
    assert stage is not None
    index = index_of(book.run.plan)
    wanted = index.probes_stage[stage.id]
    if probes_blind(book, wanted):
        return True
    if probes_missing(book.run, index.probes_when[stage.id]):
        return False
    try:
        if stage.when is not None and not holds(book.run, stage.when):
            book.say(f.StageSkipped, stage=stage.id, why=f"when is false: {stage.when.text}")
            return True
        if probes_missing(book.run, wanted):
            return False
        if stage.gate is not None:
            return _gate(book, stage, stage.gate)
    except ExpressionFailed as error:
        return book.hold("expression-failed", text=str(error))
    return _enter_ungated(book, stage)


def _enter_ungated(book: Book, stage: Stage) -> bool:
    """Enter a stage that asks nobody once its preconditions pass.

    It has nothing to open: also where its steps loosen what protects, its preconditions and its verify are the
    protection. What it loosened returns where the verify fails, and ``explore`` says where nothing was verified before.
    """
    uses = {item.check: precondition_id(book.run, item.check) for item in stage.preconditions}
    for check, use in uses.items():
        turned = reading(book.run, use)
        if turned is not None and turned.verdict == "fail":
            text = f"{check} is {in_words(turned.value) or turned.verdict}"
            return book.hold("precondition-failed", subject=check, text=text)
        if turned is not None and blind(book.run, use, check) is not None:
            return book.hold("precondition-blind", subject=check, text=f"{check}: {turned.detail}")
    if not all(passes(book.run, use) for use in uses.values()):
        return False
    book.say(f.StageEntered, stage=stage.id, readings=shown(book.run, uses))
    return True


# ---- gates


def ask_gate(book: Book, stage: Stage, gate: Gate) -> None:
    """Ask people, with a ticket that is good for this asking alone.

    Raises:
        ExpressionFailed: the title or a step's arguments cannot be evaluated.
    """
    run = book.run
    seed = f"{run.id}|{stage.id}|{run.asks}".encode()
    ticket = f"{stage.id}/{hashlib.sha256(seed).hexdigest()[:3]}"
    if ticket in run.spent:
        ticket = f"{stage.id}/{hashlib.sha256(seed).hexdigest()[:8]}"
    book.say(
        f.GateAsked,
        stage=stage.id,
        ticket=ticket,
        title=str(resolve(run, gate.title)),
        scope_digest=scope_digest(run, stage),
        expires_t=book.t + gate.expires_after_ms,
    )


def counting_votes(run: Run, gate: Gate, ticket: Ticket, t: int) -> tuple[Vote, ...]:
    """Return the votes that count now: authority is checked at decision and again here, at use."""
    roles = {person.id: set(person.roles) for person in run.people}
    alone = alone_from_t(run, gate, ticket) is not None
    return tuple(
        vote
        for vote in ticket.votes
        if roles.get(vote.person, set()) & set(gate.approval.roles)
        and t - vote.t <= gate.approval.valid_for_ms
        and (vote.person != run.starter or gate.approval.allow_self_approval or (vote.solo and alone))
    )


def gate_blockers(run: Run, stage: Stage, t: int) -> list[str]:
    """Return what keeps the waiting gate shut, in words; empty: nothing does."""
    gate, ticket = stage.gate, run.ticket
    assert gate is not None and ticket is not None
    missing = gate.approval.min_approvals - len(counting_votes(run, gate, ticket, t))
    blockers = [f"{missing} more approval{'s' if missing > 1 else ''}"] if missing > 0 else []
    blockers += [f"{check} to pass" for check in gate.require if not passes(run, gate_id(run, check))]
    before = [item.check for item in stage.preconditions]
    blockers += [f"precondition {check} to pass" for check in before if not passes(run, precondition_id(run, check))]
    return blockers


def _gate(book: Book, stage: Stage, gate: Gate) -> bool:
    ticket = book.run.ticket
    if ticket is None or ticket.status != "waiting":
        # Nothing holds any more for what closed the last one.
        ask_gate(book, stage, gate)
        return True
    if gate_blockers(book.run, stage, book.t):
        return False
    votes = counting_votes(book.run, gate, ticket, book.t)
    approvers = tuple(vote.person for vote in votes)
    uses = {check: gate_id(book.run, check) for check in (*gate.require, *gate.show)}
    before = {item.check: precondition_id(book.run, item.check) for item in stage.preconditions}
    evidence = shown(book.run, uses) | shown(book.run, before)
    book.say(
        f.GateOpened,
        stage=stage.id,
        ticket=ticket.id,
        approvers=approvers,
        alone=approvers == (book.run.starter,),
        solo=any(vote.solo for vote in votes),
        readings=evidence,
    )
    book.say(f.StageEntered, stage=stage.id, readings=shown(book.run, before))
    return True


def tickets(book: Book) -> bool:
    """Escalate and expire the waiting ticket; time passes for it whatever else stands still.

    Expiry holds in any case: ``on_expiry: escalate`` also tells whoever is left on the list.
    """
    stage, ticket = book.run.current, book.run.ticket
    if stage is None or stage.gate is None or ticket is None or ticket.status != "waiting":
        return False
    expired = book.t >= ticket.expires_t
    if ticket.escalated < len(stage.gate.escalate):
        step = stage.gate.escalate[ticket.escalated]
        if book.t >= ticket.asked_t + step.after_ms or (expired and stage.gate.on_expiry == "escalate"):
            book.say(f.GateEscalated, ticket=ticket.id, notify=step.notify, index=ticket.escalated)
            return True
    if expired:
        votes = counting_votes(book.run, stage.gate, ticket, book.t)
        expire(book, ticket, "its approvals did not suffice in time" if votes else "nobody answered in time")
        return True
    return False


def expire(book: Book, ticket: Ticket, why: str) -> None:
    """Close the ticket without an answer and hold: nothing ever continues because nobody answered."""
    book.say(f.GateExpired, ticket=ticket.id, why=f"it expired: {why}")
    book.hold("gate-expired", subject=ticket.id, text=why)


# ---- verify


def verified(book: Book, stage: Stage) -> bool:
    """Say that the stage is done if all its own checks pass; True when it was said."""
    uses = {item.check: verify_id(book.run, item.check) for item in stage.verify}
    if not all(passes(book.run, use) for use in uses.values()):
        return False
    clear_neutral(book)
    book.say(f.StageVerified, stage=stage.id, readings=shown(book.run, uses))
    return True


def verify(book: Book) -> bool:
    """Judge the stage's own checks; True when something was said."""
    stage = book.run.current
    assert stage is not None
    if verified(book, stage):
        return True
    for item in stage.verify:
        use = verify_id(book.run, item.check)
        turned = reading(book.run, use)
        if turned is not None and blind(book.run, use, item.check) is not None:
            return book.hold("check-blind", subject=item.check, text=f"{item.check}: {turned.detail}")
        if book.t >= verify_deadline(book.run, item.within_ms) and not passes(book.run, use):
            text = f"{item.check} did not pass in time: {_last(turned)}"
            return book.hold("verify-failed", subject=item.check, text=text)
    return False


def _last(turned: Reading | None) -> str:
    if turned is None:
        return "no answer"
    value = in_words(turned.value)
    return f"last {value}, {turned.verdict}" if value else f"last {turned.verdict}"


def verify_deadline(run: Run, within_ms: int) -> int:
    """Return when a check of the current stage's verify is out of time, if the run does not stand still until then."""
    return run.stage.verify_t + within_ms
