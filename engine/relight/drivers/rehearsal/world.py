"""The pump's world in a rehearsal: intents go to a scene, and what comes back becomes inputs at its virtual time.

There is nothing in here that could call a provider, and nothing that a scene gives could.
"""

from collections.abc import Callable
from dataclasses import dataclass

from relight.drivers.pump import Droppable
from relight.drivers.rehearsal.clock import Due, VirtualClock
from relight.drivers.rehearsal.sampling import Sampling
from relight.drivers.rehearsal.scene import Doing, End, Scene, Seen
from relight.kernel.inputs import AnyInput, Read, Reported, Ticked
from relight.kernel.intents import Observe, Perform, ReadProbe, Stop, Wake, Watch
from relight.kernel.plan import Check
from relight.kernel.state import Run

STOPS_MS = 500
"""How long an action takes to end that was told to stop."""


@dataclass(slots=True)
class _UnderWay:
    act: Perform
    doing: Doing
    due: Due | None


class RehearsalWorld:
    """What one run does to a scene, and hears of it through *tell*; *run* gives the run as it is."""

    def __init__(
        self, clock: VirtualClock, scene: Scene, run: Callable[[], Run], tell: Callable[[AnyInput], None]
    ) -> None:
        self._clock = clock
        self._scene = scene
        self._run = run
        self._tell = tell
        self._under_way: dict[int, _UnderWay] = {}
        self._going_on: dict[str, Due] = {}
        self._sampling = Sampling(clock, self._sample, tell)
        self.assumed: dict[str, tuple[str, str]] = {}

    def start(self, intent: Perform) -> None:
        """Begin the action in the scene."""
        doing = self._scene.begin(intent, self._run())
        if doing.assumed:
            self.assumed.setdefault(intent.step, (intent.use.capability, doing.assumed))
        due = None
        if doing.takes_ms is not None or doing.over():
            due = self._clock.call_at(self._clock.t + (doing.takes_ms or 0), lambda: self._end(intent.dispatch))
        self._under_way[intent.dispatch] = _UnderWay(intent, doing, due)

    def stop(self, intent: Stop) -> None:
        """End the action a moment later: whether a write took effect is nobody's knowledge then."""
        under_way = self._under_way.pop(intent.dispatch, None)
        if under_way is not None:
            under_way.doing.stop()
            if under_way.due is not None:
                under_way.due.cancel()
        reads = under_way is not None and under_way.act.use.effect == "read"
        end = End(word="failed" if reads else "unknown", error="stopped while it was under way")
        self._clock.call_at(self._clock.t + STOPS_MS, lambda: self._report(intent.dispatch, end))

    def read(self, intent: ReadProbe) -> None:
        """Read once, not before its time."""
        self._going_on[intent.id] = self._clock.call_at(intent.not_before_t, lambda: self._answer(intent))

    def watch(self, intent: Watch, check: Check) -> None:
        """Sample and judge."""
        self._sampling.watch(intent, check)

    def observe(self, intent: Observe) -> None:
        """Nobody looks at a rehearsal's board."""

    def wake(self, intent: Wake) -> None:
        """Send ``Ticked`` at that time."""
        self._going_on[intent.id] = self._clock.call_at(intent.t, self._tick)

    def drop(self, intent: Droppable) -> None:
        """End what is no longer wanted."""
        if isinstance(intent, Watch):
            self._sampling.drop(intent.id)
        else:
            due = self._going_on.pop(intent.id, None)
            if due is not None:
                due.cancel()

    def die(self, *, happened: bool) -> None:
        """Lose everything that is in hand, as a driver does that is killed; *happened*: its actions took effect."""
        self._sampling.close()
        for due in self._going_on.values():
            due.cancel()
        self._going_on.clear()
        for under_way in self._under_way.values():
            if under_way.due is not None:
                under_way.due.cancel()
            if happened:
                under_way.doing.end()
            else:
                under_way.doing.stop()
        self._under_way.clear()

    def look(self) -> None:
        """See what has ended by itself in the scene."""
        for dispatch, under_way in list(self._under_way.items()):
            if under_way.due is None and under_way.doing.over():
                self._end(dispatch)

    # ---- what comes back

    def _end(self, dispatch: int) -> None:
        under_way = self._under_way.pop(dispatch)
        self._report(dispatch, under_way.doing.end())

    def _report(self, dispatch: int, end: End) -> None:
        self._tell(
            Reported(
                at=self._clock.at,
                t=self._clock.t,
                dispatch=dispatch,
                outcome=end.word,
                result=end.result,
                error=end.error,
                retry=end.retry,
                retry_after_ms=end.retry_after_ms,
                targets=dict(end.targets),
            )
        )

    def _answer(self, intent: ReadProbe) -> None:
        seen = self._scene.read(intent, self._run())
        self._tell(Read(at=self._clock.at, t=self._clock.t, read=intent.id, value=seen.value, error=seen.error))

    def _tick(self) -> None:
        self._tell(Ticked(at=self._clock.at, t=self._clock.t))

    def _sample(self, check: Check) -> Seen:
        return self._scene.sample(check, self._run())
