"""The ledger: effects in force, what each superseded, and what reverses it.

Same capability on the same target is one effect; the later supersedes the earlier.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from relight.kernel import facts as f
from relight.kernel.changing import evolved
from relight.kernel.ledger import EffectEntry
from relight.kernel.plan import ExpressionFailed, Step, Use
from relight.kernel.scope import resolve
from relight.kernel.state import Dispatch, Done, Ramping, Run, UndoJob


def effect_key(step: Step, use: Use, args: Mapping[str, Any]) -> str:
    """Return the identity of the effect that this call makes, empty where it makes none.

    A lasting capability is known by what it works on; another action leaves an effect only when the step says how to
    undo it (or that it protects), and then it is the step's own.
    """
    if use.lasting:
        target = ",".join(f"{name}={target_word(args.get(name))}" for name in use.key_args)
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


def value_after(run: Run, key: str, step: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is in force after a call: arguments that it did not name stay as they were."""
    there = run.ledger.get(key)
    if there is not None and not there.sure and there.step == step:
        there = there.otherwise
    return {**(there.value if there is not None else {}), **value}


def is_neutral(use: Use, value: Mapping[str, Any]) -> bool:
    """Return whether nothing is in force at this value."""
    return bool(use.neutral) and all(name in value and value[name] == at for name, at in use.neutral.items())


def undo_use(run: Run, step: Step, dispatch: Dispatch) -> Use | None:
    """Return the call that reverses what this dispatch did, arguments resolved; None: it cannot be reversed."""
    undo = step.undo
    if undo is None:
        return _to_floor(run, step, dispatch)
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


def _to_floor(run: Run, step: Step, dispatch: Dispatch) -> Use | None:
    """Return what takes a ramp back to its floor: its undo where it has none, and superseded no other effect."""
    record, there = run.steps.get(step.id), run.ledger.get(dispatch.effect_key)
    if step.ramp is None or record is None or not isinstance(record.state, Ramping):
        return None
    if there is not None and (there.step != step.id or there.prior is not None):
        return None
    return replace(dispatch.use, args={**dispatch.args, step.ramp.key: record.state.values[0]})


def tighter(entry: EffectEntry, value: Mapping[str, Any]) -> bool:
    """Return whether a value lets no more through than what is in force; what is no number only if it is the same."""
    for name, new in value.items():
        old = entry.value.get(name, entry.target.get(name))
        if new == old or name not in {**entry.value, **entry.use.neutral}:
            continue
        numbers = isinstance(new, int | float) and isinstance(old, int | float)
        if not numbers or new > old:
            return False
    return True


def is_lifted(run: Run, entry: EffectEntry) -> bool:
    """Return whether what it stands on, which protects, was undone by the runbook and is kept only to return.

    An undo step did it, or a step that calls just what the protecting one declares as its undo.
    """
    below = entry.prior
    if below is None or not entry.loosens:
        return False
    return run.step_of(entry.step).kind == "undo" or entry.use.capability != below.use.capability


# ---- layers: what was superseded comes back when what supersedes it is undone


def layers(entry: EffectEntry | None) -> Iterator[EffectEntry]:
    """Yield an effect and what it superseded, the newest first."""
    while entry is not None:
        yield entry
        entry = entry.prior


def may_undo(entry: EffectEntry) -> bool:
    """Return whether undoing it exposes nobody: what protects stays, what loosened it may be taken back."""
    return not entry.protective or entry.loosens


def to_undo(run: Run, stages: tuple[str, ...] | None = None) -> list[EffectEntry]:
    """Return what may be undone, last in first out (of these stages, or all); protective effects stay."""
    found: list[EffectEntry] = []
    for top in reversed(run.ledger.values()):
        for entry in layers(top):
            if not may_undo(entry) or (stages is not None and entry.stage not in stages):
                break
            found.append(entry)
    return sorted(found, key=lambda entry: entry.t, reverse=True)


def to_undo_at_end(run: Run) -> list[EffectEntry]:
    """Return what the end of an aborted run undoes: what it did; what it adopted and did not take over stays."""
    return [entry for entry in to_undo(run) if entry.step not in run.adopted]


def not_undone(run: Run) -> list[EffectEntry]:
    """Return what should be gone once everything was undone that may be, and is in force.

    What asks a person first, or was never meant to be undone, stays as its author said.
    """
    return [
        top
        for top in run.ledger.values()
        if may_undo(top)
        and top.step not in run.adopted
        and not top.undo_ask
        and (top.undo is not None or run.step_of(top.step).undo is not None)
    ]


def down_to(run: Run, step: str) -> list[EffectEntry]:
    """Return that step's effects in force with all that superseded them, in the order of undoing."""
    found: list[EffectEntry] = []
    for top in reversed(run.ledger.values()):
        above = list(layers(top))
        at = [index for index, entry in enumerate(above) if entry.step == step]
        found += above[: at[-1] + 1] if at else []
    return found


# ---- how facts about effects change a run


