"""What the run costs the people outside: how much of each surface's error budget went since it began.

The site's own figures tell it, sampled all the time and folded into minutes in which everything would have failed.
Nothing is decided by it; it stands on the board, for views, and a driver that takes over goes on from there.
"""

import asyncio
import math
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from relight.drivers.live.board import Board
from relight.drivers.live.clock import RunClock
from relight.drivers.live.readings import Reader
from relight.drivers.live.sources import Sources
from relight.kernel.plan import Check, Json

INTERVAL_MS = 5_000
GAP_MS_MAX = 60_000
"""Over a longer time without data nobody knows what it cost, and it is not guessed."""


@dataclass(frozen=True, slots=True)
class _Unjudged:
    """The criterion of what is only added up."""

    text: str = "true"
    names: frozenset[str] = frozenset()

    def value(self, _scope: Mapping[str, Any]) -> Json:
        return True


class Spending:
    """One surface's share of failures, added up over time."""

    def __init__(self, surface: Mapping[str, Any], spent_ms: float = 0.0) -> None:
        self.budget_ms = float(surface["window_ms"]) * (1 - float(surface["objective"]) / 100)
        self.spent_ms = spent_ms
        self._last_t: int | None = None

    def add(self, ratio: float, t: int) -> None:
        """Take note that at *t* (ms) that share failed, and did since the last time."""
        if self._last_t is not None and 0 < t - self._last_t <= GAP_MS_MAX:
            self.spent_ms += min(max(ratio, 0.0), 1.0) * (t - self._last_t)
        self._last_t = t if self._last_t is None else max(t, self._last_t)


def budgets(
    surfaces: Mapping[str, Any], reader: Reader, board: Board, clock: RunClock, before: Mapping[str, Any]
) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what keeps each surface's budget on the board; *before* is what the last driver had put there."""
    for name, surface in surfaces.items():
        spending = Spending(surface, float(before.get(name, {}).get("spent_ms", 0.0)))
        if name in before:
            # A driver that is gone before it has seen a figure must not take with it what the others had counted.
            board.budget(name, **before[name])
        check = Check(id=name, query=surface["error_ratio"], pass_when=_Unjudged())
        yield _keep(name, spending, Sources(check, reader, clock), board, clock)


async def _keep(name: str, spending: Spending, sources: Sources, board: Board, clock: RunClock) -> None:
    while True:
        point = await sources.point()
        known = isinstance(point.value, int | float) and not isinstance(point.value, bool)
        if point.kind == "value" and known and math.isfinite(float(point.value)):  # type: ignore[arg-type]
            spending.add(float(point.value), clock.t())  # type: ignore[arg-type]
            board.budget(name, spent_ms=round(spending.spent_ms), budget_ms=round(spending.budget_ms), at=clock.at())
        await asyncio.sleep(INTERVAL_MS / 1_000)
