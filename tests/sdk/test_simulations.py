"""Simulations are found by entry point; a broken one is named."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from relight.errors import PluginError
from relight.sdk import Failed, OutcomeUnknown, Simulation, Work, simulations
from relight.sdk.simulations import GROUP, find_simulation, simulation_names


class Config:
    """No arguments at all."""


def concrete(**members: Any) -> type[Simulation]:
    """Return a simulation of no use, with something in it that is wrong."""
    return type("Useless", (Simulation,), {**dict.fromkeys(Simulation.__abstractmethods__), **members})


wrong_config = concrete(Config=Config)
wrong_plays = concrete(plays=("admission.throttle",))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What entry points say: name to value."""
    points: dict[str, str] = {}

    def entry_points(*, group: str, name: str = "") -> list[EntryPoint]:
        assert group == GROUP
        return [EntryPoint(n, value, group) for n, value in points.items() if not name or n == name]

    monkeypatch.setattr(simulations, "entry_points", entry_points)
    return points


def test_ours_is_found_like_anybodys() -> None:
    """By its name, as a class that can be made."""
    assert "sign-in" in simulation_names()
    kind = find_simulation("sign-in")
    assert kind is not None
    assert "admission.throttle" in {contract.name for contract in kind.plays}


def test_one_that_is_not_there_is_none(installed: dict[str, str]) -> None:
    """The caller knows better what to say about it."""
    assert find_simulation("nobody") is None
    assert simulation_names() == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such_module:Thing", "cannot be loaded: ModuleNotFoundError"),
        ("relight.sdk:NoSuchName", "cannot be loaded: AttributeError"),
        ("json:dumps", "json:dumps is no simulation"),
        ("relight.sdk:Simulation", "relight.sdk:Simulation is no simulation"),
        (f"{__name__}:wrong_config", "its Config is not a class derived from Arguments"),
        (f"{__name__}:wrong_plays", "it plays something that is no contract"),
    ],
)
def test_a_broken_one_is_named(
    installed: dict[str, str], monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    """With what is wrong with it; nothing is called."""
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or type(sys)(__name__))
    sys.modules[__name__].__dict__.update(wrong_config=wrong_config, wrong_plays=wrong_plays)
    installed["theirs"] = value
    with pytest.raises(PluginError, match="plugin theirs: ") as refused:
        find_simulation("theirs")
    assert said in refused.value.message
    assert refused.value.hint


def test_work_that_is_stopped_has_an_outcome_of_its_own() -> None:
    """Nobody knows how far it came, unless it was over already."""
    work = Work()
    work.stop()
    assert isinstance(work.outcome, OutcomeUnknown)
    done = Work(Failed("no"))
    done.stop()
    assert isinstance(done.outcome, Failed)
