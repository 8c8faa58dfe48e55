"""The command that rehearses a runbook: the same engine, a world that is played, and hours in milliseconds."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relight.cli.door import Door, with_door
from relight.errors import UsageError

if TYPE_CHECKING:
    from relight.cli.rehearse_playing import Order

FILE: click.Path = click.Path(path_type=Path)
NOT_AS_IT_SHOULD = 1
CHANGES_MAX = 25
"""Columns that are compared; a terminal has room for six."""


@click.command()
@click.argument("runbook")
@click.option("--site", metavar="SITE", help="The site's document, its name in your configuration, or practice.")
@click.option("-i", "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="A value for an input.")
@click.option("--script", metavar="FILE", type=FILE, help="What is to happen, and how it has to end.")
@click.option("--all", "every", is_flag=True, help="Every rehearsal in the folder rehearsals beside the runbook.")
@click.option("--junit", metavar="FILE", type=FILE, help="Write what came of it as JUnit XML.")
@click.option(
    "--what-if", "changes", multiple=True, metavar="PATH=VALUE", help="Play it with this change, and compare."
)
@click.option("--against", metavar="SITE", help="Look at a real site; nothing is written there.")
@click.option("--replay", metavar="RUN", help="Play a past run to the runbook as it is now; name the first divergence.")
@click.option("--svg", metavar="FILE", type=FILE, help="Draw stages and curves as an image.")
@click.option("--html", metavar="FILE", type=FILE, help="Draw them as a page that needs nothing else.")
@click.option("--seed", type=click.IntRange(0), help="Of the simulation's dice; 7 without it.")
@with_door
def rehearse(
    door: Door,
    runbook: str,
    site: str | None,
    inputs: tuple[str, ...],
    script: Path | None,
    every: bool,
    junit: Path | None,
    changes: tuple[str, ...],
    against: str | None,
    replay: str | None,
    svg: Path | None,
    html: Path | None,
    seed: int | None,
) -> int:
    """See what a runbook does before the night; nothing is touched.

    RUNBOOK is a document, a name of your catalogue, or a runbook that comes with relight. The same engine runs it in a
    world that is played, hours in milliseconds; no provider is called and no credential used. Without --site it takes
    place at the practice site on paper, or at one made up from the runbook. With --against readings are real, and
    actions go through their check mode or are only shown.
    Exits 0 when it ended as it should, 1 when not, 3 when a document is wrong.
    """
    from relight.cli.configuration import find_runbook
    from relight.cli.documents import given_inputs
    from relight.cli.rehearse_playing import Order

    asked = {
        "--all": every,
        "--script": script is not None,
        "--what-if": bool(changes),
        "--against": against is not None,
        "--replay": replay is not None,
        "--junit": junit is not None,
        "--svg": svg is not None,
        "--html": html is not None,
    }
    _one_at_a_time({name for name, given in asked.items() if given})
    path = find_runbook(runbook)
    order = Order(runbook=path, site=site, inputs=given_inputs(inputs), script=script, seed=seed)
    if against is not None:
        order = replace(order, site=_real_site(against, site), observe=True)
    if replay is not None:
        from relight.cli.rehearse_replay import replay_run

        ok = replay_run(door, path, site, order.inputs, replay)
    elif every or junit is not None:
        from relight.cli.rehearse_many import rehearse_all

        ok = rehearse_all(door, order, path, junit)
    else:
        ok = _rehearse(door, order, changes, svg, html)
    return 0 if ok else NOT_AS_IT_SHOULD


_EXCLUDES = {
    "--all": {"--script", "--what-if", "--against", "--replay", "--svg", "--html"},
    "--replay": {"--script", "--what-if", "--against", "--junit", "--svg", "--html"},
    "--what-if": {"--against", "--junit", "--svg"},
    "--junit": {"--against", "--svg", "--html"},
}
"""What does not go together, in either order."""


def _one_at_a_time(asked: set[str]) -> None:
    for option, others in _EXCLUDES.items():
        both = sorted(others & asked) if option in asked else []
        if both:
            raise UsageError(f"{option} and {both[0]} do not go together", hint="leave one of them out")


def _real_site(against: str, site: str | None) -> str:
    """Return the site that is looked at: what --against names, or --site where it says ``site`` or ``observe``.

    Raises:
        UsageError: it names none that is real.
    """
    from relight.cli.configuration import find_site

    if against in ("site", "observe"):
        if site is None:
            raise UsageError(f"--against {against} looks at the site that --site names", hint="add --site SITE")
        named = site
    else:
        named = against.removesuffix("/observe")
    find_site(named)  # one on paper has nothing to look at
    return named


def _rehearse(door: Door, order: "Order", changes: tuple[str, ...], svg: Path | None, html: Path | None) -> bool:
    """Play it as it is and with each change, show that, and draw it where that is asked for."""
    from relight.cli.rehearse_drawing import keep_shown
    from relight.cli.rehearse_playing import play_order, with_changes

    if len(changes) > CHANGES_MAX:
        raise UsageError(f"{len(changes)} changes are too many to compare", hint=f"name {CHANGES_MAX} at most")
    orders = [("", order), *((text, with_changes(order, text)) for text in changes)]
    for _, each in orders if order.script is None else ():
        each.place(each.inputs)  # whoever mistyped a change shall not wait for the night to be played
    every = [(text, play_order(each)) for text, each in orders]
    shown = every[0][1]
    if not changes:
        keep_shown(door, [shown])
    if svg is not None or html is not None:
        from relight.cli.rehearse_drawing import sheet, write_drawings

        write_drawings(svg, html, [sheet(each.played, each.place.where, each.seed, change) for change, each in every])
    if changes:
        from relight.cli.rehearse_compare import compared_lines

        document = shown.document()
        document["what_if"] = [{"change": change, **one.document()} for change, one in every[1:]]
        plays = [(change, one.played) for change, one in every]
        door.show(document, lambda: compared_lines(plays, shown.place.where))
        return all(played.ok for _, played in plays[1:])
    from relight.cli.rehearse_view import story_lines

    door.show(shown.document(), lambda: story_lines(shown.played, shown.place.where, shown.seed))
    return shown.played.ok
