"""What the time of a run went into."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from relight.control.history import Following
from relight.control.times import Spent, Times, Wait, stage_figures, times_of, took_words
from relight.kernel.inputs import TookOver
from relight.kernel.plan import Stage, Step
from relight.kernel.watching import passes


def account(tale: Any) -> Times:
    """Return the account of a told run."""
    times = Times()
    for event in Following(tale.journal, tale.id).news():
        times.take(event.fact, event.run)
    return times


def test_all_of_the_time_is_somebodys(tales: ModuleType) -> None:
    """Stages follow one another and their times add up to the run's."""
    tale = tales.Tale().ended()
    times = account(tale)
    assert list(times.stages) == ["contain", "roll-back", "reopen", "close"]
    assert times.stages["contain"].spent == Spent(machine=22_000)
    assert times.spent.all == tale.t == sum(stint.spent.all for stint in times.stages.values())
    assert {"succeeded"} == {stint.outcome for stint in times.stages.values()}
    assert times.steps["undeploy"].spent == Spent(machine=30_000)


def test_facts_alone_give_the_same_account(tales: ModuleType) -> None:
    """Whoever has facts and no states, such as a rehearsal, is told the same."""
    tale = tales.Tale().ended()
    facts = [event.fact for event in Following(tale.journal, tale.id).news()]
    assert times_of(facts).stages == account(tale).stages


def test_a_gate_is_the_peoples_only_when_nothing_but_they_is_missing(tales: ModuleType) -> None:
    """While a required check does not pass nobody could have opened it: that time is the machine's."""
    tale = tales.Tale().later(1).done().later(1).done().later(20)
    for name in ("edge_errors",):
        tale.turns(name, "pass", 0.001)
    assert tale.run.ticket is not None
    assert not passes(tale.run, f"gate:{tale.run.ticket.id}:edge_errors")
    tale.later(40).turns("edge_errors", "pass", 0.008)
    tale.later(60).asks("ana", "approve", ticket=tale.run.ticket.id)
    stint = account(tale).stages["roll-back"]
    assert (40_000, 60_000) == (stint.spent.machine, stint.spent.people)
    assert [Wait(62_000, 122_000, "gate")] == stint.waits


def test_a_pause_and_a_hold_are_the_peoples(tales: ModuleType) -> None:
    """Each is a wait with its name; a step under way meanwhile shares it."""
    tale = tales.Tale().later(1).fails("refused")
    tale.later(30).asks("ana", "retry", subject="throttle")
    tale.later(1).done().later(1).asks("ana", "pause").later(10).asks("ana", "resume")
    times = account(tale)
    assert ["hold", "pause"] == [wait.why for wait in times.stages["contain"].waits]
    assert 40_000 == times.spent.people
    assert 30_000 == times.steps["throttle"].spent.people


def test_a_task_by_hand_is_the_peoples(tales: ModuleType) -> None:
    """From asking to marking; its step says that it was by hand."""
    tale = tales.Tale(tales.plan(tales.BY_HAND)).later(90).asks("ana", "mark", subject="call", value="done")
    times = account(tale)
    assert Spent(people=90_000) == times.steps["call"].spent
    assert times.steps["call"].by_hand


def test_nobody_is_charged_for_the_time_without_a_driver(tales: ModuleType) -> None:
    """Between a driver's last fact and the next driver, what was under way went on without anybody; at a gate people
    were waited for all the same."""
    tale = tales.Tale()
    tale.t += 50_000
    tale.say(TookOver(at=tale.at, t=tale.t, epoch=2, driver="serve-3"))
    assert 50_000 == account(tale).stages["contain"].spent.undriven
    # A sample that it took shows that it was there until then.
    seen = Times([12_000, 20_000, 70_000])
    for event in Following(tale.journal, tale.id).news():
        seen.take(event.fact, event.run)
    assert Spent(machine=20_000, undriven=30_000) == seen.stages["contain"].spent
    waiting = tales.Tale().at_gate().turns("edge_errors", "pass", 0.001)
    waiting.t += 50_000
    waiting.say(TookOver(at=waiting.at, t=waiting.t, epoch=2, driver="serve-3"))
    assert Spent(people=50_000) == account(waiting).stages["roll-back"].spent


def test_what_goes_on_is_counted_until_now(tales: ModuleType) -> None:
    """A run that is not over has no end; its time goes on as it stands."""
    tale = tales.Tale().at_gate().turns("edge_errors", "pass", 0.001)
    times = account(tale)
    times.until(tale.t + 5_000)
    stint = times.stages["roll-back"]
    assert (None, "not done", 5_000) == (stint.ended_ms, stint.outcome, stint.spent.people)
    ended = account(tales.Tale().ended())
    before = ended.spent.all
    ended.until(10**9)
    assert before == ended.spent.all


def test_it_is_said_in_a_line() -> None:
    """The whole, and what was not the machine's; what is not worth a word is left out."""
    entry = {"took_s": 252.0, "people_s": 52.0, "undriven_s": 0.2}
    assert "4:12, of it 0:52 for people" == took_words(entry)
    assert "4:12" == took_words({**entry, "people_s": 0.4})
    both = took_words({**entry, "undriven_s": 6.0})
    assert "4:12, of it 0:52 for people and 0:06 without a driver" == both


def test_a_stage_that_was_skipped_took_what_it_took(tales: ModuleType) -> None:
    """Skipping ends it, by whoever."""
    tale = tales.Tale().at_gate().later(10).asks("ana", "skip", subject="roll-back", reason="it is not the deploy")
    found = stage_figures(account(tale).stages["roll-back"])
    assert ("skipped", 10.0) == (found["outcome"], found["took_s"])


def test_steps_side_by_side_each_have_their_time(tales: ModuleType) -> None:
    """Two that run together take the same minute; the stage has it once."""
    steps = tuple(Step(id=name, kind="action", use=tales.use("deploy.freeze", service=name), group=1) for name in "ab")
    tale = tales.Tale(tales.plan(Stage(id="both", steps=steps), on_abort="leave"))
    tale.later(60).done().done()
    times = account(tale)
    assert [60_000, 60_000] == [times.steps[name].spent.machine for name in "ab"]
    assert 60_000 == times.stages["both"].spent.machine
