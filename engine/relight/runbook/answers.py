"""What the world may answer to a plan: of each kind one, as far as contracts and expressions tell kinds apart.

An expression is never understood, only tried: on values of the type that a contract declares, on what is written in the
expressions themselves, and on their neighbours. Two answers on which every condition agrees are of one kind.
What does not belong here: what follows from an answer.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any

from relight.errors import PluginError
from relight.kernel.fact import Verdict
from relight.kernel.plan import Check, Expression, ExpressionFailed, Json, Plan, Use
from relight.kernel.scope import expressions_in
from relight.runbook.answers_samples import Leaf, measures, put, samples_of
from relight.sdk.plugin import Contract
from relight.sdk.registry import Registry

KINDS_MAX = 6
"""Kinds of one answer that are told apart; a runbook that tells more apart by one value has other worries."""
TRIED_MAX = 400

_Value = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers that may come, of each kind one.

    Attributes:
        results: By step, what it may give when it succeeds.
        settles: By step, what its settle probe may answer.
        probes: By named probe, what it may answer.
        verdicts: By check, each verdict that it can reach with a value that reaches it.
        conflicts: Pairs of checks that read the same and can never pass together.
    """

    results: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    settles: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    probes: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    verdicts: Mapping[str, Mapping[Verdict, Any]] = field(default_factory=dict)
    conflicts: frozenset[frozenset[str]] = frozenset()


def answers(plan: Plan, registry: Registry, also: Iterable[Expression] = ()) -> Answers:
    """Return what the world may answer to this plan; *also* are conditions besides the plan's own."""
    return _Teller(plan, registry, tuple(also)).tell()


class _Teller:
    def __init__(self, plan: Plan, registry: Registry, also: tuple[Expression, ...]) -> None:
        self._plan = plan
        self._registry = registry
        self._steps = [step for stage in plan.stages for step in stage.steps]
        whens = [*(stage.when for stage in plan.stages), *(step.when for step in self._steps)]
        self._conditions: list[Expression] = [*(when for when in whens if when is not None), *also]
        self._texts: list[Expression] = [*expressions_in(_trees(plan)), *self._conditions]
        self._bases: dict[str, _Value] = {}

    def tell(self) -> Answers:
        plan = self._plan
        for name, probe in plan.probes.items():
            self._bases[f"probes.{name}"] = self._base(probe.use, f"probes.{name}", self._texts)
        for step in self._steps:
            if step.use is not None and step.targets is None:
                self._bases[f"steps.{step.id}.result"] = self._base(step.use, f"steps.{step.id}.result", self._texts)
        results = {
            step.id: self._kinds(step.use, f"steps.{step.id}.result", self._own(step.pass_when))
            for step in self._steps
            if step.use is not None
        }
        settles = {
            step.id: self._kinds(step.settle.use, "value", [step.settle.done_when])
            for step in self._steps
            if step.settle is not None
        }
        probes = {name: self._kinds(probe.use, f"probes.{name}", []) for name, probe in plan.probes.items()}
        candidates = {name: self._readings(check) for name, check in plan.checks.items()}
        verdicts = {name: _verdicts(check, candidates[name]) for name, check in plan.checks.items()}
        return Answers(
            results=results, settles=settles, probes=probes, verdicts=verdicts, conflicts=self._conflicts(candidates)
        )

    def _own(self, pass_when: Expression | None) -> list[Expression]:
        return [] if pass_when is None else [pass_when]

    # ---- samples of one answer

    def _contract(self, use: Use) -> Contract | None:
        plugin_name = str(self._plan.providers.get(use.provider, {}).get("use", use.provider))
        try:
            plugin = self._registry.get(plugin_name)
        except PluginError:
            return None
        kind = plugin.provider.contracts().get(use.action) if plugin is not None else None
        return kind.contract if kind is not None else None

    def _samples(self, use: Use, prefix: str, texts: list[Expression]) -> Iterator[_Value]:
        contract = self._contract(use)
        pool = [value for base in self._bases.values() for value in _words_in(base)]
        return samples_of(contract.result if contract is not None else None, prefix, texts, pool)

    def _base(self, use: Use, prefix: str, texts: list[Expression]) -> _Value:
        """Return the first sample on which everything that reads it can be evaluated."""
        first: _Value = None
        readers = [text for text in texts if any(_reads(name, prefix) for name in text.names)]
        for sample in islice(self._samples(use, prefix, readers), TRIED_MAX):
            first = sample if first is None else first
            scope = self._scope({prefix: sample})
            if all(_value(reader, scope) is not _FAILED for reader in readers):
                return sample
        return first

    def _kinds(self, use: Use, prefix: str, own: list[Expression]) -> tuple[Json, ...]:
        """Return one sample for each way in which the conditions that read it can turn out together."""
        texts = [text for text in self._texts if any(_reads(name, prefix) for name in text.names)]
        judges = [item for item in self._conditions if any(_reads(name, prefix) for name in item.names)]
        base = self._bases.get(prefix)
        found: dict[tuple[Any, ...], _Value] = {}
        failed: dict[tuple[Any, ...], _Value] = {}
        for sample in islice(self._candidates(use, prefix, [*texts, *own], base, own), TRIED_MAX):
            scope = self._scope({prefix: sample}) if prefix != "value" else self._scope({})
            vector = tuple(
                [_true(item, scope) for item in judges] + [_true(item, scope | {"value": sample}) for item in own]
            )
            readable = all(_value(text, scope) is not _FAILED for text in texts)
            (found if readable and _FAILED not in vector else failed).setdefault(vector, sample)
        kinds = list((found or failed).values()) or [base]
        return tuple(kinds[:KINDS_MAX])

    def _candidates(
        self, use: Use, prefix: str, texts: list[Expression], base: _Value, own: list[Expression]
    ) -> Iterator[_Value]:
        if base is not None:
            yield base
        yield from self._samples(use, prefix, texts)
        if own and prefix != "value":
            # A probe step's own criterion calls the same answer by another name.
            yield from self._samples(use, "value", own)

    def _scope(self, changed: Mapping[str, _Value]) -> dict[str, Any]:
        scope: dict[str, Any] = {**self._plan.scope, "run": {"id": "run-1", "starter": "starter", "started_at": 0}}
        for path, value in {**self._bases, **changed}.items():
            put(scope, path.split("."), value)
        for step in self._steps:
            put(scope, ["steps", step.id, "state"], "succeeded")
        for name in self._plan.checks:
            put(scope, ["checks", name], {"value": 0.0, "verdict": "pass"})
        return scope

    # ---- checks

    def _readings(self, check: Check) -> list[_Value]:
        criteria: list[Expression] = [check.pass_when, *([check.fail_when] if check.fail_when is not None else [])]
        if check.query is not None:
            same = [other for other in self._plan.checks.values() if other.query == check.query]
            both = [item for other in same for item in (other.pass_when, other.fail_when) if item is not None]
            return list(measures(str(check.query.get("name", "")), both))
        assert check.probe is not None
        same = [other for other in self._plan.checks.values() if other.probe == check.probe]
        both = [item for other in same for item in (other.pass_when, other.fail_when) if item is not None]
        return list(islice(self._samples(check.probe, "value", both or criteria), TRIED_MAX))

    def _conflicts(self, candidates: Mapping[str, list[_Value]]) -> frozenset[frozenset[str]]:
        found = set()
        for one, other in combinations(self._plan.checks.values(), 2):
            same = one.query == other.query and one.probe == other.probe
            if same and not any(
                _verdict(one, value) == "pass" and _verdict(other, value) == "pass" for value in candidates[one.id]
            ):
                found.add(frozenset({one.id, other.id}))
        return frozenset(found)


