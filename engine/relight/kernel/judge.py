"""The judge: folds samples into verdicts, as pure as the rest.

A sample is *pass* (``pass_when`` true), *fail* (``fail_when`` true, or, without ``fail_when``, not pass), *neutral*
(neither) or *no data*. Fail wins ties. Only no data is inconclusive, and inconclusive is never a pass.
Drivers own the judges; after a takeover they are new and empty. The kernel sees only turns of a verdict.
"""

import hashlib
from collections import deque
from dataclasses import dataclass
from typing import Literal, TypeAlias

from relight.kernel.facts import Verdict
from relight.kernel.intents import Watch
from relight.kernel.plan import Check, ExpressionFailed

SampleVerdict: TypeAlias = Literal["pass", "fail", "neutral", "none"]

WINDOW_MAX = 20_000
"""Samples remembered in one window; at the shortest interval of 100 ms that is half an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One answer of a source.

    Attributes:
        t: The run's clock when it was read.
        stamp: What identifies the data point at its source (its own time); the same point counts once.
        kind: ``none`` where there was no data, and then *detail* says why.
    """

    t: int
    kind: Literal["value", "none"]
    value: float | bool | str | dict[str, object] | list[object] | None = None
    stamp: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A verdict that changed, with what it rests on."""

    verdict: Verdict
    value: float | bool | str | None
    worst: float | None
    samples: int
    digest: str
    detail: str


class Judge:
    """Judges one watch of one check.

    Attributes:
        verdict: The last verdict; None before the first sample.
        worst: The worst number since the watch began: the one farthest on the failing side.
    """

    __slots__ = (
        "_check",
        "_digest",
        "_fail_since",
        "_first_t",
        "_last",
        "_last_stamp",
        "_last_t",
        "_nones",
        "_points",
        "_watch",
        "count",
        "verdict",
        "worst",
    )

    def __init__(self, check: Check, watch: Watch) -> None:
        self._check = check
        self._watch = watch
        self._points: deque[tuple[int, SampleVerdict]] = deque(maxlen=WINDOW_MAX)
        self._digest = hashlib.sha256()
        self._first_t: int | None = None
        self._last: Sample | None = None
        self._last_stamp = ""
        self._last_t: int | None = None
        self._fail_since: int | None = None
        self._nones = 0
        self.count = 0
        self.verdict: Verdict | None = None
        self.worst: float | None = None

    def fold(self, sample: Sample) -> Turn | None:
        """Take one sample; return the turn if the verdict changed.

        A sample of before the watch's ``not_before_t``, or one that was folded already, changes nothing.
        """
        if sample.t < self._watch.not_before_t:
            return None
        if sample.kind == "value" and sample.stamp and sample.stamp == self._last_stamp:
            return self.tick(sample.t)
        judged, sample = self._judge(sample)
        self._remember(sample, judged)
        return self._turn(self._verdict(sample.t))

    def tick(self, t: int) -> Turn | None:
        """Let time pass: data that is older than the check's ``max_age`` is no data."""
        if self._last_t is None or t - self._last_t <= self._check.max_age_ms:
            return None
        self._last = Sample(t=t, kind="none", detail=f"no fresh data for {(t - self._last_t) / 1000:g}s")
        return self._turn("inconclusive")

    def _judge(self, sample: Sample) -> tuple[SampleVerdict, Sample]:
        if sample.kind == "none":
            return "none", sample
        try:
            judged = judge_value(self._check, sample.value)
        except ExpressionFailed as error:
            return "none", Sample(t=sample.t, kind="none", detail=str(error))
        return judged, sample

    def _remember(self, sample: Sample, judged: SampleVerdict) -> None:
        self._last = sample
        self.count += 1
        self._digest.update(f"{sample.t} {sample.kind} {sample.value!r} {sample.detail}\n".encode())
        if self._first_t is None:
            self._first_t = sample.t
        if judged == "none":
            self._nones += 1
        else:
            self._nones = 0
            self._last_stamp = sample.stamp
            self._last_t = sample.t
            self._note_worst(sample)
            if judged != "fail":
                self._fail_since = None
            elif self._fail_since is None:
                self._fail_since = sample.t
        self._points.append((sample.t, judged))
        while self._points and self._points[0][0] < sample.t - self._watch.for_ms:
            self._points.popleft()

    def _note_worst(self, sample: Sample) -> None:
        value = sample.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        if self.worst is None or self._worse(value, self.worst):
            self.worst = value

    def _worse(self, value: float, than: float) -> bool:
        """Return whether *value* lies farther on the failing side: the side of *than* on which less passes."""
        try:
            up = judge_value(self._check, max(value, than) + abs(max(value, than)) + 1)
            down = judge_value(self._check, min(value, than) - abs(min(value, than)) - 1)
        except ExpressionFailed:
            return value > than
        return value < than if up == "pass" and down != "pass" else value > than

    def _verdict(self, t: int) -> Verdict:
        if self._nones >= self._check.error_limit:
            return "inconclusive"
        if self._nones:
            return "neutral"
        if self._passed(t):
            return "pass"
        if self._fail_since is not None and t - self._fail_since >= self._watch.fail_for_ms:
            return "fail"
        return "neutral"

    def _passed(self, t: int) -> bool:
        if self._watch.for_ms == 0:
            return self._points[-1][1] == "pass"
        if self._first_t is None or t - self._first_t < self._watch.for_ms:
            return False
        passed = sum(1 for _, judged in self._points if judged == "pass")
        return passed >= self._watch.ratio * len(self._points)

    def _turn(self, verdict: Verdict) -> Turn | None:
        if verdict == self.verdict:
            return None
        self.verdict = verdict
        return self.now()

    def now(self) -> Turn:
        """Return the verdict as it stands, with what it rests on."""
        last = self._last
        value = last.value if last is not None and not isinstance(last.value, dict | list) else None
        return Turn(
            verdict=self.verdict or "neutral",
            value=value,
            worst=self.worst,
            samples=self.count,
            digest=self._digest.hexdigest(),
            detail=last.detail if last is not None else "",
        )


def judge_value(check: Check, value: object) -> Literal["pass", "fail", "neutral"]:
    """Return what one value is by the check's criteria; fail wins ties.

    Raises:
        ExpressionFailed: a criterion cannot be evaluated on it.
    """
    scope = {"value": value}
    passed = check.pass_when.value(scope) is True
    if check.fail_when is None:
        return "pass" if passed else "fail"
    if check.fail_when.value(scope) is True:
        return "fail"
    return "pass" if passed else "neutral"
