"""A desk from which a test plays the world, the people and the clock to one run, without any driver.

Whatever is said goes through the kernel alone; the desk keeps the facts, and after each transaction it checks that they
are the whole truth (folding them again gives the same run) and that the eight properties hold.
"""

from typing import Any, TypeVar

from relight.kernel import facts as f
from relight.kernel.decide import turn
from relight.kernel.evolve import evolve
from relight.kernel.inputs import AnyInput, Asked, PeopleRead, Read, Reported, Started, Ticked, TookOver, Turned
from relight.kernel.intents import AnyIntent, Perform, ReadProbe, Stop, Wake, Watch
from relight.kernel.plan import Gate, Json, Person, Plan, Step, Verify
from relight.kernel.state import Dispatch, Run
from relight.kernel.wanted import wanted
from relight.testing.plans import plan, stage
from relight.testing.properties import Properties

EPOCH_MS = 1_700_000_000_000
"""The wall clock at the run's own zero."""

Intent = TypeVar("Intent", bound=AnyIntent)


class Desk:
    """One run under the hands of a test.

    Attributes:
        run: The run as it is.
        facts: Everything that happened.
        t: The run's clock.
    """

    def __init__(
        self, plan: Plan, *, starter: str = "ana", drive: bool = True, run: str = "run-1", after: tuple[Run, ...] = ()
    ) -> None:
        self.t = 0
        self.properties = Properties()
        self._requests = 0
        started = Started(at=EPOCH_MS, t=0, run=run, plan=plan, starter=starter, after=after)
        self.facts, self.run = turn(None, started)
        if drive:
            self.take_over()

    # ---- saying things

    def say(self, given: AnyInput) -> list[f.AnyFact]:
        """Put an input to the run and return the facts that followed."""
        before = self.run
        facts, run = turn(before, given)
        folded = before
        for fact in facts:
            folded = evolve(folded, fact)
        assert folded == run, "the run is not the fold of its facts"
        self.facts += facts
        self.run = run
        self.properties(before, facts, run)
        return facts

    @property
    def now(self) -> dict[str, Any]:
        """The time, as inputs carry it."""
        return {"at": EPOCH_MS + self.t, "t": self.t}

    def take_over(self, *, clock_lost: bool = False) -> list[f.AnyFact]:
        """A new driver begins, with nothing in its hands."""
        epoch = self.run.epoch + 1
        return self.say(TookOver(**self.now, epoch=epoch, driver=f"driver-{epoch}", clock_lost=clock_lost))

    def tick(self, ms: int = 0) -> list[f.AnyFact]:
        """Let time pass, stopping at each moment that the run wants to be woken at."""
        until, before = self.t + ms, len(self.facts)
        while True:
            due = [item.t for item in self.wanted(Wake) if self.t < item.t <= until]
            self.t = min(due, default=until)
            self.say(Ticked(**self.now))
            if self.t == until and not due:
                return self.facts[before:]

    def report(self, step: str, outcome: Any = "succeeded", **fields: Any) -> list[f.AnyFact]:
        """Report what became of the dispatch of *step* that is under way (or being stopped)."""
        return self.say_report(self.dispatch(step).number, outcome, **fields)

    def say_report(self, number: int, outcome: Any = "succeeded", **fields: Any) -> list[f.AnyFact]:
        """Report what became of that dispatch, whether or not it is still under way."""
        return self.say(Reported(**self.now, dispatch=number, outcome=outcome, **fields))

    def dispatch(self, step: str) -> Dispatch:
        """Return what is under way for that step, or being stopped."""
        found = [item for item in self.run.dispatches.values() if item.step == step]
        assert found, f"{step} is not under way: {self.run.steps.get(step)}"
        return found[0]

    def turn(self, prefix: str, check: str, verdict: Any = "pass", value: Any = None) -> list[f.AnyFact]:
        """Turn the verdict of the watch of *check* whose name begins with *prefix*."""
        use = self.watch(prefix, check).id
        return self.say(Turned(**self.now, use=use, check=check, verdict=verdict, value=value, detail=str(verdict)))

    def read(self, prefix: str, value: Json = None, error: str = "") -> list[f.AnyFact]:
        """Answer the reading that is wanted under this prefix."""
        ids = [item.id for item in self.wanted(ReadProbe) if item.id.startswith(prefix)]
        assert ids, f"no reading {prefix} is wanted: {self.ids}"
        return self.say_read(ids[0], value, error)

    def say_read(self, read: str, value: Json = None, error: str = "") -> list[f.AnyFact]:
        """Answer the reading of that name, whether or not it is wanted."""
        return self.say(Read(**self.now, read=read, value=value, error=error))

    def people(self, *people: Person) -> list[f.AnyFact]:
        """The site's people are others now."""
        return self.say(PeopleRead(**self.now, people=people))

    def ask(self, person: str, verb: str, subject: str = "", **fields: Any) -> list[f.AnyFact]:
        """Ask something of the run; approve and deny are about the waiting ticket unless one is given."""
        self._requests += 1
        if verb in ("approve", "deny") and self.run.ticket is not None:
            fields.setdefault("ticket", self.run.ticket.id)
        fields.setdefault("door", "cli")
        request = f"request-{self._requests}"
        return self.say(Asked(**self.now, request=request, person=person, verb=verb, subject=subject, **fields))

    # ---- looking

    def wanted(self, kind: type[Intent]) -> list[Intent]:
        """Return the intents of one kind."""
        return [item for item in wanted(self.run) if isinstance(item, kind)]

    @property
    def ids(self) -> list[str]:
        """The identities of everything that is wanted."""
        return [item.id for item in wanted(self.run)]

    def watch(self, prefix: str, check: str) -> Watch:
        """Return the watch of *check* whose name begins with *prefix*."""
        found = [item for item in self.wanted(Watch) if item.id.startswith(prefix) and item.check == check]
        assert found, f"no watch {prefix}…{check} is wanted: {self.ids}"
        return found[0]

    @property
    def performing(self) -> list[str]:
        """The steps under way."""
        return [item.step for item in self.wanted(Perform)]

    @property
    def stopping(self) -> list[int]:
        """The dispatches that are being stopped."""
        return [item.dispatch for item in self.wanted(Stop)]

    def perform(self, step: str) -> Perform:
        """Return what is under way for that step."""
        found = [item for item in self.wanted(Perform) if item.step == step]
        assert found, f"{step} is not under way: {self.ids}"
        return found[0]

    def word(self, step: str) -> str:
        """Return the word for where a step stands."""
        record = self.run.steps.get(step)
        return "pending" if record is None else record.word

    @property
    def holds(self) -> list[str]:
        """The codes of what the run holds for."""
        return [hold.code for hold in self.run.holds]

    def kinds(self, facts: list[f.AnyFact] | None = None) -> list[str]:
        """Return the names of facts."""
        return [type(fact).__name__ for fact in (self.facts if facts is None else facts)]


def desk_of(
    *steps: Step,
    verify: tuple[Verify | str, ...] = (),
    pre: tuple[str, ...] = (),
    gate: Gate | None = None,
    **of_plan: Any,
) -> Desk:
    """Return a desk where a plan runs that has one stage, ``one``, of these steps."""
    return Desk(plan(stage("one", *steps, verify=verify, pre=pre, gate=gate), **of_plan))
