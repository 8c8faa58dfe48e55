"""Rehearsing a plan: what plays the world is put together, and what came of it is shaped for people and programs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relight.control.expectations import unmet
from relight.control.history import QUIET
from relight.control.making_up import maker_up
from relight.control.scripting import SUCCEEDS, Expected
from relight.control.sentences import sentence
from relight.control.simulating import Simulated
from relight.drivers.rehearsal.calm import Calm
from relight.drivers.rehearsal.driver import Rehearsed, rehearse
from relight.drivers.rehearsal.scene import Scene
from relight.drivers.rehearsal.script import NOTHING, Script
from relight.kernel.facts import EffectInForce, RampMoved
from relight.kernel.plan import Plan

if TYPE_CHECKING:
    from relight.sdk.registry import Registry
    from relight.sdk.simulation import Simulation


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One rehearsal that was played.

    Attributes:
        name: The rehearsal document's name; empty where there is none.
        world: What played everything that the script does not say.
        unmet: What did not end as it should, a sentence each.
        aside: What the world answered otherwise than the site says.
        not_rehearsed: Steps that were only assumed or shown, each with what it is and why.
        checked: Steps that went through their own check mode at the real site.
    """

    plan: Plan
    name: str
    title: str
    world: str
    rehearsed: Rehearsed
    expected: Expected
    unmet: tuple[str, ...]
    simulation: "Simulation | None" = None
    aside: tuple[str, ...] = ()
    not_rehearsed: tuple[dict[str, str], ...] = ()
    checked: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it ended as it should."""
        return not self.unmet


def play(
    plan: Plan,
    registry: "Registry",
    *,
    starter: str,
    script: Script = NOTHING,
    expected: Expected = SUCCEEDS,
    name: str = "",
    title: str = "",
    simulation: "Simulation | None" = None,
    over: "Callable[[Calm], Scene] | None" = None,
) -> Played:
    """Rehearse *plan* once, in memory alone.

    Args:
        plan: What is rehearsed; its providers are only asked what they declare.
        registry: The plugins that the plan was made with.
        starter: Who starts the run.
        script: What is to happen.
        expected: How it has to end.
        name: What the rehearsal is called.
        title: What it shows.
        simulation: Plays the world; without one all goes well.
        over: Gives what plays the world instead of both, over what goes well.
    """
    make_up = maker_up(plan, registry)
    calm = Calm(plan, make_up)
    scene: Scene = calm
    if over is not None:
        scene = over(calm)
    elif simulation is not None:
        scene = Simulated(simulation, calm)
    listens = script != NOTHING or expected != SUCCEEDS
    rehearsed = rehearse(plan, scene, script, make_up, starter=starter, listens=listens)
    return Played(
        plan=plan,
        name=name,
        title=title,
        world=str(getattr(scene, "world", "")) or ("calm" if simulation is None else "simulation"),
        rehearsed=rehearsed,
        expected=expected,
        unmet=tuple(unmet(expected, rehearsed)),
        simulation=simulation,
        aside=simulation.aside() if simulation is not None else (),
        not_rehearsed=tuple(_not_rehearsed(plan, rehearsed)),
        checked=tuple(getattr(scene, "checked", ())),
    )


def _not_rehearsed(plan: Plan, rehearsed: Rehearsed) -> Iterable[dict[str, str]]:
    """Yield what was only assumed, and what only people can do."""
    for step, (capability, why) in rehearsed.assumed.items():
        yield {"step": step, "what": capability, "why": why}
    for stage in plan.stages:
        for each in stage.steps:
            if each.kind == "manual" and each.id in rehearsed.run.steps:
                yield {"step": each.id, "what": "manual.task", "why": "only a person can do it"}


# ---- as a document


def document(played: Played) -> dict[str, Any]:
    """Return ``relight.rehearsal/v1``."""
    run, rehearsed = played.rehearsed.run, played.rehearsed
    return {
        "schema": "relight.rehearsal/v1",
        "runbook": played.plan.runbook,
        "site": played.plan.site,
        "plan_digest": played.plan.digest,
        "rehearsal": played.name or None,
        "title": played.title or None,
        "world": played.world,
        "ok": played.ok,
        "unmet": list(played.unmet),
        "state": run.state,
        "ending": rehearsed.ending,
        "stage": run.current.id if run.current is not None else None,
        "holds": [
            {"code": hold.code, "stage": hold.stage, "step": hold.step or None, "text": hold.text} for hold in run.holds
        ],
        "duration_s": round(rehearsed.duration_ms / 1_000, 1),
        "timeline": list(timeline(played)),
        "curves": curves(played),
        "figures": figures(played),
        "effects_in_force": [
            {"step": entry.step, "action": entry.use.capability, "value": entry.value, "protective": entry.protective}
            for entry in run.ledger.values()
        ],
        "refused": [
            {"t_s": refusal.t / 1_000, "who": refusal.who, "why": refusal.why} for refusal in rehearsed.refusals
        ],
        "not_rehearsed": [dict(each) for each in played.not_rehearsed],
        "checked": list(played.checked),
        "aside": list(played.aside),
    }


def timeline(played: Played) -> Iterable[dict[str, Any]]:
    """Yield what happened, when and where."""
    for told in played.rehearsed.told:
        if isinstance(told.fact, (*QUIET, EffectInForce)):
            continue
        yield {
            "t_s": round(told.fact.t / 1_000, 1),
            "stage": told.stage or None,
            "step": getattr(told.fact, "step", "") or None,
            "what": sentence(told.fact),
        }


def curves(played: Played) -> dict[str, list[list[float]]]:
    """Return every curve of the simulation, moments in seconds, without those where there was nothing to measure."""
    if played.simulation is None:
        return {}
    return {
        curve.name: [[t_ms / 1_000, value] for t_ms, value in curve.points if value is not None]
        for curve in played.simulation.curves()
    }


def figures(played: Played) -> dict[str, Any]:
    """Return what two rehearsals are compared by; what only a simulation can tell is None without one."""
    toll = played.simulation.toll() if played.simulation is not None else None
    recovered_ms = toll.recovered_ms if toll is not None else None
    done = played.rehearsed.run.outcome == "succeeded"
    if toll is None and done:
        recovered_ms = played.rehearsed.duration_ms
    return {
        "recovered_s": None if recovered_ms is None else round(recovered_ms / 1_000, 1),
        "error_ratio_worst": None if toll is None else toll.error_ratio_worst,
        "turned_away": None if toll is None else toll.turned_away,
        "gave_up": None if toll is None else toll.gave_up,
        "locked_out_worst": None if toll is None else toll.locked_out_worst,
        "relapses": _step_backs(played) if toll is None else toll.relapses,
        "step_backs": _step_backs(played),
        "duration_s": round(played.rehearsed.duration_ms / 1_000, 1),
    }


def _step_backs(played: Played) -> int:
    return sum(isinstance(told.fact, RampMoved) and told.fact.counted for told in played.rehearsed.told)
