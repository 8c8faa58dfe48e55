"""Reading the fields of a JSON order, with one clear sentence for each that is wrong."""

import json
from collections.abc import Mapping
from typing import Any


class BadRequest(Exception):
    """The order cannot be understood; nothing was done."""


class Fields:
    """The fields of one order; null is as good as left out, and whatever is not read is a mistake (:meth:`done`)."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._left = {name: value for name, value in values.items() if value is not None}

    @classmethod
    def of(cls, body: bytes) -> "Fields":
        """Read a JSON object; an empty body is an empty one."""
        try:
            values = json.loads(body) if body.strip() else {}
        except ValueError as error:
            raise BadRequest(f"the body is not JSON: {error}") from None
        if not isinstance(values, dict):
            raise BadRequest("the body must be a JSON object")
        return cls(values)

    def has(self, name: str) -> bool:
        """Whether *name* was given."""
        return name in self._left

    def left(self) -> list[str]:
        """Return the names that were not taken yet."""
        return list(self._left)

    def number(self, name: str, default: float | None = None, *, low: float = 0.0, high: float = 1e9) -> float:
        """Take a number between *low* and *high*."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise BadRequest(f"{name} must be a number from {low:g} to {high:g}, not {value!r}")
        return float(value)

    def whole(self, name: str, default: int | None = None, *, low: int = 0, high: int = 10**9) -> int:
        """Take a whole number."""
        value = self.number(name, default, low=low, high=high)
        if value != int(value):
            raise BadRequest(f"{name} must be a whole number, not {value!r}")
        return int(value)

    def rate(self, name: str, default: float | None = None) -> float | None:
        """Take a rate: a number, or ``none`` (returned as None) for no limit."""
        if self._left.get(name) == "none":
            del self._left[name]
            return None
        return self.number(name, default)

    def text(self, name: str, default: str | None = None, *, among: tuple[str, ...] = ()) -> str:
        """Take a string, one of *among* if that is given."""
        value = self._take(name, default)
        if not isinstance(value, str) or len(value) > 500:
            raise BadRequest(f"{name} must be a text of at most 500 characters")
        if among and value not in among:
            raise BadRequest(f"{name} must be one of {', '.join(among)}, not {value!r}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Take true or false."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise BadRequest(f"{name} must be true or false, not {value!r}")
        return value

    def names(self, name: str) -> list[str]:
        """Take a list of strings."""
        value = self._take(name, None)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadRequest(f"{name} must be a list of names, not {value!r}")
        return list(value)

    def inner(self, name: str) -> "Fields":
        """Take an object."""
        value = self._take(name, None)
        if not isinstance(value, dict):
            raise BadRequest(f"{name} must be an object, not {value!r}")
        return Fields(value)

    def done(self) -> None:
        """Refuse whatever is left."""
        if self._left:
            raise BadRequest(f"unknown: {', '.join(sorted(self._left))}")

    def _take(self, name: str, default: Any) -> Any:
        value = self._left.pop(name, None)
        if value is None:
            value = default
        if value is None:
            raise BadRequest(f"{name} is missing")
        return value
