"""The command line as a person calls it, in this process or in one of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from relight.cli.program import run_program
from relight.journal.sqlite import SqliteJournal

TALES = Path(__file__).parents[1] / "control/tale.py"


class Said(NamedTuple):
    """What a command line gave."""

    code: int
    out: str
    err: str


Relight = Callable[..., Said]


@pytest.fixture(scope="session")
def tales() -> ModuleType:
    """The module of hand-told runs: ``tales.Tale()``."""
    spec = importlib.util.spec_from_file_location("relight_tales", TALES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["relight_tales"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a configuration of one's own."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("RELIGHT_HOME", str(folder))
    monkeypatch.setenv("RELIGHT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("RELIGHT_JOURNAL", raising=False)
    monkeypatch.delenv("RELIGHT_DEBUG", raising=False)
    return folder


@pytest.fixture
def relight(home: Path, capsys: pytest.CaptureFixture[str]) -> Relight:
    """Call the command line in this process."""

    def call(*words: str) -> Said:
        capsys.readouterr()
        code = run_program([str(word) for word in words])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture
def process(home: Path) -> Relight:
    """Call the command line in a process of its own, off a terminal."""

    def call(*words: str, **environment: str) -> Said:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "relight.cli", *words],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            errors="replace",
        )
        return Said(ended.returncode, ended.stdout, ended.stderr)

    return call


@pytest.fixture
def journal(home: Path) -> Iterator[SqliteJournal]:
    """The journal in that home."""
    opened = SqliteJournal(home / "journal.db")
    yield opened
    opened.close()
