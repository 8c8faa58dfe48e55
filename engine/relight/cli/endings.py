"""How the program ends: every exception becomes one sentence, a hint and the exit code of the table.

What nobody foresaw is written to a file beside the journal; the person gets its name and no traceback.
"""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from relight.cli.terminal import Span, clean, line, write_json, write_lines
from relight.errors import RelightError, RunbookError

INTERRUPTED = 130
PIPE_CLOSED = 141
"""128 + SIGPIPE, as a shell reports a reader that went away."""
INPUT_OUTPUT = 74
"""EX_IOERR: a file, a pipe or a disk."""
CHAIN_MAX = 10
"""Exceptions that caused each other; a report with more says nothing more."""
UNFORESEEN = 70
"""EX_SOFTWARE: relight itself is at fault, which none of the table's codes may be mistaken for."""


def prepare_streams() -> None:
    """Make standard output and error take any text, in any locale, even when they were closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - lives as long as we do
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class ReaderGone(Exception):
    """Whoever read our output has stopped; click would make exit code 1 of it, which says that a run failed."""


def ended_by(error: BaseException, argv: list[str]) -> int:
    """Tell the person what ended the program and return the exit code."""
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case SystemExit():
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        case BrokenPipeError() | ReaderGone():
            return _forget_output()
        case KeyboardInterrupt() | click.Abort():
            _newline()
            return INTERRUPTED
        case click.ClickException():
            hint = getattr(error, "hint", "") or _usage_hint(error)
            return _tell("UsageError", _lowered(error.format_message()), hint, 2, argv)
        case RelightError():
            return _tell(type(error).__name__, error.message, error.hint, error.exit_code, argv, _complaints(error))
        case OSError():
            return _tell_io(error, argv)
        case _:
            return _tell_unforeseen(error, argv)


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "relight"
    return f"`{path} --help` shows how"


def _lowered(message: str) -> str:
    """Return click's words in our manner: a lower-case beginning and no full stop."""
    return message[:1].lower() + message[1:].removesuffix(".")


def _tell(kind: str, message: str, hint: str, code: int, argv: list[str], complaints: list[Any] | None = None) -> int:
    try:
        if wanted := _json_wanted(argv):
            document: dict[str, Any] = {"schema": "relight.error/v1", "kind": kind, "error": message, "hint": hint}
            document["exit"] = code
            if complaints:
                document["complaints"] = complaints
            write_json(document, sys.stdout, compact=wanted == "jsonl")
        lines = [line(Span("error: ", "loud"), *_rest(message))]
        if hint:
            lines.append(line(Span("hint: ", "bold"), *_rest(hint)))
        with contextlib.suppress(ValueError, OSError):
            sys.stdout.flush()
        write_lines(lines, sys.stderr)
    except BrokenPipeError:
        return _forget_output()
    except OSError:
        return code  # nowhere left to say it
    return code


def _rest(text: str) -> tuple[Span, ...]:
    return (Span(clean(text)),)


def _complaints(error: RelightError) -> list[Any]:
    if not isinstance(error, RunbookError):
        return []
    from relight.cli.complaining import as_json, show

    show(error.complaints, sys.stderr)
    return [as_json(complaint) for complaint in error.complaints]


def _json_wanted(argv: list[str]) -> str:
    """Return ``json`` or ``jsonl`` where the command line asks for it, even one that could not be parsed."""
    for number, word in enumerate(argv):
        if word in {"-o", "--output"} and number + 1 < len(argv):
            value = argv[number + 1]
        elif word.startswith("--output="):
            value = word.removeprefix("--output=")
        elif word.startswith("-o") and not word.startswith("--"):
            value = word[2:].removeprefix("=")
        else:
            continue
        if value in {"json", "jsonl"}:
            return value
    return ""


def _tell_io(error: OSError, argv: list[str]) -> int:
    where = f" {error.filename}" if error.filename else ""
    code = _tell("OSError", f"the machine refused{where}: {error.strerror or error}", "", INPUT_OUTPUT, argv)
    if error.errno == errno.ENOSPC:
        _forget_output()  # or the interpreter would complain once more when it flushes
    return code


def _tell_unforeseen(error: BaseException, argv: list[str]) -> int:
    place = _write_report(error)
    what = f"relight met something that it did not foresee: {type(error).__name__}"
    if place:
        hint = f"the details are in {place}; a run in the background is not touched by this"
    else:
        hint = "set RELIGHT_DEBUG=1 and do it again to see the details; a run in the background is not touched by this"
    return _tell("Unforeseen", what, hint, UNFORESEEN, argv)


def _write_report(error: BaseException) -> str:
    """Write the traceback beside the journal, or where temporary files go, and return its path."""
    import tempfile

    from relight.cli.places import home

    text = "".join(_report(error))
    folders: list[Callable[[], Path]] = [home, lambda: Path(tempfile.gettempdir())]
    for choose in folders:
        with contextlib.suppress(Exception):
            folder = choose()
            if not folder.is_dir():  # a home that does not exist is not made for this
                continue
            handle, path = tempfile.mkstemp(prefix="crash-", suffix=".txt", dir=folder, text=True)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
            return path
    return ""


def _report(error: BaseException | None) -> Iterator[str]:
    """Yield the traceback; exceptions' words are left out where this process may have held a secret."""
    import traceback

    quiet = "relight.sdk.secrets" in sys.modules
    for _ in range(CHAIN_MAX):
        if error is None:
            return
        words = type(error).__name__ if quiet else "".join(traceback.format_exception_only(error)).rstrip()
        yield from traceback.format_tb(error.__traceback__)
        yield f"{words}\n\n"
        error = error.__cause__ or error.__context__


def _forget_output() -> int:
    """Let the reader go: nothing more is written, not even when the interpreter flushes at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
    return PIPE_CLOSED


def _newline() -> None:
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr.isatty():
            sys.stderr.write("\n")
