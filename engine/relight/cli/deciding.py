"""The commands that ask something of a run: each names its run first, and ends with the driver's answer.

They load neither the kernel nor a model unless no driver is alive: then the request is decided here.
"""

import sys
from typing import TYPE_CHECKING

import click

from relight.cli.door import Door, with_door
from relight.cli.terminal import Span, environment_style, line
from relight.control.finding import find_run
from relight.control.identities import Identity, at_host
from relight.control.permissions import permit_asking
from relight.control.requests import Asking, Told, about, answer_document, raise_refusal
from relight.control.requests import ask as ask_run
from relight.errors import UsageError

if TYPE_CHECKING:
    from relight.journal.port import Row

REASON = click.option("--reason", default="", metavar="TEXT", help="Why; kept in the journal.")


def put(door: Door, name: str, asking: Asking) -> Told:
    """Ask the run called *name*, show the answer, and raise a refusal."""
    row = find_run(door.journal, name)
    known = about(door.journal, row.run)
    told = _asked(door, row, asking, at_host(known.people))
    raise_refusal(told)
    document = answer_document(row, known.environment, asking, told)
    site = f"{row.site.upper()} [{known.environment}]" if known.environment else row.site.upper()
    rest = f"  {row.runbook} {row.run}, as {told.person}: {told.answer.text}"
    door.show(document, lambda: [line(Span(site, environment_style(known.environment)), rest)])
    return told


def _asked(door: Door, row: "Row", asking: Asking, who: Identity) -> Told:
    """Ask that run and return the answer, saying so when it was decided without a driver."""

    def decide_alone() -> object:
        from relight.bootstrap import decide_alone as decide

        return decide(door.journal, row.run)

    permit_asking(who, asking)
    told = ask_run(door.journal, row, asking, person=who.person, proof=who.proof, decide_alone=decide_alone)
    if told.alone:
        door.tell(f"No driver of {row.run} is alive: this was decided here, and nothing was started.")
        now = door.journal.row(row.run)
        if now is not None and now.ended_at is None:
            door.tell(f"`relight resume {row.run}{door.journal_option}` carries the run on.")
    return told


@click.command()
@click.argument("run")
@click.argument("ticket")
@REASON
@click.option("--scope", default="", metavar="DIGEST", help="Only if the gate would still do what you saw.")
@click.option("--confirm", default="", metavar="SITE", help="The site's name, to open a gate alone where it says solo.")
@with_door
def approve(door: Door, run: str, ticket: str, reason: str, scope: str, confirm: str) -> None:
    """Approve a gate's ticket.

    RUN is the id or any unique beginning of it; TICKET is what `relight status` shows, as in roll-back/2c9.
    """
    put(door, run, Asking("approve", ticket=ticket, reason=reason, scope_digest=scope, confirmed=confirm))


@click.command()
@click.argument("run")
@click.argument("ticket")
@REASON
@with_door
def deny(door: Door, run: str, ticket: str, reason: str) -> None:
    """Deny a gate's ticket; the run holds.

    RUN is the id or any unique beginning of it; TICKET is what `relight status` shows, as in roll-back/2c9.
    """
    put(door, run, Asking("deny", ticket=ticket, reason=reason))


@click.command()
@click.argument("run")
@REASON
@with_door
def ask(door: Door, run: str, reason: str) -> None:
    """Ask a gate anew, with a new ticket; the old one opens nothing any more.

    RUN is the id or any unique beginning of it.
    """
    put(door, run, Asking("ask", reason=reason))


@click.command()
@click.argument("run")
@REASON
@with_door
def pause(door: Door, run: str, reason: str) -> None:
    """Let nothing go forward until somebody resumes; moves to less exposure still do.

    RUN is the id or any unique beginning of it.
    """
    put(door, run, Asking("pause", reason=reason))


@click.command()
@click.argument("run")
@click.argument("step", default="")
@REASON
@with_door
def retry(door: Door, run: str, step: str, reason: str) -> None:
    """Try a failed step, or the checks of a stage, again.

    RUN is the id or any unique beginning of it; STEP is only needed where several hold.
    """
    put(door, run, Asking("retry", subject=step, reason=reason))


@click.command()
@click.argument("run")
@click.argument("step", metavar="STEP|STAGE|CHECK")
@REASON
@with_door
def skip(door: Door, run: str, step: str, reason: str) -> None:
    """Leave out a step or an optional stage, or take your word for a check; needs the gate's role and a reason.

    RUN is the id or any unique beginning of it.
    """
    put(door, run, Asking("skip", subject=step, reason=reason))


@click.command()
@click.argument("run")
@click.argument("step")
@click.argument("outcome", type=click.Choice(["done", "not-done"]))
@REASON
@with_door
def mark(door: Door, run: str, step: str, outcome: str, reason: str) -> None:
    """Say that a step was done, or was not: it settles an unknown outcome, and records work done by hand.

    RUN is the id or any unique beginning of it.
    """
    put(door, run, Asking("mark", subject=step, value=outcome, reason=reason))


RAMP_WORDS = ("floor", "down", "stay", "up")


@click.command()
@click.argument("run")
@click.argument("where", metavar="floor|down|stay|up")
@REASON
@with_door
def ramp(door: Door, run: str, where: str, reason: str) -> None:
    """Move a ramp: to its floor, down, up, or let it stay where it is.

    RUN is the id or any unique beginning of it. Less exposure needs nobody's leave.
    """
    if run in RAMP_WORDS and where not in RAMP_WORDS:
        run, where = where, run
    if where not in RAMP_WORDS:
        raise UsageError(f"a ramp does not know {where!r}", hint="say floor, down, stay or up")
    put(door, run, Asking("ramp", value=where, reason=reason))


@click.command()
@click.argument("run")
@click.argument("text")
@with_door
def note(door: Door, run: str, text: str) -> None:
    """Write something down in the run's journal.

    RUN is the id or any unique beginning of it; TEXT is what to write, a single - reads it from standard input.
    """
    words = sys.stdin.read() if text == "-" else text
    if not words.strip():
        raise UsageError("the note is empty", hint=f"say it: relight note {run} 'what you saw'")
    put(door, run, Asking("note", value=words.strip()))


@click.command()
@click.argument("run")
@REASON
@with_door
def abort(door: Door, run: str, reason: str) -> None:
    """End a run: nothing forward starts any more, what is under way is stopped, protective effects stay.

    RUN is the id or any unique beginning of it. It asks nothing back: stopping is never in the way of safety.
    Exits 0 as soon as the abort is acknowledged; `relight watch` shows the end. A runbook with `on_abort: undo` has
    its effects undone first; the run ends as failed (exit 1 of `watch` and `status`) where that cannot be done.
    """
    put(door, run, Asking("abort", reason=reason))
