"""A disk that is really full, under a driver that is really driving."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_a_disk_that_fills_up_under_a_driver(tmp_path: Path) -> None:
    """What ends is recorded from the reserve, nothing new starts, and an abort is answered and ends the run."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed: no full disk can be made")
    tried = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    if tried.returncode != 0:
        pytest.skip(f"no mount namespace here: {tried.stderr.decode(errors='replace').strip()}")
    disk = tmp_path / "disk"
    disk.mkdir()
    ended = subprocess.run(
        ["unshare", "--mount", sys.executable, "-m", "tests.drivers.full_disk", disk, tmp_path / "effects"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "engine"), str(ROOT / "plugins")])},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(ended.stdout.splitlines()) == 7
