"""A terminal whose runs do not outlive their test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from relight.testing.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal whose runs are aborted, and their drivers gone, when the test ends."""
    folder = tmp_path / "documents"
    folder.mkdir()
    user = Terminal(home=tmp_path / "home", folder=folder)
    yield user
    for row in json.loads(user.type("runs", "-o", "json").stdout or '{"runs": []}').get("runs", []):
        if row["state"] not in ("succeeded", "failed", "aborted"):
            user.type("abort", row["run"])
            user.type("resume", row["run"])
