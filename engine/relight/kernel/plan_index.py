"""What a plan's parts name and where its steps are: read off the plan once, for it never changes.

What does not belong here: anything about a run.
"""

from collections.abc import Callable, Iterable

from relight.frozen import frozen
from relight.kernel.plan import Expression, Plan, Stage, Step, Tree


class _Found(dict[str, frozenset[str]]):
    """What is found for a name when it is first asked for: who takes a run over asks for one stage of many."""

    __slots__ = ("_find",)

    def __init__(self, find: Callable[[str], frozenset[str]]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, name: str) -> frozenset[str]:
        found = self[name] = self._find(name)
        return found


@frozen
class PlanIndex:
    """Every step by its id with its stage, and the named probes that steps and stages read.

    Attributes:
        probes: By step: those without which it cannot begin.
        probes_after: By step: those that only its settling and its undo read.
        probes_when: By stage: those that its ``when`` reads.
        probes_stage: By stage: those without which it cannot be entered; with a gate, which freezes them when it asks,
            also those of its title and its steps.
    """

    plan: Plan
    steps: dict[str, tuple[Stage, Step]]
    probes: dict[str, frozenset[str]]
    probes_after: dict[str, frozenset[str]]
    probes_when: dict[str, frozenset[str]]
    probes_stage: dict[str, frozenset[str]]


def expressions_in(tree: Tree) -> Iterable[Expression]:
    """Yield every expression in a tree of arguments."""
    if isinstance(tree, dict):
        for item in tree.values():
            yield from expressions_in(item)
    elif isinstance(tree, list | tuple):
        for item in tree:
            yield from expressions_in(item)
    elif not plain(tree) and isinstance(tree, Expression):
        yield tree


def plain(leaf: Tree) -> bool:
    """Return whether a leaf is a value as it stands; cheaper than asking whether it is an expression."""
    return leaf is None or isinstance(leaf, str | int | float)


def probes_in(*trees: Tree) -> frozenset[str]:
    """Return the ids of the named probes that these trees read."""
    return frozenset(
        name.split(".")[1]
        for tree in trees
        for expression in expressions_in(tree)
        for name in expression.names
        if name.startswith("probes.")
    )


_INDEXES: dict[int, PlanIndex] = {}
_INDEXES_MAX = 64
"""Plans whose index is remembered; a process that drives more at once builds some again."""


def index_of(plan: Plan) -> PlanIndex:
    """Return the plan's index, built when it is first asked for."""
    known = _INDEXES.get(id(plan))
    if known is not None and known.plan is plan:
        return known
    if len(_INDEXES) >= _INDEXES_MAX:
        _INDEXES.clear()
    _INDEXES[id(plan)] = index = _build(plan)
    return index


def _build(plan: Plan) -> PlanIndex:
    stages = {stage.id: stage for stage in plan.stages}
    steps = {step.id: (stage, step) for stage in plan.stages for step in stage.steps}
    return PlanIndex(
        plan=plan,
        steps=steps,
        probes=_Found(lambda name: _probes_first(steps[name][1])),
        probes_after=_Found(lambda name: _probes_after(steps[name][1])),
        probes_when=_Found(lambda name: probes_in(stages[name].when)),
        probes_stage=_Found(lambda name: _probes_stage(stages[name])),
    )


def _probes_stage(stage: Stage) -> frozenset[str]:
    if stage.gate is None:
        return probes_in(stage.when)
    steps = (_probes_first(step) | _probes_after(step) for step in stage.steps)
    return probes_in(stage.when, stage.gate.title).union(*steps)


def _probes_first(step: Step) -> frozenset[str]:
    use = step.use.args if step.use is not None else None
    values = (step.ramp.floor, step.ramp.through) if step.ramp is not None else None
    first = probes_in(step.when, step.duration_ms, step.instruction, step.pass_when, use, values)
    # Whoever protects waits for nothing that is only needed afterwards.
    return first if step.protective else first | _probes_after(step)


def _probes_after(step: Step) -> frozenset[str]:
    undo = step.undo.use.args if step.undo is not None and step.undo.use is not None else None
    settle = (step.settle.use.args, step.settle.done_when) if step.settle is not None else None
    return probes_in(undo, settle)
