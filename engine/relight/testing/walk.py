"""A walk through every state that a small plan can reach, breadth first, with whatever world and people may do.

States that differ only in what no rule compares (times, numbers, values, digests, who voted) are one state.
What does not belong here: what must hold in each (``properties``).
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from relight.errors import NotNow, NotPermitted
from relight.kernel.choices import choices
from relight.kernel.decide import turn
from relight.kernel.effects import layers
from relight.kernel.inputs import AnyInput, Asked, Read, Reported, Started, Ticked, TookOver, Turned
from relight.kernel.intents import ReadProbe, Wake, Watch
from relight.kernel.plan import Plan
from relight.kernel.stages import counting_votes
from relight.kernel.state import (
    Backoff,
    Done,
    EffectEntry,
    Fanning,
    Prepared,
    Ramping,
    Run,
    StepRecord,
    UndoJob,
    Unknown,
    Waiting,
)
from relight.kernel.wanted import wanted
from relight.testing.players import ANYBODY, asked_for
from relight.testing.properties import Properties

STATES_MAX = 20_000
"""More than this is no small plan."""

FREE = ("person", "turn", "takeover")
"""What may go round in circles: somebody has to do it each time."""


@dataclass(slots=True)
class Walk:
    """What a walk found.

    Attributes:
        edges: From each state where each kind of input leads.
        ends: The states in which the run is over.
    """

    edges: dict[Any, set[tuple[str, Any]]] = field(default_factory=dict)
    ends: set[Any] = field(default_factory=set)

    def stranded(self) -> int:
        """Return how many states there are from which no end can be reached."""
        back: dict[Any, set[Any]] = {}
        for state, out in self.edges.items():
            for _, to in out:
                back.setdefault(to, set()).add(state)
        reached, ahead = set(self.ends), list(self.ends)
        while ahead:
            for state in back.get(ahead.pop(), ()):
                if state not in reached:
                    reached.add(state)
                    ahead.append(state)
        return len(self.edges.keys() - reached)

    def circles(self) -> int:
        """Return how many states lie on a circle that nobody has to push: no person, verdict or takeover on it."""
        left: dict[Any, set[Any]] = {}
        for state, out in self.edges.items():
            left[state] = {to for kind, to in out if kind not in FREE and to != state}
        into = dict.fromkeys(left, 0)
        for out in left.values():
            for to in out:
                into[to] += 1
        free = [state for state, number in into.items() if number == 0]
        while free:
            for to in left.pop(free.pop()):
                into[to] -= 1
                if into[to] == 0:
                    free.append(to)
        return len(left)


def walk(plan: Plan, watch: Any = None, look: Callable[[Run, int], None] | None = None) -> Walk:
    """Walk through every state of *plan*.

    Args:
        watch: Called with each transaction, besides the properties.
        look: Called with each state and its clock, once.
    """
    found = Walk()
    run = turn(None, Started(at=0, t=0, run="run-1", plan=plan, starter="ana"))[1]
    ahead: deque[_Place] = deque([(run, 0, Properties(), None)])
    found.edges[canonical(run, 0)] = set()
    while ahead:
        place = ahead.popleft()
        here = canonical(place[0], place[1])
        for kind, given in moves(place[0], place[1]):
            after, held = _step(place, given, watch)
            there = canonical(after, given.t)
            found.edges[here].add((kind, there))
            if there in found.edges:
                continue
            assert len(found.edges) < STATES_MAX, "this plan is not small"
            found.edges[there] = set()
            if look is not None:
                look(after, given.t)
            if after.outcome is None:
                ahead.append((after, given.t, held, (place[3], given)))
            else:
                found.ends.add(there)
    return found


_Place: TypeAlias = tuple[Run, int, Properties, Any]
"""A run, its clock, what was held so far, and the inputs that led there, the last first."""


def _step(place: _Place, given: AnyInput, watch: Any) -> tuple[Run, Properties]:
    run, _, held, path = place
    held = held.copied()
    try:
        facts, after = turn(run, given)
        held(run, facts, after)
        if watch is not None:
            watch(run, facts, after)
    except (AssertionError, NotNow, NotPermitted) as error:
        said = [given]
        while path is not None:
            path, earlier = path
            said.append(earlier)
        error.add_note("\n".join(f"  {item}" for item in reversed(said)))
        raise
    return after, held


# ---- what may come next


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
    """Yield every verb that is offered, from the first who may say it (of approvals and denials, from each)."""
    for choice in choices(run):
        asked = asked_for(choice, at=t, t=t)
        may = [person for person in ANYBODY if not choice.roles or _has(run, person, choice.roles)]
        voted = [vote.person for vote in run.ticket.votes] if run.ticket is not None else []
        fresh = [person for person in may if choice.verb != "approve" or person not in voted]
        for person in fresh[:2] if choice.verb == "approve" else fresh[:1]:
            yield "person", replace(asked, person=person)


def _has(run: Run, person: str, roles: tuple[str, ...]) -> bool:
    return any(known.id == person and set(known.roles) & set(roles) for known in run.people)


# ---- which states are one


def canonical(run: Run, t: int) -> Any:
    """Return what makes this state different from others."""
    gate = run.current.gate if run.current is not None else None
    ticket = run.ticket
    votes = len(counting_votes(run, gate, ticket, t)) if gate is not None and ticket is not None else 0
    told = {watch.id: run.readings[watch.id].verdict for watch in wanted(run) if _told(run, watch)}
    return (
        (run.cursor, run.stage.phase, run.stage.position, run.outcome, run.epoch > 0, tuple(run.past.values())),
        (run.paused, run.aborting, tuple(sorted((hold.code, hold.step) for hold in run.holds))),
        None if ticket is None else (ticket.status, votes, ticket.escalated),
        tuple((step, _record(record, t)) for step, record in sorted(run.steps.items())),
        tuple(sorted((item.step, item.purpose, item.stop_until_t is None) for item in run.dispatches.values())),
        tuple(sorted((use.split(":")[0], use.split(":")[-1], verdict) for use, verdict in told.items())),
        tuple(run.breached),
        tuple(tuple(_effect(entry) for entry in layers(top)) for top in run.ledger.values()),
        _job(run.undo, t),
        _job(run.undo_before, t) if any(hold.code.startswith("undo") for hold in run.holds) else None,
        tuple((name, probe.errors) for name, probe in sorted(run.stage.probes.items())),
    )


def _told(run: Run, intent: object) -> bool:
    return isinstance(intent, Watch) and intent.id in run.readings


def _record(record: StepRecord, t: int) -> Any:
    state, tries = record.state, record.attempts - record.tries_from
    match state:
        case Ramping():
            more: Any = (state.position, state.settled, min(state.moves, 1), state.step_backs, state.stay)
            more += (state.failures, bool(state.why), state.dispatch > 0, state.cool_until_t > t, state.retry_at_t > t)
            return "ramping", more, record.before_known
        case Fanning():
            return "fanning", state.status, state.dispatch > 0, state.failed, record.unknowns
        case Unknown():
            return "unknown", record.unknowns, tries, state.ramp is None
        case Backoff() | Waiting():
            return type(state).__name__, state.until_t > t, tries, record.unknowns, record.before_known
        case Prepared():
            return "prepared", state.read
        case Done():
            return state.outcome
        case _:
            return type(state).__name__, tries, record.unknowns, record.before_known


def _effect(entry: EffectEntry) -> Any:
    kind = (entry.step, entry.protective, entry.loosens, entry.sure, entry.undo_lost, entry.undo is None)
    return kind, len(entry.targets), len(entry.maybe), entry.otherwise is not None


def _job(job: UndoJob | None, t: int) -> Any:
    if job is None:
        return None
    return job.queue, job.then, job.back_to, job.attempts, job.lost, job.again_t > t, tuple(job.failed), job.steps
