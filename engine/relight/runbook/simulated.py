"""A site's ``simulation`` key held against what is installed, and the world that comes of it."""

from typing import Any

from relight.errors import PluginError
from relight.runbook.arguments import judge_arguments
from relight.runbook.complaints import Complaints, did_you_mean
from relight.runbook.offers import Nothing
from relight.runbook.site_document import Site
from relight.runbook.source import Mark
from relight.sdk.plugin import Contract
from relight.sdk.simulation import Setting, Simulation
from relight.sdk.simulations import find_simulation, simulation_names


def check_simulation(site: Site, complaints: Complaints) -> type[Simulation] | None:
    """Return what *site* asks for; None where it asks for none or wrongly, and the latter is complained of."""
    part = site.simulation
    if part is None:
        return None
    try:
        kind = find_simulation(part.use)
    except PluginError as error:
        complaints.add("RL617", part.place("use"), error.message, error.hint)
        return None
    if kind is None:
        hint = did_you_mean(part.use, simulation_names())
        complaints.add("RL617", part.place("use"), f"the simulation {part.use!r} is not installed", hint)
        return None
    contract = Contract(name=f"the simulation {part.use}", title="", args=kind.Config, result=Nothing)
    before = complaints.errors
    for wrong in judge_arguments(contract, part.with_, lambda _: False):
        at = _key(part.raw("with"), wrong.path) if wrong.is_key else part.place("with", *wrong.path)
        complaints.add("RL617", at, wrong.message, wrong.hint)
    return kind if complaints.errors == before else None


def _key(tree: Any, path: tuple[str | int, ...]) -> Mark:
    """Return the place of the key that *path* ends in."""
    for part in path[:-1]:
        tree = tree[part]
    place: Mark = tree.keys_at[path[-1]]
    return place


def simulate(site: Site, complaints: Complaints, *, seed: int) -> Simulation | None:
    """Return the world that *site* describes, at its moment 0; None as in :func:`check_simulation`."""
    kind = check_simulation(site, complaints)
    if kind is None or site.simulation is None:
        return None
    return kind(kind.Config.model_validate(site.simulation.with_), Setting(seed=seed, pace=site.pace))
