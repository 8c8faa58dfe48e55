"""Rehearsal against reality: the run's own plan played in the site's simulation, beside what happened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from relight.control.report.history import Told
from relight.control.times import Spent, Stint, Times, seconds, times_of
from relight.errors import RelightError, UsageError
from relight.kernel.facts import RampMoved, RunStarted
from relight.kernel.plan import Plan

if TYPE_CHECKING:
    from relight.control.rehearsing import Played
    from relight.runbook.source import Source
    from relight.sdk.registry import Registry

SEED = 7
"""The dice of ``relight rehearse`` where nobody chooses: the same night for both."""

Rehearse: TypeAlias = "Callable[[Plan, str], Played]"
"""Play a plan, as that person starts it, in a simulation of its site; raises RelightError where there is none."""


def in_simulation_of(site: Path | Source, registry: Registry) -> Rehearse:
    """Return what plays a plan in the simulation that a site's document asks for."""

    def rehearse(plan: Plan, starter: str) -> Played:
        from relight.control.rehearsing import play
        from relight.runbook.complaints import Complaints
        from relight.runbook.reading import read_site
        from relight.runbook.simulated import simulate
        from relight.runbook.source import source_from_file

        read = read_site(site)
        if read.document is None or not read.is_valid or read.document.site != plan.site:
            raise UsageError(f"the document of {plan.site} is invalid now, or is of another site")
        source = source_from_file(site) if isinstance(site, Path) else site
        simulation = simulate(read.document, Complaints(source), seed=SEED)
        if simulation is None:
            raise UsageError(f"{plan.site} asks for no simulation, or for one that cannot be had")
        return play(plan, registry, starter=starter, simulation=simulation)

    return rehearse


def rehearsal_document(told: Told, rehearse: Rehearse | None) -> tuple[dict[str, Any] | None, str]:
    """Return the comparison, or None and why there is none."""
    if rehearse is None:
        return None, "no simulation of the site is at hand"
    began = told.entries[0].fact
    assert isinstance(began, RunStarted), "a run begins with its start"
    try:
        played = rehearse(began.plan, began.starter)
    except RelightError as error:
        return None, error.message
    planned = times_of(fact for fact, _ in played.rehearsed.told)
    return _compared(told, played, planned), ""


def _compared(told: Told, played: Played, planned: Times) -> dict[str, Any]:
    real = told.times
    return {
        "world": played.world,
        "seed": SEED if played.simulation is not None else None,
        "state": played.rehearsed.run.state,
        "same_plan": played.plan.digest == told.run.plan.digest,
        "planned_s": seconds(planned.spent.machine),
        "real_s": seconds(real.spent.machine),
        "people_s": seconds(real.spent.people),
        "step_backs": {
            "planned": sum(isinstance(fact, RampMoved) and fact.counted for fact, _ in played.rehearsed.told),
            "real": sum(isinstance(e.fact, RampMoved) and e.fact.counted for e in told.entries),
        },
        "stages": [
            _stage(stage.id, planned.stages.get(stage.id), real.stages.get(stage.id)) for stage in played.plan.stages
        ],
        "not_rehearsed": [dict(each) for each in played.not_rehearsed],
    }


def _stage(name: str, planned: Stint | None, real: Stint | None) -> dict[str, Any]:
    expected = planned.spent if planned is not None else None
    happened = real.spent if real is not None else None
    both = expected is not None and happened is not None and real is not None and real.outcome == "succeeded"
    return {
        "id": name,
        "planned": planned.outcome if planned is not None else "not reached",
        "real": real.outcome if real is not None else "not reached",
        "planned_s": _machine(expected),
        "real_s": _machine(happened),
        "people_s": None if happened is None else seconds(happened.people),
        "difference_s": seconds(happened.machine - expected.machine) if both and expected and happened else None,
    }


def _machine(spent: Spent | None) -> float | None:
    return None if spent is None else seconds(spent.machine)
