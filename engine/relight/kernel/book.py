"""The page on which one decision is written: facts are said one by one, and each is already in force for the next."""

from typing import Any

from relight.kernel import facts as f
from relight.kernel.evolve import evolve
from relight.kernel.state import Hold, Run


class Book:
    """Collects the facts that follow from one input.

    Attributes:
        run: The run after everything that was said so far.
        said: The facts, in order.
    """

    __slots__ = ("_at", "_t", "run", "said")

    def __init__(self, run: Run, at: int, t: int) -> None:
        self.run = run
        self.said: list[f.AnyFact] = []
        self._at = at
        self._t = max(t, run.t)

    @property
    def t(self) -> int:
        """The run's clock now."""
        return self._t

    @property
    def at(self) -> int:
        """The wall clock now."""
        return self._at

    def say(self, kind: Any, /, **fields: Any) -> None:
        """Write a fact of that kind down; from now on it has happened."""
        fact = kind(at=self._at, t=self._t, **fields)
        self.said.append(fact)
        self.run = evolve(self.run, fact)

    def hold(self, code: str, *, step: str = "", subject: str = "", text: str = "") -> bool:
        """Hold the run unless it already holds for this; True when something was said."""
        if find_hold(self.run, code, step=step) is not None:
            return False
        self.say(f.Held, code=code, stage=self.run.stage.id, step=step, subject=subject, text=text)
        return True


def find_hold(run: Run, code: str, *, step: str | None = None) -> Hold | None:
    """Return the hold of that code (and step), if the run holds for it."""
    for hold in run.holds:
        if hold.code == code and (step is None or hold.step == step):
            return hold
    return None
