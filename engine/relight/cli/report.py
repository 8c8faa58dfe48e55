"""The command that writes down how a run went: for a ticket, for a postmortem, for a program."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relight.cli.door import Door, with_door
from relight.cli.terminal import write_lines
from relight.errors import UsageError

if TYPE_CHECKING:
    from relight.control.rehearsing import Played
    from relight.control.report import Rehearse
    from relight.journal.port import Row
    from relight.kernel.plan import Plan

FORMATS = ("markdown", "html")


@click.command()
@click.argument("run", required=False)
@click.option("--format", "form", type=click.Choice(FORMATS), help="What is written; markdown if left out.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the page there.")
@click.option("--rehearsal/--no-rehearsal", default=True, help="Compare with a rehearsal of the same plan, or do not.")
@with_door
def report(door: Door, run: str | None, form: str | None, html: Path | None, rehearsal: bool) -> None:
    """Write down how a run went, from recorded facts alone.

    RUN is the id or any unique beginning of it; left out, the only unfinished run, or else the last one.
    Markdown unless another format is asked for; --html writes one page that needs nothing else, with curves. It tells
    the time that machines and people took, checks against their thresholds, each decision with what was to be seen,
    what is still in force, and a rehearsal of the same plan beside it where the site has a simulation.
    """
    if html is not None and form == "markdown":
        raise UsageError("--html and --format markdown do not go together", hint="leave one of them out")
    if form is not None and not door.for_people:
        raise UsageError(f"--format {form} and -o {door.output} do not go together", hint="leave one of them out")
    from relight.control.report import report_document, report_html, report_markdown

    row = _row(door, run)
    document = report_document(door.journal, row.run, rehearse=_rehearse() if rehearsal else None)
    if html is not None:
        from relight.cli.rehearse_drawing import write_file

        write_file(html, report_html(document))
        door.tell(f"The report of {row.run} is in {html}.")
        if door.for_people:
            return
    if not door.for_people:
        door.show(document, list)
        return
    text = report_html(document) if form == "html" else report_markdown(document)
    _write(text)


def _write(text: str) -> None:
    """Write it as it stands where it goes to a file or a pipe; a terminal gets nothing that could move its cursor."""
    if sys.stdout.isatty():
        write_lines(text.splitlines(), sys.stdout)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()


def _row(door: Door, run: str | None) -> "Row":
    if run is not None:
        return door.run_row(run)
    if not door.journal.rows(unfinished=True, limit=1):
        newest = door.journal.rows(limit=1)
        if newest:
            door.tell(f"No run is unfinished; this is the last one, {newest[0].run}.")
            return newest[0]
    return door.run_row(None)


def _rehearse() -> "Rehearse":
    """Return what plays a run's plan at its site's simulation; the practice site's own is always at hand."""

    def rehearse(plan: "Plan", starter: str) -> "Played":
        from relight import bootstrap
        from relight.cli.practice import NAME, on_paper
        from relight.control.report import in_simulation_of

        path = Path(plan.sources.get("site", ""))
        origin: Any = path
        if not path.is_file():
            if plan.site != NAME:
                raise UsageError(f"the document of the site {plan.site} is not there any more ({path})")
            origin = on_paper(plan.runbook)
        return in_simulation_of(origin, bootstrap.registry())(plan, starter)

    return rehearse
