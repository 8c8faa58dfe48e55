"""The rehearsals of the shipped runbooks: each ends as it should, and together they leave nothing out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from relight.cli.rehearse_playing import Order, Shown, play_order
from relight.drivers.rehearsal.moments import Moment
from relight.kernel.facts import Held
from relight.runbook.rehearsals import read_rehearsal, rehearsals_beside
from relight.shipped import runbook, runbook_names

SCRIPTS = [(name, script) for name in runbook_names() for script in rehearsals_beside(runbook(name))]
PLACES: dict[str, dict[str, Any]] = {name: {} for name in runbook_names()}


def play(name: str, script: Path) -> Shown:
    """Play one of them; a runbook is planned once for all of its rehearsals."""
    return play_order(Order(runbook=runbook(name), script=script, places=PLACES[name]))


@pytest.mark.parametrize(("name", "script"), SCRIPTS, ids=[f"{name}: {script.stem}" for name, script in SCRIPTS])
def test_a_rehearsal_ends_as_it_should(name: str, script: Path) -> None:
    """It leads to the ending that its document states, and is called like its file."""
    shown = play(name, script)
    assert shown.played.unmet == ()
    assert shown.played.name == script.stem


@pytest.mark.parametrize("name", runbook_names())
def test_every_stage_fails_and_every_gate_is_refused(name: str) -> None:
    """There is a rehearsal in which each stage holds, each gate is denied, and each expires."""
    held: set[str] = set()
    happened: set[Moment] = set()
    for each, script in SCRIPTS:
        if each != name:
            continue
        played = play(name, script).played.rehearsed
        happened |= {moment for _, moment in played.story.happened}
        stages = [told.fact.stage for told in played.told if isinstance(told.fact, Held)]
        held |= {stage for stage in stages if stage}
    plan = next(iter(PLACES[name].values())).plan
    gates = [stage.id for stage in plan.stages if stage.gate is not None]
    assert held == {stage.id for stage in plan.stages}
    for word in ("denied", "expired", "opened"):
        assert {moment.name for moment in happened if moment.kind == "gate" and moment.word == word} == set(gates)


@pytest.mark.parametrize(("name", "script"), SCRIPTS, ids=[f"{name}: {script.stem}" for name, script in SCRIPTS])
def test_a_rehearsal_says_what_it_shows(name: str, script: Path) -> None:
    """It has a title for whoever reads the list, and states its ending."""
    document = read_rehearsal(script).document
    assert document is not None
    assert document.title
    assert document.expect is not None
    assert document.expect.state is not None
