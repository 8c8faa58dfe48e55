"""What the plan alone shows, once it is known what can be answered: checks that tell nothing, ramps without a way back.

What does not belong here: anything that takes a path to see.
"""

from collections.abc import Iterator

from relight.drivers.explorer.findings import Violation
from relight.drivers.explorer.world import World
from relight.kernel.plan import ExpressionFailed, Plan, Stage, Step


def on_paper(plan: Plan, world: World, longest_ms: int) -> Iterator[Violation]:
    """Yield what is wrong with the plan whatever happens; *longest_ms* is how long a run may take by itself."""
    yield from _checks(plan, world)
    yield from _guards(plan, longest_ms)
    for stage in plan.stages:
        waited_ms = 0
        for step in stage.steps:
            yield from _ramp(plan, stage, step)
            yield from _settle(world, stage, step)
            yield from _claim(stage, step)
            yield from _unprotected(stage, step)
            waited_ms += step.duration_ms if step.kind == "wait" and isinstance(step.duration_ms, int) else 0
            yield from _stale(stage, step, waited_ms)


def _checks(plan: Plan, world: World) -> Iterator[Violation]:
    for check, used, stage, step in _used(plan):
        verdicts = world.verdicts[check]
        for verdict, word in (("pass", "pass"), ("fail", "fail")):
            if verdict not in verdicts:
                text = f"{check}, {used}, can never {word}: its criterion is {plan.checks[check].pass_when.text}"
                if verdict == "fail" and plan.checks[check].fail_when is not None:
                    text = f"{check}, {used}, can never fail: it fails when {_fails(plan, check)}"
                yield Violation(name="checks-tell", stage=stage, step=step, text=text, subject=check)


def _fails(plan: Plan, check: str) -> str:
    fail_when = plan.checks[check].fail_when
    return fail_when.text if fail_when is not None else ""


def _used(plan: Plan) -> Iterator[tuple[str, str, str, str]]:
    """Yield each check that something waits for, what for, and the stage and step."""
    for guard in plan.guards:
        yield guard.check, "a guard", "", ""
    for stage in plan.stages:
        if stage.gate is not None:
            yield from ((check, "which the gate requires", stage.id, "") for check in stage.gate.require)
        yield from ((item.check, "a precondition", stage.id, "") for item in stage.preconditions)
        yield from ((item.check, "which verifies the stage", stage.id, "") for item in stage.verify)
        for step in stage.steps:
            if step.ramp is not None:
                yield from ((check, "which the ramp watches", stage.id, step.id) for check in step.ramp.checks)
            if step.targets is not None:
                between = step.targets.between
                yield from ((check, "which is held between batches", stage.id, step.id) for check in between)


def _guards(plan: Plan, longest_ms: int) -> Iterator[Violation]:
    for guard in plan.guards:
        if guard.breach_after_ms >= longest_ms:
            text = f"the guard {guard.check} is breached after {guard.breach_after_ms // 1_000} s, longer than the run"
            yield Violation(name="checks-tell", stage="", step="", text=text, subject=guard.check)


def _ramp(plan: Plan, stage: Stage, step: Step) -> Iterator[Violation]:
    ramp, use = step.ramp, step.use
    if ramp is None or use is None:
        return
    if not ramp.checks and not plan.guards:
        text = f"{step.id} rises whatever happens: no check and no guard watches it"
        yield Violation(name="careful-opening", stage=stage.id, step=step.id, text=text, subject="unwatched")
    for _, other in _before(plan, step):
        if not other.protective or other.use is None or other.use.capability != use.capability:
            continue
        if any(other.use.args.get(name) != use.args.get(name) for name in use.key_args):
            continue
        held, floor = other.use.args.get(ramp.key), ramp.floor
        if isinstance(held, int | float) and isinstance(floor, int | float) and floor > held:
            text = f"{step.id} steps back to {floor:g} at the lowest, and {other.id} held {ramp.key} at {held:g}"
            yield Violation(name="careful-opening", stage=stage.id, step=step.id, text=text, subject="floor")


def _before(plan: Plan, step: Step) -> Iterator[tuple[Stage, Step]]:
    for stage in plan.stages:
        for other in stage.steps:
            if other is step:
                return
            yield stage, other


def _settle(world: World, stage: Stage, step: Step) -> Iterator[Violation]:
    settle = step.settle
    if settle is None:
        return
    names = settle.done_when.names - {"value"}
    if any(not name.startswith("value") for name in names):
        return  # what it compares with is only known in the run
    try:
        said = {settle.done_when.value({"value": value}) is True for value in world.settles.get(step.id, ())}
    except ExpressionFailed:
        return
    if len(said) == 1:
        only = "happened" if True in said else "did not happen"
        text = f"the settle probe of {step.id} can only say that it {only}: {settle.done_when.text}"
        yield Violation(name="done-once", stage=stage.id, step=step.id, text=text, subject="settle")


def _claim(stage: Stage, step: Step) -> Iterator[Violation]:
    """An author's word that destroying something twice is harmless is worth less than a contract's."""
    use = step.use
    if use is not None and use.effect == "destructive" and use.idempotent and use.args.get("idempotent") is True:
        text = f"{step.id} is destructive and is said to be harmless when done twice: only one of them can be true"
        yield Violation(name="done-once", stage=stage.id, step=step.id, text=text, subject="claim")


def _unprotected(stage: Stage, step: Step) -> Iterator[Violation]:
    """Going on without protection is a person's word to give; a check that verifies the stage asks for it too."""
    if step.protective and step.on_failure == "continue" and not stage.verify:
        text = f"{step.id} protects, and where it fails the run goes on without it: nobody is asked, nothing verified"
        yield Violation(name="protection-kept", stage=stage.id, step=step.id, text=text, subject="goes on without")


def _stale(stage: Stage, step: Step, waited_ms: int) -> Iterator[Violation]:
    gate, use = stage.gate, step.use
    if gate is None or use is None or use.effect != "destructive" or waited_ms <= gate.approval.valid_for_ms:
        return
    text = f"{step.id} is destructive and starts {waited_ms // 1_000} s after its approval, which stands for "
    text += f"{gate.approval.valid_for_ms // 1_000} s"
    yield Violation(name="careful-opening", stage=stage.id, step=step.id, text=text, subject="stale approval")
