"""The units that documents and arguments are written in: durations, percentages, shares and rates."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

_DURATION = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+(?:\.[0-9]+)?)s)?(?:([0-9]+)ms)?")
_UNITS_MS = (86_400_000, 3_600_000, 60_000, 1_000, 1)
_WORDS = (
    (r"ms|msecs?|millis|milliseconds?", 1),
    (r"s|secs?|seconds?", 1_000),
    (r"m|mins?|minutes?", 60_000),
    (r"h|hrs?|hours?", 3_600_000),
    (r"d|days?", 86_400_000),
)
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
        raise ValueError(f"{text!r} is not a duration; {_respelled(text)}")
    total = round(sum(float(part) * unit for part, unit in zip(match.groups(), _UNITS_MS, strict=True) if part))
    if total > DURATION_MAX_MS:
        raise ValueError(f"{text!r} is longer than 30d, the most a duration may be; write a shorter one")
    return total


def _respelled(text: str) -> str:
    """Return the mend for what people write for durations elsewhere: ``5 min``, ``1.5h``, ``90``."""
    found = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([a-z]*)\s*", text[:40], re.IGNORECASE)
    if found is None:
        return "write it like 90s, 5m or 1h30m"
    number, word = found[1], found[2].lower()
    if not word:
        return f"write {number}s for seconds, {number}m for minutes"
    unit = next((unit for words, unit in _WORDS if re.fullmatch(words, word)), 0)
    ms = round(float(number) * unit)
    return f"write {format_duration(ms)}" if 0 < ms <= DURATION_MAX_MS else "write it like 90s, 5m or 1h30m"


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
