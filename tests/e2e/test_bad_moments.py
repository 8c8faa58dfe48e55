"""Kills, late approvals, second drivers and full disks, as somebody at a terminal meets them."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import apsw

from relight.control.people import os_name
from relight.testing.terminal import DEADLINE_S, Terminal

SITE = """\
site: lab
schema: relight/v1
environment: staging
people:
  - {id: me, roles: [ic], os: %s}
  - {id: bo, roles: [ic, owner], os: bo-has-no-account-here}
"""

GATED = """\
runbook: gated
schema: relight/v1
title: One step, a gate, another step
stages:
  - id: first
    steps:
      - id: made
        action: shell.run
        with: {argv: [touch, "%(folder)s/made"]}
        undo: {action: shell.run, with: {argv: [rm, "%(folder)s/made"]}}
  - id: second
    gate:
      title: Go on?
      approval: {roles: [ic], allow_self_approval: true}
    steps:
      - {id: again, action: shell.run, with: {argv: [touch, "%(folder)s/again"]}}
"""

SLOW = """\
runbook: slow
schema: relight/v1
title: A step that takes long and must not happen twice
stages:
  - id: only
    steps:
      - id: count
        action: shell.run
        with: {argv: [sh, -c, "echo begun >> %(folder)s/count; exec sleep 60"]}
        timeout: 2m
        undo: {action: shell.run, with: {argv: [rm, -f, "%(folder)s/count"]}}
      - {id: after, action: shell.run, with: {argv: [touch, "%(folder)s/after"]}}
