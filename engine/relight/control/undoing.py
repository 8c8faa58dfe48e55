"""Undoing what an ended run left: a small run of its own, whose plan is one stage that undoes step by step.

It begins like any run, so it adopts what it undoes, claims the same locks, holds and asks where an undo fails, and has
a log and a report. Nothing here is known to the kernel.
"""

from dataclasses import replace
from typing import NamedTuple

from relight.control.identities import at_host
from relight.control.left import left_on
from relight.control.permissions import permit_asking
from relight.control.requests import Asking, about
from relight.errors import NotNow, UsageError
from relight.journal.digest import plan_digest
from relight.journal.port import Journal
from relight.kernel.adopting import everything_left, name_of
from relight.kernel.authority import permit
from relight.kernel.effects import layers
from relight.kernel.ledger import EffectEntry
from relight.kernel.plan import Plan, Stage, Step
from relight.kernel.state import Run

RUNBOOK = "undo"


class Undoable(NamedTuple):
    """What would be undone, last in first out, and what stays in force because nothing reverses it."""

    undone: tuple[EffectEntry, ...]
    stays: tuple[EffectEntry, ...]


def undoable(journal: Journal, run: Run, *, step: str = "", stage: str = "") -> Undoable:
    """Return what of an ended run's effects an undo reverses: of a step, of a stage and all later ones, or all.

    Raises:
        UsageError: the run has no such step or stage.
    """
    stages = _stages(run, stage)
    if step and step not in run.plan_index and step not in run.adopted:
        raise UsageError(f"there is no step {step!r}", hint=f"steps are: {', '.join((*run.plan_index, *run.adopted))}")
    undone: list[EffectEntry] = []
    stays: list[EffectEntry] = []
    for left in everything_left(run.plan, left_on(journal, run.plan.site).runs):
        for layer in _wanted(run, list(layers(left.entry)), step, stages):
            if layer.undo is None:
                stays.append(layer)
                break  # what it superseded cannot be undone either, while it is there
            undone.append(layer)
    return Undoable(tuple(sorted(undone, key=lambda layer: layer.t, reverse=True)), tuple(stays))


def permit_undo(journal: Journal, run: Run, asking: Asking) -> str:
    """Return who is on the host, if they may undo what that run did.

    Raises:
        NotPermitted: they may not.
    """
    who = at_host(about(journal, run.id).people)
    permit_asking(who, asking)
    permit(run, who.person, "known", "undo")
    return who.person


def plan_to_undo(run: Run, what: Undoable, *, reason: str = "") -> Plan:
    """Return the plan that undoes these effects, on the site and with the providers, locks and people of *run*.

    Raises:
        NotNow: there is nothing that could be undone.
    """
    if not what.undone:
        stays = ", ".join(layer.step for layer in what.stays)
        raise NotNow(
            f"nothing of that can be undone: {stays} stays in force, for nothing reverses it"
            if stays
            else f"run {run.id} holds nothing of that, so there is nothing to undo",
            hint="`relight effects` lists what is in force, and which run holds it",
        )
    steps: list[Step] = []
    for layer in what.undone:
        name = layer.step.rpartition("/")[2]
        if name in {step.id for step in steps}:
            name = f"{name}_{len(steps) + 1}"  # steps of several runs may have one name
        steps.append(Step(id=name, kind="undo", title=f"Undo what {layer.step} left", undoes=layer.step))
    title = f"Undo what run {run.id} ({run.plan.runbook}) left in force" + (f": {reason}" if reason else "")
    plan = Plan(
        runbook=RUNBOOK,
        title=title,
        site=run.plan.site,
        environment=run.plan.environment,
        owner=run.plan.owner,
        stages=(Stage(id="undo", title="Undo, last in first out", steps=tuple(steps)),),
        locks=run.plan.locks,
        providers=run.providers,
        scope={**run.plan.scope, "inputs": {}},
        people=run.people,
        solo=run.solo,
        pace=run.plan.pace,
        sources={name: path for name, path in run.plan.sources.items() if name == "site"},
    )
    return replace(plan, digest=plan_digest(plan))


def _wanted(run: Run, stack: list[EffectEntry], step: str, stages: tuple[str, ...]) -> list[EffectEntry]:
    """Return the layers that are meant, the newest first, with all that lies above them."""
    at = [
        index
        for index, layer in enumerate(stack)
        if (layer.step == name_of(run, step) if step else layer.stage in stages)
    ]
    return stack[: at[-1] + 1] if at else []


def _stages(run: Run, first: str) -> tuple[str, ...]:
    """Return the names that the run's stages have in its effects, from *first* on; those of what it adopted too."""
    names = [stage.id for stage in run.plan.stages]
    if first and first not in names:
        raise UsageError(f"there is no stage {first!r}", hint=f"stages are: {', '.join(names)}")
    later = names[names.index(first) :] if first else names
    adopted = [] if first else [entry.stage for top in run.ledger.values() for entry in layers(top)]
    return (*(f"{run.id}/{name}" for name in later), *adopted)
