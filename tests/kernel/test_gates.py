"""Gates: quorum and authority, denials, expiry, escalation, tickets, and what a vote binds."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from relight.errors import NotNow, NotPermitted
from relight.kernel import facts as f
from relight.kernel.inputs import Turned
from relight.kernel.intents import ReadProbe, Wake
from relight.kernel.plan import Check, Escalation, Gate, Guard
from relight.kernel.stages import gate_blockers
from relight.kernel.state import Ticket
from relight.testing.desk import Desk, desk_of
from relight.testing.plans import ANA, BO, CY, DEE, EVE, above, act, below, check, gate, path, plan, stage, use


def at_gate(how: Gate | None = None, *, checks: tuple[Check, ...] = (), **of_stage: Any) -> Desk:
    """Return a desk where the gate of one step waits."""
    return Desk(plan(stage("one", act("a"), gate=how or gate(), **of_stage), stage("two", act("b")), checks=checks))


def ticket_of(desk: Desk) -> Ticket:
    """Return the ticket that was asked last."""
    assert desk.run.ticket is not None
    return desk.run.ticket


# ---- opening


def test_a_gate_asks_with_a_ticket_and_opens_for_one_who_may() -> None:
    """Nothing of the stage starts before; the vote, the opening and the first dispatch are one transaction."""
    desk = at_gate()
    assert ("waiting", []) == (desk.run.state, desk.performing)
    facts = desk.ask("bo", "approve")
    assert ["VoteCast", "GateOpened", "StageEntered", "StepDispatched"] == desk.kinds(facts)


def test_min_approvals_means_so_many_different_people() -> None:
    """One person is one vote, by whichever door and however often."""
    desk = at_gate(gate(min_approvals=2))
    desk.ask("bo", "approve")
    with pytest.raises(NotNow, match="one person is one vote"):
        desk.ask("bo", "approve")
    assert ["1 more approval"] == gate_blockers(desk.run, desk.run.plan.stages[0], desk.t)
    desk.ask("eve", "approve")
    assert ["a"] == desk.performing


def test_only_holders_of_a_role_may_approve_or_deny() -> None:
    """Being known is not enough, being unknown even less; the refusal names the role and whose word would count."""
    desk = at_gate()
    for person, verb in itertools.product(("cy", "dee", "os:stranger"), ("approve", "deny")):
        with pytest.raises(NotPermitted, match="it takes commander") as refused:
            desk.ask(person, verb)
        assert "ask ana or bo or eve" == refused.value.hint
    assert "waiting" == desk.run.state


def test_who_may_not_approve_is_not_sent_to_the_starter_who_does_not_count() -> None:
    """A denial is for every holder of the role; an approval of the starter's would be refused, too."""
    desk = at_gate(gate(allow_self_approval=False))
    for verb, whom in (("approve", "ask bo or eve"), ("deny", "ask ana or bo or eve")):
        with pytest.raises(NotPermitted) as refused:
            desk.ask("dee", verb)
        assert whom == refused.value.hint


def test_a_role_that_nobody_holds_is_said_so() -> None:
    """The refusal does not send anybody to nobody."""
    desk = at_gate()
    desk.people(DEE)
    with pytest.raises(NotPermitted) as refused:
        desk.ask("dee", "approve")
    assert "nobody of the site holds that role" == refused.value.hint


def test_the_starter_does_not_count_unless_the_gate_says_so() -> None:
    """Without ``allow_self_approval`` the starter is refused, and told whom to ask."""
    desk = at_gate(gate(allow_self_approval=False))
    with pytest.raises(NotPermitted, match="wants somebody else") as refused:
        desk.ask("ana", "approve")
    assert "ask bo or eve" == refused.value.hint
    desk.people(ANA)
    with pytest.raises(NotPermitted) as refused:
        desk.ask("ana", "approve")
    assert "nobody else of the site could" == refused.value.hint


