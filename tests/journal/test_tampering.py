"""Whoever edits the journal's file with SQL is found, and the first record that is bad is named."""

import shutil
from pathlib import Path

import apsw
import pytest

from relight.journal.chain import Checkpoint, Verified, verify
from relight.journal.port import Batch
from relight.journal.sqlite import SqliteJournal
from relight.testing.journals import NOW, notes, row

RUN = "7f3a"
LENGTH = 8


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of eight records, closed."""
    path = tmp_path_factory.mktemp("sound") / "journal.db"
    journal = SqliteJournal(path)
    journal.create(row(), notes(RUN, 1))
    hold = journal.drive(RUN, "d", NOW + 1, NOW)
    facts = notes(RUN, 2, LENGTH - 1, epoch=hold.lease.epoch)
    assert journal.append([Batch(run=RUN, epoch=1, first_seq=2, kinds_and_bodies=facts)]) == [None]
    journal.close()
    return path


def tampered(sound: Path, folder: Path, *statements: str) -> Verified:
    """Copy the journal, edit it as somebody would who knows SQL, and verify it with its checkpoint at the end."""
    path = folder / "journal.db"
    shutil.copy(sound, path)
    connection = apsw.Connection(str(path))
    for name in ("records_stay", "records_remain"):
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return looked_at(path, checkpoint(sound))


def checkpoint(sound: Path) -> Checkpoint:
    """Return the checkpoint of the whole run, as somebody noted it elsewhere."""
    journal = SqliteJournal(sound)
    last = list(journal.records(RUN))[-1]
    journal.close()
    return Checkpoint(run=RUN, seq=last.seq, hash=last.hash)


def looked_at(path: Path, *points: Checkpoint) -> Verified:
    """Verify the run in that file."""
    journal = SqliteJournal(path)
    verified = verify(RUN, journal.records(RUN), points)
    journal.close()
    return verified


MOVE_UP = "UPDATE records SET seq = seq - 1 WHERE seq > {n}"
MOVE_DOWN = "UPDATE records SET seq = -(seq + 1) WHERE seq > {n}; UPDATE records SET seq = -seq WHERE seq < 0"
COPY = "INSERT INTO records SELECT run, {n} + 1, epoch, kind, body, prev, hash FROM records WHERE seq = {n}"
SWAP = (
    "UPDATE records SET seq = 99 WHERE seq = {n}; UPDATE records SET seq = {n} WHERE seq = {n} + 1; "
    "UPDATE records SET seq = {n} + 1 WHERE seq = 99"
)


EDITS = [
    ("UPDATE records SET body = cast(replace(body, 'note', 'vote') AS BLOB) WHERE seq = {n}", "edited", 0),
    ("UPDATE records SET kind = 'vote_cast' WHERE seq = {n}", "edited", 0),
    ("UPDATE records SET epoch = epoch + 1 WHERE seq = {n}", "edited", 0),
    ("DELETE FROM records WHERE seq = {n}", "removed", 0),
    ("DELETE FROM records WHERE seq = {n};" + MOVE_UP, "removed", 0),
    ("DELETE FROM records WHERE seq >= {n}", "truncated", 0),
    (MOVE_DOWN + ";" + COPY, "inserted", 1),
    (SWAP, "re-ordered", 0),
]
CASES = [
    (edit.format(n=n), "truncated" if n == LENGTH and change == "removed" else change, n + after)
    for edit, change, after in EDITS
    for n in range(1, LENGTH + (change != "re-ordered"))
]


@pytest.mark.parametrize(("statement", "change", "place"), CASES)
def test_every_edit_is_found(sound: Path, tmp_path: Path, statement: str, change: str, place: int) -> None:
    """Edited, removed, closed up, cut off, copied or swapped: the place and the deed are told."""
    verified = tampered(sound, tmp_path, statement)
    assert verified.finding is not None
    assert (verified.finding.seq, verified.finding.change) == (place, change)


def test_an_older_copy_of_the_file_is_found(sound: Path, tmp_path: Path) -> None:
    """A backup put in the journal's place is a truncation before the last checkpoint."""
    older = tmp_path / "older.db"
    shutil.copy(sound, older)
    journal = SqliteJournal(sound)
    hold = journal.drive(RUN, "again", NOW + 1, NOW)
    facts = notes(RUN, LENGTH + 1, epoch=hold.lease.epoch)
    assert journal.append([Batch(run=RUN, epoch=hold.lease.epoch, first_seq=LENGTH + 1, kinds_and_bodies=facts)]) == [
        None
    ]
    journal.close()
    verified = looked_at(older, checkpoint(sound))
    assert verified.finding is not None
    assert (verified.finding.seq, verified.finding.change) == (LENGTH + 1, "truncated")


def test_a_sound_file_is_sound(sound: Path, tmp_path: Path) -> None:
    """Dropping the guard rails alone changes no record."""
    assert tampered(sound, tmp_path).finding is None
