"""The commands that read runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from relight.control.history import load_run
from relight.journal.port import Batch
from relight.journal.snapshot import encode_state
from relight.journal.sqlite import SqliteJournal

Relight = Callable[..., Any]


@pytest.fixture
def tale(tales: ModuleType, journal: SqliteJournal) -> Any:
    """A run at its gate, in the journal at home."""
    return tales.Tale(journal=journal).at_gate()


def test_status_says_it_in_words_and_in_the_exit_code(relight: Relight, tale: Any) -> None:
    """The view on standard output, 5 at a gate, nothing on standard error."""
    said = relight("status")
    assert said.code == 5
    assert said.err == ""
    assert any(line.startswith(f"GATE {tale.run.ticket.id}") for line in said.out.splitlines())
    assert f"relight approve 7f3 {tale.run.ticket.id}" in said.out


def test_status_as_json_is_the_document(relight: Relight, tale: Any) -> None:
    """A program gets ``relight.run/v1`` with commands that name the run in full."""
    said = relight("status", "7f", "-o", "json")
    document = json.loads(said.out)
    assert said.code == 5
    assert document["schema"] == "relight.run/v1"
    assert document["run"] == tale.id
    assert document["next"][0] == f"relight approve {tale.id} {tale.run.ticket.id}"
    assert json.loads(relight("status", "-o", "jsonl").out)["run"] == tale.id


def test_status_of_nothing_is_nothing_to_do(relight: Relight, journal: SqliteJournal, tales: ModuleType) -> None:
    """With no unfinished run there is nothing to do, and the last one is named."""
    said = relight("status")
    assert (said.code, said.out) == (0, "Nothing to do: there are no runs yet.\n")
    tales.Tale(journal=journal).ended()
    said = relight("status")
    assert said.code == 0
    assert "The last was 7f3k9x2m (brownout-recovery, succeeded)." in said.out
    assert json.loads(relight("status", "-o", "json").out)["run"] is None


def test_a_run_is_never_guessed(relight: Relight, journal: SqliteJournal, tales: ModuleType) -> None:
    """With several unfinished runs, and with a prefix of several, the candidates are named."""
    tales.Tale(journal=journal, run="7f3aaaaa")
    tales.Tale(journal=journal, run="7f3bbbbb")
    for words in (("status",), ("why",), ("log",), ("status", "7f3")):
        said = relight(*words)
        assert said.code == 2
        assert "7f3aaaaa" in said.err
        assert "7f3bbbbb" in said.err
    assert "7f3b" in relight("status", "7f3b").out


def test_runs_lists_unfinished_ones_first(relight: Relight, journal: SqliteJournal, tales: ModuleType) -> None:
    """What waits for somebody is at the top, whenever it was started."""
    tales.Tale(journal=journal, run="aaaa0000").at_gate()
    tales.Tale(journal=journal, run="bbbb0000").ended()
    lines = relight("runs").out.splitlines()
    assert [line.split()[:2] for line in lines] == [["aaaa0000", "waiting"], ["bbbb0000", "succeeded"]]
    rows = json.loads(relight("runs", "-o", "json").out)
    assert rows["schema"] == "relight.runs/v1"
    assert [row["run"] for row in rows["runs"]] == ["aaaa0000", "bbbb0000"]
    assert [json.loads(line)["run"] for line in relight("runs", "-o", "jsonl").out.splitlines()] == [
        "aaaa0000",
        "bbbb0000",
    ]


def test_why_tells_the_ways_on(relight: Relight, tale: Any) -> None:
    """A paragraph, what is safe, and each command with where it leads."""
    said = relight("why")
    assert said.code == 0
    assert "waits at the gate of roll-back" in said.out
    assert "Waiting is safe" in " ".join(said.out.split())
    assert f"relight approve 7f3 {tale.run.ticket.id}\n    it opens the gate" in said.out
    assert json.loads(relight("why", "-o", "json").out)["schema"] == "relight.why/v1"


def test_effects_outlive_runs(relight: Relight, journal: SqliteJournal, tales: ModuleType) -> None:
    """What runs that are over left behind is listed with that of the others."""
    tales.Tale(journal=journal, run="aaaa0000").ended()
    tales.Tale(journal=journal, run="bbbb0000").at_gate()
    said = relight("effects")
    assert said.code == 0
    assert "deploy.rollback service=auth to=previous" in said.out
    assert "left behind" in said.out
    entries = json.loads(relight("effects", "-o", "json").out)["effects"]
    assert {entry["run"] for entry in entries} == {"aaaa0000", "bbbb0000"}
    assert {entry["run"] for entry in json.loads(relight("effects", "bb", "-o", "json").out)["effects"]} == {"bbbb0000"}
    assert all(json.loads(line)["undo"] for line in relight("effects", "bb", "-o", "jsonl").out.splitlines())


def test_an_adopted_effect_is_listed_under_the_run_that_holds_it(
    relight: Relight, journal: SqliteJournal, tales: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the run that left it; what is left of that run is undone by the command that is shown."""
    from relight.control.beginning import begin_run

    tale = tales.Tale(journal=journal, run="aaaa0000").at_gate().asks("ana", "abort")
    tale.hold.release()
    freezes = tales.Stage(id="only", steps=(tales.CONTAIN.steps[1],))
    held = begin_run(journal, tales.plan(freezes), starter="ana").id
    said = relight("effects").out
    assert f"    by aaaa0000/freeze of {held} (brownout-recovery on prod-eu, pending)" in said
    assert "    left by run aaaa0000 (aborted " in said
    assert f") and adopted by {held}\n" in said
    assert "\n    relight undo aaaa0000 throttle\n" in f"{said}\n"
    assert 1 == said.count("deploy.freeze service=all\n")
    refused = relight("undo", "aaaa0000", "freeze", "--yes")
    assert (4, True) == (refused.code, "is not one of the site's people" in refused.err)
    monkeypatch.setattr("relight.control.identities.os_name", lambda: "ana")
    refused = relight("undo", "aaaa0000", "freeze", "--yes")
    assert (4, True) == (refused.code, f"holds nothing of that any more: {held} adopted it" in refused.err)


