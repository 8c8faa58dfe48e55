"""What SQLite's errors mean to the person at the keyboard, and what one process may do with a journal."""

import os
import time
from pathlib import Path

import apsw
import pytest

from relight.errors import JournalError
from relight.journal import sqlite_connection
from relight.journal.sqlite import SqliteJournal
from relight.journal.sqlite_connection import explained
from relight.testing.journals import notes, row


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (apsw.FullError("x"), "is full"),
        (apsw.BusyError("x"), "was busy"),
        (apsw.NotADBError("x"), "no database"),
        (apsw.CorruptError("x"), "is damaged"),
        (apsw.ReadOnlyError("x"), "cannot be written"),
        (apsw.CantOpenError("x"), "cannot be written"),
        (apsw.IOError("disk I/O error"), "failed: disk I/O error"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
def test_every_error_is_a_sentence(error: apsw.Error, wanted: str) -> None:
    """It names the file, says what happened, and what to do next."""
    told = explained(error, Path("/var/lib/relight/journal.db"))
    assert wanted in told.message
    assert "/var/lib/relight/journal.db" in told.message
    assert told.hint


def test_a_quota_is_a_full_disk_too(tmp_path: Path) -> None:
    """What SQLite calls an I/O error may be a user's quota."""
    error = apsw.IOError("disk I/O error")
    error.add_note("errno 122")
    assert "is full" in explained(error, tmp_path).message


def test_somebody_who_hangs_in_a_write_is_not_waited_for_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write is refused after a while and changes nothing; reading goes on all the time."""
    monkeypatch.setattr(sqlite_connection, "_BUSY_MS", 50)
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.create(row(), notes("7f3a", 1))
    hanging = apsw.Connection(str(tmp_path / "journal.db"))
    hanging.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="was busy"):
        journal.create(row("beef"), notes("beef", 1))
    assert len(list(journal.records("7f3a"))) == 1
    hanging.execute("ROLLBACK")
    journal.create(row("beef"), notes("beef", 1))
    hanging.close()
    journal.close()


def test_whoever_comes_second_to_a_new_journal_comes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another makes the log SQLite refuses it without any waiting, which is no reason to refuse a person."""
    path = tmp_path / "journal.db"
    path.touch(mode=0o600)
    first = apsw.Connection(str(path))
    first.execute("BEGIN IMMEDIATE")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        first.execute("ROLLBACK")

    monkeypatch.setattr(time, "sleep", pause)
    journal = SqliteJournal(path)
    assert len(pauses) == 1
    journal.create(row(), notes("7f3a", 1))
    journal.close()
    first.close()


def test_an_error_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    """Whatever goes wrong in a transaction, all of it is undone and the next one works."""
    journal = SqliteJournal(tmp_path / "journal.db")
    with pytest.raises(TypeError):
        journal.create(row(), [*notes("7f3a", 1), ("odd", "no bytes")])  # type: ignore[list-item]
    assert journal.row("7f3a") is None
    journal.create(row(), notes("7f3a", 1))
    journal.close()


def test_a_forked_child_must_open_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that crossed a fork could damage the file, so it is never used there."""
    journal = SqliteJournal(tmp_path / "journal.db")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    for call in (journal.rows, journal.changes, lambda: journal.put_blob(b"")):
        with pytest.raises(AssertionError, match="forked child"):
            call()
    monkeypatch.undo()
    journal.close()
