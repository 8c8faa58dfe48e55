"""How the program ends: one sentence, a hint, and the exit code of the table."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from relight import errors
from relight.cli import program as programs
from relight.cli.endings import ended_by

Relight = Callable[..., Any]

ENDINGS: list[tuple[BaseException, int]] = [
    (errors.UsageError("no"), 2),
    (errors.RunbookError("no"), 3),
    (errors.NotPermitted("no"), 4),
    (errors.NotNow("no"), 4),
    (errors.JournalError("no"), 9),
    (errors.JournalTooNew("no"), 9),
    (errors.StaleDriver("no"), 9),
    (errors.Locked("no"), 75),
    (errors.Taken("no"), 75),
    (errors.PluginError("edge", "no"), 1),
    (errors.SecretError("no"), 1),
    (click.UsageError("No"), 2),
    (click.BadParameter("No"), 2),
    (click.exceptions.Exit(5), 5),
    (SystemExit(143), 143),
    (SystemExit(None), 0),
    (KeyboardInterrupt(), 130),
    (click.Abort(), 130),
    (OSError(errno.EACCES, "Permission denied", "/srv/x"), 74),
    (ValueError("nobody foresaw it"), 70),
    (RecursionError(), 70),
]


@pytest.mark.parametrize(("error", "code"), ENDINGS, ids=lambda each: type(each).__name__)
def test_every_exception_has_its_exit_code(
    home: Path, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    """What ends the program becomes the exit code of the table, and never a traceback."""
    assert ended_by(error, []) == code
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err


def test_every_error_of_the_tree_is_in_the_table() -> None:
    """Nobody adds an error without saying how the program ends with it."""

    def tree(kind: type[BaseException]) -> set[type[BaseException]]:
        return {kind}.union(*(tree(each) for each in kind.__subclasses__() if each.__module__ == errors.__name__))

    assert tree(errors.RelightError) - {errors.RelightError} <= {type(error) for error, _ in ENDINGS}


def test_an_error_is_a_sentence_and_a_hint(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What happened, and what to do next, on standard error; standard output stays clean."""
    ended_by(errors.NotNow("ticket roll-back/2c9 has expired", hint="relight ask 7f3"), ["approve", "7f3"])
    said = capsys.readouterr()
    assert said.err == "error: ticket roll-back/2c9 has expired\nhint: relight ask 7f3\n"
    assert said.out == ""


@pytest.mark.parametrize(
    "words", [["-o", "json"], ["-ojson"], ["--output", "json"], ["--output=json"], ["-o", "jsonl"], ["-o=jsonl"]]
)
def test_a_program_gets_the_error_as_json(home: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """With -o json standard output carries the error too, even where the command line could not be parsed."""
    ended_by(errors.Locked("driven by serve-2", hint="wait"), ["resume", "7f3", *words])
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "schema": "relight.error/v1",
        "kind": "Locked",
        "error": "driven by serve-2",
        "hint": "wait",
        "exit": 75,
    }


def test_what_was_said_cannot_move_a_cursor(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An error that quotes somebody's bytes prints words only."""
    ended_by(errors.UsageError("no runbook \x1b[2J\x1b]0;x\x07 here\r\nerror: all is well"), [])
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert len(said.splitlines()) == 1


def test_the_unforeseen_goes_to_a_file(relight: Relight, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect is a sentence with the name of a file; the file has the traceback, and only its owner may read it."""

    def broken(*_words: object, **_more: object) -> None:
        raise ZeroDivisionError("nobody foresaw it")

    monkeypatch.setattr(programs.program, "main", broken)
    said = relight("status")
    assert said.code == 70
    assert "Traceback" not in said.out + said.err
    (report,) = home.glob("crash-*.txt")
    assert str(report) in said.err
    assert "nobody foresaw it" in report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600


def test_debugging_shows_it(relight: Relight, monkeypatch: pytest.MonkeyPatch) -> None:
    """RELIGHT_DEBUG=1 shows the traceback to whoever asked for it."""

    def broken(*_words: object, **_more: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(programs.program, "main", broken)
    monkeypatch.setenv("RELIGHT_DEBUG", "1")
    assert "Traceback" in relight("status").err


def test_a_report_may_hold_no_secret(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where secrets may have been resolved, a report names the exceptions and leaves out what they said."""
    import relight.sdk.secrets  # noqa: F401 - that it is loaded is the point

    canary = os.environ.get("RELIGHT_TEST_CANARY", "hunter2-and-more")
    try:
        raise ValueError(canary)
    except ValueError as error:
        ended_by(error, [])
    (report,) = home.glob("crash-*.txt")
    assert canary not in report.read_text()
    assert "ValueError" in report.read_text()


# ---- in processes of their own


def test_a_reader_that_goes_away_is_no_error(home: Path) -> None:
    """``relight … | head`` ends quietly."""
    ended = subprocess.run(
        f"{sys.executable} -P -m relight.cli schema runbook | head -c 10", shell=True, capture_output=True, text=True
    )
    assert ended.stderr == ""
    assert len(ended.stdout) == 10


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(home: Path, closed: str) -> None:
    """Standard streams that are not there at all change nothing but what can be seen."""
    ended = subprocess.run(f"{sys.executable} -P -m relight.cli runs {closed}", shell=True, capture_output=True)
    assert ended.returncode == 0
    assert b"Traceback" not in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_the_output_is_said(home: Path) -> None:
    """An output that cannot be written is told on the other stream."""
    ended = subprocess.run(f"{sys.executable} -P -m relight.cli runs > /dev/full", shell=True, capture_output=True)
    assert ended.returncode == 74
    assert b"No space left" in ended.stderr
    assert b"Traceback" not in ended.stderr
    assert b"Exception ignored" not in ended.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"},
        {"LANG": "de_DE.ISO-8859-1", "PYTHONIOENCODING": "latin-1"},
        {"TERM": ""},
        {"COLUMNS": "nonsense"},
        {"TZ": "Nowhere/Nothing"},
    ],
)
def test_any_locale_and_terminal_will_do(process: Relight, tmp_path: Path, environment: dict[str, str]) -> None:
    """A machine without a UTF-8 locale, a sensible TERM or a time zone prints what it can and goes on."""
    said = process("lint", str(tmp_path / "逃げる.runbook.yaml"), **environment)
    assert said.code == 3
    assert "Traceback" not in said.out + said.err
    assert process("runs", **environment).code == 0


