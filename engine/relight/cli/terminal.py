"""Lines for people: styled, as wide as the terminal, and free of control characters that are not ours.

A line is a tuple of spans. Their text is cleaned when it is written and the style is added around it afterwards,
so nothing that was read from outside can move a cursor, change a colour or turn the reading direction.
"""

import os
import re
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple, TextIO, TypeAlias

WIDTH_DEFAULT = 80
WIDTH_MIN = 40
"""Narrower terminals get lines that are cut at the right: below this no layout helps."""


class Span(NamedTuple):
    """Some text and how it is shown; *style* is a key of ``STYLES`` or empty."""

    text: str
    style: str = ""


Line: TypeAlias = tuple[Span, ...]

STYLES = {
    "bold": "1",
    "dim": "2",
    "good": "32",
    "warn": "33",
    "bad": "31",
    "loud": "1;31",
    "calm": "36",
    "production": "1;37;41",
    "other": "1;36",
}
RESET = "\x1b[0m"
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""Colours and moves, whole, so that no litter of them stays behind; whatever else is hidden in a text is shown."""


def environment_style(environment: str) -> str:
    """Return the colour of an environment: production cannot be mistaken."""
    return "production" if environment == "production" else "other"


def line(*parts: str | Span) -> Line:
    """Return a line made of plain texts and spans."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def clean(text: str) -> str:
    """Return *text* without anything that does not print: controls, escapes, bidi and invisible characters.

    White space of any kind becomes a space, so a value can never start a line of its own.
    """
    if text.isprintable():
        return text
    text = ESCAPES.sub("", text)
    return "".join(char if char.isprintable() else " " if char.isspace() else "" for char in text)


def columns(text: str) -> int:
    """Return how many columns *text* takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def cut(text: str, width: int) -> str:
    """Return *text* in at most *width* columns; where something was cut it ends in ``..``."""
    if columns(text) <= width:
        return text
    return _head(text, width - 2).rstrip() + ".."[: max(0, width)]


def _head(text: str, width: int) -> str:
    while text and columns(text) > width:
        text = text[: max(0, min(len(text) - 1, width))]
    return text


def pad(text: str, width: int) -> str:
    """Return *text* in exactly *width* columns, cut or filled."""
    text = cut(clean(text), width)
    return text + " " * (width - columns(text))


def fit(spans: Line, width: int) -> Line:
    """Return the line in at most *width* columns."""
    cleaned = tuple(Span(clean(span.text), span.style) for span in spans)
    if sum(columns(span.text) for span in cleaned) <= width:
        return cleaned
    left = width - 2
    kept: list[Span] = []
    for span in cleaned:
        if columns(span.text) > left:
            kept.append(Span(_head(span.text, left) + "..", span.style))
            break
        kept.append(span)
        left -= columns(span.text)
    return tuple(kept)


def plain(spans: Line) -> str:
    """Return the line without its styles."""
    return "".join(clean(span.text) for span in spans).rstrip()


def coloured(spans: Line) -> str:
    """Return the line with its styles as ANSI sequences; the only place that writes any."""
    parts = []
    for span in spans:
        code = STYLES.get(span.style)
        text = clean(span.text)
        parts.append(f"\x1b[{code}m{text}{RESET}" if code and text else text)
    return "".join(parts).rstrip()


def wants_colour(stream: TextIO) -> bool:
    """Return whether *stream* is a terminal whose user has not asked for plain text."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "") == "dumb":
        return False
    return is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether *stream* is a terminal; a closed or missing one is not."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def may_prompt() -> bool:
    """Return whether a person can be asked: both standard input and standard error are a terminal."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def terminal_width(stream: TextIO | None = None) -> int:
    """Return the width to lay out for: the terminal's, ``COLUMNS``, or 80."""
    from shutil import get_terminal_size

    if is_terminal(stream or sys.stdout):
        try:
            return max(WIDTH_MIN, os.get_terminal_size((stream or sys.stdout).fileno()).columns or WIDTH_DEFAULT)
        except (OSError, ValueError):
            return WIDTH_DEFAULT
    return max(WIDTH_MIN, get_terminal_size((WIDTH_DEFAULT, 24)).columns)


def write_lines(lines: Iterable[Line | str], stream: TextIO) -> None:
    """Write *lines* to *stream*, styled where it is a terminal that wants it."""
    colour = wants_colour(stream)
    for each in lines:
        spans = (Span(each),) if isinstance(each, str) else each
        stream.write((coloured(spans) if colour else plain(spans)) + "\n")
    stream.flush()


def write_json(document: Any, stream: TextIO, *, compact: bool = False) -> None:
    """Write *document* as JSON in pure ASCII, which no terminal can be led astray by."""
    import json

    if compact:
        text = json.dumps(document, separators=(",", ":"))
    else:
        text = json.dumps(document, indent=2)
    stream.write(text.replace("\x7f", "\\u007f") + "\n")
    stream.flush()
