"""The list of commands, and what loading each costs."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from typing import Any

import click
import pytest

from relight.cli.commands import COMMANDS
from relight.cli.program import program
from relight.control.verbs import VERBS

HEAVY = (
    "pydantic",
    "rich",
    "asyncio",
    "yaml",
    "importlib.metadata",
    "cel",
    "structlog",
    "relight.sdk",
    "relight.runbook",
)


def command(name: str) -> click.Command:
    found = program.get_command(click.Context(program), name)
    assert found is not None
    return found


def parameters(name: str) -> list[click.Parameter]:
    return [each for each in command(name).params if each.name != "help"]


def test_every_command_has_its_permission() -> None:
    """One table says what may be asked at any door; the CLI has no command that is not in it, and lacks none."""
    assert set(COMMANDS) == set(VERBS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_line_is_the_command_s_own(name: str) -> None:
    """``relight --help`` imports no command, so its lines stand elsewhere; they agree with each command's own."""
    said = (command(name).help or "").split("\n\n")[0].replace("\n", " ").strip()
    short = COMMANDS[name].summary.rstrip(".")
    assert said.rstrip(".").startswith(short) or short.startswith(said.rstrip("."))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name: str) -> None:
    """Whoever asks for help is told what each option means, and each argument is explained in the text."""
    text = command(name).help or ""
    for parameter in parameters(name):
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]}"
        else:
            shown = str(parameter.metavar or parameter.name).upper()
            words = re.split(r"[|.\s\[\]]+", shown)
            assert any(word and word in text.upper() for word in words), f"{name} {shown}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_speaks_json(name: str) -> None:
    """``-o json`` and ``-o jsonl`` are understood everywhere, and so is another journal."""
    options = {option for parameter in parameters(name) for option in parameter.opts}
    assert {"-o", "--output", "--journal"} <= options


@pytest.mark.parametrize("name", sorted(verb.name for verb in VERBS.values() if verb.asks))
def test_a_deciding_verb_names_its_run_first(name: str) -> None:
    """What changes a run takes its run as the first word, so that nobody decides about the wrong one."""
    arguments: list[Any] = [each for each in command(name).params if isinstance(each, click.Argument)]
    assert arguments[0].name == "run"
    assert arguments[0].required


@pytest.mark.parametrize("name", sorted(verb.name for verb in VERBS.values() if verb.permission == "read"))
def test_a_reading_verb_finds_the_only_unfinished_run(name: str) -> None:
    """What only reads may be typed without a run."""
    arguments = [each for each in command(name).params if isinstance(each, click.Argument)]
    assert all(not argument.required for argument in arguments)


def loaded(*words: str) -> set[str]:
    """Return what a command line has imported when it ends."""
    code = (
        "import sys; from relight.cli.program import run_program; "
        f"run_program({list(words)!r}); print(chr(10) + ' '.join(sys.modules), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60)
    return set(ended.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "words",
    [("--help",), ("--version",), ("approve", "--help"), ("runs",), ("status",), ("approve", "7f3", "x/y"), ("why",)],
)
def test_what_is_typed_in_a_hurry_imports_next_to_nothing(home: object, words: tuple[str, ...]) -> None:
    """Help, status and approve load no models, no event loop, no YAML, and look for no plugins."""
    allowed = {"importlib.metadata"} if words == ("--version",) else set()
    assert set() == {module for module in HEAVY if module in loaded(*words)} - allowed


def test_help_imports_no_command(home: object) -> None:
    """``relight --help`` is click and a list."""
    ours = {name for name in loaded("--help") if name.startswith("relight")}
    assert ours <= {
        "relight",
        "relight.cli",
        "relight.cli.program",
        "relight.cli.commands",
        "relight.cli.terminal",
        "relight.cli.endings",
        "relight.errors",
    }


INTERRUPTED = """
import os, signal, sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "relight.cli.program":
            os.kill(os.getpid(), signal.SIGINT)

import relight.cli
sys.meta_path.insert(0, Interrupts())
relight.cli.main()
"""


def test_an_interrupt_before_anything_was_loaded_says_nothing() -> None:
    """Whoever types Ctrl-C at once ends the command, and does not get to read where Python was."""
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")
