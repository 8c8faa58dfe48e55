"""Drawing over the same place of a terminal."""

from __future__ import annotations

import io
import re

import pytest

from relight.cli import screen as screens
from relight.cli.screen import Screen
from relight.cli.terminal import Line, Span


class Glass:
    """A terminal of 40 by 10, as far as our escapes need one: what a person would see."""

    def __init__(self, width: int = 40, height: int = 10) -> None:
        self.width, self.height = width, height
        self.rows = [""] * height
        self.row = self.col = 0
        self.saved = (0, 0)

    def feed(self, text: str) -> None:
        for part in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|\x1b[78]|.", text, re.DOTALL):
            self._take(part)

    def _take(self, part: str) -> None:
        match part[0], part[-1]:
            case "\x1b", "A":
                self.row = max(0, self.row - int(part[2:-1]))
            case "\x1b", "K":
                self.rows[self.row] = self.rows[self.row][: self.col]
            case "\x1b", "J":
                if part == "\x1b[2J":
                    self.rows = [""] * self.height
                else:
                    self.rows[self.row] = self.rows[self.row][: self.col]
                    self.rows[self.row + 1 :] = [""] * (self.height - self.row - 1)
            case "\x1b", "H":
                self.row = self.col = 0
            case "\x1b", "7":
                self.saved = (self.row, self.col)
            case "\x1b", "8":
                self.row, self.col = self.saved
            case "\x1b", _:
                pass
            case "\r", _:
                self.col = 0
            case "\n", _:
                self._down()
            case _:
                line = self.rows[self.row].ljust(self.col)
                self.rows[self.row] = line[: self.col] + part + line[self.col + 1 :]
                self.col += 1

    def _down(self) -> None:
        if self.row == self.height - 1:
            self.rows = [*self.rows[1:], ""]
        else:
            self.row += 1

    def seen(self) -> list[str]:
        return [row.rstrip() for row in self.rows if row.strip()]


class Stage:
    """A screen and the glass that it draws on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, width: int = 40, height: int = 10) -> None:
        self.stream = io.StringIO()
        self.glass = Glass(width, height)
        self.screen = Screen(self.stream)
        monkeypatch.setattr(screens.Screen, "_size", lambda _self: (self.glass.width, self.glass.height))

    def draw(self, *texts: str, prompt: str = "") -> list[str]:
        lines: list[Line] = [(Span(text),) for text in texts]
        self.screen.draw(lines, prompt=prompt)
        self._flush()
        return self.glass.seen()

    def _flush(self) -> None:
        self.glass.feed(self.stream.getvalue())
        self.stream.seek(0)
        self.stream.truncate()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def test_a_frame_replaces_the_last(stage: Stage) -> None:
    """Longer, shorter, fewer or more lines: only the newest frame is seen."""
    assert stage.draw("one", "two", "three") == ["one", "two", "three"]
    assert stage.draw("1", "zwei") == ["1", "zwei"]
    assert stage.draw("a", "b", "c", "d") == ["a", "b", "c", "d"]


def test_what_stood_above_stays(stage: Stage) -> None:
    """The view draws over itself alone."""
    stage.glass.feed("$ relight watch\r\n")
    stage.draw("one", "two")
    assert stage.draw("three") == ["$ relight watch", "three"]


def test_a_low_terminal_still_shows_the_next_command(stage: Stage) -> None:
    """Where not all lines fit, the first and the last are shown, and how many are not."""
    seen = stage.draw(*[f"line {number}" for number in range(20)])
    assert seen[0] == "line 0"
    assert seen[-2:] == ["line 18", "line 19"]
    assert "more lines" in seen[-3]
    assert len(seen) == 9
    assert stage.draw("short") == ["short"]


def test_a_terminal_that_became_narrower_is_cleared(stage: Stage) -> None:
    """What was wrapped by the terminal cannot be drawn over, so everything is drawn anew."""
    stage.draw("one", "two")
    stage.glass.width = 20
    assert stage.draw("one", "two") == ["one", "two"]


def test_what_is_typed_is_not_drawn_over(stage: Stage) -> None:
    """A person who types behind the prompt sees it while the lines above go on."""
    stage.draw("12:00:01", prompt="Approve? ")
    stage.glass.feed("ye")
    assert stage.draw("12:00:02", prompt="Approve? ") == ["12:00:02", "Approve? ye"]
    stage.glass.feed("s\r\n")
    stage.screen.entered()
    assert stage.draw("12:00:03") == ["12:00:03"]


def test_a_prompt_that_changes_is_asked_anew(stage: Stage) -> None:
    """Another question, or more lines above it: the question is drawn again."""
    stage.draw("one", prompt="Approve a? ")
    stage.glass.feed("y")
    assert stage.draw("one", prompt="Approve b? ") == ["one", "Approve b?"]
    assert stage.draw("one", "two", prompt="Approve b? ") == ["one", "two", "Approve b?"]


def test_the_cursor_comes_back(stage: Stage) -> None:
    """However the view ends, the cursor is seen again and lines wrap."""
    with pytest.raises(KeyboardInterrupt), stage.screen:
        raise KeyboardInterrupt
    written = stage.stream.getvalue()
    assert written.startswith("\x1b[?25l")
    assert written.endswith("\x1b[?25h\x1b[?7h")
