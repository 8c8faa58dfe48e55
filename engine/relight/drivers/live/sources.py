"""One data point of a check: from its probe, or from the first of its query's sources that has a fresh one.

Sources are asked in their order; one that lets us wait does not keep the next from being asked.
A value is a value only if it is a finite number, young enough, and carried by enough volume.
"""

import asyncio
import math
from collections.abc import Mapping
from typing import Any, Literal

from relight.drivers.live.clock import RunClock
from relight.drivers.live.readings import Reader
from relight.frozen import frozen
from relight.kernel.plan import Check, Json, Use
from relight.sdk.capabilities import METRIC_QUERY

HEDGE_S = 1.0
"""How long a silent source keeps the next one waiting: longer than a healthy one takes, shorter than a person would."""
SOURCE_S = 5.0
"""How long a source may take; the interval of most checks."""
PROBE_S = 10.0


@frozen
class Point:
    """A data point, or why there is none (*kind* ``none``); *stamp* tells it from the next one."""

    t: int
    at: int
    stamp: str
    kind: Literal["value", "none"]
    value: Json = None
    detail: str = ""


class Sources:
    """Where the data points of one check come from."""

    def __init__(self, check: Check, reader: Reader, clock: RunClock) -> None:
        self._check = check
        self._reader = reader
        self._clock = clock
        self._count = 0

    async def point(self) -> Point:
        """Return the newest data point."""
        if self._check.probe is not None:
            return await self._probe(self._check.probe)
        query = self._check.query or {}
        asked: list[asyncio.Task[Point]] = []
        try:
            for source in query.get("sources", ()):
                asked.append(asyncio.create_task(self._ask(str(source), query)))
                fresh = await _first_value(asked, HEDGE_S)
                if fresh is not None:
                    return fresh
            fresh = await _first_value(asked, None)
            if fresh is not None:
                return fresh
            why = "; ".join(dict.fromkeys(task.result().detail for task in asked))
            return self._none(why or f"the query {query.get('name', '')} has no sources")
        finally:
            for task in asked:
                task.cancel()

    async def _probe(self, use: Use) -> Point:
        answer = await self._reader.read(use, use.args, PROBE_S)
        if answer.error:
            return self._none(answer.error)
        return self._value(answer.value, stamp=self._own_stamp(), age_ms=0)

    async def _ask(self, source: str, query: Mapping[str, Any]) -> Point:
        metric = await self._metric(source, str(query.get("promql", "")))
        if isinstance(metric, str):
            return self._none(f"{source}: {metric}")
        age_ms = self._age_ms(metric)
        if age_ms > self._check.max_age_ms:
            return self._none(f"{source}: stale, {age_ms / 1_000:.0f} s old")
        volume = query.get("min_volume")
        if volume:
            too_little = await self._too_little(source, volume)
            if too_little:
                return self._none(f"{source}: {too_little}")
        stamp = f"{source}@{metric['at']}" if metric.get("at") is not None else self._own_stamp()
        return self._value(metric["value"], stamp=stamp, age_ms=age_ms)

    async def _too_little(self, source: str, volume: Mapping[str, Any]) -> str:
        metric = await self._metric(source, str(volume["promql"]))
        if isinstance(metric, str):
            return f"volume: {metric}"
        if metric["value"] < volume["at_least"]:
            return f"volume {metric['value']:g} is below {volume['at_least']:g}"
        return ""

    async def _metric(self, source: str, promql: str) -> dict[str, Any] | str:
        """Return a metric that has a value, or why there is none."""
        use = Use(capability=METRIC_QUERY.name, provider=source, action=METRIC_QUERY.name)
        answer = await self._reader.read(use, {"promql": promql}, SOURCE_S)
        if answer.error:
            return f"error: {answer.error}"
        metric = answer.value
        if not isinstance(metric, dict):
            return "error: the answer is no metric"
        if metric.get("kind") != "value":
            return f"{metric.get('kind')}: {metric.get('detail') or 'no value'}"
        value = metric.get("value")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return f"nan: the value is {value!r}"
        return metric

    def _age_ms(self, metric: Mapping[str, Any]) -> int:
        at = metric.get("at")
        # A source whose clock is ahead of ours does not make its data younger than now.
        return max(0, self._clock.at() - round(at * 1_000)) if isinstance(at, int | float) else 0

    def _own_stamp(self) -> str:
        self._count += 1
        return f"#{self._count}"

    def _value(self, value: Json, *, stamp: str, age_ms: int) -> Point:
        return Point(t=self._clock.t() - age_ms, at=self._clock.at() - age_ms, stamp=stamp, kind="value", value=value)

    def _none(self, detail: str) -> Point:
        stamp = self._own_stamp()
        return Point(t=self._clock.t(), at=self._clock.at(), stamp=stamp, kind="none", detail=detail)


async def _first_value(asked: list[asyncio.Task[Point]], within_s: float | None) -> Point | None:
    """Return the first value that comes, or None when all have answered without one or the time is over."""
    loop = asyncio.get_running_loop()
    deadline = None if within_s is None else loop.time() + within_s
    while True:
        for task in asked:
            if task.done() and task.result().kind == "value":
                return task.result()
        open_tasks = [task for task in asked if not task.done()]
        left = None if deadline is None else deadline - loop.time()
        if not open_tasks or (left is not None and left <= 0):
            return None
        await asyncio.wait(open_tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
