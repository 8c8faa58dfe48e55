"""What every part of the planner works with: both documents, the inputs' values, and where complaints go."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from relight.kernel.plan import Expression, ExpressionFailed, Tree
from relight.runbook.cel_text import read_cel
from relight.runbook.complaints import Complaints, did_you_mean
from relight.runbook.document import Runbook
from relight.runbook.expressions import CelExpression, bare, embedded, substituted
from relight.runbook.inventory import Inventory
from relight.runbook.offers import Offers
from relight.runbook.parts import Part
from relight.runbook.site_document import Site
from relight.runbook.source import Mark
from relight.runbook.template import is_template, parts_of
from relight.runbook.yaml12 import plain

STATIC = frozenset({"inputs", "site"})
INTERVAL_MIN_MS = 100
"""No source has a new data point more often."""


@dataclass(slots=True)
class Planning:
    """One plan in the making.

    Attributes:
        here: Complaints about the runbook.
        there: Complaints about the site.
        scope: ``inputs`` and ``site``, as far as their values are known.
        providers: The site's providers that the plan uses, with their configuration.
        hosts: The site's hosts, where they are known without its inventory.
    """

    runbook: Runbook
    site: Site
    here: Complaints
    there: Complaints
    offers: Offers
    scope: dict[str, Any] = field(default_factory=dict)
    providers: dict[str, dict[str, Any]] = field(default_factory=dict)
    hosts: Inventory | None = None

    def paced(self, duration_ms: int) -> int:
        """Return a time that must pass, at the site's pace; none becomes zero."""
        return max(1, round(duration_ms / self.site.pace)) if duration_ms else 0

    def interval(self, duration_ms: int) -> int:
        """Return the time between samples, at the site's pace."""
        return max(INTERVAL_MIN_MS, self.paced(duration_ms))

    def tree(self, part: Part, key: str) -> Tree:
        """Return the value at *key* with everything evaluated that is known now; the rest stays an expression."""
        return self._frozen(part.raw(key), lambda path: part.place(key, *path), ())

    def text(self, text: str, at: Mark) -> Tree:
        """Return *text*, evaluated if that is possible now."""
        return self._frozen(text, lambda _path: at, ())

    def condition(self, part: Part, key: str) -> CelExpression | None:
        """Return a condition that the run judges, with its names."""
        text = getattr(part, key)
        if text is None:
            return None
        at, condition = part.place(key), bare(text)
        if self._known_values([name.path for name in read_cel(text).names], at) and is_static(condition):
            self._decided(condition, at)
        return condition

    def _decided(self, condition: CelExpression, at: Mark) -> None:
        """Complain where a condition that is known now is neither true nor false: it would silently never hold."""
        try:
            value = condition.value(self.scope)
        except ExpressionFailed as failed:
            self.here.add("RL613", at, f"this fails here: {failed}", "look at the site's values and the inputs")
            return
        if not isinstance(value, bool):
            self.here.add("RL306", at, f"this is {value!r} here, neither true nor false", "compare it with something")

    def criterion(self, part: Part, key: str) -> CelExpression | None:
        """Return a criterion over ``value`` alone: inputs and site are written into it."""
        text = getattr(part, key)
        if text is None:
            return None
        at = part.place(key)
        if not self._known_values([name.path for name in read_cel(text).names], at):
            return bare(text)
        try:
            return substituted(text, self.scope)
        except ExpressionFailed as failed:
            self.here.add("RL613", at, f"this fails here: {failed}", "look at the site's values and the inputs")
            return bare(text)

    def _frozen(self, tree: Any, place: Callable[[tuple[str | int, ...]], Mark], path: tuple[str | int, ...]) -> Tree:
        if isinstance(tree, dict):
            return {key: self._frozen(item, place, (*path, key)) for key, item in tree.items()}
        if isinstance(tree, list):
            return [self._frozen(item, place, (*path, index)) for index, item in enumerate(tree)]
        if not is_template(tree):
            return plain(tree)
        expression = embedded(tree)
        assert isinstance(expression, CelExpression)
        paths = [name.path for part in parts_of(tree) if part.is_cel for name in read_cel(part.text).names]
        if not self._known_values(paths, place(path)) or not is_static(expression):
            return expression
        try:
            return expression.value(self.scope)
        except ExpressionFailed as failed:
            hint = "look at the site's values and the inputs"
            self.here.add("RL613", place(path), f"this fails here: {failed}", hint)
            return expression

    def _known_values(self, paths: list[str], at: Mark) -> bool:
        """Complain where the site lacks a value that is read; return whether all are there."""
        known = True
        for path in paths:
            root, *rest = path.split(".")
            if root == "site" and rest[:1] == ["values"] and (len(rest) < 2 or rest[1] not in self.site.values):
                name = rest[1] if len(rest) > 1 else ""
                hint = did_you_mean(name, self.site.values, otherwise=f"add it to values in {self.there.source.name}")
                self.here.add("RL613", at, f"the site {self.site.site!r} has no value {name!r}", hint)
                known = False
            elif root == "inputs" and rest and rest[0] not in self.scope.get("inputs", {}):
                known = False
        return known


def is_static(expression: Expression) -> bool:
    """Return whether nothing that an expression reads changes in the run."""
    return all(name.split(".")[0] in STATIC for name in expression.names)


def is_late(leaf: Any) -> bool:
    """Return whether a leaf of a frozen tree is only known in the run."""
    return isinstance(leaf, CelExpression)
