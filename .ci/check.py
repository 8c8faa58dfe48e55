"""The one command that checks everything: CI calls it, and so does everybody else.

    python .ci/check.py              everything
    python .ci/check.py lint types   these parts only
    python .ci/check.py --list       what the parts are

Every part is run, whatever the others said; the exit code is 0 only if all of them passed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sysconfig.get_path("scripts")
# Whole, the checks take minutes; a part that takes longer than this hangs, and CI should say which one it was.
PART_TIMEOUT_S = 40 * 60

PYTEST = ["pytest", "--durations=10", "--durations-min=2"]
# A test of real processes mostly waits for them, so there is one more at a time than there are cores.
AT_A_TIME = str((os.cpu_count() or 1) + 1)
PARTS: dict[str, list[str]] = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy"],
    "imports": ["lint-imports", "--no-logo"],
    # Tests that start the practice site or measure time would disturb the others, and be disturbed, so they come after.
    "tests": [*PYTEST, "-n", AT_A_TIME, "--dist", "worksteal", "-m", "not drill and not bench"],
    # Traced, they take three times as long, so only the tests of the kernel are. What a long walk comes across by
    # chance is no coverage either: a line that none but a walk reaches has no test that says what it is for.
    "coverage": [*PYTEST, "-n", "auto", "tests/kernel", "-m", "not long_walk", "--cov", "--cov-fail-under=100"],
    # A site mostly waits, for people and for windows of time: two side by side need one core. With a third beside them,
    # users of a site that has recovered were turned away by the machine itself.
    "drills": [*PYTEST, "-n", "2", "--dist", "loadgroup", "-m", "drill"],
    "bench": [*PYTEST, "-m", "bench"],
}


def main(arguments: list[str]) -> int:
    """Run the parts that *arguments* name, or all of them, and say how each went."""
    if arguments == ["--list"]:
        print("\n".join(f"{name:10} {' '.join(command)}" for name, command in PARTS.items()))
        return 0
    if unknown := [name for name in arguments if name not in PARTS]:
        print(f"no such part: {', '.join(unknown)}; the parts are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    summary: list[tuple[str, int, float]] = []
    for name in arguments or PARTS:
        print(f"\n== {name}: {' '.join(PARTS[name])}", flush=True)
        started = time.monotonic()
        code = run(PARTS[name])
        summary.append((name, code, time.monotonic() - started))
    print("\n== summary")
    for name, code, seconds in summary:
        print(f"{'ok    ' if code == 0 else 'FAILED'}  {name:10} {seconds:6.1f} s")
    return max((1 for _, code, _ in summary if code), default=0)


def run(command: list[str]) -> int:
    """Run *command* with the programs of this very environment first on the PATH, and with Python's cache.

    The tests start a thousand processes: without the cache each of them compiles all that it imports.
    """
    environment = {**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ.get('PATH', '')}"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, timeout=PART_TIMEOUT_S).returncode
    except FileNotFoundError:
        print(f"{command[0]} is not installed here: pip install -c constraints.txt -e '.[dev]'", file=sys.stderr)
        return 127
    except subprocess.TimeoutExpired:
        print(f"stopped after {PART_TIMEOUT_S // 60} minutes", file=sys.stderr)
        return 124


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
