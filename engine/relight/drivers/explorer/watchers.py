"""What makes a runbook a bad one though the engine does all it says: held against every path that it reckons with.

Each watcher remembers a little of the way; what it remembers is part of the state, so that no path hides another.
What does not belong here: the engine's own properties (``properties``), and what the plan alone shows (``planned``).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from relight.drivers.explorer.findings import Broken, require
from relight.kernel import facts as f
from relight.kernel.effects import effect_key, layers, tighter
from relight.kernel.evolve import evolve
from relight.kernel.plan import Plan, Stage, Step, Use
from relight.kernel.state import EffectEntry, Run

TELLING = ("status.publish", "notify")
"""Capabilities that mend nothing."""


# ---- protection


class Guarded(NamedTuple):
    """What is remembered of one protective effect.

    *since*: the stage that put it in force; *verified*: a later stage passed checks of its own since; *own*: its own
    stage did; *mended*: a stage in between changed something; *entered*: the last stage that checks had to pass for.
    """

    key: str
    since: int
    verified: bool = False
    own: bool = False
    mended: bool = False
    entered: int = -1


class Protection:
    """What protects is only loosened behind a stage that was verified."""

    def __init__(self, plan: Plan) -> None:
        self._index = {stage.id: number for number, stage in enumerate(plan.stages)}
        self._mends = [_mends(stage) for stage in plan.stages]

    def start(self) -> tuple[Guarded, ...]:
        """Return what is remembered before anything happened."""
        return ()

    def rest(self, run: Run) -> None:
        """Hold nothing between transactions."""

    def step(self, held: tuple[Guarded, ...], before: Run, facts: list[f.AnyFact], after: Run) -> tuple[Guarded, ...]:
        """Hold it against one transaction.

        Raises:
            Broken: something loosens what protects, and nothing was verified.
        """
        run = before
        for fact in facts:
            held = self._fact(held, run, fact)
            run = evolve(run, fact)
        return held

    def _fact(self, held: tuple[Guarded, ...], run: Run, fact: f.AnyFact) -> tuple[Guarded, ...]:
        match fact:
            case f.EffectInForce(protective=True):
                others = tuple(item for item in held if item.key != fact.key)
                return (*others, Guarded(fact.key, self._index[fact.stage]))
            case f.EffectInForce():
                self._covered(run, fact)
                return self._loosened(held, run, fact.key, fact.step) if _loosens(run, fact) else held
            case f.EffectCleared() if not fact.never:
                entry = run.ledger.get(fact.key)
                by = run.undo.step if run.undo is not None else run.stage.id
                return self._loosened(held, run, fact.key, by) if entry is not None and entry.protective else held
            case f.StepDispatched(purpose="forward"):
                for entry in _lifted_by(run, fact.step, fact.use, fact.args):
                    held = self._loosened(held, run, entry.key, fact.step)
                return held
            case f.StageEntered():
                return tuple(self._enter(item, run) for item in held)
            case f.StageVerified():
                return tuple(self._verify(item, run) for item in held)
            case _:
                return held

    def _enter(self, item: Guarded, run: Run) -> Guarded:
        stage = run.current
        assert stage is not None
        shown = stage.gate is not None and (stage.gate.require or stage.gate.show)
        return item._replace(entered=run.cursor) if shown or stage.preconditions else item

    def _verify(self, item: Guarded, run: Run) -> Guarded:
        stage = run.current
        assert stage is not None
        if stage.verify:
            own = item.own or run.cursor <= item.since
            return item._replace(own=own, verified=item.verified or run.cursor > item.since)
        mended = item.mended or (run.cursor > item.since and self._mends[run.cursor])
        return item._replace(mended=mended)

    def _loosened(self, held: tuple[Guarded, ...], run: Run, key: str, step: str) -> tuple[Guarded, ...]:
        item = next((item for item in held if item.key == key), None)
        if item is None:
            return held
        ramp = run.step_of(step).ramp if step in run.plan_index else None
        behind = item.verified or item.entered == run.cursor or (item.own and not item.mended)
        text = f"{step} loosens {_said(run, key)}, which protects, and nothing was verified since it came in force"
        allowed = behind or (ramp is not None and bool(ramp.checks))
        others = tuple(other for other in held if other.key != key)
        if not allowed:
            place = {"stage": run.stage.id, "step": step if step in run.plan_index else ""}
            broken = Broken("protection-kept", text, **place)
            broken.held = others
            raise broken
        return others

    def _covered(self, run: Run, fact: f.EffectInForce) -> None:
        """An undo that would lift another step's protection is no undo of this step."""
        if fact.undo is None:
            return
        for entry in run.ledger.values():
            if entry.key == fact.key or not entry.protective:
                continue
            step = run.step_of(fact.step)
            same = effect_key(step, fact.undo, fact.undo.args) == entry.key and fact.undo.lasting
            lifts = same and not tighter(entry, fact.undo.args)
            if lifts or _is_undo_of(entry, fact.undo, fact.undo.args):
                text = f"undoing {fact.step} would lift {_said(run, entry.key)}, which protects"
                raise Broken("protection-kept", text, stage=fact.stage, step=fact.step)


def _mends(stage: Stage) -> bool:
    return any(
        step.use is not None and step.use.effect != "read" and step.use.capability not in TELLING
        for step in stage.steps
    )


def _said(run: Run, key: str) -> str:
    entry = run.ledger.get(key)
    return f"what {entry.steps[0]} did" if entry is not None else key


