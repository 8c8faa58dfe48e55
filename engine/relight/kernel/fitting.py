"""Whether a verb fits this moment: one rule for what is offered and for what is taken.

Each function returns the refusal that a person would get, or None where the verb is taken.
What does not belong here: who may say it (``authority``), and what follows (``asking``).
"""

from relight.errors import NotNow
from relight.kernel.book import find_hold
from relight.kernel.effects import down_to, effect_key, may_undo
from relight.kernel.outcomes import is_unknown
from relight.kernel.plan import ExpressionFailed, Step
from relight.kernel.ramping import ramps
from relight.kernel.scope import resolve
from relight.kernel.state import (
    Dispatch,
    Done,
    EffectEntry,
    Failed,
    Fanning,
    Manual,
    Ramping,
    Run,
    StepState,
    Undoing,
    Unknown,
)

STEERING = ("floor", "down", "stay", "up")
"""The ways to steer a ramp."""


def _why_hint(run: Run) -> str:
    return f"relight why {run.id[:8]}"


def _mark_hint(run: Run, step: str) -> str:
    return f"relight mark {run.id[:8]} {step} done|not-done"


def _state(run: Run, step: str) -> StepState | None:
    record = run.steps.get(step)
    return record.state if record is not None else None


def under_way(run: Run, step: str) -> bool:
    """Return whether something of that step was dispatched and has not been heard of."""
    return any(item.step == step for item in run.dispatches.values())


def no_step(run: Run, step: str) -> NotNow | None:
    """Refuse what no step is called."""
    if step in run.plan_index or step in run.adopted:
        return None
    return NotNow(f"there is no step {step!r}", hint=f"steps are {', '.join(run.plan_index)}")


def being_undone(run: Run) -> NotNow | None:
    """Refuse what has to wait until an undo has ended."""
    return None if run.undo is None else NotNow("something is being undone; wait for it", hint=_why_hint(run))


# ---- gates


def asking_anew(run: Run) -> NotNow | None:
    """Refuse ``ask`` where there is no gate to ask anew, or it is about to ask by itself."""
    stage, ticket = run.current, run.ticket
    if stage is None or stage.gate is None or ticket is None or run.stage.phase != "approach":
        return NotNow("no gate is or was waiting here", hint=_why_hint(run))
    if ticket.status != "waiting" and not any(hold.code in ("gate-denied", "gate-expired") for hold in run.holds):
        return NotNow("the gate asks anew as soon as the run goes on", hint=_why_hint(run))
    return None


# ---- skip


def skipping_stage(run: Run, stage: str) -> NotNow | None:
    """Refuse to skip a stage that is not optional, or not the one that waits."""
    current = run.current
    assert current is not None, "whoever skips a stage stands at one"
    if stage not in ("", current.id):
        return NotNow(f"{stage} is not the stage that waits; that is {current.id}")
    if not current.optional:
        hint = "deny, or abort; the runbook says what may be left out"
        return NotNow(f"stage {current.id} is not optional", hint=hint)
    return being_undone(run)


def skipping_step(run: Run, step: str) -> NotNow | None:
    """Refuse to skip a step that is elsewhere, under way, done, or whose outcome nobody knows."""
    state = _state(run, step)
    undone = state == Done(outcome="undone") and run.stage_of(step) == run.current
    if run.step_of(step) not in run.open_steps and not undone:
        return NotNow(f"{step} is not where the run stands, so it cannot be skipped now")
    if is_unknown(run, step):
        return NotNow(f"whether {step} happened is not known; say which first", hint=_mark_hint(run, step))
    if under_way(run, step) or isinstance(state, Undoing):
        return NotNow(f"{step} is under way; wait for it, or abort")
    if isinstance(state, Done) and not undone:
        return NotNow(f"{step} is {state.outcome} already")
    if isinstance(state, Ramping) and state.falling and find_hold(run, "step-failed", step=step) is None:
        return NotNow(f"{step} is on its way down; wait for it")
    return being_undone(run)


# ---- mark


def marking(run: Run, step: str, value: str) -> NotNow | None:
    """Refuse to mark what nobody has to be told about."""
    state, done = _state(run, step), value == "done"
    if isinstance(state, Manual | Unknown) or (isinstance(state, Fanning) and state.lost is not None):
        return None
    if done and held_failed(run, step) and isinstance(state, Failed | Fanning | Ramping):
        return doing_by_hand(run, run.step_of(step))
    if step in unsure_steps(run):
        return None
    record = run.steps.get(step)
    word = record.word if record is not None else "pending"
    return NotNow(f"{step} is {word}; there is nothing to mark", hint="mark settles unknown and manual steps")


def held_failed(run: Run, step: str) -> bool:
    """Return whether the run holds because that step failed, and nothing of it is under way."""
    return find_hold(run, "step-failed", step=step) is not None and not under_way(run, step)


