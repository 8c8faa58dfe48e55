"""The command that rehearses a runbook: the same engine, a world that is played, and hours in milliseconds."""

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relight.cli.door import Door, with_door
from relight.errors import RunbookError, UsageError

if TYPE_CHECKING:
    from relight.cli.rehearse_place import Place
    from relight.control.rehearsing import Played
    from relight.drivers.rehearsal.calm import Calm
    from relight.runbook.complaints import Complaint
    from relight.runbook.rehearsal_document import Rehearsal
    from relight.runbook.source import Source

FILE: click.Path = click.Path(path_type=Path)
SEED = 7
NOT_AS_IT_SHOULD = 1


@click.command()
@click.argument("runbook")
@click.option("--site", metavar="SITE", help="The site's document, its name in your configuration, or practice.")
@click.option("-i", "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="A value for an input.")
@click.option(
    "--script", metavar="FILE", type=click.Path(path_type=Path), help="What is to happen, and how it has to end."
)
@click.option("--all", "every", is_flag=True, help="Every rehearsal in the folder rehearsals beside the runbook.")
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path), help="Write what came of it as JUnit XML.")
@click.option(
    "--what-if", "what_ifs", multiple=True, metavar="PATH=VALUE", help="Play it with this change too, and compare."
)
@click.option(
    "--against", metavar="SITE", help="Read a real site and go through its check modes; nothing is written there."
)
@click.option("--replay", metavar="RUN", help="Play a past run to the runbook as it is now; name the first divergence.")
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
    what_ifs: tuple[str, ...],
    against: str | None,
    replay: str | None,
    seed: int | None,
) -> int:
    """See what a runbook does before the night; nothing is touched.

    RUNBOOK is a document, a name of your catalogue, or a runbook that comes with relight. The same engine runs it in a
    world that is played, hours in milliseconds; no provider is called and no credential used. Without --site it takes
    place at the practice site on paper, or at one made up from the runbook.
    Exits 0 when it ended as it should, 1 when not, 3 when a document is wrong.
    """
    from relight.cli.configuration import find_runbook
    from relight.cli.documents import given_inputs

    path = find_runbook(runbook)
    given = given_inputs(inputs)
    if every and script is not None:
        raise UsageError("--all plays every rehearsal, --script one", hint="leave one of them out")
    if replay is not None:
        if every or script is not None or what_ifs or against is not None:
            raise UsageError("--replay plays what was recorded and nothing else", hint="leave the other option out")
        from relight.cli.rehearse_replay import replay_run

        return replay_run(door, path, site, given, replay)
    if against is not None:
        if every or what_ifs or junit is not None:
            hint = "leave out --all, --junit and --what-if; --script FILE is fine"
            raise UsageError("--against plays one rehearsal", hint=hint)
        return _against(door, path, _real_site(against, site), given, script)
    if what_ifs:
        if every or junit is not None:
            raise UsageError(
                "--what-if compares one rehearsal", hint="leave out --all and --junit, or add --script FILE"
            )
        return _compare(door, path, site, given, script, what_ifs, seed)
    if every or junit is not None:
        return _all(door, path, site, given, [script] if script is not None else None, junit, seed)
    played, place, dice = _play(path, site, given, script, seed)
    _show(door, played, place, dice)
    return 0 if played.ok else NOT_AS_IT_SHOULD


def _play(
    runbook: "Path | Source",
    site: str | None,
    given: dict[str, Any],
    script: Path | None,
    seed: int | None,
    *,
    observe: bool = False,
) -> "tuple[Played, Place, int]":
    """Play it once, by its script if it has one; *observe*: at the real site, which is only looked at."""
    if script is not None:
        return _scripted(runbook, site, given, script, seed, observe=observe)
    from relight.cli.rehearse_place import find_place

    place, dice = find_place(runbook, site, given), SEED if seed is None else seed
    simulation = None if observe else place.simulation(dice)
    return _played(place, observe=observe, simulation=simulation), place, dice


def _played(place: "Place", *, observe: bool, **how: Any) -> "Played":
    from relight.control.rehearsing import play

    if not observe:
        return play(place.plan, place.registry, starter=place.starter, **how)
    from relight.control.observing import Observed

    with contextlib.ExitStack() as stack:

        def over(calm: "Calm") -> Observed:
            return stack.enter_context(Observed(place.plan, place.registry, calm))

        return play(place.plan, place.registry, starter=place.starter, over=over, **how)


def _real_site(against: str, site: str | None) -> str:
    """Return the site that is looked at: what --against names, or --site where it says `site` or `observe`."""
    if against in ("site", "observe"):
        if site is None:
            raise UsageError(f"--against {against} looks at the site that --site names", hint="add --site SITE")
        return site
    return against.removesuffix("/observe")


def _against(door: Door, path: Path, site: str, given: dict[str, Any], script: Path | None) -> int:
    from relight.cli.configuration import find_site

    find_site(site)  # a site on paper has nothing to look at
    played, place, _ = _play(path, site, given, script, None, observe=True)
    _show(door, played, place, SEED)
    return 0 if played.ok else NOT_AS_IT_SHOULD


def _show(door: Door, played: "Played", place: "Place", seed: int) -> None:
    from relight.cli.rehearse_view import story_lines
    from relight.control.rehearsing import document

    shown = document(played)
    shown["where"] = place.where
    shown["seed"] = seed if played.simulation is not None else None
    door.show(shown, lambda: story_lines(played, place.where, seed))


