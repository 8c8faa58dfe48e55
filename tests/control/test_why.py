"""Why a run stands where it stands."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

from relight.control.history import Following, load_run, log_entry
from relight.control.status import status_document
from relight.control.why import why_document
from relight.kernel.plan import Escalation

LEFT = (
    "waits for nothing: it succeeded: every stage is done. 2 effects still in force: "
    "deploy.rollback service=auth to=previous and admission.throttle percent=100 max_rate=150."
)


def why(tale: Any) -> dict[str, Any]:
    document = status_document(
        load_run(tale.journal, tale.id), lease=tale.journal.lease(tale.id), live=tale.journal.live(tale.id), name="7f3"
    )
    return why_document(document)


def test_a_gate_is_explained(tales: ModuleType) -> None:
    """What must pass, who must approve and who may, and that waiting is safe."""
    told = why(tales.Tale().at_gate())
    assert told["waits_for"].startswith("brownout-recovery on prod-eu waits at the gate of roll-back, roll-back/")
    assert "1 more of incident-commander must approve (ana or bo may)" in told["waits_for"]
    assert "edge_errors pass" in told["waits_for"]
    assert "Waiting is safe" in told["safe"]
    assert "admission.throttle percent=10 max_rate=20" in told["safe"]


def test_a_gate_that_cannot_open_says_what_fails(tales: ModuleType) -> None:
    """A required check that does not pass is named with its value."""
    told = why(tales.Tale().at_gate().turns("edge_errors", "fail", 0.06))
    assert "it cannot open until edge_errors < 3% (now 6%)" in told["waits_for"]


def test_a_hold_is_explained(tales: ModuleType) -> None:
    """Where, why, and each way on with where it leads."""
    told = why(tales.Tale().later(1).fails("edge-6 refused"))
    assert told["waits_for"] == (
        "brownout-recovery on prod-eu holds at throttle, because a step failed and will not be tried again by itself: "
        "edge-6 refused."
    )
    assert [choice["verb"] for choice in told["choices"]] == ["retry", "mark", "skip", "abort", "undo", "pause"]
    assert all(choice["leads_to"] for choice in told["choices"])


def test_every_moment_is_explained(tales: ModuleType) -> None:
    """No moment leaves a reader without a sentence, and no sentence has a hole."""
    told = [
        why(tales.Tale()),
        why(tales.Tale().later(1).done().done()),
        why(tales.Tale(tales.plan(tales.BY_HAND))),
        why(tales.Tale().at_gate().asks("bo", "pause")),
        why(tales.Tale().at_ramp()),
        why(tales.Tale().at_ramp().asks("bo", "undo", value="contain")),
        why(tales.Tale().ended()),
    ]
    assert [each["waits_for"].removeprefix("brownout-recovery on prod-eu ") for each in told] == [
        "goes on by itself: in contain, throttle is running.",
        "goes on by itself: contain is verified; it is done when edge_errors < 3% (now not read yet).",
        "waits for a person to do call by hand and mark it: Call the bank.",
        "is paused by bo and waits for somebody who resumes it.",
        "goes on by itself: in reopen, admit ramps percent, now 10.",
        "is undoing 2 effects, now deploy.rollback@edge.",
        LEFT,
    ]


def test_an_abort_that_cannot_undo_is_told_before_and_afterwards(tales: ModuleType) -> None:
    """Where an abort leads, while it may still be said; then what could not be undone, with why."""
    tale = tales.Tale(tales.plan(on_abort="undo")).at_gate()
    (abort,) = [choice for choice in why(tale)["choices"] if choice["verb"] == "abort"]
    assert "ends the run, as failed if that cannot be done" in abort["leads_to"]
    said = why(tales.Tale(tales.plan(on_abort="undo")).failed())["waits_for"]
    assert "it failed: bo aborted it, and this could not be undone: deploy.freeze@edge: edge-6 refused" in said
    assert "2 effects still in force: " in said


def test_a_dead_driver_is_not_called_safe(tales: ModuleType) -> None:
    """With nobody driving, nothing is watched, and that is said first."""
    tale = tales.Tale().at_gate()
    tale.hold.release()
    assert why(tale)["safe"].startswith("No driver is alive")


def test_without_a_driver_nothing_goes_on_by_itself(tales: ModuleType) -> None:
    """A run that was under way when its driver died waits for the next, and the first choice starts it."""
    tale = tales.Tale()
    tale.hold.release()
    assert "waits for a driver" in why(tale)["waits_for"]
    assert why(tale)["choices"][0]["verb"] == "resume"


def test_the_log_has_every_record(tales: ModuleType) -> None:
    """Each entry has its number, its hash, its sentence and everything that the fact says."""
    tale = tales.Tale().at_gate()
    following = Following(tale.journal, tale.id)
    entries = [log_entry(event) for event in following.news()]
    assert [entry["seq"] for entry in entries] == list(range(1, tale.seq + 1))
    assert entries[0]["says"].startswith("ana started brownout-recovery on prod-eu")
    asked = next(entry for entry in entries if entry["kind"] == "gate_asked")
    assert asked["fact"]["title"] == "Roll back auth 41 to 40?"
    assert asked["schema"] == "relight.log/v1"
    assert not list(following.news())
    tale.asks("bo", "note", value="the bank is told")
    (event,) = following.news()
    assert log_entry(event)["says"] == "bo notes: the bank is told"


def test_who_was_told_that_a_gate_waits_is_said(tales: ModuleType) -> None:
    """An escalation is in the status, in why and in the log; who is next, and when, is there as well."""
    gate = replace(tales.ROLL_BACK.gate, escalate=(Escalation(after_ms=300_000, notify="duty-manager"),))
    tale = tales.Tale(tales.plan(tales.CONTAIN, replace(tales.ROLL_BACK, gate=gate))).at_gate()
    waiting = status_document(load_run(tale.journal, tale.id))["waiting_on"]
    assert ([], "duty-manager") == (waiting["told"], waiting["tells_next"]["who"])
    tale.later(300)
    waiting = status_document(load_run(tale.journal, tale.id))["waiting_on"]
    assert (["duty-manager"], None) == (waiting["told"], waiting["tells_next"])
    assert "duty-manager was told that it waits" in why(tale)["waits_for"]
    following = Following(tale.journal, tale.id)
    assert any("escalated to duty-manager" in log_entry(event)["says"] for event in following.news())
