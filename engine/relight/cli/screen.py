"""Draws a few lines again and again at the same place of a terminal, by hand.

A frame is at most a screen of short lines of which we know the width, so it takes a dozen escape sequences;
a library for it would cost every ``relight watch`` as much as everything else that it imports.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO

from relight.cli.terminal import WIDTH_DEFAULT, Line, Span, clean, coloured, cut, plain, wants_colour

HEIGHT_DEFAULT = 24
KEPT_AT_END = 2
"""Lines at the end of a frame that are shown on the lowest terminal: the next command is there."""
_UP, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[{}A", "\x1b[K", "\x1b[J"
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
_SAVE, _RESTORE = "\x1b7", "\x1b8"
_CLEAR_ALL = "\x1b[2J\x1b[H"


class Screen:
    """A part of the terminal that is drawn over; use it as a context, so that the cursor comes back.

    A prompt is the last line and has no end: what the person types stands behind it, and while nothing but the lines
    above changes it is not touched.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._colour = wants_colour(self._stream)
        self._rows = 0
        self._width = 0
        self._prompt = ""

    @property
    def width(self) -> int:
        """The terminal's width now."""
        return self._size()[0]

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return WIDTH_DEFAULT, HEIGHT_DEFAULT
        return size.columns or WIDTH_DEFAULT, size.lines or HEIGHT_DEFAULT

    def draw(self, lines: Sequence[Line], *, prompt: str = "") -> None:
        """Show *lines* where the last frame was, and *prompt* below them."""
        width, height = self._size()
        prompt = cut(clean(prompt), width - 8)
        shown = _fitting(lines, height - 1 - bool(prompt))
        kept = bool(prompt) and (prompt, len(shown), width) == (self._prompt, self._rows, self._width)
        parts = [_SAVE if kept else "", _NO_WRAP]
        if self._rows:
            # A narrower terminal has wrapped what stands there, so nobody knows how many rows that is.
            parts.append(_CLEAR_ALL if width < self._width else "\r" + _UP.format(self._rows))
        for spans in shown:
            text = coloured(spans) if self._colour else plain(spans)
            # Cleared first: behind a line that fills the row it would take the last character with it.
            parts.append(f"{_CLEAR_LINE}{text}\r\n")
        parts += [_RESTORE] if kept else [_CLEAR_BELOW, prompt]
        parts += [_WRAP, _SHOW_CURSOR if prompt else _HIDE_CURSOR]
        self._stream.write("".join(parts))
        self._stream.flush()
        self._rows, self._width, self._prompt = len(shown), width, prompt

    def entered(self) -> None:
        """Take note that the person ended the prompt's line."""
        if self._prompt:
            self._rows, self._prompt = self._rows + 1, ""

    def __enter__(self) -> Self:
        """Hide the cursor."""
        self._stream.write(_HIDE_CURSOR)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show the cursor again, whatever happened."""
        with suppress(OSError, ValueError):
            self._stream.write(("\r\n" if self._prompt else "") + _SHOW_CURSOR + _WRAP)
            self._stream.flush()


def _fitting(lines: Sequence[Line], rows: int) -> list[Line]:
    """Return the lines that a terminal of that height shows: the first ones, and always the last."""
    if len(lines) <= rows:
        return list(lines)
    tail = lines[-KEPT_AT_END:]
    head = lines[: max(0, rows - KEPT_AT_END - 1)]
    left_out = len(lines) - len(head) - len(tail)
    return [*head, (Span(f"  ... {left_out} more lines: relight status", "dim"),), *tail][-rows:]
