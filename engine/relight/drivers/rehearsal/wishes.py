"""Values that a criterion judges as wished: found by trying what the criterion itself names.

What does not belong here: the expression language; a criterion is only ever asked for its verdict.
"""

import copy
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from relight.kernel.plan import ExpressionFailed, Json

Wanted: TypeAlias = Callable[[Json], bool]

TRIES_MAX = 20_000
"""Values tried for one criterion; three readings compared with ten literals each are a thousand."""

_PATH = re.compile(r"""\bvalue((?:\.[A-Za-z_]\w*|\[(?:"\w+"|'\w+'|\d+)\])+)(\()?""")
_STEP = re.compile(r"""\.([A-Za-z_]\w*)|\[["'](\w+)["']\]|\[(\d+)\]""")
_TEXT = re.compile(r'"([^"\\]*)"|\'([^\'\\]*)\'')
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")


class NoSuchValue(Exception):
    """No value was found that a criterion judges as wished."""


def wish(wanted: Wanted, texts: Iterable[str], base: Json = None, known: Iterable[Json] = ()) -> Json:
    """Return a value for which *wanted* is true, as near to *base* as may be.

    Args:
        wanted: Judges a value; one that it cannot work on is not what is wanted.
        texts: The criteria, whose names and literals are what is tried.
        base: A value that the probe or query might give.
        known: More that a part of it may have to equal.

    Raises:
        NoSuchValue: none of those tried will do.
    """
    said = list(texts)
    for tries, value in enumerate(_values(said, base, [*known, *_literals(said)])):
        if tries > TRIES_MAX:
            break
        try:
            if wanted(value):
                return value
        except ExpressionFailed:
            continue
    raise NoSuchValue(" / ".join(said))


def paths_in(text: str) -> list[tuple[str, ...]]:
    """Return the parts of ``value`` that a criterion reads: ``value.a.b`` is ``("a", "b")``."""
    found = []
    for match in _PATH.finditer(text):
        keys = tuple(a or b or c for a, b, c in _STEP.findall(match[1]))
        found.append(keys[:-1] if match[2] else keys)  # what is called is no part
    return [keys for keys in dict.fromkeys(found) if keys]


def put(tree: Json, keys: tuple[str, ...], value: Json) -> Json:
    """Return *tree* with *value* at that place, made where it is missing."""
    if not keys:
        return value
    whole: dict[str, Any] = dict(tree) if isinstance(tree, dict) else {}
    whole[keys[0]] = put(whole.get(keys[0]), keys[1:], value)
    return whole


def get(tree: Json, keys: tuple[str, ...]) -> Json:
    """Return what is at that place, None where nothing is."""
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _values(texts: list[str], base: Json, pool: list[Json]) -> Iterator[Json]:
    paths = list(dict.fromkeys(keys for text in texts for keys in paths_in(text)))
    if not paths:
        yield from dict_free_unique([base, *pool])
        return
    choices = [dict_free_unique([get(base, keys), *pool]) for keys in paths]
    for chosen in itertools.product(*choices):
        value = copy.deepcopy(base)
        for keys, part in zip(paths, chosen, strict=True):
            value = put(value, keys, part)
        yield value


def _literals(texts: list[str]) -> list[Json]:
    """Return what a criterion may compare with: its own texts and numbers, what lies around them, and the usual."""
    words: list[Json] = [a or b for text in texts for a, b in _TEXT.findall(text)]
    numbers: list[float] = []
    for text in texts:
        for found in _NUMBER.findall(_TEXT.sub("", text)):
            number = float(found)
            step = 1.0 if number == int(number) and number > 1 else max(abs(number) / 2, 0.001)
            numbers += [number, number + step, number - step, -number]
    numbers.sort(key=abs)
    between = [(a + b) / 2 for a, b in itertools.pairwise(sorted(set(numbers)))]
    usual: list[Json] = [0, 1, True, False, 100, 1_000_000, -1_000_000, "", None, [], ["one"], ["one", "two"]]
    whole: list[Json] = [int(number) if number == int(number) else number for number in (*numbers, *between)]
    return [*words, *usual[:4], *whole, *usual[4:]]


def dict_free_unique(values: Iterable[Json]) -> list[Json]:
    """Return the values in order, each once; 1 and true are two values."""
    return list({(type(value).__name__, repr(value)): value for value in values}.values())
