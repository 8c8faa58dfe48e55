"""The driver of one run: the pump with a real world, a real clock and a journal that may fail.

A driver that dies is no special case: the next one takes the run over with nothing in its hands.
A driver that lives but cannot write starts nothing: it holds, says so, records ends from the journal's reserve, and
stops its children before its lease is over.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from relight.drivers.drafting import Draft, people_turned
from relight.drivers.live.batches import starts_something
from relight.drivers.live.board import Board
from relight.drivers.live.budgets import budgets
from relight.drivers.live.calls import GRACE_S
from relight.drivers.live.clerk import Clerk
from relight.drivers.live.inbox import Inboxes
from relight.drivers.live.intake import Intake
from relight.drivers.live.lease import Lease, LeaseLost
from relight.drivers.live.notices import Notices
from relight.drivers.live.orphans import end_orphans
from relight.drivers.live.parts import Listener, Parts
from relight.drivers.live.people import People
from relight.drivers.live.providers import Providers
from relight.drivers.live.snapshots import Snapshots
from relight.drivers.live.takeover import Taken, driver_name, take
from relight.drivers.live.tasks import Tasks
from relight.drivers.live.world import LiveWorld
from relight.drivers.live.writing import AGAIN_S, Writer
from relight.drivers.pump import Pump
from relight.errors import JournalError, StaleDriver
from relight.journal.port import Request
from relight.kernel.facts import GateOpened
from relight.kernel.inputs import AnyInput, PeopleRead, Ticked, TookOver
from relight.kernel.state import Run
from relight.sdk import Secrets

BEAT_S = 1.0
"""Between two signs of life: what a person who watches takes for standing still is longer."""
PEOPLE_S = 10.0
"""Between two looks at the site's people, for what is shown; before anything is decided they are read anyway."""


