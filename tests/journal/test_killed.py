"""A driver that is killed at any moment loses nothing that it acknowledged, and the next one begins at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import relight

from .workload import Ack, assert_kept

ROOT = Path(__file__).resolve().parents[2]
ENGINE = Path(relight.__file__).parents[1]
TRANSACTIONS_MIN = 11
"""One makes the tables, and each step of the workload is another: fewer means that the trigger points are gone."""


def run_module(name: str, *arguments: object, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run a module of this folder in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", f"tests.journal.{name}", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ENGINE)},
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )


def test_what_was_acknowledged_survives_a_kill_at_every_trigger_point(tmp_path: Path) -> None:
    """Before a transaction, before its commit, in it and after it: acknowledged is what the journal has."""
    ended = run_module("killed", tmp_path)
    assert ended.returncode == 0, ended.stderr
    cases = [json.loads(line) for line in ended.stdout.splitlines()]
    assert sum(case["killed"] for case in cases) >= 4 * TRANSACTIONS_MIN
    for case in cases:
        assert_kept(Path(case["path"]), [Ack(*ack) for ack in case["acks"]], case)
