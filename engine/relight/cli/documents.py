"""The commands about documents: lint, plan, schema."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relight.cli.door import Door, with_door
from relight.cli.terminal import Line, Span, line, pad, terminal_width, write_json, write_lines
from relight.control.planning import plan_document, planned_or_raise
from relight.errors import RunbookError, UsageError

if TYPE_CHECKING:
    from relight.control.looking import Seen
    from relight.journal.port import Journal
    from relight.kernel.plan import Plan
    from relight.runbook.plan import Planned
    from relight.runbook.site_document import Site
    from relight.runbook.source import Source

LINT_FORMATS = ("text", "json", "github", "sarif")


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--format", "form", type=click.Choice(LINT_FORMATS), help="How complaints are written; -o json is json.")
@with_door
def lint(door: Door, paths: tuple[str, ...], form: str | None) -> int:
    """Check runbooks and sites; say every problem with its place and its mend.

    Exits 0 when nothing is wrong (warnings aside), else 3. PATH is a document, a folder of them, a name of your
    catalogue, or - for standard input.
    """
    from relight.runbook.offers import Offers
    from relight.runbook.reading import read_any
    from relight.runbook.render import FORMATS

    form = form or ("text" if door.for_people else "json")
    offers = Offers()
    found: list[Any] = []
    left_out = errors = 0
    sources = [source for path in paths for source in _sources(path)]
    for source in sources:
        complaints = read_any(source, offers).complaints
        found += list(complaints)
        left_out += complaints.left_out
        errors += complaints.errors
    text = FORMATS[form](found, left_out)
    if form in {"json", "sarif"}:
        write_json(json.loads(text), sys.stdout, compact=door.output == "jsonl")
    elif form == "text":
        write_lines(text.splitlines(), sys.stdout)
        door.tell(_summary(len(sources), errors, len(found) + left_out - errors))
    else:
        write_lines(text.splitlines(), sys.stdout)
    return RunbookError.exit_code if errors else 0


def _sources(path: str) -> "list[Source]":
    """Return the documents that *path* means."""
    from relight.cli.configuration import find_runbook
    from relight.runbook.gathering import STDIN, source_from_stream, sources_in
    from relight.runbook.source import source_from_file

    if path == STDIN:
        return [source_from_stream(sys.stdin.buffer)]
    if Path(path).is_dir():
        return sources_in(Path(path))
    return [source_from_file(find_runbook(path))]


def _summary(documents: int, errors: int, warnings: int) -> str:
    from relight.control.wording import counted

    said = f"{counted(documents, 'document')}: {counted(errors, 'error')}"
    return said + (f", {counted(warnings, 'warning')}" if warnings else "")


@click.command()
@click.argument("document", type=click.Choice(["runbook", "site", "rehearsal"]))
@with_door
def schema(door: Door, document: str) -> None:
    """Print a document's JSON Schema, for editors.

    Save it beside your documents and name it in their first line:
    # yaml-language-server: $schema=relight-runbook.schema.json
    """
    from relight.runbook.schema import json_schema

    write_json(json_schema(document), sys.stdout, compact=door.output == "jsonl")


def planning_options(command: Any) -> Any:
    """Give a command what a plan is made of."""
    command = click.option(
        "-i", "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="A value for one of the runbook's inputs."
    )(command)
    command = click.option(
        "--site", required=True, metavar="SITE", help="The site's document, or its name in your configuration."
    )(command)
    return click.argument("runbook")(command)


@click.command()
@planning_options
@click.option("--offline", is_flag=True, help="Ask no provider what the steps would change.")
@with_door
def plan(door: Door, runbook: str, site: str, inputs: tuple[str, ...], offline: bool) -> None:
    """Resolve a runbook against a site and show what a run would do.

    RUNBOOK is a document, a name of your catalogue, or a runbook that comes with relight. Nothing is changed:
    providers are only asked what each step would change, for five seconds at most. A site called practice is the
    one of the drill, on paper.
    """
    from relight.cli.configuration import find_site_or_paper

    origin = find_site_or_paper(site, runbook)
    planned, _, starter = prepare(runbook, origin, inputs)
    made = planned_or_raise(planned)
    seen = seen_now(made) if isinstance(origin, Path) and not offline else None
    document = with_past(door, made, plan_document(planned, starter, seen, readable_journal(door)))

    def lines() -> list[Line | str]:
        from relight.runbook.describe_text import plan_text

        return [*plan_text(document).splitlines(), *answer_lines(seen), *outsider_lines(made, starter)]

    door.show(document, lines)


def readable_journal(door: Door) -> "Journal | None":
    """Return the journal where there is one that can be opened: a plan can be read without it."""
    from relight.errors import JournalError

    try:
        return door.journal_if_any()
    except JournalError:
        return None


def with_past(door: Door, made: "Plan", document: dict[str, Any]) -> dict[str, Any]:
    """Put into a described plan what its steps took before, where this journal has runs of it."""
    from relight.control.durations import NOTHING, usual_mended, with_usual
    from relight.errors import JournalError

    try:
        journal = readable_journal(door)
        known = NOTHING if journal is None else usual_mended(journal, made.runbook, made.site)
    except JournalError:
        known = NOTHING  # a plan can be read where the journal cannot
    return with_usual(document, made, known)


def seen_now(made: "Plan") -> "Seen":
    """Return what the plan's providers say."""
    from relight import bootstrap
    from relight.control.looking import look

    return look(made, bootstrap.registry())


