"""Where a run stands, as a document."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

from relight.control.exits import exit_code, needs_decision
from relight.control.history import load_run
from relight.control.results import with_results
from relight.control.stages import stage_entries
from relight.control.status import status_document
from relight.kernel.plan import Stage
from relight.testing.desk import Desk, desk_of
from relight.testing.plans import Said, act, fan, plan, use

PROMISED = {
    "schema",
    "run",
    "runbook",
    "site",
    "plan_digest",
    "state",
    "started_at",
    "driver",
    "stage",
    "waiting_on",
    "stages",
    "guards",
    "effects_in_force",
    "next",
}
"""What the design promises of ``relight.run/v1``; more may be added, these never go."""


def document_of(tale: Any) -> dict[str, Any]:
    journal = tale.journal
    document = status_document(
        load_run(journal, tale.id),
        lease=journal.lease(tale.id),
        live=journal.live(tale.id),
        samples=journal.samples(tale.id),
        name="7f3",
    )
    json.dumps(document)
    return document


def test_the_document_is_what_was_promised(tales: ModuleType) -> None:
    """Every promised field is there in every state, with the shapes that the design gives."""
    for tale in (tales.Tale(), tales.Tale().at_gate(), tales.Tale().at_ramp(), tales.Tale().ended()):
        document = document_of(tale)
        assert set(document) >= PROMISED
        assert document["schema"] == "relight.run/v1"
        for stage in document["stages"]:
            assert set(stage) >= {"id", "state", "steps", "checks"}
            assert all(set(step) >= {"id", "state", "attempts", "result"} for step in stage["steps"])
            assert all(set(check) >= {"id", "verdict", "value"} for check in stage["checks"])
        for effect in document["effects_in_force"]:
            assert set(effect) >= {"step", "action", "value", "observed", "protective", "undo"}


def test_a_run_goes_on(tales: ModuleType) -> None:
    """While it goes on nothing is waited for, and stopping is what can be said."""
    document = document_of(tales.Tale())
    assert document["state"] == "running"
    assert document["waiting_on"] is None
    assert document["stage"] == "contain"
    assert [stage["state"] for stage in document["stages"]] == ["running", "pending", "pending", "pending"]
    throttle, freeze = document["stages"][0]["steps"]
    assert (throttle["state"], throttle["attempts"], throttle["doing"]) == ("running", 1, "running")
    assert (freeze["state"], freeze["attempts"], freeze["result"]) == ("pending", 0, None)
    assert document["next"] == ["relight pause 7f3", "relight abort 7f3"]
    assert document["driver"]["name"] == "serve-2"
    assert document["driver"]["alive"] is True


def test_a_gate_tells_what_it_waits_for(tales: ModuleType) -> None:
    """The ticket, who may, what must pass and what informs, and what it would do."""
    tale = tales.Tale().at_gate().turns("login_errors", "fail", 0.35)
    document = document_of(tale)
    gate = document["waiting_on"]
    assert document["state"] == "waiting"
    assert (gate["kind"], gate["stage"]) == ("gate", "roll-back")
    assert gate["ticket"] == tale.run.ticket.id
    assert gate["may"] == ["ana", "bo"]
    assert (gate["needed"], gate["approvals"]) == (1, [])
    assert [check["id"] for check in gate["require"]] == ["edge_errors"]
    (login_errors, _) = gate["show"]
    assert (login_errors["verdict"], login_errors["value"], login_errors["criterion"]) == ("fail", 0.35, "< 2%")
    assert gate["will"][0]["does"] == "deploy.rollback service=auth to=previous"
    assert gate["will"][0]["undo"] == "deploy.restore, asks first"
    assert document["next"][0] == f"relight approve 7f3 {gate['ticket']}"
    assert document["stages"][1]["state"] == "waiting"


def test_the_starter_is_not_asked_where_they_do_not_count(tales: ModuleType) -> None:
    """A gate that wants somebody else does not name the starter among those who may."""
    from dataclasses import replace

    gate = replace(tales.ROLL_BACK.gate, approval=replace(tales.ROLL_BACK.gate.approval, allow_self_approval=False))
    stages = (tales.CONTAIN, replace(tales.ROLL_BACK, gate=gate))
    tale = tales.Tale(tales.plan(*stages)).at_gate()
    assert document_of(tale)["gate"]["may"] == ["bo"]


def test_the_newest_value_is_shown(tales: ModuleType) -> None:
    """A turn is old news: what the driver last put on its board is the value, and samples make the curve."""
    tale = tales.Tale().at_gate()
    tale.board["checks"] = {"edge_errors": {"kind": "value", "value": 0.011, "detail": "", "at": tale.at + 900, "t": 0}}
    tale.later(1)
    (edge_errors,) = document_of(tale)["gate"]["require"]
    assert edge_errors["value"] == 0.011
    assert edge_errors["verdict"] == "pass"
    assert len(edge_errors["recent"]) >= 5


def test_a_held_run_names_the_hold_and_the_ways_on(tales: ModuleType) -> None:
    """A hold has its code, its words, who may decide, and every way on."""
    document = document_of(tales.Tale().later(1).done().fails("edge-6 refused connections"))
    hold = document["waiting_on"]
    assert document["state"] == "held"
    assert (hold["kind"], hold["code"], hold["step"]) == ("hold", "step-failed", "freeze")
    assert hold["text"] == "edge-6 refused connections"
    assert hold["may"] == ["ana", "bo"]
    assert document["stages"][0]["state"] == "held"
    assert document["stages"][0]["steps"][1]["error"] == "edge-6 refused connections"
    assert document["next"] == [
        "relight retry 7f3 freeze",
        "relight mark 7f3 freeze done",
        "relight skip 7f3 freeze --reason '...'",
        "relight abort 7f3",
    ]


def test_an_unknown_outcome_is_told(tales: ModuleType) -> None:
    """A step that may or may not have happened is named, and so is its effect that is not sure."""
    tale = tales.Tale().at_gate()
    tale.asks("ana", "approve", ticket=tale.run.ticket.id).lost()
    document = document_of(tale)
    assert document["unknown"] == ["undeploy"]
    assert document["stages"][1]["steps"][0]["state"] == "unknown"
    (effect,) = [effect for effect in document["effects_in_force"] if effect["step"] == "undeploy"]
    assert effect["sure"] is False


def test_a_host_that_may_or_may_not_be_done_is_an_unknown_outcome() -> None:
    """A script learns of it as of any other step, by 8."""
    desk = desk_of(act("a", use("node.restart"), targets=fan(3)))
    desk.report("a", "unknown", error="cut off", targets={"h0": None})
    assert exit_code(desk.run) == 8
    desk.ask("ana", "mark", "a", value="not-done")
    assert exit_code(desk.run) == 7


def test_the_steps_of_a_stage_that_was_left_out_are_skipped() -> None:
    """What will never be done is not pending."""
    no = Said("false", lambda _: False)
    desk = Desk(plan(Stage(id="one", steps=(act("a"),), when=no), Stage(id="two", steps=(act("later"),))))
    words = [[each["state"] for each in entry["steps"]] for entry in stage_entries(desk.run, {})]
    assert words == [["skipped"], ["running"]]


def test_a_ramp_tells_where_it_is(tales: ModuleType) -> None:
    """A ramp has its values, its position, why it went down, and how often it may yet."""
    tale = tales.Tale().at_ramp().later(61).all_pass().done().turns("login_errors", "fail", 0.3)
    (step,) = document_of(tale)["stages"][2]["steps"]
    ramp = step["ramp"]
    assert ramp["values"] == [10, 25, 50, 75, 100]
    assert (ramp["position"], ramp["step_backs"], ramp["step_backs_max"]) == (0, 1, 3)
    assert "login_errors" in ramp["why"]


def test_effects_say_how_they_end(tales: ModuleType) -> None:
    """Each effect has its undo, what was seen of it, and what becomes of it."""
    tale = tales.Tale().at_gate()
    key = next(key for key, entry in tale.run.ledger.items() if entry.step == "throttle")
    tale.board["observed"] = {key: {"value": {"percent": 10}, "at": tale.at, "error": ""}}
    tale.later(1)
    throttle, freeze = document_of(tale)["effects_in_force"]
    assert (throttle["step"], throttle["protective"], throttle["observed"]) == ("throttle", True, {"percent": 10})
    assert (throttle["undo"], throttle["when_undone"]) == ("admission.open", "kept on abort")
    assert (freeze["undo"], freeze["when_undone"]) == ("deploy.unfreeze service=all", "undone at close")
    assert freeze["observed"] is None


def test_programs_get_what_steps_of_earlier_stages_gave(tales: ModuleType) -> None:
    """A run forgets what no later step reads; its journal does not, and a document that is handed out has it."""
    tale = tales.Tale().later(1).done({"percent": 10}).later(1).done({"frozen": True}).later(20).all_pass()
    document = document_of(tale)
    assert document["stage"] == "roll-back"
    results = [step["result"] for step in with_results(document, tale.journal)["stages"][0]["steps"]]
    assert results == [{"percent": 10}, {"frozen": True}]


def test_a_driver_that_is_gone_shows(tales: ModuleType) -> None:
    """Nobody drives a run whose driver is dead, and who did is told; a run that is over has neither."""
    tale = tales.Tale()
    tale.hold.release()
    assert document_of(tale)["driver"] is None
    assert document_of(tale)["last_driver"]["name"] == "serve-2"
    assert document_of(tale)["next"][0].startswith("relight resume ")
    assert exit_code(tale.run, driven=False) == 7
    assert (document_of(tales.Tale().ended())["driver"], document_of(tales.Tale().ended())["last_driver"]) == (
        None,
        None,
    )


def moments(tales: ModuleType) -> dict[str, tuple[Any, int, bool]]:
    """Every kind of moment, the exit code of its status, and whether a person has to decide."""

    def gate() -> Any:
        return tales.Tale().at_gate()

    def rolled_back(outcome: str) -> Any:
        tale = gate()
        tale.asks("ana", "approve", ticket=tale.run.ticket.id)
        return tale.lost() if outcome == "lost" else tale.done()

    def denied() -> Any:
        tale = gate()
        return tale.asks("bo", "deny", ticket=tale.run.ticket.id)

    def aborted() -> Any:
        tale = gate()
        tale.asks("bo", "abort")
        return tale.later(1)

    return {
        "running": (tales.Tale(), 0, False),
        "waiting at a gate": (gate(), 5, True),
        "paused at a gate": (gate().asks("bo", "pause"), 7, True),
        "denied": (denied(), 6, True),
        "expired": (gate().later(901), 7, True),
        "held by a failed step": (tales.Tale().later(1).fails("no"), 7, True),
        "held by an unknown outcome": (rolled_back("lost"), 8, True),
        "a task by hand": (tales.Tale(tales.plan(tales.BY_HAND)), 7, True),
        "ramping": (tales.Tale().at_ramp(), 0, False),
        "undoing": (tales.Tale().at_ramp().asks("bo", "undo", value="contain"), 0, False),
        "succeeded": (tales.Tale().ended(), 0, True),
        "aborted": (aborted(), 6, True),
        "failed": (tales.Tale(tales.plan(on_abort="undo")).failed(), 1, True),
    }


def test_every_moment_has_its_exit_code(tales: ModuleType) -> None:
    """A script learns from the exit code alone where a run stands."""
    table = moments(tales)
    assert {name: code for name, (_, code, _) in table.items()} == {
        name: exit_code(tale.run) for name, (tale, _, _) in table.items()
    }
    assert {name: wanted for name, (_, _, wanted) in table.items()} == {
        name: needs_decision(tale.run) for name, (tale, _, _) in table.items()
    }


@pytest.mark.parametrize("moment", ["at_gate", "at_ramp", "ended"])
def test_a_replay_tells_the_same(tales: ModuleType, moment: str) -> None:
    """The document comes from the journal alone: what the driver had in hand is not needed for it."""
    tale = getattr(tales.Tale(), moment)()
    assert load_run(tale.journal, tale.id).state == tale.run.state
    assert document_of(tale)["stages"] == document_of(tale)["stages"]