"""


def documents(terminal: Terminal, runbook: str) -> tuple[Path, Path]:
    site = terminal.write("lab.site.yaml", SITE % os_name())
    return terminal.write("it.runbook.yaml", runbook % {"folder": terminal.folder}), site


def waits_at_gate(status: dict[str, Any]) -> bool:
    return bool(status["waiting_on"]) and status["waiting_on"]["kind"] == "gate"


def test_a_driver_that_is_killed_in_a_step_leaves_it_unknown_and_does_it_only_once(terminal: Terminal) -> None:
    """kill -9, resume: the step is not done again on a guess, its orphan is ended, and a person settles it."""
    runbook, site = documents(terminal, SLOW)
    run = json.loads(terminal.type("run", str(runbook), "--site", str(site), "--yes", "--detach", "-o", "json").stdout)[
        "run"
    ]
    count = terminal.folder / "count"
    terminal.wait(run, lambda _: count.exists(), "the step's beginning")
    os.kill(terminal.driver_pid(run), signal.SIGKILL)
    terminal.wait(run, lambda seen: not (seen["driver"] or {}).get("alive", False), "the driver's end")
    alone = terminal.type("watch", run, "--until-decision")
    assert (alone.returncode, "Its driver is GONE" in alone.stdout) == (7, True)
    assert "driver GONE" in terminal.type("runs").stdout
    assert terminal.type("pause", run).returncode == 0
    assert terminal.type("resume", run).returncode == 0
    assert json.loads(terminal.type("status", run, "-o", "json").stdout)["paused"] is False
    seen = terminal.wait(run, lambda seen: seen["state"] == "held", "the hold")
    assert terminal.type("status", run).returncode == 8
    assert seen["stages"][0]["steps"][0]["state"] == "unknown"
    assert any("mark" in command and "count done" in command for command in seen["next"])
    assert not _children_of_run(run)
    assert terminal.type("mark", run, "count", "done").returncode == 0
    ended = terminal.wait(run, lambda seen: seen["state"] == "succeeded", "the end")
    assert count.read_text() == "begun\n"
    assert (terminal.folder / "after").exists()
    assert [effect["step"] for effect in ended["effects_in_force"]] == ["count"]


def _children_of_run(run: str) -> list[int]:
    mark = f"RELIGHT_RUN={run}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0") and b"sleep" in (process / "comm").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def test_an_approval_that_comes_too_late_changes_nothing_and_says_why(terminal: Terminal) -> None:
    """The ticket was denied by then; the answer names who did, exits 4, and a new ticket is needed."""
    runbook, site = documents(terminal, GATED)
    run = terminal.start(runbook, site)
    ticket = terminal.wait(run, waits_at_gate, "the gate")["waiting_on"]["ticket"]
    assert terminal.type("status", run).returncode == 5
    assert terminal.type("deny", run, ticket, "--reason", "the graph says no").returncode == 0
    late = terminal.type("approve", run, ticket)
    assert late.returncode == 4
    assert "me denied it" in late.stderr
    assert ticket in late.stderr
    assert terminal.type("status", run).returncode == 6, "denied by a person"
    assert not (terminal.folder / "again").exists()
    assert terminal.type("ask", run).returncode == 0
    anew = terminal.wait(run, waits_at_gate, "the new ticket")["waiting_on"]["ticket"]
    assert anew != ticket
    assert terminal.type("approve", run, ticket).returncode == 4
    assert terminal.type("approve", run, anew).returncode == 0
    terminal.wait(run, lambda seen: seen["state"] == "succeeded", "the end")
    spent = terminal.type("approve", run, anew)
    assert spent.returncode == 4
    assert "over" in spent.stderr


def test_a_second_driver_is_refused(terminal: Terminal) -> None:
    """Somebody else drives the run: 75, and the run goes on undisturbed."""
    runbook, site = documents(terminal, GATED)
    run = terminal.start(runbook, site)
    refused = terminal.type("resume", run, "--foreground")
    assert refused.returncode == 75
    assert "Traceback" not in refused.stderr
    assert waits_at_gate(terminal.status(run))


def test_abort_ends_the_run_and_says_what_stays_in_force(terminal: Terminal) -> None:
    """Exit code 6, the effect of the first stage is left behind and listed with its undo."""
    runbook, site = documents(terminal, GATED)
    run = terminal.start(runbook, site)
    terminal.wait(run, waits_at_gate, "the gate")
    assert terminal.type("abort", run, "--reason", "rehearsed enough").returncode == 0
    terminal.wait(run, lambda seen: seen["state"] == "aborted", "the end")
    assert terminal.type("status", run).returncode == 6
    effects = json.loads(terminal.type("effects", "-o", "json").stdout)["effects"]
    assert [effect["step"] for effect in effects] == ["made"]
    assert "rm" in json.dumps(effects[0]["undo"])


def test_an_abort_that_cannot_undo_fails_the_run(terminal: Terminal) -> None:
    """Exit code 1 at every door that waits for the end, with what could not be undone and what is still in force."""
    stuck = GATED.replace("title: One step", "on_abort: undo\ntitle: One step").replace("[rm, ", "[rm, -r, /dev/null/")
    runbook, site = documents(terminal, stuck)
    driver = terminal.begin("run", str(runbook), "--site", str(site), "--yes", "--foreground")
    run = ""
    while not run and driver.poll() is None:
        rows = json.loads(terminal.type("runs", "-o", "json").stdout)["runs"]
        run = rows[0]["run"] if rows else ""
    terminal.wait(run, waits_at_gate, "the gate")
    assert "as failed if that cannot be done" in terminal.type("why", run).stdout.replace("\n", " ")
    assert terminal.type("abort", run, "--reason", "wrong site").returncode == 0
    out, err = driver.communicate(timeout=DEADLINE_S)
    assert driver.returncode == 1, out + err
    for words in (("status",), ("watch",), ("watch", "--until-decision")):
        assert terminal.type(words[0], run, *words[1:]).returncode == 1, words
    ended = terminal.status(run)
    assert ended["state"] == "failed"
    assert "me aborted it, and this could not be undone: shell.run@shell:made" in ended["why"]
    assert [effect["step"] for effect in ended["effects_in_force"]] == ["made"]
    assert (terminal.folder / "made").exists()
    assert "could not be undone" in terminal.type("log", run).stdout
    assert "The run failed" in terminal.type("report", run).stdout


def test_a_request_without_a_driver_is_decided_and_says_so(terminal: Terminal) -> None:
    """The driver is dead: an approval is recorded, nothing starts, and resume goes on from it."""
    runbook, site = documents(terminal, GATED)
    run = terminal.start(runbook, site)
    ticket = terminal.wait(run, waits_at_gate, "the gate")["waiting_on"]["ticket"]
    os.kill(terminal.driver_pid(run), signal.SIGKILL)
    terminal.wait(run, lambda seen: not (seen["driver"] or {}).get("alive", False), "the driver's end")
    approved = terminal.type("approve", run, ticket)
    assert approved.returncode == 0
    assert "resume" in approved.stdout + approved.stderr
    assert not (terminal.folder / "again").exists()
    assert terminal.type("resume", run).returncode == 0
    terminal.wait(run, lambda seen: seen["state"] == "succeeded", "the end")
    assert (terminal.folder / "again").exists()


def test_the_journal_of_a_run_verifies_and_a_changed_byte_is_found(terminal: Terminal) -> None:
    """``verify`` passes on what was written and names the record that somebody edited, with exit code 9."""
    runbook, site = documents(terminal, GATED)
    run = terminal.start(runbook, site)
    assert terminal.type("abort", run).returncode == 0
    assert terminal.type("verify", run).returncode == 0
    connection = apsw.Connection(str(terminal.home / "journal.db"))
    connection.set_busy_timeout(10_000)  # the driver may still be closing the journal behind its run's end
    for (name,) in list(connection.execute("select name from sqlite_master where type = 'trigger'")):
        connection.execute(f"drop trigger {name}")
    connection.execute(
        "update records set body = cast(replace(cast(body as text), 'gated', 'hated') as blob) where seq = 1"
    )
    connection.close()
    found = terminal.type("verify", run)
    assert found.returncode == 9
    assert "1" in found.stdout + found.stderr


def test_nothing_is_begun_where_the_journal_cannot_be_written(terminal: Terminal) -> None:
    """A home that is a file: one clear sentence, exit code 9, and no step was started."""
    runbook, site = documents(terminal, GATED)
    terminal.home.write_text("in the way")
    refused = terminal.type("run", str(runbook), "--site", str(site), "--yes")
    assert refused.returncode == 9
    assert "Traceback" not in refused.stderr
    assert not (terminal.folder / "made").exists()
    terminal.home.unlink()
