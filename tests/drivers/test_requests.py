"""What people are told about what they asked."""

from __future__ import annotations

from typing import Any

import pytest

from relight.drivers.requests import TEXT_MAX, accepted, to_input
from relight.errors import UsageError
from relight.journal.port import Request
from relight.kernel.facts import AbortBegun, GateAsked, Held, HoldLeft, Noted, RunEnded, StepFailed, StepSucceeded
from relight.kernel.inputs import Asked

HEADER: dict[str, Any] = {"at": 0, "t": 0}
ASKED = Asked(at=0, t=0, request="q1", person="ana", door="cli", verb="ask")
LEFT = HoldLeft(**HEADER, code="gate-expired", stage="two", person="ana")
ANEW = GateAsked(**HEADER, stage="two", ticket="two/2af", title="Go on?", scope_digest="", expires_t=1)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ((Noted(**HEADER, person="ana", text="seen"),), "noted"),
        ((LEFT, ANEW), "left the hold gate-expired of two; the gate asks as two/2af"),
        (
            (AbortBegun(**HEADER, person="ana"), RunEnded(**HEADER, outcome="aborted")),
            "abort begun; nothing forward starts any more; the run is aborted",
        ),
        ((StepSucceeded(**HEADER, step="look", dispatch=0),), "look is done"),
        (
            (
                StepFailed(**HEADER, step="look", dispatch=0, error="no"),
                Held(**HEADER, code="step-failed", stage="one", text="no"),
            ),
            "look is not done; the run holds: no",
        ),
        ((), "ask: recorded"),
    ],
)
def test_an_answer_says_what_followed(facts: tuple[Any, ...], said: str) -> None:
    """Each consequence is a few words, and a gate that was asked anew gives its new ticket."""
    assert said == accepted(ASKED, facts).text


def test_a_text_without_end_is_refused_in_plain_words() -> None:
    """The person hears which of their words was too long, and no identifier of ours."""
    body = {"person": "ana", "door": "cli", "verb": "abort", "reason": "x" * (TEXT_MAX + 1)}
    with pytest.raises(UsageError, match=r"the reason is longer than 4,000 characters") as refusal:
        to_input(Request(id="q1", run="r1", at=0, body=body), at=0, t=0)
    assert "fewer words" in refusal.value.hint
