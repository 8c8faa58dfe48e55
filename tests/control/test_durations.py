"""What the steps of a runbook took before."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from relight.control import durations as d
from relight.control.history import load_run
from relight.control.showing import document_of
from relight.control.times import times_of
from relight.errors import JournalError, UsageError
from relight.journal.codec import decode
from relight.journal.memory import MemoryJournal
from relight.journal.port import Journal, Kept


def several(tales: ModuleType, journal: Journal, *seconds: int) -> None:
    """Tell runs that end one after the other; freezing takes so long in each."""
    for number, each in enumerate(seconds):
        tale = tales.Tale(tales.plan(tales.CONTAIN), journal=journal, run=f"run{number:03}")
        tale.later(1).done().later(each).done().later(20).all_pass()
        assert tale.run.outcome == "succeeded"


def test_a_record_has_the_machines_time_of_what_succeeded(tales: ModuleType) -> None:
    """Nothing that people took is in it, nor a step that a person settled."""
    tale = tales.Tale().at_gate().turns("edge_errors", "pass", 0.001)
    tale.later(300).asks("ana", "approve", ticket=tale.run.ticket.id).later(5).lost()
    tale.later(60).asks("ana", "mark", subject="undeploy", value="done")
    times = times_of(decode(record.body) for record in tale.journal.records(tale.id))
    kept = d.record_of(times)
    assert {"throttle": ["admission.throttle", 1_000], "freeze": ["deploy.freeze", 1_000]} == kept["steps"]
    assert {"contain": 22_000, "roll-back": 5_000} == kept["stages"]
    assert None is kept["whole"]


def test_the_middle_and_the_spread(tales: ModuleType) -> None:
    """Of a few all count; the newest twenty are looked at."""
    journal = MemoryJournal()
    several(tales, journal, 240, 120, 130)
    known = d.usual_mended(journal, "brownout-recovery", "prod-eu")
    found = d.range_of(known, tales.CONTAIN.steps[1])
    assert found is not None
    assert (120_000, 130_000, 240_000, 3) == found[:4]
    assert "2-4m (3 runs)" == found.words
    assert 3 == len(known.runs)


def test_a_view_folds_nothing(tales: ModuleType) -> None:
    """What is not kept is not known, until somebody who may take a moment makes it from the facts."""
    journal = MemoryJournal()
    several(tales, journal, 240)
    assert d.NOTHING == d.usual(journal, "brownout-recovery", "prod-eu")
    d.keep_durations(journal, "run000")
    assert ("run000",) == d.usual(journal, "brownout-recovery", "prod-eu").runs
    assert d.NOTHING == d.usual(journal, "brownout-recovery", "prod-eu", without="run000")
    assert d.NOTHING == d.usual(journal, "brownout-recovery", "lab")


def test_no_more_are_kept_than_count(tales: ModuleType) -> None:
    """The oldest are let go of."""
    journal = MemoryJournal()
    several(tales, journal, *range(1, d.RUNS_MAX + 4))
    d.usual_mended(journal, "brownout-recovery", "prod-eu")
    for number in range(3):
        d.keep_durations(journal, f"run{number:03}")
    assert d.RUNS_MAX == len(journal.kept(d.shelf_of("brownout-recovery", "prod-eu"), 0))


def test_a_run_that_is_not_over_is_no_evidence(tales: ModuleType) -> None:
    """Nor one that nobody knows."""
    tale = tales.Tale().at_gate()
    d.keep_durations(tale.journal, tale.id)
    d.keep_durations(tale.journal, "nobody")
    assert d.NOTHING == d.usual_mended(tale.journal, "brownout-recovery", "prod-eu")


def test_another_action_of_that_name_is_another_step(tales: ModuleType) -> None:
    """A step is known by its name and by what it calls."""
    journal = MemoryJournal()
    several(tales, journal, 60)
    known = d.usual_mended(journal, "brownout-recovery", "prod-eu")
    changed = tales.CONTAIN.steps[1]
    other = d.range_of(known, type(changed)(id="freeze", kind="action", use=tales.use("shell.run")))
    assert (None, True) == (other, d.range_of(known, changed) is not None)


def test_the_fastest_and_the_slowest_tenth_are_left_out() -> None:
    """One night that went wrong does not make every range useless."""
    kept = [("r", {"at": n, "steps": {"a": ["x", n]}, "stages": {}, "whole": None}) for n in range(1, 21)]
    found = d._ranges(kept).steps["a x"]
    assert (3, round(10.5), 18, 20) == found[:4]


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (100, 900, "<1s (6 runs)"),
        (500, 4_000, "1s to 4s (6 runs)"),
        (4_000, 4_100, "4s (6 runs)"),
        (120_000, 240_000, "2-4m (6 runs)"),
        (50_000, 240_000, "50s to 4m (6 runs)"),
        (7_200_000, 9_000_000, "2h00 to 2h30 (6 runs)"),
    ],
)
def test_a_range_in_words(low: int, high: int, says: str) -> None:
    """With what it rests on."""
    said = d.Range(low, low, high, 6).words
    assert says.replace("1s to 4s", "1-4s") == said


def test_rehearsed_is_said_to_be_rehearsed() -> None:
    """It stands in where no run tells, and is never called a run."""
    journal = MemoryJournal()
    body = {"v": 1, "at": 5, "steps": {"freeze": ["deploy.freeze", 3_000]}, "stages": {"contain": 4_000}, "whole": 9}
    journal.keep(Kept(shelf=d.rehearsals_shelf("mend", "lab"), name="last", at=5, body=body))
    known = d.usual(journal, "mend", "lab")
    assert ("3s (rehearsed)", True, ()) == (known.steps["freeze deploy.freeze"].words, known.rehearsed, known.runs)
    document = d.durations_document(known, "mend", "lab")
    assert ("rehearsal", 0) == (document["source"], document["steps"][0]["runs"])


def test_what_another_version_kept_is_as_if_it_were_missing(tales: ModuleType) -> None:
    """It is made anew from the facts."""
    journal = MemoryJournal()
    several(tales, journal, 60)
    for body in ({"v": 99}, {"v": d.VERSION, "steps": {}}):
        journal.keep(Kept(shelf=d.shelf_of("brownout-recovery", "prod-eu"), name="run000", at=1, body=body))
        assert d.NOTHING == d.usual(journal, "brownout-recovery", "prod-eu")
        assert d.usual_mended(journal, "brownout-recovery", "prod-eu").runs


def test_a_journal_that_keeps_nothing_keeps_nobody_from_a_plan(
    tales: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full shelf, or a record that makes no sense, costs the estimate and nothing else."""
    journal = MemoryJournal()
    several(tales, journal, 60)

    def full(_thing: Kept, *, only_new: bool = False) -> bool:
        raise JournalError("the shelf is full")

    monkeypatch.setattr(journal, "keep", full)
    assert d.NOTHING == d.usual_mended(journal, "brownout-recovery", "prod-eu")


