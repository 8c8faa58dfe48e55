"""Rehearsal against reality: a night at the practice site, told as if it were real, beside itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from relight import shipped
from relight.control.durations import keep_rehearsed, range_of, usual
from relight.control.planning import planned_or_raise
from relight.control.rehearsing import Played
from relight.control.report import in_simulation_of, report_document, report_markdown
from relight.errors import UsageError
from relight.journal.codec import encode
from relight.journal.memory import MemoryJournal
from relight.journal.port import Batch, Row
from relight.kernel.plan import Plan
from relight.runbook.plan import prepare_plan
from relight.runbook.source import Source, source_from_bytes
from relight.sdk.registry import Registry

SITE = """\
site: lab
schema: relight/v1
environment: staging
people: [{id: me, roles: [incident-commander], os: me}]
"""


def practice_site() -> Source:
    """Return the practice site on paper, as the command line has it."""
    from relight.cli.practice import on_paper

    return on_paper("brownout-recovery")


@pytest.fixture(scope="module")
def night() -> Played:
    """The shipped recovery, played in the simulation."""
    origin = practice_site()
    made = planned_or_raise(prepare_plan(shipped.runbook("brownout-recovery"), origin, {}, starter="you"))
    return in_simulation_of(origin, Registry())(made, "you")


@pytest.fixture
def journal(night: Played) -> MemoryJournal:
    """A journal in which that night was a real run."""
    journal = MemoryJournal()
    facts = [told.fact for told in night.rehearsed.told]
    bodies = [encode(fact, run="rehearsal", seq=n, epoch=0 if n == 1 else 1) for n, fact in enumerate(facts, 1)]
    row = Row(
        run="rehearsal",
        runbook=night.plan.runbook,
        site=night.plan.site,
        state="succeeded",
        started_at=facts[0].at,
        ended_at=None,
        starter="you",
        seq=1,
    )
    journal.create(row, bodies[:1])
    hold = journal.drive("rehearsal", "d1", facts[-1].at + 10**9, facts[0].at)
    batch = Batch(
        run="rehearsal", epoch=1, first_seq=2, kinds_and_bodies=bodies[1:], state="succeeded", ended_at=facts[-1].at
    )
    assert [None] == journal.append([batch])
    hold.release()
    return journal


def report(journal: MemoryJournal, night: Played, rehearse: Any = None) -> dict[str, Any]:
    """Return the report of that run, compared with the night, or as *rehearse* would have it."""
    return report_document(journal, "rehearsal", rehearse=rehearse or (lambda _plan, _starter: night), at=0)


def test_a_night_beside_itself_has_no_difference(journal: MemoryJournal, night: Played) -> None:
    """Every stage was rehearsed as it really was; the plan is the run's own."""
    compared = report(journal, night)["rehearsal"]
    assert (True, "succeeded", "simulation") == (compared["same_plan"], compared["state"], compared["world"])
    assert [stage.id for stage in night.plan.stages] == [each["id"] for each in compared["stages"]]
    assert [0.0] * len(compared["stages"]) == [each["difference_s"] for each in compared["stages"]]
    assert compared["planned_s"] == compared["real_s"] > 60
    assert {"planned": 0, "real": 0} == compared["step_backs"]


def test_it_is_the_runs_own_plan_that_is_played(journal: MemoryJournal, night: Played) -> None:
    """With its inputs, as its starter; from the journal alone, without the documents of then."""
    asked: list[tuple[Plan, str]] = []

    def rehearse(plan: Plan, starter: str) -> Played:
        asked.append((plan, starter))
        return night

    report(journal, night, rehearse)
    ((plan, starter),) = asked
    assert (night.plan.digest, "you") == (plan.digest, starter)


def test_the_words_say_both(journal: MemoryJournal, night: Played) -> None:
    """How the rehearsal ended and how it really did."""
    text = report_markdown(report(journal, night))
    assert "The same plan played in the site's simulation, seed 7: succeeded after " in text
    assert "; really succeeded after " in text
    assert "| contain | 0:" in text


def test_without_a_simulation_it_says_why_not(journal: MemoryJournal, night: Played, tmp_path: Path) -> None:
    """A site of another name, one that is broken, one without a simulation: a report all the same."""
    other = source_from_bytes("lab", SITE.encode())
    for site, why in (
        (other, "is of another site"),
        (source_from_bytes("x", b"site: [}"), "invalid"),
        (source_from_bytes("p", SITE.replace("lab", "practice").encode()), "asks for no simulation"),
    ):
        found = report(journal, night, in_simulation_of(site, Registry()))
        assert found["rehearsal"] is None
        assert why in found["rehearsal_missing"]
        assert f"Not compared: {found['rehearsal_missing']}." in report_markdown(found)


def test_a_rehearsal_from_end_to_end_is_kept_as_an_estimate(night: Played) -> None:
    """What a script made go wrong, and what nobody simulated, is none."""
    from dataclasses import replace

    for other in (replace(night, name="forced"), replace(night, simulation=None)):
        empty = MemoryJournal()
        keep_rehearsed(empty, other)
        assert not usual(empty, night.plan.runbook, night.plan.site).steps
    journal = MemoryJournal()
    keep_rehearsed(None, night)
    keep_rehearsed(journal, night)
    known = usual(journal, night.plan.runbook, night.plan.site)
    warm = next(step for stage in night.plan.stages for step in stage.steps if step.id == "warm")
    found = range_of(known, warm)
    assert found is not None
    assert ("rehearsal", True) == (found.source, found.words.endswith("(rehearsed)"))


def test_a_wrong_site_is_an_error_of_usage(night: Played) -> None:
    """One sentence for whoever asked."""
    with pytest.raises(UsageError, match="another site"):
        in_simulation_of(source_from_bytes("lab", SITE.encode()), Registry())(night.plan, "me")
