"""The driver of one run, on a virtual clock."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relight.drivers.live import people as people_module
from relight.kernel.facts import EffectInForce, GateAsked, StepDispatched, StepFailed
from relight.kernel.plan import Approval, Gate, Retry, Stage, Undo
from relight.testing.outcomes import Fail, Hang


def only(facts: list[Any], kind: type) -> Any:
    """Return the one fact of that kind."""
    (found,) = [fact for fact in facts if isinstance(fact, kind)]
    return found


def gated(bench: Any, *steps: Any, **more: Any) -> Stage:
    """Return a stage that people must open."""
    gate = Gate(title="Go on?", approval=Approval(roles=("ic",), allow_self_approval=True), **more)
    return Stage(id="gated", gate=gate, steps=tuple(steps))


def test_a_run_is_driven_to_its_end(bench: Any) -> None:
    """Every step is dispatched once, and at the end the run is over and nobody's any more."""
    run = bench.drive(bench.plan([bench.step("one"), bench.step("two"), bench.step("three")]))
    assert "succeeded" == run.outcome
    assert ["one", "two", "three"] == [call.args["name"] for call in bench.world.called("do")]
    assert "succeeded" == bench.journal.row("r1").state
    assert bench.journal.row("r1").ended_at is not None
    assert not bench.journal.lease("r1").alive


def test_an_outcome_and_the_next_dispatch_are_one_transaction(bench: Any) -> None:
    """Between two steps that follow each other there is one commit."""
    commits: list[list[str]] = []
    original = bench.store.runs

    def listener(_run: Any, facts: Any) -> None:
        commits.append([type(fact).__name__ for fact in facts])

    bench.drive(bench.plan([bench.step("one"), bench.step("two")]), listeners=[listener])
    assert original
    assert ["StepSucceeded", "StepDispatched"] == commits[1]


def test_nothing_starts_before_its_dispatch_is_on_disk(bench: Any) -> None:
    """Whatever an action is called with is in the journal by then."""
    seen: list[list[str]] = []

    class Seen:
        async def play(self, effect: Any) -> Any:
            seen.append(bench.kinds())
            return effect()

    bench.world.usual["do"] = Seen()
    bench.drive(bench.plan([bench.step("one"), bench.step("two")]))
    assert ["step_dispatched", "step_dispatched"] == [kinds[-1] for kinds in seen]


def test_a_failed_step_is_tried_again_with_the_same_key(bench: Any) -> None:
    """A failure that trying again can help is tried again, and its key tells the other side that it is the same."""
    bench.world.script("do", Fail(retry_after_s=7), Fail())
    run = bench.drive(bench.plan([bench.step("one", retry=Retry(max_attempts=3))]))
    assert "succeeded" == run.outcome
    assert 1 == len({call.key for call in bench.world.called("do")})
    failed, _again, dispatched = [
        fact for fact in bench.facts() if isinstance(fact, StepFailed | StepDispatched) and fact.t
    ][-3:]
    assert isinstance(failed, StepFailed | StepDispatched)
    assert isinstance(dispatched, StepDispatched)
    times = [fact.t for fact in bench.facts() if isinstance(fact, StepDispatched)]
    assert 7_000 <= times[1] - times[0] < 7_100


def test_the_value_before_is_read_and_undo_brings_it_back(bench: Any) -> None:
    """What an action changes is read before, and an abort that undoes puts it back."""
    bench.world.things["one"] = "old"
    step = bench.step(
        "one",
        args={"name": "one", "value": "new"},
        use={"reads_value": True, "lasting": True, "key_args": ("name",), "idempotent": True},
        undo=Undo(kind="previous"),
    )
    bench.begin(bench.plan([step], gated(bench, bench.step("two")), on_abort="undo"))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "gate_asked" in bench.kinds())
        assert "new" == bench.world.things["one"]
        bench.ask("abort")
        return await driving

    run = bench.run(go())
    assert {"name": "one", "value": "old"} == only(bench.facts(), EffectInForce).before
    assert "old" == bench.world.things["one"]
    assert () == run.left


