"""Which checks are watched right now, under which names, and what they last turned to.

One place makes the names of watches, so that what is wanted and what is judged can never differ.
"""

from collections.abc import Iterator

from relight.kernel.intents import Watch
from relight.kernel.plan import Ramp, Stage, Step, Targets
from relight.kernel.state import Fanning, Ramping, Reading, Run, StepRecord


def in_words(value: float | bool | str | None) -> str:
    """Return a reading as a reason says it; empty where nothing of it is shown."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def guard_id(check: str) -> str:
    """Name a guard's watch; it goes on as long as the run does."""
    return f"guard:{check}"


def gate_id(run: Run, check: str) -> str:
    """Name the watch of a gate's check; each asking has its own."""
    return f"gate:{run.ticket.id if run.ticket else ''}:{check}"


def precondition_id(run: Run, check: str) -> str:
    """Name the watch of a precondition."""
    return f"pre:{_try(run)}:{check}"


def verify_id(run: Run, check: str) -> str:
    """Name the watch of a check that the stage is verified by."""
    return f"verify:{_try(run)}:{check}"


def ramp_id(step: str, ramp: Ramping, check: str) -> str:
    """Name the watch of a ramp's check; each value has its own."""
    return f"ramp:{step}:{ramp.moves}.{ramp.tries}:{check}"


def between_id(run: Run, step: str, fan: Fanning, check: str) -> str:
    """Name the watch of a check between two batches; each pause has its own."""
    return f"between:{step}:{_try(run)}:{fan.tries}.{fan.status.count('.')}:{check}"


def _try(run: Run) -> str:
    """Name this try of this stage: a person's decision, a takeover and going back begin another, with empty windows."""
    return f"{run.stage.id}:{run.rounds}:{run.stage.tries}"


def watches(run: Run) -> Iterator[Watch]:
    """Yield every watch that is wanted now."""
    for guard in run.plan.guards:
        yield Watch(id=guard_id(guard.check), check=guard.check, fail_for_ms=guard.breach_after_ms)
    stage = run.current
    if stage is None or run.aborting:
        return
    if run.stage.phase == "approach":
        yield from _approach(run, stage)
    elif run.stage.phase == "verify":
        yield from _verify(run, stage)
    for step in run.open_steps:
        record = run.steps.get(step.id)
        if record is not None:
            yield from _step(run, step, record)


def _approach(run: Run, stage: Stage) -> Iterator[Watch]:
    for precondition in stage.preconditions:
        yield Watch(id=precondition_id(run, precondition.check), check=precondition.check)
    if stage.gate is not None and run.ticket is not None and run.ticket.status == "waiting":
        for check in dict.fromkeys((*stage.gate.require, *stage.gate.show)):
            yield Watch(id=gate_id(run, check), check=check)


def _verify(run: Run, stage: Stage) -> Iterator[Watch]:
    for verify in stage.verify:
        yield Watch(
            id=verify_id(run, verify.check),
            check=verify.check,
            for_ms=verify.for_ms,
            ratio=verify.ratio,
            not_before_t=run.stage.steps_done_t + run.plan.checks[verify.check].settle_ms,
        )


def _step(run: Run, step: Step, record: StepRecord) -> Iterator[Watch]:
    state = record.state
    if isinstance(state, Ramping) and step.ramp is not None and state.settled:
        for check in step.ramp.checks:
            yield Watch(
                id=ramp_id(step.id, state, check),
                check=check,
                for_ms=dwell_ms(step.ramp, state),
                not_before_t=max(state.since_t, state.cool_until_t),
            )
    if isinstance(state, Fanning) and step.targets is not None and pauses(step.targets, state):
        for check in step.targets.between:
            yield Watch(
                id=between_id(run, step.id, state, check),
                check=check,
                not_before_t=state.reported_t + run.plan.checks[check].settle_ms,
            )


def batch_of(targets: Targets, index: int) -> tuple[int, int]:
    """Return the first and one past the last host index of the batch that holds host *index*."""
    start = 0
    for size in targets.batches:
        if index < start + size:
            return start, start + size
        start += size
    return start, len(targets.hosts)


def pauses(targets: Targets, fan: Fanning) -> bool:
    """Return whether a fan-out stands between two batches, where its checks have to pass."""
    first = fan.status.find(".")
    return not fan.dispatch and first > 0 and batch_of(targets, first)[0] == first


def dwell_ms(ramp: Ramp, state: Ramping) -> int:
    """Return how long the checks have to hold here; where it begins, one sample will do: earlier stages verified it."""
    return ramp.dwell_ms if state.moves else 0


def reading(run: Run, use: str) -> Reading | None:
    """Return what that watch last turned to."""
    return run.readings.get(use)


def passes(run: Run, use: str) -> bool:
    """Return whether that watch passes now; no answer is no pass."""
    turned = run.readings.get(use)
    return turned is not None and turned.verdict == "pass"


def blind(run: Run, use: str, check: str) -> Reading | None:
    """Return the watch's reading where it has no data and the check says that a person is asked then."""
    turned = run.readings.get(use)
    if turned is None or turned.verdict != "inconclusive" or run.plan.checks[check].on_inconclusive == "wait":
        return None
    return turned


def shown(run: Run, uses: dict[str, str]) -> dict[str, object]:
    """Return the evidence to record with a decision: check to value, verdict, worst and age."""
    evidence: dict[str, object] = {}
    for check, use in uses.items():
        turned = run.readings.get(use)
        if turned is not None:
            evidence[check] = {
                "value": turned.value,
                "verdict": turned.verdict,
                "worst": turned.worst,
                "t": turned.t,
            }
    return evidence
