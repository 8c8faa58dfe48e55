"""Inputs: what may be given, and what was given, as values of their types.

What is given is data: nothing in it is ever evaluated.
"""

import math
import re
from typing import Any

from relight.kernel.plan import ExpressionFailed
from relight.runbook.document import Input
from relight.runbook.expressions import matches
from relight.sdk.values import format_duration, parse_duration

TEXT_CHARS_MAX = 1_000
PATTERN_CHARS_MAX = 100
PATTERN_REPEATS_MAX = 64
"""How often a pattern may repeat a part by count, all counts multiplied; beyond it compiling takes too long."""

_BROKEN = re.compile(r"[-+]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][-+]?[0-9]{1,3})?")


class BadInput(ValueError):
    """A value that an input does not take; *hint* says what it takes."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def parsed(given: Input, text: str) -> Any:
    """Return what *text* of a command line means for this input, and judge it.

    Raises:
        BadInput: it is not of the input's type, or out of its limits.
    """
    match given.type:
        case "integer" if re.fullmatch(r"[-+]?[0-9]{1,18}", text.strip()):
            return judged(given, int(text))
        case "number" | "percent":
            return judged(given, _number(text))
        case "boolean" if text.strip().lower() in ("true", "false"):
            return judged(given, text.strip().lower() == "true")
        case "choice":
            return judged(given, next((choice for choice in given.choices or () if str(choice) == text), text))
    return judged(given, text)


def judged(given: Input, value: Any) -> Any:
    """Return *value* in the form that plans keep.

    Raises:
        BadInput: it is not of the input's type, or out of its limits.
    """
    value = _typed(given, value)
    measure = _measure(value)
    if measure is not None and given.type != "choice":
        for limit, word, beyond in ((given.minimum, "at least", -1), (given.maximum, "at most", 1)):
            bound = _measure(limit)
            if bound is not None and (measure - bound) * beyond > 0:
                raise BadInput(f"{value} is out of range", f"it has to be {word} {limit}")
    if given.pattern is not None and isinstance(value, str) and not _fits(given.pattern, value):
        raise BadInput(f"{_shown(value)} does not match {given.pattern}", given.description or "")
    return value


def limits(given: Input) -> str:
    """Return in a few words what an input takes."""
    words: list[str] = [given.type]
    if given.choices:
        words.append("one of " + ", ".join(str(choice) for choice in given.choices))
    if given.minimum is not None and given.maximum is not None:
        words.append(f"from {given.minimum} to {given.maximum}")
    elif given.minimum is not None:
        words.append(f"at least {given.minimum}")
    elif given.maximum is not None:
        words.append(f"at most {given.maximum}")
    return ", ".join(words)


def _number(text: str) -> float | int | str:
    text = text.strip()
    if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
        return int(text)
    return float(text) if _BROKEN.fullmatch(text) else text


def _typed(given: Input, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    match given.type:
        case "integer" if is_number and float(value).is_integer() and abs(value) < 1 << 63:
            return int(value)
        case "number" if is_number and (isinstance(value, float) or abs(value) < 1 << 63):
            return value
        case "percent":
            return _percent(value)
        case "boolean" if isinstance(value, bool):
            return value
        case "string" if isinstance(value, str):
            if len(value) > TEXT_CHARS_MAX:
                raise BadInput(f"it is longer than {TEXT_CHARS_MAX} characters", "shorten it")
            return value
        case "duration" if isinstance(value, str):
            return _duration(value)
        case "choice" if value in (given.choices or ()) and not isinstance(value, bool):
            return value
    hint = {
        "boolean": "write true or false",
        "duration": "write it like 90s, 5m or 1h30m",
        "choice": f"choose one of: {', '.join(str(choice) for choice in given.choices or ())}",
        "string": "put it in quotes",
    }.get(given.type, "write a number" if given.type == "number" else "write a whole number")
    article = "an" if given.type == "integer" else "a"
    raise BadInput(f"{_shown(value)} is not {article} {given.type}", hint)


def _percent(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?\s*%", value.strip()):
        value = float(value.strip(" %"))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise BadInput(f"{_shown(value)} is not a percentage", "write a number from 0 to 100")
    return value


def _duration(value: str) -> str:
    try:
        return format_duration(parse_duration(value))
    except ValueError as error:
        raise BadInput(str(error)) from None


def _measure(value: Any) -> float | None:
    """Return what minimum and maximum are compared by."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(parse_duration(str(value)))
    except ValueError:
        return None


def pattern_problem(pattern: str) -> str:
    """Return why *pattern* is too much to be tried, or nothing."""
    if len(pattern) > PATTERN_CHARS_MAX:
        return f"a pattern has at most {PATTERN_CHARS_MAX} characters"
    repeats = math.prod(max(1, int(count)) for count in re.findall(r"[{,]\s*([0-9]{1,9})", pattern))
    if repeats > PATTERN_REPEATS_MAX:
        return f"its counts multiply to more than {PATTERN_REPEATS_MAX} repeats"
    return ""


def _fits(pattern: str, value: str) -> bool:
    try:
        return matches(pattern, value)
    except ExpressionFailed:
        hint = "look-around and back references are not available"
        raise BadInput(f"its pattern {_shown(pattern)} is no regular expression", hint) from None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
