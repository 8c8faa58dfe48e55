"""Starting a driver as a process of its own, which survives its starter, its terminal and a hang-up."""

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from relight.drivers.live.orphans import DISPATCH, RUN
from relight.errors import JournalError, RelightError

READY_S = 20.0
"""How long a driver may take to say that it drives: the first start on a cold disk takes three."""


def spawn_driver(
    run: str,
    journal_url: str,
    module: str,
    *,
    take_over: bool = False,
    ends_with_us: bool = False,
    within_s: float = READY_S,
) -> int:
    """Start a driver for *run* in the background and return its process id, once it holds the run.

    Args:
        module: What is started (``python -m``); see :func:`relight.drivers.live.host.main`.
        ends_with_us: It stops when this process is gone, however that ended: a drill's driver outlives no drill.

    Raises:
        RelightError: it does not drive, and this is why, with the exit code that goes with it.
    """
    heard, told = os.pipe()
    passed = [told]
    # -P: nothing is ever imported from the current directory.
    argv = [sys.executable, "-P", "-m", module, run, "--journal", journal_url, "--ready-fd", str(told)]
    argv += ["--take-over"] if take_over else []
    if ends_with_us:
        passed.append(_lifeline())
        argv += ["--while-open", str(passed[-1])]
    environment = {name: value for name, value in os.environ.items() if name not in (RUN, DISPATCH)}
    try:
        starter = subprocess.Popen(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=passed,
        )
        while passed:
            os.close(passed.pop())
        said = _heard(heard, within_s)
        # It forks and ends at once; the driver is its child.
        starter.wait(within_s)
    finally:
        for descriptor in (heard, *passed):
            os.close(descriptor)
    return _pid(run, said)


def _lifeline() -> int:
    """Return the end of a pipe whose other end stays open as long as this process lives, and in no other."""
    watched, _held = os.pipe()
    return watched


def _heard(descriptor: int, within_s: float) -> bytes:
    deadline = time.monotonic() + within_s
    said = b""
    while not said.endswith(b"\n") and (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([descriptor], [], [], left)
        chunk = os.read(descriptor, 65_536) if ready else b""
        if ready and not chunk:
            break
        said += chunk
    return said


def _pid(run: str, said: bytes) -> int:
    try:
        message: dict[str, Any] = json.loads(said)
    except ValueError:
        raise JournalError(
            f"the driver of run {run} ended before it drove anything",
            hint=f"relight resume {run} --foreground shows what it says",
        ) from None
    if "pid" in message:
        return int(message["pid"])
    error = RelightError(str(message.get("error")), hint=str(message.get("hint", "")))
    error.exit_code = int(message.get("exit_code", 1))
    raise error


def log_path(journal_location: str, run: str, home: Path) -> Path:
    """Return where the driver of *run* writes its log: beside the journal where that is a file, else in *home*."""
    scheme, _, rest = journal_location.partition("://")
    folder = Path(f"{rest}-logs") if scheme == "sqlite" and rest.startswith("/") else home / "logs"
    return folder / f"{run}.log"
