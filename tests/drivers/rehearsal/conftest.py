"""A rehearsal of a small plan: the calm world below, and whatever script a test gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

from relight.drivers.rehearsal.calm import Calm
from relight.drivers.rehearsal.driver import Rehearsed, rehearse
from relight.drivers.rehearsal.script import Script
from relight.kernel.plan import Json, Plan, Use

Play: TypeAlias = Callable[..., Rehearsed]


def make_up(_use: Use, args: Mapping[str, Any]) -> Json:
    """What an action might give: what it was given."""
    return dict(args)


@pytest.fixture(name="play")
def _play() -> Play:
    def play(plan: Plan, starter: str = "ana", **script: Any) -> Rehearsed:
        return rehearse(plan, Calm(plan, make_up), Script(**script), make_up, starter=starter)

    return play
