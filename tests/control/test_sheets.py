"""A run's facts as a sheet to draw."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from relight.charts import Band, Limit
from relight.control.history import Following
from relight.control.sheets import bands, limits, sheet_of
from relight.kernel.facts import GateAsked, GateOpened, Held, HoldLeft, Paused, RunEnded, StageEntered, StageVerified


def at(kind: Any, seconds: float, stage: str = "", **fields: Any) -> tuple[Any, str]:
    """Return a fact and its stage."""
    named = {"stage": stage} if stage and kind is not RunEnded else {}
    t = round(seconds * 1_000)
    return kind(at=t, t=t, **named, **fields), stage


ASKED = {"ticket": "mend/1", "title": "Mend?", "scope_digest": "d", "expires_t": 900_000}
NIGHT = [
    at(StageEntered, 0, "contain"),
    at(StageVerified, 4, "contain"),
    at(GateAsked, 4, "mend", **ASKED),
    at(GateOpened, 30, "mend", ticket="mend/1", approvers=("ana",)),
    at(StageEntered, 30, "mend"),
    at(Held, 40, "mend", code="step-failed"),
    at(HoldLeft, 55, "mend", code="step-failed", verb="retry", person="ana"),
    at(StageVerified, 60, "mend"),
    at(StageEntered, 60, "reopen"),
]


def test_a_stage_is_a_band_with_its_waits() -> None:
    """From its gate's question to its verdict; gates and holds are what people were waited for."""
    assert bands(NIGHT) == [
        Band(id="contain", from_ms=0, until_ms=4_000, outcome="succeeded"),
        Band(id="mend", from_ms=4_000, until_ms=60_000, outcome="succeeded", waits=((4_000, 30_000), (40_000, 55_000))),
        Band(id="reopen", from_ms=60_000, until_ms=None, outcome="not done"),
    ]


def test_an_unfinished_stage_says_why() -> None:
    """It waits for people until now, or the run ended in it."""
    held = bands([*NIGHT, at(Held, 70, "reopen", code="verify-failed"), at(Paused, 80, person="ana")])
    assert (held[-1].outcome, held[-1].waits) == ("waits for people", ((70_000, None),))
    aborted = bands([*NIGHT, at(Held, 70, "reopen", code="verify-failed"), at(RunEnded, 90, outcome="aborted")])
    assert (aborted[-1].outcome, aborted[-1].waits) == ("aborted", ((70_000, 90_000),))
    assert bands([]) == []


def test_limits_are_those_of_the_checks(tales: ModuleType) -> None:
    """By the query's name, which is the curve's; what is no plain comparison has none."""
    checks = {
        check.id: check
        for check in (
            tales.check("errors", "value < 0.03", query="edge_5xx_ratio"),
            tales.check("sane", "value == 3 || value > 9", query="corrupt_writes"),
        )
    }
    assert limits(tales.plan(checks=checks)) == [Limit(curve="edge_5xx_ratio", value=0.03, good="<")]


def test_a_run_becomes_a_sheet(tales: ModuleType) -> None:
    """Whatever the kernel decides on a whole run can be drawn and told."""
    tale = tales.Tale().ended()
    told = [(event.fact, getattr(event.fact, "stage", "")) for event in Following(tale.journal, tale.id).news()]
    sheet = sheet_of(tale.run.plan, told, outcome=tale.run.state)
    assert [band.id for band in sheet.bands] == [stage.id for stage in tale.run.plan.stages]
    assert {band.outcome for band in sheet.bands} == {"succeeded"}
    assert sheet.moments[-1].t_ms == sheet.end_ms
    assert all(moment.what for moment in sheet.moments)
