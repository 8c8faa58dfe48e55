"""What follows from an input, to a fixpoint: an outcome and the next dispatch are one batch and one commit.

Illegal requests of people raise and change nothing; what the world says is always taken, and gives no facts where it
no longer matters.
"""

from typing import assert_never

from relight.kernel import asking, fanning, ramping, returning, stages, stepping, undoing
from relight.kernel import facts as f
from relight.kernel.adopting import adopted
from relight.kernel.book import Book, find_hold
from relight.kernel.effects import not_undone, to_undo_at_end
from relight.kernel.evolve import evolve
from relight.kernel.inputs import (
    AnyInput,
    Asked,
    PeopleRead,
    Read,
    Reported,
    Started,
    Ticked,
    TookOver,
    Turned,
)
from relight.kernel.judge import worst_of
from relight.kernel.outcomes import clear_neutral, ended_why, is_unknown, lose, settle, stop, unknown
from relight.kernel.plan import Stage
from relight.kernel.state import Dispatch, Fanning, Ramping, Run, Unknown
from relight.kernel.wanted import readings, wanted_watch
from relight.kernel.watching import gate_id, guard_id, in_words, reading

TURNS_MAX = 100_000
"""Facts that may follow from one input; more is a defect of the kernel, not a run."""


def decide(run: Run | None, given: AnyInput) -> list[f.AnyFact]:
    """Return the facts that follow from *given*.

    Raises:
        NotNow: a person asked for what does not fit the moment.
        NotPermitted: a person asked for what is not theirs to ask.
    """
    return turn(run, given)[0]


def turn(run: Run | None, given: AnyInput) -> tuple[list[f.AnyFact], Run]:
    """Return the facts that follow from *given*, and the run after them."""
    if isinstance(given, Started):
        return _started(given)
    assert run is not None, "a run begins with Started"
    book = Book(run, given.at, given.t)
    if isinstance(given, Asked):
        asking.ask(book, given)
    elif run.outcome is None:
        _first(book, given)
    else:
        return [], run
    for _ in range(TURNS_MAX):
        if not _advance(book):
            return book.said, book.run
    raise AssertionError("the kernel does not come to rest; please report this run's journal")


def _started(given: Started) -> tuple[list[f.AnyFact], Run]:
    started = f.RunStarted(
        at=given.at, t=given.t, run=given.run, plan=given.plan, starter=given.starter, door=given.door
    )
    run = evolve(None, started)
    facts: list[f.AnyFact] = [started, *adopted(given.plan, given.after, given.at, given.t)]
    for fact in facts[1:]:
        run = evolve(run, fact)
    return facts, run


def _first(book: Book, given: TookOver | Ticked | Turned | Read | PeopleRead | Reported) -> None:
    match given:
        case TookOver():
            _took_over(book, given)
        case Ticked():
            pass
        case Turned():
            _turned(book, given)
        case Read():
            _read(book, given)
        case PeopleRead():
            if given.people != book.run.people or given.solo != book.run.solo:
                book.say(f.PeopleTurned, people=given.people, solo=given.solo)
        case Reported():
            _reported(book, given)
        case _:
            assert_never(given)


def _took_over(book: Book, given: TookOver) -> None:
    if given.epoch <= book.run.epoch:
        return  # a driver that is none any more
    lost = tuple(book.run.dispatches.values())
    book.say(f.DriverTookOver, epoch=given.epoch, driver=given.driver, clock_lost=given.clock_lost)
    for item in lost:
        _lost(book, item, "the driver that had it in hand is gone")
    ticket = book.run.ticket
    if given.clock_lost and ticket is not None and ticket.status == "waiting":
        stages.expire(book, ticket, "the clock went back while nobody drove the run")


def _lost(book: Book, item: Dispatch, why: str) -> None:
    if item.purpose == "forward" and not item.targets:
        # Not as if it had been reported: a reading that died with its driver has used up none of its attempts.
        lose(book, book.run.step_of(item.step), item, ended_why(item, why))
    else:
        _ended(book, item, Reported(at=book.at, t=book.t, dispatch=item.number, outcome="unknown", error=why))


