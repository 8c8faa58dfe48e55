"""What comes from outside, made fit for a line on a terminal or for a result in a journal."""

import json
import math
from typing import Any

LINE_MAX = 200
"""Characters of a message; a person reads no further at 3 a.m."""


def one_line(text: str, limit: int = LINE_MAX) -> str:
    """Return *text* as one short line without anything that moves the cursor or turns the direction of reading."""
    clean = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return clean if len(clean) <= limit else f"{clean[: limit - 3]}..."


def parse_json(data: bytes | str) -> Any:
    """Return the value of *data*, which comes from outside.

    Raises:
        ValueError: it is no JSON; infinite numbers and nesting without end are none either.
    """
    try:
        return json.loads(data, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def fit(text: str, limit: int) -> tuple[str, bool]:
    """Return *text*, or its head and tail where its JSON is longer than *limit* bytes, and whether it was cut."""
    kept, half = text, len(text)
    while half and len(json.dumps(kept)) > limit:
        half = min(half, limit) // 2
        kept = f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[len(text) - half :]}"
    return kept, kept != text
