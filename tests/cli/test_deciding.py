"""The commands that ask something of a run."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from relight.control import people
from relight.journal.sqlite import SqliteJournal

Relight = Callable[..., Any]


@pytest.fixture
def ana(monkeypatch: pytest.MonkeyPatch) -> None:
    """The OS user is somebody whom the site knows."""
    for module in ("relight.control.people", "relight.control.identities", "relight.cli.following"):
        monkeypatch.setattr(f"{module}.os_name", lambda: "ana")


@pytest.fixture
def tale(tales: ModuleType, journal: SqliteJournal, ana: None) -> Iterator[Any]:
    """A run at its gate with a driver that answers from beside."""
    told = tales.Tale(journal=journal).at_gate()
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            told.answer_inbox()
            time.sleep(0.005)

    thread = threading.Thread(target=serve)
    thread.start()
    yield told
    over.set()
    thread.join()


def test_an_approval_opens_the_gate(relight: Relight, tale: Any) -> None:
    """The ticket is approved as the person whom the OS user is, and the answer says where."""
    said = relight("approve", "7f3", tale.run.ticket.id, "--reason", "looked at the graph")
    assert said.code == 0
    assert said.out.startswith("PROD-EU [production]  brownout-recovery 7f3k9x2m, as ana: ")
    assert tale.run.ticket.status == "open"
    assert tale.run.ticket.votes[0].reason == "looked at the graph"


def test_the_answer_as_json(relight: Relight, tale: Any) -> None:
    """A program gets the driver's answer."""
    document = json.loads(relight("pause", "7f3", "-o", "json").out)
    assert document["schema"] == "relight.answer/v1"
    assert (document["ok"], document["person"], document["decided_without_driver"]) == (True, "ana", False)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("approve", "7f3", "roll-back/zzz"), 4, "there is no ticket roll-back/zzz"),
        (("approve", "7f3", "{ticket}", "--scope", "0000"), 4, "has changed since you looked"),
        (("retry", "7f3"), 4, "nothing holds, so there is nothing to try"),
        (("retry", "7f3", "nothing"), 4, "nothing holds of"),
        (("skip", "7f3", "roll-back"), 4, "needs a reason"),
        (("skip", "7f3", "contain", "--reason", "x"), 4, "contain is not the stage that waits"),
        (("mark", "7f3", "throttle", "done"), 4, "throttle is succeeded"),
        (("mark", "7f3", "nothing", "done"), 4, "there is no step 'nothing'"),
        (("ramp", "7f3", "floor"), 4, "no ramp is under way"),
        (("ramp", "floor", "7f3"), 4, "no ramp is under way"),
        (("resume", "7f3"), 4, "is not paused"),
        (("undo", "7f3"), 2, "say what to undo"),
        (("undo", "7f3", "nothing", "--yes"), 2, "there is no step 'nothing'"),
        (("undo", "7f3", "--to", "nowhere", "--yes"), 2, "there is no stage 'nowhere'"),
        (("undo", "7f3", "undeploy", "--yes"), 4, "nothing of undeploy is in force"),
        (("undo", "7f3", "throttle", "--yes"), 4, "throttle protects the service"),
        (("undo", "7f3", "freeze"), 2, "there is no terminal to ask on"),
        (("pause", "8"), 2, "no run starts with '8'"),
    ],
)
def test_what_does_not_fit_is_refused(
    relight: Relight, tale: Any, words: tuple[str, ...], code: int, said: str
) -> None:
    """Wrong ids, wrong moments and missing reasons: refused with a sentence, and nothing goes forward."""
    position = tale.run.cursor
    told = relight(*(word.replace("{ticket}", tale.run.ticket.id) for word in words))
    assert (told.code, said in told.err) == (code, True), told.err
    assert tale.run.cursor == position
    assert "Traceback" not in told.err


def test_an_outsider_may_stop_and_not_open(relight: Relight, tale: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody whom the site does not know may pause, and may not approve; the refusal says whom to ask."""
    monkeypatch.setattr("relight.control.identities.os_name", lambda: "mallory")
    said = relight("approve", "7f3", tale.run.ticket.id)
    assert said.code == 4
    assert "os:mallory may not approve here" in said.err
    assert relight("pause", "7f3", "--reason", "something smells").code == 0
    assert tale.run.paused_by == "os:mallory"


def test_an_undo_is_shown_first(relight: Relight, tale: Any) -> None:
    """What would be undone, in its order and with what, before anything is asked of the run."""
    said = relight("undo", "7f3", "--to", "contain", "--yes")
    assert said.code == 0
    assert "This undoes, on prod-eu, in this order:" in said.err
    assert "deploy.unfreeze service=all" in said.err
    assert "admission.throttle" not in said.err
    assert tale.run.undo is not None


def test_a_note_is_data(relight: Relight, tale: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is written down is kept as it is and shown without its control characters."""
    import io

    assert relight("note", "7f3", "${{ inputs.x }} `id` \x1b[2J").code == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe\n"))
    assert relight("note", "7f3", "-").code == 0
    lines = relight("log").out.splitlines()
    assert lines[-2].endswith("ana notes: ${{ inputs.x }} `id`")
    assert lines[-1].endswith("ana notes: from a pipe")


def test_without_a_driver_it_is_decided_here(
    relight: Relight, tales: ModuleType, journal: SqliteJournal, ana: None
) -> None:
    """The lease is taken for a moment, nothing is started, and the person is told how to carry on."""
    tale = tales.Tale(journal=journal).at_gate()
    tale.hold.release()
    said = relight("deny", "7f3", tale.run.ticket.id, "--reason", "not yet")
    assert said.code == 0, said.err
    assert "nothing was started" in said.err
    assert "relight resume" in said.err
    status = relight("status", "-o", "json")
    assert status.code == 6
    assert json.loads(status.out)["waiting_on"]["code"] == "gate-denied"


def test_a_run_that_is_over_is_left_alone(
    relight: Relight, tales: ModuleType, journal: SqliteJournal, ana: None
) -> None:
    """Nothing can be asked of a run that has ended, by any verb."""
    tales.Tale(journal=journal).ended()
    for words in (("approve", "7f3", "x/y"), ("abort", "7f3"), ("resume", "7f3"), ("mark", "7f3", "freeze", "done")):
        said = relight(*words)
        assert said.code == 4
        assert "is over" in said.err


def test_the_identity_is_the_system_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment claims is not asked."""
    monkeypatch.setenv("USER", "ana")
    monkeypatch.setenv("LOGNAME", "ana")
    import os
    import pwd

    assert people.os_name() == pwd.getpwuid(os.geteuid()).pw_name
