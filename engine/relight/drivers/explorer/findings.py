"""What an exploration can find: properties that do not hold, each with the way there."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

from relight.kernel.inputs import AnyInput


class Property(NamedTuple):
    """One thing that has to hold on every path; *number* is the design's, 0 for what is asked of the author besides."""

    number: int
    says: str


PROPERTIES: dict[str, Property] = {
    "way-on": Property(1, "from every state an end can be reached, or a hold that somebody may answer"),
    "gate-first": Property(2, "no step starts before its stage's gate is open and its preconditions pass"),
    "done-once": Property(3, "nothing destructive is done again while nobody knows whether it happened"),
    "protection-kept": Property(4, "what protects stays in force until the stages behind it are verified"),
    "nothing-left-behind": Property(5, "at the end every effect in force is the goal's, or is told as left behind"),
    "careful-opening": Property(
        6, "a spent ticket opens nothing; a ramp rises by one value, and only while all passes"
    ),
    "same-again": Property(7, "a replay, a takeover and a pause change nothing that they do not say"),
    "less-exposure-at-once": Property(8, "a move to less exposure needs no approval and can be made at once"),
    "reached": Property(0, "every stage and step of the document can be reached"),
    "checks-tell": Property(0, "every check that something waits for can pass, and can fail"),
    "always": Property(0, "what the author says always holds"),
    "never": Property(0, "what the author says never holds"),
}
"""Every property by its name."""


class Broken(AssertionError):
    """A property does not hold; the text says how.

    *held* is what its watcher remembers from there on, where that is not what it did before.
    """

    def __init__(self, name: str, text: str, *, stage: str = "", step: str = "", subject: str = "") -> None:
        super().__init__(text)
        self.name = name
        self.text = text
        self.stage = stage
        self.step = step
        self.subject = subject
        self.held: Hashable = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One property that does not hold, and the shortest way there.

    Attributes:
        name: The property's name (for an author's own: ``always`` or ``never``).
        subject: The author's name for their own, else what it is about (a check, an effect).
        path: The inputs that lead there, the first first; empty where the plan alone shows it.
    """

    name: str
    stage: str
    step: str
    text: str
    subject: str = ""
    path: tuple[AnyInput, ...] = ()

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What makes it another than those that were found before; an author's statement is broken once, wherever."""
        if self.name in ("always", "never"):
            return self.name, "", "", self.subject
        return self.name, self.stage, self.step, self.subject or self.text


def require(holds: object, name: str, text: str, *, stage: str = "", step: str = "") -> None:
    """Raise :class:`Broken` unless it holds."""
    if not holds:
        raise Broken(name, text, stage=stage, step=step)
