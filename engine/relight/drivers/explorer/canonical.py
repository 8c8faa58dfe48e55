"""Which states are one: a run without times, numbers, values, digests, and whatever nobody reads any more.

Left out are also who voted (how many more could stays), which of several like checks passes (how many stays),
which hosts of a fan-out (counts stay), and effects that protect nobody, unless something speaks of them.
Where something is undone, or the run is being ended, only what still matters then is left.
"""

from collections.abc import Hashable, Iterator
from typing import TypeAlias

from relight.drivers.explorer.shape import Shape
from relight.kernel.book import find_hold
from relight.kernel.effects import layers, not_undone, to_undo
from relight.kernel.fitting import unsure_steps
from relight.kernel.holds import UNDO_HOLDS
from relight.kernel.plan import Json, Plan, Step
from relight.kernel.ramping import ABORTED, DOWN_TRIES_MAX, guard_pause_ms
from relight.kernel.returning import loosened
from relight.kernel.stages import counting_votes
from relight.kernel.state import (
    Backoff,
    Done,
    EffectEntry,
    Fanning,
    Prepared,
    Ramping,
    Run,
    Running,
    StepRecord,
    Unknown,
    Waiting,
)
from relight.kernel.watching import (
    between_id,
    blind,
    gate_id,
    guard_id,
    passes,
    pauses,
    precondition_id,
    ramp_id,
    verify_id,
)

Key: TypeAlias = Hashable


def blocked(run: Run) -> bool:
    """Return whether nothing goes forward."""
    return run.paused or bool(run.holds) or bool(run.breached)


def rests(run: Run, ramp: Ramping) -> bool:
    """Return whether a ramp stays where it is, whatever passes."""
    return ramp.stay or ramp.cool_until_t > run.t