def _loosens(run: Run, fact: f.EffectInForce) -> bool:
    entry = run.ledger.get(fact.key)
    forward = run.undo is None or run.undo.then == "step"
    if entry is None or not entry.protective or not forward:
        return False
    # What an undo step lifts, or another call than the one that protects, is gone whatever its arguments say.
    lifts = run.step_of(fact.step).kind == "undo" or fact.use.capability != entry.use.capability
    return lifts or not tighter(entry, fact.value)


def _is_undo_of(entry: EffectEntry, use: Use, args: Mapping[str, Any]) -> bool:
    undo = entry.undo
    return undo is not None and (undo.capability, undo.args) == (use.capability, dict(args))


def _lifted_by(run: Run, step: str, use: Use, args: Mapping[str, Any]) -> list[EffectEntry]:
    """Return the protective effects that this call undoes, though it does not say so."""
    found = []
    for entry in run.ledger.values():
        other_key = entry.key != effect_key(run.step_of(step), use, args)
        if entry.protective and entry.step != step and other_key and _is_undo_of(entry, use, args):
            found.append(entry)
    return found


# ---- what is left at the end


class Left(NamedTuple):
    """Whether nobody left a stage out, and nothing that takes an effect back failed or was left out."""

    clean: bool = True


class LeftBehind:
    """What is still in force when a run succeeds, and what the runbook takes back.

    An effect that stays on every way is meant to stay; one that stays on some ways only was forgotten there.

    Attributes:
        cleared: Steps whose effect some path takes back.
        left: Steps whose effect stays in force though the step that takes it back did not fail, and such a run's end.
    """

    def __init__(self, plan: Plan) -> None:
        steps = [step for stage in plan.stages for step in stage.steps]
        self._take_back = {
            step.id
            for index, step in enumerate(steps)
            if step.undoes is not None or any(_alike(step, other) for other in steps[:index])
        }
        self.cleared: set[str] = set()
        self.left: dict[str, Run] = {}

    def start(self) -> Left:
        """Return what is remembered before anything happened."""
        return Left()

    def rest(self, run: Run) -> None:
        """Hold nothing between transactions."""

    def step(self, held: Left, before: Run, facts: list[f.AnyFact], after: Run) -> Left:
        """Mark what one transaction took back or left."""
        for fact in facts:
            match fact:
                case f.StageSkipped(person=person) if person:
                    held = Left(clean=False)
                case f.UndoFailed():
                    held = Left(clean=False)
                case f.StepFailed(final=True) if fact.step in self._take_back:
                    held = Left(clean=False)
                case f.StepSkipped(person=person) if person and fact.step in self._take_back:
                    held = Left(clean=False)
                case f.EffectCleared(never=False):
                    entry = before.ledger.get(fact.key)
                    self.cleared.update(layer.step for layer in layers(entry) if before.outcome is None)
                case f.RunEnded(outcome="succeeded") if held.clean:
                    for entry in after.ledger.values():
                        if entry.sure:
                            self.left.setdefault(entry.step, after)
                case _:
                    pass
        return held


def _alike(step: Step, other: Step) -> bool:
    """Return whether two steps may be about one effect."""
    return (
        step.use is not None
        and other.use is not None
        and step.use.lasting
        and (step.use.capability == other.use.capability)
    )


# ---- steps that cannot be made, taken back, or told apart


class Sense:
    """Every expression meets data that it can work on; every declared undo can be made; no two steps race."""

    def __init__(self, plan: Plan) -> None:
        self._undo = {step.id: step.undo for stage in plan.stages for step in stage.steps}

    def start(self) -> None:
        """Return what is remembered: nothing."""

    def rest(self, run: Run) -> None:
        """Hold that no two steps work on one effect at the same time.

        Raises:
            Broken: two do.
        """
        keys: dict[str, str] = {}
        for item in run.dispatches.values():
            if item.effect_key and item.purpose != "undo":
                other = keys.setdefault(item.effect_key, item.step)
                text = f"{other} and {item.step} change the same effect at the same time: which is in force is chance"
                place = {"stage": run.stage.id, "step": item.step}
                require(other == item.step, "nothing-left-behind", text, **place)

    def step(self, held: None, before: Run, facts: list[f.AnyFact], after: Run) -> None:
        """Hold it against one transaction.

        Raises:
            Broken: an expression fails, or an undo cannot be made.
        """
        for fact in facts:
            if isinstance(fact, f.Held) and fact.code == "expression-failed" and not _is_on_word(after, fact):
                raise Broken("way-on", _expression(after, fact), stage=fact.stage, step=fact.step)
            if isinstance(fact, f.EffectInForce) and fact.undo is None and fact.sure:
                undo = self._undo.get(fact.step)
                if undo is not None and undo.kind == "use":
                    text = f"{fact.step} is in force and its undo cannot be made: what its arguments read is not there"
                    raise Broken("less-exposure-at-once", text, stage=fact.stage, step=fact.step)


def _is_on_word(run: Run, fact: f.Held) -> bool:
    """Return whether what is missing was never printed, for a person said that the step was done."""
    return any(
        record.word == "succeeded" and record.result is None and f"steps.{name}." in fact.text
        for name, record in run.steps.items()
    )


def _expression(run: Run, fact: f.Held) -> str:
    missing = [
        f"{name} was {record.word}"
        for name, record in run.steps.items()
        if record.result is None and record.word in ("skipped", "failed") and f"steps.{name}" in fact.text
    ]
    skipped = [f"stage {stage} was skipped" for stage, word in run.past.items() if word == "skipped"]
    why = "; ".join([*missing, *skipped])
    return f"an expression meets data that it cannot work on: {fact.text}" + (f" ({why})" if why else "")
