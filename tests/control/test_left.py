"""What ended runs left in force: found, told before a new run begins, adopted once, and undone by a run of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relight.control.beginning import begin_run
from relight.control.history import load_run
from relight.control.left import forget, left_document, left_on
from relight.control.replaying import recorded, replayed
from relight.control.report import report_document
from relight.control.showing import document_of, effects_of
from relight.control.undoing import plan_to_undo, undoable
from relight.errors import JournalError, Locked, NotNow, UsageError
from relight.journal.memory import MemoryJournal
from relight.journal.port import Journal, Record
from relight.journal.sqlite import SqliteJournal
from relight.kernel.plan import Plan, Stage, Step, Undo
from relight.kernel.state import Run

from .tale import CLOSE, CONTAIN, Tale, plan, use

THROTTLE, FREEZE = "admission.throttle@edge", "deploy.freeze@edge"
FREEZES = plan(Stage(id="only", steps=(CONTAIN.steps[1],)), runbook="freeze-only")
SERVES = use("edge.serve", nodes=["a"])


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    """An embedded journal."""
    opened = SqliteJournal(tmp_path / "journal.db")
    yield opened
    opened.close()


def aborted(journal: Journal, run: str = "aaaa0000", of: Plan | None = None) -> Run:
    """Return a run that throttled and froze, and was aborted at its gate."""
    tale = Tale(of or plan(), journal=journal, run=run).at_gate().asks("ana", "abort")
    tale.hold.release()
    return tale.run


def effects(journal: Journal) -> list[tuple[str, str]]:
    """Return whose effects are in force, as ``relight effects`` lists them."""
    return sorted((entry["run"], entry["step"]) for row in journal.rows() for entry in effects_of(journal, row))


def abort(journal: Journal, run: str) -> None:
    """End a run that nobody drives."""
    from relight.bootstrap import decide_alone
    from relight.control.requests import Asking, ask

    row = journal.row(run)
    assert row is not None
    ask(journal, row, Asking("abort"), person="ana", decide_alone=lambda: decide_alone(journal, run))


def test_a_run_adopts_what_it_touches_and_nobody_else_does(journal: SqliteJournal) -> None:
    """The ended run counts it as its own no longer; what is not touched stays with it."""
    old = aborted(journal)
    assert [("aaaa0000", "freeze"), ("aaaa0000", "throttle")] == effects(journal)
    new = begin_run(journal, FREEZES, starter="bo")
    assert [FREEZE] == list(new.ledger)
    assert load_run(journal, new.id) == new
    assert sorted([("aaaa0000", "throttle"), (new.id, "aaaa0000/freeze")]) == effects(journal)
    row = journal.row(old.id)
    assert row is not None
    assert ["relight undo aaaa0000 throttle"] == [entry["command"] for entry in effects_of(journal, row)]
    third = begin_run(journal, FREEZES, starter="bo")
    assert {} == third.ledger
    entry = document_of(journal, new)["effects_in_force"][0]
    assert ("aaaa0000", "aborted") == (entry["left_by"]["run"], entry["left_by"]["state"])
    assert ("kept on abort", "aaaa0000/freeze") == (entry["when_undone"], entry["step"])


def test_adoptions_make_a_chain(journal: SqliteJournal) -> None:
    """A third run adopts from the second what the first one left."""
    aborted(journal)
    second = begin_run(journal, FREEZES, starter="bo")
    abort(journal, second.id)
    third = begin_run(journal, FREEZES, starter="bo")
    assert ["aaaa0000/freeze"] == [entry.step for entry in third.ledger.values()]
    assert [(third.id, "aaaa0000/freeze")] == [each for each in effects(journal) if "freeze" in each[1]]


def test_of_runs_that_begin_at_once_one_adopts(journal: SqliteJournal, tmp_path: Path) -> None:
    """Whatever they had read when the other one began."""
    aborted(journal)
    together = threading.Barrier(4)

    def begin(_: int) -> tuple[str, ...]:
        mine = SqliteJournal(tmp_path / "journal.db")
        try:
            together.wait()
            return tuple(begin_run(mine, FREEZES, starter="bo").ledger)
        finally:
            mine.close()

    with ThreadPoolExecutor(4) as pool:
        assert [(), (), (), (FREEZE,)] == sorted(pool.map(begin, range(4)))


def test_who_comes_second_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was about to adopt what another has just adopted begins without it."""
    journal = MemoryJournal()
    aborted(journal)
    stale = left_on(journal, "prod-eu")
    assert FREEZE in begin_run(journal, FREEZES, starter="bo").ledger
    answers = [stale]
    looked: list[Any] = []

    def look(journal: Journal, site: str) -> Any:
        looked.append(site)
        return answers.pop() if answers else left_on(journal, site)

    monkeypatch.setattr("relight.control.beginning.left_on", look)
    assert {} == begin_run(journal, FREEZES, starter="bo").ledger
    assert 2 == len(looked)


