"""What a command takes and gives."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from relight.sdk import Arguments, Result, Secret

TARGET_WORD = "{target}"
"""In a fan-out, an argument that is just this word is the host's name; so is the variable RELIGHT_TARGET."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:(/[^/]|~/).*|(keyring|vault):[^/].*)")


def _no_shell_string(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError('write the command as a list, like ["systemctl", "restart", "auth"]; there is no shell here')
    return value


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("no program takes a NUL character")
    return value


def _program(value: list[str]) -> list[str]:
    if not value or not value[0]:
        raise ValueError("the list starts with the program")
    return value


def _names(value: dict[str, Any]) -> dict[str, Any]:
    for name in value:
        if not _NAME.fullmatch(name):
            raise ValueError("a variable's name is made of A-Z, a-z, 0-9 and _")
    return value


def _reference(value: Any) -> Any:
    # The kernel lets no computed value be a reference, so whoever wrote this one wrote the runbook or the site.
    return Secret(value) if isinstance(value, str) and _REFERENCE.fullmatch(value) else value


def _absolute(value: str | None) -> str | None:
    if value is not None and not value.startswith("/"):
        raise ValueError("write the whole path; a driver has no directory of its own")
    return value


Text = Annotated[str, Field(coerce_numbers_to_str=True), AfterValidator(_no_nul)]
Variable = Annotated[Text | Secret, Field(union_mode="left_to_right"), BeforeValidator(_reference)]
Environment = Annotated[dict[str, Variable], AfterValidator(_names)]
SecretEnvironment = Annotated[dict[str, Secret], AfterValidator(_names)]
Directory = Annotated[str | None, AfterValidator(_absolute)]


class ShellConfig(Arguments):
    """What a site may say once for all commands."""

    cwd: Annotated[Directory, Field(description="Where commands run that say nothing else; else /")] = None
    env: Annotated[Environment, Field(description="Variables for every command")] = {}
    secret_env: Annotated[SecretEnvironment, Field(description="Variables with secrets for every command")] = {}


class ProbeArgs(Arguments):
    """What a command that only reads takes."""

    argv: Annotated[
        list[Text],
        BeforeValidator(_no_shell_string),
        AfterValidator(_program),
        Field(description="The program and its arguments, as a list; in a fan-out {target} alone is the host"),
    ]
    env: Annotated[
        Environment,
        Field(description="Variables, or references to secrets; else it gets PATH, HOME, LANG, LC_*, TZ, TMPDIR"),
    ] = {}
    secret_env: Annotated[
        SecretEnvironment, Field(description="Variables with secrets: env:NAME, file:PATH, keyring:SERVICE/NAME")
    ] = {}
    cwd: Annotated[Directory, Field(description="Where it runs; an absolute path")] = None
    stdin: Annotated[
        str, Field(description="What it reads from its standard input; a number, as a ramp gives, is fine too")
    ] = ""
    model_config = ConfigDict(coerce_numbers_to_str=True)
    ok_codes: Annotated[list[int], Field(description="Exit codes that mean that it worked", min_length=1)] = [0]
    parse: Annotated[Literal["text", "json"], Field(description="json: its output is parsed into value")] = "text"


class RunArgs(ProbeArgs):
    """What a command takes."""

    idempotent: Annotated[bool, Field(description="Whether running it again is harmless")] = False


class CommandResult(Result):
    """What a command said."""

    exit_code: Annotated[int, Field(description="How it exited")]
    stdout: Annotated[str, Field(description="What it wrote to its standard output, capped")] = ""
    stderr: Annotated[str, Field(description="What it wrote to its standard error, capped")] = ""
    value: Annotated[Any, Field(description="Its output, where that is a number or was parsed as JSON")] = None
    truncated: Annotated[bool, Field(description="Whether output was left out")] = False
