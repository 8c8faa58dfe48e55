"""What every command is given: its journal, its output and who is asking."""

import functools
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from relight.cli.commands import FORMATS
from relight.cli.terminal import Line, write_json, write_lines

if TYPE_CHECKING:
    from relight.journal.port import Journal, Row

P = ParamSpec("P")
R = TypeVar("R")


class Door:
    """One call of the command line.

    Attributes:
        output: ``text``, ``json`` or ``jsonl``.
        journal_url: What ``--journal`` or ``RELIGHT_JOURNAL`` says; empty: the embedded one.
    """

    def __init__(self, output: str, journal_url: str) -> None:
        self.output = output
        self.journal_url = journal_url
        self.stack = ExitStack()
        self._journal: Journal | None = None

    @property
    def journal_option(self) -> str:
        """What has to be added to a command so that it finds the same journal; empty for the usual one."""
        return f" --journal {self.journal_url}" if self.journal_url else ""

    @property
    def for_people(self) -> bool:
        """Whether the result is read by a person."""
        return self.output == "text"

    @property
    def journal(self) -> "Journal":
        """The journal, which has to be there; closed when the command ends."""
        return self._opened(create=False)

    @property
    def new_journal(self) -> "Journal":
        """The journal, made where there is none yet: for those who start runs."""
        return self._opened(create=True)

    def journal_if_any(self) -> "Journal | None":
        """Return the journal, None where nobody has started a run yet."""
        from relight.cli.places import home
        from relight.journal.locate import FILE_NAME

        if not self.journal_url and not (home() / FILE_NAME).exists():
            return None
        return self.journal

    def _opened(self, *, create: bool) -> "Journal":
        if self._journal is None:
            from relight.cli.places import home
            from relight.journal.locate import open_journal

            if not self.journal_url:
                home()  # says clearly when there is none
            self._journal = open_journal(self.journal_url or None, create=create)
            self.stack.callback(self._journal.close)
        return self._journal

    # -- which run

    def run_row(self, name: str | None) -> "Row":
        """Return the run that is meant: by prefix, or the only unfinished one."""
        from relight.control.finding import find_run, only_unfinished

        return find_run(self.journal, name) if name else only_unfinished(self.journal)

    # -- saying things

    def show(self, document: dict[str, Any], lines: Callable[[], Iterable[Line | str]]) -> None:
        """Write the result: *document* for programs, *lines* for people."""
        if self.for_people:
            write_lines(lines(), sys.stdout)
        else:
            write_json(document, sys.stdout, compact=self.output == "jsonl")

    def show_each(self, name: str, documents: list[dict[str, Any]], lines: Callable[[], Iterable[Line | str]]) -> None:
        """Write a list: one document of *name* as JSON, one line an entry as JSON lines."""
        if self.output == "jsonl":
            for document in documents:
                write_json(document, sys.stdout, compact=True)
        else:
            self.show({"schema": f"relight.{name}/v1", name: documents}, lines)

    def tell(self, *lines: Line | str) -> None:
        """Write progress: to standard error, whatever the result's format."""
        write_lines(lines, sys.stderr)


def with_door(command: Callable[Concatenate[Door, P], R]) -> Callable[P, R]:
    """Give a command its door as the first argument, and the options that every command has."""

    @click.option("-o", "--output", type=click.Choice(FORMATS), default="text", help="What standard output is for.")
    @click.option(
        "--journal",
        default=lambda: os.environ.get("RELIGHT_JOURNAL", ""),
        metavar="URL",
        help="Another journal than the one in RELIGHT_HOME: sqlite:///PATH.",
    )
    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        door = Door(str(kwargs.pop("output")), str(kwargs.pop("journal") or ""))
        with door.stack:
            return command(door, *args, **kwargs)

    return wrapped
