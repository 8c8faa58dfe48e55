"""The driver in the background: whoever started it may go, and so may the terminal."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from relight.drivers.live.spawn import READY_S, log_path, spawn_driver
from relight.errors import JournalError, RelightError


@pytest.fixture(autouse=True)
def _hosting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let child processes find the module that they are."""
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


def spawn(bed: Any, run: str = "", **more: Any) -> int:
    return spawn_driver(run or bed.run, bed.journal.location, "tests.drivers.hosting", **more)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_drives_when_it_says_so_and_survives_a_hang_up(bed: Any) -> None:
    """It holds the run when its starter hears of it; a hang-up of its terminal and the end of it change nothing."""
    go_on = bed.path.with_name("go-on")
    waits = ["sh", "-c", 'until [ -e "$0" ]; do sleep 0.02; done', str(go_on)]
    bed.begin(bed.plan([bed.step("one", "run", argv=waits), bed.step("two", "again")]))
    pid = spawn(bed)
    lease = bed.journal.lease(bed.run)
    assert (pid, True) == (lease.details["pid"], lease.alive)
    assert os.getsid(pid) not in (os.getsid(0), pid)
    os.kill(pid, signal.SIGHUP)
    with_parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    assert os.getpid() != int(with_parent[1])
    assert "0" == with_parent[4], "it has a controlling terminal"
    go_on.touch()
    bed.until(lambda: bed.journal.row(bed.run).ended_at)
    assert "succeeded" == bed.journal.row(bed.run).state
    bed.until(lambda: gone(pid))


def test_a_second_one_is_refused(bed: Any) -> None:
    """The starter gets the reason and the exit code that goes with it."""
    bed.begin(bed.plan([bed.step("one", "again", seconds=600)]))
    spawn(bed)
    with pytest.raises(RelightError, match="is driven by") as refusal:
        spawn(bed)
    assert 75 == refusal.value.exit_code
    assert f"relight watch {bed.run}" in refusal.value.hint
    bed.ask("abort")
    bed.until(lambda: bed.journal.row(bed.run).ended_at)


def test_it_ends_with_its_starter_where_that_was_asked(bed: Any) -> None:
    """A drill that is killed leaves no driver: what it held open is closed by the machine."""
    bed.begin(bed.plan([bed.step("one", "again", seconds=600)]))
    starts = (
        "import os, sys; from relight.drivers.live.spawn import spawn_driver;"
        "print(spawn_driver(*sys.argv[1:], 'tests.drivers.hosting', ends_with_us=True), flush=True);"
        "sys.stdin.read(); os.kill(os.getpid(), 9)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", starts, bed.run, bed.journal.location],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    assert bed.journal.lease(bed.run).alive
    starter.communicate()
    bed.until(lambda: gone(pid))
    assert bed.journal.row(bed.run).ended_at is None


@pytest.mark.parametrize(("run", "code", "said"), [("nobody", 9, "no run nobody"), ("", 4, "is over")])
def test_it_says_why_it_does_not_drive(bed: Any, run: str, code: int, said: str) -> None:
    """A run that is not there, or is over, is a sentence and not a log to look into."""
    bed.begin(bed.plan([bed.step("one", "again")]))
    bed.start().wait()
    with pytest.raises(RelightError, match=said) as refusal:
        spawn(bed, run)
    assert code == refusal.value.exit_code


def test_it_may_die_before_it_says_anything(bed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that ends at once is noticed at once."""
    monkeypatch.setenv("HOSTING_DIES", "1")
    bed.begin(bed.plan([bed.step("one", "again")]))
    began = time.monotonic()
    with pytest.raises(JournalError, match="ended before it drove anything"):
        spawn(bed)
    assert time.monotonic() - began < READY_S


def test_its_log_is_its_owners_alone_and_holds_what_plugins_print(bed: Any, canary: str) -> None:
    """Printed lines are in the log, redacted; nobody else may read it."""
    bed.begin(bed.plan([bed.step("one", "leak", argv=["env:RELIGHT_TEST_CANARY"])]))
    pid = spawn(bed)
    bed.until(lambda: bed.journal.row(bed.run).ended_at)
    bed.until(lambda: gone(pid))
    path = log_path(bed.journal.location, bed.run, Path("/"))
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert ["the token is [secret]"] == [event["text"] for event in events if event["event"] == "printed"]
    assert {"took over", "left"} <= {event["event"] for event in events}
    assert canary not in path.read_text()
    assert canary not in str(bed.facts())


def test_sigterm_leaves_the_run_to_the_next_one(bed: Any) -> None:
    """A shutdown of the machine ends children and driver in order; ``resume`` goes on later."""
    bed.begin(bed.plan([bed.step("one", "run", argv=["sleep", "600"], idempotent=True)]))
    pid = spawn(bed)
    bed.until(lambda: "step_dispatched" in bed.kinds())
    os.kill(pid, signal.SIGTERM)
    bed.until(lambda: gone(pid))
    assert bed.journal.row(bed.run).ended_at is None
    bed.ask("abort")
    spawn(bed)
    bed.until(lambda: bed.journal.row(bed.run).ended_at)
    assert "aborted" == bed.journal.row(bed.run).state
