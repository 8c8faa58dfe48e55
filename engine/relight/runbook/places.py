"""Where a character of a YAML value stands in the document: quotes, escapes, folding and block scalars undone.

Both texts are walked side by side over what is not blank, since folding changes blanks alone.
"""

from relight.runbook.source import Mark, Source

_ESCAPE_DIGITS = {"x": 2, "u": 4, "U": 8}
_BLANK_ESCAPES = "0abtnvfre N_LP\t"
"""Escapes that may stand for blanks or control characters; skipped like the blanks of the value."""


def place_inside(source: Source, at: Mark, value: str, offset: int) -> Mark:
    """Return where character *offset* of the scalar *value*, which begins at *at*, stands in *source*."""
    walk = _Walk(source, at)
    place = walk.here()
    for index, char in enumerate(value):
        if _is_blank(char):
            if index >= offset:
                break
            continue
        place = walk.find()
        if index >= offset:
            return place
        walk.step()
    return walk.here()


def _is_blank(char: str) -> bool:
    return char.isspace() or char < " "


class _Walk:
    """A pointer into the source that stops at each character which is part of the value."""

    def __init__(self, source: Source, at: Mark) -> None:
        self._lines = source.lines
        self._style = at.style
        self._line = at.line - 1
        self._col = at.col - 1
        if at.style in ("'", '"'):
            self._col += 1
        elif at.style in ("|", ">"):
            self._line, self._col = self._line + 1, 0

    def here(self) -> Mark:
        return Mark(self._line + 1, self._col + 1)

    def find(self) -> Mark:
        """Go to the next character that is not blank, and return where that is."""
        while self._line < len(self._lines):
            line = self._lines[self._line]
            while self._col < len(line):
                if self._style == '"' and line[self._col] == "\\":
                    if not self._escapes_blank(line):
                        return self.here()
                    self.step()
                elif line[self._col].isspace():
                    self._col += 1
                else:
                    return self.here()
            if self._line + 1 >= len(self._lines):
                break
            self._line, self._col = self._line + 1, 0
        return self.here()

    def _escapes_blank(self, line: str) -> bool:
        """Return whether the escape at the pointer stands for a blank, a control or a joined line."""
        kind = line[self._col + 1 : self._col + 2]
        digits = line[self._col + 2 : self._col + 2 + _ESCAPE_DIGITS.get(kind, 0)]
        return _is_blank(chr(int(digits, 16))) if digits else not kind or kind in _BLANK_ESCAPES

    def step(self) -> None:
        """Go past the character found."""
        line = self._lines[self._line] if self._line < len(self._lines) else ""
        rest = line[self._col : self._col + 2]
        if self._style == '"' and rest[:1] == "\\":
            self._col += 2 + _ESCAPE_DIGITS.get(rest[1:], 0)
        elif self._style == "'" and rest == "''":
            self._col += 2
        else:
            self._col += 1
