"""The ledger as people see it: what was changed and not undone, each with its undo and what is really there."""

from collections.abc import Mapping
from typing import Any

from relight.control.wording import arguments, clock_or_days, instant, now_ms, plain_value, spoken_value
from relight.errors import UsageError
from relight.kernel.adopting import Adoption
from relight.kernel.effects import down_to, layers
from relight.kernel.ledger import EffectEntry
from relight.kernel.state import Run
from relight.kernel.undoing import keys_to_undo


def effect_entries(run: Run, live: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the effects in force, the oldest first."""
    observed = live.get("observed", {})
    return [_entry(run, entry, observed.get(entry.key)) for entry in run.ledger.values()]


def effects_document(entries: list[dict[str, Any]], *, run: str | None) -> dict[str, Any]:
    """Return what ``relight effects`` gives: of one run, or of all."""
    return {"schema": "relight.effects/v1", "run": run, "effects": entries}


def _entry(run: Run, entry: EffectEntry, seen: Mapping[str, Any] | None) -> dict[str, Any]:
    action = entry.use.capability
    return {
        "key": entry.key,
        "step": entry.step,
        "stage": entry.stage,
        "action": action,
        "value": plain_value(entry.value),
        "observed": None if not seen else plain_value(seen.get("value")),
        "observed_at": None if not seen or seen.get("at") is None else instant(seen["at"]),
        "observe_error": "" if not seen else str(seen.get("error", "")),
        "protective": entry.protective,
        "sure": entry.sure,
        "undo": _undo(entry),
        "before": plain_value(entry.before),
        "since": instant(entry.at),
        "left_by": _left_by(run, entry),
        "says": " ".join(word for word in (action, arguments(entry.value)) if word),
        "when_undone": _undone_by(run, entry),
    }


def _left_by(run: Run, entry: EffectEntry) -> dict[str, Any] | None:
    """Return the ended run that made an effect which this run has adopted; None: it is this run's own."""
    left = run.adopted.get(entry.step)
    if left is None:
        return None
    return {"run": left.run, "state": left.outcome, "ended_at": instant(left.ended_at)}


def left_entry(holder: Run, left: Adoption) -> dict[str, Any]:
    """Return what an ended run left, as a new run knows it; *holder* is the run that holds it now."""
    entry, first = left.entry, list(layers(left.entry))[-1]
    maker = holder.adopted.get(entry.step)
    run, state, at = (
        (holder.id, holder.outcome, holder.ended_at) if maker is None else (maker.run, maker.outcome, maker.ended_at)
    )
    assert state is not None and at is not None, "only ended runs leave something"
    # What a script left in force is no value; its arguments are on view elsewhere.
    value = spoken_value(plain_value(entry.value)) if entry.use.lasting else entry.use.capability
    what = f"{entry.step.rpartition('/')[2]} {value}".rstrip()
    since = f"in force since run {run} ({state} {clock_or_days(at, now_ms())})"
    return {
        **_entry(holder, entry, None),
        "run": holder.id,
        "left_by": {"run": run, "state": state, "ended_at": instant(at)},
        "before": plain_value(first.before),
        "touch": left.touch,
        "tells": f"{'' if entry.sure else 'PERHAPS '}{what}, {since}; {_way_back(first)}",
    }


def _way_back(first: EffectEntry) -> str:
    """Return what was there before, where anybody knows, else what reverses it."""
    returns = first.undo is not None and first.undo.capability == first.use.capability
    before = first.before or (first.use.neutral if returns else None)
    if before:
        words = {name: each for name, each in before.items() if name not in first.use.key_args}
        return f"before it: {spoken_value(words)}"
    return f"undo: {_undo(first) or 'none'}"


def entry_document(run: Run, entry: EffectEntry) -> dict[str, Any]:
    """Return one effect of a run as ``relight effects`` has it, with nothing of what the world shows."""
    return _entry(run, entry, None)


def _undo(entry: EffectEntry) -> str | None:
    """Return what undoing it does, in one line; None where it cannot be undone."""
    if entry.undo is None:
        return None
    text = " ".join(word for word in (entry.undo.capability, arguments(plain_value(entry.undo.args))) if word)
    return f"{text} (asks first)" if entry.undo_ask else text


def _undone_by(run: Run, entry: EffectEntry) -> str:
    """Return where it ends if the run goes well, and what becomes of it if the run is aborted."""
    if run.outcome is not None:
        return "left behind"
    for stage in run.plan.stages[run.cursor :]:
        for step in stage.steps:
            if step.undoes in entry.steps:
                return f"undone at {stage.id}"
            if step.id not in run.steps and step.use is not None and _clears(entry, step.use.args, step.use.capability):
                return f"cleared at {stage.id}"
    if entry.step in run.adopted:
        return "kept on abort"
    return "kept on abort" if entry.protective or run.plan.on_abort == "leave" else "undone on abort"


def _clears(entry: EffectEntry, args: Mapping[str, Any], capability: str) -> bool:
    neutral = entry.use.neutral
    return bool(neutral) and capability == entry.use.capability and all(args.get(k) == v for k, v in neutral.items())


def undo_preview(run: Run, *, step: str = "", stage: str = "") -> list[dict[str, Any]]:
    """Return the effects that an undo would reverse, in its order.

    Raises:
        UsageError: the runbook has no such step or stage.
    """
    stages = [each.id for each in run.plan.stages]
    if stage and stage not in stages:
        raise UsageError(f"there is no stage {stage!r}", hint=f"stages are: {', '.join(stages)}")
    if step and step not in run.plan_index and step not in run.adopted:
        raise UsageError(f"there is no step {step!r}", hint=f"steps are: {', '.join(run.plan_index)}")
    if stage:
        keys = keys_to_undo(run, tuple(stages[stages.index(stage) :]))
        entries = [run.ledger[key] for key in keys]
    else:
        entries = down_to(run, step)
    return [_entry(run, entry, None) for entry in entries]
