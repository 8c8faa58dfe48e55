"""Everything that should be going on right now; level-triggered, so that a driver with nothing in hand can begin.

It costs what is in flight. What changes the world was resolved when it was written down and is not evaluated here;
only the arguments of readings are.
"""

from collections.abc import Iterator
from typing import Any

from relight.kernel.intents import AnyIntent, Observe, Perform, ReadProbe, Stop, Wake, Watch
from relight.kernel.outcomes import settle_deadline
from relight.kernel.plan import ExpressionFailed, Use
from relight.kernel.scope import probes_in, probes_of_step, resolve
from relight.kernel.stages import PROBE_ERRORS_MAX, probes_missing, probes_wanted, verify_deadline
from relight.kernel.state import Backoff, Dispatch, Prepared, Ramping, Run, Unknown, Waiting
from relight.kernel.watching import open_steps, watches

PROBE_AGAIN_MS = 2_000
"""How long after a failed reading a probe is read again."""

BEFORE_MS = 5_000
BEFORE_PROTECTIVE_MS = 900
"""How long the value in force may take to read; a protective step starts within a second, known or not."""


def wanted(run: Run) -> list[AnyIntent]:
    """Return every intent of this moment."""
    if run.outcome is not None or run.epoch == 0:
        return []
    intents: list[AnyIntent] = [_dispatch(run, item) for item in run.dispatches.values() if item.epoch == run.epoch]
    intents.extend(watches(run))
    intents.extend(_observations(run))
    if not run.aborting:
        intents.extend(_probes(run))
        intents.extend(_readings(run))
    wake = min((t for t in _times(run) if t > run.t), default=None)
    if wake is not None:
        intents.append(Wake(t=wake))
    return intents


def _dispatch(run: Run, item: Dispatch) -> Perform | Stop:
    if item.stop_until_t is not None:
        return Stop(dispatch=item.number, until_t=item.stop_until_t)
    step = run.step_of(item.step)
    hosts = step.targets.hosts if step.targets is not None else ()
    return Perform(
        dispatch=item.number,
        step=item.step,
        purpose=item.purpose,
        use=item.use,
        args=item.args,
        key=item.key,
        deadline_t=item.deadline_t,
        targets=tuple(hosts[index] for index in item.targets),
        max_concurrency=step.targets.max_concurrency if step.targets is not None else 1,
        protective=step.protective,
    )


def _observations(run: Run) -> Iterator[Observe]:
    for entry in run.ledger.values():
        if entry.protective and entry.use.reads_value:
            yield Observe(key=entry.key, use=entry.use, args=entry.target)


def _probes(run: Run) -> Iterator[ReadProbe]:
    stage = run.current
    if stage is None:
        return
    if run.stage.phase == "approach":
        first = probes_in(stage.when)
        need = probes_missing(run, first) or probes_missing(run, probes_wanted(run, stage))
    else:
        steps = [probes_of_step(step) for step in open_steps(run) if step.id not in run.steps]
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
            timeout_ms=run.plan.probes[name].use.timeout_ms or 10_000,
            not_before_t=seen.t + PROBE_AGAIN_MS if seen is not None and errors else 0,
        )


def _readings(run: Run) -> Iterator[ReadProbe]:
    for step in open_steps(run):
        record = run.steps.get(step.id)
        if record is None:
            continue
        state = record.state
        if isinstance(state, Prepared):
            yield ReadProbe(
                id=f"before:{step.id}:{run.rounds}:{record.attempts}",
                use=state.use,
                args=state.args,
                timeout_ms=BEFORE_PROTECTIVE_MS if step.protective else BEFORE_MS,
                value_in_force=True,
            )
        elif isinstance(state, Unknown) and step.settle is not None and not run.holds:
            yield ReadProbe(
                id=f"settle:{step.id}:{state.lost.number}:{state.reads}",
                use=step.settle.use,
                args=_arguments(run, step.settle.use),
                timeout_ms=step.settle.use.timeout_ms or 10_000,
                not_before_t=state.last_read_t + step.settle.interval_ms if state.reads else 0,
            )


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
    stage = run.current
    if stage is None:
        return
    if stage.gate is not None and run.ticket is not None and run.ticket.status == "waiting":
        yield run.ticket.expires_t
        if run.ticket.escalated < len(stage.gate.escalate):
            yield run.ticket.asked_t + stage.gate.escalate[run.ticket.escalated].after_ms
    if run.stage.phase == "verify":
        for verify in stage.verify:
            yield verify_deadline(run, verify.within_ms)
    for step in open_steps(run):
        record = run.steps.get(step.id)
        match record.state if record is not None else None:
            case Backoff(until_t=until) | Waiting(until_t=until):
                yield until
            case Unknown() as unknown if step.settle is not None:
                yield settle_deadline(step, unknown)
            case Ramping() as ramp:
                yield from _ramp_times(run, step.ramp.dwell_ms if step.ramp is not None else 0, ramp)
            case _:
                pass


def _ramp_times(run: Run, dwell_ms: int, ramp: Ramping) -> Iterator[int]:
    yield ramp.retry_at_t
    yield ramp.cool_until_t
    yield ramp.since_t + dwell_ms
    for guard in run.plan.guards:
        if guard.check in run.breached:
            yield ramp.since_t + max(guard.breach_after_ms, run.plan.checks[guard.check].interval_ms)


def wanted_watch(run: Run, use: str) -> Watch | None:
    """Return the watch of that id if it is wanted now."""
    for watch in watches(run):
        if watch.id == use:
            return watch
    return None
