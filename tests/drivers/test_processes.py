"""Drivers and children as real processes: two of them, stopped ones, deaf ones, and what they leave behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from relight.drivers.live import takeover

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
FORKS_TWICE = STUBBORN + (
    "import os, sys\n"
    "if os.fork(): time.sleep(600)\n"
    "os.setsid()\n"
    "if os.fork(): os._exit(0)\n"
    "open(sys.argv[1], 'w').write(str(os.getpid()))\n"
    "time.sleep(600)\n"
)


def living(run: str) -> list[int]:
    """Return the processes that carry the run's marker."""
    from relight.drivers.live.orphans import marked

    return marked(run)


def python(*argv: str) -> list[str]:
    import sys

    return [sys.executable, "-c", *argv]


def until_there(path: Path) -> list[str]:
    """Return a command that ends when there is a file at *path*: whatever takes long meanwhile, it is not over yet."""
    return ["sh", "-c", 'until [ -e "$0" ]; do sleep 0.02; done', str(path)]


def test_a_second_driver_is_refused_with_75(bed: Any) -> None:
    """The first one goes on undisturbed."""
    go_on = bed.path.with_name("go-on")
    bed.begin(bed.plan([bed.step("one", "run", argv=until_there(go_on)), bed.step("two", "do")]))
    first = bed.start()
    bed.until(lambda: "step_dispatched" in bed.kinds())
    second = bed.start()
    assert 75 == second.wait()
    assert "is driven by" in bed.error()
    go_on.touch()
    assert 0 == first.wait()
    assert ["two"] == bed.happened()


def test_a_dead_driver_is_followed_at_once(bed: Any) -> None:
    """Nobody waits for the lease of a driver that was killed, and its orphans end before anything else begins."""
    pid_file = bed.path.with_name("child")
    bed.begin(bed.plan([bed.step("one", "run", argv=python(FORKS_TWICE, str(pid_file)), idempotent=True)]))
    first = bed.start()
    bed.until(pid_file.exists)
    first.kill()
    before = living(bed.run)
    assert before
    began = time.monotonic()
    second = bed.start()
    bed.until(lambda: bed.kinds().count("step_dispatched") == 2)
    assert time.monotonic() - began < takeover.LEASE_MS / 1_000
    assert not set(before) & set(living(bed.run))
    bed.ask("abort")
    assert 0 == second.wait()
    assert [] == living(bed.run)


