"""What steps gave, for programs: a run forgets what no later step reads, and its journal does not."""

from typing import Any

from relight.control.wording import plain_value
from relight.journal.codec import decode
from relight.journal.port import Journal
from relight.kernel.facts import StepSettled, StepSucceeded

KINDS = ("step_succeeded", "step_settled")


def with_results(document: dict[str, Any], journal: Journal) -> dict[str, Any]:
    """Put what they gave beside the steps of a status document that are over, read from the journal if need be.

    It reads through the whole run, so it is for documents that are handed out, and not for views that are drawn anew.
    """
    steps = {step["id"]: step for stage in document["stages"] for step in stage["steps"]}
    forgotten = {
        name for name, step in steps.items() if step["result"] is None and step["state"] in {"succeeded", "undone"}
    }
    for record in journal.records(document["run"], kinds=KINDS) if forgotten else ():
        fact = decode(record.body)
        assert isinstance(fact, StepSucceeded | StepSettled), "only these were asked for"
        if fact.step in forgotten and fact.result is not None and _is_its_own(fact):
            steps[fact.step]["result"] = plain_value(fact.result)
    return document


def _is_its_own(fact: StepSucceeded | StepSettled) -> bool:
    return fact.done if isinstance(fact, StepSettled) else fact.purpose == "forward"
