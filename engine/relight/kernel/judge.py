"""The judge: folds samples into verdicts, as pure as the rest.

A sample is *pass* (``pass_when`` true), *fail* (``fail_when`` true, or, without ``fail_when``, not pass), *neutral*
(neither) or *no data*. Fail wins ties. Only no data is inconclusive, and inconclusive is never a pass.
Drivers own the judges; after a takeover they are new and empty. The kernel sees only turns of a verdict.
"""

import hashlib
import math
from collections import deque
from typing import Literal, TypeAlias

from relight.frozen import frozen
from relight.kernel.facts import Verdict
from relight.kernel.inputs import Turned
from relight.kernel.intents import Watch
from relight.kernel.plan import Check, ExpressionFailed

SampleVerdict: TypeAlias = Literal["pass", "fail", "neutral", "none"]

WINDOW_MAX = 20_000
"""Samples remembered in one window; at the shortest interval of 100 ms that is half an hour."""

STAMPS_MAX = 16
"""Data points remembered by their stamp: several sources that answer in turn, each a few points behind the other."""


@frozen
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


@frozen
class Turn:
    """A verdict that changed, with what it rests on."""

    verdict: Verdict
    value: float | bool | str | None
    worst: float | None
    samples: int
    digest: str
    detail: str

    def told(self, watch: Watch, *, at: int, t: int) -> Turned:
        """Return the input that tells the kernel of it."""
        return Turned(
            at=at,
            t=t,
            use=watch.id,
            check=watch.check,
            verdict=self.verdict,
            value=self.value,
            worst=self.worst,
            samples=self.samples,
            digest=self.digest,
            detail=self.detail,
        )