class Driver:
    """Drives one run until it is over, until it is told to stop, or until it may no longer."""

    def __init__(
        self,
        run: str,
        clerk: Clerk,
        inboxes: Inboxes,
        parts: Parts,
        *,
        name: str = "",
        listeners: Sequence[Listener] = (),
        take_over: bool = False,
        begun: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name or driver_name()
        self._run_id = run
        self._clerk = clerk
        self._inboxes = inboxes
        self._parts = parts
        self._people = People(parts.read_people)
        self._log = parts.log
        self._listeners = list(listeners)
        self._take_over = take_over
        self._begun = begun
        self._said: list[AnyInput] = []
        self._asked: dict[str, Request] = {}
        self._bell = asyncio.Event()
        self._stopping = False

    async def drive(self) -> Run:
        """Take the run over and drive it; return it as it is when this driver leaves it.

        Raises:
            Locked: somebody else drives it.
            NotNow: it is over.
            StaleDriver: somebody took it over.
            JournalError: it could not be carried on; the next driver can, once the journal is mended.
        """
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        parts, take_over = self._parts, self._take_over
        taken = await self._clerk.run(
            lambda journal: take(
                journal, self._run_id, parts.clock, parts.compile_expression, driver=self.name, take_over=take_over
            )
        )
        self._lease = Lease(taken.hold, self._clerk, parts.clock, taken.taken_at_ms)
        if parts.watchdog is not None:
            parts.watchdog.guard(self._run_id, self._lease)
        self._clerk.join()
        try:
            return await self._driven(taken)
        finally:
            self._clerk.leave()
            if parts.watchdog is not None:
                parts.watchdog.leave(self._run_id)
            with suppress(JournalError):
                await self._clerk.run(lambda _journal: taken.hold.release())

    def stop(self) -> None:
        """Leave the run to the next driver, children ended."""
        self._stopping = True
        self._bell.set()

    # ---- beginning and ending

    async def _driven(self, taken: Taken) -> Run:
        self._begin(taken)
        grace_s = GRACE_S
        spending = budgets(
            taken.run.plan.surfaces, self._world.reader, self._board, self._clock, taken.board.get("budgets") or {}
        )
        tasks = [self._tasks.begin(work) for work in (self._keep_beating(), self._keep_reading_people(), *spending)]
        try:
            ended = await end_orphans(self._run_id, taken.run.dispatches)
            self._log.event(
                "took over", run=self._run_id, epoch=self._epoch, ended_orphans=ended, clock_lost=taken.clock_lost
            )
            self._tell(
                TookOver(
                    at=self._clock.at(),
                    t=self._clock.t(),
                    epoch=self._epoch,
                    driver=self.name,
                    clock_lost=taken.clock_lost,
                )
            )
            self._inboxes.open(self._run_id, self._requested, self._broke)
            await self._until_over_or_failed()
        except (StaleDriver, LeaseLost) as error:
            grace_s = 0.0 if isinstance(error, StaleDriver) else max(self._lease.left_ms - 2_000, 0) / 1_000
            self._log.event("lost the run", run=self._run_id, error=error.message)
            raise
        finally:
            self._inboxes.close(self._run_id)
            await self._world.close(grace_s)
            for task in tasks:
                task.cancel()
            self._tasks.cancel()
        self._log.event("left", run=self._run_id, state=self._pump.run.state)
        await self._tell_ended()
        return self._pump.run

    async def _tell_ended(self) -> None:
        if self._parts.ended is None or self._pump.run.outcome is None:
            return
        try:
            await asyncio.to_thread(self._parts.ended, self._clerk.journal, self._run_id)
        except Exception as error:  # noqa: BLE001 - what is kept for later never changes how a run ended
            self._log.event("nothing kept of its end", run=self._run_id, error=repr(error))

    def _begin(self, taken: Taken) -> None:
        self._clock = taken.clock
        self._epoch = taken.hold.lease.epoch
        secrets = Secrets()
        self._log.redact_with(secrets.redact)
        intake = Intake(secrets, lambda content: self._clerk.run(lambda journal: journal.put_blob(content)))
        plan = taken.run.plan
        self._tasks = Tasks(self._broke)
        self._board = Board(self.name, self._clock.mark(), intake.text)
        self._providers = Providers(taken.run.providers, self._parts.registry, secrets)
        self._world = LiveWorld(
            self._run_id,
            providers=self._providers,
            intake=intake,
            board=self._board,
            clock=self._clock,
            pace=plan.pace,
            tasks=self._tasks,
            tell=self._tell,
        )
        self._pump = Pump(self._world, taken.run)
        self._writer = Writer(
            self._clerk,
            self._run_id,
            epoch=self._epoch,
            seq=taken.seq,
            snapshots=Snapshots(taken.plan_seq, self._log),
            clock=self._clock,
            board=self._board,
            samples=self._world.samples,
            log=self._log,
        )
        self._notices = Notices(self._run_id, self._providers, self._tasks, self._log)

    def _broke(self, error: BaseException) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)

    # ---- what comes in

    def _tell(self, said: AnyInput) -> None:
        self._said.append(said)
        self._bell.set()

    def _requested(self, requests: list[Request]) -> None:
        self._asked = {request.id: request for request in requests}
        if requests:
            self._bell.set()

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            self._world.beat()
            self._board.trouble("lease", await self._lease.keep())
            if self._writer.show():
                self._bell.set()

    async def _keep_reading_people(self) -> None:
        while self._people.are_read:
            await asyncio.sleep(PEOPLE_S)
            if turned := await self._people_turned():
                self._tell(turned)

    async def _people_turned(self) -> PeopleRead | None:
        found = await self._people.now(self._pump.run.plan)
        return people_turned(self._pump.run, found, at=self._clock.at(), t=self._clock.t())

    # ---- append, then act

    async def _until_over_or_failed(self) -> None:
        pumping = asyncio.ensure_future(self._pump_until_over())
        try:
            await asyncio.wait({pumping, self._failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pumping.cancel()
        if pumping.done():
            pumping.result()
        else:
            self._failed.result()

    async def _pump_until_over(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            if self._stopping:
                return
            await self._turn()
            if self._pump.run.outcome is not None:
                return

    async def _turn(self) -> None:
        inputs, self._said = self._said, []
        requests = list(self._asked.values())
        draft = self._pump.draft(inputs, requests, at=self._clock.at(), t=self._clock.t())
        if draft.answers or any(isinstance(fact, GateOpened) for fact in draft.facts):
            # Who was removed from the site a moment ago decides nothing now, and opens nothing with an earlier vote.
            turned = await self._people_turned()
            if turned:
                inputs = [turned, *inputs]
            # A denial that has reached the inbox by now is not too late, though it came after the last look.
            self._inboxes.look(self._run_id)
            if turned or list(self._asked) != [request.id for request in requests]:
                requests = list(self._asked.values())
                draft = self._pump.draft(inputs, requests, at=self._clock.at(), t=self._clock.t())
        if await self._writer.write(draft):
            self._adopt(draft)
            return
        # The journal takes nothing new. What ends something may still get in, from its reserve.
        ends = self._pump.draft(inputs, requests, at=self._clock.at(), t=self._clock.t(), stop_before=starts_something)
        if not ends.empty and len(ends.facts) < len(draft.facts) and await self._writer.write(ends):
            self._said = [*ends.again, *self._said]
            self._adopt(ends)
        else:
            self._said = [*inputs, *self._said]
        await asyncio.sleep(AGAIN_S)
        self._tell(Ticked(at=self._clock.at(), t=self._clock.t()))

    def _adopt(self, draft: Draft) -> None:
        self._pump.adopt(draft)
        for answer in draft.answers:
            self._asked.pop(answer.request, None)
        if self._asked:
            self._bell.set()
        if not draft.facts:
            return
        run = self._pump.run
        begun, self._begun = self._begun, lambda: None
        begun()
        self._notices.tell(run, draft.facts)
        for listener in self._listeners:
            try:
                listener(run, draft.facts)
            except Exception as error:  # noqa: BLE001 - a view that breaks never breaks the run
                self._log.event("a listener failed", error=repr(error))
