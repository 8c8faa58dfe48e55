"""What people may ask of a run, what they are offered, and how it is stopped."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from relight.errors import NotNow, NotPermitted
from relight.kernel import facts as f
from relight.kernel.asking import VERBS
from relight.kernel.choices import Choice, choices, seldom
from relight.kernel.holds import HOLDS
from relight.kernel.intents import Perform, Stop
from relight.kernel.plan import Guard, Person, Retry, Solo
from relight.testing.desk import Desk, desk_of
from relight.testing.plans import (
    ANA,
    act,
    equal,
    gate,
    kind,
    lasting,
    plan,
    ramp,
    settle_when,
    stage,
    throttle,
    undo_with,
    use,
)

TASK = kind("task", "manual")


def offered(desk: Desk) -> list[str]:
    """Return what people are offered, as they would type it."""
    return [f"{choice.verb} {choice.words}".strip() for choice in choices(desk.run)]


# ---- abort


def test_anybody_may_abort_and_nothing_forward_starts_any_more() -> None:
    """It is acknowledged at once, tells what is under way to stop, and ends when that has ended."""
    desk = desk_of(act("a"), act("b"))
    facts = desk.ask("os:stranger", "abort", reason="wrong site")
    assert ["AbortBegun", "StepStopping"] == desk.kinds(facts)
    assert ([1], [], "running") == (desk.stopping, desk.performing, desk.run.state)
    desk.report("a")
    assert ("aborted", "succeeded", "pending") == (desk.run.state, desk.word("a"), desk.word("b"))


def test_who_stops_a_run_and_lets_it_go_on_is_recorded_with_their_door() -> None:
    """As it is of a vote: afterwards somebody wants to know where that was said."""
    desk = desk_of(act("a"))
    said = [*desk.ask("ana", "pause", door="chat"), *desk.ask("bo", "resume", door="web")]
    said += desk.ask("dee", "abort", door="api")
    told = [fact for fact in said if isinstance(fact, f.Paused | f.Resumed | f.AbortBegun)]
    assert [("ana", "chat"), ("bo", "web"), ("dee", "api")] == [(fact.person, fact.door) for fact in told]


def test_an_action_that_ignores_the_stop_is_unknown_and_the_run_ends() -> None:
    """Within the grace; its outcome is reported as unknown."""
    desk = desk_of(act("a"))
    desk.ask("dee", "abort")
    desk.tick(12_000)
    ended = next(fact for fact in desk.facts if isinstance(fact, f.RunEnded))
    assert ("aborted", ("a",), "dee aborted it") == (ended.outcome, ended.unknown, ended.why)


def test_an_abort_stops_everything_side_by_side() -> None:
    """One after the other in the same transaction."""
    desk = desk_of(act("a", group=1), act("b", group=1))
    desk.ask("dee", "abort")
    assert [1, 2] == desk.stopping


def test_an_abort_does_not_kill_what_protects() -> None:
    """A protective step that is under way may end in its own time; killing it could expose the service."""
    shield = act("a", throttle(percent=10), protective=True, group=1, timeout_ms=60_000)
    desk = desk_of(shield, act("b", group=1))
    desk.ask("dee", "abort")
    assert (["a"], [2]) == (desk.performing, desk.stopping)
    desk.report("b", "failed", error="stopped")
    assert "running" == desk.run.state
    desk.report("a")
    assert ("aborted", ("admission.throttle@fake",)) == (desk.run.state, desk.run.left)


def test_a_failure_during_an_abort_is_not_retried_and_holds_nothing() -> None:
    """The run is being ended."""
    desk = desk_of(act("a", retry=Retry(max_attempts=3)))
    desk.ask("dee", "abort")
    desk.report("a", "failed", error="stopped")
    assert ("aborted", "failed", []) == (desk.run.state, desk.word("a"), desk.holds)


def test_an_abort_ends_holds_and_closes_the_gate() -> None:
    """What the run asked is no longer asked."""
    desk = desk_of(act("a"), gate=gate())
    assert desk.run.ticket is not None
    ticket = desk.run.ticket.id
    desk.ask("bo", "deny")
    desk.ask("ana", "ask")
    assert ticket != desk.run.ticket.id
    desk.ask("dee", "abort")
    assert ("aborted", [], ()) == (desk.run.state, desk.holds, choices(desk.run))
    assert "the run was aborted" in desk.run.spent.values()


def test_a_run_that_nobody_drove_yet_is_aborted_when_somebody_does() -> None:
    """The abort is recorded; the driver that begins ends it and starts nothing."""
    desk = Desk(plan(stage("one", act("a"))), drive=False)
    desk.ask("ana", "abort")
    assert "pending" == desk.run.state
    desk.take_over()
    assert ("aborted", 1) == (desk.run.state, desk.run.next_dispatch)


def test_a_run_that_is_being_aborted_takes_nothing_but_marks_and_notes() -> None:
    """Whoever knows what became of a step may still say so before the end."""
    desk = desk_of(act("a"))
    desk.ask("dee", "abort")
    with pytest.raises(NotNow, match="being aborted, asked by dee"):
        desk.ask("ana", "pause")
    with pytest.raises(NotNow, match="nothing to mark"):
        desk.ask("ana", "mark", "a", value="done")
    desk.ask("ana", "note", value="it was me")


def test_a_run_that_has_ended_takes_nothing_but_notes() -> None:
    """And says how it ended."""
    desk = desk_of()
    with pytest.raises(NotNow, match="has ended \\(succeeded\\)"):
        desk.ask("ana", "abort")
    desk.ask("os:stranger", "note", value="well done")
    noted = desk.facts[-1]
    assert isinstance(noted, f.Noted)
    assert ("os:stranger", "well done") == (noted.person, noted.text)
    assert [] == desk.tick(1_000)


def test_a_word_that_is_no_verb_is_refused_with_those_that_are() -> None:
    """Nothing is guessed."""
    with pytest.raises(NotNow, match="'dance' is not a verb; verbs are abort, approve"):
        desk_of(act("a")).ask("ana", "dance")


def test_what_is_refused_changes_nothing() -> None:
    """A refusal raises, and the run is the one it was."""
    desk = desk_of(act("a"), gate=gate())
    before = desk.run
    for verb in VERBS:
        try:
            desk.ask("os:stranger", verb, "nonsense", value="nonsense", ticket="nonsense")
        except (NotNow, NotPermitted):
            assert before is desk.run
        else:
            assert verb in ("pause", "abort")
            desk = desk_of(act("a"), gate=gate())
            before = desk.run


# ---- retry, and the other ways out of holds


def test_retry_says_why_it_cannot() -> None:
    """Nothing holds, or nothing of that name."""
    desk = desk_of(act("a"))
    with pytest.raises(NotNow, match="nothing holds, so there is nothing to try again"):
        desk.ask("ana", "retry")
    desk.report("a", "failed", error="no")
    with pytest.raises(NotNow, match="nothing holds of b, so"):
        desk.ask("ana", "retry", "b")
    with pytest.raises(NotPermitted, match="os:stranger is not one of the site's people"):
        desk.ask("os:stranger", "retry", "a")
    desk = desk_of(act("a"))
    desk.report("a", "unknown", error="cut off")
    with pytest.raises(NotNow, match="retry is no way out of this: a step may or may not have happened"):
        desk.ask("ana", "retry", "a")


def test_somebody_whom_the_site_does_not_know_is_told_whom_to_ask() -> None:
    """The hint names the site's people, or the starter where there are none."""
    desk = desk_of(kind("task", "manual"), people=())
    with pytest.raises(NotPermitted) as refused:
        desk.ask("os:zed", "mark", "task", value="done")
    assert "ask ana; pause and abort are for all" == refused.value.hint
    desk.ask("ana", "mark", "task", value="done")


