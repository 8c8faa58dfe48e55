"""The report of a run: what its document says, and what it admits not to know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from relight.control.durations import keep_durations
from relight.control.report import report_document
from relight.errors import JournalError
from relight.journal.memory import MemoryJournal
from relight.journal.port import SAMPLES_MAX, Record, Sample
from relight.kernel.inputs import TookOver
from relight.kernel.intents import Watch
from relight.kernel.plan import Solo
from relight.kernel.wanted import wanted


def report(tale: Any, **how: Any) -> dict[str, Any]:
    """Return the report of a told run, as a program gets it."""
    document: dict[str, Any] = json.loads(json.dumps(report_document(tale.journal, tale.id, at=tale.at, **how)))
    return document


def hints(document: dict[str, Any]) -> dict[str, str]:
    """Return the hints of a report by their codes."""
    return {each["code"]: each["text"] for each in document["look_at"]}


def decisions(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the decisions of that kind."""
    return [each for each in document["decisions"] if each["kind"] == kind]


def approved(tale: Any) -> Any:
    """Open the gate of roll-back, at which the run waited for half a minute."""
    tale.at_gate().turns("edge_errors", "pass", 0.008).turns("login_errors", "fail", 0.35)
    return tale.later(30).asks("bo", "approve", ticket=tale.run.ticket.id, reason="it is the deploy")


def test_it_says_where_the_time_went(tales: ModuleType) -> None:
    """Per stage, machines and people apart; what was not reached has none."""
    tale = approved(tales.Tale())
    document = report(tale)
    assert ("relight.report/v1", "running", None) == (document["schema"], document["state"], document["ended_at"])
    stages = {each["id"]: each for each in document["stages"]}
    assert {"contain": "succeeded", "roll-back": "not done", "reopen": "not reached", "close": "not reached"} == {
        name: each["outcome"] for name, each in stages.items()
    }
    assert [{"from_s": 22.0, "until_s": 52.0, "took_s": 30.0, "for": "gate"}] == stages["roll-back"]["waits"]
    assert {"took_s": 52.0, "machine_s": 22.0, "people_s": 30.0, "undriven_s": 0.0} == document["time"]
    assert [1.0, 1.0] == [step["took_s"] for step in stages["contain"]["steps"]]


def test_a_decision_has_its_evidence(tales: ModuleType) -> None:
    """Who, by which door, on which ticket and digest, and what was to be seen at that moment."""
    tale = approved(tales.Tale())
    document = report(tale)
    (vote,), (opened,) = decisions(document, "approved"), decisions(document, "gate opened")
    assert ("bo", "cli", "it is the deploy") == (vote["who"], vote["door"], vote["reason"])
    assert tale.run.plan.digest == vote["plan_digest"] == opened["plan_digest"]
    assert vote["ticket"] == opened["ticket"]
    assert vote["scope_digest"] == opened["scope_digest"]
    assert 64 == len(opened["scope_digest"])
    seen = {each["check"]: each for each in opened["readings"]}
    assert (0.008, "pass", "< 3%", "recorded with it") == tuple(
        seen["edge_errors"][key] for key in ("value", "verdict", "criterion", "how")
    )
    assert "fail" == seen["login_errors"]["verdict"]
    assert {"as last turned"} == {each["how"] for each in vote["readings"]}
    assert not opened["alone"]


def test_a_gate_opened_alone_is_marked(tales: ModuleType) -> None:
    """ALONE where the runbook lets the starter count, SOLO where the site's rule did."""
    tale = tales.Tale().at_ramp()
    assert decisions(report(tale), "gate opened")[0]["alone"]
    assert "by whoever started the run" in hints(report(tale))["alone"]
    gate = replace(tales.ROLL_BACK.gate, approval=replace(tales.ROLL_BACK.gate.approval, allow_self_approval=False))
    stages = (tales.CONTAIN, replace(tales.ROLL_BACK, gate=gate))
    solo = Solo(after_ms=60_000, roles=("incident-commander",))
    tale = tales.Tale(tales.plan(*stages, people=(tales.ANA,), solo=solo)).at_gate()
    tale.turns("edge_errors", "pass", 0.008).later(61)
    tale.asks("ana", "approve", ticket=tale.run.ticket.id, reason="nobody answers", confirmed="prod-eu")
    (opened,) = decisions(report(tale), "gate opened")
    assert (True, True) == (opened["solo"], decisions(report(tale), "approved")[0]["solo"])
    assert "SOLO" in hints(report(tale))["solo"]
    assert "alone" not in hints(report(tale))


