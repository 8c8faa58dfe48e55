"""Samples the checks that are watched, on the virtual clock; the judging is the production judge's.

As in a live run a source is read once for all the watches that it feeds, at once when a watch begins and then at the
check's interval.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from relight.drivers.rehearsal.clock import Due, VirtualClock
from relight.drivers.rehearsal.scene import Seen
from relight.kernel.inputs import Turned
from relight.kernel.intents import Watch
from relight.kernel.judge import Judge, Sample, judge_value
from relight.kernel.plan import Check, Expression, ExpressionFailed, Json

VERDICTS_MAX = 1_000
"""Values of one criterion whose verdict is remembered: in a calm world there are two, in a simulation they vary."""


@dataclass(slots=True)
class _Watched:
    watch: Watch
    check: Check
    judge: Judge
    settled: bool = False


@dataclass(slots=True)
class _Sampler:
    """One source and the watches that it feeds; while its answer is *steady*, who has judged it is not asked again."""

    check: Check
    watched: dict[str, _Watched] = field(default_factory=dict)
    last: Sample | None = None
    due: Due | None = None
    steady: bool = False


class _Remembering:
    """A criterion that remembers its verdicts: it is asked thousands of times about the same few values."""

    __slots__ = ("_of", "_verdicts", "names", "text")

    def __init__(self, of: Expression) -> None:
        self._of = of
        self.text, self.names = of.text, of.names
        self._verdicts: dict[Any, Json] = {}

    def value(self, scope: Mapping[str, Any]) -> Json:
        """Return what the criterion says."""
        value = scope["value"]
        if not isinstance(value, bool | int | float | str):
            return self._of.value(scope)
        key = (type(value), value)
        if key not in self._verdicts:
            if len(self._verdicts) >= VERDICTS_MAX:
                self._verdicts.clear()
            self._verdicts[key] = self._of.value(scope)
        return self._verdicts[key]


class Sampling:
    """Everything that is watched in a rehearsal."""

    def __init__(self, clock: VirtualClock, ask: Callable[[Check], Seen], tell: Callable[[Turned], None]) -> None:
        self._clock = clock
        self._ask = ask
        self._tell = tell
        self._samplers: dict[str, _Sampler] = {}
        self._of: dict[str, str] = {}
        self._checks: dict[str, Check] = {}
        self._points = 0

    def watch(self, watch: Watch, check: Check) -> None:
        """Begin to watch *check*."""
        source = _source(check)
        self._of[watch.id] = source
        sampler = self._samplers.get(source)
        if sampler is None:
            sampler = self._samplers[source] = _Sampler(check)
        judged = self._remembering(check)
        watched = sampler.watched[watch.id] = _Watched(watch, judged, Judge(judged, watch))
        last, t = sampler.last, self._clock.t
        soonest = max(watch.not_before_t, t)
        if last is not None and last.t >= watch.not_before_t and t - last.t < check.interval_ms:
            self._fold(watched, last)
            soonest = last.t + check.interval_ms
        if sampler.due is None or sampler.due.t > soonest:
            self._read_at(sampler, soonest)

    def drop(self, watch: str) -> None:
        """End a watch, and with the last one its sampling."""
        source = self._of.pop(watch, None)
        if source is None:
            return
        sampler = self._samplers[source]
        del sampler.watched[watch]
        if not sampler.watched:
            if sampler.due is not None:
                sampler.due.cancel()
            del self._samplers[source]

    def close(self) -> None:
        """End all of it: the driver is gone, and its windows with it."""
        for watch in list(self._of):
            self.drop(watch)

    def _remembering(self, check: Check) -> Check:
        known = self._checks.get(check.id)
        if known is None:
            fails = check.fail_when
            known = self._checks[check.id] = replace(
                check,
                pass_when=_Remembering(check.pass_when),
                fail_when=None if fails is None else _Remembering(fails),
            )
        return known

    def _read_at(self, sampler: _Sampler, t: int) -> None:
        if sampler.due is not None:
            sampler.due.cancel()
        sampler.due = self._clock.call_at(t, lambda: self._read(sampler), background=True)

    def _read(self, sampler: _Sampler) -> None:
        t = self._clock.t
        sampler.due = None
        waiting = [each.watch.not_before_t for each in sampler.watched.values() if not each.settled]
        if not waiting or min(waiting) > t:
            self._read_again(sampler, t)
            return
        seen = self._ask(sampler.check)
        self._points += 1
        stamp = seen.stamp or f"#{self._points}"
        if seen.error:
            point = Sample(t=t, kind="none", stamp=stamp, detail=seen.error)
        else:
            point = Sample(t=t - seen.age_ms, kind="value", value=seen.value, stamp=stamp)
        sampler.last, sampler.steady = point, seen.steady
        for watched in list(sampler.watched.values()):
            if not (seen.steady and watched.settled):
                self._fold(watched, point)
                watched.settled = seen.steady and _is_settled(watched, point)
        self._read_again(sampler, t + sampler.check.interval_ms)

    def _read_again(self, sampler: _Sampler, t: int) -> None:
        """Read at *t*, or when the first watch begins that has not judged; not at all where every one has."""
        waiting = [each.watch.not_before_t for each in sampler.watched.values() if not each.settled]
        if waiting:
            self._read_at(sampler, max(t, min(waiting)))

    def _fold(self, watched: _Watched, sample: Sample) -> None:
        turn = watched.judge.fold(sample)
        if turn is not None:
            self._tell(turn.told(watched.watch, at=self._clock.at, t=self._clock.t))


def _is_settled(watched: _Watched, point: Sample) -> bool:
    """Return whether more of the same would never turn the verdict again."""
    if point.t < watched.watch.not_before_t:
        return False
    if point.kind == "none":
        return watched.judge.verdict == "inconclusive"
    try:
        return watched.judge.verdict == judge_value(watched.check, point.value) != "neutral"
    except ExpressionFailed:
        return watched.judge.verdict == "inconclusive"


def _source(check: Check) -> str:
    """Return what tells one source from another; here a script may speak of each check by its name."""
    asked: Any = [check.id, check.probe.args if check.probe is not None else check.query]
    return json.dumps([asked, check.interval_ms], sort_keys=True, default=str)
