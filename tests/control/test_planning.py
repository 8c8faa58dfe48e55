"""What stops a plan, in the one sentence that a chat, the page and the API have room for."""

from dataclasses import replace

from relight.control.planning import in_one_sentence
from relight.errors import NotNow, RunbookError
from relight.runbook.complaints import Complaint

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