def test_another_site_is_another_world() -> None:
    """What is in force there is nobody's matter here."""
    journal = MemoryJournal()
    aborted(journal)
    assert {} == begin_run(journal, replace(FREEZES, site="prod-us"), starter="bo").ledger


class _Torn(MemoryJournal):
    """A journal in which one run cannot be read to its end."""

    def records(self, run: str, after: int = 0, *, kinds: Any = ()) -> Iterator[Record]:
        for record in super().records(run, after, kinds=kinds):
            yield replace(record, body=b"{") if run == "torn0000" else record


def test_a_run_that_cannot_be_read_keeps_no_other_from_beginning() -> None:
    """What it left nobody knows, and the plan says so."""
    journal = _Torn()
    aborted(journal, "torn0000")
    aborted(journal)
    assert [FREEZE] == list(begin_run(journal, FREEZES, starter="bo").ledger)
    assert ["torn0000"] == left_document(journal, FREEZES)["left_unread"]


# ---- what a plan says


def test_a_plan_tells_what_it_adopts_and_what_it_leaves_alone() -> None:
    """With the value, since when, and what was there before."""
    journal = MemoryJournal()
    aborted(journal)
    told = left_document(journal, FREEZES)
    (freeze,), (throttle,) = told["adopts"], told["still_in_force"]
    assert ("aaaa0000/freeze", "surely", "aaaa0000") == (freeze["step"], freeze["touch"], freeze["run"])
    assert freeze["tells"].startswith("freeze service=all, in force since run aaaa0000 (aborted ")
    assert freeze["tells"].endswith("; undo: deploy.unfreeze service=all")
    assert throttle["tells"].startswith("throttle 10%, 20/s, in force since run aaaa0000 (aborted ")
    assert {"adopts": [], "still_in_force": [], "left_unread": []} == left_document(None, FREEZES)


def test_the_value_before_is_told() -> None:
    """As it was read before the ended run, or the neutral value that its undo goes back to."""
    journal = MemoryJournal()
    throttle = replace(use("admission.throttle", percent=10), neutral={"percent": 100}, key_args=("surface",))
    soft = Step(id="soft", kind="action", use=replace(throttle, reads_value=True), undo=Undo(kind="previous"))
    of = plan(Stage(id="only", steps=(soft, Step(id="task", kind="manual"))))
    for number, (found, told) in enumerate((({"surface": "api", "percent": 40}, "40%"), (None, "100%"))):
        tale = Tale(of, journal=journal, run=f"run{number}")
        _read(tale, found)
        tale.done().asks("ana", "abort")
        tale.hold.release()
        (adopts,) = left_document(journal, of)["adopts"]
        assert adopts["tells"].endswith(f"; before it: {told}")
        forget(journal, tale.run)


def _read(tale: Tale, found: Any) -> None:
    from relight.kernel.inputs import Read

    (reading,) = tale.readings()
    tale.say(Read(at=tale.at, t=tale.t, read=reading.id, value=found))


def test_a_journal_that_cannot_be_read_is_no_reason_not_to_plan() -> None:
    """Then nobody knows of ended runs."""

    class Broken(MemoryJournal):
        def rows(self, *, unfinished: bool = False, limit: int = 100) -> Any:
            raise JournalError("it is broken")

    assert [] == left_document(Broken(), FREEZES)["adopts"]


# ---- afterwards


def test_a_report_tells_who_holds_what_a_run_left() -> None:
    """The ended run's own report says where its effects went."""
    journal = MemoryJournal()
    aborted(journal)
    new = begin_run(journal, FREEZES, starter="bo")
    left = report_document(journal, "aaaa0000")["effects_left"]
    assert {"throttle": None, "freeze": new.id} == {each["step"]: each["adopted_by"] for each in left}


def test_what_is_gone_with_its_site_is_nobodys() -> None:
    """A drill's site is gone when the drill is over; the next one's is another."""
    journal = MemoryJournal()
    forget(journal, aborted(journal))
    assert [] == effects(journal)
    assert {} == begin_run(journal, FREEZES, starter="bo").ledger


