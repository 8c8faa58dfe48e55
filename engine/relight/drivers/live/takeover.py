"""Taking a run over: the lease, all its facts folded again, and its clock carried on.

It is no special path: the first driver of a run does the same. No snapshot is believed here (``journal/snapshot.py``
says why).
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relight.drivers.live.clock import Clock, RunClock, carried_on
from relight.errors import JournalError, NotNow
from relight.journal.codec import decode
from relight.journal.leaves import CompileExpression
from relight.journal.port import DriverHold, Journal
from relight.kernel.evolve import evolve
from relight.kernel.facts import PlanAmended, RunStarted
from relight.kernel.state import Run

LEASE_MS = 15_000
"""How long a silent driver is believed to be there; on an embedded journal a dead one is known at once."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A run in the hands of a new driver; *taken_at_ms* is the boot clock's reading when the lease began.

    *seq* is the number of its last record, *plan_seq* that of the one that holds its plan, *board* what the last driver
    showed.
    """

    hold: DriverHold
    run: Run
    seq: int
    plan_seq: int
    clock: RunClock
    clock_lost: bool
    taken_at_ms: int
    board: Mapping[str, Any]


def driver_name() -> str:
    """Return what this process is called as a driver."""
    return f"{socket.gethostname()}/{os.getpid()}"


def take(
    journal: Journal,
    run_id: str,
    clock: Clock,
    compile_expression: CompileExpression,
    *,
    driver: str,
    take_over: bool = False,
) -> Taken:
    """Take the run's lease and fold its facts.

    Raises:
        Locked: somebody else drives it.
        NotNow: the run is over.
        JournalError: there is no such run, or it cannot be read.
    """
    now, boot_ms = clock.wall_ms(), clock.boot_ms()
    details: dict[str, Any] = {"pid": os.getpid(), "host": socket.gethostname(), "started_at": now}
    hold = journal.drive(run_id, driver, now + LEASE_MS, now, take_over=take_over, details=details)
    try:
        run, seq, plan_seq = folded(journal, run_id, compile_expression)
        if run.outcome is not None:
            raise NotNow(f"run {run_id} is over: {run.outcome}", hint=f"relight log {run_id} tells its story")
        board = journal.live(run_id)
        run_clock, clock_lost = carried_on(clock, run.at, run.t, board.get("clock") or {})
    except BaseException:
        hold.release()
        raise
    return Taken(hold, run, seq, plan_seq, run_clock, clock_lost, boot_ms, board)


def folded(journal: Journal, run_id: str, compile_expression: CompileExpression) -> tuple[Run, int, int]:
    """Return the run that its facts make, the last one's number, and that of the one that holds its plan.

    Raises:
        JournalError: there is no such run, or it cannot be read.
    """
    run: Run | None = None
    seq, plan_seq = 0, 0
    for record in journal.records(run_id):
        fact = decode(record.body, compile_expression)
        run, seq = evolve(run, fact), record.seq
        if isinstance(fact, RunStarted | PlanAmended):
            plan_seq = seq
    if run is None:
        raise JournalError(f"there is no run {run_id} in {journal.location}", hint="relight runs")
    return run, seq, plan_seq