def test_a_starter_who_approves_is_shown_as_having_approved_alone() -> None:
    """The opening says when the only approver is the starter, and not otherwise."""
    alone = at_gate()
    alone.ask("ana", "approve")
    both = at_gate(gate(min_approvals=2))
    both.ask("ana", "approve")
    both.ask("bo", "approve")
    opened = [fact for desk in (alone, both) for fact in desk.facts if isinstance(fact, f.GateOpened)]
    assert [(("ana",), True), (("ana", "bo"), False)] == [(fact.approvers, fact.alone) for fact in opened]


def test_quorum_authority_and_require_hold_together() -> None:
    """An approval alone opens nothing while a required check does not pass, nor does the check alone."""
    desk = at_gate(gate("calm"))
    desk.ask("bo", "approve")
    assert ["calm to pass"] == gate_blockers(desk.run, desk.run.plan.stages[0], desk.t)
    for verdict in ("fail", "inconclusive", "neutral"):
        desk.turn("gate:", "calm", verdict)
        assert [] == desk.performing
    desk.turn("gate:", "calm", "pass", 3)
    assert ["a"] == desk.performing


def test_a_required_check_that_flaps_opens_the_gate_only_when_it_passes_with_the_vote() -> None:
    """A pass of before the vote does not count once it has turned."""
    desk = at_gate(gate("calm"))
    desk.turn("gate:", "calm", "pass")
    desk.turn("gate:", "calm", "fail")
    desk.ask("bo", "approve")
    assert [] == desk.performing
    desk.turn("gate:", "calm", "pass")
    assert ["a"] == desk.performing


def test_the_reading_is_recorded_with_the_opening() -> None:
    """What the approvers saw is in the journal: required and shown checks, with the worst since the gate asked."""
    desk = at_gate(gate("calm", show=("served",)), pre=("quiet",))
    use_id = desk.watch("gate:", "calm").id
    desk.say(_turned(desk, use_id, "calm", value=3, worst=9.5))
    desk.turn("gate:", "served", "fail", 0.5)
    desk.turn("pre:", "quiet", "pass", 1)
    desk.ask("bo", "approve")
    opened = next(fact for fact in desk.facts if isinstance(fact, f.GateOpened))
    assert {"value": 3, "verdict": "pass", "worst": 9.5, "t": 0} == opened.readings["calm"]
    assert {"calm", "served", "quiet"} == set(opened.readings)


def _turned(desk: Desk, watch: str, check: str, **fields: Any) -> Any:
    from relight.kernel.inputs import Turned

    return Turned(**desk.now, use=watch, check=check, verdict="pass", **fields)


def test_preconditions_keep_a_gate_shut() -> None:
    """Preconditions are judged with the opening, and a failing one is shown as what the gate waits for."""
    desk = at_gate(pre=("quiet",))
    desk.turn("pre:", "quiet", "fail")
    desk.ask("bo", "approve")
    assert (["precondition quiet to pass"], []) == (
        gate_blockers(desk.run, desk.run.plan.stages[0], desk.t),
        desk.holds,
    )
    desk.turn("pre:", "quiet", "pass")
    assert ["a"] == desk.performing


@pytest.mark.parametrize("still", ["pause", "guard"])
def test_a_gate_opens_only_in_a_run_that_may_go_forward(still: str) -> None:
    """A vote in a paused run, or under a breached guard, is kept, and opens the gate when the run goes on."""
    desk = Desk(plan(stage("one", act("a"), gate=gate()), guards=(Guard(check="api", on_breach="step_back"),)))
    if still == "pause":
        desk.ask("dee", "pause")
    else:
        desk.turn("guard:", "api", "fail")
    desk.ask("bo", "approve")
    assert [] == desk.performing
    if still == "pause":
        desk.ask("dee", "resume")
    else:
        desk.turn("guard:", "api", "pass")
    assert ["a"] == desk.performing


