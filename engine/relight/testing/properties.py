"""The eight properties of the kernel, held after every transaction of whatever plays a run.

What is asserted here is worked out from the facts and the plan as plainly as possible, and never by asking the rules
that it judges. What does not belong here: how a run is played (``desk``, ``players``, ``walk``).
"""

from dataclasses import dataclass, field, replace

from relight.kernel import facts as f
from relight.kernel.choices import choices
from relight.kernel.evolve import evolve
from relight.kernel.holds import HOLDS
from relight.kernel.intents import Observe, Perform, Stop, Wake, Watch
from relight.kernel.plan import Guard, Stage, Step
from relight.kernel.state import Done, EffectEntry, Fanning, Manual, Ramping, Run, Ticket, Unknown, Vote
from relight.kernel.wanted import wanted
from relight.testing.legality import Change, changes, is_legal


@dataclass(slots=True)
class Properties:
    """Watches one run fact by fact.

    Attributes:
        entered: Stages whose gate was open and whose preconditions passed when they began.
        unknown: Dispatches whose outcome nobody knows, by step; of a fan-out also the hosts.
        keys: The idempotency key that each attempt of a thing had.
        stuck: What an abort tried to undo and gave up.
        seen: The rows of the kernel's tables that were walked.
    """

    entered: set[str] = field(default_factory=set)
    unknown: dict[str, set[int]] = field(default_factory=dict)
    keys: dict[tuple[object, ...], str] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    seen: set[Change] = field(default_factory=set)
    dispatched: int = 0

    def __call__(self, before: Run, facts: list[f.AnyFact], after: Run) -> None:
        """Hold the properties against one transaction."""
        run = before
        for fact in facts:
            assert fact.t >= run.t, "the run's clock never falls"
            self._fact(run, fact)
            then = evolve(run, fact)
            for change in changes(run, fact, then):
                assert is_legal(change), f"no table has the row {change}"
                self.seen.add(change)
            run = then
        at_rest(after)
        if any(isinstance(fact, f.GuardBreached) for fact in facts):
            falls_at_once(before, facts, after)

    def copied(self) -> "Properties":
        """Return what was held so far, to be held along another path; the rows that were walked are shared."""
        unknown = {step: set(hosts) for step, hosts in self.unknown.items()}
        return replace(self, entered=set(self.entered), unknown=unknown, keys=dict(self.keys), stuck=set(self.stuck))

    # ---- one fact on the run that it meets

    def _fact(self, run: Run, fact: f.AnyFact) -> None:
        match fact:
            case f.StepDispatched():
                self._dispatch(run, fact)
            case f.StageEntered():
                self._enter(run, fact)
            case f.GateOpened():
                gate_may_open(run, fact)
            case f.GateDenied() if fact.ticket in run.opened_solo:
                assert fact.ticket in run.spent, "it was opened before"
            case f.VoteCast() | f.GateDenied():
                assert run.ticket is not None and run.ticket.id == fact.ticket, "only the ticket that waits is answered"
                assert run.ticket.status == "waiting" and fact.ticket not in run.spent
            case f.RampMoved():
                ramp_may_move(run, fact)
            case f.UndoBegun():
                what_protects_stays(run, fact)
            case f.UndoEnded() if fact.back_to:
                names = [stage.id for stage in run.plan.stages]
                self.entered.difference_update(names[names.index(fact.back_to) :])
            case f.Held():
                assert fact.code in HOLDS, "every hold has a row"
                assert (fact.code, fact.step) not in {(hold.code, hold.step) for hold in run.holds}
            case f.RunEnded():
                assert set(fact.left) == set(run.ledger), "every effect in force is reported as left"
                assert set(self.unknown) <= set(fact.unknown), f"unknown steps are reported: {self.unknown}"
                self._ended(run, fact)
            case f.UndoFailed() if run.undo is not None and run.undo.then == "end":
                self.stuck.add(fact.key)
            case _:
                self._known(run, fact)

    def _known(self, run: Run, fact: f.AnyFact) -> None:
        """Keep track of what nobody knows."""
        match fact:
            case f.StepLost() if run.dispatches[fact.dispatch].purpose != "undo":
                self.unknown.setdefault(fact.step, set()).update(run.dispatches[fact.dispatch].targets or (-1,))
            case f.TargetsReported():
                self._heard(fact.step, {*fact.done, *map(int, fact.failed)})
                if fact.unknown:
                    self.unknown.setdefault(fact.step, set()).update(fact.unknown)
            case f.StepSettled() | f.StepSkipped() | f.StepSucceeded() | f.EffectInForce(sure=True):
                self.unknown.pop(fact.step, None)
            case f.StepFailed() if run.step_of(fact.step).use is not None:
                self._failed(run, fact)
            case f.EffectCleared():
                self._cleared(run, fact)
            case _:
                pass

    def _heard(self, step: str, hosts: set[int]) -> None:
        left = self.unknown.get(step, set()) - hosts
        if left:
            self.unknown[step] = left
        else:
            self.unknown.pop(step, None)

    def _failed(self, run: Run, fact: f.StepFailed) -> None:
        """What may be done twice is settled by its last attempt, whatever became of the one before."""
        use = run.step_of(fact.step).use
        assert use is not None
        if use.effect == "read" or (use.idempotent and use.effect != "destructive"):
            self.unknown.pop(fact.step, None)

    def _dispatch(self, run: Run, fact: f.StepDispatched) -> None:
        step = run.step_of(fact.step)
        assert fact.dispatch > self.dispatched, "a dispatch's number is its identity"
        self.dispatched = fact.dispatch
        assert all(item.step != fact.step for item in run.dispatches.values()), "one dispatch of a step at a time"
        self._same_key(run, fact)
        if fact.purpose == "undo":
            undo_may_go(run, fact)
            return
        stage = run.stage_of(fact.step)
        assert stage.id in self.entered, "no step starts before its stage's gate is open and its preconditions pass"
        if fact.use.effect == "destructive":
            lost = self.unknown.get(fact.step, set())
            assert not lost & set(fact.targets or lost), "nothing destructive is done again while nobody knows"
        record = run.steps.get(fact.step)
        falling = record is not None and isinstance(record.state, Ramping) and bool(record.state.why)
        if falling:
            return
        assert not run.aborting, "nothing forward starts after an abort"
        assert step.protective or not blocked(run), "nothing forward starts while the run stands still"

    def _ended(self, run: Run, fact: f.RunEnded) -> None:
        """A run fails where its end could not undo what it should have, and only there."""
        if fact.outcome == "failed":
            assert run.aborting and run.plan.on_abort == "undo" and self.stuck, "a run fails of its own undo alone"
            assert any(key in fact.why for key in self.stuck), "it says what could not be undone"
        elif fact.outcome == "aborted" and run.plan.on_abort == "undo":
            for key, entry in run.ledger.items():
                kept = entry.undo_ask or (entry.undo is None and run.step_of(entry.step).undo is None)
                others = entry.step in run.adopted  # an ended run's, which this one never changed
                assert kept or others or (entry.protective and not entry.loosens), f"{key} should have been undone"
        assert run.aborting == (fact.outcome != "succeeded")

    def _same_key(self, run: Run, fact: f.StepDispatched) -> None:
        record = run.steps.get(fact.step)
        moves = record.state.moves if record is not None and isinstance(record.state, Ramping) else 0
        entry = run.ledger.get(fact.undoes)
        what = (fact.step, fact.purpose, run.rounds if fact.purpose != "undo" else entry and entry.t, moves)
        assert self.keys.setdefault(what, fact.key) == fact.key, "every attempt has the same key"

    def _enter(self, run: Run, fact: f.StageEntered) -> None:
        stage = run.current
        assert stage is not None and stage.id == fact.stage
        if stage.gate is not None:
            assert run.ticket is not None and run.ticket.status == "open" and run.ticket.stage == stage.id
        for item in stage.preconditions:
            turned = [reading for use, reading in run.readings.items() if use.startswith(f"pre:{stage.id}:")]
            verdicts = {reading.verdict for reading in turned if reading.check == item.check}
            assert "pass" in verdicts, "every precondition passes"
        assert bool(stage.steps and stage.steps[0].protective) or not blocked(run)
        self.entered.add(stage.id)

    def _cleared(self, run: Run, fact: f.EffectCleared) -> None:
        entry = run.ledger.get(fact.key)
        if entry is None:
            return
        if fact.never:
            self.unknown.pop(entry.step, None)
            return
        if fact.whole:
            assert entry.step in run.adopted or entry.stage in self.entered
            assert run.current is not None and run.current.id in self.entered
            return
        self.unknown.pop(entry.step, None)
        ours = run.undo is not None and run.undo.layers[0] == entry.step
        if ours and entry.protective and not entry.loosens:
            assert run.undo is not None and run.undo.then == "step", "what protects is undone by the runbook alone"


