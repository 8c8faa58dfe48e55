"""The driver of one run, on a virtual clock."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from relight.kernel.facts import EffectInForce, RequestRefused, StepDispatched, StepFailed, StepLost, StepSucceeded
from relight.kernel.plan import Approval, Gate, Retry, Settle, Stage, Targets, Undo
from relight.testing.outcomes import Answer, Break, Fail, Hang, Lose, Succeed


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


def test_wrong_arguments_fail_for_good_and_name_the_argument(bench: Any) -> None:
    """Arguments that the contract does not take are never sent, and the value is not repeated: it may be a secret."""
    bench.begin(bench.plan([bench.step("one", args={"nmae": "hunter2"}, retry=Retry(max_attempts=3))]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "held" in bench.kinds())
        bench.ask("abort")
        await driving

    bench.run(go())
    assert [] == bench.world.called("do")
    failed = only(bench.facts(), StepFailed)
    assert "nmae" in failed.error
    assert "hunter2" not in failed.error
    assert failed.final


@pytest.mark.parametrize(
    ("action", "outcome", "expected"),
    [
        ("do", Break(), StepLost),
        ("do", Break(error=SystemExit(3)), StepLost),
        ("do", Break(error=asyncio.CancelledError()), StepLost),
        ("do", Answer(result=["not", "a", "result"]), StepLost),
        ("do", Answer(result=object()), StepLost),
        ("do", Lose(), StepLost),
        ("look", Break(), StepFailed),
        ("look", Answer(result=3), StepFailed),
        ("look", Lose(), StepFailed),
    ],
)
def test_what_a_plugin_may_not_do_is_unknown_for_a_write_and_failed_for_a_read(
    bench: Any, action: str, outcome: Any, expected: type
) -> None:
    """An end without a word of the plugin's says nothing about the world."""
    bench.world.script(action, outcome)
    bench.begin(bench.plan([bench.step("one", action)]))

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "held" in bench.kinds())
        bench.ask("abort")
        return await driving

    run = bench.run(go())
    assert "aborted" == run.outcome
    assert isinstance(only(bench.facts(), expected), expected)


def test_an_unknown_outcome_is_settled_by_its_probe(bench: Any) -> None:
    """What happened although nobody heard of it is found out by reading, and not done again."""
    bench.world.script("destroy", Lose(happened=True))
    bench.world.things["one"] = 1
    settle = Settle(
        use=bench.use("look", args={"name": "one"}, effect="read"), done_when=bench.expression("value['value'] is None")
    )
    run = bench.drive(bench.plan([bench.step("one", "destroy", settle=settle)]))
    assert "succeeded" == run.outcome
    assert 1 == len(bench.world.called("destroy"))


