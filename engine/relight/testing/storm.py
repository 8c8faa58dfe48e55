"""The whole system in a storm: drivers that die at any line, people who race, answers that are late, twice or lost.

One seed is one run: a random small plan, the real kernel, judge, pump and journal (in memory), several driver
processes one after the other or at once, clocks that jump, machines that boot anew. Then the weather clears, and a kind
world and sensible people bring the run to its end. ``witness`` says what must hold.

``python -m relight.testing.storm SEED`` tells the story of a seed; with two numbers it plays all seeds between them.
What does not belong here: what must hold (``witness``), and one driver (``stormy_driver``).
"""

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

from relight.errors import JournalError
from relight.journal.memory import MemoryJournal, MemoryStore
from relight.journal.port import Request, Row
from relight.kernel.changing import evolved
from relight.kernel.choices import Choice, choices, seldom
from relight.kernel.decide import turn
from relight.kernel.inputs import Asked, PeopleRead, Reported, Started
from relight.kernel.plan import Plan
from relight.kernel.state import Run
from relight.testing.plans import PEOPLE
from relight.testing.players import ANYBODY, VALUES, VERBS, asked_for
from relight.testing.random_plans import CHECKS, random_plan
from relight.testing.stormy_driver import RUN, Dead, Driver, Machine
from relight.testing.witness import Witness

GUSTS = 22
"""Things that happen while it storms."""
CALM_MAX = 250
"""Things that happen afterwards: in fewer, any of these runs comes to its end."""
EARLIER = "earlier"
CALM_EVERY = 6
"""One seed in so many is brought to its end, and one is aborted; the others are left where the storm left them."""

FOLLOWS_EVERY = 16
"""One seed in so many is a run after another, which was aborted in its own storm: it adopts what that one left."""

SEEDS_PER_PLAN = 8
"""So many seeds in a row play the same plan, for a plan takes as long to make as a storm to blow."""

Event = Callable[[], None]


@lru_cache(maxsize=4)
def plan_of(number: int) -> Plan:
    """Return the plan that some seeds play."""
    return random_plan(random.Random(number).choice)  # noqa: S311 - as above