def _compare(
    door: Door,
    path: Path,
    site: str | None,
    given: dict[str, str],
    script: Path | None,
    what_ifs: tuple[str, ...],
    seed: int | None,
) -> int:
    """Play it as it is and with each change, and show them side by side."""
    from relight.cli.rehearse_compare import compared, compared_lines
    from relight.runbook.source import source_from_file
    from relight.runbook.what_if import changed, changes, inputs_and_rest

    source = source_from_file(path)
    played, place, _ = _play(source, site, given, script, seed)
    plays = [("", played)]
    for text in what_ifs:
        inputs, rest = inputs_and_rest(changes(text))
        plays.append((text, _play(changed(source, rest), site, {**given, **inputs}, script, seed)[0]))
    door.show(compared(plays), lambda: compared_lines(plays, place.where))
    return 0 if all(played.ok for _, played in plays[1:]) else NOT_AS_IT_SHOULD


# ---- scripts


def _scripted(
    path: "Path | Source",
    site: str | None,
    given: dict[str, Any],
    script: Path,
    seed: int | None,
    *,
    observe: bool = False,
) -> "tuple[Played, Place, int]":
    """Play one rehearsal document.

    Raises:
        RunbookError: it is wrong; carries every complaint.
    """
    from relight.cli.rehearse_place import find_place
    from relight.control.scripting import scripted
    from relight.runbook.rehearsals import read_rehearsal

    read = read_rehearsal(script)
    if read.document is None or not read.is_valid:
        raise _wrong(script, list(read.complaints))
    rehearsal = read.document
    place = find_place(path, site, {**_inputs(rehearsal), **given}, rehearsal.starter)
    said = scripted(rehearsal, place.plan, read.complaints)
    dice = rehearsal.seed if seed is None else seed
    simulated = rehearsal.world == "simulation" and not observe
    simulation = place.simulation(dice) if simulated else None
    if simulated and simulation is None:
        hint = "give the site a `simulation`, or write `world: calm`"
        read.complaints.add("RL704", rehearsal.place("world"), f"{place.where} has no simulation", hint)
    if not read.is_valid:
        raise _wrong(script, list(read.complaints))
    played = _played(
        place,
        observe=observe,
        script=said.script,
        expected=said.expected,
        name=rehearsal.rehearsal,
        title=rehearsal.title or "",
        simulation=simulation,
    )
    return played, place, dice


def _inputs(rehearsal: "Rehearsal") -> dict[str, Any]:
    from relight.runbook.yaml12 import plain

    return {name: plain(value) for name, value in rehearsal.inputs.items()}


def _wrong(script: Path, complaints: "list[Complaint]") -> RunbookError:
    from relight.control.wording import counted

    errors = sum(complaint.severity == "error" for complaint in complaints)
    hint = "mend what is named above; `relight schema rehearsal` says what a rehearsal may hold"
    return RunbookError(f"{counted(errors, 'mistake')} in {script}", complaints=complaints, hint=hint)


# ---- all of them


def _all(
    door: Door,
    path: Path,
    site: str | None,
    given: dict[str, str],
    scripts: list[Path] | None,
    junit: Path | None,
    seed: int | None,
) -> int:
    from relight.cli.rehearse_view import all_lines
    from relight.runbook.rehearsals import FOLDER, rehearsals_beside

    found = scripts if scripts is not None else rehearsals_beside(path)
    if not found:
        hint = f"write one: {path.parent / FOLDER}/NAME.yaml; `relight schema rehearsal` says what it may hold"
        raise UsageError(f"there is no rehearsal beside {path}", hint=hint)
    began = time.perf_counter()
    plays: list[tuple[Played, float]] = []
    documents: list[dict[str, Any]] = []
    wrong: dict[str, RunbookError] = {}
    for script in found:
        start = time.perf_counter()
        try:
            played, place, dice = _scripted(path, site, given, script, seed)
        except RunbookError as error:
            wrong[script.stem] = error
            continue
        plays.append((played, time.perf_counter() - start))
        documents.append(_document(played, place, dice))
    took_s = time.perf_counter() - began
    if junit is not None:
        from relight.cli.rehearse_junit import write_junit

        broken = {
            name: [str(getattr(each, "message", each)) for each in error.complaints] for name, error in wrong.items()
        }
        write_junit(junit, path.name.removesuffix(".runbook.yaml"), plays, broken)
    if plays or not wrong:
        door.show_each("rehearsals", documents, lambda: all_lines([played for played, _ in plays], took_s))
    if wrong:
        complaints = [complaint for error in wrong.values() for complaint in error.complaints]
        names = ", ".join(wrong)
        message = f"{len(wrong)} of {len(found)} rehearsals could not be played: {names}"
        raise RunbookError(message, complaints=complaints, hint="mend what is named above")
    return 0 if all(played.ok for played, _ in plays) else NOT_AS_IT_SHOULD


def _said(complaint: object) -> str:
    return f"{getattr(complaint, 'place', '')}: {getattr(complaint, 'message', complaint)}"


def _document(played: "Played", place: "Place", seed: int) -> dict[str, Any]:
    from relight.control.rehearsing import document

    return {**document(played), "where": place.where, "seed": seed if played.simulation is not None else None}
