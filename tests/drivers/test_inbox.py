"""What people ask of a run, and how its driver answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relight.drivers.pump import Pump
from relight.kernel.facts import GateOpened, RequestRefused
from relight.kernel.plan import Approval, Gate, Stage


def gated(bench: Any, *steps: Any, **more: Any) -> Stage:
    """Return a stage that people must open."""
    gate = Gate(title="Go on?", approval=Approval(roles=("ic",), allow_self_approval=True), **more)
    return Stage(id="gated", gate=gate, steps=tuple(steps))


def test_abort_and_deny_are_decided_before_everything_else(bench: Any) -> None:
    """An abort that was asked after an approval, but before anybody looked, wins."""
    bench.begin(bench.plan(gated(bench, bench.step("one"))))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        asked = await bench.until(lambda: [f for f in bench.facts() if type(f).__name__ == "GateAsked"])
        approve = bench.ask("approve", ticket=asked[0].ticket)
        abort = bench.ask("abort")
        run = await driving
        return run, bench.answer(approve), bench.answer(abort)

    run, approved, aborted = bench.run(go())
    assert "aborted" == run.outcome
    assert aborted.ok
    assert not approved.ok
    assert [] == bench.world.calls


def test_a_denial_that_came_after_the_last_look_is_not_too_late(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was put in the inbox while the gate's opening was on its way to the disk: the gate stays shut."""
    bench.begin(bench.plan(gated(bench, bench.step("one"))))
    drafted = Pump.draft
    denials: list[str] = []

    def slow(pump: Pump, *given: Any, **more: Any) -> Any:
        draft = drafted(pump, *given, **more)
        opened = [fact for fact in draft.facts if isinstance(fact, GateOpened)]
        if opened and not denials:
            denials.append(bench.ask("deny", "bo", ticket=opened[0].ticket))
        return draft

    monkeypatch.setattr(Pump, "draft", slow)

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        asked = await bench.until(lambda: [f for f in bench.facts() if type(f).__name__ == "GateAsked"])
        approve = bench.ask("approve", ticket=asked[0].ticket)
        await bench.until(lambda: bench.answer(approve))
        bench.ask("abort")
        await driving
        return bench.answer(approve), bench.answer(denials[0])

    approved, denied = bench.run(go())
    assert (False, True) == (approved.ok, denied.ok)
    assert [] == bench.world.calls
    assert not [fact for fact in bench.facts() if isinstance(fact, GateOpened)]


def test_an_approval_opens_the_gate_and_is_answered_with_what_followed(bench: Any) -> None:
    """The asker learns in one sentence that the gate is open and what started."""
    bench.begin(bench.plan(gated(bench, bench.step("one"))))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        asked = await bench.until(lambda: [f for f in bench.facts() if type(f).__name__ == "GateAsked"])
        request = bench.ask("approve", "bo", ticket=asked[0].ticket)
        run = await driving
        return run, asked[0].ticket, bench.answer(request)

    run, ticket, answer = bench.run(go())
    assert "succeeded" == run.outcome
    assert f"approved {ticket}; the gate of gated is open; started one" == answer.text


def test_a_refused_request_is_journaled_and_answered(bench: Any) -> None:
    """Whoever asks for what is not theirs, or at the wrong moment, is told why, and the journal keeps it."""
    bench.begin(bench.plan(gated(bench, bench.step("one"))))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        asked = await bench.until(lambda: [f for f in bench.facts() if type(f).__name__ == "GateAsked"])
        stranger = bench.ask("approve", "os:mallory", ticket=asked[0].ticket)
        wrong = bench.ask("approve", ticket="gated/000")
        await bench.until(lambda: bench.answer(wrong))
        bench.ask("abort")
        await driving
        return bench.answer(stranger), bench.answer(wrong)

    stranger, wrong = bench.run(go())
    assert (False, 4) == (stranger.ok, stranger.code)
    assert (False, 4) == (wrong.ok, wrong.code)
    assert "no ticket gated/000" in wrong.text
    refused = [fact for fact in bench.facts() if isinstance(fact, RequestRefused)]
    assert [False, True] == [fact.permitted for fact in refused]


@pytest.mark.parametrize(
    "body",
    [
        {"person": "ana", "door": "cli"},
        {"person": "ana", "door": "cli", "verb": ""},
        {"person": "ana", "door": "cli", "verb": "note", "at": "5"},
        {"person": "ana", "door": "cli", "verb": "note", "value": 5},
        {"person": "ana", "door": "cli", "verb": "note", "value": "x" * 5_000},
        {"person": ["ana"], "door": "cli", "verb": {"a": 1}},
        {},
    ],
)
def test_a_request_that_no_door_writes_is_refused_and_harms_nobody(bench: Any, body: dict[str, Any]) -> None:
    """Rubbish in the inbox is answered like any other request, and the run goes on."""
    from relight.journal.port import Request

    bench.begin(bench.plan(gated(bench, bench.step("one"))))
    bench.journal.ask(Request(id="bad", run="r1", at=1, body=body))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        answer = await bench.until(lambda: bench.answer("bad"))
        bench.ask("abort")
        await driving
        return answer

    answer = bench.run(go())
    assert (False, 2) == (answer.ok, answer.code)


def test_a_flood_of_notes_does_not_hold_up_an_abort(bench: Any) -> None:
    """A thousand waiting notes are answered, all of them, and an abort among them at once."""
    bench.begin(bench.plan(gated(bench, bench.step("one"))))
    for _ in range(900):
        bench.ask("note", value="hello")
    abort = bench.ask("abort")

    async def go() -> Any:
        return await bench.driver().drive()

    run = bench.run(go())
    assert "aborted" == run.outcome
    assert bench.answer(abort).ok


def test_requests_beyond_one_turn_are_answered_in_the_next(bench: Any) -> None:
    """No request is forgotten because many came at once."""
    bench.begin(bench.plan(gated(bench, bench.step("one"))))
    notes = [bench.ask("note", value=str(number)) for number in range(350)]

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: all(bench.answer(note) for note in notes))
        bench.ask("abort")
        await driving

    bench.run(go())
    said = [fact.text for fact in bench.facts() if type(fact).__name__ == "Noted"]
    assert [str(number) for number in range(350)] == said