def doing_by_hand(run: Run, step: Step) -> NotNow | None:
    """Refuse to record as done by hand what cannot be told, or is being done: a guess would go into the ledger."""
    if run.undo is not None and step.undoes in run.undo.layers:
        return being_undone(run)  # what comes of the undo under way would be of nothing any more
    if step.use is None or step.ramp is not None:
        return None
    try:
        by_hand(run, step)
    except ExpressionFailed as error:
        return NotNow(f"what {step.id} would have done cannot be told: {error}", hint="skip it instead")
    return None


def by_hand(run: Run, step: Step) -> Dispatch:
    """Return what the step would have dispatched, for the ledger.

    Raises:
        ExpressionFailed: an argument cannot be evaluated.
    """
    assert step.use is not None
    record = run.steps[step.id]
    args = resolve(run, step.use.args)
    hosts = range(len(step.targets.hosts)) if step.targets is not None else range(0)
    there = run.ledger.get(effect_key(step, step.use, args))
    known = there.targets if there is not None and there.step == step.id else ()
    return Dispatch(
        number=0,
        step=step.id,
        attempt=0,
        purpose="forward",
        use=step.use,
        args=args,
        key="",
        deadline_t=0,
        epoch=run.epoch,
        since_t=run.t,
        effect_key=effect_key(step, step.use, args),
        before=record.before,
        before_known=record.before_known,
        targets=tuple(index for index in hosts if index not in known),
    )


def unsure_steps(run: Run) -> tuple[str, ...]:
    """Return the steps of whose effects nobody knows whether they are in force, and that nothing will settle."""
    return tuple(
        entry.step
        for entry in run.ledger.values()
        if not entry.sure and not is_unknown(run, entry.step) and not _is_touched(run, entry)
    )


def _is_touched(run: Run, entry: EffectEntry) -> bool:
    undone = run.undo is not None and entry.key in run.undo.queue
    return undone or any(entry.key in (item.effect_key, item.undoes) for item in run.dispatches.values())


# ---- ramp


def steering(run: Run, value: str, step: str = "", *, held: bool = False) -> NotNow | None:
    """Refuse to steer where no ramp is under way, or where it would change nothing; *held*: a hold waits for it."""
    if value not in STEERING:
        return NotNow(f"{value!r} is not a way to steer a ramp; say floor, down, stay or up")
    undone = run.undo.layers if run.undo is not None else ()
    found = [item for item in ramps(run) if step in ("", item[0].id)]
    free = [state for each, state in found if each.id not in undone]
    if not free:
        why = f"the effect of {found[0][0].id} is being undone" if found else "no ramp is under way"
        return NotNow(why, hint=_why_hint(run))
    name = found[0][0].id
    if value in ("floor", "down") and not any(state.position for state in free):
        return NotNow(f"{name} is at its floor already")
    if value == "stay" and all(state.stay for state in free):
        return NotNow(f"{name} stays where it is already", hint=f"relight ramp {run.id[:8]} up lets it rise again")
    if value == "up" and not held and not any(state.stay for state in free):
        resumed = "somebody resumes the run and " if run.paused else ""
        return NotNow(f"{name} rises by itself as soon as {resumed}its checks and the guards pass", hint=_why_hint(run))
    return None


# ---- undo


def undoing(run: Run, step: str) -> NotNow | None:
    """Refuse to undo what is not in force, what protects, and what nobody knows to be in force."""
    if run.undo is not None:
        return being_undone(run)
    entries = down_to(run, step)
    if not entries:
        return NotNow(f"{step} has no effect in force", hint=f"relight effects {run.id[:8]}")
    if not all(may_undo(entry) for entry in entries):
        return NotNow(
            f"{step} protects the service, and undoing it would expose it",
            hint="a later stage of the runbook loosens it; or end the run with abort, which leaves it in force",
        )
    top = entries[0]
    settles = run.step_of(step).settle is not None
    if not top.sure and not settles and not (top.undo is not None and top.undo.idempotent):
        return NotNow(f"whether {step} happened is not known; say which first", hint=_mark_hint(run, step))
    return None


def going_back(run: Run, stage: str) -> NotNow | None:
    """Refuse to go back to a stage that was not reached, or while it is not known where the run stands."""
    if run.undo is not None:
        return being_undone(run)
    if run.epoch == 0:
        return NotNow("nothing has begun, so there is nothing to undo")
    names = [each.id for each in run.plan.stages]
    if stage not in names:
        return NotNow(f"there is no stage {stage!r}", hint=f"stages are {', '.join(names)}")
    index = names.index(stage)
    if index > run.cursor:
        return NotNow(f"stage {stage} has not been reached, so there is nothing to undo")
    if run.dispatches:
        return NotNow("a step is under way; wait for it, then undo", hint=f"relight pause {run.id[:8]}")
    unknown = [step.id for each in run.plan.stages[index:] for step in each.steps if is_unknown(run, step.id)]
    if unknown:
        return NotNow(f"whether {unknown[0]} happened is not known; say which first", hint=_mark_hint(run, unknown[0]))
    return None