def effect_in_force(run: Run, fact: f.EffectInForce) -> Run:
    """Return the run with this effect in its ledger."""
    before = run.ledger.get(fact.key)
    if before is not None and not before.sure and before.step == fact.step:
        # The same step's unsure change is known now, or was made once more: what was there before it counts.
        before = before.otherwise
    earlier = before.targets if before is not None and before.step == fact.step else ()
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
        otherwise=None if fact.sure else before,
        targets=earlier + fact.targets if fact.sure else earlier,
        maybe=() if fact.sure else fact.targets,
    )
    if before is not None:
        entry = _take_over(before, entry) if _takes_over(run, before, entry) else _supersede(before, entry)
    ledger = {key: item for key, item in run.ledger.items() if key != fact.key}
    job = run.undo
    if before is not None and job is not None and (job.then, job.step) == ("step", fact.step):
        # The undo step lifted what protects: it is undone, and stays beneath until its stage is verified.
        job = next_in(evolved(job, undone=(*job.undone, fact.key), steps=(*job.steps, before.step)))
    return evolved(run, ledger={**ledger, fact.key: entry}, undo=job)


def _supersede(before: EffectEntry, entry: EffectEntry) -> EffectEntry:
    value = {**before.value, **entry.value}
    if before.step == entry.step:
        # A further move of the same ramp, another slice, or a retry: what was before the first one is still before.
        return evolved(
            entry,
            value=value,
            steps=before.steps,
            prior=before.prior,
            undo=before.undo or entry.undo,
            before=before.before,
            protective=before.protective,
            loosens=before.loosens,
        )
    return evolved(
        entry,
        value=value,
        steps=(*before.steps, entry.step),
        prior=before,
        undo=entry.undo or replace(before.use, args={**before.target, **before.value}),
        protective=entry.protective or before.protective,
        loosens=before.protective and not entry.protective,
    )


def _takes_over(run: Run, before: EffectEntry, entry: EffectEntry) -> bool:
    """Return whether what an ended run left is this step's own now: undoing it goes back to before that run.

    Not where the step loosens protection, for it may have to return; nor where hosts are counted. Where undoing would
    give back another value than the ended run's undo, only if that run did not come to its goal (or protects) and what
    it left is what was found: else somebody has decided since, and the value that was found is the one to go back to.
    """
    left, first = run.adopted.get(before.step), list(layers(before))[-1]
    if left is None or entry.step in run.adopted or (before.protective and not entry.protective):
        return False
    if any(layer.targets or layer.maybe for layer in (entry, *layers(before))):
        return False
    if entry.undo is not None and (first.undo is None or not entry.use.lasting or _is_same(entry.undo, first.undo)):
        return first.undo is not None and _is_same(entry.undo, first.undo)
    meant_to_stay = left.outcome == "succeeded" and not before.protective
    return not meant_to_stay and _is_as_left(before, entry.before)


def _is_same(one: Use, other: Use) -> bool:
    return (one.capability, one.provider, one.args) == (other.capability, other.provider, other.args)


def _is_as_left(left: EffectEntry, found: Mapping[str, Any] | None) -> bool:
    """Return whether the value that was read before a step is what is left; trust the ledger where none was read."""
    if found is None:
        return True
    plain = [name for name, value in left.value.items() if name in found and isinstance(value, str | int | float)]
    return bool(plain) and all(found[name] == left.value[name] for name in plain)


def _take_over(before: EffectEntry, entry: EffectEntry) -> EffectEntry:
    first = list(layers(before))[-1]
    return evolved(
        entry,
        value={**before.value, **entry.value},
        steps=(*before.steps, entry.step),
        undo=first.undo,
        undo_ask=entry.undo_ask or first.undo_ask,
        before=first.before,
        protective=entry.protective or before.protective,
    )


def effect_cleared(run: Run, fact: f.EffectCleared) -> Run:
    """Return the run with the effect gone, and what it superseded back."""
    entry, job = run.ledger.get(fact.key), run.undo
    if fact.whole or fact.never:
        return _without(run, fact.key, entry.otherwise if entry is not None and fact.never else None)
    if job is not None and job.queue[:1] != (fact.key,):
        job = None  # a person marked another effect meanwhile: what is being undone goes on
    if job is not None and (entry is None or entry.step != job.layers[0]):
        return evolved(run, undo=next_in(job))  # it was gone already; another step's effect may be there instead
    assert entry is not None, "only what is in force is undone by hand"
    run = _without(run, fact.key, entry.prior)
    record = run.steps.get(entry.step)
    # Marked as gone while its step is being done once more: that goes on.
    if record is not None and (job is not None or isinstance(record.state, Done)):
        run = run.with_step(entry.step, evolved(record, state=Done(outcome="undone"), ended_t=fact.t))
    if job is None:
        return run
    return evolved(run, undo=next_in(evolved(job, undone=(*job.undone, fact.key), steps=(*job.steps, entry.step))))


def _without(run: Run, key: str, back: EffectEntry | None) -> Run:
    ledger = {name: entry for name, entry in run.ledger.items() if name != key}
    if back is not None:
        ledger = dict(sorted({**ledger, key: back}.items(), key=lambda item: item[1].t))
    return evolved(run, ledger=ledger)


def next_in(job: UndoJob) -> UndoJob:
    """Return the job with the first of its queue dealt with."""
    return evolved(job, queue=job.queue[1:], layers=job.layers[1:], attempts=0, lost=False, again_t=0)


def target_word(value: Any) -> str:
    """Return a part of what is worked on as the effect's identity has it."""
    return "+".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
