"""Planted faults: each wrong runbook is found out with its property and place, and right ones raise no alarm."""

from pathlib import Path
from typing import NamedTuple

import pytest

from relight.control.exploring import Explored, explore
from relight.control.stories import story
from relight.runbook.stand_in import STARTER
from relight.sdk.registry import Registry

CORPUS = Path(__file__).parent / "corpus"
STATES_MAX = 60_000


class Case(NamedTuple):
    """One runbook of the corpus; the right ones have no property."""

    title: str
    property: str
    stage: str
    step: str
    text: str


def cases(name: str) -> list[Case]:
    """Return the runbooks of one corpus file."""
    found = []
    for part in (CORPUS / name).read_text().split("=== ")[1:]:
        head, _, body = part.partition("\n")
        words = [word.strip() for word in head.split("|")] + ["", "", ""]
        found.append(Case(words[0], words[1], words[2], words[3], f"runbook: case\nschema: relight/v1\n{body}"))
    return found


def explored(case: Case, folder: Path) -> Explored:
    """Return a case's exploration."""
    path = folder / "case.runbook.yaml"
    path.write_text(case.text)
    return explore(path, None, {}, starter=STARTER, registry=Registry(), states_max=STATES_MAX)


@pytest.mark.parametrize("case", cases("wrong.txt"), ids=lambda case: case.title)
def test_a_planted_fault_is_found(case: Case, tmp_path: Path) -> None:
    """The fault is found under its property, at its stage and step, and its story ends there."""
    found = explored(case, tmp_path)
    assert found.exploration is not None, found.planned.complaints
    assert found.exploration.complete
    assert found.exploration.verdict == "violated"
    named = [(each.name, each.stage, each.step) for each in found.exploration.violations]
    assert (case.property, case.stage, case.step) in named
    for each in found.exploration.violations:
        assert not each.path or story(found.exploration.plan, each.path, STARTER)[0] == "the run begins"


@pytest.mark.parametrize("case", cases("right.txt"), ids=lambda case: case.title)
def test_a_right_runbook_raises_no_alarm(case: Case, tmp_path: Path) -> None:
    """It is explored completely, and nothing is found."""
    found = explored(case, tmp_path)
    assert found.exploration is not None, found.planned.complaints
    assert [(each.name, each.stage, each.step, each.text) for each in found.exploration.violations] == []
    assert found.exploration.verdict == "clean"
    assert found.exploration.doubts == ()


@pytest.mark.parametrize("case", cases("doubtful.txt"), ids=lambda case: case.title)
def test_what_may_not_have_been_meant_is_told_and_no_alarm(case: Case, tmp_path: Path) -> None:
    """The runbook is clean, and its author is told what to look at again."""
    found = explored(case, tmp_path)
    assert found.exploration is not None, found.planned.complaints
    assert found.exploration.verdict == "clean"
    assert [(each.name, each.stage) for each in found.exploration.doubts] == [(case.property, case.stage)]


def test_the_corpus_is_large_enough() -> None:
    """Twenty-five of each are promised."""
    assert len(cases("wrong.txt")) >= 25
    assert len(cases("right.txt")) >= 25
