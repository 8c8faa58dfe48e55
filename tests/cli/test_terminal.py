"""Lines for people."""

from __future__ import annotations

import io
import sys

import pytest

from relight.cli import terminal
from relight.cli.terminal import Span, clean, columns, cut, fit, line, pad, plain

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
    "\x9b31mred",
    "a\x00b\x07c\x08d\x7fe",
    "ad\u202emin",
    "\u2066x\u2069\u200f\u061c",
    "zero\u200bwidth\ufeff",
    "one\rtwo\nthree\u2028four\x85five",
    "tag\U000e0041",
    "lone \ud800 surrogate",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_from_outside_moves_a_cursor(text: str) -> None:
    """Controls, escapes, bidi and invisible characters are gone; what is left prints and stays on its line."""
    shown = clean(text)
    assert shown.isprintable()
    assert "\x1b" not in shown
    assert "\n" not in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_only_our_own_escapes_are_written(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the style goes around the cleaned text, and there is no other escape."""
    shown = terminal.coloured(line(Span(text, "bad"), " ", text))
    assert shown.startswith("\x1b[31m")
    assert shown.count("\x1b") == 2
    assert "\n" not in shown


def test_words_survive() -> None:
    """What prints is left alone, in any script."""
    for text in ("edge-6 refused", "Anmeldung fällt aus", "登录失败", "naïve 👍"):
        assert clean(text) == text


def test_white_space_is_a_space() -> None:
    """A value can never start a line of its own."""
    assert clean("a\tb\nc\u00a0d") == "a b c d"


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("登录", 4), ("e\u0301", 1), ("", 0), ("👍", 2)])
def test_columns_are_counted(text: str, width: int) -> None:
    """Wide characters take two columns and combining ones none."""
    assert columns(text) == width


@pytest.mark.parametrize("width", range(12))
def test_a_cut_text_fits(width: int) -> None:
    """A cut text is never wider than asked, and says that it was cut."""
    for text in ("abcdefghijkl", "登录失败登录失败", "short"):
        shown = cut(text, width)
        assert columns(shown) <= width
        assert shown == text or shown.endswith(".."[: min(2, width)])
        assert columns(pad(text, width)) == width


@pytest.mark.parametrize("width", range(2, 30))
def test_a_line_fits(width: int) -> None:
    """A line is never wider than the terminal, whatever its spans are."""
    spans = line(Span("GATE ", "loud"), "Roll back auth 41 to 40? ", Span("登录", "good"), "end")
    shown = fit(spans, width)
    assert columns(plain(shown)) <= width
    assert plain(fit(spans, 100)) == "GATE Roll back auth 41 to 40? 登录end"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "colour"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    environment: dict[str, str], colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR, a dumb terminal and anything that is no terminal get plain text."""
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for stream, expected in ((Terminal(), colour), (io.StringIO(), False)):
        terminal.write_lines([line(Span("held", "loud"))], stream)
        assert ("\x1b[" in stream.getvalue()) is expected


def test_a_closed_stream_is_no_terminal() -> None:
    """A stream that was closed, or never was there, is asked nothing."""
    stream = io.StringIO()
    stream.close()
    assert not terminal.is_terminal(stream)
    assert not terminal.is_terminal(None)


def test_nobody_is_asked_off_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt needs both ends: somebody to read it and somebody to answer."""
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not terminal.may_prompt()
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert terminal.may_prompt()


def test_json_is_pure_ascii() -> None:
    """JSON carries everything, and nothing in it reaches a terminal unescaped."""
    stream = io.StringIO()
    terminal.write_json({"says": "\x1b[31m\x7f\x9b\u202e登录\ud800"}, stream, compact=True)
    text = stream.getvalue()
    assert text.isascii()
    assert text.rstrip("\n").isprintable()
    import json

    assert json.loads(text)["says"].startswith("\x1b[31m\x7f\x9b\u202e登录")
