"""A plan as people are shown it before they start it: who is asked, what is called, what stays.

The data is ``relight.plan/v1``; ``describe_text`` lays it out for a terminal.
What does not belong here: asking a provider what it would change; whoever did hands the answers in.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from relight.kernel.plan import Check, Expression, Gate, Plan, Stage, Step, Tree, Use
from relight.runbook.complaints import MASK, Complaint
from relight.runbook.render import complaint_document
from relight.runbook.secrecy import is_secret_name, secret_code
from relight.sdk.values import format_duration

PLAN_SCHEMA = "relight.plan/v1"


def describe(
    plan: Plan,
    complaints: Sequence[Complaint] = (),
    previews: Mapping[str, str] | None = None,
    *,
    starter: str | None = None,
) -> dict[str, Any]:
    """Return ``relight.plan/v1``.

    Args:
        plan: What is described.
        complaints: The warnings that came with it.
        previews: Step to what its provider says that it would change.
        starter: The person who will start the run.
    """
    return {
        "schema": PLAN_SCHEMA,
        "runbook": plan.runbook,
        "title": plan.title,
        "site": plan.site,
        "environment": plan.environment,
        "owner": plan.owner,
        "digest": plan.digest,
        "sources": dict(plan.sources),
        "pace": plan.pace,
        "locks": list(plan.locks),
        "inputs": dict(plan.scope.get("inputs", {})),
        "guards": [
            {
                **_criteria(plan.checks[guard.check]),
                "breach_after": format_duration(guard.breach_after_ms),
                "on_breach": guard.on_breach,
            }
            for guard in plan.guards
        ],
        "stages": [_stage(plan, stage, previews or {}, starter) for stage in plan.stages],
        "checks": [_criteria(check) for check in plan.checks.values()],
        "outlives_driver": [_outlives(step) for stage in plan.stages for step in stage.steps if _stays(step)],
        "on_abort": plan.on_abort,
        "providers": {name: str(config.get("use", name)) for name, config in plan.providers.items()},
        "warnings": [complaint_document(each) for each in complaints if each.severity == "warning"],
    }


def _stage(plan: Plan, stage: Stage, previews: Mapping[str, str], starter: str | None) -> dict[str, Any]:
    return {
        "id": stage.id,
        "title": shown(stage.title),
        "when": None if stage.when is None else stage.when.text,
        "optional": stage.optional,
        "gate": None if stage.gate is None else _gate(plan, stage.gate, starter),
        "preconditions": [_criteria(plan.checks[item.check]) for item in stage.preconditions],
        "steps": [_step(plan, step, previews.get(step.id, "")) for step in stage.steps],
        "verify": [
            {
                **_criteria(plan.checks[item.check]),
                "for": format_duration(item.for_ms),
                "within": format_duration(item.within_ms),
                "ratio": item.ratio,
            }
            for item in stage.verify
        ],
    }


def _gate(plan: Plan, gate: Gate, starter: str | None) -> dict[str, Any]:
    approval = gate.approval
    able = [person.id for person in plan.people if set(person.roles) & set(approval.roles)]
    counted = [person for person in able if approval.allow_self_approval or person != starter]
    return {
        "title": shown(gate.title),
        "roles": list(approval.roles),
        "min_approvals": approval.min_approvals,
        "allow_self_approval": approval.allow_self_approval,
        "valid_for": format_duration(approval.valid_for_ms),
        "can_open": counted,
        "solo": _solo(plan, gate, able, starter),
        "require": list(gate.require),
        "show": list(gate.show),
        "expires_after": format_duration(gate.expires_after_ms),
        "on_expiry": gate.on_expiry,
        "escalate": [{"after": format_duration(item.after_ms), "notify": item.notify} for item in gate.escalate],
    }


def _solo(plan: Plan, gate: Gate, able: list[str], starter: str | None) -> dict[str, Any] | None:
    """Return after what time which starters could open it alone, where they may not anyway and it still asks then."""
    if plan.solo is None or gate.approval.allow_self_approval or gate.approval.min_approvals > 1:
        return None
    if plan.solo.after_ms >= gate.expires_after_ms:
        return None
    roles = set(plan.solo.roles)
    may = [person.id for person in plan.people if person.id in able and roles & set(person.roles)]
    may = [person for person in may if starter in (None, person)]
    return {"after": format_duration(plan.solo.after_ms), "people": may} if may else None


def _criteria(check: Check) -> dict[str, Any]:
    found: dict[str, Any] = {
        "check": check.id,
        "pass_when": check.pass_when.text,
        "fail_when": None if check.fail_when is None else check.fail_when.text,
        "every": format_duration(check.interval_ms),
    }
    if check.query is not None:
        found |= {"query": check.query.get("name", ""), "sources": list(check.query.get("sources", ()))}
    if check.probe is not None:
        found |= {"probe": check.probe.capability, "provider": check.probe.provider, "args": shown(check.probe.args)}
    return found


def _step(plan: Plan, step: Step, preview: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": step.id,
        "kind": step.kind,
        "title": step.title,
        "when": None if step.when is None else step.when.text,
        "on_failure": step.on_failure,
        "parallel": step.group,
        "protective": step.protective,
        "would": preview,
    }
    if step.use is not None:
        found |= _use(plan, step.use)
        found |= {"timeout": format_duration(step.timeout_ms), "max_attempts": step.retry.max_attempts}
        found |= {"undo": _undo(step), "settle": None if step.settle is None else step.settle.use.capability}
        found |= {"lasting": step.use.lasting, "clears": _clears(step.use), "idempotent": step.use.idempotent}
    if step.kind == "wait":
        known = isinstance(step.duration_ms, int)
        found["duration"] = format_duration(step.duration_ms) if known else shown(step.duration_ms)
    if step.kind == "manual":
        found["instruction"] = shown(step.instruction)
    if step.kind == "undo":
        found["undoes"] = step.undoes
    if step.pass_when is not None:
        found["pass_when"] = step.pass_when.text
    if step.ramp is not None:
        found["ramp"] = _ramp(step)
    if step.targets is not None:
        found["targets"] = {
            "group": step.targets.group,
            "hosts": list(step.targets.hosts),
            "batches": list(step.targets.batches),
            "max_concurrency": step.targets.max_concurrency,
            "max_failures": step.targets.max_failures,
            "between": list(step.targets.between),
        }
    return found


def _use(plan: Plan, use: Use) -> dict[str, Any]:
    return {
        "action": use.capability,
        "provider": use.provider,
        "plugin": str(plan.providers.get(use.provider, {}).get("use", use.provider)),
        "args": shown(use.args),
        "effect": use.effect,
    }


def _ramp(step: Step) -> dict[str, Any]:
    ramp = step.ramp
    assert ramp is not None
    return {
        "key": ramp.key,
        "floor": shown(ramp.floor),
        "through": [shown(value) for value in ramp.through],
        "dwell": format_duration(ramp.dwell_ms),
        "checks": list(ramp.checks),
        "on_failure": ramp.on_failure,
        "cool_down": format_duration(ramp.cool_down_ms),
        "max_step_backs": ramp.max_step_backs,
    }


def _undo(step: Step) -> dict[str, Any] | None:
    undo = step.undo
    if undo is None:
        return None
    if undo.use is None:
        return {"kind": "previous", "ask": undo.ask}
    return {"kind": "action", "ask": undo.ask, "action": undo.use.capability, "args": shown(undo.use.args)}


def _stays(step: Step) -> bool:
    """Return whether a step leaves something in force that no dead driver takes back."""
    use = step.use
    if step.kind != "action" or use is None:
        return False
    return (use.lasting or step.undo is not None or step.protective) and (step.ramp is not None or not _clears(use))


def _clears(use: Use) -> bool:
    """Return whether nothing is in force any more after this call."""
    return bool(use.neutral) and all(use.args.get(name) == value for name, value in use.neutral.items())


def _outlives(step: Step) -> dict[str, Any]:
    assert step.use is not None
    return {
        "step": step.id,
        "action": step.use.capability,
        "provider": step.use.provider,
        "args": shown(step.use.args),
        "protective": step.protective,
        "undo": _undo(step),
    }


def shown(tree: Tree, key: str = "") -> Any:
    """Return a tree of arguments as it may be shown: expressions as their text, nothing that looks secret."""
    if isinstance(tree, dict):
        return {name: shown(item, str(name)) for name, item in tree.items()}
    if isinstance(tree, list | tuple):
        return [shown(item, key) for item in tree]
    if isinstance(tree, Expression):
        return tree.text
    return MASK if secret_code(tree, named=is_secret_name(key)) else tree