def answer_lines(seen: "Seen | None") -> list[Line | str]:
    """Return which providers answer."""
    said: list[Line | str] = []
    for answer in seen.answers if seen is not None else ():
        bad = "CANNOT BE READ" if answer.plugin == "secret" else "DOES NOT ANSWER"
        word = Span("answers", "good") if answer.ok else Span(bad, "loud")
        said.append(
            line(Span(pad(answer.provider, 12), "bold"), pad(f"({answer.plugin})", 14), word, f"  {answer.text}")
        )
    return ["", *said] if said else []


def outsider_lines(made: "Plan", starter: str) -> list[Line | str]:
    """Return what whoever starts a run should know whom its site does not: they will not be able to decide."""
    account = starter.removeprefix("os:")
    if account == starter:
        return []
    site = made.sources.get("site") or made.site
    from relight.cli.live_rows import LABEL, paragraph, row

    said = (
        f"{made.site} knows nobody with the account {account}: you may start this and stop it, but open none of its"
        f" gates. If you are one of its people, write `os: {account}` beside your name in {site}."
    )
    parts = paragraph(said, terminal_width(sys.stderr) - LABEL)
    return ["", *(row("NOTE" if number == 0 else " ", part) for number, part in enumerate(parts))]


def prepare(runbook: str, site: "Path | Source", inputs: tuple[str, ...]) -> "tuple[Planned, Site | None, str]":
    """Return what came of planning, the site as far as it could be read, and who would start the run."""
    from relight.cli.configuration import find_runbook
    from relight.control.people import os_name
    from relight.runbook.plan import prepare_plan
    from relight.runbook.reading import read_site

    read = read_site(site).document
    me = os_name()
    known = [person.id for person in read.people if person.os == me] if read is not None else []
    starter = known[0] if known else f"os:{me}"
    planned = prepare_plan(find_runbook(runbook), site, given_inputs(inputs), starter=starter)
    return planned, read, starter


def given_inputs(texts: tuple[str, ...]) -> dict[str, str]:
    """Return ``name=value`` words as a mapping.

    Raises:
        UsageError: one of them is not formed so, or a name is given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{text!r} gives no input a value", hint="write -i name=value")
        if name.strip() in found:
            raise UsageError(f"input {name.strip()} is given twice", hint="give it once")
        found[name.strip()] = value
    return found
