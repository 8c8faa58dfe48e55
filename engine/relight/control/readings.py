"""What a run knows of its checks: the last turn of each watch, and the samples taken since."""

from collections.abc import Iterable, Mapping
from typing import Any

from relight.control.wording import criterion, expression_text, instant, limit, unit_of
from relight.journal.port import Sample
from relight.kernel.plan import Check
from relight.kernel.state import Reading, Run
from relight.kernel.watching import guard_id

RECENT_MAX = 24
"""Samples that a sparkline shows: two minutes at the usual interval, and as many columns."""


def check_entry(run: Run, check_id: str, use: str = "") -> dict[str, Any]:
    """Return a check with what the watch *use* last turned to, or else any watch of it."""
    check = run.plan.checks[check_id]
    any_watch = run.checks.get(check_id)
    turned = run.readings.get(use) if use else any_watch
    # A watch that begins has no verdict yet, but what others last read of the check is still the newest value.
    read = turned or any_watch
    return {
        "id": check_id,
        "verdict": None if turned is None else turned.verdict,
        "value": None if read is None else read.value,
        "worst": None if turned is None else turned.worst,
        "since": None if turned is None else instant(turned.at),
        "at": None if read is None else instant(read.at),
        "detail": "" if turned is None else turned.detail,
        "criterion": criterion(_text(check), unit_of(check.query)),
        "limit": limit(_text(check)),
        "unit": unit_of(check.query),
        "watch": use,
    }


def guard_entries(run: Run) -> list[dict[str, Any]]:
    """Return every guard: a check that is watched all the time."""
    return [
        check_entry(run, guard.check, guard_id(guard.check))
        | {
            "breached": guard.check in run.breached,
            "breach_after_s": guard.breach_after_ms / 1_000,
            "on_breach": guard.on_breach,
        }
        for guard in run.plan.guards
    ]


def with_samples(document: dict[str, Any], live: Mapping[str, Any], samples: Iterable[Sample]) -> dict[str, Any]:
    """Put the newest samples beside every check of a status document: a turn is old news by the time it is read."""
    by_check: dict[str, list[Sample]] = {}
    for sample in samples:
        by_check.setdefault(sample.check, []).append(sample)
    board = live.get("checks", {})
    for entry in _check_entries(document):
        last = board.get(entry["id"])
        if last and (entry["at"] is None or (instant(last["at"]) or "") >= entry["at"]):
            entry["value"], entry["at"] = last.get("value"), instant(last["at"])
            entry["detail"] = last.get("detail") or entry["detail"]
        taken = _own(by_check.get(entry["id"], []), entry.get("watch", ""))
        if taken:
            entry["recent"] = [[sample.value, sample.kind] for sample in taken[-RECENT_MAX:]]
        if entry["watch"] and entry["verdict"] is not None:
            own = [sample.value for sample in taken if sample.use == entry["watch"]]
            entry["worst"] = _worst(entry, [*own, entry["value"]])
    return document


def _worst(entry: Mapping[str, Any], values: list[Any]) -> float | None:
    """Return the worst value since the watch began: its last turn may be old, the samples are not."""
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    known = entry["worst"]
    if entry["limit"] is None or not numbers:
        return known if isinstance(known, int | float) else None
    if isinstance(known, int | float):
        numbers.append(known)
    return min(numbers) if entry["criterion"].startswith(">") else max(numbers)


def _own(samples: list[Sample], use: str) -> list[Sample]:
    """Return the samples of that watch; where it has none, those of the check, each data point once."""
    own = [sample for sample in samples if sample.use == use]
    if own:
        return own
    once: dict[int, Sample] = {}
    for sample in samples:
        once.setdefault(sample.at, sample)
    return list(once.values())


def _check_entries(document: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for stage in document["stages"]:
        yield from stage["checks"]
        for step in stage["steps"]:
            yield from step.get("ramp", {}).get("checks", ())
    yield from document["guards"]
    yield from document["checks"]
    for gate in (document["waiting_on"], document["gate"]):
        if gate is not None:
            yield from gate.get("require", ())
            yield from gate.get("show", ())


def all_checks(run: Run) -> list[dict[str, Any]]:
    """Return every check of the plan with its newest turn, whoever watches it."""
    return [check_entry(run, check_id) for check_id in run.plan.checks]


def newest(readings: Iterable[Reading]) -> Reading | None:
    """Return the reading that was turned last."""
    return max(readings, key=lambda reading: reading.t, default=None)


def _text(check: Check) -> str:
    return expression_text(check.pass_when).removeprefix("${{ ").removesuffix(" }}")
