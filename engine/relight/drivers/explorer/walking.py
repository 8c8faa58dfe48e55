"""The walk itself: breadth first through every state, so that the first way to anything is a shortest one."""

from array import array
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from relight.drivers.explorer.canonical import Canon
from relight.drivers.explorer.findings import Broken, Violation
from relight.drivers.explorer.in_force import InForce
from relight.drivers.explorer.moves import FREE, Move
from relight.errors import NotNow, NotPermitted
from relight.kernel import facts as f
from relight.kernel.changing import evolved
from relight.kernel.decide import turn
from relight.kernel.inputs import AnyInput, Started
from relight.kernel.plan import Plan
from relight.kernel.state import Run

STATES_MAX = 40_000
"""Five times what the largest shipped runbook has, and about a minute: nobody waits longer to hear of a bound."""

DEFECTS = (AssertionError, LookupError, TypeError, AttributeError, ValueError, RecursionError)
"""What the kernel must never raise, whatever is said to it."""


class Watcher(Protocol):
    """Holds something against every transaction; what it remembers of the way is part of the state."""

    def start(self) -> Hashable: ...

    def step(self, held: Any, before: Run, facts: list[f.AnyFact], after: Run) -> Hashable: ...

    def rest(self, run: Run) -> None: ...


@dataclass(slots=True)
class Place:
    """A state that is still to be gone on from."""

    number: int
    run: Run
    held: tuple[Hashable, ...]


