"""The commands that read runs: runs, status, why, effects. They load no models, no plugins and no event loop."""

import sys
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from relight.cli.door import Door, with_door
from relight.cli.terminal import Line, Span, line, pad, terminal_width
from relight.control.listing import newest_rows, run_entry
from relight.errors import UsageError

if TYPE_CHECKING:
    from relight.journal.port import Row

RUNS_MAX = 20
STATE_STYLES = {
    "succeeded": "good",
    "failed": "bad",
    "aborted": "bad",
    "held": "loud",
    "waiting": "loud",
    "paused": "warn",
    "undoing": "warn",
}


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also those that ended long ago.")
@click.option("--steps", default="", metavar="RUNBOOK", help="What that runbook's stages and steps took in past runs.")
@click.option("--site", default="", metavar="SITE", help="With --steps: only at that site.")
@with_door
def runs(door: Door, everything: bool, steps: str, site: str) -> None:
    """List the runs, unfinished ones first.

    Each line has the id (any unique beginning of it names the run), the runbook, the site and the state.
    With --steps it is what each stage and step of a runbook took before: the middle, and from the fastest to the
    slowest; the time that people took is left out.
    """
    if steps:
        from relight.cli.durations import show_durations

        show_durations(door, steps, site)
        return
    if site:
        raise UsageError("--site goes with --steps", hint="add --steps RUNBOOK")
    rows = list_rows(door, everything=everything)
    door.show_each(
        "runs", [run_entry(row) for row in rows], lambda: run_lines(rows, stranded(door, rows)) or ["No runs yet."]
    )


def list_rows(door: Door, *, everything: bool = False) -> "list[Row]":
    """Return the unfinished runs, then the newest of the others; none where there is no journal yet."""
    journal = door.journal_if_any()
    if journal is None:
        return []
    return newest_rows(journal, limit=10_000 if everything else RUNS_MAX)


def stranded(door: Door, rows: "Iterable[Row]") -> frozenset[str]:
    """Return the unfinished runs that nobody drives."""
    found = set()
    for row in rows:
        lease = door.journal.lease(row.run) if row.ended_at is None else None
        if lease is not None and not lease.alive:
            found.add(row.run)
    return frozenset(found)


def run_lines(rows: "Iterable[Row]", gone: Collection[str] = ()) -> list[Line | str]:
    """Return a run of the list as a line each; *gone* are those whose driver is."""
    from relight.control.wording import now_ms, rough

    lines: list[Line | str] = []
    for row in rows:
        ended = row.ended_at is not None
        when = f"ended {rough(now_ms() - (row.ended_at or 0))} ago" if ended else f"+{rough(now_ms() - row.started_at)}"
        lines.append(
            line(
                Span(pad(row.run, 10), "bold"),
                Span(pad(row.state, 11), STATE_STYLES.get(row.state, "")),
                pad(row.runbook, 24),
                " ",
                pad(row.site, 14),
                " ",
                pad(row.starter, 10),
                " ",
                when,
                Span("  driver GONE" if row.run in gone else "", "loud"),
            )
        )
    return lines


@click.command()
@click.argument("run", required=False)
@with_door
def status(door: Door, run: str | None) -> int:
    """Say where a run stands; the exit code says it too.

    RUN is the id or any unique beginning of it; left out, the only unfinished run.
    Exits 0 while it goes on or when it succeeded, 5 at a gate, 7 held or without its driver, 8 with an unknown
    outcome, 1 failed (an abort could not undo what it should), 6 aborted.
    """
    from relight.cli.showing import Reader
    from relight.control.exits import exit_code
    from relight.control.why import is_stranded
    from relight.control.wording import now_ms

    if run is None and (nothing := _nothing_unfinished(door)) is not None:
        door.show({"schema": "relight.run/v1", "run": None, "state": None, "says": nothing}, lambda: [nothing])
        return 0
    reader = Reader(door.journal, door.run_row(run).run, for_people=door.for_people)
    document = reader.document()

    def lines() -> list[Line]:
        from relight.cli.live import render

        width = terminal_width(sys.stdout)
        return render(document, width, now_ms(), name=reader.name, viewer=reader.viewer)

    door.show(document, lines)
    return exit_code(reader.run, driven=not is_stranded(document))