def _turned(book: Book, given: Turned) -> None:
    watch = wanted_watch(book.run, given.use)
    if watch is not None:
        worst, ticket = given.worst, book.run.ticket
        if ticket is not None and watch.id == gate_id(book.run, watch.check):
            # A new driver's judge has not seen what the one before it saw.
            worst = worst_of(book.run.plan.checks[watch.check], ticket.worst.get(watch.check), worst)
        book.say(
            f.CheckTurned,
            use=watch.id,
            check=watch.check,
            verdict=given.verdict,
            value=given.value,
            worst=worst,
            samples=given.samples,
            digest=given.digest,
            detail=given.detail,
        )


def _read(book: Book, given: Read) -> None:
    if given.read not in (item.id for item in readings(book.run)):
        return
    kind, name = given.read.split(":")[:2]
    if kind == "probe":
        book.say(f.ProbeRead, probe=name, value=given.value, error=given.error)
    elif kind == "before":
        book.say(f.ProbeRead, probe=f"before:{name}", value=given.value, error=given.error)
    else:
        state = book.run.steps[name].state
        assert isinstance(state, Unknown)
        stepping.settle_read(book, book.run.step_of(name), state, given.value, given.error)


def _reported(book: Book, given: Reported) -> None:
    item = book.run.dispatches.get(given.dispatch)
    if item is None:
        _reported_late(book, given)
    else:
        _ended(book, item, given)


def _ended(book: Book, item: Dispatch, given: Reported) -> None:
    if item.purpose == "undo":
        undoing.reported(book, item, given)
    elif item.purpose == "ramp":
        ramping.reported(book, item, given)
    elif item.targets:
        fanning.reported(book, item, given)
    else:
        stepping.reported(book, item, given)


def _reported_late(book: Book, given: Reported) -> None:
    """A late result of this epoch settles an unknown."""
    undoing.heard_late(book, given)
    for step in book.run.open_steps:
        record = book.run.steps.get(step.id)
        state = record.state if record is not None else None
        lost = state.lost if isinstance(state, Unknown | Fanning) else None
        if lost is None or lost.number != given.dispatch or lost.epoch != book.run.epoch:
            continue
        if isinstance(state, Fanning):
            fanning.heard_late(book, step, state, given)
        elif given.outcome != "unknown":
            done = given.outcome == "succeeded"
            settle(book, step, lost, done=done, by="late report", result=given.result)
        hold = find_hold(book.run, "step-unknown", step=step.id)
        if hold is not None and not is_unknown(book.run, step.id):
            book.say(f.HoldLeft, code=hold.code, stage=hold.stage, step=step.id, verb="late report")


# ---- what follows by itself


def _advance(book: Book) -> bool:
    """Say the next thing that follows, if any does."""
    if book.run.outcome is not None or book.run.epoch == 0:
        return False
    if _deadlines(book) or _guards(book) or stages.tickets(book):
        return True
    if book.run.aborting:
        return _aborting(book)
    if undoing.advance(book) or ramping.fall(book) or _unknowns(book) or returning.advance(book):
        return True
    return _forward(book)


def _deadlines(book: Book) -> bool:
    for item in book.run.dispatches.values():
        if item.stop_until_t is not None:
            if book.t >= item.stop_until_t:
                _lost(book, item, "it did not end after it was told to stop")
                return True
        elif book.t >= item.deadline_t:
            stop(book, item, "it took longer than its timeout")
            return True
    return False


def _guards(book: Book) -> bool:
    for guard in book.run.plan.guards:
        turned = reading(book.run, guard_id(guard.check))
        if turned is None:
            continue
        breached = guard.check in book.run.breached
        if turned.verdict == "fail" and not breached:
            book.say(f.GuardBreached, check=guard.check, value=turned.value)
            if guard.on_breach == "hold" and not book.run.aborting:
                text = f"{guard.check} is {in_words(turned.value) or turned.verdict}"
                book.hold("guard-breached", subject=guard.check, text=text)
            return True
        if turned.verdict == "pass" and breached:
            book.say(f.GuardCleared, check=guard.check, value=turned.value)
            return True
    return False