def test_effects_of_nothing(relight: Relight, journal: SqliteJournal) -> None:
    """An empty journal has nothing in force."""
    assert relight("effects").out == "Nothing is in force.\n"


def test_the_log_is_one_line_a_fact(relight: Relight, tale: Any) -> None:
    """Time, number and sentence; as JSON lines each record whole, as JSON all of them."""
    lines = relight("log").out.splitlines()
    assert len(lines) == tale.seq
    assert lines[0].endswith("ana started brownout-recovery on prod-eu (plan abababababab)")
    records = [json.loads(line) for line in relight("log", "-o", "jsonl").out.splitlines()]
    assert [record["seq"] for record in records] == list(range(1, tale.seq + 1))
    assert json.loads(relight("log", "-o", "json").out)["records"] == records
    assert len(relight("log", "--after", str(tale.seq - 2)).out.splitlines()) == 2


def test_a_log_without_end_is_no_document(relight: Relight, tale: Any) -> None:
    """Following and one JSON document exclude each other."""
    assert relight("log", "--follow", "-o", "json").code == 2


def test_a_followed_log_ends_with_its_run(relight: Relight, journal: SqliteJournal, tales: ModuleType) -> None:
    """``log --follow`` of a run that is over prints it and ends."""
    tale = tales.Tale(journal=journal).ended()
    assert len(relight("log", tale.id, "--follow").out.splitlines()) == tale.seq


def test_watch_tells_until_a_decision(relight: Relight, tale: Any) -> None:
    """Off a terminal a line a fact, and 5 when the gate asks."""
    said = relight("watch", "--until-decision")
    assert said.code == 5
    assert "GATE roll-back/" in said.out.splitlines()[-1]
    assert "check edge_errors" not in said.out
    assert "check edge_errors is pass" in relight("watch", "--until-decision", "--everything").out


def test_watch_gives_programs_what_they_ask(relight: Relight, tale: Any) -> None:
    """With -o json the document at the end, with -o jsonl each record."""
    said = relight("watch", "--until-decision", "-o", "json")
    assert json.loads(said.out)["state"] == "waiting"
    assert "GATE roll-back/" in said.err
    records = [json.loads(line) for line in relight("watch", "--until-decision", "-o", "jsonl").out.splitlines()]
    assert len(records) == tale.seq


def test_a_sound_journal_verifies(relight: Relight, journal: SqliteJournal, tales: ModuleType) -> None:
    """Every record follows from the one before; checkpoints of elsewhere are compared."""
    tale = tales.Tale(journal=journal).ended()
    said = relight("verify", tale.id, "-o", "json")
    found = json.loads(said.out)
    assert (said.code, found["ok"], found["sound"]) == (0, True, tale.seq)
    assert relight("verify", tale.id, "--checkpoint", f"{tale.seq}:{found['head']}").code == 0
    late = relight("verify", tale.id, "--checkpoint", f"{tale.seq + 3}:{'0' * 64}")
    assert late.code == 9
    assert "TRUNCATED" in late.out
    assert relight("verify", tale.id, "--checkpoint", "nonsense").code == 2
    assert relight("verify", "--all").code == 0


def test_a_snapshot_that_lies_is_found(relight: Relight, journal: SqliteJournal, tales: ModuleType) -> None:
    """``status`` begins at what a driver stored beside the chain; ``verify`` holds that against the facts."""
    tale = tales.Tale(journal=journal).ended()
    truth = load_run(journal, tale.id)
    lease = journal.lease(tale.id)
    assert lease is not None
    lie = encode_state(replace(truth, outcome=None, paused=True), 1)
    batch = Batch(run=tale.id, epoch=lease.epoch, first_seq=tale.seq + 1, snapshot=lie)
    assert journal.append([batch]) == [None]
    assert json.loads(relight("status", tale.id, "-o", "json").out)["state"] == "paused"
    said = relight("verify", tale.id)
    assert said.code == 9
    assert f"UNTRUE  the snapshot after record {tale.seq} is not what the facts up to there make" in said.out


def test_bare_relight_shows_what_waits(relight: Relight, tale: Any) -> None:
    """The unfinished runs first, then the catalogue."""
    said = relight()
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "Unfinished runs"
    assert lines[1].split()[:3] == ["7f3k9x2m", "waiting", "brownout-recovery"]


def test_another_journal_is_read(relight: Relight, tales: ModuleType, tmp_path: Any) -> None:
    """``--journal`` names another file than the one at home."""
    elsewhere = SqliteJournal(tmp_path / "elsewhere.db")
    tales.Tale(journal=elsewhere, run="cccc0000")
    assert "cccc0000" in relight("runs", "--journal", f"sqlite://{tmp_path}/elsewhere.db").out
    assert "cccc0000" not in relight("runs").out
    elsewhere.close()