def test_two_runs_share_a_clerk_and_their_commits(bench: Any) -> None:
    """Runs in one process are driven side by side, and what they append at the same time is one transaction."""
    from relight.drivers.live.clerk import Clerk
    from relight.drivers.live.driver import Driver
    from relight.drivers.live.inbox import Inboxes
    from relight.drivers.live.parts import Parts
    from relight.journal.memory import MemoryJournal

    plan = bench.plan([bench.step(f"step{number}") for number in range(5)])
    for name in ("r1", "r2", "r3"):
        bench.run_id = name
        bench.begin(plan)
    journal = MemoryJournal(bench.store)
    sizes: list[int] = []
    append = journal.append

    def counted(batches: Any) -> Any:
        sizes.append(len(batches))
        return append(batches)

    journal.append = counted  # type: ignore[method-assign]
    parts = Parts(registry=bench.registry, compile_expression=bench.expression, clock=bench.clock)
    clerk, inboxes = Clerk(journal), Inboxes(journal)

    async def go() -> Any:
        drivers = [Driver(name, clerk, inboxes, parts) for name in ("r1", "r2", "r3")]
        return await asyncio.gather(*(driver.drive() for driver in drivers))

    runs = bench.run(go())
    assert ["succeeded"] * 3 == [run.outcome for run in runs]
    assert max(sizes) > 1


def test_a_listener_that_breaks_does_not_break_the_run(bench: Any) -> None:
    """A view is never the driver."""

    def broken(_run: Any, _facts: Any) -> None:
        raise ValueError("no terminal")

    assert "succeeded" == bench.drive(bench.plan([bench.step("one")]), listeners=[broken]).outcome


def test_its_end_is_told_once_it_is_on_disk(bench: Any) -> None:
    """Whoever keeps something of it for later readers finds it ended; one that breaks changes nothing of how it did."""
    told: list[tuple[str, int | None]] = []

    def ended(journal: Any, run: str) -> None:
        told.append((run, journal.row(run).ended_at))
        raise ValueError("the shelf is full")

    assert "succeeded" == bench.drive(bench.plan([bench.step("one")]), parts={"ended": ended}).outcome
    assert [(bench.run_id, bench.journal.row(bench.run_id).ended_at)] == told
    assert told[0][1] is not None


def test_a_run_that_is_left_is_not_told_to_have_ended(bench: Any) -> None:
    """A driver that is stopped leaves it to the next one."""
    told: list[str] = []
    bench.world.script("do", Hang())
    bench.begin(bench.plan([bench.step("one")]))

    async def go() -> Any:
        driver = bench.driver(parts={"ended": lambda _journal, run: told.append(run)})
        driving = asyncio.ensure_future(driver.drive())
        await bench.until(lambda: bench.world.called("do"))
        driver.stop()
        return await driving

    assert bench.run(go()).outcome is None
    assert [] == told


def test_stopping_leaves_the_run_to_the_next_driver(bench: Any) -> None:
    """A driver that is told to stop ends its children and lets go; the next one goes on where it was."""
    bench.world.script("do", Hang())
    bench.begin(bench.plan([bench.step("one", use={"idempotent": True}), bench.step("two")]))

    async def go() -> Any:
        first = bench.driver()
        driving = asyncio.ensure_future(first.drive())
        await bench.until(lambda: bench.world.called("do"))
        first.stop()
        left = await driving
        assert left.outcome is None
        return await bench.driver().drive()

    run = bench.run(go())
    assert "succeeded" == run.outcome
    assert 2 == run.epoch
    assert ["one", "one", "two"] == [call.args["name"] for call in bench.world.called("do")]


def test_a_destructive_step_is_never_done_twice_on_a_guess(bench: Any) -> None:
    """What was under way when a driver went holds for a person, unless its action is declared idempotent."""
    bench.world.script("destroy", Hang(happened=True))
    bench.begin(bench.plan([bench.step("one", "destroy")]))

    async def go() -> Any:
        first = bench.driver()
        driving = asyncio.ensure_future(first.drive())
        await bench.until(lambda: bench.world.called("destroy"))
        first.stop()
        await driving
        second = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "held" in bench.kinds())
        request = bench.ask("mark", subject="one", value="done")
        await bench.until(lambda: bench.answer(request))
        return await second

    run = bench.run(go())
    assert "succeeded" == run.outcome
    assert 1 == len(bench.world.called("destroy"))


