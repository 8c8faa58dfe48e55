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
STEP = "{id: other, action: shell.run, with: {argv: [other]}}"


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


def test_the_table_is_told_together_or_one_by_one(relight: Relight, tmp_path: Path) -> None:
    """Two steps that fail alike stand in one row; a stage or a code is told by itself, in JSON too."""
    path = tmp_path / "case.runbook.yaml"
    path.write_text(f"{RUNBOOK.replace('VERB', 'timeout: 1m')[:-2]}, {{id: more, steps: [{STEP}]}}]\n")
    said = relight("explore", str(path)).out
    assert "step-failed  at 2 places: " in said
    assert "   at mend/fix, more/other; in force: nothing" in said
    assert "   retry STEP: tries the step again" in said
    alone = relight("explore", str(path), "--stage", "more").out
    assert "step-failed  more/other: " in alone
    assert "mend/fix" not in alone.partition("DECISIONS")[2]
    document = json.loads(relight("explore", str(path), "--code", "step-failed", "-o", "json").out)
    assert [row["step"] for row in document["decisions"]] == ["fix", "other"]


@pytest.mark.parametrize(("option", "word", "told"), [("--stage", "x", "mend"), ("--code", "x", "step-failed")])
def test_a_row_that_cannot_be_is_usage(relight: Relight, runbook: Path, option: str, word: str, told: str) -> None:
    """The hint names those that are."""
    ended = relight("explore", str(runbook), option, word)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err


def test_bounds_and_doubts_are_told(relight: Relight, tmp_path: Path) -> None:
    """In the text and in JSON; a doubt is no violation."""
    path = tmp_path / "case.runbook.yaml"
    gate = "gate: {approval: {roles: [owner], min_approvals: 2, valid_for: 1s}}"
    path.write_text(RUNBOOK.replace("VERB", "timeout: 1m").replace("{id: mend,", f"{{id: mend, {gate},"))
    ended = relight("explore", str(path))
    assert ended.code == 0
    assert "LOOK AGAIN  stage mend: an approval stands for 1 s" in ended.out
    assert "requests of people who may not, or on spent tickets, were refused; besides:" in ended.out
    document = json.loads(relight("explore", str(path), "-o", "json").out)
    assert [each["name"] for each in document["doubts"]] == ["lapses-too-soon"]
    assert document["refused"] > 0
    assert all(each in ended.out for each in document["bounds"])


def test_a_task_by_hand_has_no_longest_time(relight: Relight, tmp_path: Path) -> None:
    """It is named instead."""
    path = tmp_path / "case.runbook.yaml"
    task = "{id: look, action: manual.task, with: {instruction: Look}}"
    path.write_text(RUNBOOK.replace("{id: fix, action: shell.run, with: {argv: [fix]}, VERB}", task))
    assert "besides mend/look, which nobody can bound" in relight("explore", str(path)).out


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
