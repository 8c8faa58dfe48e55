"""Figures as people read them: times, spans, values with their unit, criteria and arguments.

Everything is plain ASCII unless it came from a document.
"""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_RATIO = re.compile(r"_(ratio|share)$|_over_")
_LONG_FIGURE = re.compile(r"-?\d+\.\d{4,}(e[+-]?\d+)?")
_COMPARISON = re.compile(r"value(?:\.\w+)*\s*(<=|>=|==|!=|<|>)\s*(-?\d+(?:\.\d+)?)")
ARGUMENTS_CHARS_MAX = 60
"""What fits beside an action on a line of 80."""


def now_ms() -> int:
    """Return the wall clock in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def instant(at_ms: int | None) -> str | None:
    """Return a wall time as JSON carries it: RFC 3339, UTC, milliseconds."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_instant(text: str | None) -> int | None:
    """Return the wall milliseconds of what :func:`instant` wrote."""
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1_000)


def wall_clock(at_ms: int) -> str:
    """Return the time of day where the reader is: ``03:24:10``."""
    return datetime.fromtimestamp(at_ms / 1_000).astimezone().strftime("%H:%M:%S")


def clock_or_days(at_ms: int, now: int) -> str:
    """Return the time of day of what is less than half a day ago, and how long ago anything else is."""
    return wall_clock(at_ms)[:5] if abs(now - at_ms) < 43_200_000 else f"{rough(now - at_ms)} ago"


def span(ms: float) -> str:
    """Return a span to the second: ``0:52``, ``4:12``, ``1:02:09``."""
    seconds = max(0, round(ms / 1_000))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def rough(ms: float) -> str:
    """Return a span at a glance: ``3s``, ``13m``, ``2h30``, ``4d``."""
    seconds = max(0, round(ms / 1_000))
    if seconds < 100:
        return f"{seconds}s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h{minutes:02}"
    return f"{hours // 24}d"


def brief(ms: int) -> str:
    """Return a duration as documents write it: ``90s`` is ``1m30s``."""
    parts = []
    for unit, name in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m")):
        count, ms = divmod(ms, unit)
        if count:
            parts.append(f"{count}{name}")
    if ms or not parts:
        parts.append(f"{ms / 1_000:g}s")
    return "".join(parts)


def unit_of(query: Mapping[str, Any] | None) -> str:
    """Return ``%`` for a query whose name says that it is a share of one (``…_ratio``, ``…_share``, ``a_over_b``)."""
    return "%" if query and _RATIO.search(str(query.get("name", ""))) else ""


def figure(value: Any, unit: str = "") -> str:
    """Return a reading as people say it: ``0.8%``, ``1,702``, ``12.5``, ``true``."""
    if value is None:
        return "no data"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{number(value * 100)}%" if unit == "%" else number(value)
    return str(value)


def number(value: float) -> str:
    """Return a number with at most three digits that matter, thousands apart."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if abs(value) >= 100 or value == int(value):
        return f"{round(value):,}"
    digits = 1 if abs(value) >= 10 else 2
    text = f"{value:.{digits}f}" if abs(value) >= 0.1 else f"{value:.2g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def rounded(text: str) -> str:
    """Return a text of the engine's with its long figures as people say them: ``0.031007751937984492`` is ``0.031``."""
    return _LONG_FIGURE.sub(lambda found: number(float(found[0])), text)


def criterion(text: str, unit: str = "") -> str:
    """Return a criterion without the word that every one has: ``value < 0.03`` is ``< 3%`` for a ratio."""
    match = _COMPARISON.fullmatch(text.strip())
    if match is None:
        return text
    return f"{match[1]} {figure(float(match[2]), unit)}"


def limit(text: str) -> float | None:
    """Return the number that a criterion compares with, where it is that simple."""
    match = _COMPARISON.fullmatch(text.strip())
    return None if match is None else float(match[2])


def arguments(args: Mapping[str, Any], *, chars: int = ARGUMENTS_CHARS_MAX) -> str:
    """Return arguments on one line: ``service=auth to=previous``; expressions as their text."""
    words = [f"{name}={argument(value)}" for name, value in args.items() if value is not None]
    text = " ".join(words)
    return text if len(text) <= chars else text[: chars - 2].rstrip() + ".."


def spoken(name: str, value: Any) -> str:
    """Return an argument as people say it: a percentage with its sign, a rate by the second, else ``name=value``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if name == "percent":
            return f"{value:g}%"
        if name.endswith("_rate"):
            return f"{value:g}/s"
    return f"{name}={argument(value)}"


def spoken_value(value: Any) -> str:
    """Return what is in force as people say it: ``10%, 20/s``."""
    named = value if isinstance(value, Mapping) else {}
    return ", ".join(spoken(name, each) for name, each in named.items() if each is not None)


def argument(value: Any) -> str:
    """Return one argument as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {argument(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(argument(item) for item in value) + "]"
    return "none" if value is None else expression_text(value)


def plain_value(tree: Any) -> Any:
    """Return a tree of arguments as JSON: an expression that is not evaluated yet becomes its text."""
    if isinstance(tree, Mapping):
        return {str(key): plain_value(item) for key, item in tree.items()}
    if isinstance(tree, list | tuple):
        return [plain_value(item) for item in tree]
    if tree is None or isinstance(tree, str | int | float | bool):
        return tree
    return expression_text(tree)


def expression_text(leaf: Any) -> str:
    """Return an expression as the runbook has it; a leaf of any other kind as its own words."""
    text = getattr(leaf, "text", None)
    if text is None:
        return str(leaf)
    return str(text) if getattr(leaf, "template", False) else f"${{{{ {text} }}}}"


def listed(words: list[str] | tuple[str, ...], last: str = "and") -> str:
    """Return words as a sentence has them: ``a, b and c``."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def counted(count: int, word: str) -> str:
    """Return ``1 step``, ``2 steps``."""
    return f"{count} {word}" if count == 1 else f"{count:,} {word}s"
