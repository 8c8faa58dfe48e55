"""A site that exists only as numbers: the world that a rehearsal runs in.

A simulation plays some actions and probes, answers the site's own queries, and lets time pass when it is told to.
It does no I/O and knows no clock; its dice are seeded, so the same seed and the same calls give the same night again.
An entry point in the group ``relight.simulations`` names its class; a site asks for it with
``simulation: {use: NAME, with: {...}}``.

What does not belong here: anything that could reach a real site. Runs, gates and journals are not known either.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from relight.sdk.capabilities.reading import MetricResult
from relight.sdk.plugin import Arguments, Contract, Failed, OutcomeUnknown, Result

Unit: TypeAlias = Literal["share", "percent", "count", "per second"]
"""What a curve is measured in: a share is 0 to 1, a percentage 0 to 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What every simulation is told beside its own parameters.

    Attributes:
        seed: Of its dice.
        pace: How many times faster waiting goes at the site: durations that orders carry are divided by it.
    """

    seed: int = 7
    pace: float = 1.0


@dataclass(slots=True, eq=False)
class Work:
    """Something that was begun; over as soon as it has an outcome, which an exception tells as it would live."""

    outcome: Result | Failed | OutcomeUnknown | None = None

    def stop(self) -> None:
        """End it where it is; what was done so far stays done."""
        if self.outcome is None:
            self.outcome = OutcomeUnknown("stopped on the way")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How one figure went: moments in milliseconds since the beginning, None where there was nothing to measure."""

    name: str
    title: str
    unit: Unit
    points: Sequence[tuple[int, float | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """What the night cost, so that two of them can be compared.

    Attributes:
        recovered_ms: Since when all is well, as users see it; None if it is not.
        error_ratio_worst: The largest share of failed requests after it was contained, or of all if it never was.
        turned_away: Attempts that were refused on purpose.
        gave_up: People who went without having got in.
        locked_out_worst: The most people who wanted in and could not, at one time.
        relapses: How often it was well for a while and then was not.
    """

    recovered_ms: int | None
    error_ratio_worst: float
    turned_away: int
    gave_up: int
    locked_out_worst: int
    relapses: int


class Simulation(ABC):
    """One simulated site, at its moment 0 as an operator finds it: what is broken is broken already.

    Attributes:
        Config: Its parameters; every one has a default and a description.
        plays: The contracts of the actions and probes that it plays; whatever else a plan calls is not rehearsed.
    """

    Config: ClassVar[type[Arguments]] = Arguments
    plays: ClassVar[tuple[Contract, ...]] = ()

    def __init__(self, config: Any, setting: Setting) -> None:
        self.config = config
        self.setting = setting

    @property
    @abstractmethod
    def now_ms(self) -> int:
        """Milliseconds since its beginning."""

    @abstractmethod
    def advance(self, until_ms: int) -> int:
        """Let time pass and return the moment reached: *until_ms*, or earlier where a piece of work has ended."""

    @abstractmethod
    def begin(self, name: str, args: Any, *, key: str = "", targets: tuple[str, ...] = ()) -> Work:
        """Begin an action; what takes no time is over at once.

        Args:
            name: The contract's name.
            args: Arguments that its contract validated.
            key: The idempotency key; what succeeded under it is not done again.
            targets: The hosts of a fan-out.
        """

    @abstractmethod
    def in_force(self, name: str, args: Any) -> dict[str, Any] | None:
        """Return what :meth:`relight.sdk.Action.in_force` would.

        Raises:
            Failed: it cannot be read.
        """

    @abstractmethod
    def read(self, name: str, args: Any) -> Result:
        """Return what the probe would.

        Raises:
            Failed: it cannot be read.
        """

    @abstractmethod
    def query(self, name: str, promql: str) -> MetricResult:
        """Answer one of the site's queries as ``metric.query`` would; ``at`` is in seconds since the beginning.

        Args:
            name: What the site calls it; empty for a query that has no name, such as a minimum volume.
            promql: The site's own text.
        """

    @abstractmethod
    def curves(self) -> tuple[Curve, ...]:
        """Return how everything went so far, recorded at a steady beat."""

    @abstractmethod
    def toll(self) -> Toll:
        """Return what it cost so far."""

    def aside(self) -> tuple[str, ...]:
        """Say in one sentence each what was answered otherwise than the site's document says."""
        return ()
