"""Several runs in one process: those that were handed over, and those whose driver is gone.

Two that serve one journal share the work: whoever has less to do is quicker to reach for a run, and the lease decides.
It is crash-only: a serve that is killed leaves orphans, which the next one takes, or ``relight resume``.
"""

import asyncio
import os
import random
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from relight.drivers import serves
from relight.drivers.live.clerk import Clerk
from relight.drivers.live.clock import Clock
from relight.drivers.live.driver import Driver
from relight.drivers.live.foreground import STOPS, run_to_the_end
from relight.drivers.live.host import listen_to_printing
from relight.drivers.live.inbox import Inboxes
from relight.drivers.live.log import Log
from relight.drivers.live.parts import Listener, Parts
from relight.errors import JournalError, Locked, NotNow, RelightError, StaleDriver

BEAT_S = 2.0
"""Between two signs of life: each is a write, also when nothing happens for days."""
LOOK_S = 0.1
"""Between two looks for runs, when somebody wrote: what a person who starts one takes for at once."""
LOOK_ANYWAY_S = 1.0
"""A driver that died wrote nothing."""
OWN_MS = 30_000
"""A run that nobody ever drove belongs to its maker for so long: a driver on a cold disk may take twenty seconds."""
LATE_MS = 2_000
"""So long after its lease a driver that seems to live has lost its run; its watchdog ended it a second before that."""
TAKES_PER_S, TAKES_BURST = 5.0, 5.0
"""Take-overs: after an outage, hundreds of orphans at once would be an outage of their own (R23)."""
BEHIND_S, BEHIND_MAX_S = 0.02, 1.0
"""How much later a serve reaches for a run for each that it drives already, so that the idle one gets it."""
RUNS_MAX = 200
"""Runs of one process; a driver costs about a megabyte and half a percent of a core."""
AGAIN_S, AGAIN_MAX_S = 1.0, 60.0
"""After a run's driver broke, before it is taken again; twice as long each time."""
SILENT_S = 5.0
"""A loop that has not looked for so long hangs, or its process was stopped."""
STOP_S = 15.0
"""For all drivers to end their children and let go, when this process was told to stop."""


