"""Frozen dataclasses whose methods are shared, so that a hundred of them cost a command in a hurry next to nothing.

``dataclasses.dataclass(frozen=True, slots=True, kw_only=True)`` writes and compiles the source of seven methods for
every class, half a millisecond each: ``relight status`` would spend a third of its time on that. Here the fields are
the standard library's (``fields`` and ``replace`` work), all classes have the same methods, and only ``__init__``,
which has to be quick, is a class's own: it is written when the first object is made.
What does not belong here: any one class.
"""

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from functools import partial
from reprlib import recursive_repr
from typing import Any, NamedTuple, NoReturn, TypeVar, dataclass_transform, overload

_T = TypeVar("_T")
_put = object.__setattr__


class _Parts(NamedTuple):
    """The fields of one class."""

    names: tuple[str, ...]
    defaults: dict[str, Any]
    factories: dict[str, Callable[[], Any]]


_PARTS: dict[type, _Parts] = {}


@overload
def frozen(cls: type[_T], /) -> type[_T]: ...
@overload
def frozen(*, slots: bool = True) -> Callable[[type[_T]], type[_T]]: ...
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen(cls: type[Any] | None = None, /, *, slots: bool = True) -> Any:
    """Make a class a frozen dataclass whose fields are given by keyword; *slots* as for ``dataclasses.dataclass``."""
    return partial(_made, slots=slots) if cls is None else _made(cls, slots=slots)


def _made(cls: type[_T], /, *, slots: bool) -> type[_T]:
    for name, method in _METHODS.items():
        setattr(cls, name, method)
    made = dataclass(init=False, repr=False, eq=False, match_args=False, kw_only=True, slots=slots)(cls)
    parts = fields(made)  # type: ignore[arg-type]
    _PARTS[made] = _Parts(
        names=tuple(part.name for part in parts),
        defaults={part.name: part.default for part in parts if part.default is not MISSING},
        factories={part.name: part.default_factory for part in parts if part.default_factory is not MISSING},
    )
    return made


def _first_init(self: object, /, **given: Any) -> None:
    """Make the first object of a class; from the second on its own ``__init__`` does that, twice as fast."""
    cls: Any = self.__class__
    cls.__init__ = _init_of(_PARTS[cls])
    cls.__init__.__qualname__ = f"{cls.__qualname__}.__init__"
    cls.__init__(self, **given)


def _init_of(parts: _Parts) -> Any:
    known: dict[str, Any] = {"_put_": _put, "_missing_": MISSING}
    head, body = ["def __init__(self, /"], []
    for index, name in enumerate(parts.names):
        value = name
        if name in parts.defaults:
            known[f"_default_{index}_"] = parts.defaults[name]
            head.append(f"{name}=_default_{index}_")
        elif name in parts.factories:
            known[f"_made_{index}_"] = parts.factories[name]
            head.append(f"{name}=_missing_")
            value = f"_made_{index}_() if {name} is _missing_ else {name}"
        else:
            head.append(name)
        body.append(f" _put_(self, {name!r}, {value})")
    if body:
        head.insert(1, "*")
    # Nothing but the names of fields, which are Python's own names, becomes code here.
    exec(f"{', '.join(head)}):\n" + ("\n".join(body) or " pass"), known)  # noqa: S102
    return known["__init__"]


def _values(self: object) -> list[Any]:
    return [getattr(self, name) for name in _PARTS[self.__class__].names]


def _eq(self: object, other: object) -> Any:
    return _values(self) == _values(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: object) -> int:
    return hash(tuple(_values(self)))


@recursive_repr()
def _repr(self: object) -> str:
    shown = zip(_PARTS[self.__class__].names, _values(self), strict=True)
    return f"{self.__class__.__qualname__}({', '.join(f'{name}={value!r}' for name, value in shown)})"


def _refuse(self: object, name: str, *_value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot change {name!r} of a {self.__class__.__qualname__}")


def _setstate(self: object, values: list[Any]) -> None:
    for name, value in zip(_PARTS[self.__class__].names, values, strict=True):
        _put(self, name, value)


_METHODS = {
    "__init__": _first_init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__getstate__": _values,
    "__setstate__": _setstate,
}
