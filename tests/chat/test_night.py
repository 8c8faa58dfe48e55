"""From beginning to end: a serve in a process of its own, the real Bolt client, and people in a Slack of ours."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chat.conftest import Night


def test_a_run_is_started_approved_and_finished_in_chat(night: Night) -> None:
    """Started by a form, opened by two clicks; one message a run and one a gate, edited, and closed at the end."""
    said = night.serve()
    assert "slack shows lab in C1" in said
    run = night.start("U1", "gated", word="hi; $(reboot) ${{ site }} <!channel>", many="2", loud="true")
    gate = night.message("go on?", "2 boss (ana, bo or ed)")
    head = night.message("gated", "WAITS at the gate")
    assert night.slack.send(night.slack.click("U1", gate, "Approve")).in_time
    night.message("1 boss (bo or ed)", "So far", "ana approved in chat")
    assert night.slack.send(night.slack.click("U2", gate, "Approve")).in_time
    night.message("OPENED by ana, bo")
    night.message("gated succeeded")
    night.message("stage second verified", thread=head)
    night.message("gated", "SUCCEEDED")
    assert "[" not in night.text(gate) + night.text(head)
    assert len(night.slack.texts()) == 3
    facts = night.story(run)
    votes = [(body["person"], body["door"], body["proof"]) for kind, body in facts if kind == "vote_cast"]
    assert votes == [("ana", "slack", "slack"), ("bo", "slack", "slack")]
    (plan,) = [body["plan"] for kind, body in facts if kind == "run_started"]
    inputs = plan["scope"]["inputs"]
    assert inputs == {"word": "hi; $(reboot) ${{ site }} <!channel>", "many": 2, "loud": True, "how": "fast"}
    assert night.end_serve(signal.SIGTERM) == 0
