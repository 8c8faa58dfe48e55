"""The eight properties, held against every transaction.

What is required here is worked out from the facts and the plan as plainly as possible, and never by asking the rules
that it judges. What a property has to remember of the way is small and part of the state.
What does not belong here: what makes a runbook a bad one though the engine does all it says (``watchers``).
"""

from typing import NamedTuple

from relight.drivers.explorer.findings import require
from relight.kernel import facts as f
from relight.kernel.choices import choices
from relight.kernel.evolve import evolve
from relight.kernel.holds import HOLDS
from relight.kernel.plan import Stage
from relight.kernel.state import Ramping, Run, Ticket

TOLD = (f.StepDispatched, f.StageEntered, f.GateOpened, f.RampMoved, f.RunEnded, f.Held, f.VoteCast, f.GateDenied)
"""Facts that a property speaks of; a transaction without any of them need not be gone through one by one."""


class Held(NamedTuple):
    """What the properties remember of the way.

    Attributes:
        unknown: Destructive steps whose last dispatch may or may not have happened, and that nothing has settled since;
            of a fan-out with the host.
    """

    unknown: frozenset[tuple[str, int]] = frozenset()


class Properties:
    """Holds the properties against transactions; remembers nothing itself."""

    def start(self) -> Held:
        """Return what is remembered of no way at all."""
        return Held()

    def step(self, held: Held, before: Run, facts: list[f.AnyFact], after: Run) -> Held:
        """Hold the properties against one transaction; return what is remembered after it.

        Raises:
            Broken: one of them does not hold.
        """
        unknown = held.unknown
        if any(isinstance(fact, TOLD) for fact in facts):
            run = before
            for fact in facts:
                _fact(run, fact, unknown)
                unknown = _known(run, fact, unknown)
                run = evolve(run, fact)
            require(run == after, "same-again", "folding the facts again gives another run")
        else:
            for fact in facts:
                unknown = _known(before, fact, unknown)
        if any(isinstance(fact, f.GuardBreached) for fact in facts):
            _falls_at_once(before, facts, after)
        return held if unknown == held.unknown else Held(unknown)

    def rest(self, run: Run) -> None:
        """Hold what is true of a run between two transactions.

        Raises:
            Broken: it is not.
        """
        if run.outcome is not None:
            require(not run.dispatches, "way-on", "the run is over and something is under way")
            return
        offered = choices(run)
        if run.epoch == 0 or run.aborting:
            return
        where = run.stage.id
        require(offered, "way-on", "nobody may do anything", stage=where)
        free = {(choice.verb, choice.words) for choice in offered if choice.who == "anybody"}
        require(("abort", "") in free, "less-exposure-at-once", "abort is not everybody's", stage=where)
        for step, ramp in _risen(run):
            lower = run.undo is not None or ("ramp", "floor") in free
            require(
                lower, "less-exposure-at-once", f"{step} is at {ramp} and nobody may lower it", stage=where, step=step
            )


def _fact(run: Run, fact: f.AnyFact, unknown: frozenset[tuple[str, int]]) -> None:
    match fact:
        case f.StepDispatched():
            _dispatched(run, fact, unknown)
        case f.StageEntered():
            _entered(run, fact)
        case f.GateOpened():
            _opened(run, fact)
        case f.RampMoved():
            _moved(run, fact)
        case f.VoteCast() | f.GateDenied():
            waits = run.ticket is not None and run.ticket.id == fact.ticket and run.ticket.status == "waiting"
            require(waits, "careful-opening", f"ticket {fact.ticket} is spent and was answered", stage=run.stage.id)
            _answered(run, fact)
        case f.RunEnded():
            told = set(fact.left) == set(run.ledger)
            require(told, "nothing-left-behind", "an effect in force is not told as left behind")
            lost = {step for step, _ in unknown} - set(fact.unknown)
            require(not lost, "nothing-left-behind", f"nobody knows of {', '.join(sorted(lost))}, and it is not told")
            stands = _should_be_gone(run)
            undone = not stands or fact.outcome != "aborted"
            require(undone, "nothing-left-behind", f"what an abort undoes is in force: {', '.join(stands)}")
        case f.Held():
            require(fact.code in HOLDS, "way-on", f"nothing says what {fact.code} means", stage=fact.stage)
        case _:
            pass


def _should_be_gone(run: Run) -> list[str]:
    """Return the steps whose effects an aborted run should have undone: their authors said how, and ask nobody."""
    if run.plan.on_abort == "leave":
        return []
    tops = [entry for entry in run.ledger.values() if not entry.protective or entry.loosens]
    return [entry.step for entry in tops if run.step_of(entry.step).undo is not None and not entry.undo_ask]


