"""The calm scene: every action succeeds, every probe answers, every check passes.

It remembers what is in force, so that what is undone, adopted or settled goes on from what was done before.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from relight.drivers.rehearsal.scene import Doing, End, Seen
from relight.drivers.rehearsal.wishes import NoSuchValue, paths_in, put, wish
from relight.kernel.intents import Perform, ReadProbe
from relight.kernel.judge import judge_value
from relight.kernel.plan import Check, Expression, Json, Plan, Step, Use
from relight.kernel.plan_index import expressions_in
from relight.kernel.scope import value_of
from relight.kernel.state import Run, Unknown

MakeUp: TypeAlias = Callable[[Use, Mapping[str, Any]], Json]
"""What an action or probe might give for these arguments, from its declaration alone."""

TAKES_MS = 2_000
"""How long an action takes in a calm world; most take seconds, and nothing hangs on how many."""
ASSUMED = "nothing plays it here, so it was assumed to succeed"


class Calm:
    """A world in which all goes well."""

    def __init__(self, plan: Plan, make_up: MakeUp) -> None:
        self._make_up = make_up
        self._read_later = _read_later(plan)
        self._in_force: dict[str, dict[str, Any]] = {}
        self._done: set[str] = set()
        self._passing: dict[str, Seen] = {}

    def pass_until(self, t: int) -> int:
        """Nothing changes with time."""
        return t

    def begin(self, act: Perform, run: Run) -> Doing:
        """Begin what will succeed."""

        def end() -> End:
            self._remember(act)
            return End(result=self._result(act, run), targets=dict.fromkeys(act.targets))

        return Doing(takes_ms=TAKES_MS, end=end, assumed=ASSUMED)

    def _result(self, act: Perform, run: Run) -> Json:
        """Return what it gives: what its step wants to see of it, and whatever later steps read."""
        result = self._make_up(act.use, act.args)
        condition = run.step_of(act.step).pass_when
        if condition is not None:
            with suppress(NoSuchValue):
                wanted = partial(_holds, run, condition)
                result = wish(wanted, [condition.text], result, self._known(run))
        return _with_paths(result, self._read_later.get(f"steps.{act.step}.result", ()))

    def read(self, reading: ReadProbe, run: Run) -> Seen:
        """Answer with what the probe declares."""
        kind, name = reading.id.split(":")[:2]
        if reading.value_in_force:
            return Seen(self._before(reading.use, reading.args))
        base = self._make_up(reading.use, reading.args)
        if kind == "settle":
            return self._settled(run, run.step_of(name), base)
        return Seen(_with_paths(base, self._read_later.get(f"probes.{name}", ())))

    def sample(self, check: Check, run: Run) -> Seen:
        """Answer with what passes."""
        seen = self._passing.get(check.id)
        if seen is None:
            seen = self._passing[check.id] = replace(passing(check, self._make_up), steady=True)
        return seen

    # ---- what is in force

    def _remember(self, act: Perform) -> None:
        use = act.use
        if act.purpose == "undo":
            self._done.discard(act.step)
        else:
            self._done.add(act.step)
        self._in_force[_identity(use, act.args)] = {
            name: value for name, value in act.args.items() if name not in use.key_args and value is not None
        }

    def _before(self, use: Use, args: Mapping[str, Any]) -> Json:
        known = self._in_force.get(_identity(use, args))
        if known is not None:
            return dict(known)
        if use.neutral:
            return None
        # Something is in force of what has no neutral value: a release, a number of nodes.
        made = self._make_up(use, args)
        before = {name: value for name, value in args.items() if name not in use.key_args}
        return {name: get_like(made, name, value) for name, value in before.items()} or None

    def _settled(self, run: Run, step: Step, base: Json) -> Seen:
        """Return what says that the step happened, or that it did not, as it did or did not here."""
        assert step.settle is not None, "only a step with a settle probe is settled by one"
        record = run.steps.get(step.id)
        happened = step.id in self._done
        if record is not None and isinstance(record.state, Unknown) and record.state.lost.purpose == "undo":
            happened = not happened
        condition = step.settle.done_when
        try:
            value = wish(
                lambda value: _holds(run, condition, value) is happened,
                [condition.text],
                base,
                [*self._known(run), "another"],
            )
        except NoSuchValue:
            return Seen(error=f"no answer was found for which {condition.text} is {str(happened).lower()}")
        return Seen(value)

    def _known(self, run: Run) -> list[Json]:
        """Return what the run has read: what another reading may have to equal."""
        return [leaf for reading in run.stage.probes.values() for leaf in _leaves(reading.value)]


def _holds(run: Run, condition: Expression, value: Json) -> bool:
    return value_of(run, condition, value=value) is True


def passing(check: Check, make_up: MakeUp) -> Seen:
    """Return a reading that passes."""
    return wished(check, "pass", make_up)


def wished(check: Check, verdict: str, make_up: MakeUp) -> Seen:
    """Return a reading that the check's criteria judge so; where none is found, that there is none."""
    base = make_up(check.probe, check.probe.args) if check.probe is not None else 0
    texts = [check.pass_when.text] + ([check.fail_when.text] if check.fail_when is not None else [])
    try:
        return Seen(wish(lambda value: judge_value(check, value) == verdict, texts, base))
    except NoSuchValue:
        return Seen(error=f"no value was found for which {check.id} is {verdict}; a rehearsal may say `reads: VALUE`")


