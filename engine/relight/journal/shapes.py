"""Frozen dataclasses to JSON trees and back, by their type hints and nothing else.

A shape is made for a class when it is first met, so a process that reads three kinds of facts pays for three.
Values that equal their field's default are left out: a default is part of the stored format and may never change.
What does not belong here: bytes, expressions (``leaves.py``), and what kinds of facts there are (``codec.py``).
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Convert = Callable[[Any], Any]

TAG = "is"
"""Names the class where a field may hold one of several; a keyword, so no field can be called that."""

_PLAIN = (str, int, float, bool, type(None), Any, object)
_ABSENT: Any = object()


class UnknownWord(Exception):
    """A tree holds a field or a class that this version does not know."""


class Shape(Generic[T]):
    """How one dataclass is written; *skip* names fields that are kept elsewhere."""

    __slots__ = ("_fields", "_readers", "cls", "skip")

    def __init__(self, cls: type[T], skip: frozenset[str] = frozenset()) -> None:
        self.cls = cls
        self.skip = skip
        self._fields: list[tuple[str, Any, type, Convert | None]] | None = None
        self._readers: dict[str, Convert | None] = {}

    def write(self, value: T, into: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return *value* as a tree, added to *into* where that is given."""
        tree = {} if into is None else into
        for name, default, default_type, convert in self._fields or self._build():
            item = getattr(value, name)
            # 1 == True == 1.0, so equal is not enough to leave something out.
            if type(item) is default_type and item == default:
                continue
            tree[name] = item if convert is None else convert(item)
        return tree

    def read(self, tree: Mapping[str, Any], **known: Any) -> T:
        """Return the value of *tree*; *known* gives the fields that were kept elsewhere.

        Raises:
            UnknownWord: the tree has a field that the class has not.
            TypeError: it lacks one, or is no tree of this class.
        """
        if self._fields is None:
            self._build()
        readers = self._readers
        for name, item in tree.items():
            convert = readers.get(name, _ABSENT)
            if convert is None:
                known[name] = item
            elif convert is _ABSENT:
                raise UnknownWord(f"{self.cls.__name__}.{name}")
            else:
                known[name] = convert(item)
        return self.cls(**known)

    def _build(self) -> list[tuple[str, Any, type, Convert | None]]:
        hints = typing.get_type_hints(self.cls)
        fields: list[tuple[str, Any, type, Convert | None]] = []
        for field in dataclasses.fields(self.cls):  # type: ignore[arg-type]
            if field.name in self.skip:
                continue
            default = field.default
            if field.default_factory is not dataclasses.MISSING:
                default = field.default_factory()
            write, read = _converters(hints[field.name])
            fields.append((field.name, default, type(default), write))
            self._readers[field.name] = read
        self._fields = fields
        return fields


_SHAPES: dict[type, Shape[Any]] = {}


def shape_of(cls: type[T]) -> Shape[T]:
    """Return the shape of *cls*; the same one every time."""
    shape = _SHAPES.get(cls)
    if shape is None:
        shape = _SHAPES[cls] = Shape(cls)
    return shape


def _converters(hint: Any) -> tuple[Convert | None, Convert | None]:
    """Return how a value of that type is written and read; None where it is its own JSON."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN or origin is typing.Literal or getattr(hint, "_is_protocol", False):
        return None, None  # a protocol is an expression, which leaves.py writes
    if dataclasses.is_dataclass(hint):
        shape = shape_of(typing.cast(type[Any], hint))
        return shape.write, shape.read
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if origin in (tuple, list, frozenset):
        return _series(origin, arguments[0])
    if origin in (dict, Mapping):
        return _mapping(*arguments)
    if hint in (tuple, list, dict):
        return None, None
    raise TypeError(f"no way to keep a {hint} in a journal")


def _union(members: tuple[Any, ...]) -> tuple[Convert | None, Convert | None]:
    """``X | None`` passes None through; one of several classes carries its name."""
    classes = [member for member in members if dataclasses.is_dataclass(member)]
    if len(classes) > 1:
        return _tagged({cls.__name__: shape_of(cls) for cls in typing.cast(list[type], classes)})
    converted = [pair for member in members if (pair := _converters(member)) != (None, None)]
    if not converted:
        return None, None
    if len(converted) > 1 or type(None) not in members or len(members) > 2:
        raise TypeError(f"no way to tell {members} apart in a journal")
    write, read = converted[0]
    return _optional(write), _optional(read)


def _optional(convert: Convert | None) -> Convert | None:
    return None if convert is None else lambda value: None if value is None else convert(value)


def _tagged(shapes: dict[str, Shape[Any]]) -> tuple[Convert, Convert]:
    def write(value: Any) -> Any:
        if value is None:
            return None
        name = type(value).__name__
        return shapes[name].write(value, {TAG: name})

    def read(tree: Any) -> Any:
        if tree is None:
            return None
        rest = dict(tree)
        name = rest.pop(TAG)
        if name not in shapes:
            raise UnknownWord(name)
        return shapes[name].read(rest)

    return write, read


def _series(kind: Any, member: Any) -> tuple[Convert | None, Convert | None]:
    write, read = _converters(member)
    if kind is frozenset:
        return sorted, frozenset  # of plain values only: their order must not depend on the hash seed
    if write is None or read is None:
        return None, None if kind is list else kind
    return lambda items: [write(item) for item in items], lambda items: kind([read(item) for item in items])


def _mapping(key: Any, member: Any) -> tuple[Convert | None, Convert | None]:
    write, read = _converters(member)
    if key is int:
        if write is None or read is None:
            return None, lambda tree: {int(name): item for name, item in tree.items()}
        return (
            lambda items: {str(name): write(item) for name, item in items.items()},
            lambda tree: {int(name): read(item) for name, item in tree.items()},
        )
    if write is None or read is None:
        return None, None
    return (
        lambda items: {name: write(item) for name, item in items.items()},
        lambda tree: {name: read(item) for name, item in tree.items()},
    )
