"""What a driver is put together from, and who it tells."""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import TypeAlias

from relight.drivers.live.clock import Clock, SystemClock
from relight.drivers.live.lease import Watchdog
from relight.drivers.live.log import Log
from relight.drivers.live.providers import Registry
from relight.frozen import frozen
from relight.journal.leaves import CompileExpression
from relight.journal.port import Journal
from relight.kernel.facts import AnyFact
from relight.kernel.plan import Person, Plan, Solo
from relight.kernel.state import Run

Listener: TypeAlias = Callable[[Run, Sequence[AnyFact]], None]
"""Told after each commit what is on disk now; quick, for the run waits."""
ReadPeople: TypeAlias = Callable[[Plan], tuple[tuple[Person, ...], Solo | None] | None]
"""Return the site's people as they are now, None where nothing new can be said; called in a thread."""
Ended: TypeAlias = Callable[[Journal, str], None]
"""Told which run is over, in a thread, to keep what later readers want to know of it; nothing waits for it but the end
of its driver."""


@frozen
class Parts:
    """What a driver is put together from; bootstrap fills it in."""

    registry: Registry
    compile_expression: CompileExpression
    read_people: ReadPeople | None = None
    ended: Ended | None = None
    clock: Clock = field(default_factory=SystemClock)
    log: Log = field(default_factory=Log)
    watchdog: Watchdog | None = None