# ---- authority at use


def test_somebody_removed_between_vote_and_use_does_not_count() -> None:
    """Authority is checked when the vote is cast and again when it is used; given back, it counts again."""
    desk = at_gate(gate("calm"))
    desk.ask("bo", "approve")
    desk.people(ANA, replace(BO, roles=("owner",)), CY)
    desk.turn("gate:", "calm", "pass")
    assert [] == desk.performing
    desk.people(ANA, BO, CY)
    assert ["a"] == desk.performing


def test_people_read_again_and_the_same_change_nothing() -> None:
    """Only a difference is a fact."""
    desk = at_gate()
    assert [] == desk.people(*desk.run.people)


def test_an_approval_stands_for_its_time() -> None:
    """After ``valid_for`` it no longer counts, and may be given again."""
    desk = at_gate(gate("calm", valid_for_ms=5_000))
    desk.ask("bo", "approve")
    desk.tick(5_001)
    desk.turn("gate:", "calm", "pass")
    assert [] == desk.performing
    desk.ask("bo", "approve")
    assert ["a"] == desk.performing


# ---- denial, expiry, asking anew


def test_one_denial_closes_the_ticket_and_holds() -> None:
    """A denial wins over approvals that do not yet suffice, and what the ticket was good for is gone."""
    desk = at_gate(gate(min_approvals=2))
    desk.ask("bo", "approve")
    closed = ticket_of(desk).id
    desk.ask("eve", "deny", reason="the graph says no")
    assert (["gate-denied"], "eve denied: the graph says no") == (desk.holds, desk.run.holds[0].text)
    with pytest.raises(NotNow, match="changes nothing any more: eve denied it"):
        desk.ask("ana", "approve", ticket=closed)


def test_ask_asks_anew_with_a_new_ticket_and_no_votes() -> None:
    """Whoever is known may have it asked again; the old votes and the old ticket are worth nothing."""
    desk = at_gate(gate(min_approvals=2))
    desk.ask("bo", "approve")
    old = ticket_of(desk).id
    desk.ask("eve", "deny")
    desk.ask("dee", "ask")
    assert ([], "waiting", ()) == (desk.holds, desk.run.state, ticket_of(desk).votes)
    assert old != ticket_of(desk).id
    with pytest.raises(NotNow, match=f"the gate asks now as {ticket_of(desk).id}"):
        desk.ask("bo", "approve", ticket=old)


def test_a_waiting_gate_may_be_asked_anew() -> None:
    """Its ticket is closed first, and says by whom."""
    desk = at_gate()
    old = ticket_of(desk).id
    assert ["GateExpired", "GateAsked"] == desk.kinds(desk.ask("dee", "ask"))
    assert "dee had it asked anew" == desk.run.spent[old]


def test_there_must_be_a_gate_to_ask() -> None:
    """``ask`` where no gate is or was waiting is refused."""
    desk = desk_of(act("a"))
    with pytest.raises(NotNow, match="no gate is or was waiting"):
        desk.ask("dee", "ask")


def test_a_gate_that_nobody_answers_expires_and_holds() -> None:
    """Nothing ever continues because nobody answered."""
    desk = at_gate(gate(expires_after_ms=60_000))
    assert [60_000] == [wake.t for wake in desk.wanted(Wake)]
    desk.tick(60_000)
    assert (["gate-expired"], "nobody answered in time") == (desk.holds, desk.run.holds[0].text)
    desk.ask("ana", "ask")
    assert "waiting" == desk.run.state


def test_a_gate_whose_approvals_do_not_suffice_in_time_says_so() -> None:
    """Somebody did answer; it was not enough."""
    desk = at_gate(gate(min_approvals=2, expires_after_ms=60_000))
    desk.ask("bo", "approve")
    desk.tick(60_000)
    assert "its approvals did not suffice in time" == desk.run.holds[0].text


