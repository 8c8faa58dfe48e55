"""What of a plan decides which states are one: the names that are still read at each stage, and by whom.

Worked out once from the plan; what does not belong here: runs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from relight.kernel.plan import Expression, Plan, Stage, Step
from relight.kernel.scope import expressions_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is read later, by stage.

    Attributes:
        steps: Steps whose state or result an expression of this stage or a later one reads.
        checks: Checks whose last verdict such an expression reads.
        spoken: Steps whose effect something speaks of: the author, a later step that undoes it, what protection means.
        exact: Whether tries are counted one by one.
        loose: Checks that can conflict with others: which of them passes matters.
        stages: Whether the author speaks of stages.
    """

    steps: tuple[frozenset[str], ...]
    checks: tuple[frozenset[str], ...]
    spoken: tuple[frozenset[str], ...]
    loose: frozenset[str] = frozenset()
    exact: bool = True
    stages: bool = False


def shape_of(
    plan: Plan, *, noticed: Iterable[str] = (), conflicts: Iterable[frozenset[str]] = (), exact: bool = True
) -> Shape:
    """Return the shape of *plan*.

    Args:
        noticed: The dotted names that the author's properties read.
        conflicts: Checks that can never pass together.
        exact: Whether effects that protect, or that later steps undo, are told apart, and tries counted one by one.
    """
    always = frozenset(noticed)
    steps = [step for stage in plan.stages for step in stage.steps]
    protective = {step.id for step in steps if step.protective}
    names: list[set[str]] = [set(always)]
    spoken: list[set[str]] = [set(_second(always, "effects")) | (protective if exact else set())]
    for stage in reversed(plan.stages):
        names.append(set(_names(stage)) | names[-1])
        undoes = {step.undoes for step in stage.steps if exact and step.undoes is not None}
        spoken.append(undoes | spoken[-1])
    return Shape(
        steps=tuple(_second(each, "steps") for each in reversed(names)),
        checks=tuple(_second(each, "checks") for each in reversed(names)),
        spoken=tuple(frozenset(each) for each in reversed(spoken)),
        loose=frozenset().union(*conflicts),
        exact=exact,
        stages=any(name.split(".")[0] == "stages" for name in always),
    )


def _second(names: Iterable[str], root: str) -> frozenset[str]:
    return frozenset(name.split(".")[1] for name in names if name.startswith(f"{root}."))


def _names(stage: Stage) -> Iterable[str]:
    trees: list[Any] = [stage.when, stage.title, stage.gate.title if stage.gate is not None else None]
    for step in stage.steps:
        trees += trees_of(step)
    for expression in expressions_in(trees):
        yield from expression.names


def trees_of(step: Step) -> list[Any]:
    """Return everything of a step that may hold expressions."""
    trees: list[Any] = [step.when, step.pass_when, step.instruction, step.duration_ms]
    if step.use is not None:
        trees.append(step.use.args)
    if step.settle is not None:
        trees += [step.settle.done_when, step.settle.use.args]
    if step.undo is not None and step.undo.use is not None:
        trees.append(step.undo.use.args)
    if step.ramp is not None:
        trees += [step.ramp.floor, step.ramp.through]
    return trees


def names_in(*expressions: Expression | None) -> frozenset[str]:
    """Return every dotted name that these read."""
    return frozenset().union(*(expression.names for expression in expressions if expression is not None))
