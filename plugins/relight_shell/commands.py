"""How a command is run, and what its ending means."""

import asyncio
import errno
import getpass
import json
import math
import os
import re
import shlex
from pathlib import Path
from typing import Any

from relight.sdk import (
    Action,
    Call,
    Contract,
    Failed,
    Finished,
    OutcomeUnknown,
    Probe,
    Provider,
    child_environment,
    fit,
    one_line,
    parse_json,
    run_process,
)
from relight_shell.arguments import TARGET_WORD, CommandResult, ProbeArgs, RunArgs, ShellConfig

STDOUT_MAX = 7 * 1024
"""Bytes of JSON that a result keeps of the output; with the rest it stays below a result's 16 KiB."""
STDERR_MAX = 3 * 1024
VALUE_MAX = 4 * 1024
_NUMBER = re.compile(r"[-+]?[0-9]{1,300}(\.[0-9]{0,300})?([eE][-+]?[0-9]{1,3})?", re.ASCII)
_BUSY = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY})
_NOTHING = object()


class _Signalled(Exception):
    """Somebody else ended it."""


class Run(Action):
    """Runs a command that changes something."""

    contract = Contract(
        name="run",
        title="Run a command on this host",
        args=RunArgs,
        result=CommandResult,
        idempotent="idempotent",
    )

    async def perform(self, call: Call) -> CommandResult:
        """Run it; a non-zero exit is a failure, a signal leaves the outcome unknown."""
        try:
            async with asyncio.timeout(call.deadline_s):
                finished = await _run(self.provider.config, call)
        except TimeoutError:
            said = f"{_name(call)} still ran after {call.deadline_s:g} s and was ended with its children"
            raise OutcomeUnknown(said) from None
        except _Signalled as signalled:
            raise OutcomeUnknown(str(signalled)) from None
        value = _value(call.args, finished)
        if value is _NOTHING:
            # It ran and exited well: to call that a failure would be to say that nothing had changed.
            raise OutcomeUnknown(f"{_name(call)} exited with {finished.exit_code}, but its output is no usable JSON")
        return _result(finished, value)

    async def preview(self, call: Call) -> str:
        """Show the command as one would type it."""
        return one_line(f"runs {shlex.join(call.args.argv)}")


class Read(Probe):
    """Runs a command that only reads."""

    contract = Contract(
        name="probe",
        title="Run a command on this host that only reads",
        args=ProbeArgs,
        result=CommandResult,
        effect="read",
        timeout_s=10.0,
    )

    async def read(self, call: Call) -> CommandResult:
        """Run it; whatever else than a good exit happens, there is no reading."""
        try:
            async with asyncio.timeout(call.deadline_s):
                finished = await _run(self.provider.config, call)
        except TimeoutError:
            raise Failed(f"{_name(call)} did not end within {call.deadline_s:g} s") from None
        except _Signalled as signalled:
            raise Failed(str(signalled)) from None
        value = _value(call.args, finished)
        if value is _NOTHING:
            raise Failed(f"{_name(call)}: its output is no usable JSON", retry=False)
        return _result(finished, value)


class ShellProvider(Provider):
    """This host."""

    Config = ShellConfig
    actions = (Run,)
    probes = (Read,)

    async def ping(self) -> str:
        """Say as whom commands run."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):
            user = f"uid {os.getuid()}"
        return f"runs commands as {user}"


async def _run(config: ShellConfig, call: Call) -> Finished:
    args: ProbeArgs = call.args
    host = call.targets[0].name if call.targets else ""
    argv = [host if host and word == TARGET_WORD else word for word in args.argv]
    written = {**config.env, **args.env, **config.secret_env, **args.secret_env}
    variables = {name: call.reveal(value) for name, value in written.items()}
    try:
        finished = await run_process(
            argv,
            env=child_environment({"RELIGHT_TARGET": host} if host else {}, variables, call.marker),
            cwd=_directory(args.cwd or config.cwd or "/"),
            stdin=args.stdin.encode(errors="surrogatepass") or None,
            grace_s=call.grace_s,
            on_line=lambda line: call.progress(one_line(_text(line))),
            secrets=call.secrets,
        )
    except FileNotFoundError:
        raise Failed(_missing(args.argv[0]), retry=False) from None
    except PermissionError:
        raise Failed(f"{args.argv[0]} may not be run", retry=False) from None
    except (OSError, ValueError) as error:
        busy = isinstance(error, OSError) and error.errno in _BUSY
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise Failed(f"{_name(call)} could not be started: {why}", retry=busy) from None
    if finished.exit_code < 0:
        raise _Signalled(f"{_name(call)} was ended by signal {-finished.exit_code}")
    if finished.exit_code not in args.ok_codes:
        raise Failed(f"{_name(call)} exited with {finished.exit_code}{_last_words(finished)}")
    return finished


def _missing(program: str) -> str:
    if Path(program).is_file():
        return f"{program} cannot be run: there is no program that its first line or its format asks for"
    return f"there is no program {program}"


def _directory(path: str) -> str:
    if not Path(path).is_dir():  # a missing program and a missing directory look alike afterwards
        raise Failed(f"there is no directory {path}", retry=False)
    return path


def _name(call: Call) -> str:
    return one_line(Path(call.args.argv[0]).name)


def _last_words(finished: Finished) -> str:
    for stream in (finished.stderr, finished.stdout):
        lines = [line for line in _text(stream).splitlines() if line.strip()]
        if lines:
            return f": {one_line(lines[-1])}"
    return ""


def _value(args: ProbeArgs, finished: Finished) -> Any:
    """Return the parsed output, or the number that it is, if any; ``_NOTHING`` where JSON was asked for in vain."""
    if args.parse != "json":
        return _number(_text(finished.stdout).strip())
    try:
        value = parse_json(finished.stdout)
    except ValueError:
        return _NOTHING
    return value if len(json.dumps(value)) <= VALUE_MAX else _NOTHING


def _number(text: str) -> int | float | None:
    if not _NUMBER.fullmatch(text):
        return None
    if text.removeprefix("-").isdigit():
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else None


def _result(finished: Finished, value: Any) -> CommandResult:
    stdout, cut = fit(_text(finished.stdout), STDOUT_MAX)
    stderr, cut_too = fit(_text(finished.stderr), STDERR_MAX)
    truncated = finished.truncated or cut or cut_too
    return CommandResult(exit_code=finished.exit_code, stdout=stdout, stderr=stderr, value=value, truncated=truncated)


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
