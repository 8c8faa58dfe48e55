"""``relight explore`` as people type it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Relight = Callable[..., Any]

RUNBOOK = """
runbook: case
schema: relight/v1
stages: [{id: mend, steps: [{id: fix, action: shell.run, with: {argv: [fix]}, VERB}]}]
"""


@pytest.fixture
def runbook(tmp_path: Path) -> Path:
    path = tmp_path / "case.runbook.yaml"
    path.write_text(RUNBOOK.replace("VERB", "timeout: 1m"))
    return path


def test_a_clean_runbook_exits_0(relight: Relight, runbook: Path) -> None:
    """The verdict stands first, the decision table last."""
    code, said, _ = relight("explore", str(runbook))
    assert code == 0
    assert said.startswith("case: clean")
    assert "DECISIONS" in said
    assert "step-failed  mend/fix: a step failed" in said


@pytest.mark.parametrize("options", [("--format", "json"), ("-o", "json")])
def test_json(relight: Relight, runbook: Path, options: tuple[str, ...]) -> None:
    """One document on standard output."""
    code, said, _ = relight("explore", str(runbook), *options)
    document = json.loads(said)
    assert code == 0
    assert (document["schema"], document["verdict"], document["unreached"]) == ("relight.exploration/v1", "clean", [])


def test_mermaid(relight: Relight, runbook: Path) -> None:
    """A chart and nothing else."""
    assert relight("explore", str(runbook), "--format", "mermaid").out.startswith("stateDiagram-v2\n")


def test_too_few_states_are_incomplete(relight: Relight, runbook: Path) -> None:
    """Exit 1, for nothing is said about the rest."""
    code, said, _ = relight("explore", str(runbook), "--max-states", "5")
    assert code == 1
    assert said.startswith("case: INCOMPLETE")


def test_a_violation_exits_1_and_is_saved(relight: Relight, tmp_path: Path) -> None:
    """The way there is written as a rehearsal."""
    path = tmp_path / "case.runbook.yaml"
    text = RUNBOOK.replace("VERB", "on_failure: continue")
    path.write_text(f"{text}never: [{{id: gave_up, expression: \"steps.fix.state == 'failed'\"}}]\n")
    code, said, _ = relight("explore", str(path), "--save", str(tmp_path / "saved"))
    assert code == 1
    assert "never gave_up" in said
    (saved,) = (tmp_path / "saved").iterdir()
    assert "fails" in saved.read_text()


def test_a_wrong_document_exits_3(relight: Relight, tmp_path: Path) -> None:
    """It is complained of as by lint."""
    path = tmp_path / "case.runbook.yaml"
    path.write_text("runbook: case\nschema: relight/v1\nstages: []\n")
    ended = relight("explore", str(path))
    assert (ended.code, ended.out) == (3, "")
    assert "RL210" in ended.err


def test_wrong_words_are_usage(relight: Relight, runbook: Path) -> None:
    """A site that does not exist, and an input that is none."""
    assert relight("explore", str(runbook), "--site", "nowhere").code == 2
    assert relight("explore", str(runbook), "-i", "x=1").code == 3


def test_the_people_of_a_site_count(relight: Relight, tmp_path: Path) -> None:
    """With a site its own people decide; a gate that they cannot fill is a wrong document."""
    path, site = tmp_path / "case.runbook.yaml", tmp_path / "here.site.yaml"
    gate = "gate: {approval: {roles: [owner], min_approvals: 2}}"
    path.write_text(RUNBOOK.replace("VERB", "timeout: 1m").replace("{id: mend,", f"{{id: mend, {gate},"))
    people = [f"{{id: {name}, roles: [owner]}}" for name in ("ana", "bo")]
    site.write_text(f"site: here\nschema: relight/v1\nenvironment: test\npeople: [{', '.join(people)}]\n")
    assert relight("explore", str(path), "--site", str(site)).code == 0
    site.write_text(f"site: here\nschema: relight/v1\nenvironment: test\npeople: [{people[0]}]\n")
    ended = relight("explore", str(path), "--site", str(site))
    assert ended.code == 3
    assert "RL607" in ended.err