# ---- at rest


def blocked(run: Run) -> bool:
    """Return whether forward motion has to stand still."""
    return run.paused or bool(run.holds) or bool(run.breached) or run.undo is not None


def at_rest(run: Run) -> None:
    """Hold what is true of a run between two transactions."""
    intents = wanted(run)
    names = [intent.id for intent in intents]
    assert len(names) == len(set(names)), "every intent has an identity of its own"
    if run.outcome is not None:
        assert not intents and not run.dispatches and choices(run) == ()
        return
    under_way = {intent.dispatch for intent in intents if isinstance(intent, Perform | Stop)}
    assert run.epoch == 0 or under_way == set(run.dispatches), "what is under way is wanted or being stopped"
    assert len(run.readings) <= 12, "what nobody watches any more is forgotten"
    if run.epoch == 0 or run.aborting:
        return
    at = run.steps.get(run.open_steps[0].id) if run.open_steps and not blocked(run) else None
    assert at is None or not isinstance(at.state, Done), "the run stands at a step that is done"
    nothing_unverified_stands(run)
    moving = [intent for intent in intents if not isinstance(intent, Observe)]
    waits_for_people = (
        run.paused
        or bool(run.holds)
        or any(
            isinstance(record.state, Manual) or (isinstance(record.state, Ramping) and record.state.stay)
            for record in run.steps.values()
        )
    )
    waits_for_people |= run.ticket is not None and run.ticket.status == "waiting"
    assert moving or waits_for_people, "nothing is going on and nobody is asked"


