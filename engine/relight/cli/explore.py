"""The command that goes through every outcome of a runbook."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relight.cli.door import Door, with_door
from relight.cli.terminal import write_lines
from relight.errors import JournalError

if TYPE_CHECKING:
    from relight.control.exploring import Explored

FOLDER: click.Path = click.Path(path_type=Path, file_okay=False)
STATES_MAX = 40_000
"""States of one walk before it gives up: five times what the largest shipped runbook has, and about a minute."""
NOT_CLEAN = 1


@click.command()
@click.argument("runbook")
@click.option("--site", metavar="SITE", help="The site's document or name: its people and bindings count.")
@click.option("-i", "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="A value for an input.")
@click.option("--max-states", type=click.IntRange(1), default=STATES_MAX, show_default=True, help="When to give up.")
@click.option("--stage", "stages", multiple=True, metavar="STAGE", help="Only this stage's rows of the decision table.")
@click.option("--code", "codes", multiple=True, metavar="CODE", help="Only this hold's rows of the decision table.")
@click.option("--save", metavar="DIR", type=FOLDER, help="Write each violation's way there as a rehearsal.")
@click.option("--format", "form", type=click.Choice(["text", "json", "mermaid"]), help="How it is shown.")
@with_door
def explore(
    door: Door,
    runbook: str,
    site: str | None,
    inputs: tuple[str, ...],
    max_states: int,
    stages: tuple[str, ...],
    codes: tuple[str, ...],
    save: Path | None,
    form: str | None,
) -> int:
    """Go through every outcome of a runbook; say what can go wrong.

    RUNBOOK is a document, a name of your catalogue, or a runbook that comes with relight. The same engine takes every
    step's and check's every outcome, every answer at every gate, every verb, and a crash at any moment; nothing is
    called. Without --site it takes place at a site made up from the runbook. It ends with the decision table: every
    hold that can happen, what is in force then, and each legal verb; holds that are alike stand together, and with
    --stage or --code each stands for itself, with where its verbs led.
    Exits 0 when it is clean and complete, 1 when something can go wrong or a bound was hit, 3 on a wrong document.
    """
    from relight.control.decision_table import wanted_rows
    from relight.control.exploration_report import exploration_document, mermaid, report_lines
    from relight.control.keeping import keep_exploration
    from relight.control.planning import planned_or_raise

    _check_codes(codes)
    explored, starter = _explored(runbook, site, inputs, max_states)
    plan = planned_or_raise(explored.planned)
    _check_stages(stages, [stage.id for stage in plan.stages])
    found = explored.exploration
    assert found is not None, "there is a plan"
    document = exploration_document(explored, starter)
    with suppress(JournalError):
        keep_exploration(door.journal_if_any(), document)
    document["decisions"] = wanted_rows(document["decisions"], stages, codes)
    if save is not None:
        _save(door, save, explored, starter)
    if form == "mermaid":
        write_lines(mermaid(found), sys.stdout)
    elif form == "json":
        _json(door, document)
    else:
        door.show(document, lambda: list(report_lines(document, each=bool(stages or codes))))
    return 0 if found.verdict == "clean" else NOT_CLEAN


def _check_codes(codes: tuple[str, ...]) -> None:
    from relight.errors import UsageError
    from relight.kernel.holds import HOLDS

    for code in codes:
        if code not in HOLDS:
            raise UsageError(f"no hold has the code {code!r}", hint=f"codes are {', '.join(HOLDS)}")


def _check_stages(stages: tuple[str, ...], known: list[str]) -> None:
    from relight.errors import UsageError

    for stage in stages:
        if stage not in known:
            raise UsageError(f"the runbook has no stage {stage!r}", hint=f"its stages are {', '.join(known)}")


def _explored(runbook: str, site: str | None, inputs: tuple[str, ...], max_states: int) -> "tuple[Explored, str]":
    from relight import bootstrap
    from relight.cli.configuration import find_runbook, find_site
    from relight.cli.documents import given_inputs
    from relight.control.exploring import explore as explore_runbook
    from relight.control.people import os_name
    from relight.runbook.reading import read_site
    from relight.runbook.stand_in import STARTER

    starter, place = STARTER, None
    if site is not None:
        place = find_site(site)
        read = read_site(place).document
        me = os_name()
        known = [person.id for person in read.people if person.os == me] if read is not None else []
        starter = known[0] if known else f"os:{me}"
    explored = explore_runbook(
        find_runbook(runbook),
        place,
        given_inputs(inputs),
        starter=starter,
        registry=bootstrap.registry(),
        states_max=max_states,
    )
    return explored, starter


def _json(door: Door, document: dict[str, Any]) -> None:
    from relight.cli.terminal import write_json

    write_json(document, sys.stdout, compact=door.output == "jsonl")


def _save(door: Door, folder: Path, explored: "Explored", starter: str) -> None:
    from relight.control.saved_stories import rehearsals
    from relight.errors import UsageError

    assert explored.exploration is not None, "there is a plan"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in rehearsals(explored.exploration, starter):
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
            door.tell(f"wrote {folder / name}.yaml")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}", hint="name another folder") from None
