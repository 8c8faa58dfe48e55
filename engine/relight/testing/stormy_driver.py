"""One driver process in a storm: the real pump over the real journal in memory, and hands that may die at any line.

What does not belong here: what happens to it (``storm``).
"""

from typing import Any, Literal

from relight.drivers.drafting import Draft
from relight.drivers.live.clock import RunClock, carried_on
from relight.drivers.pump import Droppable, Pump
from relight.errors import StaleDriver
from relight.journal.memory import MemoryJournal, MemoryStore
from relight.journal.port import Batch, Request
from relight.kernel.facts import AnyFact
from relight.kernel.inputs import AnyInput, Read, Reported, Ticked, TookOver
from relight.kernel.intents import Observe, Perform, ReadProbe, Stop, Wake, Watch
from relight.kernel.judge import Judge, Sample
from relight.kernel.plan import Check
from relight.kernel.wanted import wanted
from relight.testing.witness import Witness

RUN = "run-1"
LEASE_MS = 15_000


class Machine:
    """A machine's clocks."""

    def __init__(self) -> None:
        self.wall_offset = 1_700_000_000_000
        self._boot_ms = 5_000
        self._boots = 1

    def pass_ms(self, ms: int) -> None:
        """Let time pass."""
        self._boot_ms += ms

    def boot(self, down_ms: int) -> None:
        """Boot anew after so long; less than nothing where the wall clock came up wrong."""
        self.wall_offset += self._boot_ms + down_ms
        self._boot_ms = 0
        self._boots += 1

    def wall_ms(self) -> int:
        """Return the wall clock."""
        return self.wall_offset + self._boot_ms

    def boot_ms(self) -> int:
        """Return milliseconds since boot."""
        return self._boot_ms

    def boot_id(self) -> str:
        """Return what tells this boot from every other."""
        return f"boot-{self._boots}"


class Dead(Exception):
    """The driver died, there and then."""