def test_an_expired_ticket_opens_nothing_even_before_the_clock_says_so() -> None:
    """A vote at the very moment of expiry is too late, whatever order the driver heard things in."""
    desk = at_gate(gate(expires_after_ms=60_000))
    desk.t = 60_000
    with pytest.raises(NotNow, match="has expired; nothing was opened"):
        desk.ask("bo", "approve")


def test_time_passes_for_a_ticket_while_the_run_is_paused() -> None:
    """A pause does not make an old answer good."""
    desk = at_gate(gate(expires_after_ms=60_000))
    desk.ask("dee", "pause")
    desk.tick(60_000)
    assert ["gate-expired"] == desk.holds


def test_escalation_tells_the_next_on_the_list() -> None:
    """Each is told when the gate has waited so long; whoever is left is told at expiry, and then it holds as well."""
    told = (Escalation(after_ms=5_000, notify="duty"), Escalation(after_ms=999_000, notify="boss"))
    desk = at_gate(gate(expires_after_ms=60_000, escalate=told, on_expiry="escalate"))
    desk.tick(4_999)
    assert "GateEscalated" not in desk.kinds()
    desk.tick(1)
    assert ["duty"] == [fact.notify for fact in desk.facts if isinstance(fact, f.GateEscalated)]
    desk.tick(55_000)
    assert ["duty", "boss"] == [fact.notify for fact in desk.facts if isinstance(fact, f.GateEscalated)]
    assert ["gate-expired"] == desk.holds


def test_without_on_expiry_escalate_nobody_else_is_told() -> None:
    """``on_expiry: hold`` holds and says nothing to those whose time had not come."""
    told = (Escalation(after_ms=999_000, notify="boss"),)
    desk = at_gate(gate(expires_after_ms=60_000, escalate=told))
    desk.tick(60_000)
    assert "GateEscalated" not in desk.kinds()


def test_a_clock_that_went_back_expires_the_waiting_ticket() -> None:
    """Nobody knows how long it waited, so it is asked anew."""
    desk = at_gate()
    desk.take_over(clock_lost=True)
    assert ["gate-expired"] == desk.holds
    assert "clock" in desk.run.holds[0].text


# ---- tickets and what a vote binds


def test_a_spent_ticket_says_what_became_of_it() -> None:
    """Late deliveries change nothing: opened, superseded, expired, each is told."""
    desk = at_gate()
    spent = ticket_of(desk).id
    desk.ask("bo", "approve")
    with pytest.raises(NotNow, match="opened by bo"):
        desk.ask("bo", "deny", ticket=spent)
    assert ["a"] == desk.performing


def test_an_unknown_ticket_is_refused() -> None:
    """A ticket that never was opens nothing, and the right one is named."""
    desk = at_gate()
    with pytest.raises(NotNow, match="there is no ticket one/zzz") as refused:
        desk.ask("bo", "approve", ticket="one/zzz")
    assert ticket_of(desk).id in refused.value.hint
    with pytest.raises(NotNow, match="no gate is waiting"):
        desk_of(act("a")).ask("bo", "approve", ticket="one/zzz")


def test_tickets_of_one_run_never_repeat() -> None:
    """However often a gate asks, a ticket is good for one asking alone."""
    desk = at_gate()
    for _ in range(300):
        desk.ask("ana", "ask")
    assert 301 == len({*desk.run.spent, ticket_of(desk).id})


def test_what_was_seen_has_to_be_what_is_asked() -> None:
    """A door that knows what was shown sends its digest; another plan, stage, target or argument is another digest."""
    desk = at_gate()
    digest = ticket_of(desk).scope_digest
    with pytest.raises(NotNow, match="has changed since you looked"):
        desk.ask("bo", "approve", scope_digest="0" + digest[:8])
    desk.ask("bo", "approve", scope_digest=digest[:12])
    assert ["a"] == desk.performing


