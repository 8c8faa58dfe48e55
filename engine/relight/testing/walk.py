"""A walk through every state that a small plan can reach, breadth first, with whatever world and people may do.

What does not belong here: what must hold in each state (``properties``), and which states are one (``canonical``).
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from relight.errors import NotNow, NotPermitted
from relight.kernel.choices import choices
from relight.kernel.decide import turn
from relight.kernel.inputs import AnyInput, Asked, Read, Reported, Started, Ticked, TookOver, Turned
from relight.kernel.intents import ReadProbe, Wake, Watch
from relight.kernel.plan import Plan
from relight.kernel.state import Run
from relight.kernel.wanted import wanted
from relight.testing.canonical import canonical
from relight.testing.players import ANYBODY, asked_for
from relight.testing.properties import Properties

STATES_MAX = 20_000
"""More than this is no small plan."""

FREE = ("person", "turn", "takeover")
"""What may go round in circles: somebody has to do it each time."""


class Place(NamedTuple):
    """A state that is still to be gone on from: what was held until there, and the inputs on the way, last first."""

    number: int
    run: Run
    t: int
    held: Properties
    path: Any


@dataclass(slots=True)
class Walk:
    """What a walk found.

    Attributes:
        seen: Each state's canonical form with its number.
        leads: From each state where each kind of input leads.
        ends: The states in which the run is over, each with how.
    """

    seen: dict[Any, int] = field(default_factory=dict)
    leads: list[set[tuple[str, int]]] = field(default_factory=list)
    ends: dict[int, str] = field(default_factory=dict)

    def arrive(self, run: Run, t: int) -> tuple[int, bool]:
        """Return the number of a state, and whether nobody has been there."""
        key, number = canonical(run, t), len(self.seen)
        found = self.seen.setdefault(key, number)
        if found == number:
            assert number < STATES_MAX, "this plan is not small"
            self.leads.append(set())
            if run.outcome is not None:
                self.ends[number] = run.outcome
        return found, found == number

    def stranded(self) -> set[int]:
        """Return the states from which no end can be reached."""
        left, grown = set(range(len(self.leads))) - self.ends.keys(), True
        while grown:
            out = {state for state in left if not all(to in left for _, to in self.leads[state])}
            left, grown = left - out, bool(out)
        return left

    def circle(self) -> list[int]:
        """Return a circle that nobody has to push: no person, verdict or takeover is on it."""
        pushed = [{to for kind, to in leads if kind not in FREE} - {here} for here, leads in enumerate(self.leads)]
        try:
            TopologicalSorter(dict(enumerate(pushed))).prepare()
        except CycleError as error:
            return list(error.args[1])
        return []


def walk(plan: Plan, look: Callable[[Run, int], None] = lambda _run, _t: None) -> Walk:
    """Walk through every state of *plan*; *look* is called with each and its clock, once."""
    found = Walk()
    run = turn(None, Started(at=0, t=0, run="run-1", plan=plan, starter="ana"))[1]
    ahead = deque([Place(found.arrive(run, 0)[0], run, 0, Properties(), None)])
    while ahead:
        here = ahead.popleft()
        for kind, given in moves(here.run, here.t):
            held = here.held.copied()
            after = _step(here, given, held)
            there, new = found.arrive(after, given.t)
            found.leads[here.number].add((kind, there))
            if new:
                look(after, given.t)
                if after.outcome is None:
                    ahead.append(Place(there, after, given.t, held, (here.path, given)))
    return found


def _step(here: Place, given: AnyInput, held: Properties) -> Run:
    try:
        facts, after = turn(here.run, given)
        held(here.run, facts, after)
    except (AssertionError, NotNow, NotPermitted) as error:
        said, path = [given], here.path
        while path is not None:
            path, earlier = path
            said.append(earlier)
        error.add_note("\n".join(f"  {item}" for item in reversed(said)))
        raise
    return after


def moves(run: Run, t: int) -> Iterator[tuple[str, AnyInput]]:
    """Yield everything that world, people and time may do now."""
    yield "takeover", TookOver(at=t, t=t, epoch=run.epoch + 1, driver="another")
    for number in run.dispatches:
        yield "report", Reported(at=t, t=t, dispatch=number, outcome="succeeded", result=1)
        yield "report", Reported(at=t, t=t, dispatch=number, outcome="failed", error="no")
        yield "report", Reported(at=t, t=t, dispatch=number, outcome="unknown", error="lost")
    intents = wanted(run)
    for intent in intents:
        if isinstance(intent, ReadProbe):
            yield "read", Read(at=t, t=t, read=intent.id, value=1)
            yield "read", Read(at=t, t=t, read=intent.id, error="no")
        elif isinstance(intent, Watch):
            for verdict in ("pass", "fail", "inconclusive"):
                yield "turn", Turned(at=t, t=t, use=intent.id, check=intent.check, verdict=verdict)
    due = min((intent.t for intent in intents if isinstance(intent, Wake) and intent.t > t), default=None)
    if due is not None:
        yield "time", Ticked(at=due, t=due)
    yield from people(run, t)


def people(run: Run, t: int) -> Iterator[tuple[str, Asked]]:
    """Yield every verb that is offered, from the first who may say it; of approvals from two who have not voted."""
    voted = [vote.person for vote in run.ticket.votes] if run.ticket is not None else []
    roles = {person.id: {*person.roles} for person in run.people}
    for choice in choices(run):
        may = [person for person in ANYBODY if not choice.roles or roles.get(person, set()) & {*choice.roles}]
        approves = choice.verb == "approve"
        for person in [each for each in may if not approves or each not in voted][: 2 if approves else 1]:
            yield "person", replace(asked_for(choice, at=t, t=t), person=person)
