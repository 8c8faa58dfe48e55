"""Handing a run to whatever serves its site; where nothing does, its maker drives it."""

import time

from relight.control.wording import now_ms
from relight.drivers import serves
from relight.drivers.serves import Serve, alive
from relight.errors import Locked
from relight.journal.port import Journal

__all__ = ["alive", "offer", "taken_by"]

TAKEN_S = 3.0
"""For a serve to take what was handed over: it looks ten times a second, and a busy one a second later."""
LOOK_S = 0.02


def offer(journal: Journal, run: str, *, by: str) -> None:
    """Let any serve drive *run*; one that has it already is as good.

    Raises:
        JournalError: it cannot be written.
    """
    try:
        serves.hand_over(journal, run, now_ms(), by=by)
    except Locked:
        return


def taken_by(journal: Journal, run: str, site: str, *, by: str, within_s: float = TAKEN_S) -> str:
    """Hand *run* to a serve of *site* and return its name once it drives; empty where none takes it.

    Raises:
        JournalError: it cannot be written.
    """
    found: list[Serve] = alive(journal, now_ms(), site=site)
    if not found:
        return ""
    offer(journal, run, by=by)
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        lease = journal.lease(run)
        if lease is not None and lease.alive:
            return lease.driver
        time.sleep(LOOK_S)
    return ""
