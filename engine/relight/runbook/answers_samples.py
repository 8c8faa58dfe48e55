"""Samples of one answer: values of a declared type, what expressions name, and numbers near what they compare with."""

import math
import re
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise, product
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from relight.kernel.plan import Expression
from relight.runbook.cel_text import read_cel, text_within
from relight.runbook.template import is_template, parts_of

GRID = (0.0, 0.001, 0.01, 0.05, 0.5, 0.9, 0.99, 1.0, 2.0, 10.0, 50.0, 100.0, 1e3, 1e6, 1e12)
SIGNED = re.compile(
    r"delta|change|drift|skew|offset|balance|headroom|margin|difference|trend|deriv|temperature|growth|slope|net_"
)
"""Measures that may well be negative; counts, shares, rates and times are not."""
LEAF_VALUES_MAX = 24
TOGETHER_MAX = 300


class Leaf(NamedTuple):
    """A member of an answer that an expression reads, and the values that it may have."""

    path: tuple[str, ...]
    values: tuple[Any, ...]


def put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    """Set the value at *path*, making the mappings on the way."""
    for name in path[:-1]:
        inner = tree.get(name)
        if not isinstance(inner, dict):
            inner = tree[name] = {}
        tree = inner
    tree[path[-1]] = value


# ---- numbers of a query


def measures(name: str, criteria: Iterable[Expression]) -> Iterator[float]:
    """Yield numbers that a query of that name may give, those near what the criteria compare with among them."""
    written = sorted({number for text in criteria for number in _numbers(text.text)})
    near = [each for number in written for each in (math.nextafter(number, -math.inf), number, _after(number))]
    between = [(low + high) / 2 for low, high in pairwise(written)]
    signed = SIGNED.search(name) is not None
    for value in dict.fromkeys((*_comfortable(written), *between, *GRID, *near, *(-value for value in (*GRID, *near)))):
        if (value >= 0 or signed) and (value <= 1 or not name.endswith("_ratio")):
            yield value


def _comfortable(written: list[float]) -> Iterator[float]:
    """Yield values well off the limits, as people see them in an incident."""
    for number in written:
        yield from (round(number / 2, 6), round(number * 2, 6), round(number * 1.2, 6))


def _after(number: float) -> float:
    return math.nextafter(number, math.inf)


def _numbers(text: str) -> Iterator[float]:
    for piece in _pieces(text):
        reading = read_cel(piece)
        tokens = reading.tokens
        for index, token in enumerate(tokens):
            if token.kind == "number":
                negative = index > 0 and tokens[index - 1].text == "-"
                try:
                    yield -float(token.text.rstrip("uU")) if negative else float(token.text.rstrip("uU"))
                except ValueError:
                    continue


def numbers_in(expression: Expression) -> list[float]:
    """Return the numbers that an expression compares with."""
    return list(_numbers(expression.text))


def words_in(expression: Expression) -> list[str]:
    """Return the texts that an expression compares with."""
    return list(_words(expression.text))


def _pieces(text: str) -> list[str]:
    return [part.text for part in parts_of(text) if part.is_cel] if is_template(text) else [text]


# ---- answers of a probe or an action


def samples_of(
    model: type[BaseModel] | None, prefix: str, texts: Iterable[Expression], pool: Iterable[str]
) -> Iterator[Any]:
    """Yield answers, the plainest first: a base, then with one member changed, then with several.

    Args:
        model: The declared result; None where nothing is known of it.
        prefix: What expressions call the answer (``probes.auth``, ``steps.scale.result``, ``value``).
        texts: The expressions that read it.
        pool: Words that other answers have, for two answers may be compared.
    """
    texts = list(texts)
    words = [word for text in texts for word in _words(text.text)]
    numbers = [number for text in texts for number in _numbers(text.text)]
    paths = sorted({path for text in texts for path in _paths(text.text, prefix)})
    base: dict[str, Any] = _plain(model) if model is not None else {}
    if not paths:
        yield base if model is not None or not texts else 1
        return
    if paths == [()] and model is None:
        yield from _open(words, numbers, pool)
        return
    leaves = []
    for path in paths:
        if not path or any(other[: len(path)] == path and other != path for other in paths):
            continue
        annotation = _annotation(model, path)
        values = list(_open(words, numbers, pool)) if annotation is Any else []
        values = values or list(_typed(annotation, path[-1], words, numbers, pool))
        leaves.append(Leaf(path, tuple(dict.fromkeys(_hashable(values)))[:LEAF_VALUES_MAX]))
    yield from _combined(base, leaves)