class Driver:
    """A process that carries the run forward.

    Attributes:
        under_way: What it performs, by dispatch.
        reads: Readings that it was asked for.
        said: What it has heard and not decided.
    """

    def __init__(self, machine: Machine, store: MemoryStore, shelf: list[Any], witness: Witness) -> None:
        self._shelf = shelf
        self._witness = witness
        self._journal = MemoryJournal(store)
        now = machine.wall_ms()
        hold = self._journal.drive(RUN, "driver", now + LEASE_MS, now, take_over=True)
        self.epoch = hold.lease.epoch
        run, self._seq = witness.folded(self._journal, shelf)
        mark = self._journal.live(RUN).get("clock") or {}
        self.clock: RunClock
        self.clock, self.clock_lost = carried_on(machine, run.at, run.t, mark)
        back = mark.get("boot_id") != machine.boot_id() and now < run.at
        witness.took_over(self.epoch, run)
        assert self.clock_lost == back, "whether the clock went back is known"
        self.dead = self._marked = False
        self.under_way: dict[int, Perform] = {}
        self.reads: dict[str, ReadProbe] = {}
        self.wakes: set[int] = set()
        self._judges: dict[str, tuple[Watch, Judge]] = {}
        self._pump = Pump(self, run)
        self.said: list[AnyInput] = [
            TookOver(**self.now, epoch=self.epoch, driver="driver", clock_lost=self.clock_lost)
        ]

    @property
    def now(self) -> dict[str, Any]:
        """The time, as inputs carry it."""
        return {"at": self.clock.at(), "t": self.clock.t()}

    def die(self) -> None:
        """End at once, with everything in its hands."""
        self.dead = True
        self._journal.close()

    def turn(self, dies: Literal["append", "act"] | None) -> list[AnyFact]:
        """Decide what was said and asked, append it, then act on it; *dies* says before which of them it dies.

        Raises:
            Dead: it died, or found that it had been replaced.
        """
        inputs, self.said = self.said, []
        requests = self._journal.pending(RUN)
        draft = self._pump.draft(inputs, requests, **self.now)
        if dies == "append":
            self._killed("before it wrote")
        if not draft.empty:
            self._append(draft.facts, draft, requests)
        if dies == "act":
            self._killed("after it wrote, before it acted")
        self._pump.adopt(draft)
        for number in draft.reported:
            self.under_way.pop(number, None)
        return draft.facts

    def _killed(self, where: str) -> None:
        self.die()
        raise Dead(where)

    def _append(self, facts: list[AnyFact], draft: Draft, requests: list[Request]) -> None:
        first = len(self._shelf)
        self._shelf += facts
        batch = Batch(
            run=RUN,
            epoch=self.epoch,
            first_seq=self._seq + 1,
            kinds_and_bodies=[(type(fact).__name__, b"%d" % (first + at)) for at, fact in enumerate(facts)],
            answers=draft.answers,
            live=None if self._marked else {"clock": self.clock.mark()},
        )
        refused = self._journal.append([batch])[0]
        if isinstance(refused, StaleDriver):
            self._witness.was_stale(self.epoch)
            self._killed("for another one drives the run")
        if refused is not None:
            raise refused
        self._seq += len(facts)
        self._marked = True
        self._witness.appended(self.epoch, facts, draft, requests)

    # ---- what it hears

    def hear(self, report: Reported) -> None:
        """Take a report; of what it had in hand that is the end."""
        self.said.append(report)
        self.under_way.pop(report.dispatch, None)

    def answer(self, read: str, **answer: Any) -> None:
        """Answer a reading."""
        del self.reads[read]
        self.said.append(Read(**self.now, read=read, **answer))

    def tick(self) -> None:
        """Let what is due be due."""
        t = self.clock.t()
        if any(wake <= t for wake in self.wakes):
            self.wakes = {wake for wake in self.wakes if wake > t}
            self.said.append(Ticked(**self.now))

    def sample(self, values: dict[str, float | None]) -> None:
        """Sample everything that is watched, once."""
        t = self.clock.t()
        for watch, judge in self._judges.values():
            value = values.get(watch.check)
            kind: Literal["value", "none"] = "none" if value is None else "value"
            turned = judge.fold(Sample(t=t, kind=kind, value=value, detail="" if value is not None else "nobody knows"))
            if turned is not None:
                self.said.append(turned.told(watch, **self.now))

    # ---- its hands

    def start(self, intent: Perform) -> None:
        """Begin it."""
        self._witness.began(self.epoch, intent)
        self.under_way[intent.dispatch] = intent

    def stop(self, intent: Stop) -> None:
        """Be asked to end it; it is heard of, or is not."""
        self._witness.stops(self.epoch, intent)

    def read(self, intent: ReadProbe) -> None:
        """Read it, some time."""
        self.reads[intent.id] = intent

    def watch(self, intent: Watch, check: Check) -> None:
        """Judge it with an empty window."""
        self._judges[intent.id] = (intent, Judge(check, intent))

    def observe(self, intent: Observe) -> None:
        """Nothing in a storm looks at it."""

    def wake(self, intent: Wake) -> None:
        """Remember to wake it."""
        self.wakes.add(intent.t)

    def drop(self, intent: Droppable) -> None:
        """Forget it."""
        match intent:
            case ReadProbe():
                self.reads.pop(intent.id, None)
            case Watch():
                self._judges.pop(intent.id, None)
            case Wake():
                self.wakes.discard(intent.t)
            case Observe():
                pass

    def holds_what_is_wanted(self) -> None:
        """Hold that it has in hand what is wanted, and nothing that ends when it is not."""
        intents = wanted(self._witness.run)
        watched = {intent.id for intent in intents if isinstance(intent, Watch)}
        assert watched == set(self._judges), "what is watched is what is wanted"
        assert set(self.reads) <= {intent.id for intent in intents if isinstance(intent, ReadProbe)}
        assert self.wakes <= {intent.t for intent in intents if isinstance(intent, Wake)}