@pytest.mark.parametrize(("sort", "words"), [("bot", "ci is a bot"), ("agent", "ci is an agent")])
def test_only_people_decide(sort: Literal["bot", "agent"], words: str) -> None:
    """A bot or an agent is refused whatever it would decide, with whichever role, even of a run that it started."""
    ci = Person(id="ci", roles=("commander",), kind=sort)
    desk = Desk(plan(stage("one", act("a"), gate=gate()), people=(ANA, ci)), starter="ci")
    assert desk.run.ticket is not None
    for verb in sorted(set(VERBS) - {"pause", "abort", "ramp"}):
        with pytest.raises(NotPermitted, match=f"{words}, and only people decide, so it may not {verb}"):
            desk.ask("ci", verb, "a", ticket=desk.run.ticket.id, reason="I am sure", value="done")
    desk.ask("ci", "pause")
    assert desk.run.paused


# ---- what is offered


def test_each_hold_offers_its_ways_and_each_is_real() -> None:
    """Whatever is offered at a hold is taken when somebody who may says it."""
    seen: dict[str, set[str]] = {}
    for desk in held():
        for choice in choices(desk.run):
            if choice.verb not in ("pause", "abort"):
                seen.setdefault(desk.holds[0], set()).add(choice.verb)
    assert set(HOLDS) == set(seen)


