"""What expressions may read of a run, and argument trees with their expressions filled in.

What does not belong here: the expression language.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from relight.kernel.plan import Expression, Gate, Json, Stage, Step, Tree, Use
from relight.kernel.state import Run

_NOTHING: Any = object()


def value_of(run: Run, expression: Expression, *, value: Any = _NOTHING) -> Json:
    """Return the expression's value on this run; *value* is what a criterion judges.

    Raises:
        ExpressionFailed: it cannot be evaluated.
    """
    return expression.value(_scope(run, expression.names, value))


def holds(run: Run, expression: Expression, *, value: Any = _NOTHING) -> bool:
    """Return whether a condition is true; anything but the value true is not."""
    return value_of(run, expression, value=value) is True


def resolve(run: Run, tree: Tree) -> Any:
    """Return *tree* with every expression in it evaluated.

    Raises:
        ExpressionFailed: one of them cannot be.
    """
    if isinstance(tree, dict):
        return {key: resolve(run, item) for key, item in tree.items()}
    if isinstance(tree, list | tuple):
        return [resolve(run, item) for item in tree]
    if isinstance(tree, Expression):
        return value_of(run, tree)
    return tree


def expressions_in(tree: Tree) -> Iterable[Expression]:
    """Yield every expression in a tree of arguments."""
    if isinstance(tree, dict):
        for item in tree.values():
            yield from expressions_in(item)
    elif isinstance(tree, list | tuple):
        for item in tree:
            yield from expressions_in(item)
    elif isinstance(tree, Expression):
        yield tree


def probes_in(*trees: Tree) -> frozenset[str]:
    """Return the ids of the named probes that these trees read."""
    return frozenset(
        name.split(".")[1]
        for tree in trees
        for expression in expressions_in(tree)
        for name in expression.names
        if name.startswith("probes.")
    )


def probes_of_step(step: Step) -> frozenset[str]:
    """Return the ids of the named probes that a step reads anywhere."""
    trees: list[Tree] = [step.when, step.duration_ms, step.instruction, step.pass_when]
    trees += [use.args for use in (step.use, step.undo and step.undo.use, step.settle and step.settle.use) if use]
    if step.settle is not None:
        trees.append(step.settle.done_when)
    if step.ramp is not None:
        trees += [step.ramp.floor, step.ramp.through]
    return probes_in(*trees)


def probes_of_gate(stage: Stage, gate: Gate) -> frozenset[str]:
    """Return the ids of the probes that are frozen when this gate asks: its title's and its stage's steps'."""
    return probes_in(gate.title).union(*(probes_of_step(step) for step in stage.steps))


def scope_digest(run: Run, stage: Stage) -> str:
    """Return what a vote binds: plan, stage, targets and every step's arguments, late ones as their text."""
    steps = [
        {
            "id": step.id,
            "use": _use_now(run, step.use),
            "targets": list(step.targets.hosts) if step.targets else None,
            "ramp": [_now(run, step.ramp.floor), _now(run, list(step.ramp.through))] if step.ramp else None,
        }
        for step in stage.steps
    ]
    content = {"plan": run.plan.digest, "stage": stage.id, "steps": steps}
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _use_now(run: Run, use: Use | None) -> Any:
    return None if use is None else [use.capability, use.provider, _now(run, use.args)]


def _now(run: Run, tree: Tree) -> Any:
    if isinstance(tree, dict):
        return {key: _now(run, item) for key, item in tree.items()}
    if isinstance(tree, list | tuple):
        return [_now(run, item) for item in tree]
    if isinstance(tree, Expression):
        late = any(name.startswith(("steps.", "checks.")) for name in tree.names)
        return {"late": tree.text} if late else value_of(run, tree)
    return tree


def _scope(run: Run, names: frozenset[str], value: Any) -> Mapping[str, Any]:
    scope: dict[str, Any] = {}
    for name in names:
        root, _, rest = name.partition(".")
        key = rest.partition(".")[0]
        match root:
            case "inputs" | "site":
                scope[root] = run.plan.scope.get(root, {})
            case "probes":
                reading = run.stage.probes.get(key)
                if reading is not None and not reading.error:
                    scope.setdefault("probes", {})[key] = reading.value
            case "steps":
                record = run.steps.get(key)
                if record is not None:
                    scope.setdefault("steps", {})[key] = {"result": record.result, "state": record.word}
            case "checks":
                turned = run.checks.get(key)
                if turned is not None:
                    scope.setdefault("checks", {})[key] = {"value": turned.value, "verdict": turned.verdict}
            case "run":
                scope["run"] = {"id": run.id, "starter": run.starter, "started_at": run.started_at}
            case _:
                pass
    if value is not _NOTHING:
        scope["value"] = value
    return scope
