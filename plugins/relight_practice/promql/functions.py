"""What PromQL makes of the samples in a range."""

import math
from collections.abc import Callable, Sequence

from relight_practice.metrics.series import Sample


def _extrapolated(
    samples: Sequence[Sample], start: float, end: float, *, counter: bool, per_second: bool
) -> float | None:
    """Return the growth over the whole range, extrapolated from the samples to its edges as Prometheus does."""
    if len(samples) < 2:
        return None
    first, last = samples[0], samples[-1]
    growth = last[1] - first[1]
    if counter:
        before = first[1]
        for _, value in samples:
            if value < before:
                growth += before
            before = value
    sampled = last[0] - first[0]
    average = sampled / (len(samples) - 1)
    # Further than this from the edge, the series is taken to begin or end half a step outside its samples.
    threshold = average * 1.1
    to_start, to_end = first[0] - start, end - last[0]
    if to_start >= threshold:
        to_start = average / 2
    if counter and growth > 0 and first[1] >= 0:
        to_start = min(to_start, sampled * (first[1] / growth))
    if to_end >= threshold:
        to_end = average / 2
    factor = (sampled + to_start + to_end) / sampled
    return growth * (factor / (end - start) if per_second else factor)


def _rate(samples: Sequence[Sample], start: float, end: float) -> float | None:
    return _extrapolated(samples, start, end, counter=True, per_second=True)


def _increase(samples: Sequence[Sample], start: float, end: float) -> float | None:
    return _extrapolated(samples, start, end, counter=True, per_second=False)


def _delta(samples: Sequence[Sample], start: float, end: float) -> float | None:
    return _extrapolated(samples, start, end, counter=False, per_second=False)


def _irate(samples: Sequence[Sample], _start: float, _end: float) -> float | None:
    if len(samples) < 2:
        return None
    (before_at, before), (at, value) = samples[-2:]
    return (value if value < before else value - before) / (at - before_at)


RATES: dict[str, Callable[[Sequence[Sample], float, float], float | None]] = {
    "rate": _rate,
    "increase": _increase,
    "delta": _delta,
    "irate": _irate,
}


def _skipping_nan(choose: Callable[[Sequence[float]], float]) -> Callable[[Sequence[float]], float]:
    return lambda values: choose([value for value in values if not math.isnan(value)] or [math.nan])


OVER_TIME: dict[str, Callable[[Sequence[float]], float]] = {
    "sum_over_time": math.fsum,
    "avg_over_time": lambda values: math.fsum(values) / len(values),
    "min_over_time": _skipping_nan(min),
    "max_over_time": _skipping_nan(max),
    "count_over_time": lambda values: float(len(values)),
    "last_over_time": lambda values: values[-1],
}
