"""A disk that is really full refuses what is new, clearly, and still records an abort and the end."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .full_disk import SCENES
from .test_killed import ENGINE, ROOT


@pytest.fixture(scope="module")
def namespace() -> list[str]:
    """The command that gives a process mounts of its own, if we may use it."""
    command = ["unshare", "--mount"]
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed: no full disk can be made")
    tried = subprocess.run([*command, "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"], capture_output=True)
    if tried.returncode != 0:
        pytest.skip(f"no mount namespace here: {tried.stderr.decode(errors='replace').strip()}")
    return command


@pytest.mark.parametrize("scene", SCENES)
def test_a_full_disk(scene: str, namespace: list[str], tmp_path: Path) -> None:
    """In the middle of a run, before its start, and after its driver's death."""
    ended = subprocess.run(
        [*namespace, sys.executable, "-m", "tests.journal.full_disk", tmp_path, scene],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ENGINE)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(ended.stdout.splitlines()) >= 2