def get_like(made: Json, name: str, value: Any) -> Any:
    """Return another value of the kind of *value*: what may have been in force before."""
    if isinstance(made, dict) and made.get(name) is not None:
        return made[name]
    if isinstance(value, str):
        return f"{name}-before"
    return value


def _identity(use: Use, args: Mapping[str, Any]) -> str:
    return f"{use.capability}@{use.provider}[{[args.get(name) for name in use.key_args]}]"


def _leaves(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    return [value]


def _with_paths(value: Json, paths: tuple[tuple[str, ...], ...]) -> Json:
    """Return the value with something wherever a later expression reads, where there is nothing yet."""
    for keys in paths:
        there = value
        for key in keys:
            there = there.get(key, _MISSING) if isinstance(there, dict) else _MISSING
        if there is _MISSING:
            value = put(value, keys, 1)
    return value


_MISSING: Any = object()
_READS = re.compile(r"\b((?:steps\.\w+\.result|probes\.\w+)((?:\.[A-Za-z_]\w*)+))(\()?")


def _read_later(plan: Plan) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return what the plan's expressions read of step results and probes, by ``steps.ID.result`` and ``probes.ID``."""
    found: dict[str, dict[tuple[str, ...], None]] = {}
    for text in _texts(plan):
        for whole, rest, called in _READS.findall(text):
            keys = tuple(rest.strip(".").split("."))
            keys = keys[:-1] if called else keys
            if keys:
                found.setdefault(whole.removesuffix(rest), {})[keys] = None
    return {name: tuple(keys) for name, keys in found.items()}


def _texts(plan: Plan) -> list[str]:
    trees: list[Any] = []
    for stage in plan.stages:
        trees += [stage.title, stage.when, stage.gate.title if stage.gate is not None else None]
        for step in stage.steps:
            trees += [step.when, step.pass_when, step.instruction, step.duration_ms]
            trees += [step.use.args] if step.use is not None else []
            trees += [step.undo.use.args] if step.undo is not None and step.undo.use is not None else []
            trees += [step.ramp.floor, list(step.ramp.through)] if step.ramp is not None else []
            trees += [step.settle.done_when, step.settle.use.args] if step.settle is not None else []
    return [expression.text for expression in expressions_in(trees)]


__all__ = ["ASSUMED", "Calm", "MakeUp", "paths_in", "wished"]
