"""Runs in real processes: started, watched, left, carried on, and told by exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from relight.control.people import os_name

Relight = Callable[..., Any]
COMMAND = [sys.executable, "-P", "-m", "relight.cli"]
WITHIN_S = 90

SITE = f"""\
site: lab
schema: relight/v1
environment: test
people:
  - {{id: me, roles: [boss], os: {os_name()}}}
  - {{id: other, roles: [boss]}}
"""
HEAD = "runbook: it\nschema: relight/v1\ntitle: A test\n"
GATED = """\
lock: [the-lab]
stages:
  - id: first
    steps: [{id: hello, action: shell.run, with: {argv: [echo, hello]}}]
  - id: second
    gate:
      title: Go on?
      approval: {roles: [boss], allow_self_approval: true}
    steps: [{id: bye, action: shell.run, with: {argv: [echo, bye]}}]
"""
QUICK = "stages: [{id: only, steps: [{id: nap, action: wait, with: {duration: 100ms}}]}]\n"
SLOW = "stages: [{id: only, steps: [{id: nap, action: wait, with: {duration: 60s}}]}]\n"
FAILS = "stages: [{id: only, steps: [{id: no, action: shell.run, with: {argv: ['false']}}]}]\n"
BY_HAND = "stages: [{id: only, steps: [{id: call, action: manual.task, with: {instruction: Call}}]}]\n"


class Lab:
    """Documents, a journal, and the command line in processes of their own."""

    def __init__(self, folder: Path, process: Relight) -> None:
        self.folder = folder
        self.type = process
        (folder / "lab.site.yaml").write_text(SITE)

    def words(self, stages: str) -> list[str]:
        path = self.folder / "it.runbook.yaml"
        path.write_text(HEAD + stages)
        return ["run", str(path), "--site", str(self.folder / "lab.site.yaml")]

    def run(self, stages: str, *more: str) -> Any:
        return self.type(*self.words(stages), "--yes", *more)

    def only_run(self) -> str:
        rows = json.loads(self.type("runs", "-o", "json").out)["runs"]
        return str(rows[0]["run"])

    def status(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.type("status", self.only_run(), "-o", "json").out)
        return document

    def terminal(self, *words: str, width: int = 80) -> pexpect.spawn[str]:
        return pexpect.spawn(
            COMMAND[0],
            [*COMMAND[1:], *words],
            env={**os.environ, "TERM": "xterm", "COLUMNS": ""},
            dimensions=(30, width),
            encoding="utf-8",
            timeout=WITHIN_S,
        )


@pytest.fixture
def lab(tmp_path: Path, process: Relight) -> Iterator[Lab]:
    folder = tmp_path / "documents"
    folder.mkdir()
    made = Lab(folder, process)
    yield made
    for row in json.loads(process("runs", "-o", "json").out or '{"runs": []}')["runs"]:
        if row["ended_at"] is None:
            process("abort", row["run"])
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline and json.loads(process("status", "-o", "json").out)["run"] is not None:
        time.sleep(0.1)


def ended(child: pexpect.spawn[str]) -> int:
    child.expect(pexpect.EOF)
    child.close()
    return int(child.exitstatus if child.exitstatus is not None else -int(child.signalstatus or 0))


@pytest.mark.parametrize(
    ("stages", "more", "code", "state"),
    [
        (QUICK, (), 0, "succeeded"),
        (QUICK, ("--foreground",), 0, "succeeded"),
        (GATED, ("--until-decision",), 5, "waiting"),
        (FAILS, ("--until-decision",), 7, "held"),
        (BY_HAND, ("--until-decision",), 7, "waiting"),
        (GATED, ("--detach",), 0, None),
    ],
)
def test_a_run_ends_with_its_code(lab: Lab, stages: str, more: tuple[str, ...], code: int, state: str | None) -> None:
    """The exit code says how the run went or what it waits for; -o json is the status document and nothing else."""
    said = lab.run(stages, *more, "-o", "json")
    assert said.code == code, said.err
    document = json.loads(said.out)
    assert document["schema"] == "relight.run/v1"
    assert state in {None, document["state"]}
    assert "started" in said.err


def test_what_happens_is_told_off_a_terminal(lab: Lab) -> None:
    """Progress goes to standard error, a line a fact; the result, the view's last frame, to standard output."""
    said = lab.run(QUICK)
    assert said.code == 0
    assert "nap waits" in said.err
    assert "the run succeeded" in said.err
    assert said.out.splitlines()[2].startswith("SUCCEEDED")
    assert "\x1b" not in said.out + said.err


def test_a_second_run_of_the_same_lock_is_refused(lab: Lab) -> None:
    """75, the run that holds the lock is named, and nothing is started."""
    assert lab.run(GATED, "--until-decision").code == 5
    first = lab.only_run()
    said = lab.run(GATED, "--until-decision")
    assert said.code == 75
    assert first in said.err
    assert lab.only_run() == first


def test_a_second_driver_is_refused(lab: Lab) -> None:
    """75 for whoever wants to drive what is driven."""
    lab.run(GATED, "--until-decision")
    said = lab.type("resume", lab.only_run(), "--foreground")
    assert said.code == 75
    assert "Traceback" not in said.err


