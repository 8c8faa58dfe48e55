"""The ledger: effects in force, what each superseded, and what reverses it.

Same capability on the same target is one effect; the later supersedes the earlier.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from relight.kernel import facts as f
from relight.kernel.plan import ExpressionFailed, Step, Use
from relight.kernel.scope import resolve
from relight.kernel.state import Dispatch, Done, EffectEntry, Run, StageState


def effect_key(step: Step, use: Use, args: Mapping[str, Any]) -> str:
    """Return the identity of the effect that this call makes, empty where it makes none.

    A lasting capability is known by what it works on; another action leaves an effect only when the step says how to
    undo it (or that it protects), and then it is the step's own.
    """
    if use.lasting:
        target = ",".join(f"{name}={_word(args.get(name))}" for name in use.key_args)
        return f"{use.capability}@{use.provider}" + (f"[{target}]" if target else "")
    if step.undo is not None or step.protective:
        return f"{use.capability}@{use.provider}:{step.id}"
    return ""


def target_in(use: Use, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the arguments that names what is worked on."""
    return {name: args[name] for name in use.key_args if name in args}


def value_in(use: Use, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the arguments that says what is in force, without what names the target."""
    return {name: value for name, value in args.items() if name not in use.key_args and value is not None}


def is_neutral(use: Use, value: Mapping[str, Any]) -> bool:
    """Return whether nothing is in force at this value."""
    return bool(use.neutral) and all(name in value and value[name] == at for name, at in use.neutral.items())


def undo_use(run: Run, step: Step, dispatch: Dispatch) -> Use | None:
    """Return the call that reverses what this dispatch did, arguments resolved; None: it cannot be reversed."""
    undo = step.undo
    if undo is None:
        return None
    if undo.kind == "use" and undo.use is not None:
        try:
            return replace(undo.use, args=resolve(run, undo.use.args))
        except ExpressionFailed:
            return None
    if not dispatch.before_known:
        return None
    target = target_in(dispatch.use, dispatch.args)
    before = dispatch.before if dispatch.before is not None else dict(dispatch.use.neutral)
    return replace(dispatch.use, args={**target, **before}) if before else None


def effect_in_force(run: Run, fact: f.EffectInForce) -> Run:
    """Return the run with this effect in its ledger."""
    existing = run.ledger.get(fact.key)
    if existing is not None and not existing.sure and existing.step == fact.step and fact.sure:
        existing = existing.prior
    entry = EffectEntry(
        key=fact.key,
        step=fact.step,
        steps=(fact.step,),
        stage=fact.stage,
        use=fact.use,
        target=fact.target,
        value=fact.value,
        undo=fact.undo,
        undo_ask=fact.undo_ask,
        before=fact.before,
        protective=fact.protective,
        sure=fact.sure,
        at=fact.at,
        t=fact.t,
    )
    if existing is not None:
        entry = _supersede(existing, entry)
    ledger = {key: item for key, item in run.ledger.items() if key != fact.key}
    return replace(run, ledger={**ledger, fact.key: entry})


def _supersede(existing: EffectEntry, entry: EffectEntry) -> EffectEntry:
    value = {**existing.value, **entry.value}
    entry = replace(entry, value=value, protective=entry.protective or existing.protective)
    if not entry.sure:
        return replace(entry, prior=existing, undo=entry.undo or existing.undo)
    if existing.step == entry.step:
        # A further move of the same ramp, or a retry: what was there before the first one is still what was before.
        return replace(entry, steps=existing.steps, prior=existing.prior, undo=existing.undo, before=existing.before)
    if entry.undo is None:
        return replace(
            entry,
            steps=(*existing.steps, entry.step),
            prior=existing.prior,
            undo=existing.undo,
            undo_ask=existing.undo_ask,
            before=existing.before,
        )
    return replace(entry, prior=existing)


def effect_cleared(run: Run, fact: f.EffectCleared | f.UndoFailed) -> Run:
    """Return the run with the effect gone (what it superseded comes back), or its undo given up."""
    if isinstance(fact, f.EffectCleared):
        entry = run.ledger.get(fact.key)
        ledger = {key: item for key, item in run.ledger.items() if key != fact.key}
        if entry is not None and entry.prior is not None and not fact.whole:
            ledger[fact.key] = entry.prior
        run = replace(run, ledger=ledger)
        if run.undo is not None and entry is not None:
            for step_id in entry.steps:
                record = run.steps.get(step_id)
                if record is not None:
                    run = run.with_step(step_id, replace(record, state=Done(outcome="undone"), ended_t=fact.t))
    job = run.undo
    if job is None or not job.queue or job.queue[0] != fact.key:
        return run
    if isinstance(fact, f.UndoFailed):
        job = replace(job, failed={**job.failed, fact.key: fact.error})
    else:
        job = replace(job, undone=(*job.undone, fact.key))
    return replace(run, undo=replace(job, queue=job.queue[1:], attempts=0, lost=False))


def undo_ended(run: Run, fact: f.UndoEnded) -> Run:
    """Return the run after undoing; where it went back to a stage, everything from there on is yet to come."""
    run = replace(run, undo=None, rounds=run.rounds + 1)
    if not fact.back_to:
        return run
    names = [stage.id for stage in run.plan.stages]
    cursor = names.index(fact.back_to)
    again = {step.id for stage in run.plan.stages[cursor:] for step in stage.steps}
    return replace(
        run,
        cursor=cursor,
        stage=StageState(id=fact.back_to, since_t=fact.t),
        past={name: word for name, word in run.past.items() if name in names[:cursor]},
        steps={step: record for step, record in run.steps.items() if step not in again},
        ticket=None,
    )


def _word(value: Any) -> str:
    return "+".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
