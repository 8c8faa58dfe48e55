"""What an author may well have meant and may well not: it is told, and is no alarm.

From a plan nobody can know what mends a check. But a gate that requires what nothing verified before it, and all that
its own stage verifies, never opens in the incident that it was made for, unless those checks were well all the time.
What does not belong here: what is wrong whatever was meant (``on_paper``).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from relight.kernel.plan import Plan, Stage, Step

TOGETHER_MS = 60_000
"""Two people need a minute to read a gate and say yes to it; an approval that stands for less has lapsed by then."""

TELLING = ("status.publish", "notify")
"""Capabilities that mend nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One thing to look at again."""

    name: str
    stage: str
    text: str


DOUBTS: dict[str, str] = {
    "requires-its-cure": "a stage asks, before it begins, for what only it or a later one verifies",
    "verified-too-early": "a stage that mends nothing is verified by what a later gate shows as the fault",
    "lapses-too-soon": "an approval lapses before it can do what it was given for",
}
"""Every doubt by its name."""


def doubts(plan: Plan) -> Iterator[Doubt]:
    """Yield what is to be looked at again, stage by stage."""
    guarded = {guard.check for guard in plan.guards}
    known = set(guarded)
    for number, stage in enumerate(plan.stages):
        asked = [(check, "its gate requires") for check in (stage.gate.require if stage.gate is not None else ())]
        asked += [(item.check, "its preconditions ask for") for item in stage.preconditions]
        for check, how in asked:
            cure = _first_verified(plan, check, number)
            # Where that stage is verified by something else as well, that may be what it is there for.
            alone = cure is not None and {item.check for item in cure.verify} <= {each for each, _ in asked}
            if check not in known and cure is not None and alone and check not in _watched(stage):
                yield Doubt(name="requires-its-cure", stage=stage.id, text=_circle(stage, check, how, cure))
            known.add(check)
        yield from _fault(plan, number, stage, guarded)
        yield from _lapses(plan, stage)
        known |= {item.check for item in stage.verify} | _watched(stage)


def _first_verified(plan: Plan, check: str, since: int) -> Stage | None:
    return next((stage for stage in plan.stages[since:] if any(item.check == check for item in stage.verify)), None)


def _watched(stage: Stage) -> set[str]:
    """Return what is held at each value of the stage's ramps and between its batches: it is to stay well."""
    found: set[str] = set()
    for step in stage.steps:
        found.update(step.ramp.checks if step.ramp is not None else ())
        found.update(step.targets.between if step.targets is not None else ())
    return found


def _circle(stage: Stage, check: str, how: str, cure: Stage) -> str:
    where = "this very stage" if cure is stage else f"stage {cure.id}"
    return (
        f"{how} {check}, which nothing verifies before it and {where} does: "
        f"where {check} is what the incident broke, it never begins; show it at the gate, or verify it earlier"
    )


def _fault(plan: Plan, number: int, stage: Stage, guarded: set[str]) -> Iterator[Doubt]:
    if any(_mends(step) for step in stage.steps):
        return
    for item in stage.verify:
        for later in plan.stages[number + 1 :]:
            gate = later.gate
            shown = gate is not None and item.check in gate.show and item.check not in gate.require
            again = any(other.check == item.check for other in later.verify)
            if shown and again and item.check not in guarded:
                text = (
                    f"it is verified by {item.check}, and mends nothing; stage {later.id} shows {item.check} at its "
                    f"gate as the fault and verifies it: where only {later.id} mends it, nobody comes that far"
                )
                yield Doubt(name="verified-too-early", stage=stage.id, text=text)


def _mends(step: Step) -> bool:
    use = step.use
    return step.kind == "manual" or (
        use is not None and use.effect != "read" and use.capability not in TELLING and not step.protective
    )


def _lapses(plan: Plan, stage: Stage) -> Iterator[Doubt]:
    if stage.gate is None:
        return
    approval = stage.gate.approval
    seconds = f"{approval.valid_for_ms / 1_000:g} s"
    if approval.min_approvals > 1 and approval.valid_for_ms < TOGETHER_MS:
        text = f"an approval stands for {seconds}, and {approval.min_approvals} people have to say yes within it"
        yield Doubt(name="lapses-too-soon", stage=stage.id, text=text)
        return
    checks = (*stage.gate.require, *(item.check for item in stage.preconditions))
    slowest = max(checks, key=lambda check: plan.checks[check].interval_ms, default="")
    if slowest and plan.checks[slowest].interval_ms > approval.valid_for_ms:
        every = f"{plan.checks[slowest].interval_ms / 1_000:g} s"
        text = f"an approval stands for {seconds}, and {slowest}, which has to pass meanwhile, is read every {every}"
        yield Doubt(name="lapses-too-soon", stage=stage.id, text=text)
