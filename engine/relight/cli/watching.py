"""The command that follows a run."""

import sys

import click

from relight.cli.door import Door, with_door


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
    live = door.for_people and goes_live(sys.stdout)
    if door.output == "jsonl":
        return _watch_lines(door, row.run, until_decision)
    stream = sys.stdout if door.for_people else sys.stderr
    follower = Follower(
        door.journal,
        row.run,
        stream=stream,
        live=live,
        everything=everything,
        journal_option=door.journal_option,
    )
    code = follow_here(follower, until_decision=until_decision)
    if not door.for_people:
        door.show(follower.document(), list)
    return code


def _watch_lines(door: Door, run_id: str, until_decision: bool) -> int:
    import time

    from relight.cli.following import LOOK_S
    from relight.cli.terminal import write_json
    from relight.control.exits import exit_code, needs_decision
    from relight.control.history import Following, log_entry

    following = Following(door.journal, run_id)
    changes = -1
    while True:
        if (seen := door.journal.changes()) != changes:
            changes = seen
            for event in following.news():
                write_json(log_entry(event), sys.stdout, compact=True)
            if following.run.outcome is not None or (until_decision and needs_decision(following.run)):
                return exit_code(following.run)
        time.sleep(LOOK_S)
