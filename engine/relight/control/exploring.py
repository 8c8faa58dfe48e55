"""From a runbook to its exploration: a plan with or without a site, the world's answers, and other values to try."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from relight.drivers.explorer.explore import Alternatives, Exploration
from relight.drivers.explorer.explore import explore as explore_plan
from relight.kernel.plan import Expression, ExpressionFailed, Plan
from relight.runbook.answers import answers
from relight.runbook.answers_samples import numbers_in, words_in
from relight.runbook.document import Input, Runbook
from relight.runbook.inputs import BadInput, judged
from relight.runbook.plan import Planned, prepare_plan
from relight.runbook.reading import read_runbook
from relight.runbook.stand_in import STARTER, plan_without_site
from relight.sdk.registry import Registry

VARIANTS_MAX = 8
"""Other values that are tried for what is not reached; each is a walk through the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """What came of it: the planning, and the exploration where there is a plan; what was made up for it."""

    planned: Planned
    exploration: Exploration | None = None
    made_up: Mapping[str, Any] | None = None


def explore(
    runbook: Path,
    site: Path | None,
    inputs: Mapping[str, Any],
    *,
    starter: str,
    registry: Registry,
    states_max: int,
) -> Explored:
    """Plan a runbook and explore it; without a site at one that is made up.

    Args:
        inputs: Values by name; the others are varied for what is not reached.
        starter: Who would start it at *site*.
    """
    made_up: Mapping[str, Any] = {}
    if site is None:
        planned, stand_in = plan_without_site(runbook, inputs, registry=registry)
        starter = STARTER
        if stand_in is not None:
            registry, made_up = stand_in.registry, {"inputs": stand_in.inputs, "values": stand_in.values}
    else:
        planned = prepare_plan(runbook, site, inputs, starter=starter, registry=registry)
    plan = planned.plan
    if plan is None:
        return Explored(planned=planned)
    document = read_runbook(runbook).document
    assert document is not None, "what was planned was read"
    world = answers(plan, registry, [stated.expression for stated in plan.stated])
    varied = _alternatives(plan, document, inputs, site_too=site is None)
    found = explore_plan(plan, world, starter=starter, states_max=states_max, alternatives=varied)
    return Explored(planned=planned, exploration=found, made_up=made_up)


# ---- other values


def _alternatives(plan: Plan, document: Runbook, given: Mapping[str, Any], *, site_too: bool) -> Alternatives:
    def others(unreached: list[tuple[str, str, str]]) -> Iterator[Plan]:
        whens = [when for _, stage, step in unreached if (when := _when(plan, stage, step)) is not None]
        tried: list[dict[str, Any]] = []
        for when in whens:
            for scope in islice(_scopes(plan, document, when, given, site_too=site_too), 200):
                if scope in tried or _value(when, scope) in (None, _value(when, plan.scope)):
                    continue
                tried.append(scope)
                yield replace(plan, scope=scope)
                break
            if len(tried) == VARIANTS_MAX:
                return

    return others


def _when(plan: Plan, stage: str, step: str) -> Expression | None:
    found = next(item for item in plan.stages if item.id == stage)
    return found.when if not step else next(item.when for item in found.steps if item.id == step)


def _value(when: Expression, scope: Mapping[str, Any]) -> object:
    try:
        return when.value(scope)
    except ExpressionFailed:
        return None


def _scopes(
    plan: Plan, document: Runbook, when: Expression, given: Mapping[str, Any], *, site_too: bool
) -> Iterator[dict[str, Any]]:
    """Yield the plan's scope with one value changed that this condition reads, then with two."""
    changes: list[Callable[[dict[str, Any]], dict[str, Any]]] = []
    for name in sorted(when.names):
        root, _, rest = name.partition(".")
        if root == "inputs" and rest in document.inputs and rest not in given:
            changes += [_changed("inputs", [rest], value) for value in _of(document.inputs[rest], when)]
        elif root == "site" and site_too:
            tried = (*words_in(when), *_numbers(when), True, False)
            changes += [_changed("site", rest.split("."), value) for value in tried]
    for change in changes:
        yield change(plan.scope)
    for one in changes:
        for other in changes:
            yield other(one(plan.scope))


def _numbers(when: Expression) -> Iterator[float]:
    for number in numbers_in(when):
        yield from (number, number + 1, number - 1)


def _of(declared: Input, when: Expression) -> Iterator[Any]:
    """Yield values that an input takes: its limits, and what the condition compares it with."""
    limits = (declared.minimum, declared.maximum, *(declared.choices or ()))
    for value in (*limits, True, False, *words_in(when), *map(_whole, _numbers(when))):
        if value is None:
            continue
        try:
            yield judged(declared, value)
        except BadInput:
            continue


def _whole(number: float) -> float | int:
    return int(number) if float(number).is_integer() else number


def _changed(root: str, path: list[str], value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(scope: dict[str, Any]) -> dict[str, Any]:
        return {**scope, root: _set(scope.get(root, {}), path, value)}

    return change


def _set(tree: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    inner = tree if isinstance(tree, dict) else {}
    return {**inner, path[0]: _set(inner.get(path[0]), path[1:], value)}
