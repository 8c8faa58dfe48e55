"""What a tired person gets wrong in a real runbook at a real site, and every word that they are told.

``mistakes/documents.txt`` holds the mistakes: a title, the edits that make it (``runbook`` or ``site`` with the text as
it was and as it becomes, ``input`` for what is given on the command line), and after ``>>>`` all that is said of it.
``REWRITE_CORPUS=1 pytest tests/runbook/test_mistakes.py`` writes what is said now; read the difference as that person.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from relight.runbook.complaints import Complaint
from relight.runbook.plan import prepare_plan
from relight.runbook.render import as_text
from relight.sdk.registry import Registry

FILE = Path(__file__).parent / "mistakes/documents.txt"
SITE = Path(__file__).parent / "mistakes/site.yaml"
RUNBOOK = Path(__file__).parents[2] / "runbooks/brownout-recovery/brownout-recovery.runbook.yaml"
PLANNED = "(a plan)"


class Mistake(NamedTuple):
    """One mistake, and what is said of it."""

    title: str
    edits: str
    expected: str

    def complaints(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Complaint], bool]:
        """Return what is said of it, and whether there is a plan all the same."""
        texts = {"runbook": RUNBOOK.read_text(), "site": SITE.read_text()}
        inputs = {}
        for line in self.edits.splitlines():
            word, _, data = line.partition(" ")
            if word == "input":
                name, _, value = json.loads(data).partition("=")
                inputs[name] = value
                continue
            old, new = json.loads(data)
            assert old in texts[word], f"{self.title}: the {word} has no {old!r}"
            texts[word] = texts[word].replace(old, new, 1)
        monkeypatch.chdir(folder)
        for word, text in texts.items():
            Path(f"{word}.yaml").write_text(text)
        planned = prepare_plan("runbook.yaml", "site.yaml", inputs, starter="ana", registry=Registry())
        return list(planned.complaints), planned.plan is not None


def mistakes() -> list[Mistake]:
    """Return all of them."""
    found = []
    for block in re.split(r"^=== ", FILE.read_text(), flags=re.M)[1:]:
        title, _, rest = block.partition("\n")
        edits, _, expected = rest.partition(">>>\n")
        found.append(Mistake(title, edits, expected))
    return found


def said(mistake: Mistake, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return all that is said of a mistake."""
    complaints, is_planned = mistake.complaints(folder, monkeypatch)
    return "\n".join([PLANNED] * is_planned + [as_text(complaints)] * bool(complaints)) + "\n"


@pytest.mark.parametrize("mistake", mistakes(), ids=lambda mistake: mistake.title)
def test_every_mistake_is_told_in_these_words(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mistake is said at its place, with the line, a caret and a mend."""
    if os.environ.get("REWRITE_CORPUS"):
        pytest.skip("rewriting")
    assert said(mistake, tmp_path, monkeypatch) == mistake.expected


def test_the_mistakes_can_be_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rewriting the file with what is said now changes nothing, unless that was asked for."""
    text = "".join(f"=== {each.title}\n{each.edits}>>>\n{said(each, tmp_path, monkeypatch)}" for each in mistakes())
    if os.environ.get("REWRITE_CORPUS"):
        FILE.write_text(text)
    assert text == FILE.read_text()


def test_every_mistake_comes_with_its_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No error of a tired person is without a hint, and none is more than two sentences long."""
    for mistake in mistakes():
        for each in mistake.complaints(tmp_path, monkeypatch)[0]:
            assert each.hint, (mistake.title, each.message)
            assert len(each.message) <= 160, (mistake.title, each.message)


def test_the_documents_are_right_without_the_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is complained of is the mistake alone."""
    assert said(Mistake("none", "", ""), tmp_path, monkeypatch) == f"{PLANNED}\n"