def test_people_are_read_again(bench: Any) -> None:
    """Somebody who lost their role in the site's document does not count any more, without a restart."""
    from dataclasses import replace

    people = [None, ()]
    plan = bench.plan(gated(bench, bench.step("one")))
    bench.begin(plan)

    def read(_plan: Any) -> Any:
        found = people.pop(0) if people else ()
        return None if found is None else (tuple(replace(p, roles=found) for p in plan.people), None)

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver(parts={"read_people": read}).drive())
        await bench.until(lambda: "people_turned" in bench.kinds(), within_s=1e9)
        bench.ask("abort")
        return await driving

    run = bench.run(go())
    assert [(), ()] == [person.roles for person in run.people]


def test_who_was_removed_a_moment_ago_opens_nothing(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vote that stood when it was cast is not used after its person left the site, however short ago that was."""

    async def at_once(read: Any, plan: Any) -> Any:
        return read(plan)  # a thread would have nothing to wait for on a clock that jumps

    monkeypatch.setattr(people_module, "_in_a_thread", at_once)
    gate = Gate(title="Go on?", approval=Approval(roles=("ic",), min_approvals=2, allow_self_approval=True))
    plan = bench.plan(Stage(id="gated", gate=gate, steps=(bench.step("one"),)))
    bench.begin(plan)
    people = list(plan.people)

    async def go() -> Any:
        driver = bench.driver(parts={"read_people": lambda _plan: (tuple(people), None)})
        driving = asyncio.ensure_future(driver.drive())
        asked = await bench.until(lambda: [f for f in bench.facts() if isinstance(f, GateAsked)])
        first = bench.ask("approve", "bo", ticket=asked[0].ticket)
        await bench.until(lambda: bench.answer(first))
        people[:] = [person for person in people if person.id != "bo"]
        second, late = bench.ask("approve", ticket=asked[0].ticket), bench.ask("deny", "bo", ticket=asked[0].ticket)
        await bench.until(lambda: bench.answer(second) and bench.answer(late))
        bench.ask("abort")
        await driving
        return [bench.answer(each).ok for each in (first, second, late)]

    assert [True, True, False] == bench.run(go())
    assert "gate_opened" not in bench.kinds()
    assert [] == bench.world.calls


def test_a_disk_that_hangs_keeps_nobody_from_stopping_a_run(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The people cannot be read: the abort is decided all the same, by what is known of them."""
    reads: list[Any] = []

    async def never(_read: Any, _plan: Any) -> Any:
        reads.append(_plan)
        await asyncio.Event().wait()

    monkeypatch.setattr(people_module, "_in_a_thread", never)
    bench.begin(bench.plan(gated(bench, bench.step("one"))))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver(parts={"read_people": lambda _plan: None}).drive())
        await bench.until(lambda: "gate_asked" in bench.kinds())
        note, abort = bench.ask("note", value="the disk hangs"), bench.ask("abort")
        run = await driving
        return run.outcome, bench.answer(note).ok, bench.answer(abort).ok

    assert "aborted" == bench.run(go())[0]
    assert 1 == len(reads), "one reading at a time, however often people ask"


def test_an_escalation_tells_people_through_the_site(bench: Any) -> None:
    """When a gate waits too long, the next person is told through a provider that can; failing to is only logged."""
    from relight.kernel.plan import Escalation

    plan = bench.plan(
        gated(bench, bench.step("one"), escalate=(Escalation(after_ms=60_000, notify="duty-manager"),)),
        providers={"fake": {"use": "fake"}},
    )
    bench.begin(plan)

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: bench.world.told)
        bench.ask("abort")
        await driving

    bench.run(go())
    ((to, message),) = bench.world.told
    assert "duty-manager" == to
    assert "Go on?" in message
    assert "relight approve r1 gated/" in message


def test_an_escalation_goes_the_way_the_site_binds(bench: Any) -> None:
    """The binding's provider and arguments count; who takes over tells once more, for nobody knows whether it was."""
    from relight.kernel.plan import Escalation, Use

    bound = Use(capability="notify", provider="fake", action="notify", args={"to": "lost on the way"})
    plan = bench.plan(
        gated(bench, bench.step("one"), escalate=(Escalation(after_ms=10_000, notify="boss", use=bound),)),
        providers={"fake": {"use": "fake"}},
    )
    bench.begin(plan)

    async def go() -> None:
        first = bench.driver()
        driving = asyncio.ensure_future(first.drive())
        await bench.until(lambda: bench.world.told)
        first.stop()
        await driving
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: len(bench.world.told) == 2)
        bench.ask("abort")
        await driving

    bench.run(go())
    assert ["boss", "boss"] == [to for to, _ in bench.world.told]
