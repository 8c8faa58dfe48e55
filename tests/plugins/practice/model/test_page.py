"""What the page about the model shows is so."""

from __future__ import annotations

import re
from pathlib import Path

from relight.runbook.reading import read_any
from relight.runbook.simulated import simulate
from relight.runbook.source import source_from_bytes

PAGE = (Path(__file__).parents[4] / "SIMULATION.md").read_text(encoding="utf-8")


def test_the_example_is_a_simulation() -> None:
    """It lints, it can be made, and its mapped query has a value."""
    found = re.search(r"```yaml\n(simulation:.*?)```", PAGE, re.DOTALL)
    assert found is not None
    read = read_any(source_from_bytes("s", f"site: s\nschema: relight/v1\nenvironment: staging\n{found[1]}".encode()))
    assert list(read.complaints) == []
    world = simulate(read.document, read.complaints, seed=7)  # type: ignore[arg-type]
    assert world is not None
    assert world.query("login_error_ratio", "whatever_this_site_has").kind == "value"


def test_its_links_lead_somewhere() -> None:
    """Files that it names are there."""
    root = Path(__file__).parents[4]
    named = re.findall(r"\]\(([^)]+)\)|`(tests/[^`]+\.py)`", PAGE)
    assert named
    assert [path for pair in named for path in pair if path and not (root / path).is_file()] == []
