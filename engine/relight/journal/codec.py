"""Facts to the exact bytes that are stored and hashed, and back.

A body is one line of ASCII JSON: ``v run seq epoch at t kind`` first, then the fact's fields, defaults left out.
Reading a journal compiles no expression: it is made again by whoever decides, through *compile_expression*.
A version or word that this relight does not know is refused by name, before anything is done with it.
"""

import json
import re
import typing
from typing import Any, NamedTuple

from relight.errors import JournalError, JournalTooNew
from relight.journal.header import VERIFY, read_object, taken_header
from relight.journal.leaves import CompileExpression, KeptExpression, escaped, revived, write_leaf
from relight.journal.shapes import Shape, UnknownWord
from relight.kernel.facts import AnyFact

FACT_VERSION = 1
"""Rises when a fact's fields change their meaning; a new kind or field is refused by name without it."""

UPGRADE = "install a relight at least as new as the one that wrote it"
_MARK = '"$'
_plain = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False, default=write_leaf)


def kind_of(cls: type) -> str:
    """Return a fact's kind: ``StepDispatched`` is ``step_dispatched``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class _Kind(NamedTuple):
    name: str
    shape: Shape[Any]
    twins: tuple[str, ...]


def _kind(cls: type) -> _Kind:
    """A fact's own ``run`` and ``epoch`` are the header's, so they are not written twice."""
    twins = tuple(name for name in ("run", "epoch") if name in cls.__dataclass_fields__)  # type: ignore[attr-defined]
    return _Kind(kind_of(cls), Shape(cls, frozenset({"at", "t", *twins})), twins)


_BY_CLASS: dict[type, _Kind] = {cls: _kind(cls) for cls in typing.get_args(AnyFact)}
_BY_NAME: dict[str, _Kind] = {kind.name: kind for kind in _BY_CLASS.values()}
KINDS: tuple[str, ...] = tuple(_BY_NAME)
"""Every kind of fact, in the order of the kernel's list."""


def encode(fact: AnyFact, *, run: str, seq: int, epoch: int) -> tuple[str, bytes]:
    """Return a fact's kind and exact bytes.

    Raises:
        JournalError: it holds something that JSON cannot keep, or nests too deeply; names the kind.
    """
    kind = _BY_CLASS[type(fact)]
    header = {"run": run, "epoch": epoch}
    for name in kind.twins:
        assert getattr(fact, name) == header[name], f"{kind.name} of another {name} than the one it is written to"
    tree: dict[str, Any] = {
        "v": FACT_VERSION,
        "run": run,
        "seq": seq,
        "epoch": epoch,
        "at": fact.at,
        "t": fact.t,
        "kind": kind.name,
    }
    return kind.name, to_bytes(kind.shape.write(fact, tree), kind.name)


def decode(body: bytes, compile_expression: CompileExpression = KeptExpression) -> AnyFact:
    """Return the fact of a body.

    Raises:
        JournalTooNew: a newer relight wrote it; says which word it does not know.
        JournalError: it is no fact.
    """
    tree = from_bytes(body, compile_expression)
    version, header = taken_header(tree)
    place = f"record {header.seq} of run {header.run}"
    if version != FACT_VERSION:
        raise JournalTooNew(f"{place} has version {version}, and this relight knows {FACT_VERSION}", hint=UPGRADE)
    kind = _BY_NAME.get(header.kind)
    if kind is None:
        raise JournalTooNew(f"{place} is a {header.kind}, which this relight does not know", hint=UPGRADE)
    known: dict[str, Any] = {"at": header.at, "t": header.t}
    for name in kind.twins:
        known[name] = getattr(header, name)
    try:
        fact: AnyFact = kind.shape.read(tree, **known)
    except UnknownWord as word:
        raise JournalTooNew(f"{place} has {word}, which this relight does not know", hint=UPGRADE) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise JournalError(f"{place} is no {header.kind} ({error})", hint=VERIFY) from error
    return fact


def to_bytes(tree: dict[str, Any], what: str) -> bytes:
    """Return a tree's JSON, leaves written.

    Raises:
        JournalError: it holds something that JSON cannot keep; *what* says of what.
    """
    try:
        try:
            text = _plain.encode(tree)
        except ValueError:  # NaN
            return _plain.encode(escaped(tree)).encode("ascii")
        # Almost no fact has an expression or a key with a dollar; those that have are walked once more.
        if _MARK in text:
            text = _plain.encode(escaped(tree))
    except (TypeError, ValueError, RecursionError) as error:
        raise JournalError(f"a {what} cannot be kept: {error}") from error
    return text.encode("ascii")


def from_bytes(body: bytes, compile_expression: CompileExpression) -> dict[str, Any]:
    """Return the tree of a JSON object, leaves revived.

    Raises:
        JournalError: it is none.
    """
    tree = read_object(body)
    if b'"$' not in body:
        return tree
    try:
        revived_tree: dict[str, Any] = revived(tree, compile_expression)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise JournalError(f"a record has a broken expression ({error})", hint=VERIFY) from error
    return revived_tree
