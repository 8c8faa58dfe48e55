"""Which effects are in force at a state, whichever way led there.

States that differ by nothing but effects of which no rule asks are one, and the run at hand came there one way only.
So what each move puts in force or takes back is carried through the graph, until nothing changes any more; where only
a skipped or undone step leads, the run at hand tells.
What does not belong here: the walk.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from relight.drivers.explorer.canonical import Canon
from relight.kernel.inputs import AnyInput, Asked
from relight.kernel.plan import Plan
from relight.kernel.state import Run

Steps: TypeAlias = int
"""A set of steps, one bit each in the plan's order."""


class Change(NamedTuple):
    """What a move from one state to another put in force, and took back."""

    put: Steps
    taken: Steps


class InForce:
    """Gathers what moves change, then tells what is in force where."""

    def __init__(self, plan: Plan, canon: Canon) -> None:
        self._canon = canon
        self._names = [step.id for stage in plan.stages for step in stage.steps]
        self._bits = {name: 1 << number for number, name in enumerate(self._names)}
        self._all: Steps = (1 << len(self._names)) - 1
        self._changes: dict[tuple[int, int], set[Change]] = {}
        self._at_hand: dict[int, Steps] = {}
        self._sure: list[Steps] = []
        self._perhaps: list[Steps] = []

    def moved(self, number: int, there: int, before: Run, given: AnyInput, after: Run) -> None:
        """Take in one move; of moves between the same two states all count."""
        was, now = self._steps(before), self._steps(after)
        self._at_hand.setdefault(there, now)
        # Where things are undone, runs are one that have little in common; and whoever skips a step or undoes it knows.
        skips = isinstance(given, Asked) and given.verb == "skip" and given.subject in before.plan_index
        if not (skips or self._canon.is_ending(before) or self._canon.is_ending(after)):
            self._changes.setdefault((number, there), set()).add(Change(now & ~was, was & ~now))

    def _steps(self, run: Run) -> Steps:
        found = 0
        for entry in run.ledger.values():
            found |= self._bits.get(entry.step, 0)  # what ended runs left is of no step of this plan
        return found

    def settle(self, count: int) -> None:
        """Work out what is in force at each of *count* states; at the first one, nothing is."""
        after: list[list[tuple[int, Change]]] = [[] for _ in range(count)]
        for (number, there), changes in self._changes.items():
            after[number] += [(there, change) for change in changes]
        self._sure, self._perhaps = [self._all] * count, [0] * count
        self._sure[0] = 0
        ahead, come_by = {0}, {0}
        while ahead:
            number = ahead.pop()
            for there, change in after[number]:
                sure = self._sure[there] & (self._sure[number] & ~change.taken | change.put)
                perhaps = self._perhaps[there] | self._perhaps[number] & ~change.taken | change.put
                if (sure, perhaps) != (self._sure[there], self._perhaps[there]):
                    self._sure[there], self._perhaps[there] = sure, perhaps
                    ahead.add(there)
                    come_by.add(there)
        for number in range(count):
            if number not in come_by:
                self._sure[number] = self._perhaps[number] = self._at_hand.get(number, 0)

    def at(self, numbers: Sequence[int]) -> tuple[set[str], set[str]]:
        """Return the steps whose effects are in force at all of these states, and those perhaps."""
        sure, perhaps = -1, 0
        for number in numbers:
            sure &= self._sure[number]
            perhaps |= self._perhaps[number]
        return self._named(sure), self._named(perhaps & ~sure)

    def _named(self, steps: Steps) -> set[str]:
        return {name for name, bit in self._bits.items() if steps & bit}