class Storm:
    """One run, its journal, its drivers, and whatever happens to them."""

    def __init__(
        self,
        seed: int,
        tell: Callable[[str], None] | None = None,
        *,
        plan: Plan | None = None,
        after: Run | None = None,
    ) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - dice that a seed brings back
        self.pick = self.dice.choice
        self.tell = tell
        self.machine = Machine()
        self.store = MemoryStore()
        self.shelf: list[Any] = []
        self.values: dict[str, float | None] = dict.fromkeys(CHECKS, 1.0)
        self.driver: Driver | None = None
        self.stopped: list[Driver] = []
        self._old: list[Reported] = []
        self._tickets: list[str] = []
        self._requests = 0
        self._calm = False
        started = Started(
            at=self.machine.wall_ms(),
            t=0,
            run=RUN,
            plan=plan or plan_of(seed // SEEDS_PER_PLAN),
            starter="ana",
            after=() if after is None else (after,),
        )
        facts, run = turn(None, started)
        self.shelf += facts
        self.witness = Witness(run, facts)
        self.door = MemoryJournal(self.store)
        row = Row(run=RUN, runbook="r", site="s", state="pending", started_at=0, ended_at=None, starter="ana", seq=1)
        self.door.create(row, [(type(fact).__name__, b"%d" % at) for at, fact in enumerate(facts)])

    def blow(self) -> None:
        """Let it storm."""
        usual: list[Event] = [self._time] * 4 + [self._report] * 4 + [self._read, self._read]
        usual += [self._person] * 4 + [self._pass, self._pass, self._crowd, self._late]
        rare: list[Event] = [self._die, self._stop, self._wake_up, self._jump, self._boot, self._people]
        for _ in range(GUSTS):
            if self.over:
                return
            if self.driver is None or self.driver.dead:
                self._bury()
                self._begin()
            else:
                self.pick((*usual, self.pick(rare)))()
                self._turn()

    def give_up(self) -> None:
        """Have somebody abort it, and the world be kind until it is over."""
        if not self.over:
            self._ask_for(Choice(verb="abort", words="", leads_to="", who="anybody"), "dee")
        self.clear_up()

    def clear_up(self) -> None:
        """Let the sun shine until the run is over."""
        self._calm = True
        self.values = dict.fromkeys(CHECKS, 1.0)
        for number in range(CALM_MAX):
            if self.over:
                return
            if self.driver is None or self.driver.dead:
                self._begin()
            self._kind(number)
            self._turn(calm=True)

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self.witness.run.outcome is not None

    def _say(self, text: str) -> None:
        if self.tell is not None:
            self.tell(f"[{self.machine.boot_ms()}] {text}")

    # ---- drivers

    def _begin(self) -> None:
        """Begin another driver; of one that only stands still the lease runs out first."""
        lease = self.door.lease(RUN)
        if lease is not None and lease.alive:
            self.machine.pass_ms(max(lease.until - self.machine.wall_ms(), 0) + 1)
        self.driver = Driver(self.machine, self.store, self.shelf, self.witness)
        self._say(f"driver {self.driver.epoch} begins{', the clock was lost' if self.driver.clock_lost else ''}")
        self._turn()

    def _bury(self) -> None:
        """What a dead driver had in hand may end all the same, and somebody may say so."""
        if self.driver is not None:
            for number in self.driver.under_way:
                self._old.append(Reported(**self.driver.now, dispatch=number, outcome="succeeded", result=1))

    def _turn(self, *, calm: bool = False) -> None:
        driver = self.driver
        if driver is None or driver.dead:
            return
        try:
            # Between any two lines of a turn: before what it decided is kept, and before it is acted on.
            facts = driver.turn(None if calm else self.pick((None,) * 38 + ("append", "act")))
        except Dead as death:
            self._say(f"driver {driver.epoch} died {death}")
            return
        for fact in facts:
            self._say(f"    {fact}")

    def _die(self) -> None:
        assert self.driver is not None
        self.driver.die()
        self._say(f"driver {self.driver.epoch} died between two turns")

    def _stop(self) -> None:
        """Let the driver stand still, as a process that is stopped does."""
        if self.driver is not None and not self.driver.dead:
            self.stopped.append(self.driver)
            self._say(f"driver {self.driver.epoch} stands still")
            self.driver = None

    def _wake_up(self) -> None:
        """A driver that stood still goes on; if another one has taken over, nothing that it says counts."""
        if self.stopped:
            driver = self.stopped.pop(0)
            driver.tick()
            self._say(f"driver {driver.epoch} goes on")
            try:
                driver.turn(None)
            except Dead as death:
                self._say(f"driver {driver.epoch} ended: {death}")

    # ---- the world

    def _time(self) -> None:
        self._pass_ms(self.pick((300, 1_000, 2_500, 5_000)))

    def _pass_ms(self, ms: int) -> None:
        self.machine.pass_ms(ms)
        if not self._calm and self.dice.random() < 0.3:
            self.values[self.pick(CHECKS)] = self.pick((1.0, 1.0, 1.0, 50.0, None))
        if self.driver is not None:
            self.driver.sample(self.values)
            self.driver.tick()

    def _pass(self) -> None:
        """Let time pass to the next moment that the run waits for."""
        if self.driver is not None and self.driver.wakes:
            self._pass_ms(max(min(self.driver.wakes) - self.driver.clock.t(), 1))

    def _jump(self) -> None:
        """Set the wall clock, forward or back: a run's own clock does not notice."""
        self.machine.wall_offset += self.pick((-3_600_000, -60_000, 60_000, 3_600_000))
        self._say("the wall clock jumped")

    def _boot(self) -> None:
        """Boot the machine anew: every process dies, and the clock since boot begins again."""
        for driver in (self.driver, *self.stopped):
            if driver is not None:
                driver.die()
        self.stopped.clear()
        self.machine.boot(self.pick((-120_000, 500, 30_000)))
        self._say("the machine boots")

    def _report(self) -> None:
        driver = self.driver
        if driver is None or not driver.under_way:
            self._time()
            return
        intent = driver.under_way[self.pick(list(driver.under_way))]
        outcome: Any = self.pick(("succeeded", "succeeded", "succeeded", "failed", "unknown"))
        heard = {host: self.pick((None, "no")) for host in intent.targets if self.pick((True, False))}
        report = Reported(
            **driver.now,
            dispatch=intent.dispatch,
            outcome=outcome,
            result=1,
            error="" if outcome == "succeeded" else f"it {outcome}",
            retry=self.pick((True, True, False)),
            targets={} if outcome == "succeeded" else heard,
            untouched=tuple(intent.targets[-1:]) if outcome == "failed" and len(heard) == 1 else (),
        )
        if self.pick((True,) * 9 + (False,)):
            driver.hear(report)
        self._old.append(report)

    def _late(self) -> None:
        """Say something once more, or what was never heard: of this driver or of a dead one."""
        if self._old and self.driver is not None:
            self.driver.hear(replace(self.pick(self._old[-4:]), at=self.driver.clock.at(), t=self.driver.clock.t()))

    def _read(self) -> None:
        driver = self.driver
        if driver is None or not driver.reads:
            self._report()
            return
        answer = self.pick(({"value": 1}, {"value": {"percent": 100}}, {"value": None}, {"value": 0}, {"error": "no"}))
        driver.answer(self.pick(list(driver.reads)), **answer)

    # ---- people

    def _people(self) -> None:
        if self.driver is not None:
            people = tuple(person for person in PEOPLE if self.pick((True, True, True, False)))
            self.driver.said.append(PeopleRead(**self.driver.now, people=people))

    def _person(self) -> None:
        """Somebody says something that fits, or fitted a moment ago, or never did."""
        kind = self.dice.random()
        if kind < 0.15:
            self._anything()
            return
        run = self.witness.run
        found = choices(run) + (seldom(run) if kind > 0.8 else ())
        seldom_said = ("abort", "pause", "skip", "undo", "deny", "ask")
        likely = [each for each in found if each.verb not in seldom_said or self.dice.random() < 0.03]
        if likely:
            verb = self.pick(sorted({each.verb for each in likely}))
            choice = self.pick([each for each in likely if each.verb == verb])
            self._ask_for(choice, self.pick(("ana", "bo", "eve")) if kind < 0.6 else self.pick(ANYBODY))

    def _crowd(self) -> None:
        """Several people at once, before the driver looks."""
        for _ in range(self.pick((2, 3))):
            self._person()
        ticket = self.witness.run.ticket
        if ticket is not None and self.dice.random() < 0.3:
            for verb in self.pick((("approve", "deny"), ("deny", "approve"))):
                choice = Choice(verb=verb, words=ticket.id, leads_to="", who="gate")
                self._ask_for(choice, self.pick(("bo", "eve")))

    def _ask_for(self, choice: Choice, person: str) -> None:
        self._put(asked_for(choice, at=0, t=0, person=person))

    def _anything(self) -> None:
        run = self.witness.run
        verb = self.pick([each for each in VERBS if each != "abort"])
        if run.ticket is not None:
            self._tickets.append(run.ticket.id)
        stages = [stage.id for stage in run.plan.stages]
        values = VALUES.get(verb, ("", "", *stages) if verb == "undo" else ("",))
        asked = Asked(
            at=0,
            t=0,
            request="",
            person=self.pick(ANYBODY),
            door="cli",
            verb=verb,
            subject=self.pick(("", *run.plan_index, *stages, *run.plan.checks)),
            ticket=self.pick(("bogus/1", *self._tickets[-3:])),
            reason=self.pick(("", "because")),
            value=self.pick(values),
        )
        self._put(asked)

    def _put(self, asked: Asked) -> None:
        """Put it in the inbox; a delivery that comes twice is refused there."""
        self._requests += 1
        body = {name: getattr(asked, name) for name in _WORDS if getattr(asked, name)}
        request = Request(id=f"r{self._requests}", run=RUN, at=self.machine.wall_ms(), body=body)
        self.door.ask(request)
        self._say(f"{asked.person} says {asked.verb} {asked.subject or asked.ticket} {asked.value}".rstrip())
        if self.pick((True, False, False, False, False)):
            try:
                self.door.ask(request)
            except JournalError:
                return
            raise AssertionError("a request counts once")

    # ---- a kind world

    def _kind(self, number: int) -> None:
        driver, run = self.driver, self.witness.run
        assert driver is not None
        if driver.dead:
            return
        if driver.under_way:
            number_of = next(iter(driver.under_way))
            driver.hear(Reported(**driver.now, dispatch=number_of, outcome="succeeded", result=1))
        elif driver.reads:
            driver.answer(next(iter(driver.reads)), value=1)
        elif run.people != PEOPLE:
            driver.said.append(PeopleRead(**driver.now, people=PEOPLE))
        elif number % 2:
            self._kind_person(number // 2)
        else:
            self._pass_ms(2_500)

    def _kind_person(self, number: int) -> None:
        forward = [choice for choice in choices(self.witness.run) if not choice.safe]
        if forward:
            # Another first each time: what does not help once may never help.
            self._ask_for(forward[number % len(forward)], ("ana", "bo", "eve")[number % 3])


_WORDS = tuple(field.name for field in fields(Asked) if field.name not in ("at", "t", "request"))


def storm(seed: int, tell: Callable[[str], None] | None = None) -> Storm:
    """Play the run of a seed.

    Raises:
        AssertionError: something that must hold did not; the note names the seed and how to see its story.
    """
    try:
        played = Storm(seed, tell, after=_earlier(seed) if seed % FOLLOWS_EVERY == 0 else None)
        played.blow()
        if seed % CALM_EVERY < 2:
            played.clear_up() if seed % CALM_EVERY else played.give_up()
            assert played.over, f"it cannot be brought to an end: {played.witness.run.state}"
        played.witness.close(played.door, played.shelf)
        if played.driver is not None and not played.driver.dead and not played.over:
            played.driver.holds_what_is_wanted()
    except Exception as error:
        error.add_note(f"python -m relight.testing.storm {seed}")
        raise
    return played


def _earlier(seed: int) -> Run:
    """Return the run that stormed before on the same site, by the same plan, and was aborted."""
    first = Storm(seed + 1, plan=plan_of(seed // SEEDS_PER_PLAN))
    first.blow()
    first.give_up()
    return evolved(first.witness.run, id=EARLIER)


def main(words: Sequence[str]) -> None:
    """Tell the story of a seed, or play all from the first to before the second."""
    seeds = [int(word) for word in words] or [0]
    if len(seeds) == 1:
        storm(seeds[0], print)
    for seed in range(*seeds) if len(seeds) == 2 else ():
        storm(seed)


if __name__ == "__main__":
    main(sys.argv[1:])