class Judge:
    """Judges one watch of one check.

    Attributes:
        verdict: The last verdict; None before the first sample.
        worst: The worst number since the watch began: the one farthest on the failing side.
        count: How many data points were folded.
    """

    __slots__ = (
        "_began_t",
        "_check",
        "_digest",
        "_fail_since",
        "_fresh_t",
        "_last",
        "_nones",
        "_passes",
        "_patience_ms",
        "_points",
        "_since",
        "_stamps",
        "_watch",
        "_worse_is_less",
        "count",
        "verdict",
        "worst",
    )

    def __init__(self, check: Check, watch: Watch) -> None:
        self._check = check
        self._watch = watch
        # Who is asked once a minute is not stale after twenty seconds.
        self._patience_ms = max(check.max_age_ms, 2 * check.interval_ms)
        self._points: deque[tuple[int, bool]] = deque()
        self._passes = 0
        self._digest = hashlib.sha256()
        self._began_t: int | None = None
        self._since = 0
        self._fresh_t: int | None = None
        self._last: Sample | None = None
        self._stamps: deque[str] = deque(maxlen=STAMPS_MAX)
        self._fail_since: int | None = None
        self._nones = 0
        self._worse_is_less: bool | None = None
        self.count = 0
        self.verdict: Verdict | None = None
        self.worst: float | None = None

    def fold(self, sample: Sample) -> Turn | None:
        """Take one sample; return the turn if the verdict changed.

        A sample of before the watch's ``not_before_t``, or one that was folded already, changes nothing.
        """
        if sample.t < self._watch.not_before_t:
            return None
        if sample.kind == "value" and sample.stamp and sample.stamp in self._stamps:
            return self.tick(sample.t)
        judged, sample = self._judge(sample)
        self._remember(sample, judged)
        return self._turn(self._verdict(sample.t, judged))

    def tick(self, t: int) -> Turn | None:
        """Let time pass: where nothing new came for longer than the check's ``max_age``, there is no data."""
        if t < self._watch.not_before_t:
            return None
        if self._began_t is None:
            self._began_t = t
        silent_ms = t - (self._fresh_t if self._fresh_t is not None else self._began_t)
        if silent_ms <= self._patience_ms:
            return None
        self._last = Sample(t=t, kind="none", detail=f"no fresh data for {silent_ms / 1000:g}s")
        return self._turn("inconclusive")

    def now(self) -> Turn:
        """Return the verdict as it stands, with what it rests on."""
        last = self._last
        return Turn(
            verdict=self.verdict or "neutral",
            value=figure_of(self._check, last.value) if last is not None else None,
            worst=self.worst,
            samples=self.count,
            digest=self._digest.hexdigest(),
            detail=last.detail if last is not None else "",
        )

    # ---- one sample

    def _judge(self, sample: Sample) -> tuple[SampleVerdict, Sample]:
        """Return what a sample is; a number that is none, and what the criteria cannot work on, are no data."""
        if sample.kind == "none":
            return "none", sample
        if isinstance(sample.value, float) and not math.isfinite(sample.value):
            return "none", Sample(t=sample.t, kind="none", detail=f"{sample.value} is no number")
        try:
            return judge_value(self._check, sample.value), sample
        except ExpressionFailed as error:
            return "none", Sample(t=sample.t, kind="none", detail=str(error))

    def _remember(self, sample: Sample, judged: SampleVerdict) -> None:
        self._last = sample
        self.count += 1
        self._digest.update(f"{sample.t} {sample.kind} {sample.value!r} {sample.detail}\n".encode())
        if self._began_t is None:
            self._began_t = sample.t
        if judged == "none":
            self._nones += 1
        else:
            self._data(sample, judged)
        self._points.append((sample.t, judged == "pass"))
        self._passes += judged == "pass"
        while len(self._points) > WINDOW_MAX or self._points[0][0] < sample.t - self._watch.for_ms:
            self._passes -= self._points.popleft()[1]

    def _data(self, sample: Sample, judged: SampleVerdict) -> None:
        if self._fresh_t is None or sample.t - self._fresh_t > self._patience_ms:
            self._since = sample.t  # what came before a silence covers nothing after it
        self._nones = 0
        self._fresh_t = sample.t
        if sample.stamp:
            self._stamps.append(sample.stamp)
        self._note_worst(sample)
        if judged != "fail":
            self._fail_since = None
        elif self._fail_since is None:
            self._fail_since = sample.t

    def _note_worst(self, sample: Sample) -> None:
        value = figure_of(self._check, sample.value) if self._check.reads else sample.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        if self._worse_is_less is None:
            self._worse_is_less = _less_is_worse(self._check, value)
        pick = min if self._worse_is_less else max
        self.worst = value if self.worst is None else pick(self.worst, value)

    # ---- the verdict

    def _verdict(self, t: int, judged: SampleVerdict) -> Verdict:
        if self._nones >= self._check.error_limit:
            return "inconclusive"
        if judged == "none" and self.verdict in ("inconclusive", "fail"):
            return self.verdict  # no data neither heals what failed nor gives back sight
        if self._passed(t):
            return "pass"
        if judged == "fail" and self._fail_since is not None and t - self._fail_since >= self._watch.fail_for_ms:
            return "fail"
        return "neutral"

    def _passed(self, t: int) -> bool:
        """Return whether the last ``for_ms`` are covered by samples, and enough of them passed."""
        if self._watch.for_ms and (self._fresh_t is None or t - self._since < self._watch.for_ms):
            return False
        return self._passes >= max(self._watch.ratio * len(self._points), 1)

    def _turn(self, verdict: Verdict) -> Turn | None:
        if verdict == self.verdict:
            return None
        self.verdict = verdict
        return self.now()


def _less_is_worse(check: Check, value: float) -> bool:
    """Return whether the failing side of a criterion is below: far above passes, and far below does not."""
    far = 1e12 + abs(value) * 2
    try:
        return judge_value(check, _answer(check, far)) == "pass" and judge_value(check, _answer(check, -far)) != "pass"
    except ExpressionFailed:
        return False


def figure_of(check: Check, value: object) -> float | bool | str | None:
    """Return what people are shown of a sample: of a probe's answer what its criteria read, or else its ``value``."""
    for key in (check.reads or ("value",)) if isinstance(value, dict) else ():
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, bool | int | float | str) else None


def _answer(check: Check, number: float) -> object:
    """Return an answer of the check's probe in which its criteria read *number*; a query's answer is the number."""
    answer: object = number
    for key in reversed(check.reads):
        answer = {key: answer}
    return answer


def worst_of(check: Check, one: float | None, other: float | None) -> float | None:
    """Return the worse of two values of a check, as far as they are known."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other) if _less_is_worse(check, one) else max(one, other)


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
