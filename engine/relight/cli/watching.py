"""The command that follows a run."""

import sys
from typing import TYPE_CHECKING

import click

from relight.cli.door import Door, with_door

if TYPE_CHECKING:
    from relight.control.history import Event


@click.command()
@click.argument("run", required=False)
@click.option("--until-decision", is_flag=True, help="Stop when a person has to decide: exit 5, 7 or 8.")
@click.option("--everything", is_flag=True, help="Off a terminal: every fact, also each turn of a check.")
@with_door
def watch(door: Door, run: str | None, until_decision: bool, everything: bool) -> int:
    """Follow a run until it ends; Ctrl-C leaves it alone.

    On a terminal a live view, elsewhere one line a fact. RUN is the id or any unique beginning of it;
    left out, the only unfinished run. With -o json the status document follows at the end, with -o jsonl
    every fact is a line of JSON.
    """
    from relight.cli.following import Follower, follow_here, goes_live

    row = door.run_row(run)
    lines_of_json = door.output == "jsonl"
    follower = Follower(
        door.journal,
        row.run,
        stream=sys.stdout if door.for_people else sys.stderr,
        live=door.for_people and goes_live(sys.stdout),
        everything=everything or lines_of_json,
        journal_option=door.journal_option,
        tell=_tell_json if lines_of_json else None,
    )
    code = follow_here(follower, until_decision=until_decision)
    if door.output == "json":
        door.show(follower.whole_document(), list)
    return code


def _tell_json(event: "Event") -> None:
    from relight.cli.terminal import write_json
    from relight.control.history import log_entry

    write_json(log_entry(event), sys.stdout, compact=True)
