"""What every fact's bytes say first, read without knowing what kinds of facts there are."""

import json
from typing import Any, NamedTuple

from relight.errors import JournalError

VERIFY = "relight verify tells which records are sound"


class Header(NamedTuple):
    """What the journal says of every fact."""

    run: str
    seq: int
    epoch: int
    at: int
    t: int
    kind: str


def read_header(body: bytes) -> Header:
    """Return what the journal says of a fact, of a newer relight's as well.

    Raises:
        JournalError: it is no fact.
    """
    return taken_header(read_object(body))[1]


def taken_header(tree: dict[str, Any]) -> tuple[int, Header]:
    """Take version and header out of *tree*.

    Raises:
        JournalError: it has none.
    """
    try:
        return tree.pop("v"), Header(*[tree.pop(name) for name in Header._fields])
    except KeyError as error:
        raise JournalError(f"a record has no {error}", hint=VERIFY) from None


def read_object(body: bytes) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        JournalError: it is none.
    """
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise JournalError(f"a record is no JSON ({error})", hint=VERIFY) from error
    if not isinstance(tree, dict):
        raise JournalError("a record is no JSON object", hint=VERIFY)
    return tree
