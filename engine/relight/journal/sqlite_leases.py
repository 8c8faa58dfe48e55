"""Who drives a run of the embedded journal: a row with an epoch, and a file lock that tells whether they live."""

import json
import time
from dataclasses import replace
from typing import Any

import apsw

from relight.errors import Locked
from relight.journal import driver_lock, refusals
from relight.journal.driver_lock import DriverLock
from relight.journal.port import Lease
from relight.journal.sqlite_connection import Connections

_TRIES = 20
_PAUSE_S = 0.01
"""Two that start at the same moment look again until one of them has it; a fifth of a second is plenty."""


class Leases:
    """The leases of one journal, and the file locks that this process holds for them."""

    def __init__(self, connections: Connections, location: str) -> None:
        self._connections = connections
        self._location = location
        self._folder = connections.path.with_name(connections.path.name + "-drivers")
        self._held: list[DriverLock] = []

    def look(self, run: str) -> Lease | None:
        """Return who drives it, or did last."""
        row = self._connections.read(lambda connection: _select(connection, run))
        if row is None:
            return None
        lease, released = row
        alive = not released and driver_lock.is_held(self._folder, run, lease.epoch)
        return replace(lease, alive=alive)

    def take(
        self, run: str, driver: str, until: int, now: int, *, take_over: bool, details: dict[str, Any]
    ) -> "SqliteHold":
        """Take the lease under a new epoch.

        Raises:
            Locked: somebody else drives it.
        """
        for _ in range(_TRIES):
            seen = self.look(run)
            if seen and seen.alive and not (take_over and seen.until < now):
                raise refusals.driven(seen, now)
            epoch = seen.epoch + 1 if seen else 1
            # Locked before the row says so: whoever reads the new epoch finds its driver alive.
            lock = driver_lock.take(self._folder, run, epoch)
            if lock is not None:
                lease = Lease(run=run, epoch=epoch, driver=driver, until=until, alive=True, details=details)
                if self._claim(lease, lock):
                    return SqliteHold(self._connections, lease, lock)
            time.sleep(_PAUSE_S)
        raise Locked(f"several drivers reach for run {run} at the same moment", hint=f"relight status {run}")

    def drop(self) -> None:
        """Let go of all file locks, as death would."""
        for lock in self._held:
            lock.drop()
        self._held.clear()

    def _claim(self, lease: Lease, lock: DriverLock) -> bool:
        """Write the row, unless the epoch moved on since it was read."""
        try:
            claimed = self._connections.write(lambda connection: _claim(connection, lease, self._location), urgent=True)
        except BaseException:
            lock.release()
            raise
        if claimed:
            self._held.append(lock)
            driver_lock.clear(self._folder, lease.run, lease.epoch)
        else:
            lock.release()
        return claimed


class SqliteHold:
    """The right to drive a run."""

    def __init__(self, connections: Connections, lease: Lease, lock: DriverLock) -> None:
        self._connections = connections
        self._lease = lease
        self._lock = lock

    @property
    def lease(self) -> Lease:
        """The lease as it was last renewed."""
        return self._lease

    def renew(self, until: int) -> None:
        """Extend the lease.

        Raises:
            StaleDriver: somebody took it over.
        """
        if not self._update("until = ?", until):
            raise refusals.taken_over(self._lease.run)
        self._lease = replace(self._lease, until=until)

    def release(self) -> None:
        """Give it back; quietly nothing when it was taken over."""
        self._update("released = 1, until = ?", 0)
        self._lock.release()

    def _update(self, change: str, value: int) -> bool:
        statement = f"UPDATE leases SET {change} WHERE run = ? AND epoch = ? AND NOT released"  # noqa: S608 - ours alone

        def work(connection: apsw.Connection) -> bool:
            connection.execute(statement, (value, self._lease.run, self._lease.epoch))
            return connection.changes() > 0

        return self._connections.write(work, urgent=True)


def _select(connection: apsw.Connection, run: str) -> tuple[Lease, bool] | None:
    question = "SELECT epoch, driver, until, details, released FROM leases WHERE run = ?"
    for epoch, driver, until, details, released in connection.execute(question, (run,)):
        assert isinstance(epoch, int)
        assert isinstance(until, int)
        found = json.loads(str(details))
        return Lease(run=run, epoch=epoch, driver=str(driver), until=until, alive=False, details=found), bool(released)
    return None


def _claim(connection: apsw.Connection, lease: Lease, location: str) -> bool:
    if not any(connection.execute("SELECT 1 FROM runs WHERE run = ?", (lease.run,))):
        raise refusals.no_run(lease.run, location)
    connection.execute(
        "INSERT INTO leases (run, epoch, driver, until, released, details) VALUES (?1, ?2, ?3, ?4, 0, ?5) "
        "ON CONFLICT (run) DO UPDATE SET epoch = ?2, driver = ?3, until = ?4, released = 0, details = ?5 "
        "WHERE epoch = ?2 - 1",
        (lease.run, lease.epoch, lease.driver, lease.until, json.dumps(lease.details)),
    )
    return connection.changes() > 0
