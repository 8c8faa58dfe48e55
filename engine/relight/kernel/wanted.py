"""Everything that should be going on right now; level-triggered, so that a driver with nothing in hand can begin.

It costs what is in flight. What changes the world was resolved when it was written down and is not evaluated here;
only the arguments of readings are.
"""

from collections.abc import Iterator
from typing import Any

from relight.kernel.book import find_hold
from relight.kernel.holds import GATE_HOLDS
from relight.kernel.intents import AnyIntent, Observe, Perform, ReadProbe, Stop, Wake, Watch
from relight.kernel.outcomes import settle_deadline
from relight.kernel.plan import ExpressionFailed, Step, Use
from relight.kernel.plan_index import index_of
from relight.kernel.ramping import guard_pause_ms
from relight.kernel.scope import resolve
from relight.kernel.stages import PROBE_ERRORS_MAX, probes_missing, verify_deadline
from relight.kernel.state import (
    Backoff,
    Dispatch,
    Done,
    Fanning,
    Prepared,
    Ramping,
    Run,
    StepRecord,
    StepState,
    Unknown,
    Waiting,
)
from relight.kernel.stepping import before_ms
from relight.kernel.watching import dwell_ms, watches

PROBE_AGAIN_MS = 2_000
"""How long after a failed reading a probe is read again."""

READ_MS = 10_000
"""How long a reading may take whose probe says nothing else."""


def wanted(run: Run) -> list[AnyIntent]:
    """Return every intent of this moment."""
    if run.outcome is not None or run.epoch == 0:
        return []
    intents: list[AnyIntent] = [_dispatch(run, item) for item in run.dispatches.values() if item.epoch == run.epoch]
    intents.extend(watches(run))
    intents.extend(_observations(run))
    intents.extend(readings(run))
    # Every one of them: the next may be of something that stands still, and must not hide the one after it.
    intents.extend(Wake(t=t) for t in sorted({t for t in _times(run) if t > run.t}))
    return intents


def readings(run: Run) -> Iterator[ReadProbe]:
    """Yield every reading that is wanted now; no other answer is taken."""
    if not run.aborting:
        yield from _probes(run)
    for step in run.open_steps:
        record = run.steps.get(step.id)
        if record is not None:
            yield from _of_step(run, step, record)


def _dispatch(run: Run, item: Dispatch) -> Perform | Stop:
    if item.stop_until_t is not None:
        return Stop(dispatch=item.number, until_t=item.stop_until_t)
    step = run.step_of(item.step)
    hosts = step.targets.hosts if step.targets is not None else ()
    named = tuple(hosts[index] for index in item.targets)
    said = step.targets.variables if step.targets is not None else {}
    return Perform(
        dispatch=item.number,
        step=item.step,
        purpose=item.purpose,
        use=item.use,
        args=item.args,
        key=item.key,
        deadline_t=item.deadline_t,
        targets=named,
        variables={host: said[host] for host in named if host in said} if said else {},
        max_concurrency=step.targets.max_concurrency if step.targets is not None else 1,
        failures_max=_failures_left(run, step, item),
        protective=step.protective,
    )


def _failures_left(run: Run, step: Step, item: Dispatch) -> int:
    """Return how many more hosts may fail before the fan-out stops; an undo is tried everywhere."""
    record = run.steps.get(step.id)
    state = record.state if record is not None else None
    if step.targets is None or item.purpose == "undo" or not isinstance(state, Fanning):
        return 0
    return max(step.targets.max_failures - state.status.count("x"), 1)


def _observations(run: Run) -> Iterator[Observe]:
    for entry in run.ledger.values():
        if entry.protective and entry.use.reads_value:
            yield Observe(key=entry.key, use=entry.use, args=entry.target)


