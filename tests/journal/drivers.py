"""Other processes: drivers and starters that race, stop, die and leave children behind.

``python -m tests.journal.drivers ROLE PATH …`` does one thing and prints what came of it, a line each.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from relight.errors import RelightError
from relight.journal import disk
from relight.journal.port import Batch
from relight.journal.sqlite import SqliteJournal
from relight.testing.journals import notes, row

RUN = "7f3a"
LEASE_MS = 300


def now_ms() -> int:
    """Return the wall clock."""
    return time.time_ns() // 1_000_000


def say(*words: object) -> None:
    """Tell the test."""
    print(*words, flush=True)


def drive_and_wait(path: Path) -> None:
    """Drive the run, wait for a line, then write and renew as if nothing had happened."""
    journal = SqliteJournal(path)
    hold = journal.drive(RUN, "first", now_ms() + LEASE_MS, now_ms())
    say("driving", hold.lease.epoch)
    sys.stdin.readline()
    seq = journal.row(RUN).seq + 1  # type: ignore[union-attr]
    epoch = hold.lease.epoch
    batch = Batch(run=RUN, epoch=epoch, first_seq=seq, kinds_and_bodies=notes(RUN, seq, epoch=epoch))
    say(*(type(outcome).__name__ for outcome in journal.append([batch])))
    try:
        hold.renew(now_ms() + LEASE_MS)
        say("renewed")
    except RelightError as error:
        say(type(error).__name__)
    journal.close()


def drive_and_leave(path: Path) -> None:
    """Drive the run, start a child and fork another, and die without a word to anybody."""
    journal = SqliteJournal(path)
    hold = journal.drive(RUN, "first", now_ms() + 60_000, now_ms())
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    reading, writing = os.pipe()
    forked = os.fork()
    if forked == 0:
        os.write(writing, b"I live")
        time.sleep(60)
        os._exit(0)
    os.read(reading, 1)
    say("driving", hold.lease.epoch, child.pid, forked)
    os.kill(os.getpid(), 9)


def compete(path: Path, start_at: str, rounds: str, attempt: Callable[[SqliteJournal, int], None]) -> None:
    """At the same moments as others, try the same; say in which rounds it was granted."""
    journal = SqliteJournal(path)
    for number in range(int(rounds)):
        moment = float(start_at) + number * 0.03
        while time.time() < moment:
            pass
        try:
            attempt(journal, number)
            say("won", number)
        except RelightError as error:
            say(type(error).__name__, number)
    say("done", "")
    sys.stdin.readline()  # a rival that is still busy must not find us dead
    journal.close()


def create(journal: SqliteJournal, number: int) -> None:
    """Begin a run that claims what the others claim too."""
    run = f"r{number}-{os.getpid()}"
    journal.create(row(run), notes(run, 1), locks=[f"lock-{number}"])


def drive(journal: SqliteJournal, number: int) -> None:
    """Drive a run that nobody drives."""
    journal.drive(f"run-{number}", f"driver {os.getpid()}", now_ms() + 60_000, now_ms())


def main(role: str, path: str, start_at: str = "", rounds: str = "") -> None:
    """Be that one."""
    disk.RESERVE_BYTES = 4_096
    match role:
        case "drive-and-wait":
            drive_and_wait(Path(path))
        case "drive-and-leave":
            drive_and_leave(Path(path))
        case "create":
            compete(Path(path), start_at, rounds, create)
        case "drive":
            compete(Path(path), start_at, rounds, drive)


if __name__ == "__main__":
    main(*sys.argv[1:])
