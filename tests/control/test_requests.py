"""Asking something of a run, and being answered."""

from __future__ import annotations

import threading
import time
from types import ModuleType
from typing import Any

import pytest

from relight.control.people import person_in
from relight.control.requests import Asking, about, ask, raise_refusal
from relight.errors import Locked, NotNow, RelightError, UsageError
from relight.journal.memory import MemoryJournal
from relight.journal.port import Row


def row_of(tale: Any) -> Row:
    row: Row | None = tale.journal.row(tale.id)
    assert row is not None
    return row


def answered_by(tale: Any) -> threading.Thread:
    """Let a driver answer whatever comes, from beside."""

    def serve() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if tale.answer_inbox():
                return
            time.sleep(0.005)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_a_driver_answers(tales: ModuleType) -> None:
    """A request goes to the inbox, the driver answers it, and the asker is told."""
    tale = tales.Tale().at_gate()
    driver = answered_by(tale)
    told = ask(tale.journal, row_of(tale), Asking("pause", reason="lunch"), person="bo")
    driver.join()
    assert told.answer.ok
    assert not told.alone
    assert tale.run.paused_by == "bo"


def test_what_was_asked_reaches_the_kernel_as_it_was(tales: ModuleType) -> None:
    """Person, door, proof, ticket and reason are data, byte for byte, and nothing else is put in."""
    tale = tales.Tale().at_gate()
    with pytest.raises(Locked):
        ask(
            tale.journal,
            row_of(tale),
            Asking("approve", ticket=tale.run.ticket.id, reason="${{ inputs.x }} $(id) \x1b[31m"),
            person="ana",
            door="cli",
            proof="os",
            wait_s=0.02,
        )
    (request,) = tale.journal.pending(tale.id)
    assert request.body == {
        "verb": "approve",
        "ticket": tale.run.ticket.id,
        "reason": "${{ inputs.x }} $(id) \x1b[31m",
        "person": "ana",
        "door": "cli",
        "proof": "os",
    }


def test_a_silent_driver_is_told_of(tales: ModuleType) -> None:
    """A driver that does not answer in time is named; the request stays in the inbox."""
    tale = tales.Tale().at_gate()
    with pytest.raises(Locked, match="has not answered") as refusal:
        ask(tale.journal, row_of(tale), Asking("pause"), person="bo", wait_s=0.05)
    assert refusal.value.exit_code == 75
    assert "--take-over starts another" in refusal.value.hint
    assert len(tale.journal.pending(tale.id)) == 1


def test_what_takes_a_driver_names_the_way_to_one(tales: ModuleType) -> None:
    """Whoever asks for what a stand-in must not begin is told to resume, and that it is done first then."""
    tale = tales.Tale().at_gate()
    tale.hold.release()
    with pytest.raises(Locked, match=f"has no driver.*relight resume {tale.id}.*first") as refusal:
        ask(tale.journal, row_of(tale), Asking("pause"), person="bo", decide_alone=lambda: None)
    assert refusal.value.exit_code == 75
    assert len(tale.journal.pending(tale.id)) == 1


def test_without_a_driver_it_is_decided_here(tales: ModuleType) -> None:
    """With no driver alive the asker decides, and is told that nothing was started."""
    tale = tales.Tale().at_gate()
    tale.hold.release()
    decided: list[str] = []

    def decide_alone() -> None:
        hold = tale.journal.drive(tale.id, "me", tales.BEGAN * 2, tales.BEGAN)
        tale.hold = hold
        tale.answer_inbox()
        hold.release()
        decided.append(tale.id)

    told = ask(tale.journal, row_of(tale), Asking("pause"), person="bo", decide_alone=decide_alone)
    assert told.alone
    assert told.answer.ok
    assert decided == [tale.id]


def test_a_driver_that_comes_alive_answers_instead(tales: ModuleType) -> None:
    """Whoever loses the race for the lease waits for the winner's answer."""
    tale = tales.Tale().at_gate()
    tale.hold.release()

    def decide_alone() -> None:
        tale.hold = tale.journal.drive(tale.id, "somebody else", tales.BEGAN * 2, tales.BEGAN)
        answered_by(tale)
        raise Locked("driven by somebody else")

    told = ask(tale.journal, row_of(tale), Asking("pause"), person="bo", decide_alone=decide_alone)
    assert told.answer.ok
    assert not told.alone


def test_a_run_that_is_over_is_not_asked(tales: ModuleType) -> None:
    """Nothing can be decided of a run that has ended, and nothing is put in its inbox."""
    tale = tales.Tale().ended()
    with pytest.raises(NotNow, match="is over: it succeeded"):
        ask(tale.journal, row_of(tale), Asking("pause"), person="bo")
    assert tale.journal.pending(tale.id) == []


def test_only_verbs_of_the_table_are_asked(tales: ModuleType) -> None:
    """A word that is no verb for runs is refused before anything is written."""
    tale = tales.Tale().at_gate()
    for verb in ("explode", "status", ""):
        with pytest.raises(UsageError, match="nothing that a run can be asked"):
            ask(tale.journal, row_of(tale), Asking(verb), person="bo")
    assert tale.journal.pending(tale.id) == []


def test_a_refusal_keeps_its_exit_code(tales: ModuleType) -> None:
    """What the kernel refused reaches the asker with the code that it gave."""
    tale = tales.Tale().at_gate()
    driver = answered_by(tale)
    told = ask(tale.journal, row_of(tale), Asking("approve", ticket=tale.run.ticket.id), person="os:mallory")
    driver.join()
    assert not told.answer.ok
    with pytest.raises(RelightError, match="os:mallory may not approve here") as refusal:
        raise_refusal(told)
    assert refusal.value.exit_code == 4


def test_people_are_those_of_now(tales: ModuleType) -> None:
    """Who asks is looked up among the people that the run has now, without decoding its plan."""
    from relight.kernel.inputs import PeopleRead
    from relight.kernel.plan import Person

    tale = tales.Tale()
    known = about(tale.journal, tale.id)
    assert [person["id"] for person in known.people] == ["ana", "bo"]
    assert known.environment == "production"
    assert person_in("os", "ana", known.people) == "ana"
    tale.say(PeopleRead(at=tale.at, t=tale.t, people=(Person(id="cy", identities={"os": "ana"}),)))
    people = about(tale.journal, tale.id).people
    assert person_in("os", "ana", people) == "cy"
    assert person_in("os", "bo", people) == "os:bo"
    assert person_in("slack", "U1", people) == "slack:U1"


def test_a_journal_in_memory_is_enough(tales: ModuleType) -> None:
    """Nothing here asks for more than the journal's port."""
    assert isinstance(tales.Tale().journal, MemoryJournal)