def nothing_unverified_stands(run: Run) -> None:
    """Hold that a stage which failed has not left what protects at a higher number than it was verified at."""
    if run.undo is not None or all(hold.code != "verify-failed" for hold in run.holds):
        return
    for entry in run.ledger.values():
        step, prior = run.step_of(entry.step), entry.prior
        if entry.stage != run.stage.id or prior is None or not prior.protective or not entry.protective:
            continue
        if step.ramp is not None or step.protective or entry.undo is None or entry.undo_ask:
            continue
        pairs = [(prior.value.get(name), now) for name, now in entry.value.items()]
        numbers = [(was, now) for was, now in pairs if isinstance(was, int | float) and isinstance(now, int | float)]
        assert all(now <= was for was, now in numbers), f"{entry.step} loosens what protects, and its stage failed"


def awaited(run: Run) -> bool:
    """Return whether something other than a person may still change the run: a report, a reading, a verdict, time."""
    return any(isinstance(intent, Perform | Stop | Watch | Wake) for intent in wanted(run))


# ---- gates


def gate_may_open(run: Run, fact: f.GateOpened) -> None:
    """Hold what has to be true when a gate opens."""
    stage, ticket = run.current, run.ticket
    assert stage is not None and stage.gate is not None and ticket is not None
    assert ticket.id == fact.ticket and ticket.status == "waiting" and ticket.id not in run.spent
    assert fact.t < ticket.expires_t, "an expired ticket opens nothing"
    assert not blocked(run) and not run.aborting
    voters = approving(run, stage, ticket, fact.t)
    assert len(voters) >= stage.gate.approval.min_approvals and set(fact.approvers) == voters
    for check in stage.gate.require:
        turned = run.readings.get(f"gate:{ticket.id}:{check}")
        assert turned is not None and turned.verdict == "pass", "every required check passes"


def approving(run: Run, stage: Stage, ticket: Ticket, t: int) -> set[str]:
    """Return the people whose approval stands at *t*, with the roles that they have now."""
    assert stage.gate is not None
    approval = stage.gate.approval
    able = {person.id for person in run.people if set(person.roles) & set(approval.roles)}
    standing = {vote.person: vote for vote in ticket.votes if t - vote.t <= approval.valid_for_ms}
    if not approval.allow_self_approval and not _alone(run, ticket, standing.get(run.starter), approval.min_approvals):
        able.discard(run.starter)
    return able & set(standing)