def test_a_timeout_stops_the_action(bench: Any) -> None:
    """A step that takes longer than it may is stopped; what became of it is not known."""
    bench.world.script("do", Hang())
    bench.begin(bench.plan([bench.step("one", timeout_ms=5_000)]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "held" in bench.kinds())
        bench.ask("abort")
        await driving

    bench.run(go())
    lost = only(bench.facts(), StepLost)
    assert 5_000 <= lost.t < 6_000
    assert "timeout" in lost.why


def test_an_action_that_ignores_being_stopped_is_given_up(bench: Any) -> None:
    """After its grace period it is reported as unknown, and the driver goes on without it."""
    bench.world.script("do", Hang(stubborn_s=3_600))
    bench.begin(bench.plan([bench.step("one", timeout_ms=5_000)]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "step_lost" in bench.kinds())
        bench.ask("abort")
        await driving

    bench.run(go())
    lost = only(bench.facts(), StepLost)
    assert 15_000 <= lost.t <= 17_100
    assert "given up" in lost.why


def test_a_late_report_settles_what_was_given_up(bench: Any) -> None:
    """An action that was slow to stop but did happen is heard of after all."""
    bench.world.script("do", Hang(happened=True, stubborn_s=30))
    bench.world.usual["do"] = Succeed()
    bench.begin(bench.plan([bench.step("one", timeout_ms=5_000)]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "step_lost" in bench.kinds())
        await asyncio.sleep(60)
        bench.ask("abort")
        await driving

    bench.run(go())
    # The fake lets the cancellation through at last, and that settles nothing: one report, no second one.
    assert 1 == bench.kinds().count("step_lost")


def test_an_abort_stops_what_is_under_way_and_is_acknowledged_at_once(bench: Any) -> None:
    """The answer is there within a second, nothing forward starts afterwards, and the run ends."""
    bench.world.script("do", Hang(stubborn_s=3))
    bench.begin(bench.plan([bench.step("one"), bench.step("two")]))
    took: list[float] = []

    async def go() -> Any:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: bench.world.called("do"))
        began = bench.loop.time()
        request = bench.ask("abort", reason="enough")
        answer = await bench.until(lambda: bench.answer(request))
        took.append(bench.loop.time() - began)
        assert answer.ok
        return await driving

    run = bench.run(go())
    assert "aborted" == run.outcome
    assert took[0] < 0.1
    assert ["one"] == [call.args["name"] for call in bench.world.called("do")]


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


def test_a_large_result_is_a_blob_and_the_journal_keeps_its_digest(bench: Any) -> None:
    """Beyond 16 KiB the journal has digest, size and head; the blob has the rest."""
    bench.drive(bench.plan([bench.step("one", args={"name": "one", "value": "x" * 40_000})]))
    result = only(bench.facts(), StepSucceeded).result
    assert {"$blob", "bytes", "head"} == result.keys()
    assert "x" * 40_000 == json.loads(bench.journal.blob(result["$blob"]))["value"]
    assert 40_000 < result["bytes"] < 40_100


def test_a_giant_result_is_cut(bench: Any) -> None:
    """A result of ten megabytes neither stops the run nor fills the journal."""
    bench.world.script("do", Answer(result={"value": ["y" * 1_000] * 10_000}))
    bench.drive(bench.plan([bench.step("one")]))
    result = only(bench.facts(), StepSucceeded).result
    assert 10_000_000 < result["bytes"]
    assert len(bench.journal.blob(result["$blob"])) <= 1024 * 1024


def test_a_result_that_nests_without_end_is_unknown(bench: Any) -> None:
    """What no journal can keep is no result."""
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    bench.world.script("do", Answer(result={"value": deep}))
    bench.begin(bench.plan([bench.step("one")]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "step_lost" in bench.kinds())
        bench.ask("abort")
        await driving

    bench.run(go())
    assert "nests deeper" in only(bench.facts(), StepLost).why


def test_secrets_and_control_characters_stay_out(bench: Any, canary: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plugin says is stored without revealed secrets and without anything a terminal would obey."""
    from relight.sdk import Secret

    def leak(_world: Any, _args: Any, call: Any) -> Any:
        value = call.secrets.reveal(Secret("env:RELIGHT_TEST_CANARY"))
        raise RuntimeError(f"\x1b[31mlogin {value} refused\x07\u202e")

    bench.world.script("do", Succeed())
    monkeypatch.setattr("relight.testing.fakes._do", leak)
    from relight.sdk.registry import Registry
    from relight.testing import fakes

    monkeypatch.setattr(fakes, "_OWN", ((fakes.DO, leak, None), *fakes._OWN[1:]))
    bench.registry = Registry({"fake": fakes.fake_plugin(bench.world)})
    bench.begin(bench.plan([bench.step("one")]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "step_lost" in bench.kinds())
        bench.ask("abort")
        await driving

    bench.run(go())
    why = only(bench.facts(), StepLost).why
    assert canary not in why
    assert "login [secret] refused" in why
    assert not {"\x1b", "\x07", "\u202e"} & set(why)


def test_a_fan_out_reports_each_host(bench: Any) -> None:
    """One call a host, so many at once, with a key of its own; each failure is known by its host."""
    hosts = tuple(f"h{number}" for number in range(30))
    peak, now = [0], [0]

    class Counted:
        async def play(self, effect: Any) -> Any:
            now[0] += 1
            peak[0] = max(peak[0], now[0])
            await asyncio.sleep(1)
            now[0] -= 1
            return effect()

    bench.world.usual["do"] = Counted()
    targets = Targets(group="all", hosts=hosts, batches=(10, 20), max_concurrency=4, max_failures=5)
    run = bench.drive(bench.plan([bench.step("one", targets=targets)]))
    assert "succeeded" == run.outcome
    assert 4 == peak[0]
    calls = bench.world.called("do")
    assert list(hosts) == [call.targets[0] for call in calls]
    assert 30 == len({call.key for call in calls})


def test_a_batch_action_is_called_once_a_slice(bench: Any) -> None:
    """An action that takes many targets gets them in one call and says which failed."""
    hosts = tuple(f"h{number}" for number in range(6))
    bench.world.refusing["h3"] = "it is down"
    targets = Targets(group="all", hosts=hosts, batches=(6,), max_failures=2)
    run = bench.drive(bench.plan([bench.step("one", "sweep", targets=targets)]))
    assert "succeeded" == run.outcome
    assert 1 == len(bench.world.called("sweep"))
    result = run.steps["one"].result or only(bench.facts(), StepSucceeded).result
    assert {"done": 5, "failed": {"h3": "it is down"}, "total": 6} == result


def test_a_stopped_fan_out_tells_done_lost_and_not_begun_apart(bench: Any) -> None:
    """Hosts that were not reached have certainly not been touched; those under way may have been."""
    hosts = ("a", "b", "c", "d")
    bench.world.script("do", Succeed(), Hang())
    targets = Targets(group="all", hosts=hosts, batches=(4,), max_concurrency=1)
    bench.begin(bench.plan([bench.step("one", targets=targets, timeout_ms=5_000)]))

    async def go() -> None:
        driving = asyncio.ensure_future(bench.driver().drive())
        await bench.until(lambda: "targets_reported" in bench.kinds())
        bench.ask("abort")
        await driving

    bench.run(go())
    (reported,) = [fact for fact in bench.facts() if type(fact).__name__ == "TargetsReported"]
    assert (0,) == reported.done
    assert (1,) == reported.unknown
    assert ["2", "3"] == sorted(reported.failed)


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
