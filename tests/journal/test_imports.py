"""What a person waits for in an incident loads next to nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import relight

ENGINE = Path(relight.__file__).parents[1]
HEAVY = "asyncio cel click importlib.metadata platformdirs pydantic rich structlog yaml ssl socket sqlite3 tempfile"


def loaded(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter has after *statement*."""
    shown = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys; print(*sys.modules)"],
        env={**os.environ, "PYTHONPATH": str(ENGINE)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(shown.stdout.split())


@pytest.mark.parametrize("module", ["locate", "sqlite", "memory", "codec", "snapshot", "digest", "chain"])
def test_reading_a_journal_loads_nothing_heavy(module: str) -> None:
    """No expression language, no models, no event loop."""
    assert loaded(f"import relight.journal.{module}") & set(HEAVY.split()) == set()


def test_asking_loads_no_kernel() -> None:
    """A request is put in an inbox and answered without knowing a single fact."""
    assert not any(name.startswith("relight.kernel") for name in loaded("import relight.journal.sqlite"))


def test_a_named_journal_needs_no_search(tmp_path: Path) -> None:
    """With a URL nobody looks for the platform's directories."""
    statement = f"from relight.journal.locate import open_journal; open_journal('sqlite://{tmp_path}/j.db').close()"
    assert "platformdirs" not in loaded(statement)
