"""What JSON has no word for: expressions and numbers that are none, as marked leaves of a tree.

An expression is ``{"$cel": text, "names": […]}``, and ``"template": true`` where its text is ``a ${{ b }} c``.
NaN and the infinities, which a plugin may well report, are ``{"$float": "nan"}``.
A mapping of somebody's data that happens to have such a key is wrapped: ``{"$data": {…}}``.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from relight.kernel.plan import Expression

CEL = "$cel"
FLOAT = "$float"
DATA = "$data"
RESERVED = frozenset({CEL, FLOAT, DATA})


class CompileExpression(Protocol):
    """Make an expression again from what was kept of it; cheap, for most are never evaluated."""

    def __call__(self, text: str, names: frozenset[str], template: bool) -> Expression: ...


class KeptExpression:
    """An expression as a reader sees it who evaluates nothing: text and names."""

    __slots__ = ("names", "template", "text")

    def __init__(self, text: str, names: frozenset[str], template: bool = False) -> None:
        self.text = text
        self.names = names
        self.template = template

    def value(self, scope: Mapping[str, Any]) -> Any:
        """Refuse: whoever decides hands the codec a real compiler."""
        raise TypeError(f"this journal was opened for reading only; {self.text!r} cannot be evaluated")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and write_leaf(self) == write_leaf(other)

    def __hash__(self) -> int:
        return hash((self.text, self.template))

    def __repr__(self) -> str:
        return f"KeptExpression({self.text!r})"


def write_leaf(leaf: Any) -> dict[str, Any]:
    """Return an expression's tree.

    Raises:
        TypeError: it is something that a journal cannot keep.
    """
    if not isinstance(leaf, Expression):
        raise TypeError(f"a {type(leaf).__name__} cannot be kept in a journal")
    tree: dict[str, Any] = {CEL: leaf.text, "names": sorted(leaf.names)}
    if getattr(leaf, "template", False):
        tree["template"] = True
    return tree


def escaped(tree: Any) -> Any:
    """Return *tree* with every leaf written and every key that looks like a mark wrapped."""
    if isinstance(tree, dict):
        inside = {name: escaped(item) for name, item in tree.items()}
        return inside if RESERVED.isdisjoint(tree) else {DATA: inside}
    if isinstance(tree, list | tuple):
        return [escaped(item) for item in tree]
    if isinstance(tree, float) and not math.isfinite(tree):
        return {FLOAT: repr(tree)}
    if tree is None or isinstance(tree, str | int | float):
        return tree
    return write_leaf(tree)


def revived(tree: Any, compile_expression: Callable[[str, frozenset[str], bool], Expression]) -> Any:
    """Return *tree* as it was before :func:`escaped`; tuples have become lists."""
    if isinstance(tree, dict):
        if CEL in tree:
            return compile_expression(tree[CEL], frozenset(tree["names"]), tree.get("template", False))
        if FLOAT in tree:
            return float(tree[FLOAT])
        return {name: revived(item, compile_expression) for name, item in tree.get(DATA, tree).items()}
    if isinstance(tree, list):
        return [revived(item, compile_expression) for item in tree]
    return tree
