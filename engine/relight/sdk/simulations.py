"""Finds simulations by entry point, and says which one is guilty when one is wrong."""

import inspect
from importlib.metadata import EntryPoint, entry_points

from relight.errors import PluginError
from relight.sdk.plugin import Arguments, Contract
from relight.sdk.simulation import Simulation

GROUP = "relight.simulations"


def simulation_names() -> list[str]:
    """Return the names of all installed simulations."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def find_simulation(name: str) -> type[Simulation] | None:
    """Return the class of that name, or None where none is installed.

    Raises:
        PluginError: it is installed but cannot be loaded or breaks its contract.
    """
    points = list(entry_points(group=GROUP, name=name))
    if not points:
        return None
    kind = _load(points[0])
    if not (inspect.isclass(kind) and issubclass(kind, Simulation)) or inspect.isabstract(kind):
        raise PluginError(name, f"{points[0].value} is no simulation", hint="its author has to mend it")
    config: object = kind.Config
    if not (inspect.isclass(config) and issubclass(config, Arguments)):
        raise PluginError(name, "its Config is not a class derived from Arguments", hint="its author has to mend it")
    plays: tuple[object, ...] = kind.plays
    if not all(isinstance(contract, Contract) for contract in plays):
        raise PluginError(name, "it plays something that is no contract", hint="its author has to mend it")
    return kind


def _load(point: EntryPoint) -> object:
    try:
        return point.load()
    except (Exception, SystemExit) as error:
        raise PluginError(
            point.name,
            f"cannot be loaded: {type(error).__name__}: {error}",
            hint="mend or uninstall it; runs go on working without a simulation",
        ) from error
