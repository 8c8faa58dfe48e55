"""Bare ``relight``: the unfinished runs, then the catalogue of runbooks with their symptoms."""

from typing import Any

import click

from relight.cli.configuration import Configuration, Entry, catalogue, configuration
from relight.cli.door import Door, with_door
from relight.cli.reading import list_rows, run_lines, stranded
from relight.cli.terminal import Line, Span, line, pad
from relight.control.listing import run_entry
from relight.errors import RelightError


@click.command()
@with_door
def overview(door: Door) -> None:
    """Show the unfinished runs, then the catalogue of runbooks."""
    rows = [row for row in list_rows(door) if row.ended_at is None]
    try:
        config = configuration()
        entries = catalogue(config)
    except RelightError as error:
        # Runs that wait for somebody are shown whatever is wrong with a file of settings.
        door.tell(*run_lines(rows, stranded(door, rows)))
        raise error from None
    shipped, proposed = _shipped(), _proposed(door)
    document = {
        "schema": "relight.overview/v1",
        "unfinished": [run_entry(row) for row in rows],
        "proposals": proposed,
        "runbooks": [_document(entry) for entry in entries],
        "shipped": list(shipped),
    }

    def lines() -> list[Line | str]:
        said: list[Line | str] = [line(Span("Unfinished runs", "bold"))] if rows else ["No run is unfinished."]
        said += [
            line("  ", *item) if isinstance(item, tuple) else f"  {item}"
            for item in run_lines(rows, stranded(door, rows))
        ]
        said += _proposal_lines(proposed)
        return [*said, "", *_catalogue_lines(config, entries), *_shipped_lines(shipped), "", HELP]

    door.show(document, lines)


HELP = "`relight --help` lists the commands; `relight drill` recovers a brownout on this machine, for practice."


def _shipped() -> tuple[str, ...]:
    from relight.shipped import runbook_names

    try:
        return runbook_names()
    except RelightError:
        return ()


def _proposed(door: Door) -> list[dict[str, Any]]:
    """Return what alerts propose, where anybody listens to them."""
    journal = door.journal_if_any()
    if journal is None:
        return []
    from relight.control.proposed import open_proposals

    return open_proposals(journal)


def _proposal_lines(proposed: list[dict[str, Any]]) -> list[Line | str]:
    said: list[Line | str] = ["", line(Span("Proposed by alerts", "bold"))] if proposed else []
    for entry in proposed:
        said.append(line("  ", Span(f"{entry['published']} on {entry['site']}", "loud"), f"  {entry['summary']}"))
        said.append(f"    {entry['command']}")
    return said


def _document(entry: Entry) -> dict[str, object]:
    return {
        "runbook": entry.name,
        "path": str(entry.path),
        "title": entry.title,
        "symptoms": list(entry.symptoms),
        "flaw": entry.flaw,
    }


def _catalogue_lines(config: Configuration, entries: list[Entry]) -> list[Line | str]:
    if not entries:
        where = "its folders have no *.runbook.yaml" if config.runbooks else "it names no folders of runbooks"
        return [f"No runbooks of your own: {config.path} {'is not there' if not config.path.exists() else where}."]
    said: list[Line | str] = [line(Span("Runbooks", "bold"))]
    for entry in entries:
        said.append(line("  ", Span(pad(entry.name, 26), "bold"), entry.title))
        if entry.flaw:
            said.append(line(" " * 28, Span(f"cannot be read: relight lint {entry.path}", "warn")))
        if entry.symptoms:
            said.append(line(" " * 28, Span(f"when: {', '.join(entry.symptoms)}", "dim")))
    return said


def _shipped_lines(names: tuple[str, ...]) -> list[Line | str]:
    return [f"Shipped with relight: {', '.join(names)}"] if names else []
