"""Finds and ends processes with everything that they started.

A descendant is known by its process group, by its parent, or by a marker in its environment,
which survives a double fork and a new session.
What does not belong here: starting anything, and reading what it says (``relight.sdk.processes``).
"""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

KILL_WAIT_S = 5.0
"""How long a killed process may linger (uninterruptible I/O) before nobody waits for it any longer."""
_LOOK_FIRST_S = 0.01
_LOOK_LAST_S = 0.2
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    group: int


def find_marked(marker: Mapping[str, str]) -> frozenset[int]:
    """Return every living process that has all of *marker* in its environment, and its descendants.

    The asking process is never among them. Where there is no ``/proc``, nothing can be found.
    """
    return _left(None, marker)


async def end_marked(marker: Mapping[str, str], grace_s: float) -> frozenset[int]:
    """End what :func:`find_marked` finds, and return it: asked first, killed after *grace_s*."""
    found = find_marked(marker)
    if found:
        await _end(None, marker, grace_s)
    return found


async def end_group(group: int, marker: Mapping[str, str], grace_s: float) -> None:
    """End the process group *group* and what :func:`find_marked` finds: asked first, killed after *grace_s*.

    Cancelling it cuts the grace short; the kill is still seen through.
    """
    await _end(group, marker, grace_s)


async def _end(group: int | None, marker: Mapping[str, str], grace_s: float) -> None:
    _signal(_left(group, marker), signal.SIGTERM)
    with suppress(asyncio.CancelledError):
        await _until_gone(group, marker, grace_s)
    # One may fork between the look and the kill, so each look kills again.
    await _until_gone(group, marker, KILL_WAIT_S, kill=True)


async def _until_gone(group: int | None, marker: Mapping[str, str], within_s: float, *, kill: bool = False) -> None:
    deadline = asyncio.get_running_loop().time() + within_s
    pause = _LOOK_FIRST_S
    while left := _left(group, marker):
        if kill:
            _signal(left, signal.SIGKILL)
        remaining = deadline - asyncio.get_running_loop().time()
        if remaining <= 0:
            return
        await asyncio.sleep(min(pause, remaining))
        pause = min(pause * 2, _LOOK_LAST_S)


def _signal(pids: frozenset[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _left(group: int | None, marker: Mapping[str, str]) -> frozenset[int]:
    """Return who of them still lives; a negative number is a whole group, where it cannot be looked into."""
    if not _PROC.joinpath("self", "stat").exists():
        return frozenset({-group}) if group is not None and _exists(group) else frozenset()
    # Whoever asks may carry the marker too, or be the child of one that does: a driver that a step has started.
    processes = [each for each in _living() if each.pid != os.getpid()]
    marked = [f"{name}={value}".encode() for name, value in marker.items()]
    left = {each.pid for each in processes if each.group == group or (marked and _carries(each.pid, marked))}
    while more := {each.pid for each in processes if each.parent in left} - left:
        left |= more
    return frozenset(left)


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _living() -> Iterator[_Process]:
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            # The name in brackets may hold anything, so what follows its last bracket is read.
            state, parent, group = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:3]
            if state not in b"ZX":
                yield _Process(int(entry.name), int(parent), int(group))


def _carries(pid: int, marked: list[bytes]) -> bool:
    try:
        environment = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # it ended while we looked, or it is somebody else's
        return False
    return all(mark in environment for mark in marked)