def test_a_second_terminal_decides(lab: Lab) -> None:
    """Approve from beside, and whoever watches sees it end with 0."""
    lab.run(GATED, "--until-decision")
    gate = lab.status()["waiting_on"]
    watcher = subprocess.Popen([*COMMAND, "watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watcher.stdout is not None
    assert "started it on lab" in watcher.stdout.readline()
    assert lab.type("approve", lab.only_run(), gate["ticket"]).code == 0
    out, err = watcher.communicate(timeout=WITHIN_S)
    assert watcher.returncode == 0, err
    assert "bye succeeded" in out


def test_an_abort_ends_it(lab: Lab) -> None:
    """The run that was watched ends with 6, acknowledged at once."""
    lab.run(SLOW, "--detach")
    run = lab.only_run()
    watcher = subprocess.Popen([*COMMAND, "watch", run], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    began = time.monotonic()
    assert lab.type("abort", run, "--reason", "wrong lab").code == 0
    assert time.monotonic() - began < 30, "it waited for the end of the step that it aborts"
    watcher.communicate(timeout=WITHIN_S)
    assert watcher.returncode == 6
    assert lab.type("status", run).code == 6


def test_a_dead_driver_is_seen_and_another_carries_on(lab: Lab) -> None:
    """kill -9: the view says that the driver is gone and what to type; resume goes on."""
    lab.run(GATED, "--until-decision")
    pid = lab.status()["driver"]["pid"]
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + WITHIN_S
    while lab.status()["driver"] is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    said = lab.type("status")
    assert "driver GONE" in said.out
    assert "relight resume" in said.out
    assert lab.type("resume", lab.only_run()).code == 0
    assert lab.status()["driver"]["pid"] != pid
    ticket = lab.status()["waiting_on"]["ticket"]
    assert lab.type("approve", lab.only_run(), ticket).code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_foreground_driver_that_is_told_to_stop_leaves_the_run(lab: Lab, number: int, code: int) -> None:
    """Ctrl-C of a driver in the foreground, or SIGTERM: 130 or 143, and the run waits for the next."""
    driver = subprocess.Popen(
        [*COMMAND, *lab.words(SLOW), "--yes", "--foreground"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert driver.stderr is not None
    for line in driver.stderr:
        if "nap waits" in line:
            break
    driver.send_signal(number)
    _, err = driver.communicate(timeout=WITHIN_S)
    assert driver.returncode == code
    assert "relight resume" in err
    assert lab.status()["state"] == "running"


def test_a_reader_that_stops_reading_is_no_failure(lab: Lab) -> None:
    """`relight log | head` ends as a shell expects of a closed pipe, and never as a run that failed."""
    lab.run(QUICK)
    log = subprocess.Popen([*COMMAND, "log", lab.only_run()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert log.stdout is not None
    log.stdout.close()
    _, err = log.communicate(timeout=WITHIN_S)
    assert (log.returncode, err) == (141, "")


# ---- on a terminal


@pytest.mark.parametrize("width", [80, 160])
def test_the_view_is_not_the_driver(lab: Lab, width: int) -> None:
    """Asked once, then the live view; Ctrl-C leaves with 130 and says how to come back; the run goes on."""
    child = lab.terminal(*lab.words(GATED), width=width)
    child.expect_exact("Start it on lab?")
    child.expect_exact("[y/N] ")
    child.sendline("y")
    child.expect_exact("GATE second/")
    child.expect_exact("relight approve")
    child.sendintr()
    child.expect_exact("goes on without it")
    child.expect_exact("relight watch")
    assert ended(child) == 130
    assert lab.status()["driver"]["alive"] is True
    again = lab.terminal("watch", width=width)
    again.expect_exact("GATE second/")
    assert lab.type("approve", lab.only_run(), lab.status()["waiting_on"]["ticket"]).code == 0
    again.expect_exact("SUCCEEDED")
    again.expect_exact("\x1b[?25h")
    assert ended(again) == 0


def test_no_is_the_answer_unless_it_is_yes(lab: Lab) -> None:
    """Enter starts nothing."""
    child = lab.terminal(*lab.words(GATED))
    child.expect_exact("[y/N]")
    child.sendline("")
    child.expect_exact("Nothing was started.")
    assert ended(child) == 0
    assert lab.type("runs").out == "No runs yet.\n"


def test_leaving_at_the_question_starts_nothing(lab: Lab) -> None:
    """Ctrl-C where relight asks is a no, and said so."""
    child = lab.terminal(*lab.words(GATED))
    child.expect_exact("[y/N]")
    child.sendintr()
    child.expect_exact("Nothing was started.")
    assert ended(child) == 130
    assert lab.type("runs").out == "No runs yet.\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_view_that_is_ended_leaves_the_terminal_as_it_was(lab: Lab, number: int, code: int) -> None:
    """SIGTERM and a hang-up end the view alone, and the cursor comes back."""
    lab.run(SLOW, "--detach")
    child = lab.terminal("watch")
    child.expect_exact("RUN only")
    child.kill(number)
    child.expect_exact("\x1b[?25h")
    assert ended(child) == code
    assert lab.status()["driver"]["alive"] is True


def test_plain_terminals_get_plain_lines(lab: Lab) -> None:
    """A dumb terminal gets one line a fact, without escapes."""
    lab.run(GATED, "--until-decision")
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "watch", "--until-decision"],
        env={**os.environ, "TERM": "dumb"},
        encoding="utf-8",
        timeout=WITHIN_S,
    )
    text = child.read()
    child.close()
    assert "GATE second/" in text
    assert "\x1b" not in text
    assert child.exitstatus == 5


def test_no_color_is_respected(lab: Lab) -> None:
    """With NO_COLOR the live view has no colours, and is drawn all the same."""
    lab.run(GATED, "--until-decision")
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "watch", "--until-decision"],
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
        encoding="utf-8",
        timeout=WITHIN_S,
    )
    text = child.read()
    child.close()
    assert "GATE second/" in text
    assert "\x1b[1m" not in text
    assert "\x1b[?25l" in text
