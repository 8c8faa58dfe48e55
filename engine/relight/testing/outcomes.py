"""How a scripted call ends: well, badly, not at all, or nobody knows."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from relight.sdk import Failed, OutcomeUnknown, Result

Effect: TypeAlias = Callable[[], Result]
"""Makes the change in the fake world and returns what a real provider would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeed:
    """It happens, after a while."""

    after_s: float = 0.0

    async def play(self, effect: Effect) -> Result:
        """Do it and return its result."""
        if self.after_s:
            await asyncio.sleep(self.after_s)
        return effect()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """It certainly does not happen."""

    message: str = "it was refused"
    retry: bool = True
    retry_after_s: float | None = None
    targets: Mapping[str, str] = field(default_factory=dict)

    async def play(self, effect: Effect) -> Result:
        """Refuse."""
        raise Failed(self.message, retry=self.retry, retry_after_s=self.retry_after_s, targets=self.targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lose:
    """The answer is lost; whether it *happened* is known to the world alone."""

    happened: bool = True
    message: str = "the connection broke"

    async def play(self, effect: Effect) -> Result:
        """Do it or not, and do not tell."""
        if self.happened:
            effect()
        raise OutcomeUnknown(self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """It never answers.

    Attributes:
        happened: Whether it happens all the same.
        stubborn_s: How long it ignores being cancelled.
    """

    happened: bool = False
    stubborn_s: float = 0.0

    async def play(self, effect: Effect) -> Result:
        """Wait until cancelled, and then some."""
        if self.happened:
            effect()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(self.stubborn_s)
            raise
        raise AssertionError("nobody sets that event")


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """It raises what no plugin may raise."""

    error: BaseException = field(default_factory=lambda: RuntimeError("a bug in the plugin"))

    async def play(self, effect: Effect) -> Result:
        """Raise it."""
        raise self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """It returns this, whatever the contract promises, and changes nothing."""

    result: Any

    async def play(self, effect: Effect) -> Any:
        """Return it."""
        return self.result


Outcome: TypeAlias = Succeed | Fail | Lose | Hang | Break | Answer