def test_a_run_that_adopted_replays_equally(journal: SqliteJournal) -> None:
    """What it adopted is in its own facts."""
    old = aborted(journal)
    new = Tale(plan(), journal=journal, run="bbbb0000", after=(old,)).at_gate().asks("ana", "abort").run
    facts, of = recorded(journal, new.id)
    found = replayed(facts, of, new.id)
    assert (None, len(facts)) == (found.divergence, len(found.facts))
    assert new == found.run


# ---- undo


def steps_of(of: Plan) -> list[tuple[str, str | None]]:
    """Return the steps of a plan that undoes."""
    return [(step.id, step.undoes) for step in of.stages[0].steps]


def test_what_an_ended_run_left_is_undone_last_in_first_out() -> None:
    """All of it, a step, or a stage and what came after; what protects too, for somebody has to lift it."""
    journal = MemoryJournal()
    old = aborted(journal)
    every = [("freeze", "aaaa0000/freeze"), ("throttle", "aaaa0000/throttle")]
    assert every == steps_of(plan_to_undo(old, undoable(journal, old)))
    assert every == steps_of(plan_to_undo(old, undoable(journal, old, stage="contain")))
    assert every[1:] == steps_of(plan_to_undo(old, undoable(journal, old, step="throttle"), reason="calm"))
    for what in ({"stage": "reopen"}, {"step": "unfreeze"}):
        with pytest.raises(NotNow, match="holds nothing of that"):
            plan_to_undo(old, undoable(journal, old, **what))
    for what in ({"stage": "no"}, {"step": "no"}):
        with pytest.raises(UsageError, match="there is no"):
            undoable(journal, old, **what)


def test_such_a_run_adopts_just_what_it_undoes() -> None:
    """It has the ended run's site, locks, providers and people, and the reason in its title."""
    journal = MemoryJournal()
    old = aborted(journal, of=plan(locks=("sign-in",), providers={"edge": {"use": "fake"}}))
    lift = plan_to_undo(old, undoable(journal, old, step="throttle"), reason="calm again")
    assert "Undo what run aaaa0000 (brownout-recovery) left in force: calm again" == lift.title
    assert (old.plan.providers, ("sign-in",), old.plan.people) == (lift.providers, lift.locks, lift.people)
    new = begin_run(journal, lift, starter="ana")
    assert [THROTTLE] == list(new.ledger)
    with pytest.raises(Locked):
        begin_run(journal, plan_to_undo(old, undoable(journal, old)), starter="ana")


def test_what_another_run_holds_by_now_is_not_undone() -> None:
    """Somebody looked, thought about it, and another run began meanwhile: nothing is begun."""
    journal = MemoryJournal()
    old = aborted(journal)
    lift = plan_to_undo(old, undoable(journal, old, step="freeze"))
    begin_run(journal, FREEZES, starter="bo")
    with pytest.raises(NotNow, match="no ended run holds aaaa0000/freeze any more"):
        begin_run(journal, lift, starter="ana")


def test_what_nothing_reverses_stays_and_is_told() -> None:
    """With what it superseded, which cannot be undone while it is there."""
    journal = MemoryJournal()
    plain = replace(CONTAIN, steps=(replace(CONTAIN.steps[0], undo=None), CONTAIN.steps[1]))
    old = aborted(journal, of=plan(plain, *plan().stages[1:-1]))
    what = undoable(journal, old)
    assert (["freeze"], ["throttle"]) == tuple(
        [layer.step.rpartition("/")[2] for layer in side] for side in (what.undone, what.stays)
    )
    with pytest.raises(NotNow, match="aaaa0000/throttle stays in force, for nothing reverses it"):
        plan_to_undo(old, undoable(journal, old, step="throttle"))


def test_steps_of_one_name_are_told_apart() -> None:
    """What two runs left in the same step is undone by two."""
    journal = MemoryJournal()
    aborted(journal)
    other = plan(replace(CONTAIN, steps=(CONTAIN.steps[0],)), *plan().stages[1:2], runbook="another")
    tale = Tale(other, journal=journal, run="bbbb0000").later(1).done().later(90).all_pass().asks("ana", "abort")
    tale.hold.release()
    old = load_run(journal, "bbbb0000")
    lift = plan_to_undo(old, undoable(journal, old, step="throttle"))
    assert [("throttle", "bbbb0000/throttle")] == steps_of(lift)
    first = load_run(journal, "aaaa0000")
    lift = plan_to_undo(first, undoable(journal, first, step="throttle"))
    assert [("throttle", "bbbb0000/throttle"), ("throttle_2", "aaaa0000/throttle")] == steps_of(lift)
    assert CLOSE.steps[0].undoes == "freeze"