def _nothing_unfinished(door: Door) -> str | None:
    """Return what to say where nothing is unfinished, None where something is."""
    rows = list_rows(door)
    if not rows:
        return "Nothing to do: there are no runs yet."
    if rows[0].ended_at is None:
        return None
    newest = max(rows, key=lambda row: row.started_at)
    return f"Nothing to do: no run is unfinished. The last was {newest.run} ({newest.runbook}, {newest.state})."


@click.command()
@click.argument("run", required=False)
@with_door
def why(door: Door, run: str | None) -> None:
    """Say what a run waits for and where each choice leads, and whether waiting is safe.

    RUN is the id or any unique beginning of it; left out, the only unfinished run.
    """
    from relight.cli.live_rows import paragraph
    from relight.cli.showing import Reader
    from relight.control.why import why_document

    reader = Reader(door.journal, door.run_row(run).run, for_people=door.for_people)
    document = why_document(reader.document())

    def lines() -> list[Line | str]:
        width = terminal_width(sys.stdout)
        said: list[Line | str] = [*paragraph(document["waits_for"], width), ""]
        said += [*paragraph(document["safe"], width), ""]
        for choice in document["choices"]:
            said.append(line(Span(choice["command"], "bold")))
            said += [f"    {text}" for text in paragraph(_choice_text(choice, reader.viewer), width - 4)]
        return said

    door.show(document, lines)


def _choice_text(choice: Mapping[str, Any], viewer: str) -> str:
    from relight.control.wording import listed

    if choice["who"] == "anybody":
        who = "anybody may"
    elif viewer in choice["may"]:
        others = [person for person in choice["may"] if person != viewer]
        who = "you may" + (f", so may {listed(others)}" if others else "")
    else:
        who = f"not you: {listed(choice['may'], 'or')}" if choice["may"] else "nobody of the site may"
    return f"it {choice['leads_to']} ({who})"


@click.command()
@click.argument("run", required=False)
@with_door
def effects(door: Door, run: str | None) -> None:
    """List what is changed and not undone, each with its undo.

    Of RUN, or of every run: effects outlive runs, so those that ended are listed too.
    """
    from relight.control.effects import effects_document
    from relight.control.showing import effects_of

    rows = [door.run_row(run)] if run else list_rows(door, everything=True)
    entries = [entry for row in rows for entry in effects_of(door.journal, row)]

    def lines() -> list[Line | str]:
        said: list[Line | str] = [text for entry in entries for text in _effect_lines(entry)]
        return said or ["Nothing is in force."]

    if door.output == "jsonl":
        door.show_each("effects", [{"schema": "relight.effects/v1", **entry} for entry in entries], lines)
    else:
        door.show(effects_document(entries, run=rows[0].run if run else None), lines)


def _effect_lines(entry: Mapping[str, Any]) -> list[Line | str]:
    from relight.control.wording import clock_or_days, from_instant, now_ms

    sure = "" if entry["sure"] else "perhaps "
    protective = " (protective)" if entry["protective"] else ""
    place = f"{entry['step']} of {entry['run']} ({entry['runbook']} on {entry['site']}, {entry['state']})"
    said: list[Line | str] = [
        line(Span(f"{sure}{entry['says']}", "bold"), protective),
        f"    by {place}, since {entry['since']}",
    ]
    if left := entry["left_by"]:
        when = clock_or_days(from_instant(left["ended_at"]) or 0, now_ms())
        said.append(f"    left by run {left['run']} ({left['state']} {when}) and adopted by {entry['run']}")
    said.append(f"    undo: {entry['undo'] or 'cannot be undone'}; {entry['when_undone']}")
    if entry["command"]:
        said.append(line("    ", Span(entry["command"], "bold")))
    return said