def _trees(plan: Plan) -> list[Any]:
    trees: list[Any] = []
    for stage in plan.stages:
        trees += [stage.title, stage.gate.title if stage.gate is not None else None]
        for step in stage.steps:
            trees += [step.instruction, step.duration_ms, step.use.args if step.use is not None else None]
            trees += [step.ramp.floor, step.ramp.through] if step.ramp is not None else []
            trees.append(step.undo.use.args if step.undo is not None and step.undo.use is not None else None)
            trees.append(step.settle.use.args if step.settle is not None else None)
    return trees


def _reads(name: str, prefix: str) -> bool:
    return name == prefix or prefix.startswith(f"{name}.") or name.startswith(f"{prefix}.")


def _words_in(value: _Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _words_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words_in(item)


_FAILED: Any = object()


def _value(expression: Expression, scope: Mapping[str, Any]) -> Any:
    try:
        return expression.value(scope)
    except ExpressionFailed:
        return _FAILED


def _true(expression: Expression, scope: Mapping[str, Any]) -> Any:
    value = _value(expression, scope)
    return value if value is _FAILED else value is True


def _verdict(check: Check, value: _Value) -> Verdict | None:
    """Return what a sample of this value is; None where the criteria cannot be evaluated on it."""
    passes = _true(check.pass_when, {"value": value})
    fails = _true(check.fail_when, {"value": value}) if check.fail_when is not None else passes is False
    if passes is _FAILED or fails is _FAILED:
        return None
    return "fail" if fails else "pass" if passes else "neutral"


def _verdicts(check: Check, candidates: list[_Value]) -> dict[Verdict, Any]:
    found: dict[Verdict, Any] = {}
    for value in candidates:
        verdict = _verdict(check, value)
        if verdict in ("pass", "fail") and verdict not in found:
            found[verdict] = value if isinstance(value, bool | int | float | str) else None
    if not found:
        found = {"pass": None, "fail": None}  # nothing that was tried fits it; it may be anything
    order: list[Verdict] = ["pass", "fail"]
    return {**{verdict: found[verdict] for verdict in order if verdict in found}, "inconclusive": None}


__all__ = ["Answers", "Leaf", "answers"]