def held() -> list[Desk]:
    """Return a desk at every kind of hold."""
    desks = []

    def at(desk: Desk, *do: Any) -> Desk:
        for name, *args in do:
            fields = args.pop() if args and isinstance(args[-1], dict) else {}
            getattr(desk, name)(*args, **fields)
        desks.append(desk)
        return desk

    failed = ("report", "a", "failed", {"error": "no", "retry": False})
    optional = stage("one", act("a"), gate=gate(), optional=True)
    at(Desk(plan(optional)), ("ask", "bo", "deny"))
    at(Desk(plan(optional)), ("tick", 900_000))
    alone = stage("one", act("a"), gate=gate(allow_self_approval=False))
    solo = Desk(plan(alone, solo=Solo(after_ms=1_000, roles=("commander",))))
    at(solo, ("tick", 1_000), ("ask", "ana", "approve", {"reason": "alone", "confirmed": "here"}))
    solo.ask("bo", "deny", ticket=next(iter(solo.run.opened_solo)))
    blind = desk_of(act("a"), gate=gate(title=_seen()), probes=("seen",))
    at(blind, *[("read", "probe:", {"error": "no"})] * 4)
    for verdict in ("fail", "inconclusive"):
        at(desk_of(act("a"), pre=("calm",)), ("turn", "pre:", "calm", verdict))
    at(desk_of(act("a", use("do", what=_missing()))))
    at(desk_of(act("a")), failed)
    at(desk_of(act("a")), ("report", "a", "unknown"))
    from relight.testing.plans import fan

    between = act("a", targets=fan(2, 1, 1, between=("calm",)))
    at(desk_of(between), ("report", "a"), ("turn", "between:", "calm", "fail"))
    at(desk_of(act("a"), verify=("calm",)), ("report", "a"), ("turn", "verify:", "calm", "inconclusive"))
    at(desk_of(act("a"), verify=("calm",)), ("report", "a"), ("tick", 300_000))
    for how in ("step_back", "hold"):
        up = act("up", throttle(), ramp=ramp(50, floor=10, checks=("calm",), on_failure=how, max_step_backs=1))
        turns = (("turn", "ramp:", "calm"), ("report", "up"), ("turn", "ramp:", "calm", "fail"))
        at(desk_of(up), *turns)
    at(Desk(plan(stage("one", act("a")), guards=(Guard(check="api"),))), ("turn", "guard:", "api", "fail"))
    freeze = act("a", lasting("deploy.freeze"), undo=undo_with(use("thaw")))
    at(desk_of(freeze, TASK), ("report", "a"), ("ask", "ana", "undo", "a"), ("report", "a"))
    at(desk_of(freeze, TASK), ("report", "a"), ("ask", "ana", "undo", "a"), failed)
    return desks


def _seen() -> Any:
    from relight.testing.plans import path

    return path("probes.seen")


def _missing() -> Any:
    from relight.testing.plans import path

    return path("inputs.missing")


@pytest.mark.parametrize("index", range(len(HOLDS)))
def test_whatever_a_hold_offers_is_taken(index: int) -> None:
    """Each way out is tried on a fresh copy of the hold; it is refused to nobody who may."""
    from relight.testing.players import asked_for

    for at in range(len(choices(held()[index].run))):
        desk = held()[index]
        choice = choices(desk.run)[at]
        assert desk.say(asked_for(choice, **desk.now, person="bo")), choice


def test_every_desk_is_at_another_hold() -> None:
    """The list above is complete."""
    assert sorted(HOLDS) == sorted(desk.holds[0] for desk in held())


@pytest.mark.parametrize(
    ("verb", "words", "fields"),
    [
        ("approve", "go/1a", {"ticket": "go/1a"}),
        ("deny", "go/1a", {"ticket": "go/1a"}),
        ("mark", "a not-done", {"subject": "a", "value": "not-done"}),
        ("ramp", "floor", {"value": "floor"}),
        ("undo", "--to one", {"value": "one"}),
        ("undo", "a", {"subject": "a"}),
        ("retry", "a", {"subject": "a"}),
    ],
)
def test_the_words_of_a_choice_are_a_request(verb: str, words: str, fields: dict[str, str]) -> None:
    """What is offered to be typed and what a button sends are one thing."""
    choice = Choice(verb=verb, words=words, leads_to="goes on", who="anybody")
    assert {"verb": verb, **fields} == choice.asking


