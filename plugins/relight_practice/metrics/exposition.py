"""Reading the text format back."""

import re
from collections.abc import Iterator

from relight_practice.metrics.registry import Labels

_LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\d+)?\s*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"\s*,?')
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_WORDS = {"NaN": "nan", "+Inf": "inf", "-Inf": "-inf"}


def parse(text: str) -> Iterator[tuple[str, Labels, float]]:
    """Yield name, labels and value of every sample.

    Raises:
        ValueError: a line is not in the format.
    """
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"not a sample: {line!r}")
        name, inner, value = match.groups()
        yield name, _labels(inner) if inner else (), float(_WORDS.get(value, value))


def _labels(inner: str) -> Labels:
    pairs: list[tuple[str, str]] = []
    position = 0
    while position < len(inner):
        match = _LABEL.match(inner, position)
        if match is None:
            raise ValueError(f"not labels: {inner!r}")
        text = match[2]
        if "\\" in text:
            text = re.sub(r"\\.", lambda found: _ESCAPES.get(found[0], found[0]), text)
        pairs.append((match[1], text))
        position = match.end()
    return tuple(sorted(pairs))