def _aborting(book: Book) -> bool:
    """Stop what is under way, but for what protects; undo if the runbook says so; then end."""
    if ramping.abandon(book):
        return True
    under_way = [item for item in book.run.dispatches.values() if item.purpose != "undo"]
    for item in under_way:
        if item.stop_until_t is None and not _protects(book.run, item):
            stop(book, item, f"{book.run.aborted_by} aborted the run")
            return True
    if under_way:
        return False
    if undoing.advance(book):
        return True
    if book.run.undo is not None:
        return False
    undone = book.run.undo_before is not None and book.run.undo_before.then == "end"
    what = to_undo_at_end(book.run) if book.run.plan.on_abort == "undo" and not undone else []
    if what:
        undoing.begin_undo(book, what, then="end", person=book.run.aborted_by)
    else:
        _end_aborted(book)
    return True


def _end_aborted(book: Book) -> None:
    """End as ``aborted``, or as ``failed`` where the runbook undoes on abort and something of it is still in force."""
    run = book.run
    standing = not_undone(run) if run.plan.on_abort == "undo" else []
    why = f"{run.aborted_by} aborted it"
    if not standing:
        _end(book, "aborted", why)
        return
    assert run.undo_before is not None, "what can be undone was tried"
    errors = run.undo_before.failed
    told = "; ".join(f"{entry.key}: {errors.get(entry.key, 'it is still in force')}" for entry in standing)
    _end(book, "failed", f"{why}, and this could not be undone: {told}")


def _protects(run: Run, item: Dispatch) -> bool:
    """Return whether killing it could expose the service: a protective step, or a ramp on its way down."""
    record = run.steps.get(item.step)
    falling = record is not None and isinstance(record.state, Ramping) and record.state.falling
    return run.step_of(item.step).protective or (falling and item.purpose == "ramp")


def _end(book: Book, outcome: f.Outcome, why: str) -> None:
    clear_neutral(book)
    unknown = [step for step, record in book.run.steps.items() if record.word == "unknown"]
    unknown += [entry.step for entry in book.run.ledger.values() if not entry.sure]
    # A ramp that lost a move and could not be brought down: nobody knows where it is.
    unknown += [step.id for step, ramp in ramping.ramps(book.run) if ramp.falling and book.run.steps[step.id].unknowns]
    book.say(f.RunEnded, outcome=outcome, left=tuple(book.run.ledger), unknown=tuple(dict.fromkeys(unknown)), why=why)


def _unknowns(book: Book) -> bool:
    """Put unknown outcomes before a person even while nothing goes forward: they should be known to be unknown."""
    for step in book.run.open_steps:
        record = book.run.steps.get(step.id)
        state = record.state if record is not None else None
        if book.run.undo is not None and step.id in book.run.undo.layers:
            continue  # what is undone need not be known
        if isinstance(state, Unknown) and unknown(book, step, state, forward=False):
            return True
        if isinstance(state, Fanning) and state.lost and fanning.unknown(book, step, state, forward=False):
            return True
    return False


def _forward(book: Book) -> bool:
    run = book.run
    if run.undo is not None:
        return False
    blocked = run.stands_still
    stage = run.current
    if stage is None:
        if blocked:
            return False
        _end(book, "succeeded", "every stage is done")
        return True
    if blocked:
        return _protect(book, stage)
    match run.stage.phase:
        case "approach":
            return stages.approach(book)
        case "steps":
            return stepping.advance(book)
        case "verify":
            return stages.verify(book)
        case _:
            assert_never(run.stage.phase)


def _protect(book: Book, stage: Stage) -> bool:
    """Start what protects: guards, pauses and holds stop forward motion only."""
    if book.run.stage.phase == "steps":
        return stepping.advance(book, protective_only=True)
    # What holds for a guard does not hold for this stage; whoever undid something is asked before it is done again.
    if any(hold.code != "guard-breached" for hold in book.run.holds):
        return False
    if book.run.stage.phase == "approach":
        return _begins_protective(stage) and stages.approach(book)
    after = book.run.plan.stages[book.run.cursor + 1 : book.run.cursor + 2]
    return any(_begins_protective(item) for item in after) and stages.verified(book, stage)


def _begins_protective(stage: Stage) -> bool:
    """Return whether the stage asks nobody and its first step protects."""
    first = stage.steps[0] if stage.steps else None
    return stage.gate is None and first is not None and first.protective and first.ramp is None
