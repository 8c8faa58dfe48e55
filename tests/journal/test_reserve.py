"""What a full disk still takes, and what it does not; on a disk that is full as long as the reserve is held back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from relight.errors import JournalError, StaleDriver
from relight.journal import disk as real_disk
from relight.journal.disk import Reserve
from relight.journal.port import Batch, DriverHold
from relight.journal.sqlite import SqliteJournal
from relight.testing.journals import NOW, notes, request, row

from .disks import Operation, disk


class Full:
    """A disk that fills up when told, and takes writes again where the reserve was."""

    def __init__(self, reserve: Path) -> None:
        self.reserve = reserve
        self.full = False

    def __call__(self, operation: Operation) -> None:
        if self.full and operation.what == "write" and self.reserve.exists():
            raise apsw.FullError("no space left")


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[tuple[Full, SqliteJournal, DriverHold]]:
    """A run that is driven on such a disk."""
    full = Full(tmp_path / "journal.db-reserve")
    with disk(full) as vfs:
        journal = SqliteJournal(tmp_path / "journal.db", vfs=vfs)
        journal.create(row(), notes("7f3a", 1))
        yield full, journal, journal.drive("7f3a", "driver", NOW + 15_000, NOW)
        journal.close()


def batch(seq: int, *, urgent: bool) -> Batch:
    """Return one note."""
    return Batch(run="7f3a", epoch=1, first_seq=seq, kinds_and_bodies=notes("7f3a", seq, epoch=1), urgent=urgent)


Filling = tuple[Full, SqliteJournal, DriverHold]


def test_nothing_new_is_written_on_a_full_disk(filling: Filling) -> None:
    """Appends, requests, runs and output are refused, and the reserve is left alone."""
    full, journal, _ = filling
    full.full = True
    for call in (
        lambda: journal.append([batch(2, urgent=False)]),
        lambda: journal.ask(request("approve")),
        lambda: journal.create(row("beef"), notes("beef", 1)),
        lambda: journal.put_blob(b"output"),
    ):
        with pytest.raises(JournalError, match="is full") as refusal:
            call()
        assert "aborts" in refusal.value.hint
    assert full.reserve.exists()
    assert len(list(journal.records("7f3a"))) == 1


def test_what_is_urgent_is_written_from_the_reserve(filling: Filling, monkeypatch: pytest.MonkeyPatch) -> None:
    """An abort, its outcomes and renewals are taken; nothing else is, even where the reserve has left some room."""
    full, journal, hold = filling
    full.full = True
    monkeypatch.setattr(real_disk, "FREE_BYTES_MIN", 2**62)
    journal.ask(request("abort"), urgent=True)
    assert not full.reserve.exists()
    hold.renew(NOW + 30_000)
    refused, written, stale = journal.append([batch(2, urgent=False), batch(2, urgent=True), batch(9, urgent=True)])
    assert isinstance(refused, JournalError)
    assert written is None
    assert isinstance(stale, StaleDriver)
    with pytest.raises(JournalError, match="MiB are free"):
        journal.append([batch(3, urgent=False)])
    assert journal.append([replace(batch(3, urgent=True), ended_at=NOW)]) == [None]
    hold.release()


def test_a_spent_reserve_is_held_back_again(filling: Filling) -> None:
    """As soon as there is room the reserve is made again, before anything new is written."""
    full, journal, _ = filling
    full.full = True
    assert journal.append([batch(2, urgent=True)]) == [None]
    full.full = False
    assert not full.reserve.exists()
    assert journal.append([batch(3, urgent=False)]) == [None]
    assert full.reserve.stat().st_size == real_disk.RESERVE_BYTES


def test_a_reserve_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """The reason is the system's own, and a reserve that is there is left as it is."""
    assert Reserve(tmp_path / "missing" / "reserve").hold() == "No such file or directory"
    reserve = Reserve(tmp_path / "reserve")
    assert (reserve.release(), reserve.hold(), reserve.hold(), reserve.release()) == (False, "", "", True)
    assert not reserve.path.exists()
