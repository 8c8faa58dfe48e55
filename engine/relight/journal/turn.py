"""Turns at writing: who waits for a commit to end is next, before whoever just committed begins again.

SQLite's writers look again and again whether the other one is done, so a driver that commits without a pause would
keep an abort out for seconds. Here a writer holds its turn from before it waits until it has begun: meanwhile nobody
else begins. It is about fairness and not about safety, so that whoever does not get a turn goes on without it.
"""

import fcntl
import os
import time
from pathlib import Path

_TRIES = 200
_PAUSE_S = 0.000_5
"""A turn is held while one transaction ends; a tenth of a second outlasts that, unless somebody was stopped in it."""


class Turn:
    """One process's place in the queue of a journal."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take the turn, and say whether that worked; if not, begin without."""
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            for _ in range(_TRIES):
                if self._try():
                    return True
                time.sleep(_PAUSE_S)
        except OSError:  # a full disk has no room for one more file
            return False
        return False

    def leave(self) -> None:
        """Let the next one begin."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _try(self) -> bool:
        assert self._descriptor is not None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