@dataclass(slots=True)
class Walk:
    """One walk through a plan.

    Attributes:
        moves: What may come next from a state.
        watchers: What is held against every transaction.
        states_max: After so many states it gives up, and is not complete.
        seen: Each state's canonical form with its number.
        came_from: For each state the one before it on a shortest way, and the inputs between them.
        out: For each state where it leads; negative numbers (one's complement) where nobody had to push.
        ends: The states in which the run is over; *end_runs* are the runs that came to them first.
    """

    plan: Plan
    canon: Canon
    moves: Callable[[Run], Iterable[Move]]
    watchers: tuple[Watcher, ...] = ()
    starter: str = "starter"
    states_max: int = STATES_MAX
    seen: dict[Hashable, int] = field(default_factory=dict)
    came_from: list[tuple[int, tuple[AnyInput, ...]]] = field(default_factory=list)
    out: "list[array[int]]" = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    end_runs: dict[int, Run] = field(default_factory=dict)
    transitions: int = 0
    violations: dict[tuple[str, str, str, str], Violation] = field(default_factory=dict)
    ahead: deque[Place] = field(default_factory=deque)
    on_new: Callable[["Walk", Place], None] | None = None
    in_force: InForce | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be gone on from."""
        return not self.ahead

    def go(self) -> "Walk":
        """Walk until nothing is new, or there is too much."""
        run = turn(None, Started(at=0, t=0, run="run-1", plan=self.plan, starter=self.starter))[1]
        self._arrive(run, tuple(watcher.start() for watcher in self.watchers), -1, ())
        while self.ahead and len(self.seen) < self.states_max:
            place = self.ahead.popleft()
            self.expand(place)
        return self

    def expand(self, place: Place) -> None:
        """Go on from one state in every way."""
        for move in self.moves(place.run):
            self.follow(place, move)

    def follow(self, place: Place, move: Move) -> int | None:
        """Make one move and return the state that it leads to; None where something does not hold on the way."""
        run, held, said = place.run, place.held, list[AnyInput]()
        given: AnyInput | None = move.given
        while given is not None:
            said.append(given)
            broken: list[Broken] = []
            try:
                run, held = self.transact(run, held, given, broken)
            except (NotNow, NotPermitted):
                return None  # whoever asks is told why, and nothing is changed
            except DEFECTS as defect:
                text = f"the engine itself fails here ({type(defect).__name__}: {defect}); please report it"
                self.found(Broken("way-on", text, stage=run.stage.id), place.number, tuple(said))
                return None
            for what in broken:
                self.found(what, place.number, tuple(said))
            given = move.then(run) if move.then is not None else None
        there = self._arrive(run, held, place.number, tuple(said))
        if self.in_force is not None:
            self.in_force.moved(place.number, there, place.run, move.given, run)
        if there != place.number:
            self.out[place.number].append(there if move.kind in FREE or _undid(place.run, run) else ~there)
        return there

    def transact(
        self, run: Run, held: tuple[Hashable, ...], given: AnyInput, broken: list[Broken]
    ) -> tuple[Run, tuple[Hashable, ...]]:
        """Put one input to a run and hold everything against what follows; what does not hold goes to *broken*.

        The way goes on behind it: what comes after may be wrong for another reason.
        """
        facts, after = turn(run, given)
        self.transitions += 1
        held = tuple(
            self._watched(watcher, item, run, facts, after, broken)
            for watcher, item in zip(self.watchers, held, strict=True)
        )
        if given.t > after.t:
            after = evolved(after, at=given.at, t=given.t)  # no fact tells that time has passed; the driver knows
        return after, held

    def _watched(
        self, watcher: Watcher, item: Hashable, run: Run, facts: list[f.AnyFact], after: Run, broken: list[Broken]
    ) -> Hashable:
        try:
            return watcher.step(item, run, facts, after)
        except Broken as what:
            broken.append(what)
            return item if what.held is None else what.held

    def _arrive(self, run: Run, held: tuple[Hashable, ...], came_from: int, said: tuple[AnyInput, ...]) -> int:
        key = (self.canon.key(run), held)
        number = self.seen.get(key)
        if number is not None:
            return number
        number = self.seen[key] = len(self.seen)
        self.came_from.append((came_from, said))
        self.out.append(array("q"))
        place = Place(number, run, held)
        for watcher in self.watchers:
            try:
                watcher.rest(run)
            except Broken as broken:
                self.found(broken, number, ())
        if run.outcome is None:
            self.ahead.append(place)
        else:
            self.ends.append(number)
            self.end_runs[number] = run
        if self.on_new is not None:
            self.on_new(self, place)
        return number

    # ---- what was found

    def found(self, broken: Broken, number: int, said: tuple[AnyInput, ...]) -> None:
        """Note what does not hold, once, with the way there."""
        violation = Violation(
            name=broken.name,
            stage=broken.stage,
            step=broken.step,
            text=broken.text,
            subject=broken.subject,
            path=(*self.way_to(number), *said),
        )
        self.violations.setdefault(violation.identity, violation)

    def way_to(self, number: int) -> tuple[AnyInput, ...]:
        """Return the inputs of a shortest way to a state."""
        way: list[AnyInput] = []
        while number >= 0:
            number, said = self.came_from[number]
            way[:0] = said
        return tuple(way)

    # ---- the whole graph

    def stranded(self) -> Iterator[int]:
        """Yield the states from which no end can be reached."""
        back: dict[int, list[int]] = {}
        for number, leads in enumerate(self.out):
            for to in leads:
                back.setdefault(to if to >= 0 else ~to, []).append(number)
        reached, left = set(self.ends), list(self.ends)
        while left:
            for number in back.get(left.pop(), ()):
                if number not in reached:
                    reached.add(number)
                    left.append(number)
        yield from (number for number in range(len(self.out)) if number not in reached)

    def circles(self) -> Iterator[int]:
        """Yield the states on a circle that nobody has to push: no person, verdict or takeover on it.

        States between two circles are yielded too; the first state is on one.
        """
        leads = [{~to for to in out if to < 0} for out in self.out]
        back: list[set[int]] = [set() for _ in leads]
        for number, out in enumerate(leads):
            for to in out:
                back[to].add(number)
        left = _without_ends(_without_ends(set(range(len(leads))), leads, back), back, leads)
        yield from sorted(left)


def _undid(before: Run, after: Run) -> bool:
    """Return whether less is left to be undone: how much it was is no part of a state, but it comes to an end."""
    return before.undo is not None and (after.undo is None or len(after.undo.queue) < len(before.undo.queue))


def _without_ends(left: set[int], leads: list[set[int]], back: list[set[int]]) -> set[int]:
    """Return what is left of a graph when whatever leads nowhere is taken away, again and again."""
    out = {number: len(leads[number] & left) for number in left}
    ends = [number for number, count in out.items() if count == 0]
    while ends:
        number = ends.pop()
        left.discard(number)
        for before in back[number]:
            if before in left:
                out[before] -= 1
                if out[before] == 0:
                    ends.append(before)
    return left
