"""The driver: the pump over a played world, on a virtual clock, with its facts kept as objects.

It is the same story as every driver's: draft, append, act. Nothing is encoded and nothing waits.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from relight.drivers.drafting import Draft
from relight.drivers.pump import Pump
from relight.drivers.rehearsal.calm import MakeUp
from relight.drivers.rehearsal.cast import Asked, Cast
from relight.drivers.rehearsal.clock import VirtualClock
from relight.drivers.rehearsal.scene import Scene
from relight.drivers.rehearsal.script import Script
from relight.drivers.rehearsal.scripted import Scripted
from relight.drivers.rehearsal.story import Story, Told
from relight.drivers.rehearsal.world import RehearsalWorld
from relight.kernel.decide import turn
from relight.kernel.inputs import AnyInput, Started, TookOver
from relight.kernel.plan import Plan
from relight.kernel.state import Run

RUN_ID = "rehearsal"
"""The same each time, so that jitter and tickets are the same each time."""
BEGAN_AT = 1_767_225_600_000
"""The wall clock of every rehearsal's beginning: New Year 2026, midnight UTC."""
LIMIT_MS = 24 * 3_600_000
"""A rehearsal is broken off after a day; a recovery that takes longer has lost its crowd."""
STILL_MS = 600_000
"""After so long without a decision, and with nothing due, a run stands still for good."""
TURNS_MAX = 2_000_000
"""Things that may happen: a day with forty checks every two seconds."""
GONE_MS = 5_000
"""How long after a driver's death the next one takes over."""

Ending: TypeAlias = Literal["over", "stands still", "broken off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that was refused, and whether the script says that it would be."""

    t: int
    who: str
    why: str
    expected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What came of a rehearsal.

    Attributes:
        ending: ``over``: the run ended; ``stands still``: it waits for people who have nothing more to say.
        assumed: By step, the action that nothing played and why.
        unplayed: What the script says that never came about.
        unrefused: Requests that the script says are refused, and were not.
    """

    run: Run
    told: list[Told]
    story: Story
    ending: Ending
    duration_ms: int
    refusals: tuple[Refusal, ...] = ()
    unrefused: tuple[str, ...] = ()
    assumed: dict[str, tuple[str, str]] = field(default_factory=dict)
    unplayed: tuple[str, ...] = ()


def rehearse(
    plan: Plan, scene: Scene, script: Script, make_up: MakeUp, *, starter: str, listens: bool = True
) -> Rehearsed:
    """Rehearse *plan* once.

    Args:
        plan: The production plan; its providers are never made.
        scene: The world below the script.
        script: What is to happen in it.
        make_up: What actions and probes give, for readings that a script wishes for.
        starter: Who starts the run.
        listens: Whether moments are told apart, for a script or whoever judges the ending; without it is cheaper.
    """
    return _Rehearsal(plan, scene, script, make_up, starter, listens=listens).play()


class _Rehearsal:
    def __init__(
        self, plan: Plan, scene: Scene, script: Script, make_up: MakeUp, starter: str, *, listens: bool
    ) -> None:
        self._clock = VirtualClock(BEGAN_AT)
        self._story = Story(plan, listens=listens)
        started = Started(at=BEGAN_AT, t=0, run=RUN_ID, plan=plan, starter=starter, door="rehearsal")
        facts, run = turn(None, started)
        self._story.append(None, facts, run)
        self._script = script
        self._scene = Scripted(script, scene, self._story, make_up)
        self._said: list[AnyInput] = []
        self._asked: list[Asked] = []
        self._killed: bool | None = None
        self._driving = False
        self._refusals: list[Refusal] = []
        self._unrefused: list[str] = []
        self._world = RehearsalWorld(self._clock, self._scene, lambda: self._pump.run, self._said.append)
        self._pump = Pump(self._world, run)
        self._cast = Cast(
            script,
            self._story,
            self._clock,
            run=lambda: self._pump.run,
            say=self._asked.append,
            kill=self._kill,
            by_hand=self._scene.by_hand,
        )

    def play(self) -> Rehearsed:
        """Play it to its end."""
        self._take_over()
        self._turn()
        ending = self._until_it_rests()
        return Rehearsed(
            run=self._pump.run,
            told=self._story.told,
            story=self._story,
            ending=ending,
            duration_ms=self._story.loud_t,
            refusals=tuple(self._refusals),
            unrefused=tuple(self._unrefused),
            assumed=self._world.assumed,
            unplayed=(*self._scene.unplayed(), *self._cast.unplayed()),
        )

    def _until_it_rests(self) -> Ending:
        limit_t = self._script.limit_ms or LIMIT_MS
        for _ in range(TURNS_MAX):
            if self._pump.run.outcome is not None:
                return "over"
            next_t = self._clock.next_t()
            if next_t is None:
                return "stands still"
            if next_t > limit_t:
                return "broken off"
            if next_t - self._story.loud_t > STILL_MS and not self._clock.foreground():
                return "stands still"
            self._go_to(next_t)
            self._turn()
        return "broken off"

    def _go_to(self, next_t: int) -> None:
        """Go to the next thing that is due, or to what ends in the scene before it."""
        reached = self._scene.pass_until(next_t)
        if reached >= next_t:
            self._clock.jump()
        else:
            self._clock.t = max(reached, self._clock.t)
        self._world.look()

    # ---- append, then act

    def _turn(self) -> None:
        if self._killed is not None:
            happened, self._killed = self._killed, None
            self._die(happened)
            return
        if not self._driving:
            self._said.clear()  # there is nobody to hear it; what people ask waits in the inbox
            return
        # What follows from one thing may at once be due again, at the same moment: a sample that was already read.
        while self._said or self._asked:
            inputs, asked = self._said[:], self._asked[:]
            self._said.clear()
            self._asked.clear()
            requests = [each.request for each in asked]
            self._take(self._pump.draft(inputs, requests, at=self._clock.at, t=self._clock.t), asked)
        self._cast.look()

    def _take(self, draft: Draft, asked: list[Asked]) -> None:
        self._story.append(self._pump.run, draft.facts, draft.run)
        self._pump.adopt(draft)
        answers = {answer.request: answer for answer in draft.answers}
        for each in asked:
            answer = answers.get(each.request.id)
            if answer is None:
                continue
            if answer.ok and each.refused:
                self._unrefused.append(each.words)
            elif not answer.ok:
                self._refusals.append(
                    Refusal(t=self._clock.t, who=each.words, why=answer.text.split("\n")[0], expected=each.refused)
                )

    # ---- drivers that come and go

    def _take_over(self) -> None:
        self._driving = True
        epoch = self._pump.run.epoch + 1
        self._said.append(TookOver(at=self._clock.at, t=self._clock.t, epoch=epoch, driver=f"rehearsal-{epoch}"))

    def _kill(self, happened: bool) -> None:
        self._killed = happened

    def _die(self, happened: bool) -> None:
        self._driving = False
        self._world.die(happened=happened)
        self._said.clear()
        # The facts outlive it; the next one begins with them and nothing in its hands.
        self._pump = Pump(self._world, self._pump.run)
        self._clock.call_at(self._clock.t + GONE_MS, self._take_over)