def test_a_gate_says_how_long_each_step_will_take(tales: ModuleType) -> None:
    """With its evidence; None where nobody knows, and nothing of it once the run is over."""
    journal = MemoryJournal()
    earlier = tales.Tale(journal=journal, run="earlier1").ended()
    d.keep_durations(journal, earlier.id)
    tale = tales.Tale(journal=journal).at_gate()
    document: dict[str, Any] = document_of(journal, load_run(journal, tale.id))
    (will,) = document["gate"]["will"]
    assert "30s (1 run)" == will["usual"]["says"]
    assert "30s (1 run)" == document["stages"][1]["steps"][0]["usual"]["says"]
    lonely = tales.Tale().at_gate()
    document = document_of(lonely.journal, load_run(lonely.journal, lonely.id))
    assert [None] == [each["usual"] for each in document["gate"]["will"]]
    assert "usual" not in document_of(journal, load_run(journal, earlier.id))


def test_the_sites_of_a_runbook(tales: ModuleType) -> None:
    """One that was never run is named with those that were."""
    tale = tales.Tale().ended()
    assert ["prod-eu"] == d.sites_of(tale.journal, "brownout-recovery")
    with pytest.raises(UsageError) as wrong:
        d.sites_of(tale.journal, "brown")
    assert "runs are of: brownout-recovery" == wrong.value.hint
    with pytest.raises(UsageError) as empty:
        d.sites_of(MemoryJournal(), "brown")
    assert "this journal has no runs yet" == empty.value.hint
