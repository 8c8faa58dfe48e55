"""What a person asks of a run, verb by verb; the only input that may be refused.

A refusal raises and changes nothing: ``NotPermitted`` where it is not theirs to ask, ``NotNow`` where it does not fit
the moment. What is taken is always at least one fact.
"""

from collections.abc import Callable

from relight.errors import NotNow, NotPermitted
from relight.kernel import facts as f
from relight.kernel import fitting
from relight.kernel.asking_steps import (
    holds_open_to,
    leave,
    mark,
    ramp,
    reopen_undone,
    retry,
    skip_step,
    undo,
    waivable,
    waive,
)
from relight.kernel.authority import alone_from_t, gate_roles, may_decide, permit, stage_of_ticket
from relight.kernel.book import Book
from relight.kernel.holds import UNDO_HOLDS
from relight.kernel.inputs import Asked
from relight.kernel.plan import Gate, Stage
from relight.kernel.stages import counting_votes
from relight.kernel.state import Ticket


def ask(book: Book, asked: Asked) -> None:
    """Take what a person asks.

    Raises:
        NotNow: it does not fit the moment.
        NotPermitted: it is not theirs to ask.
    """
    if asked.verb == "note":
        book.say(f.Noted, person=asked.person, text=asked.value, door=asked.door)
        return
    if book.run.outcome is not None:
        raise NotNow(f"run {book.run.id} has ended ({book.run.outcome}); nothing was changed")
    if asked.verb not in VERBS:
        raise NotNow(f"{asked.verb!r} is not a verb; verbs are {', '.join(sorted((*VERBS, 'note')))}")
    if book.run.aborting and asked.verb != "mark":
        raise NotNow(f"run {book.run.id} is being aborted, asked by {book.run.aborted_by}")
    VERBS[asked.verb](book, asked)


def _gate_of(book: Book, asked: Asked) -> tuple[Stage, Gate, Ticket]:
    """Return the waiting gate that this ticket is of.

    Raises:
        NotNow: the ticket is spent, expired, superseded, unknown, or its contents changed.
    """
    run, wanted = book.run, asked.ticket
    stage, ticket = run.current, run.ticket
    if wanted in run.spent:
        now = f"; the gate asks now as {ticket.id}" if ticket is not None and ticket.status == "waiting" else ""
        raise NotNow(
            f"ticket {wanted} changes nothing any more: {run.spent[wanted]}{now}",
            hint=f"relight status {run.id[:8]} shows what it waits for",
        )
    if ticket is None or stage is None or stage.gate is None or ticket.status != "waiting":
        raise NotNow(f"no gate is waiting, so ticket {wanted} opens nothing", hint=f"relight why {run.id[:8]}")
    if wanted != ticket.id:
        raise NotNow(f"there is no ticket {wanted}", hint=f"the gate that waits is {ticket.id}")
    if asked.scope_digest and not ticket.scope_digest.startswith(asked.scope_digest):
        raise NotNow(f"what ticket {wanted} would do has changed since you looked", hint="look again, then decide")
    if book.t >= ticket.expires_t:
        raise NotNow(f"ticket {wanted} has expired; nothing was opened", hint=f"relight ask {run.id[:8]}")
    return stage, stage.gate, ticket


def _approve(book: Book, asked: Asked) -> None:
    stage, gate, ticket = _gate_of(book, asked)
    permit(book.run, asked.person, "gate", "approve", stage=stage)
    solo = asked.person == book.run.starter and not gate.approval.allow_self_approval
    if solo:
        _may_open_alone(book, asked, gate, ticket)
    if any(vote.person == asked.person for vote in counting_votes(book.run, gate, ticket, book.t)):
        raise NotNow(f"{asked.person} has approved {ticket.id} already; one person is one vote")
    book.say(
        f.VoteCast,
        ticket=ticket.id,
        person=asked.person,
        door=asked.door,
        proof=asked.proof,
        reason=asked.reason,
        solo=solo,
    )


def _may_open_alone(book: Book, asked: Asked, gate: Gate, ticket: Ticket) -> None:
    """Let the starter through only by the site's solo rule: after its time, with a reason and the site's name typed."""
    run, since = book.run, alone_from_t(book.run, gate, ticket)
    others = may_decide(run, gate)
    hint = f"ask {' or '.join(others)}" if others else "nobody else of the site could"
    if since is None or book.t < since:
        if since is not None:
            hint += f"; after {-(-(since - book.t) // 1_000)} s more without an answer you may open it alone"
        raise NotPermitted(f"{asked.person} started this run, and this gate wants somebody else", hint=hint)
    if not asked.reason or asked.confirmed != run.plan.site:
        raise NotPermitted(
            f"to open {ticket.id} alone takes a reason and the site's name, typed",
            hint=f"add --reason 'why it cannot wait' --confirm {run.plan.site}; or {hint}",
        )