def test_at_a_gate_the_ticket_is_offered() -> None:
    """Approve first, skip where the stage is optional, deny, and what is always possible."""
    desk = Desk(plan(stage("one", act("a"), gate=gate(), optional=True)))
    assert desk.run.ticket is not None
    ticket = desk.run.ticket.id
    assert [f"approve {ticket}", "skip one", f"deny {ticket}", "pause", "abort"] == offered(desk)
    first = choices(desk.run)[0]
    assert (("commander",), "gate", False) == (first.roles, first.who, first.safe)


def test_in_a_paused_run_resume_comes_first() -> None:
    """And pausing again is not offered."""
    desk = desk_of(act("a"))
    desk.ask("dee", "pause")
    assert ["resume", "abort"] == offered(desk)


def test_a_manual_task_offers_its_marks() -> None:
    """Done and not done."""
    assert ["mark task done", "mark task not-done", "pause", "abort"] == offered(desk_of(TASK))


def test_a_ramp_offers_its_steering() -> None:
    """Stay where it does not, the floor above it, up where it stays; two ramps are one offer."""
    desk = desk_of(act("up", throttle(), ramp=ramp(50, floor=10, checks=("calm",))))
    assert ["ramp stay", "pause", "abort"] == offered(desk)
    desk.turn("ramp:", "calm")
    assert ["ramp stay", "ramp floor", "pause", "abort"] == offered(desk)
    desk.ask("dee", "ramp", value="stay")
    assert ["ramp floor", "ramp up", "pause", "abort"] == offered(desk)


def test_an_unsure_effect_offers_to_be_marked() -> None:
    """Whoever knows may say whether it is in force."""
    desk = desk_of(act("x", throttle(percent=50), on_failure="continue"), TASK)
    desk.report("x", "unknown", error="lost")
    assert "mark x done" not in offered(desk)
    desk.report("x", "failed", error="refused")
    assert {"mark x done", "mark x not-done"} <= set(offered(desk))


def test_a_step_that_failed_offers_its_undo_where_there_is_one() -> None:
    """Not for what protects, and not while something is being undone."""
    steps = (act("x", throttle(percent=50), undo=undo_with(use("back")), retry=Retry(max_attempts=2)), TASK)
    desk = desk_of(*steps)
    desk.report("x", "unknown", error="lost")
    desk.report("x", "failed", error="no")
    assert not any(item.startswith("undo") for item in offered(desk))


def test_choices_are_values() -> None:
    """Each is told once."""
    desk = desk_of(act("x"))
    assert len(set(choices(desk.run))) == len(choices(desk.run))
    assert isinstance(choices(desk.run)[0], Choice)


def test_nothing_is_offered_while_the_run_is_being_ended() -> None:
    """It ends by itself."""
    desk = desk_of(act("a"))
    desk.ask("dee", "abort")
    assert ([], 1, 0) == (offered(desk), len(desk.wanted(Stop)), len(desk.wanted(Perform)))


def besides(desk: Desk) -> list[str]:
    """Return what is legal besides, as commands without their run."""
    return [f"{choice.verb} {choice.words}".rstrip() for choice in seldom(desk.run)]


def test_what_nobody_waits_for_is_legal_all_the_same() -> None:
    """Asking anew, undoing, skipping what waits, settling by hand: kept apart from what is likely."""
    desk = Desk(plan(stage("one", act("a", undo=undo_with(use("back"))), TASK), stage("two", act("b"), gate=gate())))
    desk.report("a")
    assert ["skip task", "undo a", "undo --to one"] == besides(desk)
    desk.ask("ana", "mark", "task", value="done")
    assert ["ask", "undo a", "undo --to two", "undo --to one"] == besides(desk)
    desk.ask("dee", "abort")
    assert [] == besides(desk)
    lost = desk_of(act("a", settle=settle_when(equal(1))))
    lost.report("a", "unknown")
    assert ["mark a done", "mark a not-done"] == besides(lost)
    lost.ask("dee", "pause")
    assert ["mark a done", "mark a not-done"] == besides(lost)


def test_a_ramp_that_is_being_undone_is_not_steered() -> None:
    """It goes where the undo takes it."""
    desk = desk_of(act("up", throttle(), ramp=ramp(50, floor=10)), TASK)
    desk.report("up")
    desk.ask("ana", "undo", "up")
    assert not any(item.startswith("ramp") for item in (*offered(desk), *besides(desk)))
    with pytest.raises(NotNow, match="the effect of up is being undone"):
        desk.ask("dee", "ramp", value="floor")


