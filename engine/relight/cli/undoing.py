"""The command that reverses effects: it shows what it would do, asks, and then asks the run, or begins one for it."""

import sys
from typing import TYPE_CHECKING, Any

import click

from relight.cli.deciding import REASON, put
from relight.cli.door import Door, with_door
from relight.cli.prompting import confirmed
from relight.cli.terminal import Line, Span, line, write_lines
from relight.control.finding import find_run
from relight.control.requests import Asking
from relight.errors import NotNow, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.journal.port import Row


@click.command()
@click.argument("run")
@click.argument("step", default="")
@click.option("--to", "stage", default="", metavar="STAGE", help="Everything back to the start of this stage.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--until-decision", is_flag=True, help="Of a run that is over: stop watching when a person has to decide."
)
@REASON
@with_door
def undo(door: Door, run: str, step: str, stage: str, yes: bool, until_decision: bool, reason: str) -> int:
    """Undo a step's effect, or everything back to a stage; shows it first, and asks.

    RUN is the id or any unique beginning of it. Effects are undone last in, first out.
    What a run left that is over is undone by a small new run, which is watched to its end; without a step and a stage
    that is everything it left.
    """
    if step and stage:
        raise UsageError("say what to undo: a step, or --to and a stage", hint=f"`relight effects {run}` lists both")
    row = find_run(door.journal, run)
    asking = Asking("undo", subject=step, value=stage, reason=reason)
    if row.ended_at is not None:
        return _undo_left(door, row, asking, yes=yes, until_decision=until_decision)
    if not step and not stage:
        raise UsageError("say what to undo: a step, or --to and a stage", hint=f"`relight effects {run}` lists both")
    from relight.control.effects import undo_preview
    from relight.control.history import load_run

    preview = undo_preview(load_run(door.journal, row.run), step=step, stage=stage)
    if not preview:
        raise NotNow(
            f"nothing of {step or f'{stage} and later'} is in force, so there is nothing to undo",
            hint=f"`relight effects {run}` lists what is",
        )
    if not _agreed(f"This undoes, on {row.site}, in this order:", preview, yes=yes):
        door.tell("Nothing was changed.")
        return 0
    put(door, run, asking)
    return 0


def _agreed(head: str, preview: "Sequence[dict[str, Any]]", *, yes: bool) -> bool:
    lines: list[Line | str] = [line(Span(head, "bold"))]
    for entry in preview:
        lines.append(line(Span(f"  {entry['says']}", "bold"), f"  by {entry['step']} of {entry['stage']}"))
        lines.append(f"      with {entry['undo'] or 'nothing: it cannot be undone and stays in force'}")
    write_lines(lines, sys.stderr)
    return confirmed("Undo?", yes=yes)


def _undo_left(door: Door, row: "Row", asking: Asking, *, yes: bool, until_decision: bool) -> int:
    """Undo what a run left that is over, in a new run, and watch that to its end."""
    from relight.cli.starting import drive_beside
    from relight.control.beginning import begin_run
    from relight.control.effects import entry_document
    from relight.control.history import load_run
    from relight.control.left import holders
    from relight.control.undoing import permit_undo, plan_to_undo, undoable

    run = load_run(door.journal, row.run)
    person = permit_undo(door.journal, run, asking)
    what = undoable(door.journal, run, step=asking.subject, stage=asking.value)
    now_with = sorted({name for name in holders(door.journal, run).values() if name})
    if not what.undone and not what.stays and now_with:
        raise NotNow(
            f"run {row.run} holds nothing of that any more: {' and '.join(now_with)} adopted it",
            hint=f"relight effects {now_with[-1]}",
        )
    plan = plan_to_undo(run, what, reason=asking.reason)
    head = f"A new run undoes what run {row.run} left on {row.site}, in this order:"
    if not _agreed(head, [entry_document(run, entry) for entry in (*what.undone, *what.stays)], yes=yes):
        door.tell("Nothing was changed.")
        return 0
    begun = begin_run(door.journal, plan, starter=person)
    return drive_beside(door, begun, until_decision)
