"""What the author says always or never holds, held against every state.

An expression that fails holds nothing: it is told as what it is, a property that cannot be judged.
"""

from typing import Any

from relight.drivers.explorer.findings import Broken
from relight.kernel import facts as f
from relight.kernel.plan import ExpressionFailed, Plan, Stated
from relight.kernel.state import Run


class Author:
    """Holds a plan's ``always`` and ``never``; remembers nothing."""

    def __init__(self, plan: Plan) -> None:
        self._stated = plan.stated

    def start(self) -> None:
        """Return what is remembered: nothing."""

    def step(self, held: None, before: Run, facts: list[f.AnyFact], after: Run) -> None:
        """Hold nothing against what happens, only against what is."""

    def rest(self, run: Run) -> None:
        """Hold every statement against one state.

        Raises:
            Broken: one does not hold.
        """
        if not self._stated or run.epoch == 0:
            return
        scope = scope_of(run)
        for stated in self._stated:
            wrong = _wrong(stated, scope)
            if wrong:
                raise Broken(stated.kind, wrong, stage=run.stage.id, step=_step(run), subject=stated.id)


def _wrong(stated: Stated, scope: dict[str, Any]) -> str:
    try:
        value = stated.expression.value(scope)
    except ExpressionFailed as failed:
        return f"{stated.id} cannot be judged: {failed}"
    if not isinstance(value, bool):
        return f"{stated.id} is {value!r}, neither true nor false"
    if value == (stated.kind == "always"):
        return ""
    said = f"{stated.title}: " if stated.title else ""
    return f"{said}{stated.expression.text} is {'false' if stated.kind == 'always' else 'true'}"


def _step(run: Run) -> str:
    return run.open_steps[0].id if run.open_steps else ""


def scope_of(run: Run) -> dict[str, Any]:
    """Return what such an expression may read: every stage, step, effect and check by its name."""
    in_force = {step for entry in run.ledger.values() for step in entry.steps}
    steps = run.plan_index
    records = {name: run.steps.get(name) for name in steps}
    stages = {stage.id: {"state": _stage(run, number)} for number, stage in enumerate(run.plan.stages)}
    return {
        **run.plan.scope,
        "run": {"id": run.id, "starter": run.starter, "started_at": run.started_at, "state": run.state},
        # Expressions cannot name a dash.
        "stages": {**stages, **{name.replace("-", "_"): state for name, state in stages.items()}},
        "steps": {
            name: {"state": record.word if record is not None else "pending", "result": _result(record)}
            for name, record in records.items()
        },
        "effects": {name: name in in_force for name in steps},
        "checks": {
            name: {"verdict": run.checks[name].verdict, "value": run.checks[name].value}
            if name in run.checks
            else {"verdict": "", "value": None}
            for name in run.plan.checks
        },
    }


def _result(record: Any) -> Any:
    return record.result if record is not None else None


def _stage(run: Run, number: int) -> str:
    stage = run.plan.stages[number]
    if number != run.cursor:
        return run.past.get(stage.id, "pending") if number < run.cursor else "pending"
    if any(hold.stage in {stage.id, ""} for hold in run.holds):
        return "held"
    if run.stage.phase == "approach":
        return "waiting" if stage.gate is not None and run.ticket is not None else "pending"
    return "verifying" if run.stage.phase == "verify" else "running"
