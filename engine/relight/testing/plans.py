"""Small plans for tests of whatever stands on the kernel: each builder says only what a test is about.

Expressions are plain objects here, so that the kernel is tested without the expression language.
What does not belong here: documents, and anything that runs a plan.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from relight.kernel.plan import (
    Approval,
    Check,
    Effect,
    ExpressionFailed,
    Gate,
    Guard,
    Json,
    Person,
    Plan,
    Precondition,
    Probe,
    Ramp,
    Settle,
    Stage,
    Step,
    StepKind,
    Targets,
    Undo,
    Use,
    Verify,
)

ANA = Person(id="ana", roles=("commander",), identities={"os": "ana"})
BO = Person(id="bo", roles=("commander", "owner"), identities={"os": "bo"})
CY = Person(id="cy", roles=("owner",), identities={"os": "cy"})
DEE = Person(id="dee", roles=(), identities={"os": "dee"})
EVE = Person(id="eve", roles=("commander",), identities={"os": "eve"})
PEOPLE = (ANA, BO, CY, DEE, EVE)
"""Ana starts runs and commands, as Eve may; Bo commands and owns; Cy owns; Dee is known and holds no role."""

_NAMES = re.compile(r"\b(?:inputs|probes|steps|checks|site|run|value)(?:\.\w+)*")


@dataclass(frozen=True, slots=True)
class Said:
    """An expression that is a function of its scope; the names are read off its text."""

    text: str
    function: Callable[[Mapping[str, Any]], Json] = field(compare=False, repr=False)

    @property
    def names(self) -> frozenset[str]:
        """The dotted names in its text."""
        return frozenset(_NAMES.findall(self.text))

    def value(self, scope: Mapping[str, Any]) -> Json:
        """Return its value; what Python cannot do with the scope is a failed expression."""
        try:
            return self.function(scope)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ExpressionFailed(f"{self.text}: {type(error).__name__}: {error}") from error


def path(dotted: str) -> Said:
    """Return the expression that reads one dotted name."""

    def read(scope: Mapping[str, Any]) -> Json:
        value: Any = scope
        for part in dotted.split("."):
            value = value[part]
        result: Json = value
        return result

    return Said(dotted, read)


def below(limit: float) -> Said:
    """``value < limit``."""
    return Said(f"value < {limit:g}", lambda scope: scope["value"] < limit)


def above(limit: float) -> Said:
    """``value > limit``."""
    return Said(f"value > {limit:g}", lambda scope: scope["value"] > limit)


def equal(wanted: Json) -> Said:
    """``value == wanted``."""
    return Said(f"value == {wanted!r}", lambda scope: bool(scope["value"] == wanted))


def use(capability: str, *, effect: Effect = "write", provider: str = "fake", **args: Any) -> Use:
    """Return a call that leaves nothing behind."""
    return Use(capability=capability, provider=provider, action=capability, args=args, effect=effect)


def lasting(capability: str, *, neutral: Mapping[str, Any] | None = None, on: tuple[str, ...] = (), **args: Any) -> Use:
    """Return an idempotent call that leaves an effect on the target that the arguments *on* name."""
    return replace(use(capability, **args), lasting=True, idempotent=True, key_args=on, neutral=dict(neutral or {}))


def throttle(**args: Any) -> Use:
    """Return ``admission.throttle``: lasting, idempotent, and nothing is in force at 100."""
    return lasting("admission.throttle", neutral={"percent": 100}, **args)


def act(step: str, what: Use | None = None, **fields: Any) -> Step:
    """Return an action step; without *what* it calls something harmless of its own name."""
    return Step(id=step, kind="action", use=what or use(step), **fields)


def kind(step: str, what: StepKind, **fields: Any) -> Step:
    """Return a step of another kind."""
    return Step(id=step, kind=what, **fields)


def undo_previous(*, ask: bool = False) -> Undo:
    """``undo: previous``."""
    return Undo(kind="previous", ask=ask)


def undo_with(what: Use, *, ask: bool = False) -> Undo:
    """``undo: {action: …}``."""
    return Undo(kind="use", use=what, ask=ask)


def settle_when(done: Said, *, within_ms: int = 3_000, interval_ms: int = 1_000) -> Settle:
    """Return a settle probe that reads ``probe.settle``."""
    probe = use("probe.settle", effect="read")
    return Settle(use=probe, done_when=done, within_ms=within_ms, interval_ms=interval_ms)


def ramp(*through: Any, key: str = "percent", floor: Any = 0, **fields: Any) -> Ramp:
    """Return a ramp with short times: ten seconds at each value, ten to cool down."""
    given: dict[str, Any] = {"dwell_ms": 10_000, "cool_down_ms": 10_000, **fields}
    return Ramp(key=key, floor=floor, through=through, **given)


def fan(count: int, *batches: int, **fields: Any) -> Targets:
    """Return a fan-out over ``h0``, ``h1``, …; without batches in one."""
    hosts = tuple(f"h{number}" for number in range(count))
    return Targets(group="edge", hosts=hosts, batches=batches or (count,), **fields)


def gate(*require: str, roles: tuple[str, ...] = ("commander",), **fields: Any) -> Gate:
    """Return a gate that one commander opens, the starter too; fields of the approval and the gate together."""
    of_approval = {"min_approvals": 1, "allow_self_approval": True}
    of_approval |= {
        name: fields.pop(name) for name in ("min_approvals", "allow_self_approval", "valid_for_ms") if name in fields
    }
    approval = Approval(roles=roles, **of_approval)  # type: ignore[arg-type]
    return Gate(title=fields.pop("title", "Go on?"), approval=approval, require=require, **fields)


def stage(
    name: str, *steps: Step, verify: tuple[Verify | str, ...] = (), pre: tuple[str, ...] = (), **fields: Any
) -> Stage:
    """Return a stage; a check's name alone means that it has to pass once."""
    return Stage(
        id=name,
        steps=steps,
        verify=tuple(item if isinstance(item, Verify) else Verify(check=item) for item in verify),
        preconditions=tuple(Precondition(check=check) for check in pre),
        **fields,
    )


