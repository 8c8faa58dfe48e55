"""How much of a run is left, by what its stages and steps took before: the estimate of whoever asks when it is over.

What people take is in no range, so it is in no estimate: a gate opens when somebody opens it.
"""

from collections.abc import Mapping
from typing import Any

from relight.control.durations import Range
from relight.control.wording import from_instant

_OVER = frozenset({"succeeded", "skipped"})
_BEGUN = frozenset({"running", "verifying", "held"})

_Figures = tuple[float, float, float]


def remaining(document: Mapping[str, Any], now: int) -> dict[str, Any] | None:
    """Return what is left of a run as documents have a range; None where some of it was never seen.

    Args:
        document: ``relight.run/v1``, with what its steps and stages took before.
        now: Wall milliseconds.
    """
    ahead = [stage for stage in document["stages"] if stage["state"] not in _OVER]
    known = [stage["usual"] for stage in ahead]
    if not ahead or document["undoing"] is not None or document["aborting"] or None in known:
        return None
    parts = [_left_of(stage, now) for stage in ahead]
    low, middle, high = (round(sum(each) * 1_000) for each in zip(*parts, strict=True))
    return Range(low, middle, high, min(each["runs"] for each in known), known[0]["source"]).document()


def _left_of(stage: Mapping[str, Any], now: int) -> _Figures:
    whole = _figures(stage["usual"])
    if stage["state"] not in _BEGUN:
        return whole
    # What a stage takes beside its steps are its checks: they come last.
    checks = whole
    left = 0.0, 0.0, 0.0
    for step in stage["steps"]:
        usual = _figures(step["usual"])
        checks = _less(checks, usual)
        if step["state"] == "running":
            left = _more(left, _less(usual, (_seconds_since(step["started_at"], now),) * 3))
        elif step["state"] == "pending":
            left = _more(left, usual)
    if stage["state"] == "verifying":
        ends = [step["ended_at"] for step in stage["steps"] if step.get("ended_at")]
        checks = _less(checks, (_seconds_since(max(ends, default=None), now),) * 3)
    return _more(left, checks)


def _figures(usual: Mapping[str, Any] | None) -> _Figures:
    return (0.0, 0.0, 0.0) if usual is None else (usual["low_s"], usual["median_s"], usual["high_s"])


def _less(all_of_it: _Figures, some: _Figures) -> _Figures:
    low, middle, high = (max(0.0, first - second) for first, second in zip(all_of_it, some, strict=True))
    return low, middle, high


def _more(first: _Figures, second: _Figures) -> _Figures:
    low, middle, high = (one + other for one, other in zip(first, second, strict=True))
    return low, middle, high


def _seconds_since(text: str | None, now: int) -> float:
    then = from_instant(text)
    return 0.0 if then is None else max(0, now - then) / 1_000
