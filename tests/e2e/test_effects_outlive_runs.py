"""What a run left in force, at a terminal: told before the next run, adopted by it, and undone when its run is over."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relight.control.people import os_name
from relight.testing.terminal import Terminal

SITE = """\
site: lab
schema: relight/v1
environment: staging
people:
  - {id: me, roles: [ic], os: %s}
"""
RUNBOOK = """\
runbook: dam
schema: relight/v1
title: A dam that is built, and taken away at the end
lock: [river]
stages:
  - id: build
    steps:
      - id: dam
        action: shell.run
        with: {argv: [sh, -c, "echo built >> %(folder)s/dam"]}
        undo: {action: shell.run, with: {argv: [sh, -c, "rm %(folder)s/dam && echo gone >> %(folder)s/gone"]}}
        protective: true
      - id: sign
        action: shell.run
        with: {argv: [touch, "%(folder)s/sign"]}
        undo: {action: shell.run, with: {argv: [rm, "%(folder)s/sign"]}}
  - id: open
    gate:
      title: Let the water through?
      approval: {roles: [ic], allow_self_approval: true}
    steps:
      - {id: undam, undo: dam}
      - {id: unsign, undo: sign}
"""
STEPS = ("dam", "sign")


def waits_at_gate(status: dict[str, Any]) -> bool:
    return bool(status["waiting_on"]) and status["waiting_on"]["kind"] == "gate"


def state(word: str) -> Callable[[dict[str, Any]], bool]:
    return lambda seen: bool(seen["state"] == word)


class River:
    """The runbook, its site, and what the terminal says of them."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.runbook = terminal.write("dam.runbook.yaml", RUNBOOK % {"folder": terminal.folder})
        self.site = terminal.write("lab.site.yaml", SITE % os_name())

    def file(self, name: str) -> Path:
        return self.terminal.folder / name

    def at_gate(self) -> str:
        run = self.terminal.start(self.runbook, self.site)
        self.terminal.wait(run, waits_at_gate, "the gate")
        return run

    def aborted(self) -> str:
        run = self.at_gate()
        assert self.terminal.type("abort", run, "--reason", "the river is high").returncode == 0
        self.terminal.wait(run, state("aborted"), "the end")
        return run

    def opened(self, run: str) -> dict[str, Any]:
        ticket = self.terminal.status(run)["waiting_on"]["ticket"]
        assert self.terminal.type("approve", run, ticket).returncode == 0
        return self.terminal.wait(run, state("succeeded"), "the end")

    def effects(self) -> list[tuple[str, str]]:
        said = json.loads(self.terminal.type("effects", "-o", "json").stdout)
        return sorted((each["run"], each["step"]) for each in said["effects"])


@pytest.fixture
def river(terminal: Terminal) -> River:
    """A river to be dammed."""
    return River(terminal)


def test_the_next_run_adopts_what_an_aborted_one_left_and_takes_it_away(river: River) -> None:
    """The plan says so before; each undo happens once, and at the end nothing is in force."""
    first = river.aborted()
    assert [(first, step) for step in STEPS] == river.effects()
    planned = river.terminal.type("plan", str(river.runbook), "--site", str(river.site))
    text = " ".join(planned.stdout.split())
    assert f"ADOPTS dam shell.run, in force since run {first} (aborted " in text
    second = river.at_gate()
    assert [(second, step) for step in STEPS] == river.effects()
    assert "ADOPTED from run " + first in river.terminal.type("log", second).stdout
    ended = river.opened(second)
    assert ([], []) == (ended["effects_in_force"], river.effects())
    assert "gone\n" == river.file("gone").read_text()
    assert not river.file("sign").exists()
    replay = river.terminal.type("rehearse", str(river.runbook), "--replay", second, "-o", "json")
    assert (0, True) == (replay.returncode, json.loads(replay.stdout)["ok"]), replay.stderr


def test_a_driver_that_is_killed_behind_an_adoption_changes_nothing_of_it(river: River) -> None:
    """kill -9 at the gate, resume: what was adopted is in the run's own facts."""
    river.aborted()
    run = river.at_gate()
    before = river.terminal.status(run)["effects_in_force"]
    os.kill(river.terminal.driver_pid(run), signal.SIGKILL)
    river.terminal.wait(run, lambda seen: seen["driver"] is None, "the driver's end")
    assert river.terminal.type("resume", run).returncode == 0
    after = river.terminal.wait(run, waits_at_gate, "the gate")["effects_in_force"]
    assert [(each["step"], each["undo"]) for each in before] == [(each["step"], each["undo"]) for each in after]
    river.opened(run)
    assert [] == river.effects()


def test_what_a_run_left_is_undone_after_its_end(river: River) -> None:
    """What protects as well: shown first, in a run of its own, and then nobody has it in force any more."""
    first = river.aborted()
    said = river.terminal.type("effects").stdout
    assert f"relight undo {first} dam" in said
    refused = river.terminal.type("undo", first)
    assert refused.returncode == 2
    assert "undoes what run" in refused.stderr
    done = river.terminal.type("undo", first, "dam", "--yes", "--reason", "the water has gone")
    assert done.returncode == 0, done.stderr
    assert not river.file("dam").exists()
    assert [(first, "sign")] == river.effects()
    newest = json.loads(river.terminal.type("runs", "-o", "json").stdout)["runs"][0]
    assert ("undo", "succeeded") == (newest["runbook"], newest["state"])
    report = json.loads(river.terminal.type("report", newest["run"], "-o", "json").stdout)
    assert f"Undo what run {first} (dam) left in force: the water has gone" == report["title"]
    assert 4 == river.terminal.type("undo", first, "dam", "--yes").returncode
    assert 0 == river.terminal.type("undo", first, "--yes").returncode
    assert [] == river.effects()


def test_an_undo_that_fails_holds_and_is_tried_again(river: River) -> None:
    """Nothing of it is lost: the run that undoes holds it, and says what went wrong."""
    first = river.aborted()
    river.file("sign").rename(river.file("hidden"))
    ended = river.terminal.type("undo", first, "sign", "--yes", "--until-decision")
    assert (7, ended.stderr.count("HELD")) == (ended.returncode, 1), ended.stderr
    run = json.loads(river.terminal.type("runs", "-o", "json").stdout)["runs"][0]["run"]
    assert sorted([(first, "dam"), (run, f"{first}/sign")]) == river.effects()
    refused = river.terminal.type("run", str(river.runbook), "--site", str(river.site), "--yes")
    assert (75, True) == (refused.returncode, "river" in refused.stderr)
    river.file("hidden").rename(river.file("sign"))
    assert river.terminal.type("retry", run).returncode == 0
    river.terminal.wait(run, state("succeeded"), "the end")
    assert [(first, "dam")] == river.effects()
