"""Asking the person at the terminal: never off a TTY, and the answer is No unless they say otherwise."""

import sys

from relight.cli.terminal import Line, Span, coloured, line, may_prompt, plain, wants_colour
from relight.errors import UsageError


def confirmed(question: str, *, yes: bool, instead: str = "--yes") -> bool:
    """Return whether the person agrees; *yes* is their ``--yes``.

    Raises:
        UsageError: nobody can be asked here and ``--yes`` was not given.
    """
    if yes:
        return True
    if not may_prompt():
        raise UsageError("this wants a yes, and there is no terminal to ask on", hint=f"look at it, then add {instead}")
    return asked(line(Span(f"{question} ", "bold"), "[y/N] ")).strip().lower() in {"y", "yes"}


def typed_name(site: str, *, confirm: str) -> bool:
    """Return whether the person typed the name of a production site; *confirm* is their ``--confirm``.

    Raises:
        UsageError: ``--confirm`` names another site, or nobody can be asked here.
    """
    if confirm:
        if confirm != site:
            raise UsageError(
                f"--confirm says {confirm!r}, but the site is {site!r}", hint="make sure which one you mean"
            )
        return True
    if not may_prompt():
        raise UsageError(
            f"{site} is production, and there is no terminal to ask on",
            hint=f"look at the plan, then add --confirm {site}",
        )
    question = line(
        Span(f" {site.upper()} IS PRODUCTION ", "production"), f" Type {site} to start, or Enter to leave: "
    )
    return asked(question).strip() == site


def asked(question: Line) -> str:
    """Return what the person types at *question*, which is shown on standard error; the end of input is nothing."""
    sys.stderr.write(coloured(question) if wants_colour(sys.stderr) else plain(question))
    sys.stderr.write(" ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        sys.stderr.write("\n")
    return answer
