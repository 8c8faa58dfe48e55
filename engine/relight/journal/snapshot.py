"""A snapshot of a run's state: a shortcut past a long journal for whoever only looks, and never the truth.

A driver stores one now and then; ``status`` and its like begin there and fold the facts that came after it.
It is believed only where it belongs to the facts that are there: the record it was taken after has the hash that it
names, its own bytes have theirs, and the plan is read from its fact. Whatever else it is, damaged, cut short, of
another version or of another chain, the facts are folded from the first, as if there were none.

Who takes a run over folds all its facts: what a driver does to the world shall follow from the facts alone, and
nothing but folding them shows that a snapshot says the same as they do (:func:`disagreement`, for ``relight verify``).
"""

from typing import Any

from relight.errors import JournalError, JournalTooNew
from relight.journal.chain import link
from relight.journal.codec import UPGRADE, decode, from_bytes, to_bytes
from relight.journal.leaves import CompileExpression, KeptExpression
from relight.journal.port import SNAPSHOT_BYTES_MAX, Journal, Record
from relight.journal.shapes import Shape, UnknownWord
from relight.kernel.evolve import evolve
from relight.kernel.facts import PlanAmended, RunStarted
from relight.kernel.plan import Plan
from relight.kernel.state import Run

STATE_VERSION = 7
"""Rises when :mod:`relight.kernel.state` changes, or another state follows from the same facts."""

_STATE: Shape[Run] = Shape(Run, frozenset({"plan"}))


def encode_state(state: Run, plan_seq: int) -> bytes:
    """Return a snapshot of a run's state, all but its plan, which is in record *plan_seq*.

    Raises:
        JournalError: it holds something that JSON cannot keep, or is larger than a snapshot may be.
    """
    body = to_bytes({"v": STATE_VERSION, "plan": plan_seq, "state": _STATE.write(state)}, "state")
    if len(body) > SNAPSHOT_BYTES_MAX:
        raise JournalError(f"a snapshot of {len(body)} bytes is too large")
    return body


def decode_state(body: bytes, plan: Plan, compile_expression: CompileExpression = KeptExpression) -> Run:
    """Return the state of a snapshot.

    Raises:
        JournalTooNew: another version of relight wrote it.
        JournalError: it is no snapshot.
    """
    return _read(from_bytes(body, compile_expression), plan)


def last_known(
    journal: Journal, run: str, compile_expression: CompileExpression = KeptExpression
) -> tuple[Run, int] | None:
    """Return the run as its last snapshot says and the number of the record after which; None: fold its facts."""
    kept = journal.snapshot(run)
    if kept is None or kept.hash != link(kept.prev, kept.body):
        return None
    taken_after = _record(journal, run, kept.seq)
    if taken_after is None or taken_after.hash != kept.prev:
        return None
    try:
        tree = from_bytes(kept.body, compile_expression)
        holds_plan = _record(journal, run, int(tree["plan"]))
        fact = decode(holds_plan.body, compile_expression) if holds_plan is not None else None
        return (_read(tree, fact.plan), kept.seq) if isinstance(fact, RunStarted | PlanAmended) else None
    except (JournalError, KeyError, TypeError, ValueError):
        return None


def disagreement(journal: Journal, run: str) -> str:
    """Return how the snapshot that readers believe differs from what its facts say; empty if it does not."""
    known = last_known(journal, run)
    if known is None:
        return ""
    said, seq = known
    folded: Run | None = None
    for record in journal.records(run):
        folded = evolve(folded, decode(record.body))
        if record.seq == seq:
            break
    return "" if said == folded else f"the snapshot after record {seq} is not what the facts up to there make"


def _read(tree: dict[str, Any], plan: Plan) -> Run:
    if tree.get("v") != STATE_VERSION:
        raise JournalTooNew(f"a snapshot has version {tree.get('v')}, not {STATE_VERSION}", hint=UPGRADE)
    try:
        return _STATE.read(tree["state"], plan=plan)
    except UnknownWord as word:
        raise JournalTooNew(f"a snapshot has {word}", hint=UPGRADE) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise JournalError(f"a snapshot cannot be read ({error})", hint="fold the run's facts instead") from error


def _record(journal: Journal, run: str, seq: int) -> Record | None:
    found = next(iter(journal.records(run, seq - 1)), None)
    return found if found is not None and found.seq == seq else None
