"""The world as it is: intents go out to providers, and what comes back becomes inputs."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from relight.drivers.live.alarms import Alarms
from relight.drivers.live.board import Board
from relight.drivers.live.calls import Calls
from relight.drivers.live.clock import RunClock
from relight.drivers.live.intake import Intake
from relight.drivers.live.providers import Providers
from relight.drivers.live.readings import Reader
from relight.drivers.live.sampling import Sampling
from relight.drivers.live.tasks import Tasks
from relight.drivers.pump import Droppable
from relight.journal.port import Sample
from relight.kernel.inputs import AnyInput, Read, Ticked
from relight.kernel.intents import Observe, Perform, ReadProbe, Stop, Wake, Watch
from relight.kernel.plan import Check

OBSERVE_S = 5.0
"""How often a protective effect is looked at, at the pace of a plan for real."""
OBSERVE_TIMEOUT_S = 5.0


class LiveWorld:
    """What one run does to the world, and hears of it through *tell*."""

    def __init__(
        self,
        run: str,
        *,
        providers: Providers,
        intake: Intake,
        board: Board,
        clock: RunClock,
        pace: float,
        tasks: Tasks,
        tell: Callable[[AnyInput], None],
    ) -> None:
        self._providers = providers
        self._board = board
        self._clock = clock
        self._tasks = tasks
        self._tell = tell
        self._observe_s = OBSERVE_S / max(pace, 0.001)
        self.reader = Reader(run, providers, intake)
        self._calls = Calls(run, providers, intake, board, clock, tasks, tell)
        self._sampling = Sampling(self.reader, board, clock, tasks, tell)
        self._alarms = Alarms(clock, self._ring)
        self._going_on: dict[str, asyncio.Task[None]] = {}

    def start(self, intent: Perform) -> None:
        """Begin the action."""
        self._calls.start(intent)

    def stop(self, intent: Stop) -> None:
        """End the action with its children."""
        self._calls.stop(intent)

    def read(self, intent: ReadProbe) -> None:
        """Read once."""
        self._go_on(intent.id, self._read(intent))

    def watch(self, intent: Watch, check: Check) -> None:
        """Sample and judge."""
        self._sampling.watch(intent, check)

    def observe(self, intent: Observe) -> None:
        """Look now and then."""
        self._go_on(intent.id, self._observe(intent))

    def wake(self, intent: Wake) -> None:
        """Set the alarm."""
        self._alarms.set(intent.t)

    def drop(self, intent: Droppable) -> None:
        """End what is no longer wanted."""
        match intent:
            case Wake():
                self._alarms.drop(intent.t)
            case Watch():
                self._sampling.drop(intent.id)
            case ReadProbe() | Observe():
                task = self._going_on.pop(intent.id, None)
                if task is not None:
                    task.cancel()
        if isinstance(intent, Observe):
            self._board.unobserved(intent.key)

    def beat(self) -> None:
        """Let time pass: called about once a second."""
        self._sampling.tick()
        self._alarms.look()

    def samples(self) -> list[Sample]:
        """Return the samples to be kept since the last call."""
        return self._sampling.samples()

    async def close(self, grace_s: float) -> None:
        """End everything that goes on, children within *grace_s*, and let go of the providers."""
        self._alarms.close()
        self._sampling.close()
        await self._calls.close(grace_s)
        self._tasks.cancel()
        await self._providers.close()

    # ---- what goes on

    def _go_on(self, identity: str, work: Coroutine[Any, Any, None]) -> None:
        self._going_on[identity] = self._tasks.begin(work)

    async def _read(self, intent: ReadProbe) -> None:
        await asyncio.sleep(max(intent.not_before_t - self._clock.t(), 0) / 1_000)
        answer = await self.reader.read(
            intent.use, intent.args, intent.timeout_ms / 1_000, in_force=intent.value_in_force
        )
        self._tell(Read(at=self._clock.at(), t=self._clock.t(), read=intent.id, value=answer.value, error=answer.error))

    async def _observe(self, intent: Observe) -> None:
        while True:
            answer = await self.reader.read(intent.use, intent.args, OBSERVE_TIMEOUT_S, in_force=True)
            self._board.observed(intent.key, at=self._clock.at(), value=answer.value, error=answer.error)
            await asyncio.sleep(self._observe_s)

    def _ring(self) -> None:
        self._tell(Ticked(at=self._clock.at(), t=self._clock.t()))
