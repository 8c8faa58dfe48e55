"""Which run is meant."""

from __future__ import annotations

import pytest

from relight.control.finding import find_run, only_unfinished, short_name
from relight.errors import UsageError
from relight.journal.memory import MemoryJournal
from relight.journal.port import Row


def journal_of(*runs: str, ended: tuple[str, ...] = ()) -> MemoryJournal:
    journal = MemoryJournal()
    for number, run in enumerate(runs):
        row = Row(
            run=run,
            runbook="brownout-recovery",
            site="prod-eu",
            state="succeeded" if run in ended else "running",
            started_at=1_763_850_250_000 + number,
            ended_at=1 if run in ended else None,
            starter="ana",
            seq=0,
        )
        journal.create(row, [])
    return journal


def test_a_unique_prefix_names_a_run() -> None:
    """An id or any unique beginning of it is enough, and a whole id is never ambiguous."""
    journal = journal_of("7f3a", "7f3ab", "9c1d")
    assert find_run(journal, "9").run == "9c1d"
    assert find_run(journal, " 9c1d ").run == "9c1d"
    assert find_run(journal, "7f3a").run == "7f3a"


def test_an_ambiguous_prefix_names_the_candidates() -> None:
    """Whoever gave too little is shown what it could have meant."""
    with pytest.raises(UsageError, match="2 runs start with '7f'") as refusal:
        find_run(journal_of("7f3a", "7f9b", "9c1d"), "7f")
    assert "7f3a (brownout-recovery on prod-eu, running" in refusal.value.message
    assert "7f9b" in refusal.value.message
    assert "9c1d" not in refusal.value.message


def test_an_unknown_prefix_names_what_there_is() -> None:
    """Whoever gave a wrong name is shown the newest right ones; an empty one is no name."""
    with pytest.raises(UsageError, match="no run starts with 'x'") as refusal:
        find_run(journal_of("7f3a"), "x")
    assert "7f3a" in refusal.value.hint
    with pytest.raises(UsageError):
        find_run(journal_of("7f3a"), "")
    with pytest.raises(UsageError) as refusal:
        find_run(journal_of(), "x")
    assert "no runs yet" in refusal.value.hint


def test_the_only_unfinished_run_needs_no_name() -> None:
    """One unfinished run is meant; none or several are told."""
    assert only_unfinished(journal_of("7f3a", "9c1d", ended=("7f3a",))).run == "9c1d"
    with pytest.raises(UsageError, match="2 runs are unfinished"):
        only_unfinished(journal_of("7f3a", "9c1d"))
    with pytest.raises(UsageError, match="no run is unfinished") as refusal:
        only_unfinished(journal_of("7f3a", ended=("7f3a",)))
    assert "7f3a" in refusal.value.hint


def test_a_short_name_is_unique() -> None:
    """People are given the shortest name, of three characters at least, that is good for one run alone."""
    journal = journal_of("7f3ab1", "7f3ac2", "9c1d00")
    assert short_name(journal, "7f3ab1") == "7f3ab"
    assert short_name(journal, "9c1d00") == "9c1"
