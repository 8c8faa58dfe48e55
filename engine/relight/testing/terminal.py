"""A user at a terminal, for tests: the real command in real processes, a journal and a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEADLINE_S = 60.0
_RELIGHT = (sys.executable, "-c", "import sys; from relight.cli import main; sys.exit(main())")


@dataclass
class Terminal:
    """Types commands and waits for what they lead to."""

    home: Path
    folder: Path
    started: list[str] = field(default_factory=list)

    def type(self, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``relight WORDS`` to its end, without a terminal."""
        return subprocess.run(
            [*_RELIGHT, *words],
            cwd=self.folder,
            env={**os.environ, "RELIGHT_HOME": str(self.home), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Begin ``relight WORDS``; whoever calls it waits for its end."""
        return subprocess.Popen(
            [*_RELIGHT, *words],
            cwd=self.folder,
            env={**os.environ, "RELIGHT_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def write(self, name: str, text: str) -> Path:
        """Write a document."""
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self, runbook: Path, site: Path, *more: str) -> str:
        """Start a run in the background and return its id once it needs a decision or has ended."""
        ended = self.type("run", str(runbook), "--site", str(site), "--yes", "--until-decision", *more)
        rows = json.loads(self.type("runs", "-o", "json").stdout)["runs"]
        assert rows, ended.stderr
        self.started.append(rows[0]["run"])
        return str(rows[0]["run"])

    def status(self, run: str) -> dict[str, Any]:
        """Return the status document."""
        document: dict[str, Any] = json.loads(self.type("status", run, "-o", "json").stdout)
        return document

    def wait(self, run: str, holds: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Wait until the status fits; the last one is in the failure."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            seen = self.status(run)
            if holds(seen):
                return seen
            assert time.monotonic() < deadline, f"{what} did not come; the last status was {json.dumps(seen, indent=1)}"
            time.sleep(0.05)

    def driver_pid(self, run: str) -> int:
        """Return the process that drives the run."""
        return int(self.status(run)["driver"]["pid"])
