"""The tables of what is legal where tell what the code does, all of it and nothing else."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import Any

import pytest

from relight.kernel import facts as f
from relight.kernel.evolve_steps import StepFact
from relight.kernel.holds import HOLDS
from relight.kernel.plan import Escalation, Retry
from relight.testing.desk import Desk, desk_of
from relight.testing.legality import TABLES, Change, rows
from relight.testing.plans import Said, act, fan, gate, kind, ramp, throttle, undo_with, use
from relight.testing.players import Player
from relight.testing.random_plans import random_plan
from relight.testing.states import PAGE, page

SEEDS = 900
TASK = kind("task", "manual")


def test_the_page_is_up_to_date() -> None:
    """``python -m relight.testing.states`` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.long_walk
def test_every_row_of_the_tables_is_walked() -> None:
    """A row that nothing ever walks tells of something that the code does not do; every desk holds the reverse."""
    seen: set[Change] = set()
    for seed in range(SEEDS):
        dice = random.Random(seed)
        desk = Desk(random_plan(dice.choice))
        player = Player(desk, dice.choice)
        for _ in range(100):
            if desk.run.outcome is None:
                player.move()
        seen |= desk.properties.seen
    for desk in seldom():
        seen |= desk.properties.seen
    assert set() == {row for row in rows() - seen if row.table != "runs"}


def seldom() -> list[Desk]:
    """Return desks that walked what chance seldom does."""
    prepared = desk_of(act("a", replace(throttle(percent=10), reads_value=True)))
    prepared.ask("ana", "skip", "a", reason="not needed")
    waited = desk_of(kind("w", "wait", duration_ms=1_000))
    waited.ask("ana", "skip", "w", reason="long enough")
    desks = [prepared, waited, undone_ramp(skipped=True), undone_ramp(skipped=False)]
    for step in (act("a", targets=fan(2), when=clears()), kind("a", "wait", duration_ms=1_000, when=clears())):
        desk = desk_of(step)
        desk.ask("ana", "retry", "a")
        desks.append(desk)
    desks += [undone(how) for how in ("unknown", "backoff", "failed", "given up")]
    given_up = desk_of(act("a", on_failure="continue"), TASK)
    given_up.report("a", "unknown", error="lost")
    given_up.ask("ana", "mark", "a", value="not-done")
    given_up.ask("ana", "skip", "task", reason="not needed")
    escalated = desk_of(act("a"), gate=gate(escalate=(Escalation(after_ms=1_000, notify="duty"),)))
    escalated.tick(1_000)
    again = desk_of(act("a", undo=undo_with(use("put.back"))), verify=("calm",))
    for verb in ("resume", "skip"):
        again.report("a")
        again.ask("ana", "undo", "a")
        again.report("a")
        again.ask("ana", verb, "a", reason="enough")
    return [*desks, given_up, escalated, again]


def clears() -> Said:
    """Return a condition that cannot be told the first time."""
    tries = iter([False, True])

    def tell(scope: object) -> bool:
        if not next(tries):
            raise LookupError("not yet")
        return True

    return Said("inputs.clear", tell)


def undone_ramp(*, skipped: bool) -> Desk:
    """Return a desk where a ramp was undone, after it was skipped or on its way, and begun again."""
    desk = desk_of(act("up", throttle(), ramp=ramp(50, floor=10)), TASK)
    desk.report("up")
    if skipped:
        desk.ask("ana", "skip", "up", reason="high enough")
    desk.ask("ana", "undo", "up")
    desk.report("up")
    desk.ask("ana", "resume")
    return desk


def undone(how: str) -> Desk:
    """Return a desk where an effect was undone of which nobody knew whether it was in force."""
    idempotent = replace(use("put.back"), idempotent=True)
    what = use("do") if how == "unknown" else replace(use("do"), idempotent=True)
    retry = Retry(max_attempts=3) if how == "backoff" else Retry()
    on_failure: Any = "continue" if how == "given up" else "hold"
    desk = desk_of(act("a", what, undo=undo_with(idempotent), retry=retry, on_failure=on_failure), TASK)
    desk.report("a", "unknown", error="lost")
    if how != "unknown":
        desk.report("a", "failed", error="no")
    desk.ask("ana", "undo", "a")
    desk.report("a")
    return desk


def test_every_fact_about_a_step_is_in_the_table() -> None:
    """A new fact needs a row."""
    known = {name for follows in TABLES["steps"].values() for name in follows}
    assert {kind.__name__ for kind in StepFact.__args__} <= known


def test_states_and_facts_of_the_tables_exist() -> None:
    """A word in a table is a word of the code."""
    kinds = {kind.__name__ for kind in f.AnyFact.__args__}
    for name, table in TABLES.items():
        assert {fact for follows in table.values() for fact in follows} <= kinds, name


def test_every_hold_is_on_the_page_with_every_way_out() -> None:
    """Codes, verbs and what each leads to."""
    text = page()
    for kind_ in HOLDS.values():
        assert f"`{kind_.code}`: the run holds because {kind_.means}." in text
        for way in kind_.ways:
            assert way.leads_to in text


def test_diagrams_are_well_formed() -> None:
    """Every arrow is between two names that Mermaid takes."""
    arrows = re.findall(r"^    (.*) --> (.*?)(?::.*)?$", page(), re.MULTILINE)
    assert len(arrows) > 60
    assert all(re.fullmatch(r"\[\*\]|\w+", end) for arrow in arrows for end in arrow)
