"""Hypothesis strategies for anything that a journal keeps, from the type hints of the kernel's dataclasses."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from relight.kernel.plan import Expression
from relight.runbook.expressions import restore

WORDS = st.sampled_from(
    ["a", "throttle", "$cel", "$data", "$float", "names", "is", "", "é \u2028\x00", "\ud800", '"$cel":']
)
TEXT = WORDS | st.text(max_size=8)
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False)
EXPRESSIONS = st.builds(restore, TEXT, st.frozensets(TEXT, max_size=1), st.booleans())
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT | EXPRESSIONS
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
_DEPTH_MAX = 2
LARGE = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=settings().max_examples // 4
)
"""For plans, states and all kinds of facts: what is large is tried less often."""


def values(cls: type, depth: int = 0, **known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for a dataclass; each field is now and then left at its default."""
    hints = typing.get_type_hints(cls)
    given = {}
    for field in dataclasses.fields(cls):
        made = known[field.name] if field.name in known else of_type(hints[field.name], depth + 1)
        if field.default is not dataclasses.MISSING:
            made = st.just(field.default) | made
        given[field.name] = made
    return st.builds(cls, **given)


@cache
def of_type(hint: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return a strategy for any type that facts and states are made of."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if dataclasses.is_dataclass(hint):
        return st.deferred(lambda: values(typing.cast(type, hint), depth))
    if origin in (typing.Union, types.UnionType):
        return st.one_of([of_type(each, depth) for each in arguments if depth <= _DEPTH_MAX or not _recursive(each)])
    size = 2 if depth <= _DEPTH_MAX else 0
    if origin in (tuple, list):
        return st.lists(of_type(arguments[0], depth), max_size=size).map(origin)
    if origin in (dict, Mapping):
        return st.dictionaries(of_type(arguments[0]), of_type(arguments[1], depth), max_size=size)
    raise TypeError(f"no strategy for {hint}")


def _recursive(hint: Any) -> bool:
    """An effect's prior is an effect: somewhere it has to end."""
    return dataclasses.is_dataclass(hint) and getattr(hint, "__name__", "") == "EffectEntry"


_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    type(None): st.none(),
    Any: TREES,
    Expression: EXPRESSIONS,
}
