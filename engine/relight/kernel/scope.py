"""What expressions may read of a run, and argument trees with their expressions filled in.

What does not belong here: the expression language.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from relight.kernel.plan import Expression, ExpressionFailed, Json, Stage, Tree, Use
from relight.kernel.plan_index import expressions_in, plain
from relight.kernel.state import Run

__all__ = ["expressions_in", "holds", "resolve", "scope_digest", "value_of"]

_NOTHING: Any = object()
_REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:(/[^/]|~/).*|(keyring|vault):[^/].*)")


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
    if not plain(tree) and isinstance(tree, Expression):
        return _no_reference(tree, value_of(run, tree))
    return tree


def _no_reference(expression: Expression, value: Json) -> Json:
    """Return a computed value, unless it asks for a secret.

    A reference is written out by an author. Were one taken from a step's output or an input, whoever writes that
    could have any secret of the driver sent anywhere.
    """
    by_site = all(name.startswith("site.") for name in expression.names)
    if isinstance(value, str) and not by_site and _REFERENCE.fullmatch(value):
        raise ExpressionFailed(f"{expression.text} gives a secret reference; write references out, do not compute them")
    return value


def scope_digest(run: Run, stage: Stage) -> str:
    """Return what a vote binds: plan, stage, targets and every step's arguments, late ones as their text.

    Raises:
        ExpressionFailed: an argument that is not late cannot be evaluated.
    """
    late = tuple(f"steps.{step.id}." for step in stage.steps)
    steps = [
        {
            "id": step.id,
            "use": _use_now(run, step.use, late),
            "targets": list(step.targets.hosts) if step.targets else None,
            "ramp": [_now(run, item, late) for item in (step.ramp.floor, *step.ramp.through)] if step.ramp else None,
        }
        for step in stage.steps
    ]
    content = {"plan": run.plan.digest, "stage": stage.id, "steps": steps}
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _use_now(run: Run, use: Use | None, late: tuple[str, ...]) -> Any:
    return None if use is None else [use.capability, use.provider, _now(run, use.args, late)]


def _now(run: Run, tree: Tree, late: tuple[str, ...]) -> Any:
    if isinstance(tree, dict):
        return {key: _now(run, item, late) for key, item in tree.items()}
    if isinstance(tree, list | tuple):
        return [_now(run, item, late) for item in tree]
    if plain(tree) or not isinstance(tree, Expression):
        return tree
    names = tuple(f"{name}." for name in tree.names)
    if any(name.startswith(("checks.", *late)) for name in names):
        return {"late": tree.text}
    try:
        return value_of(run, tree)
    except ExpressionFailed:
        # The earlier step was skipped: what depends on it will be too, or will fail when it is reached.
        if any(name.startswith("steps.") for name in names):
            return {"late": tree.text}
        raise


def _scope(run: Run, names: frozenset[str], value: Any) -> Mapping[str, Any]:
    scope: dict[str, Any] = {}
    for name in names:
        root, _, rest = name.partition(".")
        if root in ("inputs", "site"):
            scope[root] = run.plan.scope.get(root, {})
        elif root == "run":
            scope[root] = {"id": run.id, "starter": run.starter, "started_at": run.started_at}
        else:
            key = rest.partition(".")[0]
            known = _known(run, root, key)
            if known is not _NOTHING:
                scope.setdefault(root, {})[key] = known
    if value is not _NOTHING:
        scope["value"] = value
    return scope


def _known(run: Run, root: str, key: str) -> Any:
    """Return what one name stands for by now; nothing where it was not read, not begun or is the criterion's own."""
    if root == "probes":
        reading = run.stage.probes.get(key)
        return _NOTHING if reading is None or reading.error else reading.value
    if root == "checks":
        turned = run.checks.get(key)
        return _NOTHING if turned is None else {"value": turned.value, "verdict": turned.verdict}
    record = run.steps.get(key) if root == "steps" else None
    if record is not None:
        return {"result": record.result, "state": record.word}
    if root != "steps" or key not in run.plan_index:
        return _NOTHING
    # Whoever asks after a step that was left out is told so; only its result is nobody's.
    left_out = run.past.get(run.stage_of(key).id) == "skipped"
    return {"state": "skipped" if left_out else "pending"}