def test_the_scope_digest_is_of_resolved_arguments() -> None:
    """Inputs, frozen probes and earlier results are in it; what a step of the stage will give is there as text."""

    def digest(rate: int, result: Any = 1) -> str:
        steps = (
            act("b", use("do", rate=path("inputs.rate"), n=path("steps.a.result"))),
            act("c", use("x", y=path("steps.b.result"))),
        )
        made = plan(
            stage("one", act("a")),
            stage("two", *steps, gate=gate()),
            scope={"inputs": {"rate": rate}},
            later_names=("steps.a.result",),
        )
        desk = Desk(replace(made, digest="same"))
        desk.report("a", result=result)
        return ticket_of(desk).scope_digest

    assert digest(5) == digest(5)
    assert 3 == len({digest(5), digest(6), digest(5, result=2)})


def test_an_argument_of_a_skipped_step_is_late() -> None:
    """What depends on a step that was left out cannot be told at the gate, and does not keep it from asking."""
    late = act("b", use("do", n=path("steps.a.result.deep")))
    desk = Desk(
        plan(
            stage("one", act("a", when=path("inputs.no"))),
            stage("two", late, gate=gate()),
            scope={"inputs": {"no": False}},
        )
    )
    assert "waiting" == desk.run.state


def test_an_argument_that_cannot_be_told_keeps_the_gate_from_asking() -> None:
    """Nobody is asked to approve what cannot be said; retry looks again."""
    desk = desk_of(act("a", use("do", this=path("inputs.gone"))), gate=gate())
    assert ["expression-failed"] == desk.holds
    desk.ask("ana", "retry")
    assert ["expression-failed"] == desk.holds


def test_probes_that_a_gate_names_are_frozen_when_it_asks() -> None:
    """Title and arguments are of one moment; a late answer changes nothing; asking anew reads anew."""
    to_previous = act("a", use("roll", to=path("probes.auth")))
    desk = desk_of(to_previous, gate=gate(title=path("probes.auth")), probes=("auth",))
    assert ("running", None) == (desk.run.state, desk.run.ticket)
    reading = desk.wanted(ReadProbe)[0].id
    desk.read("probe:auth", 40)
    assert ("40", []) == (ticket_of(desk).title, desk.wanted(ReadProbe))
    before = ticket_of(desk).scope_digest
    assert [] == desk.say_read(reading, 41)
    desk.ask("ana", "ask")
    desk.read("probe:auth", 41)
    assert "41" == ticket_of(desk).title
    assert before != ticket_of(desk).scope_digest
    desk.ask("bo", "approve")
    assert {"to": 41} == desk.perform("a").args


def test_what_is_frozen_outlives_other_holds_and_a_takeover() -> None:
    """Somebody resuming from a guard's hold does not change what the approvers saw."""
    desk = Desk(
        plan(
            stage("one", act("a", use("roll", to=path("probes.auth"))), gate=gate()),
            probes=("auth",),
            guards=(Guard(check="api"),),
        )
    )
    desk.read("probe:auth", 40)
    ticket = ticket_of(desk).id
    desk.turn("guard:", "api", "fail")
    desk.turn("guard:", "api", "pass")
    desk.ask("ana", "resume")
    desk.take_over()
    desk.ask("bo", "approve")
    assert (ticket, {"to": 40}) == (ticket_of(desk).id, desk.perform("a").args)


# ---- optional stages


def test_an_optional_stage_may_be_skipped_at_its_gate() -> None:
    """By a holder of the gate's role, with a reason; then the ticket is worth nothing."""
    desk = at_gate(optional=True)
    ticket = ticket_of(desk).id
    with pytest.raises(NotPermitted):
        desk.ask("dee", "skip", "one", reason="because")
    with pytest.raises(NotNow, match="needs a reason"):
        desk.ask("bo", "skip", "one")
    desk.ask("bo", "skip", "one", reason="the release is fine")
    assert ({"one": "skipped"}, ["b"]) == (desk.run.past, desk.performing)
    with pytest.raises(NotNow, match="the stage was skipped"):
        desk.ask("bo", "approve", ticket=ticket)


