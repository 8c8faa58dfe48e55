"""Random small plans, by a grammar that reaches every kind of step, gate, check and guard."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from relight.kernel.plan import Guard, Plan, Retry, Solo, Stage, Step, Undo, Verify
from relight.testing.plans import (
    act,
    check,
    equal,
    fan,
    gate,
    kind,
    lasting,
    path,
    plan,
    ramp,
    settle_when,
    stage,
    throttle,
    undo_previous,
    undo_with,
    use,
)

Pick = Callable[[Sequence[Any]], Any]
CHECKS = ("calm", "served", "quiet")


def random_plan(pick: Pick) -> Plan:
    """Return a plan of one to three stages."""
    numbers = iter(range(100))
    made: list[Step] = []
    stages = [_stage(pick, f"stage-{at}", numbers, made) for at in range(pick((1, 2, 2, 3)))]
    guards = pick(((), (), ("hold",), ("step_back",)))
    return plan(
        *stages,
        checks=tuple(
            check(name, on_inconclusive=pick(("hold", "hold", "wait")), settle_ms=pick((0, 2_000))) for name in CHECKS
        ),
        probes=("seen",),
        guards=tuple(Guard(check="quiet", breach_after_ms=2_000, on_breach=on) for on in guards),
        on_abort=pick(("leave", "undo")),
        solo=pick((None, None, Solo(after_ms=4_000, roles=("commander",)))),
        scope={"inputs": {"yes": True, "no": False}, "site": {"id": "here"}},
    )


def _stage(pick: Pick, name: str, numbers: Any, made: list[Step]) -> Stage:
    steps: list[Step] = []
    for _ in range(pick((0, 1, 1, 2, 3))):
        step = _step(pick, f"s{next(numbers)}", made)
        steps.append(step)
        made.append(step)
    if len(steps) > 1 and pick((True, False, False)):
        steps = [replace(step, group=1) for step in steps]
    asks = pick((True, False))
    return stage(
        name,
        *steps,
        optional=asks and pick((True, False)),
        when=pick((None, None, None, path("inputs.yes"), path("inputs.no"), path("probes.seen"))),
        gate=_gate(pick) if asks else None,
        pre=pick(((), (), ("calm",))),
        verify=pick(((), ("served",), (Verify(check="calm", for_ms=1_000, within_ms=9_000), "served"))),
    )


def _gate(pick: Pick) -> Any:
    return gate(
        *pick(((), ("calm",))),
        min_approvals=pick((1, 1, 2)),
        allow_self_approval=pick((True, False)),
        valid_for_ms=pick((5_000, 600_000)),
        expires_after_ms=20_000,
        show=pick(((), ("served",))),
        title=pick(("Go on?", path("probes.seen"))),
    )


def _step(pick: Pick, name: str, made: list[Step]) -> Step:
    common: dict[str, Any] = {
        "retry": pick((Retry(), Retry(max_attempts=3))),
        "timeout_ms": 8_000,
        "on_failure": pick(("hold", "hold", "continue")),
    }
    match pick(("act", "act", "lasting", "destroy", "throttle", "ramp", "fan", "wait", "manual", "probe", "undo")):
        case "act":
            when = pick((None, None, path("inputs.no"), path("probes.seen"), path("inputs.missing")))
            return act(name, replace(use(name), idempotent=pick((True, False))), when=when, **common)
        case "lasting":
            what = replace(lasting("deploy.freeze", on=("service",), service="auth"), reads_value=pick((True, False)))
            return act(name, what, undo=_undo(pick), **common)
        case "destroy":
            settle = pick((None, settle_when(equal(1))))
            destroy = replace(use("deploy.rollback", effect="destructive", to=40), idempotent=pick((True, False)))
            what = replace(destroy, reads_value=pick((True, False)))
            return act(name, what, undo=_undo(pick), settle=settle, **common)
        case "throttle":
            what = replace(throttle(percent=pick((10, 50, 100))), reads_value=pick((True, False)))
            protective = pick((True, False))
            return act(name, what, protective=protective, undo=pick((None, undo_previous())), **common)
        case "ramp":
            return _ramp(pick, name, common)
        case "fan":
            what = pick((use(name), use(name, effect="destructive"), replace(use(name), idempotent=True)))
            undo = pick((None, undo_with(use("put.back"))))
            targets = fan(5, *pick(((5,), (1, 4), (1, 2, 2))), max_failures=pick((1, 2, 9)), between=("calm",))
            return act(name, what, targets=targets, undo=undo, **common)
        case "wait":
            return kind(name, "wait", duration_ms=pick((0, 3_000)))
        case "manual":
            return kind(name, "manual", instruction="look", on_failure=common["on_failure"])
        case "probe":
            return kind(name, "probe", use=use("look", effect="read"), pass_when=pick((None, equal(1))), **common)
        case _:
            earlier = [step.id for step in made if step.undo is not None]
            return kind(name, "undo", undoes=pick(earlier) if earlier else name, on_failure=common["on_failure"])


def _ramp(pick: Pick, name: str, common: dict[str, Any]) -> Step:
    what = pick((throttle(max_rate=5), replace(throttle(), reads_value=True), use("drain", effect="destructive")))
    how = ramp(
        *pick(((25, 50, 100), (10, 50), (5,))),
        floor=10,
        checks=pick((("served",), ())),
        on_failure=pick(("step_back", "step_back", "hold")),
        max_step_backs=pick((1, 2, 3)),
    )
    return act(name, what, ramp=how, undo=pick((None, None, undo_previous())), **common)


def _undo(pick: Pick) -> Undo | None:
    idempotent = replace(use("put.back"), idempotent=True)
    options = (None, undo_previous(), undo_with(use("put.back")), undo_with(idempotent), undo_with(use("x"), ask=True))
    result: Undo | None = pick(options)
    return result
