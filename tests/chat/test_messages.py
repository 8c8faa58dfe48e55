"""What people read, as text: the gate and the run at every moment that somebody is woken for."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from relight.chat.channel import Message, text_of
from relight.chat.messages import closed_gate, end_message, gate_message, head_message, hold_message, solo_message
from relight.chat.proposing import proposal_message
from relight.chat.story import Story
from relight.control.history import load_run
from relight.control.status import status_document
from relight.kernel.plan import Ramp, Solo


def _tales() -> ModuleType:
    name = "relight_tales"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "control" / "tale.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(name="tales")
def the_tales() -> Iterator[ModuleType]:
    """Runs told by hand."""
    return _tales()


def document(tale: Any) -> dict[str, Any]:
    """Return the run's document."""
    return status_document(
        load_run(tale.journal, tale.id),
        lease=tale.journal.lease(tale.id),
        live=tale.journal.live(tale.id),
        samples=tale.journal.samples(tale.id),
        name=tale.id,
    )


def story(tale: Any) -> Story:
    """Return the run's story."""
    told = Story(tale.id)
    told.read(tale.journal)
    return told


def shown(*messages: Message) -> str:
    """Return messages as people read them, with the seconds since the run began for times."""
    return "\n\n".join(text_of(message, lambda ms: f"{(ms - _tales().BEGAN) // 1_000}s") for message in messages)


NAMED = {"name": "7f3", "nonce": "n0nce"}


def reopening(tales: ModuleType) -> Any:
    """Return a run at the gate of the mock-up: let people back in."""
    gate = tales.Gate(
        title="Let people back in?",
        approval=tales.Approval(roles=("incident-commander",), allow_self_approval=True),
        require=("login_errors", "backlog"),
        show=("locked_out",),
    )
    step = tales.REOPEN.steps[0]
    ramp = Ramp(key="percent", floor=10, through=(25, 50, 75, 100), checks=("login_errors",), dwell_ms=60_000)
    stage = replace(tales.REOPEN, gate=gate, steps=(replace(step, ramp=ramp),))
    return tales.Tale(tales.plan(tales.CONTAIN, stage, tales.CLOSE)).at_gate()


def test_the_gate_of_the_mock_up(tales: ModuleType, snapshot: SnapshotAssertion) -> None:
    """What it does, what is required and how it is, what to look at, who, until when, and the command without chat."""
    tale = reopening(tales)
    tale.turns("login_errors", "pass", 0.016).later(4)
    tale.turns("login_errors", "pass", 0.01).turns("backlog", "pass", 12.0).turns("locked_out", "fail", 1702.0)
    found = document(tale)
    assert snapshot == shown(head_message(found, **NAMED), gate_message(found, **NAMED))


def test_a_gate_that_cannot_open_yet(tales: ModuleType, snapshot: SnapshotAssertion) -> None:
    """What fails says what it would have to be; no data is no pass; one of two has approved."""
    stage = replace(
        tales.ROLL_BACK,
        gate=replace(tales.ROLL_BACK.gate, approval=replace(tales.ROLL_BACK.gate.approval, min_approvals=2)),
    )
    tale = tales.Tale(tales.plan(tales.CONTAIN, stage, tales.CLOSE)).at_gate()
    tale.turns("edge_errors", "fail", 0.07).turns("login_errors", "inconclusive", None, detail="no answer")
    tale.asks("ana", "approve", ticket=tale.run.ticket.id)
    assert snapshot == shown(gate_message(document(tale), **NAMED))


def test_a_gate_after_its_decision(tales: ModuleType, snapshot: SnapshotAssertion) -> None:
    """Opened and denied: who, when, where, why, on what evidence; nothing to click."""
    tale = tales.Tale().at_gate().turns("edge_errors", "pass", 0.008)
    tale.asks("ana", "approve", ticket=tale.run.ticket.id, reason="41 is bad")
    (opened,) = story(tale).gates.values()
    other = tales.Tale().at_gate()
    other.asks("bo", "deny", ticket=other.run.ticket.id, reason="not yet")
    (denied,) = story(other).gates.values()
    messages = closed_gate(document(tale), opened, name="7f3"), closed_gate(document(other), denied, name="7f3")
    assert all(message.buttons == () for message in messages)
    assert snapshot == shown(*messages)


