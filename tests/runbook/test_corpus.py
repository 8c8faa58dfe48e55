"""Wrong documents, and exactly what is complained of in each.

``corpus/*.txt`` holds them: a title, the document, and after ``>>>`` each complaint as ``line:col CODE message``.
Characters that nobody sees are written ``<U+202E>``.
``REWRITE_CORPUS=1 pytest tests/runbook/test_corpus.py`` writes what is complained of now; read the difference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from relight.runbook.codes import CODES
from relight.runbook.complaints import Complaint

CORPUS = Path(__file__).parent / "corpus"
HEADS = {"": "runbook: x\nschema: relight/v1\n", "site": "site: x\nschema: relight/v1\n", "raw": ""}
STAGES = "stages: [{id: z, verify: [{probe: deploy.current, pass_when: value.frozen}]}]\n"


class Case(NamedTuple):
    """One wrong document and the complaints that it deserves."""

    file: Path
    title: str
    body: str
    expected: str

    def document(self) -> str:
        """Return it whole: most cases leave out what every document has."""
        body = re.sub(r"<U\+([0-9A-F]{4})>", lambda found: chr(int(found[1], 16)), self.body)
        kind = self.title.split(":")[0] if self.title.split(":")[0] in HEADS else ""
        text = HEADS[kind] + body
        if kind == "site" and not re.search(r"^envir", self.body, re.M):
            text += "environment: test\n"
        if kind == "" and not re.search(r"^stages?\w*:", self.body, re.M):
            text += STAGES
        return text


def cases(file: Path) -> list[Case]:
    """Return the cases of one file."""
    found = []
    for block in re.split(r"^=== ", file.read_text(), flags=re.M)[1:]:
        title, _, rest = block.partition("\n")
        body, _, expected = rest.partition(">>>\n")
        found.append(Case(file, title, body, expected))
    return found


FILES = sorted(CORPUS.glob("*.txt"))
CASES = [case for file in FILES for case in cases(file)]


def said(complaints: list[Complaint]) -> str:
    """Return complaints as the corpus writes them."""
    return "".join(f"{each.line}:{each.col} {each.code} {each.message}\n" for each in complaints)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file.stem}: {case.title}")
def test_every_mistake_is_found_at_its_place(case: Case, lint: Callable[[str], list[Complaint]]) -> None:
    """Each wrong document gets exactly its complaints, at line and column."""
    if os.environ.get("REWRITE_CORPUS"):
        pytest.skip("rewriting")
    assert said(lint(case.document())) == case.expected


def test_the_corpus_can_be_rewritten(lint: Callable[[str], list[Complaint]]) -> None:
    """Rewriting the corpus with what is complained of now changes nothing, unless that was asked for."""
    for file in FILES:
        head = file.read_text().partition("=== ")[0]
        text = head + "".join(
            f"=== {case.title}\n{case.body}>>>\n{said(lint(case.document()))}" for case in cases(file)
        )
        if os.environ.get("REWRITE_CORPUS"):
            file.write_text(text)
        assert text == file.read_text()


def test_every_mistake_has_a_mend(lint: Callable[[str], list[Complaint]]) -> None:
    """Nearly every complaint of the corpus comes with a hint."""
    complaints = [each for case in CASES for each in lint(case.document())]
    without = [f"{each.code} {each.message}" for each in complaints if not each.hint]
    assert len(without) <= len(complaints) // 20, without


def test_six_mistakes_are_reported_at_once(lint: Callable[[str], list[Complaint]]) -> None:
    """One reading of a runbook with six mistakes of six kinds reports all six."""
    case = next(case for case in CASES if case.title == "six mistakes in one runbook")
    assert len({each.code for each in lint(case.document())}) == 6
    assert len(lint(case.document())) == 6


def test_the_corpus_knows_nearly_every_code() -> None:
    """Each code that a single document can earn is earned by a document of the corpus."""
    earned = set(re.findall(r"^\d+:\d+ (RL\d+)", "".join(case.expected for case in CASES), re.M))
    of_bytes = {"RL101", "RL102", "RL103", "RL109"}
    of_plans = {code for code in CODES if code.startswith("RL6")} | {"RL613"}
    of_rehearsals = {code for code in CODES if code.startswith("RL7")}  # tests/control/test_scripting.py has those
    assert set(CODES) - earned - of_bytes - of_plans - of_rehearsals == set()
