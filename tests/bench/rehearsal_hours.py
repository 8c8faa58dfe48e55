"""A recovery of four hours and a half, rehearsed by a cold ``relight rehearse``: interpreter, plan and all.

The floor is an interpreter that imports what every command line does. Goal: well under a second.
"""

import os
import subprocess
import sys
import time

from idle import compiled, folder, in_turn

from relight.shipped import runbook

ROUNDS = 5
GOAL_S = 1.0
RUNBOOK = runbook("failover-and-return")
SCRIPT = RUNBOOK.parent / "rehearsals/return-nobody-answers.yaml"
HOURS = "4:31:"


def timed(*words: str) -> float:
    """Return the seconds that a process takes from its start to its end."""
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, *words], capture_output=True, text=True, env=ENVIRONMENT)
    took = time.perf_counter() - began
    assert ended.returncode == 0, ended.stderr
    if "relight.cli" in words:
        assert f"succeeded after {HOURS}" in ended.stdout
    return took


def floor() -> float:
    """Return the seconds of an interpreter that only imports."""
    return timed("-c", "import click")


def rehearsed() -> float:
    """Return the seconds of the rehearsal."""
    return timed("-P", "-m", "relight.cli", "rehearse", str(RUNBOOK), "--script", str(SCRIPT))


if __name__ == "__main__":
    with compiled(), folder() as place:
        ENVIRONMENT = {**os.environ, "RELIGHT_HOME": str(place), "RELIGHT_CONFIG": str(place)}
        rehearsed()
        least, ours = in_turn(ROUNDS, floor, rehearsed)
        print(f"four hours and a half: rehearsed in {ours:.2f} s (goal {GOAL_S}), python and click alone {least:.2f} s")
        print(f"ratio {ours / least:.1f}")