def test_no_home_is_said(tmp_path: Path) -> None:
    """A user without a home is told which variable to set."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    code = (
        "import os, pwd, sys\n"
        "def absent(_): raise KeyError\n"
        "pwd.getpwuid = absent\n"
        "from relight.cli import main\n"
        "sys.argv = ['relight', 'runs']\n"
        "sys.exit(main())\n"
    )
    ended = subprocess.run([sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True)
    assert ended.returncode == 9
    assert "RELIGHT_HOME" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("explode",), 2, "there is no command 'explode'"),
        (("aprove",), 2, "did you mean `relight approve`?"),
        (("--nonsense",), 2, "no such option"),
        (("approve",), 2, "missing argument 'RUN'"),
        (("approve", "7f3"), 2, "missing argument 'TICKET'"),
        (("approve", "7f3", "x", "y"), 2, "unexpected extra argument"),
        (("mark", "7f3", "warm", "maybe"), 2, "'maybe' is not one of"),
        (("ramp", "7f3", "sideways"), 2, "a ramp does not know 'sideways'"),
        (("status", "-o", "xml"), 2, "'xml' is not one of"),
        (("undo", "7f3"), 9, "there is no journal"),
        (("undo", "7f3", "x", "--to", "y"), 2, "say what to undo"),
        (("plan", "x"), 2, "missing option '--site'"),
        (("run", "./x.yaml", "--site", "./s.yaml", "-i", "novalue"), 2, "gives no input a value"),
        (("run", "./x.yaml", "--site", "./s.yaml", "-i", "a=1", "-i", "a=2"), 2, "given twice"),
        (("run", "./x.yaml", "--site", "./s.yaml", "--foreground", "--until-decision"), 2, "--foreground drives"),
        (("run", "nothing-by-that-name", "--site", "./s.yaml"), 2, "there is no runbook called"),
        (("plan", "./absent.yaml", "--site", "./s.yaml"), 3, "does not exist"),
        (("lint", "./absent.yaml"), 3, "does not exist"),
        (("status", "7f3"), 9, "there is no journal"),
        (("approve", "7f3", "x/y"), 9, "there is no journal"),
        (("log",), 9, "there is no journal"),
        (("status", "--journal", "mysql://x/y"), 9, "no journal is called"),
        (("status", "--journal", "sqlite://relative"), 9, "names no file"),
        (("plugins", "nothing-by-that-name"), 2, "no plugin called"),
        (("schema", "poem"), 2, "'poem' is not one of"),
        (("drill",), 2, "no terminal to ask on"),
        (("note", "7f3", "  "), 2, "the note is empty"),
    ],
)
def test_every_wrong_word_is_answered(
    relight: Relight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, said: str
) -> None:
    """A wrong flag, id, name or document: one clear sentence, what to do next, the exit code, and JSON where asked."""
    monkeypatch.chdir(tmp_path)
    told = relight(*words)
    assert told.code == code, told.err
    assert said in told.err + told.out
    assert "Traceback" not in told.err
    again = relight(*words, "-o", "json") if "-o" not in words else told
    if code == 2 and "-o" not in words and words != ("--nonsense",):
        assert json.loads(again.out)["exit"] == 2


def test_a_hint_always_follows(relight: Relight) -> None:
    """Whoever is refused is told what to do next."""
    for words in (("explode",), ("approve",), ("ramp", "7f3", "x"), ("status", "7f3"), ("drill",)):
        assert "\nhint: " in relight(*words).err
