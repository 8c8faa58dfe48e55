"""Every single operation of the disk fails once, and what was acknowledged is still there."""

import os
from pathlib import Path

import pytest

from relight.errors import JournalError
from relight.journal.sqlite import SqliteJournal

from .disks import Failing, Mode, disk
from .workload import Ack, Work, assert_kept

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
MODES: tuple[Mode, ...] = ("once", "dead", "torn", "full")


def life(path: Path, failing: Failing) -> list[Ack]:
    """Live a run's life twice on a failing disk; return what was acknowledged."""
    acks: list[Ack] = []
    with disk(failing) as vfs:
        for _ in range(2):
            try:
                journal = SqliteJournal(path, vfs=vfs)
            except JournalError:
                continue
            Work(journal, acks.append).all()
            journal.close()
    return acks


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many operations two lives take on a good disk."""
    counting = Failing("once", 10**9)
    acks = life(tmp_path_factory.mktemp("good") / "journal.db", counting)
    assert Ack("ended", "7f3a") in acks
    return counting.seen


@pytest.mark.parametrize("mode", MODES)
def test_every_operation_may_fail(mode: Mode, operations: int, tmp_path: Path) -> None:
    """A disk error, a dead disk, a torn write, a full disk: an error for the caller, and no acknowledged fact lost."""
    stride = 1 if THOROUGH else 5
    for number in range(1 + MODES.index(mode) % stride, operations + 1, stride):
        path = tmp_path / str(number) / "journal.db"
        acks = life(path, Failing(mode, number))
        if path.exists():
            assert_kept(path, acks, f"{mode} at operation {number}")
        else:
            assert acks == []
