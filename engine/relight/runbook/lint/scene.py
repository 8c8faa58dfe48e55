"""The runbook as its rules see it: every step in order, every name that there is, and who used it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from relight.runbook.complaints import Complaints
from relight.runbook.document import Check, Precondition, Probe, Runbook, Settle, Stage, Step, Undo
from relight.runbook.offers import Offer, Offers
from relight.runbook.yaml12 import Map


class Stood(NamedTuple):
    """A step and where it stands in the order: its stage, its turn, and its turn within parallel steps.

    Steps of one parallel group share a turn: none of them can read another's result.
    """

    step: Step
    stage: Stage
    stage_index: int
    turn: int


@dataclass(slots=True)
class Scene:
    """One runbook under judgement.

    Attributes:
        whole: Whether nothing was cut out of it; only then is it safe to say that something is unused.
        used: Names that something refers to, as ``("check", "backlog")``.
    """

    runbook: Runbook
    complaints: Complaints
    offers: Offers
    whole: bool = True
    steps: list[Stood] = field(default_factory=list)
    used: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        turn = 0
        for index, stage in enumerate(self.runbook.stages):
            for step in stage.steps:
                turn += 1
                for one in step.parallel or [step]:
                    self.steps.append(Stood(one, stage, index, turn))

    def known(self, section: str) -> list[str]:
        """Return the names that ``inputs``, ``probes`` or ``checks`` define, those with mistakes too."""
        written = self.runbook.raw(section)
        return list(written.keys_at) if isinstance(written, Map) else []

    def step(self, name: str) -> Stood | None:
        """Return the step of that id."""
        return next((stood for stood in self.steps if stood.step.id == name), None)

    def step_ids(self) -> list[str]:
        """Return the ids of all steps, in order."""
        return [stood.step.id for stood in self.steps if stood.step.id]

    def offer(self, part: "Step | Probe | Check | Precondition | Settle | Undo") -> Offer | None:
        """Return what a part's action or probe is, where that can be known without a site."""
        name = getattr(part, "action", None) or getattr(part, "probe", None)
        return self.offers.find(name) if name else None


def readers(scene: Scene) -> Iterator[Probe | Check | Precondition | Settle | Step]:
    """Yield every part that reads a probe."""
    runbook = scene.runbook
    found: list[Probe | Check | Precondition | Settle | Step] = [*runbook.probes.values(), *runbook.checks.values()]
    for stage in runbook.stages:
        found += [*stage.preconditions, *stage.verify]
    for stood in scene.steps:
        found.append(stood.step)
        if stood.step.settle is not None:
            found.append(stood.step.settle)
    yield from (part for part in found if part.probe is not None)
