"""Fetching every part's numbers at a steady beat."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from relight_practice.metrics.exposition import parse
from relight_practice.metrics.registry import Labels
from relight_practice.metrics.series import GONE, Database
from relight_practice.wire import Client, Unreachable

TIMEOUT_S = 2.0
"""Longer than a beat: on a loaded machine a late scrape is better than a hole."""


@dataclass(frozen=True, slots=True)
class Target:
    """One process to scrape."""

    job: str
    port: int

    @property
    def labels(self) -> Labels:
        """The labels that every series of it carries."""
        return (("instance", f"127.0.0.1:{self.port}"), ("job", self.job))


@dataclass(slots=True)
class Scraper:
    """Scrapes what *targets* lists, one loop for each, into the database."""

    database: Database
    targets: Callable[[], Iterable[Target]]
    every_s: float
    clock: Callable[[], float] = time.time
    _known: dict[Target, set[tuple[str, Labels]]] = field(default_factory=dict)
    _loops: dict[Target, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Scrape until cancelled; targets come and go with nodes."""
        try:
            while True:
                wanted = set(self.targets())
                for target in wanted - self._loops.keys():
                    self._loops[target] = asyncio.create_task(self._watch(target))
                for target in self._loops.keys() - wanted:
                    self._loops.pop(target).cancel()
                    self._forget(target, self.clock())
                    self.database.append("up", target.labels, self.clock(), GONE)
                await asyncio.sleep(self.every_s)
        finally:
            for task in self._loops.values():
                task.cancel()

    async def _watch(self, target: Target) -> None:
        client = Client(target.port, timeout_s=TIMEOUT_S)
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while True:
                await self.scrape(target, client)
                due = max(due + self.every_s, loop.time())
                await asyncio.sleep(due - loop.time())
        finally:
            client.close()

    async def scrape(self, target: Target, client: Client) -> None:
        """Scrape one target once; what it no longer shows is marked gone, and so is everything if it is silent."""
        now = self.clock()
        try:
            reply = await client.get("/metrics")
            samples = list(parse(reply.body.decode())) if reply.status == 200 else None
        except (Unreachable, ValueError):
            samples = None
        self.database.append("up", target.labels, now, 0.0 if samples is None else 1.0)
        if samples is None:
            self._forget(target, now)
            return
        shown: set[tuple[str, Labels]] = set()
        for name, labels, value in samples:
            key = (name, tuple(sorted((*labels, *target.labels))))
            shown.add(key)
            self.database.append(*key, now, value)
        for name, labels in self._known.get(target, set()) - shown:
            self.database.append(name, labels, now, GONE)
        self._known[target] = shown

    def _forget(self, target: Target, now: float) -> None:
        for name, labels in self._known.pop(target, set()):
            self.database.append(name, labels, now, GONE)
