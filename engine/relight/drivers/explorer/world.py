"""What may come back from outside: for each thing that is asked of the world, one of each kind of answer.

What does not belong here: working the kinds out of documents and contracts (``relight.runbook.answers`` does).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from relight.kernel.facts import Verdict
from relight.kernel.plan import Json, Plan


class World(Protocol):
    """The answers that may come, as :class:`relight.runbook.answers.Answers` tells them."""

    @property
    def results(self) -> Mapping[str, tuple[Json, ...]]: ...

    @property
    def settles(self) -> Mapping[str, tuple[Json, ...]]: ...

    @property
    def probes(self) -> Mapping[str, tuple[Json, ...]]: ...

    @property
    def verdicts(self) -> Mapping[str, Mapping[Verdict, Any]]: ...

    @property
    def conflicts(self) -> frozenset[frozenset[str]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainWorld:
    """A world in which everything answers with a plain 1 (a settle probe also with 0), and a check with any verdict."""

    results: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    settles: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    probes: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    verdicts: Mapping[str, Mapping[Verdict, Any]] = field(default_factory=dict)
    conflicts: frozenset[frozenset[str]] = frozenset()


def plain_world(plan: Plan) -> PlainWorld:
    """Return the plain world of a plan that was written by hand."""
    steps = [step for stage in plan.stages for step in stage.steps]
    verdicts: dict[Verdict, Any] = {"pass": 0.0, "fail": 1.0, "inconclusive": None}
    return PlainWorld(
        results={step.id: (1,) for step in steps},
        settles={step.id: (1, 0) for step in steps if step.settle is not None},
        probes=dict.fromkeys(plan.probes, (1,)),
        verdicts=dict.fromkeys(plan.checks, verdicts),
    )