@pytest.mark.parametrize("then", ["deny", "expire"])
def test_an_optional_stage_may_be_skipped_after_its_ticket_was_closed(then: str) -> None:
    """A denial of an optional stage is often followed by going on without it."""
    desk = at_gate(optional=True)
    if then == "deny":
        desk.ask("bo", "deny")
    else:
        desk.tick(900_000)
    desk.ask("eve", "skip", "one", reason="without it, then")
    assert ([], ["b"]) == (desk.holds, desk.performing)


def test_another_stage_may_not_be_skipped() -> None:
    """What the runbook does not call optional is not, and only the stage that waits can be skipped."""
    desk = at_gate()
    with pytest.raises(NotNow, match="stage one is not optional"):
        desk.ask("bo", "skip", "one", reason="because")
    with pytest.raises(NotNow, match="two is not the stage that waits; that is one"):
        desk.ask("bo", "skip", "two", reason="because")


# ---- every order of things (F8)


def _late(desk: Desk, ticket: str, who: str, verb: str) -> bool:
    try:
        desk.ask(who, verb, ticket=ticket)
    except (NotNow, NotPermitted):
        return False
    return True


@pytest.mark.parametrize("order", list(itertools.permutations(("bo", "eve", "deny", "expire", "abort"))))
def test_every_order_of_two_approvals_a_denial_expiry_and_abort_ends_as_it_should(order: tuple[str, ...]) -> None:
    """A small reference model: the gate opens only if both approvals came before everything else."""
    desk = at_gate(gate(min_approvals=2, expires_after_ms=60_000))
    ticket = ticket_of(desk).id
    model = "waiting"
    votes = 0
    for event in order:
        taken = True
        if event == "expire":
            desk.tick(max(60_000 - desk.t, 0))
        elif event == "abort":
            desk.ask("dee", "abort")
        else:
            taken = _late(desk, ticket, "ana" if event == "deny" else event, "deny" if event == "deny" else "approve")
        assert taken == (event in ("expire", "abort") or model == "waiting")
        if event == "abort":
            model = "ended"
        elif model == "waiting":
            votes += event in ("bo", "eve")
            model = {"deny": "denied", "expire": "expired"}.get(event, "open" if votes == 2 else "waiting")
    opened = "GateOpened" in desk.kinds()
    before = order[: max(order.index("bo"), order.index("eve")) + 1]
    assert opened == (set(before) == {"bo", "eve"})


def test_a_gate_with_an_unknown_starter_is_opened_by_others() -> None:
    """Somebody whom the site does not know may start a run, and approve nothing."""
    desk = Desk(plan(stage("one", act("a"), gate=gate())), starter="os:zed")
    with pytest.raises(NotPermitted):
        desk.ask("os:zed", "approve")
    desk.ask("os:zed", "ask")
    desk.ask("eve", "approve")
    assert ["a"] == desk.performing
    assert EVE.id == next(fact for fact in desk.facts if isinstance(fact, f.GateOpened)).approvers[0]


def test_the_worst_since_a_gate_asked_outlives_its_driver() -> None:
    """A new driver's judge begins anew; what was seen before it counts as well, on the side where the check fails."""
    for passes, first, second, worst in ((below(10), 30.0, 5.0, 30.0), (above(10), 2.0, 12.0, 2.0)):
        asks = at_gate(gate("calm"), checks=(check("calm", passes),))
        for value in (first, second):
            use = asks.watch("gate:", "calm").id
            turned = Turned(**asks.now, use=use, check="calm", verdict="neutral", value=value, worst=value)
            asks.say(turned)
            asks.take_over()
        assert {"calm": worst} == ticket_of(asks).worst
