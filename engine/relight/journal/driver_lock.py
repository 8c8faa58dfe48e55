"""The file lock that tells a live driver from a dead one, on a journal that is a file.

Each epoch of a run has a lock file of its own: a driver that was taken over while it was stopped keeps the old one,
and that says nothing of the new driver. The kernel frees a lock when its process dies, however it dies.
"""

import contextlib
import fcntl
import os
import time
import weakref
from pathlib import Path

from relight.errors import JournalError

_TRIES = 20
_PAUSE_S = 0.005
"""Whoever asks whether a driver lives holds its lock for microseconds; a tenth of a second outlasts many of them."""

_HELD: "weakref.WeakSet[DriverLock]" = weakref.WeakSet()


class DriverLock:
    """A held lock. It ends with :meth:`release`, :meth:`drop` or the process, and no child inherits it."""

    __slots__ = ("__weakref__", "_descriptor", "path")

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor
        _HELD.add(self)

    def drop(self) -> None:
        """Let go of it and leave the file, as death would."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def release(self) -> None:
        """Let go of it and take the file away."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()  # while it is held: nobody can have taken it in between
            self.drop()


def take(folder: Path, run: str, epoch: int) -> DriverLock | None:
    """Take the lock of that epoch; None if somebody has it.

    Raises:
        JournalError: there can be no locks in that folder.
    """
    path = _path(folder, run, epoch)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for _ in range(_TRIES):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if _lock(descriptor):
                return DriverLock(path, descriptor)
            os.close(descriptor)
            time.sleep(_PAUSE_S)
    except OSError as error:
        raise JournalError(
            f"drivers cannot be told apart in {folder}: {error.strerror}", hint="the journal needs a local disk"
        ) from error
    return None


def is_held(folder: Path, run: str, epoch: int) -> bool:
    """Say whether the driver of that epoch lives."""
    try:
        descriptor = os.open(_path(folder, run, epoch), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def clear(folder: Path, run: str, below: int) -> None:
    """Take away the files of earlier epochs, which say nothing any more."""
    for path in folder.glob(f"{run}.*"):
        with contextlib.suppress(OSError, ValueError):
            if int(path.suffix[1:]) < below:
                path.unlink()


def _path(folder: Path, run: str, epoch: int) -> Path:
    return folder / f"{run}.{epoch}"


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    # Its last holder may have taken the file away between our open and our lock.
    return os.fstat(descriptor).st_nlink > 0


def _forget_in_child() -> None:
    """A forked child shares the open file, and with it the lock: it would keep a dead driver alive."""
    for lock in list(_HELD):
        lock.drop()


os.register_at_fork(after_in_child=_forget_in_child)