def test_steering_that_would_change_nothing_is_refused() -> None:
    """It stays already; it rises by itself."""
    desk = desk_of(act("up", throttle(), ramp=ramp(50, floor=10, checks=("calm",))))
    with pytest.raises(NotNow, match="up rises by itself"):
        desk.ask("ana", "ramp", value="up")
    desk.ask("dee", "ramp", value="stay")
    with pytest.raises(NotNow, match="up stays where it is already"):
        desk.ask("dee", "ramp", value="stay")


def test_a_failed_undo_is_not_begun_twice() -> None:
    """Another undo is under way; both retry and resume wait for it."""
    steps = [act(name, undo=undo_with(use(f"back.{name}"))) for name in ("a", "b")]
    desk = desk_of(*steps, TASK)
    for name in ("a", "b"):
        desk.report(name)
    desk.ask("ana", "undo", "a")
    desk.report("a", "failed", error="no", retry=False)
    assert ["undo-failed"] == desk.holds
    desk.ask("ana", "undo", "b")
    for verb in ("retry", "resume"):
        with pytest.raises(NotNow):
            desk.ask("ana", verb)
    desk.report("b")
    assert ["undo-failed", "undone"] == desk.holds


def test_a_gate_that_is_about_to_ask_is_not_asked_anew_twice() -> None:
    """A second ``ask`` in a paused run would wait for an answer for ever."""
    desk = desk_of(act("a"), gate=gate())
    desk.ask("dee", "pause")
    desk.ask("ana", "ask")
    with pytest.raises(NotNow, match="as soon as the run goes on"):
        desk.ask("ana", "ask")


def test_a_stage_may_be_called_like_one_of_its_steps() -> None:
    """What waits for an answer is meant."""
    desk = Desk(plan(stage("drain", act("drain"), gate=gate(), optional=True), stage("served", act("served"))))
    desk.ask("ana", "skip", "drain", reason="nothing waits")
    assert {"drain": "skipped"} == desk.run.past
    check = desk_of(act("calm", undo=undo_with(use("back"))), verify=("calm",))
    check.report("calm")
    check.turn("verify:", "calm", "inconclusive")
    check.ask("ana", "skip", "calm", reason="seen")
    assert "succeeded" == check.run.outcome


def test_an_approval_is_offered_as_long_as_one_is_missing() -> None:
    """Not when everybody who could has approved and only a check keeps the gate shut."""
    desk = Desk(plan(stage("one", act("a"), gate=gate("calm")), people=(ANA,)))
    assert "approve" in [choice.verb for choice in choices(desk.run)]
    desk.ask("ana", "approve")
    assert "approve" not in [choice.verb for choice in choices(desk.run)]


def test_an_optional_stage_may_be_skipped_before_its_gate_asks() -> None:
    """It waits for a probe, which has nothing to say about leaving it out."""
    asks = gate(title=_seen())
    desk = Desk(plan(stage("one", act("a"), gate=asks, optional=True), stage("two", act("b")), probes=("seen",)))
    assert "skip one" in besides(desk)
    desk.ask("ana", "skip", "one", reason="not needed")
    assert ["b"] == desk.performing


def test_a_paused_ramp_may_be_taken_down_by_one() -> None:
    """Though nobody waits for it."""
    desk = desk_of(act("up", throttle(), ramp=ramp(50, 100, floor=10)))
    desk.report("up")
    assert "ramp down" in besides(desk)


def test_nothing_is_left_to_skip_when_every_stage_is_done() -> None:
    """Also where the run only waits for somebody who resumes it."""
    desk = desk_of(TASK)
    desk.ask("dee", "pause")
    desk.ask("ana", "mark", "task", value="done")
    assert desk.run.current is None or desk.run.stage.phase == "verify"
    with pytest.raises(NotNow):
        desk.ask("ana", "skip", "one", reason="because")
    waiting = desk_of(act("a"))
    waiting.ask("dee", "pause")
    assert not any(item.startswith("skip") for item in besides(waiting))


def test_nothing_is_undone_before_anything_has_begun() -> None:
    """A run without a driver stands at its beginning."""
    desk = Desk(plan(stage("one", act("a"))), drive=False)
    with pytest.raises(NotNow, match="nothing has begun"):
        desk.ask("ana", "undo", value="one")
