"""The embedded journal: one SQLite file, write-ahead log, every commit synced before it is acknowledged.

Writes go through one connection, reads through another, so the thread that draws or polls never waits for a disk.
What does not belong here: what the tables are (``sqlite_schema``), how they are filled (``sqlite_append``),
and who drives (``sqlite_leases``).
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

from relight.journal import refusals
from relight.journal.port import BLOB_BYTES_MAX, Answer, Batch, Kept, Lease, Record, Request, Row, Sample, Snapshot
from relight.journal.sqlite_append import append_batch, create_run
from relight.journal.sqlite_connection import Connections, JournalFull
from relight.journal.sqlite_leases import Leases, SqliteHold
from relight.journal.sqlite_shelves import keep_on_shelf

_CHUNK = 500
"""Records read at once: no transaction stays open while somebody looks at them."""
_CHUNK_FIRST = 20
"""Who wants one record, or what is new, reads no more than that; each chunk is five times the one before."""

_RECORD = "SELECT run, seq, epoch, kind, body, prev, hash FROM records"
_ROW = (
    "SELECT run, runbook, site, state, started_at, ended_at, starter, "
    "coalesce((SELECT max(seq) FROM records WHERE records.run = runs.run), 0) FROM runs"
)


class SqliteJournal:
    """A journal in a file.

    Args:
        path: The file; made with its folder unless *create* is false.
        vfs: SQLite's way to the disk; tests put a failing one there.

    Raises:
        JournalTooNew: a newer relight wrote it.
        JournalError: there can be none at that place; nothing was written.
    """

    def __init__(self, path: Path, *, create: bool = True, vfs: str | None = None) -> None:
        self._connections = Connections(path, create=create, vfs=vfs)
        self._read = self._connections.read
        self._leases = Leases(self._connections, self.location)

    @property
    def location(self) -> str:
        """How a person names it."""
        return f"sqlite://{self._connections.path}"

    # -- runs and records

    def create(
        self,
        row: Row,
        first: Sequence[tuple[str, bytes]],
        *,
        locks: Sequence[str] = (),
        once: Sequence[Kept] = (),
    ) -> None:
        """Begin a run; see the port."""
        refusals.checked_run(row.run)
        if refusal := self._connections.write(lambda connection: create_run(connection, row, first, locks, once)):
            raise refusal

    def append(self, batches: Sequence[Batch]) -> list[Exception | None]:
        """Append; see the port."""
        if all(batch.urgent for batch in batches):
            return self._append(batches, urgent=True)
        try:
            return self._append(batches, urgent=False)
        except JournalFull as full:
            urgent = [batch for batch in batches if batch.urgent]
            if not urgent:
                raise
            outcomes = iter(self._append(urgent, urgent=True))
            return [next(outcomes) if batch.urgent else full for batch in batches]

    def _append(self, batches: Sequence[Batch], *, urgent: bool) -> list[Exception | None]:
        def work(connection: apsw.Connection) -> list[Exception | None]:
            return [append_batch(connection, batch, self.location) for batch in batches]

        return self._connections.write(work, urgent=urgent)

    def records(self, run: str, after: int = 0, *, kinds: Sequence[str] = ()) -> Iterator[Record]:
        """Yield records; see the port."""
        which = f" AND kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
        question = f"{_RECORD} WHERE run = ? AND seq > ?{which} ORDER BY seq LIMIT ?"
        chunk = _CHUNK_FIRST
        while True:
            rows: list[Any] = self._all(question, run, after, *kinds, chunk)
            for found, seq, epoch, kind, body, prev, digest in rows:
                yield Record(run=found, seq=seq, epoch=epoch, kind=kind, body=body, prev=prev, hash=digest)
            if len(rows) < chunk:
                return
            after, chunk = rows[-1][1], min(chunk * 5, _CHUNK)

    def row(self, run: str) -> Row | None:
        """Return the list's row of that run."""
        rows = self._all(f"{_ROW} WHERE run = ?", run)
        return _row(rows[0]) if rows else None

    def rows(self, *, unfinished: bool = False, limit: int = 100) -> list[Row]:
        """Return runs, newest first."""
        which = "WHERE ended_at IS NULL" if unfinished else ""
        return [
            _row(found) for found in self._all(f"{_ROW} {which} ORDER BY started_at DESC, rowid DESC LIMIT ?", limit)
        ]

    def find(self, prefix: str) -> list[str]:
        """Return the ids of runs that start with *prefix*, newest first."""
        question = "SELECT run FROM runs WHERE substr(run, 1, ?) = ? ORDER BY started_at DESC, rowid DESC"
        return [run for (run,) in self._all(question, len(prefix), prefix)]

    # -- leases

    def drive(
        self,
        run: str,
        driver: str,
        until: int,
        now: int,
        *,
        take_over: bool = False,
        details: dict[str, Any] | None = None,
    ) -> SqliteHold:
        """Take the run's lease; see the port."""
        return self._leases.take(run, driver, until, now, take_over=take_over, details=dict(details or {}))

    def lease(self, run: str) -> Lease | None:
        """Return who drives it, or did last."""
        return self._leases.look(run)

    # -- inbox

    def ask(self, request: Request, *, urgent: bool = False) -> None:
        """Put a request in the run's inbox; see the port."""

        def work(connection: apsw.Connection) -> None:
            if not any(connection.execute("SELECT 1 FROM runs WHERE run = ?", (request.run,))):
                raise refusals.no_run(request.run, self.location)
            if any(connection.execute("SELECT 1 FROM requests WHERE id = ?", (request.id,))):
                raise refusals.asked_before(request.id)
            waiting = "SELECT count(*) FROM requests WHERE run = ? AND ok IS NULL"
            (pending,) = (int(str(count)) for (count,) in connection.execute(waiting, (request.run,)))
            body = refusals.checked_request(request, pending, urgent=urgent)
            connection.execute(
                "INSERT INTO requests (id, run, at, body) VALUES (?, ?, ?, ?)",
                (request.id, request.run, request.at, body),
            )

        self._connections.write(work, urgent=urgent)

    def pending(self, run: str) -> list[Request]:
        """Return the unanswered requests in order."""
        question = "SELECT id, at, body FROM requests WHERE run = ? AND ok IS NULL ORDER BY number"
        return [Request(id=name, run=run, at=at, body=json.loads(body)) for name, at, body in self._all(question, run)]

    def answer(self, request: str) -> Answer | None:
        """Return the answer to a request, None while there is none."""
        rows = self._all("SELECT ok, text, code FROM requests WHERE id = ? AND ok IS NOT NULL", request)
        return Answer(request=request, ok=bool(rows[0][0]), text=rows[0][1], code=rows[0][2]) if rows else None

    def changes(self) -> int:
        """Return a number that differs after anybody wrote."""
        number: int = self._all("PRAGMA data_version")[0][0]
        return number

    # -- beside the chain

    def samples(self, run: str, *, check: str = "", last: int = 100) -> list[Sample]:
        """Return the newest samples, oldest first."""
        question = (
            'SELECT "check", "use", at, t, kind, value, detail FROM samples '
            "WHERE run = ?1 AND (?2 = '' OR \"check\" = ?2) ORDER BY number DESC LIMIT ?3"
        )
        rows = self._all(question, run, check, last)
        return [
            Sample(check=name, use=use, at=at, t=t, kind=kind, value=json.loads(value), detail=detail)
            for name, use, at, t, kind, value, detail in reversed(rows)
        ]

    def live(self, run: str) -> dict[str, Any]:
        """Return what the driver last put there for views."""
        rows = self._all("SELECT body FROM live WHERE run = ?", run)
        found: dict[str, Any] = json.loads(rows[0][0]) if rows else {}
        return found

    def snapshot(self, run: str) -> Snapshot | None:
        """Return the last snapshot; see the port."""
        for seq, body, prev, digest in self._all("SELECT seq, body, prev, hash FROM snapshots WHERE run = ?", run):
            return Snapshot(run=run, seq=seq, body=body, prev=prev, hash=digest)
        return None

    def put_blob(self, content: bytes) -> str:
        """Keep a blob; see the port."""
        if len(content) > BLOB_BYTES_MAX:
            raise refusals.blob_too_large(len(content))
        digest = hashlib.sha256(content).hexdigest()
        statement = "INSERT OR IGNORE INTO blobs (digest, content) VALUES (?, ?)"
        self._connections.write(lambda connection: connection.execute(statement, (digest, content)))
        return digest

    def blob(self, digest: str) -> bytes | None:
        """Return a blob."""
        rows = self._all("SELECT content FROM blobs WHERE digest = ?", digest)
        return rows[0][0] if rows else None

    # -- shelves

    def keep(self, thing: Kept, *, only_new: bool = False) -> bool:
        """Put a thing on its shelf; see the port."""
        return self._connections.write(lambda connection: keep_on_shelf(connection, thing, only_new=only_new))

    def kept(self, shelf: str, now: int) -> list[Kept]:
        """Return what is on a shelf; see the port."""
        question = (
            "SELECT name, at, until, body FROM shelves WHERE shelf = ? AND (until IS NULL OR until > ?) "
            "ORDER BY at, name"
        )
        rows = self._all(question, shelf, now)
        return [Kept(shelf=shelf, name=name, at=at, until=until, body=json.loads(b)) for name, at, until, b in rows]

    def let_go(self, shelf: str, name: str) -> bool:
        """Take a thing from its shelf; see the port."""

        def work(connection: apsw.Connection) -> bool:
            connection.execute("DELETE FROM shelves WHERE shelf = ? AND name = ?", (shelf, name))
            return connection.changes() > 0

        return self._connections.write(work)

    def close(self) -> None:
        """Let go of it; a lease that was not released counts as a dead driver's."""
        self._leases.drop()
        self._connections.close()

    def _all(self, question: str, *values: str | int) -> list[Any]:
        return self._read(lambda connection: connection.execute(question, values).fetchall())


def _row(found: tuple[Any, ...]) -> Row:
    run, runbook, site, state, started_at, ended_at, starter, seq = found
    return Row(
        run=run,
        runbook=runbook,
        site=site,
        state=state,
        started_at=started_at,
        ended_at=ended_at,
        starter=starter,
        seq=seq,
    )
