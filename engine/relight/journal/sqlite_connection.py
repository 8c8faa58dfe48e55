"""Connections to the embedded journal: how they are set, who may use them, and what their errors mean.

One connection writes, one reads; each is used by one thread at a time, and a reader never waits for a writer.
"""

import contextlib
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TypeVar

import apsw

from relight.errors import JournalError
from relight.journal.disk import ELSEWHERE, FREE_BYTES_MIN, Reserve, close_to_others, make_ready
from relight.journal.sqlite_schema import make_current, version_of
from relight.journal.turn import Turn

T = TypeVar("T")

SQLITE_OLDEST = (3, 51, 3)
"""Before it, resetting the write-ahead log at the wrong moment could lose a commit."""

_BUSY_MS = 5_000
"""A commit takes a millisecond and a slow disk a hundred; who waits longer waits for something that hangs."""

_AGAIN_S = 0.005
"""Before the log is asked for again; the one who is making it needs a few milliseconds."""

_SETTINGS = (
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS: an fsync there does not reach the disk
    "PRAGMA checkpoint_fullfsync = ON",
)


class JournalFull(JournalError):
    """There is no room; what is urgent may still be written."""


class Connections:
    """The two connections of one process to one journal; the second is opened when something is written.

    Args:
        path: The database.
        create: Make it when it is not there.
        vfs: SQLite's way to the disk; tests put a failing one there.
    """

    def __init__(self, path: Path, *, create: bool = True, vfs: str | None = None) -> None:
        _refuse_old_sqlite()
        self.path = path
        self.reserve = Reserve(path.with_name(path.name + "-reserve"))
        self._turn = Turn(path.with_name(path.name + "-turn"))
        self._vfs = vfs
        self._process = os.getpid()
        self._read_lock = Lock()
        self._write_lock = Lock()
        self._writer: apsw.Connection | None = None
        make_ready(path, create=create)
        self._reader = self._with_room(self._open_checked, urgent=True)

    def read(self, work: Callable[[apsw.Connection], T]) -> T:
        """Return what *work* reads."""
        self._refuse_fork()
        with self._read_lock:
            try:
                return work(self._reader)
            except apsw.Error as error:
                raise explained(error, self.path) from error

    def write(self, work: Callable[[apsw.Connection], T], *, urgent: bool = False) -> T:
        """Return what *work* returns, done in one transaction that is on disk by then.

        On a full disk an *urgent* one is tried again with the reserve given up.
        Without a reserve nothing else is written: what was given up is for the end of what is under way.

        Raises:
            JournalError: it was rolled back.
        """
        self._refuse_fork()
        with self._write_lock:
            if not urgent and (why := self.reserve.hold()):
                raise _no_room(self.path, why)
            return self._with_room(lambda: self._transact(work), urgent=urgent)

    def close(self) -> None:
        """Close both."""
        for lock, connection in ((self._write_lock, self._writer), (self._read_lock, self._reader)):
            with lock:
                if connection is not None:
                    _close(connection)
        self._writer = None
        self._turn.close()

    def _transact(self, work: Callable[[apsw.Connection], T]) -> T:
        if self._writer is None:
            self._writer = self._open()
        connection = self._writer
        try:
            self._begin(connection)
            outcome = work(connection)
            connection.execute("COMMIT")
        except (apsw.BusyError, apsw.ConstraintError):
            _roll_back(connection)
            raise
        except apsw.Error as error:
            # After an I/O error a fresh connection is the surest way to see what is really there.
            error.add_note(f"errno {connection.system_errno}")
            self._writer = None
            _roll_back(connection)
            _close(connection)
            raise
        except BaseException:
            _roll_back(connection)
            raise
        return outcome

    def _begin(self, connection: apsw.Connection) -> None:
        has_turn = self._turn.take()
        try:
            connection.execute("BEGIN IMMEDIATE")
        finally:
            if has_turn:
                self._turn.leave()

    def _with_room(self, work: Callable[[], T], *, urgent: bool) -> T:
        try:
            return work()
        except apsw.Error as error:
            if not (urgent and _is_full(error) and self.reserve.release()):
                raise explained(error, self.path) from error
        try:
            return work()
        except apsw.Error as error:
            raise explained(error, self.path) from error

    def _open_checked(self) -> apsw.Connection:
        """Open the first connection; another program's file and a newer relight's are left as they are."""
        connection = self._connect()
        try:
            version_of(connection, self.path)
            close_to_others(self.path)
            _use_log(connection, self.path)
            make_current(connection, self.path)
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            _close(connection)
            raise
        return connection

    def _open(self) -> apsw.Connection:
        connection = self._connect()
        try:
            _use_log(connection, self.path)
        except BaseException:
            _close(connection)
            raise
        return connection

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=self._vfs)
        try:
            connection.set_busy_timeout(_BUSY_MS)
            for setting in _SETTINGS:
                connection.execute(setting)
        except BaseException:
            _close(connection)
            raise
        return connection

    def _refuse_fork(self) -> None:
        if os.getpid() != self._process:
            raise AssertionError("a journal must be opened again in a forked child")


