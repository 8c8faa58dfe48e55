"""The people: residents who are signed in all day, a crowd that wants in, and machines at the API."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from relight_practice.parts.part import Orders, Part
from relight_practice.shape import RELOADS_MAX, VISIT_PAGES
from relight_practice.wire import Client, Fields, Reply, Request, Response, Unreachable, json_response

ANSWER_PATIENCE_S = 4.0
BEHIND_MAX_S = 1.0
"""Arrivals do not wait for answers, but after a stall of the whole machine not all of them come at once."""
T = TypeVar("T")

NOBODY_ANSWERED = Reply(599, {}, b"")


class People(Part):
    """Makes the load, open-loop: who comes depends on the day, not on how well the last one was served."""

    def __init__(self, orders: Orders) -> None:
        super().__init__(orders)
        self._edge = Client(orders.ports["edge"], timeout_s=ANSWER_PATIENCE_S)
        self._surge = 0.0
        self._busy: set[str] = set()
        self._locked_out: set[str] = set()
        self._worst = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        registry = self.registry
        self._asked = registry.counter("people_asked_total", "people who came to sign in")
        self._in = registry.counter("people_in_total", "people who got in")
        self._gave_up = registry.counter("people_gave_up_total", "people who gave up")
        self._turned_away = registry.counter("people_not_sent_total", "people not sent: too many waited already")
        self._attempts = registry.counter("people_attempts_total", "sign-ins tried, with every retry")
        registry.gauge("people_locked_out", "people who were refused and still want in", lambda: float(self._now_out()))
        registry.gauge("people_locked_out_worst", "the most at any time", lambda: float(self._worst))
        registry.gauge("people_surge", "arrivals a second above everyday", lambda: self._surge)
        self.route("GET", "/-/people", self._read)
        self.route("PUT", "/-/people", self._order)

    def _now_out(self) -> int:
        return len(self._locked_out)

    async def live(self) -> None:
        """Come and go until the end."""
        for number in range(self.shape.residents):
            self._start(self._resident(f"u{number}"))
        try:
            await asyncio.gather(
                self._arrivals(lambda: self.shape.demand + self._surge, self._newcomer),
                self._arrivals(lambda: self.shape.api_rate, self._machine),
            )
        finally:
            for task in self._tasks:
                task.cancel()

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _arrivals(self, rate: Callable[[], float], arrive: Callable[[], Coroutine[Any, Any, None]]) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + self.dice.expovariate(rate()), loop.time() - BEHIND_MAX_S)
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            self._start(arrive())

    async def _ask(self, method: str, target: str) -> Reply:
        try:
            return await self._edge.request(method, target)
        except Unreachable:
            return NOBODY_ANSWERED

    async def _pause(self, shortest_s: float, longest_s: float) -> None:
        await asyncio.sleep(self.dice.uniform(shortest_s, longest_s))

    # ---- what people do

    async def _resident(self, user: str) -> None:
        signing_in: asyncio.Task[bool] | None = None
        await self._pause(0, self.shape.visit_s)
        while True:
            # An open page goes on asking who we are, also while we try to sign in again.
            reply = await self._ask("GET", f"/me?u={user}")
            if reply.status == 401 and (signing_in is None or signing_in.done()):
                signing_in = self._start(self._sign_in(user, polite=False, patience_s=None))
            elif reply.status == 200:
                await self._read_page(user)
            await self._pause(0.7 * self.shape.visit_s, 1.3 * self.shape.visit_s)

    async def _newcomer(self) -> None:
        user = f"u{self.dice.randrange(self.shape.residents, self.shape.people)}"
        if user in self._busy or len(self._busy) >= self.shape.waiting_max:
            self._turned_away.add()
            return
        self._busy.add(user)
        try:
            polite = self.dice.random() < self.shape.polite_share
            patience_s = self.dice.expovariate(1 / self.shape.patience_s)
            if await self._sign_in(user, polite=polite, patience_s=patience_s):
                for _ in range(VISIT_PAGES):
                    await self._pause(0.3, 1.0)
                    await self._ask("GET", f"/me?u={user}")
                    await self._read_page(user)
        finally:
            self._busy.discard(user)

    async def _sign_in(self, user: str, *, polite: bool, patience_s: float | None) -> bool:
        """Try until it works or patience ends, and say which."""
        loop = asyncio.get_running_loop()
        self._asked.add()
        until = None if patience_s is None else loop.time() + patience_s
        try:
            while True:
                self._attempts.add()
                reply = await self._ask("POST", f"/login?u={user}")
                if reply.status == 200:
                    self._in.add()
                    return True
                self._locked_out.add(user)
                self._worst = max(self._worst, len(self._locked_out))
                if until is not None and loop.time() > until:
                    self._gave_up.add()
                    return False
                await self._wait_to_retry(reply, polite)
        finally:
            self._locked_out.discard(user)

    async def _wait_to_retry(self, reply: Reply, polite: bool) -> None:
        told = reply.headers.get("retry-after", "")
        if polite and told.isdigit():
            # They were told practice seconds, and live at the site's pace.
            await asyncio.sleep(int(told) / self.shape.pace * self.dice.uniform(1.0, 1.2))
        elif polite:
            await self._pause(1.0, 3.0)
        else:
            await self._pause(0.5, 1.5)

    async def _read_page(self, user: str) -> None:
        if self._surge:
            page = self.dice.randrange(self.shape.pages)
        else:
            page = min(int(self.dice.expovariate(1 / self.shape.page_spread)), self.shape.pages - 1)
        for _ in range(RELOADS_MAX):
            if (await self._ask("GET", f"/page/{page}?u={user}")).status < 500:
                return
            await self._pause(0.5, 1.5)

    async def _machine(self) -> None:
        await self._ask("GET", f"/api/profile?token=t{self.dice.randrange(100)}")

    # ---- orders

    async def _read(self, request: Request) -> Response:
        return json_response(
            {
                "surge": self._surge,
                "locked_out": self._now_out(),
                "locked_out_worst": self._worst,
                "asked": int(self._asked.get()),
                "in": int(self._in.get()),
                "gave_up": int(self._gave_up.get()),
            }
        )

    async def _order(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        self._surge = fields.number("surge", high=1_000)
        fields.done()
        return await self._read(request)
