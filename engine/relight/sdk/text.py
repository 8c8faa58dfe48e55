"""Text from outside, made fit for a line on a terminal or for a result in a journal."""

import json

LINE_MAX = 200
"""Characters of a message; a person reads no further at 3 a.m."""


def one_line(text: str, limit: int = LINE_MAX) -> str:
    """Return *text* as one short line without anything that moves the cursor or turns the direction of reading."""
    clean = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return clean if len(clean) <= limit else f"{clean[: limit - 3]}..."


def fit(text: str, limit: int) -> tuple[str, bool]:
    """Return *text*, or its head and tail where its JSON is longer than *limit* bytes, and whether it was cut."""
    kept, half = text, len(text)
    while half and len(json.dumps(kept)) > limit:
        half = min(half, limit) // 2
        kept = f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[len(text) - half :]}"
    return kept, kept != text