class Canon:
    """Gives a plan's runs their canonical form.

    Results and readings are of a few kinds (``World``); each is told from the others by what it is, not by its text.
    """

    def __init__(self, plan: Plan, shape: Shape) -> None:
        self._plan = plan
        self._shape = shape
        self._guards = [guard.check for guard in plan.guards]
        self._kinds: dict[int, tuple[int, Json]] = {}

    @property
    def loose(self) -> frozenset[str]:
        """The checks of which it matters which of them passes."""
        return self._shape.loose

    def is_ending(self, run: Run) -> bool:
        """Return whether nothing begins but what undoes, brings down or ends, so that no check and no guard counts."""
        undoing = run.undo is not None and run.undo.then != "step"
        return run.aborting or undoing or any(hold.code in UNDO_HOLDS for hold in run.holds)

    def read_checks(self, run: Run) -> frozenset[str]:
        """Return the checks whose last verdict an expression still reads."""
        return self._shape.checks[run.cursor]

    def key(self, run: Run) -> Key:
        """Return what makes this state different from others."""
        return self._form(run), self._spoken_of(run)

    def _spoken_of(self, run: Run) -> Key:
        """Return what the author's statements read: it counts to the very end, whatever else is forgotten."""
        records = [(name, run.steps.get(name)) for name in sorted(self._shape.steps[-1])]
        steps = tuple((name, record.word, self.kind(record.result)) for name, record in records if record is not None)
        checks = tuple(
            (name, run.checks[name].verdict) for name in sorted(self._shape.checks[-1]) if name in run.checks
        )
        return steps, checks, tuple(run.past.items()) if self._shape.stages else ()

    def _form(self, run: Run) -> Key:
        if run.outcome is not None:
            return "ended", run.outcome, self._ledger(run)
        if run.aborting:
            return "aborting", self._ending(run), self._falling(run), self._job(run), self._left(run), self._ledger(run)
        if run.undo is not None and run.undo.then != "step":
            return "undoing", self._ending(run), self._falling(run), self._job(run), self._ledger(run)
        if any(hold.code in UNDO_HOLDS for hold in run.holds):
            holds = tuple(sorted((hold.code, hold.step) for hold in run.holds))
            return "undone", run.cursor, run.stage.phase, run.stage.position, holds, self._undone(run), run.paused
        return (
            run.cursor,
            run.stage.phase,
            run.stage.position,
            run.epoch > 0,
            run.paused,
            tuple(sorted((hold.code, hold.step) for hold in run.holds)) if run.holds else (),
            self._ticket(run),
            self._steps(run),
            self._under_way(run),
            self._watched(run),
            self._probes(run),
            self._ledger(run),
            self._job(run) if run.undo is not None else None,
            self._breached(run) if run.breached else (),
            not self._shape.exact and bool(unsure_steps(run)),
            self._last_verdicts(run),
        )

    # ---- gates

    def _ticket(self, run: Run) -> Key:
        ticket, stage = run.ticket, run.current
        if ticket is None or stage is None or stage.gate is None or run.stage.phase != "approach":
            return None
        if ticket.status != "waiting":
            return ticket.status
        return len(counting_votes(run, stage.gate, ticket, run.t)), ticket.escalated

    # ---- steps

    def _steps(self, run: Run) -> Key:
        stage = run.current
        read = self._shape.steps[run.cursor]
        here = stage.steps if stage is not None else ()
        found = []
        for index, step in enumerate(here):
            record = run.steps.get(step.id)
            if record is None:
                continue
            if not isinstance(record.state, Done):
                found.append((step.id, self._record(run, step, record)))
            elif record.state.outcome == "undone" or step.id in read:
                found.append((step.id, (record.state.outcome, self.kind(record.result))))
            elif index > run.stage.position:
                found.append((step.id, "done"))
        names = {step.id for step in here}
        for name in sorted(read):
            record = run.steps.get(name) if name not in names else None
            if record is not None:
                found.append((name, (record.word, self.kind(record.result))))
        return tuple(found)

    def _record(self, run: Run, step: Step, record: StepRecord) -> Key:
        state, tries = record.state, record.attempts - record.tries_from
        if step.retry.max_attempts == 1:
            tries = 0
        harmless = step.use is not None and (step.use.idempotent or step.use.effect == "read")
        unknowns = record.unknowns if harmless else 0
        match state:
            case Ramping():
                return self._ramp(run, step, state, record)
            case Fanning():
                counts = tuple(state.status.count(mark) for mark in ".>+x?")
                return "fanning", counts, state.failed, unknowns
            case Unknown():
                return "unknown", unknowns, tries, state.ramp is None, state.reads > 0
            case Backoff() | Waiting():
                return type(state).__name__, state.until_t > run.t, tries, unknowns
            case Prepared():
                return "prepared", state.read
            case Running():
                return "running", tries, unknowns
            case _:
                return type(state).__name__

    def _ramp(self, run: Run, step: Step, state: Ramping, record: StepRecord) -> Key:
        assert step.ramp is not None
        # Whoever has it go on again has it count from the beginning.
        exhausted = find_hold(run, "ramp-exhausted", step=step.id) is not None
        # How long it is since the last step back counts only when that one is done.
        waits = state.settled and any(
            guard.check in run.breached and state.since_t + guard_pause_ms(run, guard) > run.t
            for guard in self._plan.guards
        )
        return (
            "ramping",
            state.position,
            state.settled,
            0 if state.stay or exhausted else min(state.step_backs, step.ramp.max_step_backs),
            state.stay,
            _tries(run, state),
            state.why if state.why == ABORTED else bool(state.why),
            state.dispatch > 0,
            state.cool_until_t > run.t,
            state.retry_at_t > run.t,
            waits and not run.aborting,
            record.unknowns > 0 and not state.settled and run.aborting,
        )

    def _falling(self, run: Run) -> Key:
        """Return how the ramps are that still come down, whatever else ends."""
        found: list[Key] = []
        for step in run.open_steps:
            record = run.steps.get(step.id)
            match record.state if record is not None else None:
                case Ramping(settled=False) as ramp:
                    waits = ramp.retry_at_t > run.t
                    why = ramp.why if ramp.why == ABORTED else bool(ramp.why)
                    lost = record is not None and record.unknowns > 0
                    found.append((why, ramp.dispatch > 0, min(_tries(run, ramp), 2), waits, lost))
                case Unknown() as unknown:
                    found.append((unknown.ramp is None, unknown.reads > 0))
                case _:
                    pass
        return tuple(found)

    def _ending(self, run: Run) -> Key:
        """Return what is under way where nothing new begins: of what kind, whatever its step is called."""
        return tuple(
            sorted(
                (item.purpose, item.stop_until_t is None, len(item.targets), run.step_of(item.step).protective)
                for item in run.dispatches.values()
            )
        )

    def _under_way(self, run: Run) -> Key:
        if not run.dispatches:
            return ()
        return tuple(
            sorted(
                (item.step, item.purpose, item.stop_until_t is None, len(item.targets))
                for item in run.dispatches.values()
            )
        )

    def kind(self, value: Json) -> Key:
        """Return which of the answers this is."""
        if value is None or isinstance(value, str | int | float):
            return value
        known = self._kinds.get(id(value))
        if known is not None and known[1] is value:
            return known[0]
        for number, other in self._kinds.values():
            if other == value:
                self._kinds[id(value)] = (number, value)
                return number
        number = len(self._kinds)
        self._kinds[id(value)] = (number, value)
        return number

    def _breached(self, run: Run) -> Key:
        """Return how many guards are breached that ask for the same; which ones matters only where they conflict."""
        return tuple(
            sorted(
                (guard.on_breach, guard.check in self._shape.loose and guard.check)
                for guard in self._plan.guards
                if guard.check in run.breached
            )
        )

    # ---- what was read

    def _probes(self, run: Run) -> Key:
        probes = run.stage.probes
        if not probes:
            return ()
        return tuple(
            (name, probe.errors, 0) if probe.error else (name, 0, self.kind(probe.value))
            for name, probe in sorted(probes.items())
        )

    def _last_verdicts(self, run: Run) -> Key:
        read = self._shape.checks[run.cursor]
        if not read:
            return ()
        return tuple((check, run.checks[check].verdict) for check in sorted(read) if check in run.checks)

    def _watched(self, run: Run) -> Key:
        """Return how many of the watched checks stand how, by what they are watched for.

        While the run stands still they are left out: what changes nothing now is tried when it goes on.
        """
        stage = run.current
        if stage is None or blocked(run):
            return ()
        if run.stage.phase == "approach":
            before = [(item.check, precondition_id(run, item.check)) for item in stage.preconditions]
            if stage.gate is None or run.ticket is None or run.ticket.status != "waiting":
                return self._letters(run, before)
            asked = [(check, gate_id(run, check)) for check in stage.gate.require]
            return self._letters(run, before + asked)
        if run.stage.phase == "verify":
            return self._letters(run, [(item.check, verify_id(run, item.check)) for item in stage.verify])
        return tuple(self._at_step(run, step) for step in run.open_steps if step.ramp or step.targets)

    def _at_step(self, run: Run, step: Step) -> Key:
        record = run.steps.get(step.id)
        state = record.state if record is not None else None
        if isinstance(state, Ramping) and step.ramp is not None and state.settled and not rests(run, state):
            uses = [(check, ramp_id(step.id, state, check)) for check in step.ramp.checks]
            return self._letters(run, uses + [(check, guard_id(check)) for check in self._guards])
        if isinstance(state, Fanning) and step.targets is not None and pauses(step.targets, state):
            return self._letters(
                run, [(check, between_id(run, step.id, state, check)) for check in step.targets.between]
            )
        return None

    def is_blind(self, run: Run, check: str) -> bool:
        """Return whether a guard has no data, which would hold the next ramp."""
        return blind(run, guard_id(check), check) is not None

    def _letters(self, run: Run, uses: list[tuple[str, str]]) -> Key:
        passing = [check for check, use in uses if passes(run, use)]
        if any(check in self._shape.loose for check, _ in uses):
            return tuple(sorted(passing))
        return len(passing)

    # ---- effects

    def _ledger(self, run: Run) -> Key:
        """Return which of the effects are in force that something speaks of, and which would return by themselves."""
        spoken = self._shape.spoken[run.cursor]
        if not run.ledger:
            return ()
        returning = tuple(entry.step for entry in loosened(run))
        if not spoken:
            return returning
        known = [(entry.step, entry.loosens) for entry in run.ledger.values() if not spoken.isdisjoint(entry.steps)]
        return tuple(known), returning

    def effects(self, run: Run) -> Iterator[Key]:
        """Yield what undoing could differ by: each effect in force by itself, then which there are."""
        for entry in run.ledger.values():
            yield tuple((layer.step, _kind(layer)) for layer in layers(entry))
        yield tuple(entry.step for entry in run.ledger.values())

    def _job(self, run: Run) -> Key:
        """Return what is undone now, by what decides how it goes, and whether more is to be undone after it.

        What comes after does not depend on how this goes; it is explored for itself.
        """
        job = run.undo
        if job is None:
            return None
        head = self._to_undo(run, job.queue[0], job.layers[0]) if job.queue else None
        # How it ends: where the run ends with it, what was never meant to be undone makes no difference.
        stands = [entry.key in job.failed for entry in not_undone(run)] if job.then == "end" else job.failed
        back = bool(job.back_to)
        return job.then, any(stands), back, head, len(job.queue) > 1, job.attempts, job.lost, job.again_t > run.t

    def _to_undo(self, run: Run, key: str, layer: str) -> Key:
        record = run.steps.get(layer)
        settles = record is not None and isinstance(record.state, Unknown) and run.step_of(layer).settle is not None
        under_way = any(item.effect_key == key for item in run.dispatches.values())
        return tuple((_kind(item), item.step == layer) for item in layers(run.ledger.get(key))), settles, under_way

    def _left(self, run: Run) -> Key:
        """Return of what kinds the effects are that the end of an aborted run still undoes."""
        if run.plan.on_abort == "leave":
            return ()
        ends = run.undo is not None and run.undo.then == "end"
        left = run.undo.layers if run.undo is not None else ()
        return frozenset(_kind(entry) for entry in to_undo(run) if not ends or entry.step in left)

    def _undone(self, run: Run) -> Key:
        """Return what a resume would do again, while a person is asked about an undo."""
        job = run.undo_before
        if job is None:
            return None
        here = {step.id for step in run.current.steps} if run.current is not None else set()
        return tuple(sorted(here.intersection(job.steps))), bool(job.failed), job.back_to


def _tries(run: Run, ramp: Ramping) -> int:
    """Return how often a move failed; of one to less exposure whether it did and was given up, for it is tried long."""
    given_up = ramp.falling and ramp.failures >= DOWN_TRIES_MAX and not run.aborting
    return min(ramp.failures, 2 if given_up else 1) if ramp.falling else ramp.failures


def _kind(entry: EffectEntry) -> Key:
    undo = "none" if entry.undo is None else "again" if entry.undo.idempotent else "once"
    flags = (entry.protective, entry.loosens, entry.sure, entry.undo_lost, undo, entry.undo_ask)
    return flags, len(entry.targets), len(entry.maybe), entry.otherwise is not None