def _known(run: Run, fact: f.AnyFact, unknown: frozenset[tuple[str, int]]) -> frozenset[tuple[str, int]]:
    match fact:
        case f.StepLost() if _destroys(run, fact):
            hosts = run.dispatches[fact.dispatch].targets or (-1,)
            return unknown | {(fact.step, host) for host in hosts}
        case f.TargetsReported():
            heard = {(fact.step, host) for host in (*fact.done, *map(int, fact.failed))}
            known = frozenset(unknown - heard)
            use = run.step_of(fact.step).use
            destroys = use is not None and use.effect == "destructive"
            return known | {(fact.step, host) for host in fact.unknown} if destroys else known
        case f.StepSettled() | f.StepSkipped() | f.StepSucceeded() | f.EffectInForce(sure=True):
            return _without(unknown, fact.step)
        case f.StepFailed() if run.step_of(fact.step).use is not None:
            use = run.step_of(fact.step).use
            settled = use is not None and (use.idempotent or use.effect == "read")
            return _without(unknown, fact.step) if settled else unknown
        case f.EffectCleared():
            entry = run.ledger.get(fact.key)
            return unknown if entry is None or fact.whole else _without(unknown, entry.step)
        case _:
            return unknown


def _destroys(run: Run, fact: f.StepLost) -> bool:
    lost = run.dispatches[fact.dispatch]
    return lost.purpose != "undo" and lost.use.effect == "destructive"


def _without(unknown: frozenset[tuple[str, int]], step: str) -> frozenset[tuple[str, int]]:
    return frozenset(item for item in unknown if item[0] != step) if unknown else unknown


def _dispatched(run: Run, fact: f.StepDispatched, unknown: frozenset[tuple[str, int]]) -> None:
    step, stage = run.step_of(fact.step), run.stage_of(fact.step)
    place = {"stage": stage.id, "step": step.id}
    if fact.purpose == "undo":
        entry = run.ledger[fact.undoes]
        by_runbook = run.undo is not None and run.undo.then == "step"
        kept = not entry.protective or entry.loosens or by_runbook
        require(
            kept, "protection-kept", f"{step.id} protects, and is undone though the runbook does not say so", **place
        )
        return
    begun = run.current is stage and run.stage.phase == "steps"
    opened = stage.gate is None or (run.ticket is not None and run.ticket.status == "open" and begun)
    require(begun and opened, "gate-first", f"{step.id} starts before its stage's gate is open", **place)
    if fact.use.effect == "destructive":
        hosts = fact.targets or (-1,)
        lost = [host for host in hosts if (step.id, host) in unknown]
        told = "it is declared idempotent here, by its arguments" if fact.use.idempotent else "it is not idempotent"
        # A contract may promise that doing it twice is harmless; an argument is only somebody's word for it.
        promised = fact.use.idempotent and fact.args.get("idempotent") is not True
        text = f"{step.id} is destructive and is done again while nobody knows whether it happened; {told}"
        require(promised or not lost, "done-once", text, **place)
    record = run.steps.get(fact.step)
    if record is not None and isinstance(record.state, Ramping) and record.state.why:
        return
    require(not run.aborting, "less-exposure-at-once", f"{step.id} starts after an abort", **place)
    still = run.paused or run.holds or run.breached or run.undo is not None
    require(
        step.protective or not still, "less-exposure-at-once", f"{step.id} starts while the run stands still", **place
    )


def _entered(run: Run, fact: f.StageEntered) -> None:
    stage = run.current
    require(
        stage is not None and stage.id == fact.stage, "gate-first", "a stage is entered out of order", stage=fact.stage
    )
    assert stage is not None
    if stage.gate is not None:
        opened = run.ticket is not None and run.ticket.status == "open" and run.ticket.stage == stage.id
        require(opened, "gate-first", "the stage is entered and its gate is not open", stage=stage.id)
    for item in stage.preconditions:
        passed = any(
            turned.verdict == "pass" and turned.check == item.check
            for use, turned in run.readings.items()
            if use.startswith(f"pre:{stage.id}:")
        )
        require(passed, "gate-first", f"the stage is entered and {item.check} does not pass", stage=stage.id)


