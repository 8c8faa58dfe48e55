"""What has happened so far, and when: the memory journal of a rehearsal, of fact objects that nobody encodes."""

from collections.abc import Sequence
from typing import NamedTuple

from relight.drivers.rehearsal.moments import Moment, moments
from relight.drivers.rehearsal.script import When
from relight.kernel.evolve import evolve
from relight.kernel.facts import AnyFact, CheckTurned, ProbeRead
from relight.kernel.state import Run

QUIET = (CheckTurned, ProbeRead)
"""Facts that come and go without anything being decided: a run that only has these stands still."""


class Told(NamedTuple):
    """One fact, with the stage that the run was in."""

    fact: AnyFact
    stage: str


class Story:
    """The facts of a rehearsal in order, and the moments at which they came.

    Attributes:
        told: Every fact.
        loud_t: When something happened last that was decided.
    """

    def __init__(self, listens: bool) -> None:
        self.told: list[Told] = []
        self.loud_t = 0
        self._listens = listens
        self._times: dict[Moment, list[int]] = {}
        self.happened: list[tuple[int, Moment]] = []

    def append(self, before: Run | None, facts: Sequence[AnyFact], after: Run) -> None:
        """Take what a draft says happened."""
        run = before
        for fact in facts:
            # Folding again costs as much as the kernel did; only whoever listens for moments needs what lies between.
            was, run = run, (evolve(run, fact) if self._listens else after)
            assert run is not None, "a run begins with a fact"
            self.told.append(Told(fact, _stage_of(fact, was or run)))
            if not isinstance(fact, QUIET):
                self.loud_t = fact.t
            if self._listens:
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


def _stage_of(fact: AnyFact, run: Run) -> str:
    named = getattr(fact, "stage", "")
    if named:
        return str(named)
    step = getattr(fact, "step", "")
    if step and step in run.plan_index:
        return run.stage_of(step).id
    return run.current.id if run.current is not None else ""
