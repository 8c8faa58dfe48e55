"""One driver a run and one run a lock, whatever other processes do, and a dead driver is taken over at once."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from relight.errors import Locked
from relight.journal.sqlite import SqliteJournal
from relight.testing.journals import notes, row

from .drivers import LEASE_MS, RUN, now_ms
from .test_killed import ENGINE, ROOT

RIVALS = 3
ROUNDS = 12


@contextmanager
def process(role: str, path: Path, *more: object) -> Iterator[subprocess.Popen[str]]:
    """Start another process of that role; it does not outlive the test."""
    command = [sys.executable, "-m", "tests.journal.drivers", role, str(path), *map(str, more)]
    environment = {**os.environ, "PYTHONPATH": str(ENGINE)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as started:
        try:
            yield started
        finally:
            with suppress(ProcessLookupError):
                started.send_signal(signal.SIGCONT)
                started.kill()


def heard(started: subprocess.Popen[str]) -> str:
    """Return the next line that it said."""
    assert started.stdout is not None
    return started.stdout.readline().strip()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    """A journal with a run that nobody drives."""
    opened = SqliteJournal(tmp_path / "journal.db")
    opened.create(row(RUN), notes(RUN, 1))
    yield opened
    opened.close()


def path_of(journal: SqliteJournal) -> Path:
    """Return where it is."""
    return Path(journal.location.removeprefix("sqlite://"))


def test_a_driver_that_was_stopped_and_taken_over_writes_nothing(journal: SqliteJournal) -> None:
    """Stopped beyond its lease, taken over, and let go on: its append and its renewal are refused."""
    with process("drive-and-wait", path_of(journal)) as first:
        assert heard(first) == "driving 1"
        first.send_signal(signal.SIGSTOP)
        with pytest.raises(Locked, match="driven by first"):
            journal.drive(RUN, "second", now_ms() + 60_000, now_ms(), take_over=True)
        time.sleep(LEASE_MS / 1_000 + 0.05)
        with pytest.raises(Locked, match="let its lease run out") as refusal:
            journal.drive(RUN, "second", now_ms() + 60_000, now_ms())
        assert "--take-over" in refusal.value.hint
        second = journal.drive(RUN, "second", now_ms() + 60_000, now_ms(), take_over=True)
        assert second.lease.epoch == 2
        first.send_signal(signal.SIGCONT)
        assert first.stdin is not None
        first.stdin.write("go on\n")
        first.stdin.flush()
        assert (heard(first), heard(first)) == ("StaleDriver", "StaleDriver")
        first.wait(10)
    assert len(list(journal.records(RUN))) == 1
    assert journal.lease(RUN) == second.lease


def test_children_do_not_keep_a_dead_driver_alive(journal: SqliteJournal) -> None:
    """A driver is dead when its process is, whatever it started or forked lives on."""
    with process("drive-and-leave", path_of(journal)) as first:
        word, epoch, *children = heard(first).split()
        assert (word, epoch, first.wait(10)) == ("driving", "1", -signal.SIGKILL)
        try:
            for child in children:
                os.kill(int(child), 0)  # they live
            lease = journal.lease(RUN)
            assert lease is not None
            assert not lease.alive
            assert journal.drive(RUN, "second", now_ms() + 60_000, now_ms()).lease.epoch == 2
        finally:
            for child in children:
                os.kill(int(child), signal.SIGKILL)


def compete(role: str, path: Path) -> list[Counter[str]]:
    """Let rivals try the same at the same moments; return for each round how it went for them."""
    start_at = time.time() + 1.0
    outcomes: list[Counter[str]] = [Counter() for _ in range(ROUNDS)]
    with ExitStack() as stack:
        for rival in [stack.enter_context(process(role, path, start_at, ROUNDS)) for _ in range(RIVALS)]:
            while (line := heard(rival)) != "done":
                word, number = line.split()
                outcomes[int(number)][word] += 1
    return outcomes


def test_of_those_who_claim_a_lock_at_once_one_wins(journal: SqliteJournal) -> None:
    """Of runs that are started at the same moment with the same lock, exactly one begins."""
    for outcome in compete("create", path_of(journal)):
        assert outcome == {"won": 1, "Locked": RIVALS - 1}
    assert len(journal.rows()) == ROUNDS + 1


def test_of_those_who_drive_at_once_one_wins(journal: SqliteJournal) -> None:
    """Of drivers that reach for the same run at the same moment, exactly one has it."""
    for number in range(ROUNDS):
        journal.create(row(f"run-{number}"), notes(f"run-{number}", 1))
    for outcome in compete("drive", path_of(journal)):
        assert outcome == {"won": 1, "Locked": RIVALS - 1}
    for number in range(ROUNDS):
        lease = journal.lease(f"run-{number}")
        assert lease is not None
        assert (lease.epoch, lease.alive) == (1, False)  # all of them ended without releasing


def test_lock_files_of_former_drivers_go(journal: SqliteJournal) -> None:
    """A run that changes hands often leaves no litter."""
    for epoch in range(1, 6):
        hold = journal.drive(RUN, "again", now_ms() + 60_000, now_ms())
        assert [path.name for path in path_of(journal).with_name("journal.db-drivers").iterdir()] == [f"{RUN}.{epoch}"]
        hold.release()
    assert list(path_of(journal).with_name("journal.db-drivers").iterdir()) == []
