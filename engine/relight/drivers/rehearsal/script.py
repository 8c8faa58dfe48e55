"""What a script says: how steps end, what checks see, who answers gates, what people do and where the driver dies.

Plain data; a rehearsal document becomes one of these, and so does a past run or a trace of an exploration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from relight.drivers.rehearsal.moments import Moment
from relight.kernel.plan import Json

StepWord: TypeAlias = Literal["succeeds", "fails", "times-out", "unknown"]
CheckWord: TypeAlias = Literal["passes", "fails", "neutral", "blind", "flaps", "reads"]
GateWord: TypeAlias = Literal["approved", "denied", "skipped", "ignored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A moment: the *nth* time that *on* happens, or the run's clock at *t_ms*; and so long after it."""

    on: Moment | None = None
    nth: int = 1
    t_ms: int = 0
    after_ms: int = 0

    def __str__(self) -> str:
        if self.on is None:
            return f"{(self.t_ms + self.after_ms) / 1_000:g}s"
        time = f" ({self.nth}.)" if self.nth > 1 else ""
        return f"{self.on}{time}" + (f" + {self.after_ms / 1_000:g}s" if self.after_ms else "")


START = When()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnd:
    """How a step ends: the next *times* calls of it, None: all of them from then on.

    Attributes:
        takes_ms: How long it takes; None: as long as the world below says.
        result: What it gives; *gives* says that this is so, for nothing is a result too.
        happened: For ``unknown`` and ``times-out``: whether it really took effect.
        hosts: For a fan-out: the hosts on which it ends so; the others succeed.
        at: For a ramp: only the move to this value.
    """

    word: StepWord = "succeeds"
    times: int | None = None
    error: str = ""
    retry: bool = True
    takes_ms: int | None = None
    result: Json = None
    gives: bool = False
    happened: bool = False
    hosts: tuple[str, ...] = ()
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSays:
    """What a probe answers the next *times*, None: from then on; *error*: it cannot be read."""

    value: Json = None
    error: str = ""
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """What a check sees for a while.

    Attributes:
        value: For ``reads``: what its query says.
        start: From when on; *until* when; or for *for_ms*. Without an end it stays so.
        during: Only while the run is in this stage, its gate included.
        every_ms: For ``flaps``: how long each side lasts; it begins with failing.
    """

    word: CheckWord
    value: Json = None
    start: When = START
    until: When | None = None
    for_ms: int | None = None
    during: str = ""
    every_ms: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAnswer:
    """What people answer to one asking of a gate.

    Attributes:
        by: Who, by id, by role, or ``starter`` or ``stranger``; empty: the first who may, as many as it takes.
        after_ms: How long after it asked; None: as soon as all that it requires passes.
        refused: That they may not, so that nothing follows from it.
        times: How many askings are answered so; None: all of them from then on.
    """

    word: GateWord = "approved"
    by: tuple[str, ...] = ()
    after_ms: int | None = None
    reason: str = ""
    refused: bool = False
    times: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that somebody does at a moment, in the words of the command line; or the driver dies.

    Attributes:
        words: What comes after the verb: a step, ``STEP done``, ``floor``, ``--to STAGE``.
        kills: The driver dies here and the next takes over; *happened*: what it had in hand took effect.
    """

    when: When
    verb: str = ""
    words: tuple[str, ...] = ()
    by: str = ""
    reason: str = ""
    refused: bool = False
    kills: bool = False
    happened: bool = False

    def __str__(self) -> str:
        deed = "the driver is killed" if self.kills else " ".join(("relight", self.verb, *self.words))
        return f"{deed} at {self.when}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """All of it; whatever a script does not mention goes well.

    Attributes:
        steps: By step, what becomes of its calls in order, moves of a ramp included.
        undos: By step, what becomes of its undo.
        gates: By stage, the answer to each asking in order.
        limit_ms: When it is broken off.
    """

    steps: Mapping[str, tuple[StepEnd, ...]] = field(default_factory=dict)
    undos: Mapping[str, tuple[StepEnd, ...]] = field(default_factory=dict)
    probes: Mapping[str, tuple[ProbeSays, ...]] = field(default_factory=dict)
    checks: Mapping[str, tuple[Spell, ...]] = field(default_factory=dict)
    gates: Mapping[str, tuple[GateAnswer, ...]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    limit_ms: int | None = None


NOTHING = Script()
"""A script that says nothing: everything goes as the world below goes."""
