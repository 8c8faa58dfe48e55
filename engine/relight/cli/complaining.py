"""What is wrong with a document, on standard error and in JSON."""

from collections.abc import Sequence
from typing import Any, TextIO

from relight.cli.terminal import write_lines


def show(complaints: Sequence[Any], stream: TextIO) -> None:
    """Write every complaint with its line, its caret and its hint."""
    if complaints:
        from relight.runbook.render import as_text

        write_lines(as_text(complaints).splitlines(), stream)


def as_json(complaint: Any) -> dict[str, Any]:
    """Return one complaint as data."""
    from relight.runbook.render import complaint_document

    return complaint_document(complaint)
