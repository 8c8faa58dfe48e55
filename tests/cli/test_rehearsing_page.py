"""The page about rehearsing says what is so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from relight.cli.rehearse_playing import Order, play_order
from relight.cli.rehearse_view import story_lines
from relight.cli.terminal import Span, plain
from relight.drivers.rehearsal.moments import WORDS
from relight.runbook.rehearsal_document import Event, Expect, GateAnswer, Rehearsal, Spell, StepEnds
from relight.shipped import runbook

PAGE = (Path(__file__).parents[2] / "REHEARSING.md").read_text(encoding="utf-8")
Relight = Callable[..., Any]


def words(model: type[Any]) -> set[str]:
    """Return the keys of a part of a rehearsal, and the words that ``is`` may be."""
    keys = {field.alias or name for name, field in model.model_fields.items()} - {"is", "do", "value", "expect"}
    kinds = model.model_fields["is_"].annotation if "is_" in model.model_fields else None
    return keys | set(get_args(kinds)) - {"reads"}


@pytest.mark.parametrize("model", [Rehearsal, StepEnds, Spell, GateAnswer, Event, Expect])
def test_every_key_and_word_is_on_it(model: type[Any]) -> None:
    """Nobody has to read the code to know what a rehearsal may say."""
    told = set(re.findall(r"`([a-z_-]+)", PAGE)) | {"rehearsal", "schema", "title"}
    assert words(model) - told == set()


def test_every_moment_is_on_it() -> None:
    """Each word that may follow a name."""
    told = set(re.findall(r"`(?:[a-z]+ )*([a-z-]+)", PAGE)) | {"at"}
    assert {word for words in WORDS.values() for word in words} - told == set()


def test_its_example_plays_as_it_shows(tmp_path: Path) -> None:
    """The rehearsal of two minutes ends as it says, and its story is the one on the page."""
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    script = tmp_path / "x.yaml"
    script.write_text(example[1])
    shown = play_order(Order(runbook=runbook("brownout-recovery"), script=script))
    assert shown.played.unmet == ()
    lines = [
        plain((Span(line),) if isinstance(line, str) else line)
        for line in story_lines(shown.played, shown.place.where, shown.seed)
    ]
    told = next(block for block in PAGE.split("```") if "STEPS BACK" in block)
    assert told.strip("\n") in "\n".join(lines)


def test_its_commands_are_commands(relight: Relight) -> None:
    """Every option that it names is one."""
    text = relight("rehearse", "--help").out
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) - set(re.findall(r"--[a-z-]+", text)) == set()