def test_a_stopped_driver_that_wakes_up_writes_nothing(bed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGSTOP beyond the lease, another driver with --take-over, SIGCONT: the first one ends and did nothing."""
    bed.begin(bed.plan([bed.step("one", "again", seconds=3.0, idempotent=True), bed.step("two", "again")]))
    first = bed.start()
    bed.until(lambda: "step_dispatched" in bed.kinds())
    os.kill(first.pid, signal.SIGSTOP)
    refused = bed.start(take_over=True)
    assert 75 == refused.wait()
    expire_lease(bed)
    second = bed.start(take_over=True)
    bed.until(lambda: bed.kinds().count("driver_took_over") == 2)
    written = [record.epoch for record in bed.journal.records(bed.run)]
    os.kill(first.pid, signal.SIGCONT)
    assert 9 == first.wait()
    assert 0 == second.wait()
    epochs = [record.epoch for record in bed.journal.records(bed.run)]
    assert epochs[: len(written)] == written
    assert sorted(epochs) == epochs
    assert "succeeded" == bed.journal.row(bed.run).state


def expire_lease(bed: Any) -> None:
    """Let the lease's time be over, without waiting for it."""
    import apsw

    connection = apsw.Connection(str(bed.path))
    connection.set_busy_timeout(10_000)
    connection.execute("UPDATE leases SET until = 1")
    connection.close()


@pytest.mark.parametrize("action", ["run", "deaf"])
def test_an_abort_ends_children_that_will_not_go(bed: Any, action: str) -> None:
    """Acknowledged at once; a child that ignores SIGTERM and forked away is killed within its grace period."""
    pid_file = bed.path.with_name("child")
    step = bed.step("one", action, argv=python(FORKS_TWICE, str(pid_file)), seconds=600.0)
    bed.begin(bed.plan([step, bed.step("two", "do")]))
    driver = bed.start()
    bed.until(pid_file.exists)
    request = bed.ask("abort")
    answer = bed.until(lambda: bed.journal.answer(request))
    assert answer.ok
    assert living(bed.run), "it is acknowledged before anything has ended"
    assert 0 == driver.wait()
    assert [] == living(bed.run)
    assert "step_lost" in bed.kinds()
    assert [] == bed.happened()
    assert "aborted" == bed.journal.row(bed.run).state


def test_what_a_finished_step_left_running_stays(bed: Any) -> None:
    """A daemon that a step started on purpose survives a take-over; only what has no report is ended."""
    pid_file = bed.path.with_name("daemon")
    daemon = "import os, sys, time\nif os.fork(): os._exit(0)\nos.setsid()\n"
    daemon += "if os.fork(): os._exit(0)\nfor fd in (0, 1, 2): os.close(fd)\n"
    daemon += "open(sys.argv[1], 'w').write(str(os.getpid()))\ntime.sleep(60)"
    go_on = bed.path.with_name("go-on")
    steps = [bed.step("one", "run", argv=python(daemon, str(pid_file)))]
    steps.append(bed.step("two", "run", argv=until_there(go_on), idempotent=True))
    bed.begin(bed.plan(steps))
    first = bed.start()
    bed.until(lambda: bed.kinds().count("step_dispatched") == 2)
    first.kill()
    go_on.touch()
    second = bed.start()
    assert 0 == second.wait()
    pid = int(pid_file.read_text())
    assert [pid] == living(bed.run)
    os.kill(pid, signal.SIGKILL)


def test_a_driver_that_is_told_to_stop_ends_its_children(bed: Any) -> None:
    """SIGTERM: children first, then the lease; the run waits for the next driver."""
    bed.begin(bed.plan([bed.step("one", "run", argv=["sleep", "600"], idempotent=True)]))
    driver = bed.start()
    bed.until(lambda: living(bed.run))
    os.kill(driver.pid, signal.SIGTERM)
    assert 0 == driver.wait()
    assert [] == living(bed.run)
    assert bed.journal.row(bed.run).ended_at is None
    lease = bed.journal.lease(bed.run)
    assert not lease.alive
    bed.ask("abort")
    assert 0 == bed.start().wait()


def test_a_plugin_that_blocks_the_loop_ends_with_its_driver(bed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog ends the process before its lease runs out, so that somebody else can take over."""
    monkeypatch.setattr(takeover, "LEASE_MS", takeover.LEASE_MS)
    bed.begin(bed.plan([bed.step("one", "block", seconds=60.0)]))
    driver = bed.start()
    bed.until(lambda: "step_dispatched" in bed.kinds())
    began = time.monotonic()
    assert driver.wait() is None
    assert time.monotonic() - began < takeover.LEASE_MS / 1_000
    assert not bed.journal.lease(bed.run).alive
    bed.ask("abort")
    assert 0 == bed.start().wait()
    assert "step_lost" in bed.kinds()


def test_giant_output_is_bounded_everywhere(bed: Any) -> None:
    """Megabytes of result and a flood of progress leave a small journal, a small board, and no control characters."""
    bed.begin(bed.plan([bed.step("one", "shout")]))
    driver = bed.start()
    peak = 0
    while driver.alive:
        with_status = Path(f"/proc/{driver.pid}/status")
        try:
            lines = with_status.read_text().splitlines()
        except OSError:
            break
        peak = max(peak, *(int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
        time.sleep(0.01)
    assert 0 == driver.wait()
    assert "succeeded" == bed.journal.row(bed.run).state
    (succeeded,) = [fact for fact in bed.facts() if type(fact).__name__ == "StepSucceeded"]
    assert 6_000_000 < succeeded.result["bytes"]
    assert bed.path.stat().st_size + Path(f"{bed.path}-wal").stat().st_size < 4_000_000
    assert len(str(bed.journal.live(bed.run))) < 4_000
    assert peak < 256 * 1024


def test_two_runs_in_two_processes_share_a_journal(bed: Any) -> None:
    """Neither waits for the other longer than for a commit."""
    plan = bed.plan([bed.step(f"step{n}", "again") for n in range(30)])
    other = f"{bed.run}-2"
    bed.begin(plan)
    bed.begin(plan, other)
    drivers = [bed.start(), bed.start(other)]
    assert [0, 0] == [driver.wait() for driver in drivers], bed.error()
    assert ["succeeded"] * 2 == [bed.journal.row(run).state for run in (bed.run, other)]
