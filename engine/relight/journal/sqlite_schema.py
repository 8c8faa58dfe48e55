"""The tables of the embedded journal, and how an older file becomes a newer one.

Each step of ``MIGRATIONS`` is one transaction that ends with the version that it made, so a crash in the middle
leaves the version before, and a second process that waited finds nothing left to do.
A step that was released is never changed: add another.
"""

from pathlib import Path

import apsw

from relight.errors import JournalError, JournalTooNew
from relight.journal.port import FORMAT

APPLICATION_ID = 0x52_4C_54_4A
"""``RLTJ``, in the file's header: this file is a journal and not another program's."""

_FIRST = """
CREATE TABLE runs (
    run TEXT PRIMARY KEY NOT NULL, runbook TEXT NOT NULL, site TEXT NOT NULL, state TEXT NOT NULL,
    started_at INTEGER NOT NULL, ended_at INTEGER, starter TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_age ON runs (started_at);
CREATE TABLE records (
    run TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL,
    prev TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (run, seq)
) STRICT;
CREATE TABLE locks (name TEXT PRIMARY KEY NOT NULL, run TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE leases (
    run TEXT PRIMARY KEY NOT NULL, epoch INTEGER NOT NULL, driver TEXT NOT NULL, until INTEGER NOT NULL,
    released INTEGER NOT NULL, details TEXT NOT NULL
) STRICT;
CREATE TABLE requests (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, run TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,
    ok INTEGER, text TEXT, code INTEGER
) STRICT;
CREATE INDEX requests_pending ON requests (run, number) WHERE ok IS NULL;
CREATE TABLE samples (
    run TEXT NOT NULL, number INTEGER NOT NULL, "check" TEXT NOT NULL, "use" TEXT NOT NULL, at INTEGER NOT NULL,
    t INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE live (run TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE blobs (digest TEXT PRIMARY KEY NOT NULL, content BLOB NOT NULL) STRICT;
CREATE TRIGGER records_stay BEFORE UPDATE ON records
    BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
CREATE TRIGGER records_remain BEFORE DELETE ON records
    BEGIN SELECT RAISE(ABORT, 'records are never removed'); END;
CREATE TRIGGER runs_remain BEFORE DELETE ON runs
    BEGIN SELECT RAISE(ABORT, 'runs are never removed'); END;
CREATE TRIGGER answers_stay BEFORE UPDATE ON requests WHEN OLD.ok IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a request is answered once'); END;
CREATE TRIGGER requests_remain BEFORE DELETE ON requests
    BEGIN SELECT RAISE(ABORT, 'requests are never removed'); END;
"""

_SHELVES = """
CREATE TABLE shelves (
    shelf TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER, body TEXT NOT NULL,
    PRIMARY KEY (shelf, name)
) STRICT, WITHOUT ROWID;
"""

_SNAPSHOTS = """
CREATE TABLE snapshots (
    run TEXT PRIMARY KEY NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _SHELVES, _SNAPSHOTS)
"""The statements that make version 1 of nothing, version 2 of version 1, and so on."""

assert len(MIGRATIONS) == FORMAT


def make_current(connection: apsw.Connection, path: Path, migrations: tuple[str, ...] = MIGRATIONS) -> None:
    """Bring the file to the current version, from nothing or from any older one.

    Raises:
        JournalTooNew: a newer relight made it.
        JournalError: it is another program's database.
    """
    while version_of(connection, path, len(migrations)) < len(migrations):
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(connection, path, len(migrations))  # somebody else may have been first
            if version < len(migrations):
                _step(connection, migrations[version], version + 1)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _step(connection: apsw.Connection, statements: str, version: int) -> None:
    connection.execute(statements)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version}")


def version_of(connection: apsw.Connection, path: Path, newest: int = FORMAT) -> int:
    """Return the file's version, 0 for an empty one.

    Raises:
        JournalTooNew: it is above *newest*.
        JournalError: it is another program's database.
    """
    # In this order: somebody may make the tables meanwhile, and then the last answer says that they are ours.
    tables = _number(connection, "SELECT count(*) FROM sqlite_schema")
    version = _number(connection, "PRAGMA user_version")
    application = _number(connection, "PRAGMA application_id")
    if tables == version == application == 0:
        return 0
    if application != APPLICATION_ID:
        raise JournalError(f"{path} is another program's database and no journal", hint="name another file")
    if version > newest:
        raise JournalTooNew(
            f"{path} has format {version}, and this relight knows formats up to {newest}",
            hint="install a relight at least as new as the one that wrote it; nothing was changed",
        )
    return version


def _number(connection: apsw.Connection, question: str) -> int:
    for (value,) in connection.execute(question):
        assert isinstance(value, int)
        return value
    raise AssertionError(question)
