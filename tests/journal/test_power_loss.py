"""The power fails at any moment, and nothing that was acknowledged is lost."""

import os
import random
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from relight.errors import JournalError
from relight.journal.sqlite import SqliteJournal

from .disks import Recording, disk, write_files
from .workload import Ack, Work, assert_kept

CUTS = 5_000 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 300
PAGES = 6
"""The log is carried over into the database after so many pages, so that cuts fall into that too."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recording, list[tuple[int, Ack]]]:
    """Two lives of a run, one after the other in the same file, and when what was acknowledged."""
    recording = Recording()
    acks: list[tuple[int, Ack]] = []

    def small_log(connection: apsw.Connection) -> None:
        connection.wal_autocheckpoint(PAGES)

    apsw.connection_hooks.append(small_log)
    try:
        with disk(recording) as vfs:
            for _ in range(2):
                journal = SqliteJournal(tmp_path_factory.getbasetemp() / "power" / "journal.db", vfs=vfs)
                Work(journal, lambda ack: acks.append((len(recording.operations), ack))).all()
                journal.close()
    finally:
        apsw.connection_hooks.remove(small_log)
    assert sum(operation is not None and operation.what == "sync" for operation in recording.operations) > 40
    return recording, acks


def cut(recording: Recording, acks: list[tuple[int, Ack]], seed: int, tmp_path: Path) -> None:
    """Cut the power at some moment and look at what is left."""
    dice = random.Random(seed)
    until = dice.randrange(len(recording.operations) + 1)
    folder = tmp_path / str(seed)
    write_files(recording.image(until, dice), folder)
    kept = [ack for moment, ack in acks if moment <= until]
    assert_kept(folder / "journal.db", kept, f"seed {seed}, cut before operation {until}")


@pytest.mark.parametrize("share", range(10))
def test_no_acknowledged_fact_is_lost(
    recorded: tuple[Recording, list[tuple[int, Ack]]], share: int, tmp_path: Path
) -> None:
    """Whatever sectors of what was not synced survive, the journal is whole and has all that it acknowledged."""
    for seed in range(share, CUTS, 10):
        cut(*recorded, seed, tmp_path)


@pytest.mark.parametrize("kind", ["db", "db-wal"])
def test_these_cuts_would_notice_a_missing_sync(
    recorded: tuple[Recording, list[tuple[int, Ack]]], kind: str, tmp_path: Path
) -> None:
    """Had SQLite not synced the log, or not the database before the log is used again, facts would be lost."""
    recording, acks = recorded
    lying = Recording()
    lying.operations = [
        None if each and each.what == "sync" and each.file.endswith(kind) else each for each in recording.operations
    ]
    lost = 0
    for seed in range(60):
        with suppress(JournalError, AssertionError):
            cut(lying, acks, seed, tmp_path)
            continue
        lost += 1
    assert lost > 5
