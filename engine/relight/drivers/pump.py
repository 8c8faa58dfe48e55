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

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias, assert_never

from relight.drivers.drafting import Draft, StopBefore, drafted
from relight.journal.port import Request
from relight.kernel.inputs import AnyInput
from relight.kernel.intents import AnyIntent, Observe, Perform, ReadProbe, Stop, Wake, Watch
from relight.kernel.plan import Check, ExpressionFailed
from relight.kernel.scope import expressions_in, resolve
from relight.kernel.state import Run
from relight.kernel.wanted import wanted

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


class Pump:
    """One run and what its driver has in hand."""

    def __init__(self, world: World, run: Run) -> None:
        self.run = run
        self._world = world
        self._in_hand: dict[str, AnyIntent] = {}

    def draft(
        self,
        inputs: Iterable[AnyInput],
        requests: Sequence[Request] = (),
        *,
        at: int,
        t: int,
        stop_before: StopBefore | None = None,
    ) -> Draft:
        """Return what follows from these; see :func:`relight.drivers.drafting.drafted`."""
        return drafted(self.run, inputs, requests, at=at, t=t, stop_before=stop_before)

    def adopt(self, draft: Draft) -> None:
        """Make the draft, which is on disk now, the run; then act on what is wanted and not in hand."""
        self.run = draft.run
        for dispatch in draft.reported:
            self._in_hand.pop(f"perform:{dispatch}", None)
        if not draft.facts and not draft.reported:
            return
        intents = {intent.id: intent for intent in wanted(self.run)}
        # Ends come first: what is no longer wanted shall not stand in the way of what is.
        for identity in [identity for identity in self._in_hand if identity not in intents]:
            self._end(identity)
        for identity, intent in intents.items():
            held = self._in_hand.get(identity)
            if held is None:
                self._begin(identity, intent)
            elif isinstance(held, Observe) and held != intent:
                self._end(identity)
                self._begin(identity, intent)

    def _begin(self, identity: str, intent: AnyIntent) -> None:
        self._in_hand[identity] = intent
        match intent:
            case Perform():
                self._world.start(intent)
            case Stop():
                self._world.stop(intent)
            case ReadProbe():
                self._world.read(intent)
            case Watch():
                self._world.watch(intent, _resolved(self.run, self.run.plan.checks[intent.check]))
            case Observe():
                self._world.observe(intent)
            case Wake():
                self._world.wake(intent)
            case _:
                assert_never(intent)

    def _end(self, identity: str) -> None:
        intent = self._in_hand[identity]
        if isinstance(intent, Perform):
            return  # it ends by its report, or is stopped by name
        del self._in_hand[identity]
        if not isinstance(intent, Stop):
            self._world.drop(intent)


def _resolved(run: Run, check: Check) -> Check:
    """Return the check with its probe's arguments evaluated; where one cannot be, the plugin says what it misses."""
    if check.probe is None or not any(expressions_in(check.probe.args)):
        return check
    try:
        args = resolve(run, check.probe.args)
    except ExpressionFailed:
        args = {}
    return replace(check, probe=replace(check.probe, args=args))
