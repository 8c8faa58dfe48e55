"""Which process has a desk, and whether it is known to be dead: whoever waits for a message waits no longer than that.

Only a process of this very machine, boot and process namespace can be known to be dead; of every other one nobody can
tell, and its time has to pass.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PROC = Path("/proc")
_ENDED = frozenset("ZX")
"""States of what is no process any more; one that nobody has buried yet says nothing either."""
_START = 19
"""The place of a process's start among the words behind its name, by proc(5): a number may be given out again."""


def here() -> dict[str, Any]:
    """Return what tells this process from every other one; empty where the system does not say."""
    place, pid = _place(), os.getpid()
    return {"place": place, "pid": pid, "start": _start(pid)} if place else {}


def is_dead(process: Mapping[str, Any]) -> bool:
    """Return whether it is known that this process lives no more."""
    place, pid, start = process.get("place"), process.get("pid"), process.get("start")
    if not place or place != _place() or not isinstance(pid, int) or not start:
        return False
    return bool(_start(pid) != start)


def _place() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _start(pid: int) -> str:
    """Return when that process began, in the kernel's own words; empty if there is none."""
    try:
        words = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if len(words) <= _START or words[0] in _ENDED else words[_START]
