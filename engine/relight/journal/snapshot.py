"""A snapshot of a run's state: a shortcut past a long journal, never the truth.

Whoever finds one that it cannot read folds the run's facts instead.
"""

from relight.errors import JournalError, JournalTooNew
from relight.journal.codec import UPGRADE, from_bytes, to_bytes
from relight.journal.leaves import CompileExpression, KeptExpression
from relight.journal.shapes import UnknownWord, shape_of
from relight.kernel.state import Run

STATE_VERSION = 1
"""Rises with every change of :mod:`relight.kernel.state`; a snapshot of another version is not read."""


def encode_state(state: Run) -> bytes:
    """Return a snapshot of a run's state.

    Raises:
        JournalError: it holds something that JSON cannot keep.
    """
    return to_bytes({"v": STATE_VERSION, "kind": "state", "state": shape_of(Run).write(state)}, "state")


def decode_state(body: bytes, compile_expression: CompileExpression = KeptExpression) -> Run:
    """Return the state of a snapshot.

    Raises:
        JournalTooNew: another version of relight wrote it.
        JournalError: it is no snapshot.
    """
    tree = from_bytes(body, compile_expression)
    if tree.get("v") != STATE_VERSION:
        raise JournalTooNew(f"a snapshot has version {tree.get('v')}, not {STATE_VERSION}", hint=UPGRADE)
    try:
        return shape_of(Run).read(tree["state"])
    except UnknownWord as word:
        raise JournalTooNew(f"a snapshot has {word}", hint=UPGRADE) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise JournalError(f"a snapshot cannot be read ({error})", hint="fold the run's facts instead") from error