def test_a_hold_and_the_end(tales: ModuleType, snapshot: SnapshotAssertion) -> None:
    """Why it holds, whether waiting is safe and each way on; then how it was left, and how the run ended."""
    tale = tales.Tale().at_gate().turns("edge_errors", "pass", 0.008)
    tale.asks("ana", "approve", ticket=tale.run.ticket.id, reason="41 is bad")
    tale.later(5).fails("the registry says 503")
    (hold,) = story(tale).holds.values()
    held = document(tale)
    before = hold_message(held, hold, **NAMED)
    tale.later(60).asks("bo", "abort", reason="we fail over instead")
    (left,) = story(tale).holds.values()
    ended = document(tale)
    assert ended["state"] == "aborted"
    assert snapshot == shown(
        before,
        head_message(held, **NAMED),
        hold_message(ended, left, **NAMED),
        end_message(ended, name="7f3"),
        head_message(ended, **NAMED),
    )


def test_a_run_that_failed(tales: ModuleType, snapshot: SnapshotAssertion) -> None:
    """It was aborted and could not undo: what failed is told, and what a person has to mend."""
    ended = document(tales.Tale(tales.plan(on_abort="undo")).failed())
    assert ended["state"] == "failed"
    assert snapshot == shown(end_message(ended, name="7f3"), head_message(ended, **NAMED))


def test_a_gate_that_was_opened_alone(tales: ModuleType, snapshot: SnapshotAssertion) -> None:
    """SOLO, who, why, and that it can be denied still."""
    approval = replace(tales.ROLL_BACK.gate.approval, allow_self_approval=False)
    stage = replace(tales.ROLL_BACK, gate=replace(tales.ROLL_BACK.gate, approval=approval))
    plan = replace(
        tales.plan(tales.CONTAIN, stage, tales.CLOSE), solo=Solo(after_ms=300_000, roles=("incident-commander",))
    )
    tale = tales.Tale(plan).at_gate()
    asked = gate_message(document(tale), **NAMED)
    tale.later(301).turns("edge_errors", "pass", 0.008)
    tale.asks("ana", "approve", ticket=tale.run.ticket.id, reason="nobody answers", confirmed="prod-eu")
    (gate,) = story(tale).gates.values()
    found = document(tale)
    assert snapshot == shown(asked, solo_message(found, gate, **NAMED), closed_gate(found, gate, name="7f3"))


def test_a_proposal_says_how_many_alerts_ask_for_it() -> None:
    """One message for two hundred machines, with how many there are; one alert says nothing of that."""
    entry = {
        "id": "e28ade455933",
        "site": "eu",
        "state": "proposed",
        "published": "reopen",
        "inputs": {"admit": "7"},
        "labels": {"alertname": "LoginErrors"},
        "missing_labels": [],
        "summary": "logins fail",
        "proposed_at": "2026-11-23T05:00:13.000Z",
        "alerts": 1,
        "firing": 1,
    }
    assert "logins fail\n" in text_of(proposal_message(entry, nonce="n"))
    many = text_of(proposal_message({**entry, "alerts": 200, "firing": 12}, nonce="n"))
    assert "logins fail (and 199 more like it; 12 fire now)" in many


def test_buttons_carry_nothing_but_names(tales: ModuleType) -> None:
    """The run, the ticket, the beginning of the digest and a word that nobody guesses: never what it would do."""
    tale = tales.Tale().at_gate()
    found = document(tale)
    message = gate_message(found, **NAMED)
    ticket, digest = tale.run.ticket.id, tale.run.ticket.scope_digest
    assert {button.value for button in message.buttons} == {f"{tale.id} {ticket} {digest[:12]} n0nce"}
    assert {button.value for button in head_message(found, **NAMED).buttons} == {f"{tale.id} - - n0nce"}
