"""Processes that a dead driver left behind: found by the marker in their environment, and ended.

Every child of a dispatch carries the run and the dispatch in its environment, through double forks and new sessions.
Only children of dispatches without a report are ended: what a finished step left running was meant to run.
"""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

RUN = "RELIGHT_RUN"
DISPATCH = "RELIGHT_DISPATCH"
READING = "read"
"""In place of a dispatch's number, for the children of probes."""
ORPHAN_GRACE_S = 3.0
"""Seconds an orphan gets to end by itself: nobody hears its answer any more, and a run waits for its end."""
_PROC = Path("/proc")


def marker(run: str, dispatch: int | str) -> dict[str, str]:
    """Return the environment variables that mark the children of a dispatch."""
    return {RUN: run, DISPATCH: f"{run}:{dispatch}"}


def marked(run: str) -> list[int]:
    """Return the processes that carry the run's marker; this one is never among them."""
    mark = f"{RUN}={run}".encode()
    found: list[int] = []
    for entry in _PROC.glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked, or it is somebody else's
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


async def end_orphans(run: str, dispatches: Iterable[int], grace_s: float = ORPHAN_GRACE_S) -> int:
    """End what an earlier driver's dispatches and probes left running; return how many processes that were."""
    if not marked(run):
        return 0
    import asyncio

    from relight.sdk.process_tree import end_marked

    marks = [marker(run, READING), *(marker(run, each) for each in dispatches)]
    ended = await asyncio.gather(*(end_marked(mark, grace_s) for mark in marks))
    return len(frozenset().union(*ended))


def kill_marked(run: str) -> None:
    """Kill everything that carries the run's marker, at once and without waiting."""
    for pid in marked(run):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
