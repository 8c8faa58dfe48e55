"""Rehearsals drawn: as rows for the terminal, and as files that need nothing else."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from relight.cli.rehearse_compare import cost
from relight.cli.terminal import Line, Span, terminal_width
from relight.control.rehearsing import Played
from relight.errors import JournalError, UsageError

if TYPE_CHECKING:
    from relight.charts import Sheet
    from relight.cli.door import Door
    from relight.cli.rehearse_playing import Shown


def sheet(played: Played, where: str, seed: int, change: str = "") -> "Sheet":
    """Return what there is to draw of a rehearsal."""
    from relight.control.sheets import sheet_of
    from relight.control.wording import span

    rehearsed = played.rehearsed
    what = f"{played.plan.runbook} at {where}"
    title = f"{what}: {change or played.title or played.name}" if change or played.title or played.name else what
    world = f"a rehearsal in the site's simulation, seed {seed}" if played.simulation is not None else "a rehearsal"
    return sheet_of(
        played.plan,
        [(told.fact, told.stage) for told in rehearsed.told],
        outcome=f"{rehearsed.run.state} after {span(rehearsed.duration_ms)}",
        curves=played.simulation.curves() if played.simulation is not None else (),
        title=title,
        note=world,
        rows=cost(played),
    )


def chart_lines(played: Played, where: str, seed: int) -> Iterator[Line | str]:
    """Yield stages and curves over one axis; nothing where there are no curves."""
    if played.simulation is None:
        return
    from relight.charts import chart_rows

    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    for row in chart_rows(sheet(played, where, seed), width=terminal_width(sys.stdout), ascii_only=ascii_only):
        yield tuple(Span(text, style) for text, style in row)
    yield ""


def keep_shown(door: "Door", every: "Iterable[Shown]") -> None:
    """Keep what came of rehearsals beside the runs, for the page; where there is no journal yet, nothing is."""
    from relight.control.durations import keep_rehearsed
    from relight.control.keeping import keep_rehearsal

    with suppress(JournalError):
        journal = door.journal_if_any()
        for each in every if journal is not None else ():
            keep_rehearsal(journal, each.document(), sheet(each.played, each.place.where, each.seed))
            keep_rehearsed(journal, each.played)


def write_drawings(svg: Path | None, html: Path | None, sheets: "list[Sheet]") -> None:
    """Write the files that were asked for; the first sheet is the image, all of them are the page.

    Raises:
        UsageError: a file cannot be written.
    """
    from relight.charts import html_page, svg_image

    if svg is not None:
        write_file(svg, svg_image(sheets[0]))
    if html is not None:
        write_file(html, html_page(sheets[0].title, sheets))


def write_file(path: Path, text: str) -> None:
    """Write a result to a file.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        hint = "name a file in a folder that is there and may be written to"
        raise UsageError(f"{path} cannot be written: {error.strerror or error}", hint=hint) from error
