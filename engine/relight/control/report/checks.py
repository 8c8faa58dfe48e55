"""Checks against their thresholds: what was sampled, the worst of it, and how often verdicts turned."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from relight.charts import Curve, Limit, limit_from, thinned
from relight.control.readings import check_entry
from relight.control.report.history import Told
from relight.control.times import seconds
from relight.control.wording import unit_of
from relight.journal.port import Sample
from relight.kernel.facts import CheckTurned
from relight.kernel.plan import Check

GAP_INTERVALS = 4
"""Intervals without a sample after which a curve is broken: nobody knows what was in between."""
GAP_MS_MIN = 10_000


class Line(NamedTuple):
    """The samples of one check as a curve to draw."""

    name: str
    title: str
    unit: str
    points: tuple[tuple[int, float | None], ...]


def check_documents(told: Told) -> list[dict[str, Any]]:
    """Return every check that was watched, in the order of the plan."""
    turns: dict[str, list[CheckTurned]] = {}
    for entry in told.entries:
        if isinstance(entry.fact, CheckTurned):
            turns.setdefault(entry.fact.check, []).append(entry.fact)
    samples = _by_check(told.samples)
    checks = told.run.plan.checks
    seen = [check for check in checks.values() if check.id in turns or check.id in samples]
    return [_check(told, check, turns.get(check.id, []), samples.get(check.id, [])) for check in seen]


def _check(told: Told, check: Check, turns: list[CheckTurned], samples: list[Sample]) -> dict[str, Any]:
    known = check_entry(told.run, check.id)
    limit = limit_of(check)
    points = _points(check, samples, told.run.plan.pace)
    values = [(t, value) for t, value in points if value is not None]
    worst = _worst(values, turns, limit)
    blind = [sample for sample in samples if sample.kind != "value"]
    return {
        "id": check.id,
        "criterion": known["criterion"],
        "limit": known["limit"],
        "good": None if limit is None else limit.good,
        "unit": known["unit"],
        "verdict": turns[-1].verdict if turns else None,
        "value": values[-1][1] if values else known["value"],
        "worst": None if worst is None else worst[1],
        "worst_t_s": None if worst is None else seconds(worst[0]),
        "turns": [{"t_s": seconds(t.t), "verdict": t.verdict, "value": t.value, "watch": t.use} for t in turns],
        "samples": len(samples),
        "without_data": len(blind),
        "without_data_why": blind[-1].detail or blind[-1].kind if blind else "",
        "outside": None if limit is None else sum(not limit.holds(value) for _, value in values),
        "points": [[seconds(t), value] for t, value in thinned(points, max(told.end_t, 1_000))],
    }


def limit_of(check: Check) -> Limit | None:
    """Return the limit that a check's criterion draws, None where it is no plain comparison."""
    return limit_from(check.id, check.pass_when.text)


def lines_of(documents: Iterable[Mapping[str, Any]]) -> list[Curve]:
    """Return what there is to draw of the checks in a report."""
    drawn: list[Curve] = []
    for each in documents:
        points = tuple((round(t * 1_000), value) for t, value in each["points"])
        if sum(value is not None for _, value in points) > 1:
            drawn.append(Line(each["id"], each["id"], "share" if each["unit"] == "%" else "count", points))
    return drawn


def limits_of(documents: Iterable[Mapping[str, Any]]) -> list[Limit]:
    """Return the limits of the checks in a report that have one to draw."""
    return [Limit(curve=each["id"], value=each["limit"], good=each["good"]) for each in documents if each["good"]]


def unit(check: Check) -> str:
    """Return ``%`` for a check of a share."""
    return unit_of(check.query)


def _by_check(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """Return each data point once, whoever watched it."""
    found: dict[str, dict[int, Sample]] = {}
    for sample in samples:
        found.setdefault(sample.check, {}).setdefault(sample.at, sample)
    return {check: sorted(by_at.values(), key=lambda sample: (sample.t, sample.at)) for check, by_at in found.items()}


def _points(check: Check, samples: Iterable[Sample], pace: float) -> list[tuple[int, float | None]]:
    """Return the curve, broken where there was no data or nobody looked."""
    gap_ms = max(GAP_MS_MIN / max(pace, 1), GAP_INTERVALS * check.interval_ms / max(pace, 1))
    points: list[tuple[int, float | None]] = []
    for sample in samples:
        value = sample.value if sample.kind == "value" else None
        number = float(value) if isinstance(value, int | float) and value == value else None
        if points and sample.t - points[-1][0] > gap_ms and points[-1][1] is not None:
            points.append((points[-1][0] + 1, None))
        points.append((sample.t, number))
    return points


def _worst(values: list[tuple[int, float]], turns: list[CheckTurned], limit: Limit | None) -> tuple[int, float] | None:
    """Return the worst value that is known and when; what turned before the oldest sample counts too."""
    if limit is None:
        return None
    known = [*values, *((turn.t, turn.worst) for turn in turns if turn.worst is not None)]
    if not known:
        return None
    pick = max if limit.below else min
    worst = pick(value for _, value in known)
    return next(each for each in known if each[1] == worst)