def _alone(run: Run, ticket: Ticket, vote: Vote | None, needed: int) -> bool:
    """Return whether the starter's approval counts by the site's solo rule: in its time, with a reason."""
    solo, starter = run.solo, {person.id: person for person in run.people}.get(run.starter)
    if vote is None or not vote.solo or solo is None or starter is None or needed > 1:
        return False
    return vote.t >= ticket.asked_t + solo.after_ms and bool(vote.reason) and bool({*solo.roles} & {*starter.roles})


# ---- ramps


def ramp_may_move(run: Run, fact: f.RampMoved) -> None:
    """Hold what has to be true when a ramp moves."""
    step, ramp = run.step_of(fact.step), run.steps[fact.step].state
    assert isinstance(ramp, Ramping) and step.ramp is not None
    if fact.direction == "down":
        assert 0 <= fact.position < ramp.position or run.aborting, "down is down"
        return
    assert fact.position == ramp.position + 1, "a ramp never rises by more than one declared value"
    assert ramp.settled and not ramp.stay and not blocked(run) and not run.aborting
    assert fact.t >= ramp.cool_until_t
    turned = {reading.check: reading for use, reading in run.readings.items() if use.startswith(f"ramp:{step.id}:")}
    guards = {reading.check: reading for use, reading in run.readings.items() if use.startswith("guard:")}
    assert all(check in turned and turned[check].verdict == "pass" for check in step.ramp.checks)
    for guard in run.plan.guards:
        assert guard.check in guards and guards[guard.check].verdict == "pass", "nor while a guard does not pass"


def falls_at_once(before: Run, facts: list[f.AnyFact], after: Run) -> None:
    """Hold that a breached guard sends a risen ramp down in the same transaction."""
    new = {fact.check for fact in facts if isinstance(fact, f.GuardBreached)} & set(after.breached)
    asks = [guard for guard in after.plan.guards if guard.check in new and _steps_back(guard)]
    for step, ramp in _risen(before):
        if asks and step.id in after.steps and isinstance(after.steps[step.id].state, Ramping) and not after.aborting:
            now = after.steps[step.id].state
            assert isinstance(now, Ramping) and now.position < ramp.position, "a breach is answered at once"


def _steps_back(guard: Guard) -> bool:
    return guard.on_breach == "step_back"


def _risen(run: Run) -> list[tuple[Step, Ramping]]:
    """Return the ramps above their floor that are not on their way down already, nor being undone."""
    undone = run.undo.layers if run.undo is not None else ()
    found = [(run.step_of(step), record.state) for step, record in run.steps.items() if step not in undone]
    return [(step, ramp) for step, ramp in found if isinstance(ramp, Ramping) and ramp.position and not ramp.why]


# ---- effects


def what_protects_stays(run: Run, fact: f.UndoBegun) -> None:
    """Hold that nobody but the runbook begins to undo what protects."""
    for key, step in zip(fact.keys, fact.layers, strict=True):
        entry: EffectEntry | None = run.ledger[key]
        while entry is not None and entry.step != step:
            entry = entry.prior
        protects = entry is not None and entry.protective and not entry.loosens
        assert not protects or fact.then == "step", "what protects is undone by the runbook alone"


def undo_may_go(run: Run, fact: f.StepDispatched) -> None:
    """Hold what has to be true when an undo is dispatched."""
    job, entry = run.undo, run.ledger[fact.undoes]
    assert job is not None and job.queue[0] == fact.undoes
    assert entry.step == job.layers[0], "last in, first out"
    if entry.protective and not entry.loosens:
        assert job.then == "step", "what protects is undone by the runbook alone"
    record = run.steps.get(entry.step)
    unknown = record is not None and isinstance(record.state, Unknown)
    fanned = record is not None and isinstance(record.state, Fanning) and record.state.lost is not None
    assert fact.use.idempotent or not (unknown or fanned or not entry.sure), "what is unsure is settled first"