def test_a_denial_a_refusal_and_an_expiry_are_decisions_too(tales: ModuleType) -> None:
    """Each with who and why; nobody is named where nobody answered."""
    denied = tales.Tale().at_gate()
    denied.asks("bo", "deny", ticket=denied.run.ticket.id, reason="it is the surge")
    document = report(denied)
    assert ["it is the surge"] == [each["reason"] for each in decisions(document, "denied")]
    assert "Denied: roll-back/" in hints(document)["denied"]
    assert [("gate-denied", None)] == [(each["code"], each["left"]) for each in document["holds"]]
    expired = tales.Tale().at_gate().later(901)
    (each,) = decisions(report(expired), "expired")
    assert ("", None) == (each["who"], each["step"])
    assert "expired" in hints(report(expired))


def test_a_hold_tells_how_long_and_how_it_was_left(tales: ModuleType) -> None:
    """By whom and with which verb; one that still holds has lasted until now."""
    tale = tales.Tale().later(1).fails("edge-6 refused connections").later(30)
    (held,) = report(tale)["holds"]
    assert (30.0, None, "throttle") == (held["lasted_s"], held["left"], held["step"])
    tale.asks("ana", "retry", subject="throttle").later(1).done()
    document = report(tale)
    (held,) = document["holds"]
    assert (30.0, "retry", "ana") == (held["lasted_s"], held["left"]["verb"], held["left"]["person"])
    assert "It held once, for 0:30 at throttle." == hints(document)["holds"]
    assert ["throttle FAILED: edge-6 refused connections", "ana sent throttle back to its beginning"] == [
        each["says"] for each in document["attempts"]
    ]


def test_an_unknown_outcome_tells_how_it_was_settled(tales: ModuleType) -> None:
    """Or that it was not: then it is the first thing to look at."""
    tale = approved(tales.Tale()).later(5).lost()
    document = report(tale)
    assert [("undeploy", None)] == [(each["step"], each["settled"]) for each in document["unknowns"]]
    assert "unknown" == document["look_at"][0]["code"]
    tale.later(60).asks("ana", "mark", subject="undeploy", value="done", reason="I looked at the pods")
    (each,) = report(tale)["unknowns"]
    assert ("ana", "I looked at the pods") == (each["settled"]["person"], each["settled"]["reason"])
    assert 60.0 == each["settled"]["t_s"] - each["t_s"]
    assert "Outcomes that were unknown for a while: undeploy by ana." == hints(report(tale))["settled"]


def test_a_driver_that_went_is_told(tales: ModuleType) -> None:
    """Who came next, and for how long nobody may have driven; what it had in hand is unknown."""
    tale = approved(tales.Tale()).later(5)
    tale.t += 40_000
    tale.say(TookOver(at=tale.at, t=tale.t, epoch=2, driver="serve-3"))
    document = report(tale)
    assert [0.0, 45.0] == [each["silent_before_s"] for each in document["drivers"]]
    assert "2 drivers drove it, one after another; for at most 0:45 nobody did." == hints(document)["drivers"]
    assert ["undeploy"] == [each["step"] for each in document["unknowns"]]


def test_step_backs_and_breaches_are_counted(tales: ModuleType) -> None:
    """A guard that breaches on a ramp steps it back; both are told, with the value and for how long."""
    tale = tales.Tale().at_ramp()
    tale.later(61).all_pass().later(61).done().later(61).all_pass()
    tale.turns("api_errors", "fail", 0.05).later(20)
    document = report(tale)
    assert [("api_errors", 0.05)] == [(each["check"], each["value"]) for each in document["guard_breaches"]]
    assert 1 == len(document["step_backs"])
    assert "A ramp stepped back once:" in hints(document)["step_backs"]
    assert "Guards were breached once: api_errors." == hints(document)["guards"]
    tale.done().turns("api_errors", "pass", 0.001)
    assert 20.0 <= report(tale)["guard_breaches"][0]["lasted_s"]


def test_checks_are_held_against_their_thresholds(tales: ModuleType) -> None:
    """Last, worst and when, how many samples were outside; a data point counts once, whoever watched it."""
    tale = tales.Tale()
    tale.samples = [
        Sample(check="login_errors", use=use, at=tale.began + t, t=t, kind="value", value=value)
        for t, value in ((23_000, 0.35), (28_000, 0.01), (33_000, 0.005))
        for use in ("gate", "verify")
    ] + [Sample(check="login_errors", use="gate", at=tale.at, t=38_000, kind="stale", detail="30 s old")]
    tale._append([])
    check = next(each for each in report(tale)["checks"] if each["id"] == "login_errors")
    assert (0.35, 23.0, 0.005, 1, 4) == tuple(check[k] for k in ("worst", "worst_t_s", "value", "outside", "samples"))
    assert (1, "30 s old", "<", 0.02) == tuple(
        check[key] for key in ("without_data", "without_data_why", "good", "limit")
    )
    assert [[23.0, 0.35], [28.0, 0.01], [33.0, 0.005], [38.0, None]] == check["points"]
    assert "login_errors 1 of 4" in hints(report(tale))["blind"]