class Serving:
    """Drives whatever of the journal's runs has no driver, until it is told to stop.

    Attributes:
        trouble: What keeps it from looking for runs; empty where nothing does.
        looked_at: When it last looked, by the boot clock.
    """

    def __init__(
        self,
        me: serves.Serve,
        clerk: Clerk,
        parts_for: Callable[[str], Parts],
        *,
        clock: Clock,
        log: Log,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.me = me
        self.trouble = ""
        self.looked_at = clock.boot_ms()
        self._clerk = clerk
        self._journal = clerk.journal
        self._parts_for = parts_for
        self._clock = clock
        self._log = log
        self._listeners = listeners
        self._inboxes = Inboxes(clerk.journal)
        self._drivers: dict[str, Driver] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._first_seen: dict[str, float] = {}
        self._not_before: dict[str, tuple[float, int]] = {}
        self._takes = TAKES_BURST
        self._stopping = asyncio.Event()

    @property
    def driving(self) -> tuple[str, ...]:
        """The runs in hand."""
        return tuple(self._drivers)

    def health(self) -> dict[str, Any]:
        """Return how the driving is; may be called from another thread."""
        silent_s = (self._clock.boot_ms() - self.looked_at) / 1_000
        return {
            "serve": self.me.name,
            "driving_works": not self.trouble and silent_s < SILENT_S,
            "driving": list(self.driving),
            "looked_s_ago": round(silent_s, 1),
            "trouble": self.trouble,
        }

    def stop(self) -> None:
        """Give all runs back, children ended, and end."""
        self._stopping.set()

    async def serve(self) -> None:
        """Serve until :meth:`stop`."""
        beating = asyncio.ensure_future(self._keep_beating())
        looking = asyncio.ensure_future(self._keep_looking())
        told = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({beating, looking, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            broken = [task for task in (beating, looking) if task.done()]
            beating.cancel()
            looking.cancel()
            await self._give_back()
        for task in broken:
            task.result()

    # ---- signs of life

    async def _keep_beating(self) -> None:
        while True:
            try:
                me = self.me._replace(driving=len(self._drivers))
                await self._clerk.run(lambda journal, me=me: serves.announce(journal, me, self._clock.wall_ms()))  # type: ignore[misc]
            except JournalError as error:
                self._log.event("no sign of life", error=error.message)
            await asyncio.sleep(BEAT_S)

    async def _give_back(self) -> None:
        for driver in self._drivers.values():
            driver.stop()
        if tasks := list(self._tasks.values()):
            _, late = await asyncio.wait(tasks, timeout=STOP_S)
            for task in late:
                task.cancel()
        try:
            await self._clerk.run(lambda journal: serves.withdraw(journal, self.me.name))
        except JournalError as error:
            self._log.event("not withdrawn", error=error.message)

    # ---- looking for runs

    async def _keep_looking(self) -> None:
        loop = asyncio.get_running_loop()
        seen, looked = -1, 0.0
        while True:
            began = loop.time()
            self._takes = min(TAKES_BURST, self._takes + LOOK_S * TAKES_PER_S)
            try:
                changes = self._journal.changes()
                if changes != seen or self._first_seen or began - looked >= LOOK_ANYWAY_S:
                    seen, looked = changes, began
                    self._look(began)
                self.trouble = ""
            except JournalError as error:
                self.trouble = error.message
            self.looked_at = self._clock.boot_ms()
            await asyncio.sleep(LOOK_S)

    def _look(self, now_s: float) -> None:
        now = self._clock.wall_ms()
        rows = self._journal.rows(unfinished=True, limit=1_000)
        free = [
            row.run
            for row in rows
            if row.site in self.me.sites
            and row.run not in self._tasks
            and serves.free_to_take(self._journal, row.run, now, made_at=row.started_at, own_ms=OWN_MS, late_ms=LATE_MS)
        ]
        random.shuffle(free)  # two that reach for a crowd in the same order would only meet each other
        self._first_seen = {run: self._first_seen.get(run, now_s) for run in free}
        for run, first_s in list(self._first_seen.items()):
            not_before, _ = self._not_before.get(run, (0.0, 0))
            behind_s = min(BEHIND_MAX_S, BEHIND_S * len(self._tasks))
            if len(self._tasks) >= RUNS_MAX or self._takes < 1:
                return
            if now_s >= max(first_s + behind_s, not_before):
                self._takes -= 1
                del self._first_seen[run]
                self._tasks[run] = asyncio.ensure_future(self._drive(run))

    # ---- one run

    async def _drive(self, run: str) -> None:
        parts = self._parts_for(run)
        driver = Driver(
            run,
            self._clerk,
            self._inboxes,
            parts,
            name=self.me.name,
            listeners=self._listeners,
            take_over=True,
        )
        self._drivers[run] = driver
        try:
            left = await driver.drive()
            self._not_before.pop(run, None)
            self._log.event("left", run=run, state=left.state)
        except (Locked, NotNow) as error:
            # Somebody else was quicker, or it is over: that is no failure, and was no take-over.
            self._takes += 1
            self._log.event("not taken", run=run, why=error.message)
            self._later(run, failed=0)
        except (StaleDriver, RelightError) as error:
            self._log.event("lost", run=run, error=error.message)
            self._later(run)
        except Exception as error:  # noqa: BLE001 - a defect, of one run: the others go on
            self._log.event("broke", run=run, error=repr(error), traceback=traceback.format_exc())
            self._later(run)
        finally:
            del self._drivers[run]
            del self._tasks[run]
            parts.log.close()

    def _later(self, run: str, *, failed: int = 1) -> None:
        """Leave that run alone for a while: a driver that breaks at once must not break in a circle."""
        _, failures = self._not_before.get(run, (0.0, 0))
        wait_s = min(AGAIN_MAX_S, AGAIN_S * 2**failures) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        self._not_before[run] = (asyncio.get_running_loop().time() + wait_s, failures + failed)


def serve_here(serving: Serving, *, begun: Callable[[], None] = lambda: None) -> None:
    """Serve in this process until a signal asks to stop; *begun* is called once one would be heard."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        for each in STOPS:
            loop.add_signal_handler(each, serving.stop)
        begun()
        await serving.serve()

    run_to_the_end(work())


@contextmanager
def printing_to(log: Log) -> Iterator[None]:
    """Have what is printed meanwhile in *log*, redacted, and nowhere else."""
    before = os.dup(1), os.dup(2)
    end = listen_to_printing(log)
    try:
        yield
    finally:
        end()
        for descriptor, saved in zip((1, 2), before, strict=True):
            os.dup2(saved, descriptor)
            os.close(saved)
