"""Text with ``${{ … }}`` in it, taken apart."""

import re
from typing import NamedTuple

from relight.runbook.cel_text import TOKEN

OPEN, CLOSE = "${{", "}}"


class Part(NamedTuple):
    """A piece of a template: literal text, or the CEL between the braces; *at* is where it begins."""

    is_cel: bool
    text: str
    at: int


class Unterminated(ValueError):
    """A ``${{`` without its ``}}``; *at* is where it begins."""

    def __init__(self, at: int) -> None:
        super().__init__("this ${{ has no }}")
        self.at = at


def is_template(value: object) -> bool:
    """Return whether *value* is text that embeds an expression."""
    return isinstance(value, str) and OPEN in value


def parts_of(text: str) -> list[Part]:
    """Return the pieces of *text* in order, empty literals left out.

    Raises:
        Unterminated: an embedding does not end.
    """
    parts: list[Part] = []
    index = 0
    while (begin := text.find(OPEN, index)) >= 0:
        if begin > index:
            parts.append(Part(False, text[index:begin], index))
        end = _end(text, begin + len(OPEN))
        if end is None:
            raise Unterminated(begin)
        parts.append(Part(True, text[begin + len(OPEN) : end], begin + len(OPEN)))
        index = end + len(CLOSE)
    if index < len(text):
        parts.append(Part(False, text[index:], index))
    return parts


def whole(text: str) -> str | None:
    """Return the CEL of a text that is one whole embedding, blanks around it aside; None for any other text."""
    if not re.match(r"\s*\$\{\{", text):
        return None
    parts = [part for part in parts_of(text) if part.is_cel or part.text.strip()]
    return parts[0].text if len(parts) == 1 and parts[0].is_cel else None


def _end(text: str, index: int) -> int | None:
    """Return where the closing braces stand; braces of CEL's own maps and strings are passed over."""
    depth = 0
    for found in TOKEN.finditer(text, index):
        if found.lastgroup != "sign":
            continue
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            if depth == 0:
                return found.start() if text.startswith(CLOSE, found.start()) else None
            depth -= 1
    return None
