"""What has happened so far, and when: the memory journal of a rehearsal, of fact objects that nobody encodes."""

from collections.abc import Sequence
from typing import NamedTuple

from relight.drivers.rehearsal.moments import Moment, moments
from relight.drivers.rehearsal.script import When
from relight.kernel.evolve import evolve
from relight.kernel.facts import AnyFact, CheckTurned, ProbeRead
from relight.kernel.plan import Plan
from relight.kernel.plan_index import PlanIndex, index_of
from relight.kernel.state import Run

QUIET = (CheckTurned, ProbeRead)
"""Facts that come and go without anything being decided: a run that only has these stands still."""


class Told(NamedTuple):
    """One fact, with the stage that the run was in."""

    fact: AnyFact
    stage: str


class Story:
    """The facts of a rehearsal in order, and the moments at which they came.

    Args:
        plan: What is rehearsed.
        listens: Whether moments are told apart.

    Attributes:
        loud_t: When something happened last that was decided.
        happened: Every moment, with its time.
    """

    def __init__(self, plan: Plan, *, listens: bool) -> None:
        self.loud_t = 0
        self.happened: list[tuple[int, Moment]] = []
        self._plan = plan
        self._listens = listens
        self._facts: list[AnyFact] = []
        self._cursors: list[int] = []
        self._times: dict[Moment, list[int]] = {}

    @property
    def told(self) -> list[Told]:
        """Every fact, each with its stage."""
        stages = [*(stage.id for stage in self._plan.stages), ""]
        index = index_of(self._plan)
        return [
            Told(fact, _named(fact, index) or stages[cursor])
            for fact, cursor in zip(self._facts, self._cursors, strict=True)
        ]

    def append(self, before: Run | None, facts: Sequence[AnyFact], after: Run) -> None:
        """Take what a draft says happened."""
        cursor = before.cursor if before is not None else 0
        self._facts += facts
        self._cursors += [cursor] * len(facts)
        for fact in facts:
            if not isinstance(fact, QUIET):
                self.loud_t = fact.t
        if self._listens:
            self._listen(before, facts)

    def _listen(self, before: Run | None, facts: Sequence[AnyFact]) -> None:
        # Folding again costs as much as the kernel did; only whoever listens needs what lies between.
        run = before
        for fact in facts:
            was, run = run, evolve(run, fact)
            for moment in moments(fact, was, run):
                self._times.setdefault(moment, []).append(fact.t)
                self.happened.append((fact.t, moment))

    def when(self, when: When) -> int | None:
        """Return when that is or was, None where it has not come yet."""
        if when.on is None:
            return when.t_ms + when.after_ms
        seen = 0
        if when.on.value:
            times = self._times.get(when.on, ())
            return times[when.nth - 1] + when.after_ms if len(times) >= when.nth else None
        for t, moment in self.happened:
            if when.on.meets(moment):
                seen += 1
                if seen == when.nth:
                    return t + when.after_ms
        return None


def _named(fact: AnyFact, index: PlanIndex) -> str:
    """Return the stage that a fact names, or that of the step it names."""
    named = getattr(fact, "stage", "")
    if named:
        return str(named)
    found = index.steps.get(getattr(fact, "step", ""))
    return found[0].id if found is not None else ""
