"""``relight report`` and ``relight runs --steps``, as a person calls them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from relight.control.durations import keep_durations
from relight.journal.sqlite import SqliteJournal

Relight = Callable[..., Any]


@pytest.fixture
def ended(tales: ModuleType, journal: SqliteJournal) -> Any:
    """A run that succeeded, in the journal at home."""
    return tales.Tale(journal=journal).ended()


def test_a_report_is_markdown_on_standard_output(relight: Relight, ended: Any) -> None:
    """The last run where none is unfinished, and it says which."""
    said = relight("report")
    assert 0 == said.code
    assert said.out.startswith("# brownout-recovery at prod-eu: succeeded after ")
    assert f"this is the last one, {ended.id}" in said.err
    assert "## Where the time went" in said.out
    assert said.out == relight("report", "7f3", "--format", "markdown").out


def test_the_unfinished_run_is_meant_first(relight: Relight, ended: Any, tales: ModuleType) -> None:
    """Like every verb that reads."""
    tales.Tale(journal=ended.journal, run="aa11bb22").at_gate()
    said = relight("report")
    assert "waiting, not over" in said.out
    assert "" == said.err


def test_a_page_is_written_to_a_file(relight: Relight, ended: Any, tmp_path: Path) -> None:
    """And where it is goes to standard error; --format html writes the same to standard output."""
    page = tmp_path / "night.html"
    said = relight("report", ended.id, "--html", str(page), "--no-rehearsal")
    assert (0, "") == (said.code, said.out)
    assert str(page) in said.err
    assert page.read_text().startswith("<!doctype html>")
    assert relight("report", ended.id, "--format", "html").out.startswith("<!doctype html>")


def test_a_program_gets_the_document(relight: Relight, ended: Any, tmp_path: Path) -> None:
    """``relight.report/v1``, with the page beside it where that is asked for."""
    page = tmp_path / "night.html"
    document = json.loads(relight("report", ended.id, "-o", "json", "--html", str(page)).out)
    assert ("relight.report/v1", ended.id, "succeeded") == (document["schema"], document["run"], document["state"])
    assert page.exists()
    assert ended.id == json.loads(relight("report", ended.id, "-o", "jsonl").out)["run"]


def test_a_site_that_is_gone_has_nothing_to_compare_with(relight: Relight, ended: Any) -> None:
    """The report says so, and is a report all the same; without asking for it none is missed."""
    document = json.loads(relight("report", ended.id, "-o", "json").out)
    assert document["rehearsal"] is None
    assert "the site prod-eu is not there any more" in document["rehearsal_missing"]
    document = json.loads(relight("report", ended.id, "-o", "json", "--no-rehearsal").out)
    assert "no simulation of the site is at hand" == document["rehearsal_missing"]


def test_wrong_words_are_said_to_be_wrong(relight: Relight, ended: Any, tmp_path: Path) -> None:
    """A run that is not there, a file that cannot be written, options that exclude each other."""
    assert (2, True) == ((said := relight("report", "zzz")).code, "no run starts with 'zzz'" in said.err)
    assert (2, True) == (
        (said := relight("report", ended.id, "--html", str(tmp_path / "no" / "x"))).code,
        "cannot be written: No such file or directory" in said.err,
    )
    assert 2 == relight("report", ended.id, "--html", str(tmp_path)).code
    assert 2 == relight("report", ended.id, "--html", "x", "--format", "markdown").code
    assert 2 == relight("report", ended.id, "--format", "html", "-o", "json").code
    assert 2 == relight("report", ended.id, "--format", "pdf").code
    assert not Path("x").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_not_be_written(relight: Relight, ended: Any, tmp_path: Path) -> None:
    """One sentence, and the file as it was."""
    page = tmp_path / "mine.html"
    page.write_text("mine")
    page.chmod(0o400)
    assert 2 == relight("report", ended.id, "--html", str(page)).code
    assert "mine" == page.read_text()


def test_without_any_run_there_is_nothing_to_report(relight: Relight, journal: SqliteJournal) -> None:
    """It says what would start one; without a journal the same as every command."""
    said = relight("report")
    assert (2, True) == (said.code, "no run is unfinished" in said.err)


def test_without_a_journal_there_is_none(relight: Relight) -> None:
    """One sentence and its code."""
    assert (9, 9) == (relight("report").code, relight("runs", "--steps", "mend").code)


def test_steps_are_listed_with_middle_and_spread(relight: Relight, ended: Any) -> None:
    """Made from the facts where nothing was kept, with the number of runs."""
    said = relight("runs", "--steps", "brownout-recovery")
    assert 0 == said.code
    assert "brownout-recovery at prod-eu" in said.out
    row = next(line for line in said.out.splitlines() if line.strip().startswith("undeploy"))
    assert ["undeploy", "0:30", "0:30", "to", "0:30", "1", "run", "deploy.rollback"] == row.split()
    document = json.loads(relight("runs", "--steps", "brownout-recovery", "--site", "prod-eu", "-o", "json").out)
    assert ("relight.durations/v1", [ended.id]) == (document["schema"], document["runs"])
    found = next(each for each in document["steps"] if each["id"] == "undeploy")
    assert (30.0, 30.0, 30.0, 1) == tuple(found[key] for key in ("low_s", "median_s", "high_s", "runs"))


def test_steps_of_what_never_ended_are_not_guessed(relight: Relight, journal: SqliteJournal, tales: ModuleType) -> None:
    """It says that nobody knows, and what would tell."""
    tales.Tale(journal=journal).at_gate()
    said = relight("runs", "--steps", "brownout-recovery")
    assert (0, True) == (said.code, "nobody knows how long it takes" in said.out)


def test_steps_of_what_is_not_there(relight: Relight, ended: Any) -> None:
    """The runbooks and sites that there are are named."""
    said = relight("runs", "--steps", "brown")
    assert (2, True) == (said.code, "runs are of: brownout-recovery" in said.err)
    said = relight("runs", "--steps", "brownout-recovery", "--site", "lab")
    assert (2, True) == (said.code, "it was at: prod-eu" in said.err)
    assert 2 == relight("runs", "--site", "lab").code


def test_the_view_says_how_long_it_will_take(relight: Relight, ended: Any, tales: ModuleType) -> None:
    """With its evidence beside the step; where nobody knows, that."""
    tales.Tale(journal=ended.journal, run="aa11bb22").at_gate()
    assert "nobody knows" in relight("status", "aa").out
    keep_durations(ended.journal, ended.id)
    said = relight("status", "aa").out
    assert "deploy.rollback service=auth to=previous, 30s (1 run)" in said
    assert "nobody knows" not in said


def test_a_running_step_says_how_long_it_took_before(relight: Relight, ended: Any, tales: ModuleType) -> None:
    """Whole, on 80 columns; a run that is over says nothing of it."""
    keep_durations(ended.journal, ended.id)
    tale = tales.Tale(journal=ended.journal, run="aa11bb22").at_gate().turns("edge_errors", "pass", 0.008)
    tale.asks("ana", "approve", ticket=tale.run.ticket.id)
    said = relight("status", "aa").out
    row = next(line for line in said.splitlines() if line.strip().startswith("> undeploy"))
    assert "of 30s (1 run)" in row
    assert len(row) <= 80
    assert "(1 run)" not in relight("status", ended.id).out


def test_the_plan_says_how_long_it_took_before(relight: Relight, home: Path) -> None:
    """In words and in its document; where nothing was ever run it says that nobody knows."""
    said = relight("plan", "brownout-recovery", "--site", "practice")
    assert "time        nobody knows: no run and no rehearsal of it here" in said.out
    document = json.loads(relight("plan", "brownout-recovery", "--site", "practice", "-o", "json").out)
    assert document["usual"] is None
    SqliteJournal(home / "journal.db").close()
    assert 0 == relight("rehearse", "brownout-recovery", "--site", "practice").code
    document = json.loads(relight("plan", "brownout-recovery", "--site", "practice", "-o", "json").out)
    warm = next(step for stage in document["stages"] for step in stage["steps"] if step["id"] == "warm")
    assert ("rehearsal", 0) == (warm["usual"]["source"], warm["usual"]["runs"])
    assert warm["usual"]["says"].endswith("(rehearsed)")
    assert "REHEARSED, not run" in relight("runs", "--steps", "brownout-recovery", "--site", "practice").out