def _answered(run: Run, fact: f.VoteCast | f.GateDenied) -> None:
    """Only people with a role of the gate answer it; who started the run only where that is allowed, or alone."""
    stage = run.current
    assert stage is not None and stage.gate is not None
    approval = stage.gate.approval
    able = {person.id for person in run.people if person.kind == "person" and set(person.roles) & set(approval.roles)}
    require(fact.person in able, "careful-opening", f"{fact.person} answers a gate and may not", stage=stage.id)
    if isinstance(fact, f.VoteCast):
        alone = fact.person != run.starter or approval.allow_self_approval or fact.solo
        require(alone, "careful-opening", f"{fact.person} started the run and approves alone", stage=stage.id)


def _opened(run: Run, fact: f.GateOpened) -> None:
    stage, ticket = run.current, run.ticket
    assert stage is not None and stage.gate is not None
    waits = ticket is not None and ticket.id == fact.ticket and ticket.status == "waiting"
    require(waits, "careful-opening", "a ticket that does not wait opens a gate", stage=stage.id)
    assert ticket is not None
    fresh = fact.t < ticket.expires_t and ticket.id not in run.spent
    require(fresh, "careful-opening", "an expired ticket opens a gate", stage=stage.id)
    enough = len(approving(run, stage, ticket, fact.t)) >= stage.gate.approval.min_approvals
    require(enough, "careful-opening", "the gate opens with too few approvals that stand", stage=stage.id)
    still = run.paused or run.holds or run.breached or run.undo is not None or run.aborting
    require(not still, "careful-opening", "the gate opens while the run stands still", stage=stage.id)
    for check in stage.gate.require:
        turned = run.readings.get(f"gate:{ticket.id}:{check}")
        passed = turned is not None and turned.verdict == "pass"
        require(passed, "careful-opening", f"the gate opens and {check} does not pass", stage=stage.id)


def approving(run: Run, stage: Stage, ticket: Ticket, t: int) -> set[str]:
    """Return the people whose approval stands at *t*, with the roles that they have now."""
    assert stage.gate is not None
    approval = stage.gate.approval
    able = {person.id for person in run.people if set(person.roles) & set(approval.roles)}
    votes = [vote for vote in ticket.votes if vote.person in able and t - vote.t <= approval.valid_for_ms]
    return {vote.person for vote in votes if approval.allow_self_approval or vote.solo or vote.person != run.starter}


def _moved(run: Run, fact: f.RampMoved) -> None:
    step, ramp = run.step_of(fact.step), run.steps[fact.step].state
    if not isinstance(ramp, Ramping) or step.ramp is None or fact.direction == "down":
        return
    place = {"stage": run.stage.id, "step": step.id}
    one = fact.position == ramp.position + 1
    require(one, "careful-opening", f"{step.id} rises by more than one declared value", **place)
    still = run.paused or run.holds or run.breached or run.undo is not None or run.aborting
    ready = ramp.settled and not ramp.stay and not still and fact.t >= ramp.cool_until_t
    require(ready, "careful-opening", f"{step.id} rises though it should stay where it is", **place)
    turned = {reading.check: reading for use, reading in run.readings.items() if use.startswith(f"ramp:{step.id}:")}
    guards = {reading.check: reading for use, reading in run.readings.items() if use.startswith("guard:")}
    watched = [*((check, turned) for check in step.ramp.checks), *((guard.check, guards) for guard in run.plan.guards)]
    for check, readings in watched:
        passed = check in readings and readings[check].verdict == "pass"
        require(passed, "careful-opening", f"{step.id} rises and {check} does not pass", **place)


def _falls_at_once(before: Run, facts: list[f.AnyFact], after: Run) -> None:
    """A breached guard sends a risen ramp down in the same transaction."""
    new = {fact.check for fact in facts if isinstance(fact, f.GuardBreached)} & set(after.breached)
    asks = any(guard.check in new and guard.on_breach == "step_back" for guard in after.plan.guards)
    if not asks or after.aborting or before.undo is not None:
        return
    for step, value in _risen(before):
        was, now = before.steps[step].state, after.steps[step].state
        if isinstance(was, Ramping) and isinstance(now, Ramping) and not was.why:
            fell = now.position < was.position
            text = f"a guard is breached and {step} stays at {value}"
            require(fell, "less-exposure-at-once", text, stage=after.stage.id, step=step)


def _risen(run: Run) -> list[tuple[str, float]]:
    """Return the ramps above their floor that are not on their way down, with the value that they are at."""
    found = []
    for step in run.open_steps:
        record = run.steps.get(step.id)
        ramp = record.state if record is not None else None
        if isinstance(ramp, Ramping) and ramp.position and not ramp.falling:
            found.append((step.id, ramp.values[ramp.position]))
    return found
