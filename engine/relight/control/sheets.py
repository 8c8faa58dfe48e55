"""What a run or a rehearsal gives to draw: stages as bands, the limits of checks, and what happened in words."""

from collections.abc import Iterable, Sequence

from relight.charts import Band, Curve, Limit, Moment, Sheet, limit_from
from relight.control.history import QUIET
from relight.control.sentences import sentence
from relight.kernel.facts import (
    AnyFact,
    EffectInForce,
    GateAsked,
    GateDenied,
    GateExpired,
    GateOpened,
    Held,
    HoldLeft,
    RunEnded,
    StageEntered,
    StageSkipped,
    StageVerified,
)
from relight.kernel.plan import Plan

_UNSAID = (*QUIET, EffectInForce)
"""Facts that say nothing new to people."""


class _Stage:
    def __init__(self, stage: str, from_ms: int) -> None:
        self.id = stage
        self.from_ms = from_ms
        self.until_ms: int | None = None
        self.outcome = ""
        self.waits: list[tuple[int, int | None]] = []
        self.waits_since: int | None = None

    def waits_for_people(self, t: int) -> None:
        self.waits_since = t if self.waits_since is None else self.waits_since

    def goes_on(self, t: int) -> None:
        if self.waits_since is not None:
            self.waits.append((self.waits_since, t))
        self.waits_since = None

    def band(self, end_ms: int, ended: str) -> Band:
        now = "waits for people" if self.waits_since is not None else "not done"
        if ended:
            self.goes_on(end_ms)
        elif self.waits_since is not None:
            self.waits.append((self.waits_since, None))
        return Band(
            id=self.id,
            from_ms=self.from_ms,
            until_ms=self.until_ms,
            outcome=self.outcome or ended or now,
            waits=tuple(self.waits),
        )


def sheet_of(
    plan: Plan,
    told: Iterable[tuple[AnyFact, str]],
    *,
    outcome: str,
    curves: Sequence[Curve] = (),
    title: str = "",
    note: str = "",
    rows: Sequence[tuple[str, str]] = (),
) -> Sheet:
    """Return everything there is to draw.

    Args:
        plan: What was carried out.
        told: The facts in order, each with the stage that the run was in.
        outcome: How it ended, in words.
        curves: What was measured; those called like a query get the limit of the check that asks it.
        title: What it is called; the runbook at the site, if that is left out.
        note: What kind of history it is, in a line.
        rows: What it cost, in words.
    """
    history = list(told)
    return Sheet(
        title=title or f"{plan.runbook} at {plan.site}",
        outcome=outcome,
        note=note,
        bands=bands(history),
        moments=[
            Moment(t_ms=fact.t, what=sentence(fact), stage=stage, step="")
            for fact, stage in history
            if not isinstance(fact, _UNSAID)
        ],
        curves=curves,
        limits=limits(plan),
        rows=rows,
    )


def bands(told: Sequence[tuple[AnyFact, str]]) -> list[Band]:
    """Return each stage that was begun: when, until when, and when it waited for people."""
    stages: dict[str, _Stage] = {}
    ended = ""
    for fact, named in told:
        if isinstance(fact, RunEnded):
            ended = fact.outcome
        if not named:
            continue
        stage = stages.setdefault(named, _Stage(named, fact.t))
        match fact:
            case GateAsked() | Held():
                stage.waits_for_people(fact.t)
            case GateOpened() | GateDenied() | GateExpired() | HoldLeft() | StageEntered():
                stage.goes_on(fact.t)
            case StageVerified() | StageSkipped():
                stage.goes_on(fact.t)
                stage.until_ms = fact.t
                stage.outcome = "succeeded" if isinstance(fact, StageVerified) else "skipped"
            case _:
                pass
    end_ms = told[-1][0].t if told else 0
    return [stage.band(end_ms, ended) for stage in stages.values()]


def limits(plan: Plan) -> list[Limit]:
    """Return the limits of the checks that ask a query and compare its value with a number."""
    found = []
    for check in plan.checks.values():
        if check.query is not None:
            limit = limit_from(str(check.query.get("name", "")), check.pass_when.text)
            if limit is not None:
                found.append(limit)
    return found