def _use_log(connection: apsw.Connection, path: Path) -> None:
    for (mode,) in _ask_for_log(connection):
        if mode != "wal":
            raise JournalError(f"the filesystem of {path} has no shared memory for its log", hint=ELSEWHERE)


def _ask_for_log(connection: apsw.Connection) -> list[tuple[str]]:
    # Of several who ask for it first, SQLite refuses all but one without any waiting: each would wait for the others.
    deadline = time.monotonic() + _BUSY_MS / 1_000
    while True:
        try:
            return list(connection.execute("PRAGMA journal_mode = WAL"))
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_AGAIN_S)


def _close(connection: apsw.Connection) -> None:
    # What was acknowledged is on disk already; a log that could not be carried over is read by whoever opens next.
    with contextlib.suppress(apsw.Error):
        connection.close()


def _roll_back(connection: apsw.Connection) -> None:
    with contextlib.suppress(apsw.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _refuse_old_sqlite() -> None:
    found = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if found < SQLITE_OLDEST:
        wanted = ".".join(map(str, SQLITE_OLDEST))
        raise JournalError(
            f"SQLite {apsw.sqlite_lib_version()} may lose records; {wanted} or newer is needed",
            hint="pip install --upgrade --only-binary=apsw apsw",
        )


def _is_full(error: apsw.Error) -> bool:
    notes = getattr(error, "__notes__", ())
    return isinstance(error, apsw.FullError) or any(
        note in notes for note in (f"errno {errno.ENOSPC}", f"errno {errno.EDQUOT}")
    )


def _no_room(path: Path, why: str) -> JournalFull:
    return JournalFull(
        f"the disk of the journal {path} is full ({why}); nothing was written",
        hint=f"free {FREE_BYTES_MIN // 2**20} MiB there; until then only aborts, outcomes and the end are recorded",
    )


def explained(error: apsw.Error, path: Path) -> JournalError:
    """Return what an error of SQLite means to the person at the keyboard."""
    if _is_full(error):
        return _no_room(path, "no space is left")
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return JournalError(
            f"the journal {path} was busy for {_BUSY_MS // 1_000} s; nothing was written",
            hint="another process hangs in a write: look for stopped relight processes",
        )
    if isinstance(error, apsw.NotADBError):
        return JournalError(f"{path} is no journal and no database", hint="name another file")
    if isinstance(error, apsw.CorruptError):
        return JournalError(
            f"the journal {path} is damaged ({error})",
            hint="keep a copy of it and of the files beside it first; relight verify tells what is sound",
        )
    if isinstance(error, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError | apsw.AuthError):
        return JournalError(f"the journal {path} cannot be written ({error})", hint=ELSEWHERE)
    return JournalError(f"the journal {path} failed: {error}", hint="look at the disk; nothing was acknowledged")
