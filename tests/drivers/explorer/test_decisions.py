"""The decision table has, for a hold, every verb that ``relight why`` prints while a run holds so."""

from __future__ import annotations

import pytest

from relight.control.choosing import choice_entries, seldom_entries
from relight.drivers.explorer.decisions import Decisions
from relight.testing.desk import Desk
from relight.testing.plans import act, gate, plan, stage, throttle, undo_previous, use


@pytest.mark.parametrize("outcome", ["failed", "unknown"])
def test_a_row_is_what_why_prints(outcome: str) -> None:
    """The likely verbs first, in the same order and words, and what is legal besides after them."""
    shield = act("shield", throttle(percent=10), undo=undo_previous())
    desk = Desk(
        plan(stage("contain", shield), stage("mend", act("fix", use("fix", effect="destructive")), gate=gate()))
    )
    desk.report("shield")
    desk.ask("ana", "approve")
    desk.report("fix", outcome, error="refused", **({"retry": False} if outcome == "failed" else {}))
    table = Decisions()
    table.note(desk.run)
    (row,) = table.rows.values()
    assert row.code == f"step-{outcome}"
    told = [(verb.verb, verb.words, verb.leads_to, verb.seldom) for verb in row.verbs.values()]
    live = [(each, False) for each in choice_entries(desk.run, "x")]
    live += [(each, True) for each in seldom_entries(desk.run, "x")]
    assert told == [(each["verb"], each["words"], each["leads_to"], seldom) for each, seldom in live]
    assert ("undo", "shield") in {(verb, words) for verb, words, *_ in told}
    assert all(verb.then for verb in row.verbs.values())
