"""Explorations as a whole: shipped runbooks are clean and complete, bounds are told, the decision table is whole."""

from pathlib import Path

import pytest

from relight import shipped
from relight.control.exploration_report import exploration_document, mermaid, report_lines
from relight.control.exploring import Explored, explore
from relight.control.saved_stories import rehearsals
from relight.drivers.explorer.findings import PROPERTIES
from relight.kernel.holds import HOLDS
from relight.runbook.stand_in import STARTER
from relight.sdk.registry import Registry

SMALL = """
runbook: small
schema: relight/v1
checks: {errors: {query: error_ratio, pass_when: value < 0.02}}
never:
  - id: blind
    title: nobody reopens blind
    expression: stages.re_open.state == 'running' && checks.errors.verdict == 'fail'
stages:
  - id: contain
    steps: [{id: hold_back, action: admission.throttle, with: {percent: 10}, protective: true}]
    verify: [{check: errors}]
  - id: re-open
    gate: {approval: {roles: [owner]}}
    steps: [{id: lift, action: admission.throttle, with: {percent: 100, max_rate: none}}]
    verify: [{check: errors}]
"""


def explored(path: Path, states_max: int = 40_000) -> Explored:
    return explore(path, None, {}, starter=STARTER, registry=Registry(), states_max=states_max)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.runbook.yaml"
    path.write_text(SMALL)
    return path


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", shipped.runbook_names())
def test_a_shipped_runbook_is_clean_and_complete(name: str) -> None:
    """Nothing can go wrong that should not, every part is reached, and no bound is hit."""
    found = explored(shipped.runbook(name)).exploration
    assert found is not None
    assert found.violations == []
    assert found.unreached == []
    assert (found.verdict, found.complete) == ("clean", True)


UNDOES = """
runbook: undoes
schema: relight/v1
on_abort: undo
never:
  - {id: failed, expression: run.state == 'failed', title: an abort can always be undone}
stages:
  - id: only
    steps:
      - id: freeze
        action: shell.run
        with: {argv: [freeze]}
        undo: {action: shell.run, with: {argv: [thaw]}}
"""


def test_a_run_that_fails_is_one_of_the_endings(tmp_path: Path) -> None:
    """An author may say that it never happens, and is shown how it does; the table says where an abort leads."""
    path = tmp_path / "undoes.runbook.yaml"
    path.write_text(UNDOES)
    document = exploration_document(explored(path), STARTER)
    (wrong,) = document["violations"]
    assert (wrong["property"], wrong["id"], document["complete"]) == ("never", "failed", True)
    assert any("abort" in line for line in wrong["trace"])
    path.write_text(UNDOES.replace("'failed'", "'pending'"))
    document = exploration_document(explored(path), STARTER)
    assert document["verdict"] == "clean"
    aborts = [verb for row in document["decisions"] for verb in row["verbs"] if verb["verb"] == "abort"]
    assert aborts
    assert all("as failed if that cannot be done" in verb["leads_to"] for verb in aborts)


def test_a_bound_that_is_hit_is_told(small: Path) -> None:
    """Where not everything was seen the answer is never that it is clean."""
    found = explored(small, states_max=3)
    assert found.exploration is not None
    assert not found.exploration.complete
    assert found.exploration.verdict in ("incomplete", "violated")
    lines = list(report_lines(exploration_document(found, STARTER)))
    assert "bound was hit" in lines[0]
    # What was not come by so far may well be reached: that is no violation, and nothing is left out of its time.
    assert "NOT REACHED BEFORE THE BOUND  stage re-open" in lines
    assert "reached" not in {each.name for each in found.exploration.violations}
    assert {part.stage for part in found.exploration.durations.path} == {"contain", "re-open"}


def test_the_document_says_it_all(small: Path) -> None:
    """Properties, places and stories of what goes wrong; rows of the hold table for what people decide."""
    document = exploration_document(explored(small), STARTER)
    assert (document["schema"], document["verdict"]) == ("relight.exploration/v1", "violated")
    (wrong,) = document["violations"]
    assert (wrong["property"], wrong["id"], wrong["stage"], wrong["step"]) == ("never", "blind", "re-open", "lift")
    assert wrong["trace"][0] == "the run begins"
    assert any(line == "errors fails (0.2)" or line.startswith("errors fails") for line in wrong["trace"])
    assert all(each["property"] in PROPERTIES for each in document["violations"])
    codes = {row["code"] for row in document["decisions"]}
    assert {"gate-denied", "gate-expired", "step-failed", "step-unknown", "verify-failed", "check-blind"} <= codes
    for row in document["decisions"]:
        assert row["means"] == HOLDS[row["code"]].means
        assert "abort" in {verb["verb"] for verb in row["verbs"]}
        assert all(verb["leads_to"] and verb["then"] for verb in row["verbs"])


def test_it_is_drawn(small: Path) -> None:
    """The chart begins and ends, and has every stage."""
    found = explored(small).exploration
    assert found is not None
    lines = list(mermaid(found))
    assert lines[0] == "stateDiagram-v2"
    assert "  [*] --> contain" in lines
    assert any(line.startswith("  re_open --> [*]") for line in lines)


def test_a_story_becomes_a_rehearsal(small: Path) -> None:
    """What was found is written as a rehearsal that names the steps and people's words."""
    found = explored(small).exploration
    assert found is not None
    ((name, text),) = rehearsals(found, STARTER)
    assert name.startswith("never-re-open-lift")
    assert 'rehearsal: "never-re-open-lift' in text
    assert "happens" in text


def test_what_is_made_up_is_told(tmp_path: Path) -> None:
    """Without a site values and inputs are made up, and the report says which."""
    path = tmp_path / "a.runbook.yaml"
    text = "runbook: a\nschema: relight/v1\ninputs: {rate: {type: integer, minimum: 3, maximum: 7}}\n"
    path.write_text(
        f"{text}stages: [{{id: a, steps: [{{id: b, action: shell.run, with: {{argv: ['${{{{ inputs.rate }}}}']}}}}]}}]"
    )
    found = explored(path)
    assert "rate=5" in "\n".join(report_lines(exploration_document(found, STARTER)))