def _probes(run: Run) -> Iterator[ReadProbe]:
    stage = run.current
    if stage is None:
        return
    index = index_of(run.plan)
    if run.stage.phase == "approach":
        if any(hold.code in GATE_HOLDS for hold in run.holds):
            return  # what was read for that asking is worth nothing for the next
        first = probes_missing(run, index.probes_when[stage.id])
        need = first or probes_missing(run, index.probes_stage[stage.id])
    else:
        steps = [index.probes[step.id] | index.probes_after[step.id] for step in run.open_steps if _goes_on(run, step)]
        need = probes_missing(run, frozenset().union(*steps))
    for name in sorted(need):
        seen = run.stage.probes.get(name)
        errors = seen.errors if seen is not None else 0
        if errors >= PROBE_ERRORS_MAX:
            continue
        yield ReadProbe(
            id=f"probe:{name}:{run.stage.id}:{run.rounds}:{run.stage.tries}:{errors}",
            use=run.plan.probes[name].use,
            args=_arguments(run, run.plan.probes[name].use),
            timeout_ms=run.plan.probes[name].use.timeout_ms or READ_MS,
            not_before_t=seen.t + PROBE_AGAIN_MS if seen is not None and errors else 0,
        )


def _goes_on(run: Run, step: Step) -> bool:
    record = run.steps.get(step.id)
    return record is None or not isinstance(record.state, Done)


def _of_step(run: Run, step: Step, record: StepRecord) -> Iterator[ReadProbe]:
    state = record.state
    if isinstance(state, Prepared) and not state.read and not run.aborting:
        yield ReadProbe(
            id=f"before:{step.id}:{run.rounds}:{record.attempts}",
            use=state.use,
            args=state.args,
            timeout_ms=before_ms(step),
            value_in_force=True,
        )
    if isinstance(state, Unknown) and step.settle is not None and _may_settle(run, step):
        yield ReadProbe(
            id=f"settle:{step.id}:{state.lost.number}:{state.reads}",
            use=step.settle.use,
            args=_arguments(run, step.settle.use),
            timeout_ms=step.settle.use.timeout_ms or READ_MS,
            not_before_t=state.last_read_t + step.settle.interval_ms if state.reads else 0,
        )


def _may_settle(run: Run, step: Step) -> bool:
    """Return whether the step's settle probe may still settle it: not when a person is asked, or the run ends."""
    if run.aborting:
        return run.undo is not None and step.id in run.undo.layers
    return find_hold(run, "step-unknown", step=step.id) is None


def _arguments(run: Run, use: Use) -> dict[str, Any]:
    """Return a reading's arguments; where one cannot be evaluated the plugin is given none, and says what it misses."""
    try:
        resolved: dict[str, Any] = resolve(run, use.args)
    except ExpressionFailed:
        return {}
    return resolved


def _times(run: Run) -> Iterator[int]:
    """Yield every moment at which something is due."""
    for item in run.dispatches.values():
        yield item.deadline_t if item.stop_until_t is None else item.stop_until_t
    if run.undo is not None:
        yield run.undo.again_t
    stage = run.current
    if stage is None:
        return
    if stage.gate is not None and run.ticket is not None and run.ticket.status == "waiting":
        yield run.ticket.expires_t
        if run.ticket.escalated < len(stage.gate.escalate):
            yield run.ticket.asked_t + stage.gate.escalate[run.ticket.escalated].after_ms
    if run.stage.phase == "verify" and not run.stands_still:
        for verify in stage.verify:
            yield verify_deadline(run, verify.within_ms)
    for step in run.open_steps:
        record = run.steps.get(step.id)
        if record is not None:
            yield from _times_of(run, step, record.state)


def _times_of(run: Run, step: Step, state: StepState) -> Iterator[int]:
    match state:
        case Prepared():
            yield state.since_t + before_ms(step)
        case Backoff(until_t=until) | Waiting(until_t=until):
            yield until
        case Unknown() if step.settle is not None:
            yield settle_deadline(step, state)
        case Ramping() if step.ramp is not None:
            yield state.retry_at_t
            yield state.cool_until_t
            yield state.since_t + dwell_ms(step.ramp, state)
            for guard in run.plan.guards:
                if guard.check in run.breached:
                    yield state.since_t + guard_pause_ms(run, guard)
        case _:
            pass


def wanted_watch(run: Run, use: str) -> Watch | None:
    """Return the watch of that id if it is wanted now."""
    for watch in watches(run):
        if watch.id == use:
            return watch
    return None
