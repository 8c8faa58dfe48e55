"""The queue of what follows a sign-in: its history, which must not be lost, and greetings, which may grow stale."""

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field

from relight_practice.parts.part import Orders, Part
from relight_practice.wire import Client, Fields, Request, Response, Unreachable, json_response

TICK_S = 0.05
BATCH_MAX = 100


@dataclass(frozen=True, slots=True)
class Item:
    """One job."""

    kind: str
    user: str
    at: float


@dataclass(slots=True)
class Backlog:
    """Jobs in order, and the breaker that stops their release when too many fail.

    History of a user whose session is corrupt cannot be written; such a job goes to the back of the queue.
    """

    window: int
    failures_max: int
    items: deque[Item] = field(default_factory=deque)
    set_aside: list[Item] = field(default_factory=list)
    outcomes: deque[bool] = field(default_factory=deque)

    def take(self, count: int, now: float, stale_s: float | None) -> list[Item]:
        """Take the next jobs; greetings older than *stale_s* are set aside on the way, history never is."""
        taken: list[Item] = []
        while self.items and len(taken) < count:
            item = self.items.popleft()
            if item.kind != "history" and stale_s is not None and now - item.at > stale_s:
                self.set_aside.append(item)
            else:
                taken.append(item)
        return taken

    def settle(self, taken: list[Item], failed: set[int]) -> bool:
        """Put failed jobs back behind the others and say whether the breaker opens."""
        for index, item in enumerate(taken):
            self.outcomes.append(index not in failed)
            if index in failed:
                self.items.append(item)
        while len(self.outcomes) > self.window:
            self.outcomes.popleft()
        return self.outcomes.count(False) >= self.failures_max

    def oldest_s(self, now: float) -> float:
        """Return the age of the oldest job."""
        return now - min((item.at for item in self.items), default=now)


class Queue(Part):
    """Releases jobs at a bounded rate; its breaker sets the rate to 0, and only an order starts it again."""

    def __init__(self, orders: Orders) -> None:
        super().__init__(orders)
        self._store = Client(orders.ports["store"], timeout_s=5.0)
        self._backlog = Backlog(self.shape.breaker_window, self.shape.breaker_failures)
        self._rate: float | None = self.shape.queue_rate
        self._stale_s: float | None = None
        self._tripped = False
        self._credit = 0.0
        registry = self.registry
        self._added = registry.counter("queue_added_total", "jobs that came in", kind=("history", "greeting"))
        self._done = registry.counter("queue_done_total", "jobs done", kind=("history", "greeting"))
        self._failed = registry.counter("queue_failed_total", "jobs that failed and went to the back")
        registry.gauge("queue_depth", "jobs that wait", lambda: float(len(self._backlog.items)))
        registry.gauge("queue_set_aside", "jobs too old to do", lambda: float(len(self._backlog.set_aside)))
        registry.gauge("queue_oldest_seconds", "age of the oldest job", lambda: self._backlog.oldest_s(self._now()))
        registry.gauge(
            "queue_max_rate", "jobs released a second", lambda: math.inf if self._rate is None else self._rate
        )
        self.route("POST", "/jobs/*", self._add)
        self.route("GET", "/-/queue", self._read)
        self.route("PUT", "/-/queue", self._order)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def _add(self, request: Request) -> Response:
        user = request.path[len("/jobs/") :]
        kinds = ["history"] + (["greeting"] if self.dice.random() < self.shape.greeting_share else [])
        for kind in kinds:
            self._backlog.items.append(Item(kind, user, self._now()))
            self._added.add(kind=kind)
        return Response(200)

    async def _read(self, request: Request) -> Response:
        return json_response(
            {
                "depth": len(self._backlog.items),
                "max_rate": "none" if self._rate is None else self._rate,
                "drop_older_than": None if self._stale_s is None else self._stale_s * self.shape.pace,
                "set_aside": len(self._backlog.set_aside),
                "oldest_s": round(self._backlog.oldest_s(self._now()), 1),
                "breaker": "open" if self._tripped else "closed",
                "done": int(self._done.get(kind="history")),
                "added": int(self._added.get(kind="history")),
            }
        )

    async def _order(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        rate = fields.rate("max_rate") if fields.has("max_rate") else self._rate
        stale_s = self._stale_s
        if fields.has("drop_older_than"):
            # The order speaks of practice time; jobs age in real time.
            stale_s = fields.number("drop_older_than") / self.shape.pace
        fields.done()
        self._rate, self._stale_s = rate, stale_s
        if rate != 0:
            self._tripped = False
            self._backlog.outcomes.clear()
        return await self._read(request)

    async def live(self) -> None:
        """Release jobs."""
        before = self._now()
        while True:
            await asyncio.sleep(TICK_S)
            now = self._now()
            if self._rate is None:
                self._credit = float(BATCH_MAX)
            else:
                # A pause leaves no credit for a burst: at most a tick's worth, or one job.
                self._credit = min(self._credit + (now - before) * self._rate, max(1.0, self._rate * 2 * TICK_S))
            before = now
            taken = self._backlog.take(min(BATCH_MAX, int(self._credit)), now, self._stale_s)
            if taken:
                self._credit -= len(taken)
                await self._do(taken)

    async def _do(self, taken: list[Item]) -> None:
        history = [index for index, item in enumerate(taken) if item.kind == "history"]
        try:
            reply = await self._store.post("/history", {"users": [taken[index].user for index in history]})
            failed = {history[place] for place in reply.json()["refused"]}
        except Unreachable:
            failed = set(history)
        for index, item in enumerate(taken):
            if index in failed:
                self._failed.add()
            else:
                self._done.add(kind=item.kind)
        if self._backlog.settle(taken, failed):
            self._rate, self._tripped = 0.0, True