def _hashable(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield _Frozen(value) if isinstance(value, list | dict) else _Frozen(value, type(value).__name__)


class _Frozen:
    """A value that can be told from others: 1, 1.0 and true are three."""

    __slots__ = ("kind", "value")

    def __init__(self, value: Any, kind: str = "") -> None:
        self.value = value
        self.kind = kind

    def __hash__(self) -> int:
        return hash((self.kind, str(self.value)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Frozen) and (self.kind, str(self.value)) == (other.kind, str(other.value))


def _combined(base: dict[str, Any], leaves: list[Leaf]) -> Iterator[Any]:
    first = [leaf.values[0] for leaf in leaves]
    yield _made(base, leaves, first)
    for index, leaf in enumerate(leaves):
        for value in leaf.values[1:]:
            yield _made(base, leaves, [*first[:index], value, *first[index + 1 :]])
    if len(leaves) > 1:
        for values in islice(product(*(leaf.values[:6] for leaf in leaves)), TOGETHER_MAX):
            yield _made(base, leaves, list(values))


def _made(base: dict[str, Any], leaves: list[Leaf], values: list[Any]) -> dict[str, Any]:
    made: dict[str, Any] = _copied(base)
    for leaf, value in zip(leaves, values, strict=True):
        put(made, list(leaf.path), value.value)
    return made


def _copied(tree: Any) -> Any:
    return {key: _copied(item) for key, item in tree.items()} if isinstance(tree, dict) else tree


def _words(text: str) -> Iterator[str]:
    for piece in _pieces(text):
        for token in read_cel(piece).tokens:
            if token.kind == "string":
                yield text_within(token.text)


def _paths(text: str, prefix: str) -> Iterator[tuple[str, ...]]:
    for piece in _pieces(text):
        for name in read_cel(piece).names:
            if name.path == prefix or name.path.startswith(f"{prefix}."):
                yield tuple(name.path[len(prefix) :].strip(".").split(".")) if name.path != prefix else ()


def _annotation(model: type[BaseModel] | None, path: tuple[str, ...]) -> Any:
    """Return the declared type at *path*; Any where nothing declares it."""
    annotation: Any = model
    for name in path:
        annotation = _bare(annotation)
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return Any
        if name not in annotation.model_fields:
            return Any
        annotation = annotation.model_fields[name].annotation
    return Any if _bare(annotation) in (Any, dict, object) else annotation


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        inner = [item for item in get_args(annotation) if item is not type(None)]
        return _bare(inner[0]) if len(inner) == 1 else annotation
    return dict if get_origin(annotation) is dict else annotation


def _open(words: list[str], numbers: list[float], pool: Iterable[str]) -> Iterator[Any]:
    """Yield values of whatever type the expressions seem to want, where nothing declares one."""
    near = [each for number in numbers for each in (number, number + 1, number - 1)]
    whole = [int(number) for number in near if float(number).is_integer()]
    strings = [*words, *pool, "one"]
    by_use: list[Any] = [*strings, *whole, *near] if words else [*whole, *near, True, False, *strings]
    yield from (*by_use, True, False, 1, 0, 100, 0.5, "", ["one"], [], {"one": 1})


def _typed(annotation: Any, name: str, words: list[str], numbers: list[float], pool: Iterable[str]) -> Iterator[Any]:
    annotation = _bare(annotation)
    origin = get_origin(annotation)
    if origin is Literal:
        yield from get_args(annotation)
    elif origin in (Union, UnionType):
        for inner in get_args(annotation):
            if inner is not type(None):
                yield from _typed(inner, name, words, numbers, pool)
    elif annotation is bool:
        yield from (True, False)
    elif annotation in (int, float):
        near = [number + step for number in numbers for step in (0, 1, -1, 0.001, -0.001)]
        yield from dict.fromkeys(annotation(number) for number in (1, 0, 100, *near) if number >= 0)
    elif annotation is str:
        yield from dict.fromkeys((name, *words, *pool, "other", ""))
    elif origin in (list, tuple) or annotation is list:
        yield from (["one"], ["one", "two"], [])
    else:
        yield None


def _plain(model: type[BaseModel]) -> dict[str, Any]:
    """Return the plainest result of that type: every required member, the others as they are by default."""
    return {
        name: next(iter(_typed(field.annotation, name, [], [], [])), None) for name, field in model.model_fields.items()
    }