def _deny(book: Book, asked: Asked) -> None:
    if asked.ticket in book.run.opened_solo:
        _deny_afterwards(book, asked)
        return
    stage, _, ticket = _gate_of(book, asked)
    permit(book.run, asked.person, "gate", "deny", stage=stage)
    book.say(f.GateDenied, ticket=ticket.id, person=asked.person, door=asked.door, reason=asked.reason)
    text = f"{asked.person} denied" + (f": {asked.reason}" if asked.reason else "")
    book.hold("gate-denied", subject=ticket.id, text=text)


def _deny_afterwards(book: Book, asked: Asked) -> None:
    """Hold a run that went on because its starter opened a gate alone."""
    stage = stage_of_ticket(book.run, asked.ticket)
    permit(book.run, asked.person, "gate", "deny", stage=stage)
    book.say(f.GateDenied, ticket=asked.ticket, person=asked.person, door=asked.door, reason=asked.reason)
    text = f"{asked.person} denied what {book.run.starter} had opened alone"
    book.hold("solo-denied", subject=asked.ticket, text=text + (f": {asked.reason}" if asked.reason else ""))


def _ask(book: Book, asked: Asked) -> None:
    """Have the gate ask anew: what it had frozen is read again, and earlier approvals do not count."""
    permit(book.run, asked.person, "known", "ask")
    run, ticket = book.run, book.run.ticket
    if refusal := fitting.asking_anew(run):
        raise refusal
    if ticket is not None and ticket.status == "waiting":
        book.say(f.GateExpired, ticket=ticket.id, why=f"{asked.person} had it asked anew")
    for hold in holds_open_to(run, "ask"):
        leave(book, hold, asked)


def _pause(book: Book, asked: Asked) -> None:
    if book.run.paused:
        raise NotNow(f"run {book.run.id} is paused already, by {book.run.paused_by}")
    book.say(f.Paused, person=asked.person, reason=asked.reason, door=asked.door)


def _resume(book: Book, asked: Asked) -> None:
    permit(book.run, asked.person, "known", "resume")
    run = book.run
    holds = holds_open_to(run, "resume")
    if not run.paused and not holds:
        why = f"it holds: {run.holds[0].text}" if run.holds else f"it is {run.state}"
        raise NotNow(f"run {run.id} is not paused; {why}", hint=f"relight why {run.id[:8]} lists the ways on")
    for hold in holds:
        if hold.code == "solo-denied":
            permit(run, asked.person, "gate", "resume", stage=stage_of_ticket(run, hold.subject))
            if asked.person == run.starter:
                raise NotPermitted(f"{asked.person} opened {hold.subject} alone; somebody else says that it may go on")
    if run.paused:
        book.say(f.Resumed, person=asked.person, reason=asked.reason, door=asked.door)
    if any(hold.code in UNDO_HOLDS for hold in holds):
        reopen_undone(book, asked)
    for hold in holds:
        leave(book, hold, asked)


def _abort(book: Book, asked: Asked) -> None:
    for hold in book.run.holds:
        leave(book, hold, asked)
    book.say(f.AbortBegun, person=asked.person, reason=asked.reason, door=asked.door)


def _skip(book: Book, asked: Asked) -> None:
    """Skip a step, an optional stage at its gate, or a check that a stage is verified by."""
    run = book.run
    stage = run.current
    permit(run, asked.person, "gate" if gate_roles(stage) else "known", "skip", stage=stage)
    if not asked.reason:
        raise NotNow("skipping forward needs a reason", hint="add --reason 'why it is safe'")
    if stage is None:
        raise NotNow("every stage is done; nothing is left to skip")
    # A stage, a check and a step may share a name: what waits for an answer comes first.
    if run.stage.phase == "approach" and (asked.subject == stage.id or asked.subject not in run.plan_index):
        _skip_stage(book, asked, stage)
    elif asked.subject in run.plan_index and not waivable(run, asked.subject):
        skip_step(book, asked)
    else:
        waive(book, asked, stage)


def _skip_stage(book: Book, asked: Asked, stage: Stage) -> None:
    if refusal := fitting.skipping_stage(book.run, asked.subject):
        raise refusal
    for hold in holds_open_to(book.run, "skip"):
        leave(book, hold, asked)
    book.say(f.StageSkipped, stage=stage.id, why="a person skipped it", person=asked.person, reason=asked.reason)


VERBS: dict[str, Callable[[Book, Asked], None]] = {
    "approve": _approve,
    "deny": _deny,
    "ask": _ask,
    "pause": _pause,
    "resume": _resume,
    "retry": retry,
    "skip": _skip,
    "mark": mark,
    "ramp": ramp,
    "undo": undo,
    "abort": _abort,
}
"""Every verb that a person may ask of a run, besides ``note``."""
