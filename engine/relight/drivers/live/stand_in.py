"""Deciding what people asked of a run that nobody drives: for a moment, dispatching nothing, and saying so.

A stand-in is a driver that only writes down. It takes the lease, ends what a dead driver left running, records what
follows from the requests up to the first thing that would begin, and lets go.
"""

from typing import TYPE_CHECKING, NamedTuple

from relight.drivers.drafting import drafted, people_turned
from relight.drivers.live.batches import batch_of
from relight.drivers.live.clock import Clock, SystemClock
from relight.drivers.live.orphans import end_orphans, marked
from relight.drivers.live.takeover import driver_name, take
from relight.journal.leaves import CompileExpression
from relight.journal.port import Answer, Journal
from relight.kernel.facts import AnyFact, GateOpened, RampMoved, StepDispatched
from relight.kernel.inputs import TookOver
from relight.kernel.state import Run

if TYPE_CHECKING:
    from relight.drivers.live.parts import ReadPeople  # with them come the loop and the models


class Decided(NamedTuple):
    """What a stand-in answered, and the run as it left it."""

    answers: tuple[Answer, ...]
    run: Run


def decide_without_driver(
    journal: Journal,
    run_id: str,
    compile_expression: CompileExpression,
    clock: Clock | None = None,
    read_people: "ReadPeople | None" = None,
) -> Decided:
    """Decide the pending requests of a run that has no driver; what is left waits for the next one.

    Args:
        journal: Where the run is.
        run_id: Which run it is.
        compile_expression: What makes expressions of the plan's texts.
        clock: The machine's, unless a test has one of its own.
        read_people: What tells who the site's people are by now: who was removed decides nothing here either.

    Raises:
        Locked: a driver is there after all, and will answer.
        NotNow: the run is over.
        JournalError: nothing can be written, or there is no such run.
    """
    name = f"{driver_name()} standing in"
    taken = take(journal, run_id, clock or SystemClock(), compile_expression, driver=name)
    try:
        requests = journal.pending(run_id)
        if not requests:
            return Decided((), taken.run)
        if marked(run_id):
            import asyncio

            asyncio.run(end_orphans(run_id, taken.run.dispatches))
        at, t = taken.clock.at(), taken.clock.t()
        epoch = taken.hold.lease.epoch
        began = TookOver(at=at, t=t, epoch=epoch, driver=name, clock_lost=taken.clock_lost)
        # An abort is decided before anything else, but not before the lease has changed hands.
        begun = drafted(taken.run, [began], at=at, t=t, stop_before=_begins)
        found = read_people(begun.run.plan) if read_people is not None else None
        turned = people_turned(begun.run, found, at=at, t=t)
        draft = drafted(begun.run, [turned] if turned else [], requests, at=at, t=t, stop_before=_begins)
        draft.facts[:0] = begun.facts
        batch = batch_of(draft, epoch=epoch, first_seq=taken.seq + 1)
        for refusal in journal.append([batch]):
            if refusal is not None:
                raise refusal
        return Decided(tuple(draft.answers), draft.run)
    finally:
        taken.hold.release()


def _begins(fact: AnyFact) -> bool:
    return isinstance(fact, StepDispatched | GateOpened | RampMoved)
