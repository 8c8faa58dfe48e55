"""10,000 steps that do nothing, rehearsed on the virtual clock, beside a bare loop over a heap.

The bare loop goes from one end to the next on a heap as the rehearsal does, makes the same facts as objects and keeps
them, and decides nothing. Goal: at most 12 times as long.
"""

import heapq
import time
from collections.abc import Callable, Mapping
from typing import Any

from relight.drivers.rehearsal.calm import Calm
from relight.drivers.rehearsal.driver import BEGAN_AT, rehearse
from relight.drivers.rehearsal.script import NOTHING
from relight.kernel.facts import StepDispatched, StepSucceeded
from relight.kernel.plan import Plan, Stage, Step, Use

STAGES = 100
STEPS = 100
ROUNDS = 5
GOAL = 12
TAKES_MS = 2_000


def plan() -> Plan:
    """Return a plan of ten thousand steps."""
    use = Use(capability="do", provider="x", action="do", effect="write", idempotent=True)
    return Plan(
        runbook="long",
        title="Long",
        site="x",
        stages=tuple(
            Stage(
                id=f"stage{number}",
                steps=tuple(Step(id=f"s{number}_{each}", kind="action", use=use) for each in range(STEPS)),
            )
            for number in range(STAGES)
        ),
    )


def nothing(_use: Use, _args: Mapping[str, Any]) -> None:
    """Make up no result."""


def rehearsed(of: Plan) -> float:
    """Return the seconds that the rehearsal takes."""
    began = time.perf_counter()
    found = rehearse(of, Calm(of, nothing), NOTHING, nothing, starter="ana", listens=False)
    took = time.perf_counter() - began
    assert found.run.state == "succeeded"
    return took


def bare(of: Plan) -> float:
    """Return the seconds that a loop takes which keeps the same facts and decides nothing."""
    steps = [step for stage in of.stages for step in stage.steps]
    began = time.perf_counter()
    due: list[tuple[int, int, Callable[[], None]]] = []
    told: list[Any] = []
    t = 0

    def end(dispatch: int, step: str) -> None:
        told.append(StepSucceeded(at=BEGAN_AT + t, t=t, step=step, dispatch=dispatch))

    for number, step in enumerate(steps, 1):
        assert step.use is not None
        told.append(
            StepDispatched(
                at=BEGAN_AT + t,
                t=t,
                step=step.id,
                dispatch=number,
                attempt=1,
                purpose="forward",
                use=step.use,
                args={},
                key=f"r/{step.id}/0",
                deadline_t=t + 300_000,
            )
        )
        heapq.heappush(due, (t + TAKES_MS, number, lambda dispatch=number, step=step.id: end(dispatch, step)))  # type: ignore[misc]
        t, _, deed = heapq.heappop(due)
        deed()
    assert len(told) == 2 * len(steps)
    return time.perf_counter() - began


if __name__ == "__main__":
    made = plan()
    rehearsed(made)
    pairs = [(bare(made), rehearsed(made)) for _ in range(ROUNDS)]
    floor, ours = (min(times) for times in zip(*pairs, strict=True))  # what the neighbours take is not ours
    count = STAGES * STEPS
    print(f"rehearsal steps: {ours / count * 1e6:.0f} us a step, bare heap loop {floor / count * 1e6:.1f} us")
    print(f"ratio {ours / floor:.1f} (goal {GOAL})")