def check(name: str, pass_when: Said | None = None, **fields: Any) -> Check:
    """Return a check on a query of its own name; without a criterion it passes below 10."""
    return Check(id=name, query={"name": name}, pass_when=pass_when or below(10), **fields)


def plan(
    *stages: Stage,
    checks: tuple[Check | str, ...] = (),
    probes: tuple[str, ...] = (),
    guards: tuple[Guard, ...] = (),
    **fields: Any,
) -> Plan:
    """Return a plan of these stages; checks that are only named pass below 10."""
    known = {item.id: item for item in (check(item) if isinstance(item, str) else item for item in checks)}
    for name in _checks_named(stages, guards):
        known.setdefault(name, check(name))
    result = Plan(
        runbook="test",
        title="A test",
        site="here",
        stages=stages,
        checks=known,
        probes={name: Probe(id=name, use=use(f"probe.{name}", effect="read")) for name in probes},
        guards=guards,
        scope=fields.pop("scope", {"inputs": {}, "site": {"id": "here", "values": {}}}),
        people=fields.pop("people", PEOPLE),
        **fields,
    )
    return replace(result, digest=hashlib.sha256(repr(stages).encode()).hexdigest())


def _checks_named(stages: tuple[Stage, ...], guards: tuple[Guard, ...]) -> list[str]:
    names = [guard.check for guard in guards]
    for each in stages:
        names += [item.check for item in each.preconditions] + [item.check for item in each.verify]
        if each.gate is not None:
            names += [*each.gate.require, *each.gate.show]
        for step in each.steps:
            names += step.ramp.checks if step.ramp is not None else ()
            names += step.targets.between if step.targets is not None else ()
    return names
