"""The port of whatever plays the world: how actions end, what probes answer, what queries say.

Scenes are composed: a script stands over a simulation, or over a calm one in which everything goes well.
What does not belong here: when anything is asked (the kernel's), and any way to a real world.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from relight.kernel.intents import Perform, ReadProbe
from relight.kernel.plan import Check, Json
from relight.kernel.state import Run

EndWord: TypeAlias = Literal["succeeded", "failed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a call ended; *targets* maps hosts to their error, None for success."""

    word: EndWord = "succeeded"
    result: Json = None
    error: str = ""
    retry: bool = True
    retry_after_ms: int | None = None
    targets: Mapping[str, str | None] = field(default_factory=dict)


def _never() -> bool:
    return False


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """An action under way.

    Attributes:
        end: Makes it have happened and says how it ended; called once it is over, and not where it did not happen.
        takes_ms: How long it takes, where that is known from the beginning.
        over: Whether it is over, asked after time has passed; where *takes_ms* is not known.
        stop: Ends it where it is.
        assumed: Why this was not really rehearsed, in words; empty where it was.
    """

    end: Callable[[], End]
    takes_ms: int | None = None
    over: Callable[[], bool] = _never
    stop: Callable[[], None] = _nothing
    assumed: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read; *error* says why nothing was.

    Attributes:
        age_ms: How old a data point is.
        stamp: What tells it from the next one, where the scene knows; the same point counts once.
        steady: That it stays so, whatever happens: what has judged it need not be asked again.
    """

    value: Json = None
    error: str = ""
    age_ms: int = 0
    stamp: str = ""
    steady: bool = False


class Scene(Protocol):
    """A world that is played. Time passes for it by :meth:`pass_until`, before anything is asked of it."""

    def pass_until(self, t: int) -> int:
        """Let time pass until the run's clock says *t*, or until something ends; return when that is."""

    def begin(self, act: Perform, run: Run) -> Doing:
        """Begin an action."""

    def read(self, reading: ReadProbe, run: Run) -> Seen:
        """Answer a probe, or say what is in force."""

    def sample(self, check: Check, run: Run) -> Seen:
        """Answer a check's query or probe."""
