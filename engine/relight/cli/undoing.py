"""The command that reverses effects: it shows what it would do, asks, and then asks the run."""

import sys

import click

from relight.cli.deciding import REASON, put
from relight.cli.door import Door, with_door
from relight.cli.prompting import confirmed
from relight.cli.terminal import Line, Span, line, write_lines
from relight.control.finding import find_run
from relight.control.requests import Asking
from relight.errors import NotNow, UsageError


@click.command()
@click.argument("run")
@click.argument("step", default="")
@click.option("--to", "stage", default="", metavar="STAGE", help="Everything back to the start of this stage.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@REASON
@with_door
def undo(door: Door, run: str, step: str, stage: str, yes: bool, reason: str) -> int:
    """Undo a step's effect, or everything back to a stage; shows it first, and asks.

    RUN is the id or any unique beginning of it. Effects are undone last in, first out.
    """
    if bool(step) == bool(stage):
        raise UsageError("say what to undo: a step, or --to and a stage", hint=f"`relight effects {run}` lists both")
    from relight.control.effects import undo_preview
    from relight.control.history import load_run

    row = find_run(door.journal, run)
    if row.ended_at is not None:
        raise NotNow(
            f"run {row.run} is over: {row.state}; its effects stay as they are",
            hint=f"`relight effects {run}` says how each is undone by hand",
        )
    state = load_run(door.journal, row.run)
    preview = undo_preview(state, step=step, stage=stage)
    if not preview:
        raise NotNow(
            f"nothing of {step or f'{stage} and later'} is in force, so there is nothing to undo",
            hint=f"`relight effects {run}` lists what is",
        )
    lines: list[Line | str] = [line(Span(f"This undoes, on {row.site}, in this order:", "bold"))]
    for entry in preview:
        lines.append(line(Span(f"  {entry['says']}", "bold"), f"  by {entry['step']} of {entry['stage']}"))
        lines.append(f"      with {entry['undo'] or 'nothing: it cannot be undone and stays in force'}")
    write_lines(lines, sys.stderr)
    if not confirmed("Undo?", yes=yes):
        door.tell("Nothing was changed.")
        return 0
    put(door, run, Asking("undo", subject=step, value=stage, reason=reason))
    return 0
