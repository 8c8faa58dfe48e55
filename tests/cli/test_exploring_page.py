"""The page about exploring says what is so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relight.drivers.explorer.doubts import DOUBTS
from relight.drivers.explorer.findings import PROPERTIES

PAGE = (Path(__file__).parents[2] / "EXPLORING.md").read_text(encoding="utf-8")
BLOCKS = [block.partition("\n")[2].strip("\n") for block in PAGE.split("```")[1::2]]
RUNBOOK = next(block for block in BLOCKS if block.startswith("runbook: swap"))
Relight = Callable[..., Any]


def shown(relight: Relight, folder: Path, text: str, *options: str) -> tuple[int, str]:
    """Return the exit code and the report on a runbook, without how much work it was."""
    path = folder / "swap.runbook.yaml"
    path.write_text(text)
    done = relight("explore", str(path), *options)
    return done.code, without_work(done.out)


def without_work(text: str) -> str:
    return re.sub(r"\d+ states, \d+ transitions, [0-9.]+ s;", "", text)


def test_its_example_is_found_as_it_shows(relight: Relight, tmp_path: Path) -> None:
    """The report and the row of the decision table are those on the page."""
    code, said = shown(relight, tmp_path, RUNBOOK, "--stage", "swap", "--code", "step-unknown")
    assert code == 1
    for head in ("swap: VIOLATED", "step-unknown  swap/swap"):
        told = next(block for block in BLOCKS if block.startswith(head))
        assert without_work(told) in said


def test_its_mend_mends_it(relight: Relight, tmp_path: Path) -> None:
    """A verify at the stage is all that it wants."""
    fix = "on_failure: continue}"
    mended = RUNBOOK.replace(fix, f"{fix}\n    verify: [{{check: errors, within: 5m}}]")
    code, said = shown(relight, tmp_path, mended)
    assert code == 0
    assert said.splitlines()[0] in PAGE


def test_what_an_author_may_state_is_read(relight: Relight, tmp_path: Path) -> None:
    """The statements on the page are expressions, and judge a runbook of such stages."""
    stated = next(block for block in BLOCKS if block.startswith("always:"))
    stages = """
stages:
  - {id: contain, steps: [{id: freeze, action: deploy.freeze, undo: {action: deploy.unfreeze}, on_failure: continue}]}
  - id: roll-back
    steps:
      - {id: warm, action: cache.warm, with: {nodes: [a]}, on_failure: continue}
      - {id: serve, action: edge.serve, with: {nodes: [a]}, undo: previous}
"""
    code, said = shown(relight, tmp_path, f"runbook: swap\nschema: relight/v1\n{stated}{stages}")
    assert code == 1, said
    assert {"always frozen_first", "never cold_nodes"} <= set(re.findall(r"(?m)^\d+  (\w+ \w+)", said))


@pytest.mark.parametrize("name", PROPERTIES)
def test_every_property_is_on_it(name: str) -> None:
    """With what it says, word for word."""
    assert f"| `{name}` | {PROPERTIES[name].says} |" in PAGE


@pytest.mark.parametrize("name", DOUBTS)
def test_every_doubt_is_on_it(name: str) -> None:
    """With what it is, word for word."""
    assert f"| `{name}` | {DOUBTS[name]} |" in PAGE


def test_its_options_are_options(relight: Relight) -> None:
    """Every one that it names."""
    text = relight("explore", "--help").out
    assert set(re.findall(r" (--[a-z-]+)", PAGE)) - set(re.findall(r"--[a-z-]+", text)) == set()
