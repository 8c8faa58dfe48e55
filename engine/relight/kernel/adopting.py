"""What ended runs left in force becomes the matter of a new run whose plan touches it.

An adopted effect is as it was left: value, value before, undo, protective or not, sure or not; only the names of its
steps change, for ``throttle`` of run 7f3a is ``7f3a/throttle`` here. What the new run does to it supersedes it as
within a run, or takes it over (:func:`relight.kernel.effects.effect_in_force`).
What does not belong here: finding the runs that have ended, and keeping two new ones from adopting the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from relight.kernel import facts as f
from relight.kernel.changing import evolved
from relight.kernel.effects import effect_key, layers, target_word
from relight.kernel.ledger import EffectEntry, LeftStep
from relight.kernel.plan import Plan, Step, Use
from relight.kernel.plan_index import expressions_in
from relight.kernel.state import Run

Touch = Literal["", "perhaps", "surely"]
"""Whether a plan changes an effect; *perhaps* where what it works on is known only later."""


class Adoption(NamedTuple):
    """An effect that a new run holds from its beginning, and the run that held it until then."""

    holder: str
    entry: EffectEntry
    touch: Touch


def adoptions(plan: Plan, ended: Sequence[Run]) -> list[Adoption]:
    """Return what the plan touches of what *ended* runs of its site left; see :func:`everything_left`."""
    return [each for each in everything_left(plan, ended) if each.touch]


def everything_left(plan: Plan, ended: Sequence[Run]) -> list[Adoption]:
    """Return all that *ended* runs of the plan's site left, touched or not, in the order in which it came into force.

    Args:
        ended: In the order in which they ended; of an effect that several of them left, the last one's counts and
            supersedes the earlier ones'.
    """
    stacks: dict[str, tuple[Run, EffectEntry]] = {}
    for run, entry in _moved(ended):
        beneath = stacks.pop(entry.key, None)
        stacks[entry.key] = run, entry if beneath is None else _on_top(entry, beneath[1])
    return [Adoption(run.id, entry, touches(plan, entry, _runbook(run, entry))) for run, entry in stacks.values()]


def _runbook(run: Run, entry: EffectEntry) -> str:
    left = run.adopted.get(entry.step)
    return run.plan.runbook if left is None else left.runbook


def _moved(ended: Sequence[Run]) -> list[tuple[Run, EffectEntry]]:
    """Return everything they left, in times before a new run's zero: each run's before those of the runs after it."""
    moved: list[tuple[Run, EffectEntry]] = []
    shift = 0
    for run in reversed(ended):
        shift -= run.t + 1
        moved = [(run, _renamed(run, entry, shift)) for entry in run.ledger.values()] + moved
    return moved


def adopted(plan: Plan, ended: Sequence[Run], at: int, t: int) -> list[f.EffectAdopted]:
    """Return the facts by which a run of *plan* that begins now adopts what it touches."""
    steps = {name: step for run in ended for name, step in _left_steps(run).items()}
    known = {name: config for run in ended for name, config in run.providers.items()}
    facts = []
    for each in adoptions(plan, ended):
        whole = list(_everything(each.entry))
        names = dict.fromkeys(layer.step for layer in whole)
        needed = {use.provider for layer in whole for use in (layer.use, layer.undo) if use is not None}
        facts.append(
            f.EffectAdopted(
                at=at,
                t=t,
                key=each.entry.key,
                holder=each.holder,
                entry=each.entry,
                left=tuple(steps[name] for name in names),
                providers={name: known[name] for name in sorted(needed - set(plan.providers)) if name in known},
            )
        )
    return facts


def name_of(run: Run, step: str) -> str:
    """Return what a step of an ended run is called in the run that adopts its effect."""
    return step if step in run.adopted else f"{run.id}/{step}"


def effect_adopted(run: Run, fact: f.EffectAdopted) -> Run:
    """Return the run with what an ended one left in its ledger."""
    return evolved(
        run,
        ledger={**run.ledger, fact.key: fact.entry},
        adopted={**run.adopted, **{each.step.id: each for each in fact.left}},
        lent={**run.lent, **fact.providers},
    )


# ---- what a plan touches


def touches(plan: Plan, entry: EffectEntry, runbook: str) -> Touch:
    """Return whether a step of the plan changes this effect, which a run of *runbook* made, or undoes it by name."""
    said: set[Touch] = {
        _touch(step, entry, again=plan.runbook == runbook) for stage in plan.stages for step in stage.steps
    }
    return "surely" if "surely" in said else "perhaps" if "perhaps" in said else ""


def _touch(step: Step, entry: EffectEntry, *, again: bool) -> Touch:
    if step.kind == "undo":
        return "surely" if step.undoes in entry.steps else ""
    if step.use is None or step.kind != "action":
        return ""
    if not step.use.lasting:
        # What is a step's own has the step's name, and steps of other runbooks may well be called the same.
        return "surely" if again and effect_key(step, step.use, {}) == entry.key else ""
    return _touch_lasting(step.use, entry)


def _touch_lasting(use: Use, entry: EffectEntry) -> Touch:
    if not entry.use.lasting or (use.capability, use.provider) != (entry.use.capability, entry.use.provider):
        return ""
    touch: Touch = "surely"
    for name in use.key_args:
        said = use.args.get(name)
        if any(expressions_in(said)):
            touch = "perhaps"
        elif target_word(said) != target_word(entry.target.get(name)):
            return ""
    return touch


# ---- as it was left, under new names


def _renamed(run: Run, entry: EffectEntry, shift: int) -> EffectEntry:
    """Return an effect as a later run knows it."""
    return evolved(
        entry,
        step=name_of(run, entry.step),
        steps=tuple(name_of(run, step) for step in entry.steps),
        stage=entry.stage if entry.step in run.adopted else f"{run.id}/{entry.stage}",
        t=entry.t + shift,
        prior=None if entry.prior is None else _renamed(run, entry.prior, shift),
        otherwise=None if entry.otherwise is None else _renamed(run, entry.otherwise, shift),
        # Its driver is gone: nobody will hear of that undo any more.
        undo_lost_as=0,
        undo_lost_epoch=0,
    )


def _on_top(entry: EffectEntry, beneath: EffectEntry) -> EffectEntry:
    """Return *entry* with what an earlier run left of the same effect beneath it."""
    below = beneath if entry.prior is None else _on_top(entry.prior, beneath)
    there = beneath if entry.otherwise is None else _on_top(entry.otherwise, beneath)
    return evolved(
        entry,
        steps=(*beneath.steps, *entry.steps),
        protective=entry.protective or below.protective,
        loosens=entry.loosens or (below.protective and not entry.protective),
        prior=below,
        otherwise=None if entry.sure else there,
    )


def _everything(entry: EffectEntry) -> Iterator[EffectEntry]:
    for layer in layers(entry):
        yield layer
        if layer.otherwise is not None:
            yield from _everything(layer.otherwise)


def _left_steps(run: Run) -> dict[str, LeftStep]:
    """Return that run's steps, and those that it adopted itself, as a later run knows them."""
    assert run.outcome is not None and run.ended_at is not None, "only what ended runs left is adopted"
    left = dict(run.adopted)
    for entry in run.ledger.values():
        for layer in _everything(entry):
            if layer.step not in run.adopted:
                name = name_of(run, layer.step)
                step = replace(run.step_of(layer.step), id=name, settle=None)
                left[name] = LeftStep(
                    run=run.id, runbook=run.plan.runbook, outcome=run.outcome, ended_at=run.ended_at, step=step
                )
    return left
