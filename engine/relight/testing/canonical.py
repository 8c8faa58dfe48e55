"""Which states of a run are one: those that differ only in what no rule compares.

Left out are times, numbers, values, digests and who voted. The explorer has a form of its own, which leaves out more;
this one judges the kernel, and shall not share its mistakes.
"""

from collections.abc import Iterator
from typing import Any

from relight.kernel.effects import layers
from relight.kernel.ledger import EffectEntry
from relight.kernel.outcomes import LOST_AGAIN_MAX
from relight.kernel.plan import Step
from relight.kernel.stages import counting_votes
from relight.kernel.state import (
    Backoff,
    Done,
    Fanning,
    Prepared,
    Ramping,
    Run,
    StepRecord,
    UndoJob,
    Unknown,
    Waiting,
)
from relight.kernel.watching import watches

_NOT_YET = {"verify": ("fail",), "gate": ("fail", "inconclusive")}
"""Verdicts of a watch from which nothing follows but what follows from none: it does not pass."""


def canonical(run: Run, t: int) -> Any:
    """Return what makes this state different from others."""
    gate = run.current.gate if run.current is not None else None
    ticket = run.ticket
    votes = len(counting_votes(run, gate, ticket, t)) if gate is not None and ticket is not None else 0
    return (
        (run.cursor, run.stage.phase, run.stage.position, run.outcome, run.epoch > 0, tuple(run.past.values())),
        (run.paused, run.aborting, tuple(sorted((hold.code, hold.step) for hold in run.holds))),
        None if ticket is None else (ticket.status, votes, ticket.escalated),
        tuple((step, _record(run.step_of(step), record, t)) for step, record in sorted(run.steps.items())),
        tuple(sorted((item.step, item.purpose, item.stop_until_t is None) for item in run.dispatches.values())),
        tuple(sorted(_told(run))) if run.outcome is None else (),
        tuple(run.breached),
        tuple(tuple(_effect(entry) for entry in layers(top)) for top in run.ledger.values()),
        _job(run.undo, t),
        _job(run.undo_before, t) if any(hold.code.startswith("undo") for hold in run.holds) else None,
        tuple((name, probe.errors) for name, probe in sorted(run.stage.probes.items())),
    )


def _told(run: Run) -> Iterator[tuple[str, str, str]]:
    """Yield what the checks under watch said, where it is more than that they do not pass yet."""
    for watch in watches(run):
        turned = run.readings.get(watch.id)
        kind = watch.id.split(":")[0]
        if turned is not None and turned.verdict not in _NOT_YET.get(kind, ()):
            yield kind, watch.check, turned.verdict


def _record(step: Step, record: StepRecord, t: int) -> Any:
    # One try more than there are, or one loss more than it may have, is the last straw; the next changes nothing.
    tries = min(record.attempts - record.tries_from, step.retry.max_attempts)
    unknowns = min(record.unknowns, LOST_AGAIN_MAX + 1)
    match record.state:
        case Ramping() as state:
            more: Any = (state.position, state.settled, min(state.moves, 1), state.step_backs, state.stay)
            more += (state.failures, bool(state.why), state.dispatch > 0, state.cool_until_t > t, state.retry_at_t > t)
            return "ramping", more, record.before_known
        case Fanning() as state:
            return "fanning", state.status, state.dispatch > 0, state.failed, unknowns
        case Unknown() as state:
            return "unknown", unknowns, tries, state.ramp is None
        case Backoff() | Waiting() as state:
            return type(state).__name__, state.until_t > t, tries, unknowns, record.before_known
        case Prepared() as state:
            return "prepared", state.read
        case Done() as state:
            return state.outcome
        case _:
            return type(record.state).__name__, tries, unknowns, record.before_known


def _effect(entry: EffectEntry) -> Any:
    kind = (entry.step, entry.protective, entry.loosens, entry.sure, entry.undo_lost, entry.undo is None)
    return kind, len(entry.targets), len(entry.maybe), entry.otherwise is not None


def _job(job: UndoJob | None, t: int) -> Any:
    if job is None:
        return None
    return job.queue, job.then, job.back_to, job.attempts, job.lost, job.again_t > t, tuple(job.failed), job.steps
