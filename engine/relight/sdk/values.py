"""The units that documents and arguments are written in: durations, percentages, shares and rates."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

_DURATION = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+(?:\.[0-9]+)?)s)?(?:([0-9]+)ms)?")
_UNITS_MS = (86_400_000, 3_600_000, 60_000, 1_000, 1)
DURATION_MAX_MS = 30 * 86_400_000
"""Thirty days: longer than any incident, short enough that a slipped zero is noticed."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Marks a type as one of the units, so that documentation can name it."""

    name: str


def parse_duration(text: str) -> int:
    """Return the milliseconds of ``90s``, ``5m``, ``1h30m`` or ``500ms``.

    Raises:
        ValueError: it is not a duration; the text says what one looks like.
    """
    match = _DURATION.fullmatch(text.strip()) if text.strip() else None
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write it like 90s, 5m or 1h30m")
    total = round(sum(float(part) * unit for part, unit in zip(match.groups(), _UNITS_MS, strict=True) if part))
    if total > DURATION_MAX_MS:
        raise ValueError(f"{text!r} is longer than 30d, the most a duration may be")
    return total


def format_duration(ms: int) -> str:
    """Return the shortest text that :func:`parse_duration` reads back: ``90000`` is ``1m30s``."""
    if ms <= 0:
        return "0s"
    parts = []
    for unit, name in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m")):
        count, ms = divmod(ms, unit)
        if count:
            parts.append(f"{count}{name}")
    seconds, ms = divmod(ms, 1_000)
    if seconds:
        parts.append(f"{seconds}s")
    if ms:
        parts.append(f"{ms}ms")
    return "".join(parts)


def _duration_s(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a duration is written like 90s, 5m or 1h30m")
    return parse_duration(value) / 1_000 if isinstance(value, str) else value


def _percent(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a percentage is a number from 0 to 100")
    if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?\s*%", value.strip()):
        return float(value.strip().removesuffix("%"))
    return value


def _rate(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a rate is a number of events per second, or none")
    return value


Duration: TypeAlias = Annotated[
    float,
    BeforeValidator(_duration_s),
    Field(ge=0, le=DURATION_MAX_MS / 1_000, allow_inf_nan=False),
    Unit("duration"),
]
"""Seconds as a float; documents write ``90s``."""

Percent: TypeAlias = Annotated[
    float, BeforeValidator(_percent), Field(ge=0, le=100, allow_inf_nan=False), Unit("percent")
]
"""0 to 100; documents write ``10`` or ``10%``."""

Share: TypeAlias = Percent
"""A part of a whole, 0 to 100; documents write ``20%``."""

Rate: TypeAlias = Annotated[
    Annotated[float, Field(ge=0, allow_inf_nan=False)] | Literal["none"], BeforeValidator(_rate), Unit("number | none")
]
"""Events per second, or ``none`` for no limit."""
