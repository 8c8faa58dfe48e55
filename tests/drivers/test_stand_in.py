"""Deciding for a run that nobody drives."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relight.drivers.live.parts import ReadPeople
from relight.drivers.live.stand_in import decide_without_driver
from relight.errors import Locked, NotNow
from relight.kernel.plan import Approval, Gate, Stage, Undo
from relight.testing.outcomes import Hang


def stand_in(bench: Any, read_people: ReadPeople | None = None) -> Any:
    from relight.journal.memory import MemoryJournal

    return decide_without_driver(MemoryJournal(bench.store), "r1", bench.expression, bench.clock, read_people)


def at_gate(bench: Any, **more: Any) -> str:
    """Leave a run without a driver at its gate, and return the ticket."""
    gate = Gate(title="?", approval=Approval(roles=("ic",), allow_self_approval=True))
    bench.begin(bench.plan([bench.step("one")], Stage(id="s1", gate=gate, steps=(bench.step("two"),)), **more))

    async def go() -> None:
        driver = bench.driver()
        driving = asyncio.ensure_future(driver.drive())
        await bench.until(lambda: "gate_asked" in bench.kinds())
        driver.stop()
        await driving

    bench.run(go())
    return next(fact.ticket for fact in bench.facts() if type(fact).__name__ == "GateAsked")


def test_a_vote_is_recorded_and_nothing_starts(bench: Any) -> None:
    """The approval is on disk and answered; the gate opens when a driver is there to act on it."""
    ticket = at_gate(bench)
    request = bench.ask("approve", ticket=ticket)
    decided = stand_in(bench)
    assert [True] == [answer.ok for answer in decided.answers]
    assert f"approved {ticket}" == bench.answer(request).text
    assert "vote_cast" == bench.kinds()[-1]
    assert not bench.journal.lease("r1").alive
    run = bench.run(bench.driver().drive())
    assert "succeeded" == run.outcome
    assert ["one", "two"] == [call.args["name"] for call in bench.world.called("do")]


def test_who_was_removed_since_decides_nothing(bench: Any) -> None:
    """Without a driver, too, authority is checked against the site's people as they are by now."""
    ticket = at_gate(bench)
    request = bench.ask("approve", ticket=ticket)
    assert [False] == [answer.ok for answer in stand_in(bench, lambda plan: ((), None)).answers]
    assert "may not approve" in bench.answer(request).text
    assert "vote_cast" not in bench.kinds()


def test_people_who_are_no_others_are_not_written_down_again(bench: Any) -> None:
    """Only news leave a fact; a document that cannot be read says nothing."""
    ticket = at_gate(bench)
    bench.ask("approve", ticket=ticket)
    assert [True] == [answer.ok for answer in stand_in(bench, lambda plan: (plan.people, plan.solo)).answers]
    bench.ask("pause")
    assert [True] == [answer.ok for answer in stand_in(bench, lambda plan: None).answers]
    assert "people_turned" not in bench.kinds()


def test_an_abort_ends_the_run_where_nothing_is_to_be_undone(bench: Any) -> None:
    """Without a driver an abort is as good as with one."""
    at_gate(bench)
    request = bench.ask("abort", reason="enough")
    decided = stand_in(bench)
    assert "aborted" == decided.run.outcome
    assert bench.answer(request).ok
    assert bench.journal.row("r1").ended_at is not None


def test_an_abort_that_undoes_waits_for_a_driver_to_do_it(bench: Any) -> None:
    """The abort stands; undoing is doing, so a driver has to come for it."""
    bench.world.things["one"] = "old"
    step = bench.step(
        "one",
        args={"name": "one", "value": "new"},
        use={"reads_value": True, "lasting": True, "key_args": ("name",), "idempotent": True},
        undo=Undo(kind="previous"),
    )
    gate = Gate(title="?", approval=Approval(roles=("ic",)))
    bench.begin(bench.plan([step], Stage(id="s1", gate=gate), on_abort="undo"))

    async def go() -> None:
        driver = bench.driver()
        driving = asyncio.ensure_future(driver.drive())
        await bench.until(lambda: "gate_asked" in bench.kinds())
        driver.stop()
        await driving

    bench.run(go())
    request = bench.ask("abort")
    decided = stand_in(bench)
    assert bench.answer(request).ok
    assert decided.run.outcome is None
    assert "new" == bench.world.things["one"]
    assert "aborted" == bench.run(bench.driver().drive()).outcome
    assert "old" == bench.world.things["one"]


def test_what_a_dead_driver_had_under_way_is_unknown(bench: Any) -> None:
    """A stand-in knows no more than any driver that takes over."""
    bench.world.script("destroy", Hang())
    bench.begin(bench.plan([bench.step("one", "destroy")]))

    async def go() -> None:
        driver = bench.driver()
        driving = asyncio.ensure_future(driver.drive())
        await bench.until(lambda: bench.world.calls)
        driver.stop()
        await driving

    bench.run(go())
    bench.ask("note", value="what happened?")
    stand_in(bench)
    assert ["driver_took_over", "step_lost", "held", "noted"] == bench.kinds()[-4:]
    assert 1 == len(bench.world.calls)


def test_an_illegal_request_is_refused_like_everywhere(bench: Any) -> None:
    """The same words and the same code as from a driver."""
    at_gate(bench)
    request = bench.ask("approve", "os:mallory", ticket="s1/none")
    stand_in(bench)
    answer = bench.answer(request)
    assert (False, 4) == (answer.ok, answer.code)
    assert "request_refused" == bench.kinds()[-1]


def test_nothing_asked_is_nothing_written(bench: Any) -> None:
    """An empty inbox costs the run no new epoch in its records."""
    at_gate(bench)
    before = bench.kinds()
    assert () == stand_in(bench).answers
    assert before == bench.kinds()


def test_a_driver_that_is_there_decides_itself(bench: Any) -> None:
    """A stand-in never takes a run from a driver that lives, nor one that is over."""
    gate = Gate(title="?", approval=Approval(roles=("ic",)))
    bench.begin(bench.plan(Stage(id="s0", gate=gate)))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "gate_asked" in bench.kinds())
        with pytest.raises(Locked):
            stand_in(bench)
        bench.ask("abort")
        await driving
        with pytest.raises(NotNow):
            stand_in(bench)

    bench.run(go())
