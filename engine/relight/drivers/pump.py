"""The pump: append, then act.

The whole story of a driver, in one screen::

    draft = pump.draft(inputs, requests, at=…, t=…)    decide one by one; nothing has happened yet
    journal.append(draft's facts and answers)          one transaction; on disk when it returns
    pump.adopt(draft)                                  this is the run; start what is missing, end what is unwanted

Whoever drives does the middle line in its own way (a live driver waits for a disk, a rehearsal does not),
and nothing that a draft holds has happened until that line is done: a draft that could not be appended is dropped,
its inputs are kept, and no action starts.

What does not belong here: I/O, clocks, and any rule about what may happen.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias, assert_never

from relight import kernel
from relight.drivers import requests as asking
from relight.errors import NotNow, NotPermitted, UsageError
from relight.journal.port import Answer, Request
from relight.kernel.facts import AnyFact, RequestRefused
from relight.kernel.inputs import AnyInput, Reported
from relight.kernel.intents import AnyIntent, Observe, Perform, ReadProbe, Stop, Wake, Watch
from relight.kernel.plan import Check, ExpressionFailed
from relight.kernel.scope import expressions_in, resolve
from relight.kernel.state import Run

StopBefore: TypeAlias = Callable[[AnyFact], bool]
Droppable: TypeAlias = ReadProbe | Watch | Observe | Wake
"""What ends when it is no longer wanted; a ``Perform`` ends only by its report or by a ``Stop``."""


class World(Protocol):
    """What a driver can do to the world; answers come back as inputs. No method waits for anything."""

    def start(self, intent: Perform) -> None:
        """Begin it; ``Reported`` follows, whatever happens."""

    def stop(self, intent: Stop) -> None:
        """End that dispatch with its children; ``Reported`` follows."""

    def read(self, intent: ReadProbe) -> None:
        """Read it once, not before its time; ``Read`` follows."""

    def watch(self, intent: Watch, check: Check) -> None:
        """Sample the check until it is dropped; ``Turned`` follows each turn of the verdict."""

    def observe(self, intent: Observe) -> None:
        """Show what is really in force, now and then."""

    def wake(self, intent: Wake) -> None:
        """Send ``Ticked`` at that time."""

    def drop(self, intent: Droppable) -> None:
        """It is no longer wanted."""


@dataclass(slots=True)
class Draft:
    """What follows from some inputs, not yet true: it becomes so when its facts and answers are on disk."""

    run: Run | None
    facts: list[AnyFact] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    reported: list[int] = field(default_factory=list)
    again: list[AnyInput] = field(default_factory=list)
    """Inputs whose facts were cut short: they have to be decided again."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to append."""
        return not self.facts and not self.answers


