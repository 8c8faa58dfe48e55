"""The site's solo rule: a starter who is alone may open a gate after its time, is seen to, and may be stopped later."""

from __future__ import annotations

import pytest

from relight.errors import NotPermitted
from relight.kernel import facts as f
from relight.kernel.authority import alone_from_t
from relight.kernel.choices import choices, seldom
from relight.kernel.plan import Solo
from relight.testing.desk import Desk
from relight.testing.plans import ANA, BO, CY, act, gate, kind, plan, stage

SOLO = Solo(after_ms=300_000, roles=("commander",))
TYPED = {"reason": "nobody answers", "confirmed": "here"}


def alone(**fields: object) -> Desk:
    """Return a desk where a gate waits that its starter may not open."""
    asks = gate(allow_self_approval=False, **fields)  # type: ignore[arg-type]
    steps = (act("a"), kind("task", "manual"))
    return Desk(plan(stage("one", *steps, gate=asks), stage("two", act("b")), solo=SOLO, people=(ANA, BO, CY)))


def opened() -> Desk:
    """Return a desk where the starter has opened the gate alone."""
    desk = alone()
    desk.tick(300_000)
    desk.ask("ana", "approve", **TYPED)
    return desk


def test_the_starter_opens_it_alone_after_the_rules_time() -> None:
    """Not before; then with a reason and the site's name, and it is marked in vote and opening."""
    desk = alone()
    desk.tick(299_999)
    with pytest.raises(NotPermitted) as refused:
        desk.ask("ana", "approve", **TYPED)
    assert "ask bo; after 1 s more without an answer you may open it alone" == refused.value.hint
    desk.tick(1)
    assert "approve" == choices(desk.run)[0].verb
    desk.ask("ana", "approve", **TYPED)
    marks = [fact.solo for fact in desk.facts if isinstance(fact, f.VoteCast | f.GateOpened)]
    assert ([True, True], ["a"]) == (marks, desk.performing)


@pytest.mark.parametrize("missing", ["reason", "confirmed"])
def test_it_takes_a_reason_and_the_sites_name(missing: str) -> None:
    """Typed, so that nobody does it by habit."""
    desk = alone()
    desk.tick(300_000)
    with pytest.raises(NotPermitted, match="takes a reason and the site's name") as refused:
        desk.ask("ana", "approve", **{**TYPED, missing: ""})
    assert "--confirm here" in refused.value.hint


def test_only_the_starter_with_the_role_and_only_where_one_is_enough() -> None:
    """Two approvals are never one, and a rule that is taken back no longer counts when it is used."""
    two = alone(min_approvals=2)
    assert two.run.ticket is not None
    assert two.run.current is not None
    assert two.run.current.gate is not None
    assert alone_from_t(two.run, two.run.current.gate, two.run.ticket) is None
    two.tick(300_000)
    with pytest.raises(NotPermitted, match="wants somebody else"):
        two.ask("ana", "approve", **TYPED)
    waits = alone(show=())
    waits.ask("dee", "pause")
    waits.tick(300_000)
    waits.ask("ana", "approve", **TYPED)
    waits.people(BO, CY, ANA)
    waits.ask("bo", "resume")
    assert "GateOpened" not in waits.kinds()


def test_a_later_denial_holds_the_run() -> None:
    """By somebody with the gate's role; another of them says whether it goes on, and not who had opened it."""
    desk = opened()
    (ticket,) = desk.run.opened_solo
    assert f"deny {ticket}" in [f"{choice.verb} {choice.words}" for choice in seldom(desk.run)]
    with pytest.raises(NotPermitted):
        desk.ask("cy", "deny", ticket=ticket)
    desk.ask("bo", "deny", ticket=ticket, reason="too early")
    assert ["solo-denied"] == desk.holds
    assert "bo denied what ana had opened alone: too early" == desk.run.holds[0].text
    desk.report("a")
    for person in ("cy", "ana"):
        with pytest.raises(NotPermitted):
            desk.ask(person, "resume")
    assert ("commander",) == choices(desk.run)[0].roles
    desk.ask("bo", "resume")
    assert [] == desk.holds


def test_a_denial_counts_in_a_later_stage_too_and_once() -> None:
    """Whenever somebody sees it."""
    desk = opened()
    (ticket,) = desk.run.opened_solo
    desk.report("a")
    desk.ask("bo", "mark", "task", value="done")
    desk.ask("bo", "deny", ticket=ticket)
    assert (["solo-denied"], {}) == (desk.holds, desk.run.opened_solo)
    desk.ask("bo", "resume")
    desk.report("b")
    assert "succeeded" == desk.run.outcome
