"""An older journal becomes a newer one whole or not at all, and never the other way round."""

import threading
from pathlib import Path

import apsw
import pytest

from relight.errors import JournalTooNew
from relight.journal.sqlite_schema import MIGRATIONS, make_current, version_of

NEXT = """
CREATE TABLE more (run TEXT) STRICT;
INSERT INTO more SELECT run FROM runs;
CREATE INDEX more_by_run ON more (run);
CREATE TRIGGER more_stay BEFORE DELETE ON more BEGIN SELECT RAISE(ABORT, 'no'); END;
"""
NEWER = (*MIGRATIONS, NEXT)
STATEMENTS_MIN = 8
"""Begin, the look whether somebody was first, four statements, two pragmas and the commit."""


class PulledPlug(Exception):
    """The process dies here."""


def older(path: Path) -> apsw.Connection:
    """Return a journal of this version with a run in it."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(5_000)
    make_current(connection, path)
    connection.execute("INSERT OR IGNORE INTO runs VALUES ('7f3a', 'b', 's', 'running', 1, NULL, 'ana')")
    return connection


def tables(connection: apsw.Connection) -> set[str]:
    """Return the names of everything in the schema."""
    return {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema")}


def test_a_crash_in_any_statement_leaves_the_one_version_or_the_other(tmp_path: Path) -> None:
    """Until the commit nothing of the newer version is there, after it all; and it can be tried again."""
    crashes = 0
    for number in range(1, 100):
        path = tmp_path / f"{number}.db"
        connection = older(path)
        before, left = tables(connection), number

        def pull(cursor: apsw.Cursor, statement: str, bindings: object) -> bool:
            nonlocal left
            left -= 1
            if left == 0:
                raise PulledPlug(statement)
            return True

        connection.set_exec_trace(pull)
        try:
            make_current(connection, path, NEWER)
        except PulledPlug:
            connection.set_exec_trace(None)
            version = version_of(connection, path, len(NEWER))
            assert (version == len(MIGRATIONS)) == (tables(connection) == before)
            crashes += version == len(MIGRATIONS)
            make_current(connection, path, NEWER)
        connection.set_exec_trace(None)
        assert version_of(connection, path, len(NEWER)) == len(NEWER)
        assert connection.execute("SELECT run FROM more").fetchall() == [("7f3a",)]
        connection.close()
        if left > 0:
            break
    assert crashes >= STATEMENTS_MIN


def test_the_second_who_comes_waits_and_finds_it_done(tmp_path: Path) -> None:
    """Several processes that meet an older journal at once migrate it once."""
    path = tmp_path / "journal.db"
    older(path).close()
    gate, errors = threading.Barrier(5), []

    def come() -> None:
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(5_000)
        gate.wait()
        try:
            make_current(connection, path, NEWER)
        except apsw.Error as error:
            errors.append(error)
        connection.close()

    threads = [threading.Thread(target=come) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    connection = apsw.Connection(str(path))
    assert connection.execute("SELECT count(*) FROM more").fetchall() == [(1,)]
    connection.close()


def test_there_is_no_way_back(tmp_path: Path) -> None:
    """The older relight refuses what the newer one made, and leaves it as it is."""
    path = tmp_path / "journal.db"
    connection = older(path)
    make_current(connection, path, NEWER)
    with pytest.raises(JournalTooNew, match=f"format {len(NEWER)}"):
        make_current(connection, path)
    assert version_of(connection, path, len(NEWER)) == len(NEWER)
    connection.close()
