"""What every fact carries, and the words that more than one of them uses."""

from typing import Literal, TypeAlias

from relight.frozen import frozen

Verdict: TypeAlias = Literal["pass", "fail", "neutral", "inconclusive"]
"""``neutral`` is not yet: enough data, but neither passed for long enough nor failed for long enough."""

Purpose: TypeAlias = Literal["forward", "ramp", "undo"]
Outcome: TypeAlias = Literal["succeeded", "failed", "aborted"]
Direction: TypeAlias = Literal["up", "down"]


@frozen
class Fact:
    """The base of all facts."""

    at: int
    t: int
