"""Runs the workload in children that kill themselves at a given place of a given transaction.

``python -m tests.journal.killed FOLDER`` prints a JSON line a child: was it killed, what had it acknowledged.
It ends with the first child of each place that lived to the end.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path

import apsw

from relight.journal import disk
from relight.journal.sqlite import SqliteJournal

from .workload import Ack, Work

PLACES = ("before begin", "after insert", "before commit", "after commit")


def arm(place: str, number: int) -> None:
    """Make this process kill itself at that place of its transaction of that number."""
    begun = 0

    def kill_if(where: str) -> None:
        if where == place and begun == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(cursor: apsw.Cursor, statement: str, bindings: object) -> bool:
        nonlocal begun
        if statement.startswith("BEGIN"):
            begun += 1
            kill_if("before begin")
        if statement.startswith("COMMIT"):
            kill_if("after insert")
        return True

    def committing() -> bool:
        kill_if("before commit")
        return False

    def committed(connection: apsw.Connection, name: str, pages: int) -> int:
        kill_if("after commit")
        return apsw.SQLITE_OK

    def hook(connection: apsw.Connection) -> None:
        connection.set_exec_trace(traced)
        connection.set_commit_hook(committing)
        connection.set_wal_hook(committed)

    apsw.connection_hooks.append(hook)


def child(work: Callable[[Callable[[Ack], object]], None]) -> tuple[list[Ack], bool]:
    """Fork; return what the child acknowledged before it was killed, and whether it was."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            work(lambda ack: os.write(writing, json.dumps(ack).encode() + b"\n"))
        except BaseException:  # noqa: BLE001 - a child must never come back
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as lines:
        acks = [Ack(*json.loads(line)) for line in lines]
    return acks, os.waitpid(pid, 0)[1] == signal.SIGKILL


def live(path: Path, place: str, number: int, say: Callable[[Ack], object]) -> None:
    """Be a child."""
    disk.RESERVE_BYTES = 4_096  # the tests' folder is searched afterwards, byte by byte
    arm(place, number)
    journal = SqliteJournal(path)
    Work(journal, say).all()
    journal.close()


def main(folder: Path) -> None:
    """Kill children at every place of every transaction."""
    for place in PLACES:
        for number in count(1):
            path = folder / f"{place} {number}" / "journal.db"
            acks, killed = child(lambda say, path=path, place=place, number=number: live(path, place, number, say))  # type: ignore[misc]
            print(json.dumps({"path": str(path), "acks": acks, "killed": killed}), flush=True)
            if not killed:
                break


if __name__ == "__main__":
    main(Path(sys.argv[1]))
