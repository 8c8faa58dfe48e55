"""Whoever waits for a commit to end is next, and nobody is kept out by somebody who only holds theirs."""

import threading
import time
from pathlib import Path

import apsw

from relight.journal.sqlite import SqliteJournal
from relight.journal.turn import Turn
from relight.testing.journals import notes, request, row


def test_who_waits_holds_the_turn_until_they_have_begun(tmp_path: Path) -> None:
    """While somebody waits for a long transaction nobody else can begin before them."""
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.create(row(), notes("7f3a", 1))
    long = apsw.Connection(str(tmp_path / "journal.db"))
    long.execute("BEGIN IMMEDIATE")
    waiter = threading.Thread(target=journal.ask, args=(request("abort"),))
    waiter.start()
    turn = Turn(tmp_path / "journal.db-turn")
    deadline = time.monotonic() + 10
    while turn._descriptor is None or turn._try():
        assert time.monotonic() < deadline, "nobody holds the turn"
        turn.take()
        turn.leave()
    assert journal.pending("7f3a") == []
    long.execute("ROLLBACK")
    waiter.join()
    assert turn.take()
    turn.close()
    assert [each.id for each in journal.pending("7f3a")] == ["abort"]
    long.close()
    journal.close()


def test_a_turn_that_is_never_given_back_keeps_nobody_out(tmp_path: Path) -> None:
    """Somebody who was stopped in their turn delays the others for a moment only."""
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.create(row(), notes("7f3a", 1))
    stopped = Turn(tmp_path / "journal.db-turn")
    assert stopped.take()
    journal.ask(request("abort"))
    assert [each.id for each in journal.pending("7f3a")] == ["abort"]
    stopped.close()
    journal.close()


def test_turns_need_no_file(tmp_path: Path) -> None:
    """Where there can be none, all begin when they can."""
    (tmp_path / "journal.db-turn").mkdir()
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.create(row(), notes("7f3a", 1))
    assert not Turn(tmp_path / "journal.db-turn").take()
    assert len(list(journal.records("7f3a"))) == 1
    journal.close()
