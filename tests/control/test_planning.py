"""What stops a plan, in the one sentence that a chat, the page and the API have room for."""

from dataclasses import replace
from pathlib import Path

import pytest

from relight.control.looking import look
from relight.control.planning import in_one_sentence
from relight.errors import NotNow, RunbookError
from relight.runbook.complaints import Complaint
from relight.runbook.plan import make_plan
from relight.sdk.registry import Registry

UNUSED = Complaint(
    code="RL410",
    severity="warning",
    message="nothing uses the input 'admit'",
    hint="use it or delete it",
    file="a.yaml",
    line=7,
    col=3,
)
WRONG = replace(
    UNUSED, code="RL611", severity="error", message="input admit: 'abc' is not a percentage", hint="write a number"
)


def test_the_sentence_names_what_stops_the_plan_and_no_warning() -> None:
    """Warnings stand before it in the document's order; whoever mended those would be stopped again."""
    error = RunbookError("no plan: 1 mistake in a.yaml", complaints=(UNUSED, WRONG), hint="mend it")
    said = "no plan: 1 mistake in a.yaml: input admit: 'abc' is not a percentage; write a number"
    assert in_one_sentence(error) == said


def test_without_any_mistake_the_error_says_its_own_mend() -> None:
    """An error that is about no document has its own hint."""
    assert in_one_sentence(NotNow("the run has ended", hint="start another")) == "the run has ended; start another"


def test_a_secret_that_cannot_be_read_is_told_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts a recovery learns it then, and not in the middle; what can be read is not mentioned."""
    monkeypatch.setenv("RELIGHT_TEST_THERE", "a long enough value")
    monkeypatch.delenv("RELIGHT_TEST_GONE", raising=False)
    runbook, site = tmp_path / "a.runbook.yaml", tmp_path / "here.site.yaml"
    runbook.write_text(
        """runbook: a
schema: relight/v1
checks:
  c: {probe: shell.probe, with: {argv: [ls], secret_env: {B: "vault:kv#b"}}, pass_when: value.exit_code == 0}
stages:
  - id: a
    steps:
      - id: a
        action: shell.run
        with: {argv: [ls, "env:NO_REFERENCE"], secret_env: {A: "env:RELIGHT_TEST_THERE", B: "env:RELIGHT_TEST_GONE"}}
        undo: {action: shell.run, with: {argv: [ls], secret_env: {A: "file:/nowhere/at/all"}}}
      - {id: b, action: shell.run, with: {argv: [ls, "${{ steps.a.result.stdout }}"]}}
    verify: [{check: c}]
"""
    )
    site.write_text("site: here\nschema: relight/v1\nenvironment: practice\n")
    seen = look(make_plan(runbook, site), Registry())
    assert [(each.provider, each.text) for each in seen.answers if not each.ok] == [
        ("env:RELIGHT_TEST_GONE", "the environment has no RELIGHT_TEST_GONE"),
        ("file:/nowhere/at/all", "there is no such file"),
        ("vault:kv#b", "no vault client is built in"),
    ]
    assert ["shell"] == [each.provider for each in seen.answers if each.ok]
