"""How long a run may take by itself at the worst, and which parts make it so.

Every try fails but the last, every check passes at the last moment, every ramp steps back as often as it may.
What people take is told apart: nobody can bound it, but a gate says how long it asks.
"""

from collections.abc import Collection
from dataclasses import dataclass

from relight.kernel.plan import Plan, Stage, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the critical path: a step, a gate or a verify, and its longest time; None: nobody can say."""

    stage: str
    what: str
    longest_ms: int | None
    people: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """The longest time of a run, without and with people, and the critical path in order."""

    alone_ms: int
    people_ms: int
    path: tuple[Part, ...]


def durations(plan: Plan, unreached: Collection[tuple[str, str]] = ()) -> Durations:
    """Return how long a run of this plan may take.

    Args:
        unreached: Stages and steps that nothing leads to, as (stage, step); the step of a whole stage is empty.
    """
    path = [part for stage in plan.stages if (stage.id, "") not in unreached for part in _stage(stage, unreached)]
    alone = sum(part.longest_ms or 0 for part in path if not part.people)
    people = sum(part.longest_ms or 0 for part in path if part.people)
    return Durations(alone_ms=alone, people_ms=people, path=tuple(path))


def _stage(stage: Stage, unreached: Collection[tuple[str, str]]) -> list[Part]:
    parts = []
    if stage.gate is not None:
        parts.append(Part(stage=stage.id, what="gate", longest_ms=stage.gate.expires_after_ms, people=True))
    groups: dict[object, list[Step]] = {}
    for step in stage.steps:
        if (stage.id, step.id) not in unreached:
            groups.setdefault(step.id if step.group is None else step.group, []).append(step)
    for steps in groups.values():
        longest = max(steps, key=_for_order)
        parts.append(
            Part(stage=stage.id, what=longest.id, longest_ms=step_ms(longest), people=longest.kind == "manual")
        )
    if stage.verify:
        slowest = max(stage.verify, key=lambda item: item.within_ms)
        parts.append(Part(stage=stage.id, what=f"verify {slowest.check}", longest_ms=slowest.within_ms))
    return parts


def _for_order(step: Step) -> float:
    longest = step_ms(step)
    return float("inf") if longest is None else longest


def step_ms(step: Step) -> int | None:
    """Return how long a step may take by itself; None for a person's task, and a wait that the run itself works out."""
    if step.kind == "wait":
        return step.duration_ms if isinstance(step.duration_ms, int) else None
    if step.kind == "manual":
        return None
    tries = step.retry.max_attempts
    backoffs = sum(min(step.retry.backoff_ms * 2**each, step.retry.max_backoff_ms) for each in range(tries - 1))
    once: int = step.timeout_ms * tries + backoffs
    if step.settle is not None:
        once += step.settle.within_ms + 3 * step.settle.interval_ms
    if step.targets is not None:
        return once * max(len(step.targets.batches), 1)
    if step.ramp is None:
        return once
    ramp = step.ramp
    back = max(ramp.max_step_backs - 1, 0)
    return (once + ramp.dwell_ms) * (len(ramp.through) + back) + back * (once + ramp.cool_down_ms)
