"""A small world in memory that the fake provider changes, with everything that was done to it written down.

What does not belong here: how a call ends (``outcomes``), and what a plugin declares (``fakes``).
"""

import copy
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from relight.sdk.capabilities import HttpProbeResult, MetricResult
from relight.testing.outcomes import Outcome, Succeed


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One call that the fake provider got."""

    name: str
    args: dict[str, Any]
    key: str = ""
    targets: tuple[str, ...] = ()
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Sessions:
    """Sessions by what they are worth; the quarantine loses nothing."""

    valid: int = 900
    corrupt: int = 100
    quarantined: int = 0

    @property
    def total(self) -> int:
        """How many are in use."""
        return self.valid + self.corrupt


@dataclass(slots=True)
class FakeWorld:
    """What the fake provider reads and changes; a test may set any of it.

    Attributes:
        throttles: Surface to ``percent`` and ``max_rate``.
        frozen: Services whose deploys stop.
        releases: Service to its releases, the running one last.
        nodes: Pool to node to whether it takes traffic.
        hits: Node to its share of cache hits.
        queues: Queue to ``depth`` and ``max_rate``.
        weights: Surface to pool to its share of traffic.
        statuses: Surface to what was published last.
        told: Who was told what.
        metrics: Query to its value, or to a whole answer; others are empty.
        urls: URL to its answer; others are refused.
        things: What ``fake.do`` set.
        refusing: Targets that ``fake.sweep`` fails on, and what they say.
        swept: Target to how often it was swept.
        calls: Every call, in order.
        happened: How often each action really took effect, whatever was told.
        usual: How calls of an action end when nothing is scripted for it.
    """

    throttles: dict[str, dict[str, Any]] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    releases: dict[str, list[str | int]] = field(default_factory=lambda: {"auth": [40, 41]})
    compatible: bool = True
    sessions: Sessions = field(default_factory=Sessions)
    nodes: dict[str, dict[str, bool]] = field(default_factory=lambda: {"edge": {"edge-1": True, "edge-2": True}})
    floor: int = 1
    ceiling: int = 8
    hits: dict[str, float] = field(default_factory=dict)
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)
    weights: dict[str, dict[str, float]] = field(default_factory=dict)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)
    metrics: dict[str, float | MetricResult] = field(default_factory=dict)
    urls: dict[str, HttpProbeResult] = field(default_factory=dict)
    things: dict[str, Any] = field(default_factory=dict)
    refusing: dict[str, str] = field(default_factory=dict)
    swept: Counter[str] = field(default_factory=Counter)
    calls: list[Recorded] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    usual: dict[str, Outcome] = field(default_factory=dict)
    _scripted: dict[str, deque[Outcome]] = field(default_factory=dict)

    def script(self, name: str, *outcomes: Outcome) -> None:
        """Let the next calls of the action or probe *name* end like this, one after the other; then as usual."""
        self._scripted.setdefault(name, deque()).extend(outcomes)

    def next_outcome(self, name: str) -> Outcome:
        """Return how this call of *name* ends."""
        waiting = self._scripted.get(name)
        return waiting.popleft() if waiting else self.usual.get(name, Succeed())

    def called(self, name: str) -> list[Recorded]:
        """Return the calls of *name*."""
        return [call for call in self.calls if call.name == name]

    def seen(self) -> dict[str, Any]:
        """Return a copy of the state alone, without the record of calls, to compare with a later one."""
        left_out = {"calls", "happened", "usual", "_scripted"}
        return {name: copy.deepcopy(getattr(self, name)) for name in self.__slots__ if name not in left_out}
