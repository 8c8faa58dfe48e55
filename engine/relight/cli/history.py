"""The commands about what happened: log and verify."""

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from relight.cli.door import Door, with_door
from relight.cli.terminal import Line, Span, line, pad, write_json, write_lines
from relight.errors import JournalError, UsageError

if TYPE_CHECKING:
    from relight.control.history import Event, Following

FOLLOW_S = 0.1
"""Between two looks at the journal: a person sees no difference, and a look costs microseconds."""


@click.command()
@click.argument("run", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option("--after", type=int, default=0, metavar="SEQ", help="Leave out records up to this number.")
@with_door
def log(door: Door, run: str | None, follow: bool, after: int) -> None:
    """Print what happened in a run, one line a fact.

    RUN is the id or any unique beginning of it; left out, the only unfinished run.
    With -o jsonl each line is one record, with its hash and everything that it says.
    """
    from relight.control.history import Following, log_entry

    following = Following(door.journal, door.run_row(run).run)
    if door.output == "json":
        if follow:
            raise UsageError("`log --follow` has no end to put into one document", hint="use -o jsonl")
        entries = [log_entry(event) for event in following.news() if event.record.seq > after]
        door.show({"schema": "relight.log/v1", "run": following.run_id, "records": entries}, list)
        return
    for event in _events(following, follow):
        if event.record.seq <= after:
            continue
        if door.output == "jsonl":
            write_json(log_entry(event), sys.stdout, compact=True)
        else:
            write_lines([event_line(event)], sys.stdout)


def _events(following: "Following", follow: bool) -> "Iterable[Event]":
    while True:
        yield from following.news()
        if not follow or following.run.outcome is not None:
            return
        seen = following.journal.changes()
        while following.journal.changes() == seen:
            time.sleep(FOLLOW_S)


def event_line(event: "Event") -> Line:
    """Return one fact as a line."""
    from relight.control.history import is_quiet
    from relight.control.sentences import sentence
    from relight.control.wording import wall_clock

    text = sentence(event.fact)
    loud = text[:4].isupper()
    style = "loud" if loud else "dim" if is_quiet(event.fact) else ""
    return line(Span(f"{wall_clock(event.fact.at)} {event.record.seq:>5}  ", "dim"), Span(text, style))


@click.command()
@click.argument("run", required=False)
@click.option("--all", "everything", is_flag=True, help="Every run of the journal.")
@click.option("--checkpoint", multiple=True, metavar="SEQ:HASH", help="A hash that was noted elsewhere.")
@with_door
def verify(door: Door, run: str | None, everything: bool, checkpoint: tuple[str, ...]) -> int:
    """Find any change to a recorded journal: edits, removals, insertions, another order.

    Records that were cut off the end show only against a checkpoint that was noted elsewhere.
    RUN is the id or any unique beginning of it; left out, the only unfinished run. Exits 9 when something is wrong.
    """
    from relight.control.verifying import verify_document

    rows = door.journal.rows(limit=100_000) if everything else [door.run_row(run)]
    found = [
        verify_document(door.journal, row.run, [_checkpoint(row.run, text) for text in checkpoint]) for row in rows
    ]

    def lines() -> list[Line]:
        return [_verified_line(entry) for entry in found]

    if everything:
        door.show_each("verify", found, lines)
    else:
        door.show(found[0], lines)
    return 0 if all(entry["ok"] for entry in found) else JournalError.exit_code


def _checkpoint(run: str, text: str) -> Any:
    from relight.journal.chain import Checkpoint

    seq, _, digest = text.partition(":")
    if not seq.isdigit() or not digest:
        raise UsageError(f"{text!r} is no checkpoint", hint="write SEQ:HASH, as `relight log -o jsonl` shows them")
    return Checkpoint(run=run, seq=int(seq), hash=digest)


def _verified_line(entry: dict[str, Any]) -> Line:
    name = Span(pad(entry["run"], 12), "bold")
    if entry["ok"]:
        return line(name, Span("sound", "good"), f"  {entry['sound']} records, the last is {entry['head']}")
    finding = entry["finding"]
    return line(
        name, Span(finding["change"].upper(), "loud"), f"  {finding['text']}; {entry['sound']} records are sound"
    )
