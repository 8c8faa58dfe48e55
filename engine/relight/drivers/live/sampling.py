"""Samples the checks that are watched, and tells each turn of a verdict.

A source is read once for all the watches that it feeds, at once when a watch begins and then at the check's interval.
The judging is the kernel's; its windows live here and begin empty with every driver.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from relight.drivers.live.board import Board
from relight.drivers.live.clock import RunClock
from relight.drivers.live.readings import Reader
from relight.drivers.live.sources import Point, Sources
from relight.drivers.live.tasks import Tasks
from relight.journal.port import Sample as KeptSample
from relight.kernel.inputs import Turned
from relight.kernel.intents import Watch
from relight.kernel.judge import Judge, Sample, Turn, figure_of
from relight.kernel.plan import Check

DETAIL_MAX = 200
"""Characters of a sample's detail that are kept; there are tens of thousands of samples."""
UNKEPT_MAX = 1_000
"""Samples that wait for the next write; a journal that cannot be written to does not fill the memory."""


@dataclass(slots=True)
class _Watched:
    watch: Watch
    check: Check
    judge: Judge


class _Sampler:
    """One source and the watches that it feeds."""

    def __init__(
        self, sources: Sources, interval_ms: int, clock: RunClock, tasks: Tasks, heard: Callable[["_Sampler"], None]
    ) -> None:
        self.watched: dict[str, _Watched] = {}
        self.last: Point | None = None
        self._sources = sources
        self._interval_ms = interval_ms
        self._clock = clock
        self._heard = heard
        self._hurry = asyncio.Event()
        self.task = tasks.begin(self._run())

    def hurry(self) -> None:
        """Read at the next moment that a watch allows: one began that has seen nothing yet."""
        self._hurry.set()

    async def _run(self) -> None:
        while True:
            await self._until(min((each.watch.not_before_t for each in self.watched.values()), default=0))
            self._hurry.clear()
            began_t = self._clock.t()
            point = await self._sources.point()
            if self.last is not None and point.t < self.last.t:
                point = replace(point, t=self.last.t)  # another source, which is a little behind
            self.last = point
            self._heard(self)
            await self._until(began_t + self._interval_ms)

    async def _until(self, t: int) -> None:
        """Wait until the run's clock says *t*, or a new watch is in a hurry."""
        while not self._hurry.is_set() and (left := t - self._clock.t()) > 0:
            try:
                async with asyncio.timeout(left / 1_000):
                    await self._hurry.wait()
            except TimeoutError:
                continue


class Sampling:
    """Everything that is watched in one run."""

    def __init__(
        self, reader: Reader, board: Board, clock: RunClock, tasks: Tasks, tell: Callable[[Turned], None]
    ) -> None:
        self._reader = reader
        self._board = board
        self._clock = clock
        self._tasks = tasks
        self._tell = tell
        self._samplers: dict[str, _Sampler] = {}
        self._of: dict[str, str] = {}
        self._unkept: list[KeptSample] = []

    def watch(self, watch: Watch, check: Check) -> None:
        """Begin to watch *check*."""
        source = _source(check)
        self._of[watch.id] = source
        sampler = self._samplers.get(source)
        if sampler is None:
            sources = Sources(check, self._reader, self._clock)
            sampler = _Sampler(sources, check.interval_ms, self._clock, self._tasks, self._heard)
            self._samplers[source] = sampler
        watched = sampler.watched[watch.id] = _Watched(watch, check, Judge(check, watch))
        last = sampler.last
        if last is not None and last.t >= watch.not_before_t and self._clock.t() - last.t < check.interval_ms:
            self._fold(watched, last)
        elif watch.not_before_t <= self._clock.t():
            sampler.hurry()

    def drop(self, watch: str) -> None:
        """End a watch, and with the last one its sampling."""
        source = self._of.pop(watch, None)
        if source is None:
            return
        sampler = self._samplers[source]
        del sampler.watched[watch]
        if not sampler.watched:
            sampler.task.cancel()
            del self._samplers[source]

    def tick(self) -> None:
        """Let time pass: what was fresh may have become stale."""
        t = self._clock.t()
        for watched in list(self._watched()):
            self._turned(watched, watched.judge.tick(t))

    def samples(self) -> list[KeptSample]:
        """Return the samples since the last call, to be kept beside the chain."""
        unkept, self._unkept = self._unkept, []
        return unkept

    def close(self) -> None:
        """End all of it."""
        for sampler in self._samplers.values():
            sampler.task.cancel()
        self._samplers.clear()
        self._of.clear()

    def _watched(self) -> Iterator[_Watched]:
        for sampler in self._samplers.values():
            yield from sampler.watched.values()

    def _heard(self, sampler: _Sampler) -> None:
        point = sampler.last
        assert point is not None
        for check in {each.check.id: each.check for each in sampler.watched.values()}.values():
            self._keep(check, point)
        for watched in list(sampler.watched.values()):
            self._fold(watched, point)

    def _fold(self, watched: _Watched, point: Point) -> None:
        sample = Sample(t=point.t, kind=point.kind, value=point.value, stamp=point.stamp, detail=point.detail)
        self._turned(watched, watched.judge.fold(sample))

    def _turned(self, watched: _Watched, turn: Turn | None) -> None:
        if turn is None:
            return
        self._tell(turn.told(watched.watch, at=self._clock.at(), t=self._clock.t()))

    def _keep(self, check: Check, point: Point) -> None:
        value, detail = shown_as(check, point)
        self._board.check(check.id, kind=point.kind, value=value, detail=detail, at=point.at, t=point.t)
        if len(self._unkept) < UNKEPT_MAX:
            self._unkept.append(
                KeptSample(check=check.id, use="", at=point.at, t=point.t, kind=point.kind, value=value, detail=detail)
            )


def _source(check: Check) -> str:
    """Return what tells one source from another: checks with other criteria may share one."""
    asked: Any = check.query
    if check.probe is not None:
        asked = [check.probe.provider, check.probe.action, check.probe.args]
    return json.dumps([asked, check.interval_ms, check.max_age_ms], sort_keys=True, default=str)


def shown_as(check: Check, point: Point) -> tuple[float | bool | str | None, str]:
    """Return a data point as views show it: an object as the figure that *check* reads, or else only as its text."""
    value = figure_of(check, point.value)
    if value is None and point.value is not None:
        return None, json.dumps(point.value)[:DETAIL_MAX]
    return value[:DETAIL_MAX] if isinstance(value, str) else value, point.detail[:DETAIL_MAX]