def test_time_without_samples_is_a_gap(tales: ModuleType) -> None:
    """Nobody knows what was in between, and no line is drawn through it."""
    tale = tales.Tale()
    tale.samples = [
        Sample(check="locked_out", use="", at=tale.began + t, t=t, kind="value", value=9.0)
        for t in (23_000, 28_000, 90_000)
    ]
    tale._append([])
    check = next(each for each in report(tale)["checks"] if each["id"] == "locked_out")
    assert [9.0, 9.0, None, 9.0] == [value for _, value in check["points"]]


def test_samples_that_were_let_go_are_named(tales: ModuleType) -> None:
    """The newest are kept; the report says from when on it has curves, and when it has none."""
    tale = tales.Tale().at_gate()
    tale.journal = _With(
        tale.journal,
        samples=[
            Sample(check="locked_out", use="", at=0, t=50_000 + n, kind="value", value=9.0) for n in range(SAMPLES_MAX)
        ],
    )
    assert any("Only the newest 20,000 samples" in each for each in report(tale)["missing"])
    tale.journal = _With(tale.journal, samples=[])
    assert any("No samples" in each for each in report(tale)["missing"])
    assert "missing" in hints(report(tale))


class _With(MemoryJournal):
    """A journal that reads some things otherwise than they were written."""

    def __init__(self, other: Any, **otherwise: Any) -> None:
        self._other, self._otherwise = other, otherwise

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_"):
            return object.__getattribute__(self, name)
        if name in self._otherwise:
            return lambda *_, **__: self._otherwise[name]
        return getattr(self._other, name)


def _cut(records: Sequence[Record], seq: int, body: bytes) -> list[Record]:
    return [*records[: seq - 1], replace(records[seq - 1], body=body), *records[seq:]]


def test_a_damaged_journal_is_told_as_far_as_it_goes(tales: ModuleType) -> None:
    """What cannot be read ends the story; that it does not verify is said, and the sound part stands."""
    tale = approved(tales.Tale())
    records = list(tale.journal.records(tale.id))
    tale.journal = _With(tale.journal, records=_cut(records, 6, b'{"v":1,"kind":"nonsense"}'))
    document = report(tale)
    assert (5, False) == (document["journal"]["records"], document["journal"]["ok"])
    assert any("does not verify" in each for each in document["missing"])
    assert any("Record 6 and what follows cannot be read" in each for each in document["missing"])
    assert "missing" in hints(document)


def test_a_record_that_does_not_follow_ends_it_too(tales: ModuleType) -> None:
    """A changed record may be readable and make no sense."""
    tale = tales.Tale().ended()
    records = list(tale.journal.records(tale.id))
    at = next(each.seq for each in records if each.kind == "ramp_moved")
    wrong = records[at - 1].body.replace(b'"admit"', b'"freeze"')
    assert wrong != records[at - 1].body
    tale.journal = _With(tale.journal, records=_cut(records, at, wrong))
    document = report(tale)
    assert (at - 1, False) == (document["journal"]["records"], document["journal"]["ok"])
    assert any(f"Record {at} does not follow" in each for each in document["missing"])


def test_an_end_that_was_cut_off_is_noticed(tales: ModuleType) -> None:
    """The list of runs counts more records than there are."""
    tale = tales.Tale().ended()
    tale.journal = _With(tale.journal, records=list(tale.journal.records(tale.id))[:-3])
    document = report(tale)
    assert any("the end is cut off" in each for each in document["missing"])
    assert document["ended_at"] is None


def test_there_has_to_be_a_beginning(tales: ModuleType) -> None:
    """No run of that name, or a first record that is none, is an error and no report."""
    tale = tales.Tale()
    with pytest.raises(JournalError, match="there is no run nobody"):
        report_document(tale.journal, "nobody")
    records = list(tale.journal.records(tale.id))
    tale.journal = _With(tale.journal, records=_cut(records, 1, b"{}"))
    with pytest.raises(JournalError):
        report(tale)