class Pump:
    """One run and what its driver has in hand."""

    def __init__(self, world: World, run: Run | None = None) -> None:
        self.run = run
        self._world = world
        self._in_hand: dict[str, AnyIntent] = {}
        self._stop_before: StopBefore | None = None

    def draft(
        self,
        inputs: Iterable[AnyInput],
        requests: Sequence[Request] = (),
        *,
        at: int,
        t: int,
        stop_before: StopBefore | None = None,
    ) -> Draft:
        """Decide denials and aborts first, then what the world said, then what else people asked.

        *stop_before* cuts what follows from each before the first such fact; the kernel says the rest again when it is
        asked again, for it always goes on from what is recorded.
        """
        draft = Draft(self.run)
        self._stop_before = stop_before
        urgent, other = asking.in_order(requests)
        for request in urgent:
            self._ask(draft, request, at, t)
        for said in inputs:
            if isinstance(said, Reported):
                draft.reported.append(said.dispatch)
            self._follow(draft, said)
        for request in other:
            self._ask(draft, request, at, t)
        return draft

    def adopt(self, draft: Draft) -> None:
        """Make the draft, which is on disk now, the run; then act on what is wanted and not in hand."""
        self.run = draft.run
        for dispatch in draft.reported:
            self._in_hand.pop(f"perform:{dispatch}", None)
        if self.run is None or (not draft.facts and not draft.reported):
            return
        wanted = {intent.id: intent for intent in kernel.wanted(self.run)}
        # Ends come first: what is no longer wanted shall not stand in the way of what is.
        for identity in [identity for identity in self._in_hand if identity not in wanted]:
            self._end(identity)
        for identity, intent in wanted.items():
            held = self._in_hand.get(identity)
            if held is not None and not (isinstance(held, Observe) and held != intent):
                continue
            if held is not None:
                self._end(identity)
            self._in_hand[identity] = intent
            self._begin(self.run, intent)

    def let_go(self) -> None:
        """Forget everything in hand without a word to the world, which is being closed."""
        self._in_hand.clear()

    # ---- deciding

    def _follow(self, draft: Draft, said: AnyInput) -> None:
        run = draft.run
        # Several sources stamp their inputs, and a request may have been decided since: a run's clock never falls.
        if run is not None and said.t < run.t:
            said = replace(said, t=run.t)
        run_after: Run | None
        facts, run_after = kernel.turn(run, said)
        cut = self._cut(facts)
        if cut < len(facts):
            facts, run_after = facts[:cut], _folded(run, facts[:cut])
            draft.again.append(said)
        draft.run = run_after
        draft.facts += facts

    def _cut(self, facts: Sequence[AnyFact]) -> int:
        if self._stop_before is None:
            return len(facts)
        return next((i for i, fact in enumerate(facts) if self._stop_before(fact)), len(facts))

    def _ask(self, draft: Draft, request: Request, at: int, t: int) -> None:
        t = max(t, draft.run.t) if draft.run is not None else t
        before = len(draft.facts)
        try:
            asked = asking.to_input(request, at=at, t=t)
            self._follow(draft, asked)
        except (NotNow, NotPermitted, UsageError) as refusal:
            self._refuse(draft, request, refusal, at, t)
            return
        draft.answers.append(asking.accepted(asked, draft.facts[before:]))

    def _refuse(self, draft: Draft, request: Request, why: NotNow | NotPermitted | UsageError, at: int, t: int) -> None:
        fact = RequestRefused(
            at=at,
            t=t,
            request=request.id,
            person=str(request.body.get("person", ""))[: asking.WORD_MAX],
            verb=str(request.body.get("verb", ""))[: asking.WORD_MAX],
            why=why.message,
            permitted=not isinstance(why, NotPermitted),
        )
        draft.facts.append(fact)
        draft.run = kernel.evolve(draft.run, fact)
        draft.answers.append(asking.refused(request, why))

    # ---- acting

    def _begin(self, run: Run, intent: AnyIntent) -> None:
        match intent:
            case Perform():
                self._world.start(intent)
            case Stop():
                self._world.stop(intent)
            case ReadProbe():
                self._world.read(intent)
            case Watch():
                self._world.watch(intent, _resolved(run, run.plan.checks[intent.check]))
            case Observe():
                self._world.observe(intent)
            case Wake():
                self._world.wake(intent)
            case _:
                assert_never(intent)

    def _end(self, identity: str) -> None:
        intent = self._in_hand[identity]
        if isinstance(intent, Perform):
            return  # it is stopped by name or not at all
        del self._in_hand[identity]
        if not isinstance(intent, Stop):
            self._world.drop(intent)


def _folded(run: Run | None, facts: Iterable[AnyFact]) -> Run | None:
    for fact in facts:
        run = kernel.evolve(run, fact)
    return run


def _resolved(run: Run, check: Check) -> Check:
    """Return the check with its probe's arguments evaluated; where one cannot be, the plugin says what it misses."""
    if check.probe is None or not any(expressions_in(check.probe.args)):
        return check
    try:
        args = resolve(run, check.probe.args)
    except ExpressionFailed:
        args = {}
    return replace(check, probe=replace(check.probe, args=args))