def test_budgets_are_what_the_driver_counted(tales: ModuleType) -> None:
    """By surface, of what its objective allows; one that was not measured says so."""
    surfaces = {
        name: {"objective": 99.9, "window_ms": 2_592_000_000, "error_ratio": {}} for name in ("consumer", "api")
    }
    tale = tales.Tale(tales.plan(surfaces=surfaces))
    tale.board = {"budgets": {"consumer": {"spent_ms": 300_000, "budget_ms": 2_592_000, "at": tale.at}}}
    tale.later(1)
    document = report(tale)
    assert [("consumer", 300.0, 2592.0), ("api", None, 2592.0)] == [
        (each["surface"], each["spent_s"], each["budget_s"]) for each in document["budgets"]
    ]
    assert "The run spent 11.6% of the error budget of consumer." == hints(document)["budget"]
    assert any("cost api was not measured" in each for each in document["missing"])


def test_what_is_left_is_told_with_its_undo(tales: ModuleType) -> None:
    """Of an aborted run what outlives it; of one that goes on what is in force."""
    tale = tales.Tale().at_gate().asks("ana", "abort", reason="wrong region").later(1)
    document = report(tale)
    assert ("aborted", "ana aborted it") == (document["state"], document["why"])
    assert {"throttle": "admission.open", "freeze": "deploy.unfreeze service=all"} == {
        each["step"]: each["undo"] for each in document["effects_left"]
    }
    assert "2 effects outlived the run: throttle and freeze." == hints(document)["effects"]
    assert ["wrong region"] == [each["reason"] for each in decisions(document, "aborted")]


def test_what_an_abort_could_not_undo_comes_first(tales: ModuleType) -> None:
    """The run failed: what a person has to mend is the first hint, and stands in the course of the run."""
    document = report(tales.Tale(tales.plan(on_abort="undo")).failed())
    assert "failed" == document["state"]
    assert "failed" == document["look_at"][0]["code"]
    assert "deploy.freeze@edge: edge-6 refused connections" in document["look_at"][0]["text"]
    assert ["throttle", "freeze"] == [each["step"] for each in document["effects_left"]]


def test_notes_are_kept_word_for_word(tales: ModuleType) -> None:
    """By whom and when."""
    tale = tales.Tale().later(3).asks("bo", "note", value="the bank is told")
    assert [("bo", "the bank is told", 3.0)] == [
        (each["person"], each["text"], each["t_s"]) for each in report(tale)["notes"]
    ]


def test_it_is_compared_with_the_runs_before(tales: ModuleType) -> None:
    """And never with itself; what took much longer is worth a look."""
    journal = MemoryJournal()
    earlier = tales.Tale(journal=journal, run="earlier1").ended()
    keep_durations(journal, earlier.id)
    assert [None] * 4 == [each["usual"] for each in report(earlier)["stages"]]
    tale = tales.Tale(journal=journal).later(100).done().later(1).done().later(20).all_pass()
    document = report(tale)
    assert "22s (1 run)" == document["stages"][0]["usual"]["says"]
    assert "contain took 2:01 without people; before it took 22s (1 run)." == hints(document)["slower"]


def test_waits_for_people_are_named_when_they_were_most_of_it(tales: ModuleType) -> None:
    """How much, and where the longest was; who it was is not said."""
    tale = tales.Tale().at_gate().turns("edge_errors", "pass", 0.008).later(240)
    tale.asks("bo", "approve", ticket=tale.run.ticket.id)
    said = hints(report(tale))["people"]
    assert "4:00 of 4:22 were waits for people; the longest was in roll-back, 4:00 at a gate." == said


def test_a_straight_run_gives_nothing_to_look_at(tales: ModuleType) -> None:
    """Hints come from facts; where there are none there are no hints."""
    document = report(tales.Tale().ended())
    assert {"alone", "effects"} == set(hints(document))
    quiet = report(tales.Tale(tales.plan(replace(tales.CONTAIN, steps=()))).later(30).all_pass())
    assert [] == quiet["look_at"]


def test_every_fact_is_in_the_timeline(tales: ModuleType) -> None:
    """In order, with its number, its time and its stage; those that people seldom want are marked."""
    tale = tales.Tale().ended()
    timeline = report(tale)["timeline"]
    assert list(range(1, tale.seq + 1)) == [each["seq"] for each in timeline]
    assert {"check_turned"} <= {
        record.kind for record, each in zip(tale.journal.records(tale.id), timeline, strict=True) if each["quiet"]
    }
    assert "the run succeeded" in timeline[-1]["says"]


def test_what_is_watched_now_needs_no_verdict(tales: ModuleType) -> None:
    """A run that has just begun has a report."""
    tale = tales.Tale()
    document = report(tale)
    assert any(isinstance(intent, Watch) for intent in wanted(tale.run))
    assert ([], 0.0) == (document["checks"], document["time"]["took_s"])
