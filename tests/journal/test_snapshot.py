"""A snapshot is believed only where it belongs to the facts that are there."""

import dataclasses
import hashlib
import typing
from dataclasses import replace
from typing import Any

import pytest

from relight.errors import JournalError
from relight.journal.chain import link
from relight.journal.codec import encode
from relight.journal.memory import MemoryJournal
from relight.journal.port import SNAPSHOT_BYTES_MAX, Batch, Row, Snapshot
from relight.journal.snapshot import STATE_VERSION, encode_state, last_known
from relight.kernel.evolve import evolve
from relight.kernel.facts import Noted
from relight.kernel.plan import Plan
from relight.kernel.state import Run
from relight.testing.snapshots import BEGAN, PLAN

NOTES = [Noted(at=1, t=1, person="ana", text=text) for text in ("one", "two")]
STATES = {
    2: "463d87971d4a",
    3: "1f413c22e9d2",
    4: "8db7f5518345",
    5: "76b5d3de0a55",
    6: "4c5c25b5f16a",
    7: "2559103ee46a",
}
"""What a state is made of, by version: a digest of all its fields."""


def begun(*notes: Noted) -> tuple[MemoryJournal, Run]:
    """Return a journal with a run and a snapshot after its last fact."""
    journal = MemoryJournal()
    row = Row(run="7f3a", runbook="r", site="s", state="", started_at=0, ended_at=None, starter="ana", seq=1)
    journal.create(row, [encode(BEGAN, run="7f3a", seq=1, epoch=0)])
    journal.drive("7f3a", "driver", 1, 0)
    run = evolve(None, BEGAN)
    for note in notes:
        run = evolve(run, note)
    bodies = [encode(note, run="7f3a", seq=seq, epoch=1) for seq, note in enumerate(notes, 2)]
    batch = Batch(run="7f3a", epoch=1, first_seq=2, kinds_and_bodies=bodies, snapshot=encode_state(run, 1))
    assert [None] == journal.append([batch])
    return journal, run


def changed(journal: MemoryJournal, **changes: Any) -> None:
    """Change the stored snapshot behind everybody's back."""
    kept = journal.snapshot("7f3a")
    assert kept is not None
    journal.store.runs["7f3a"].snapshot = replace(kept, **changes)


def test_a_damaged_snapshot_is_not_believed() -> None:
    """One bit of its bytes or of its hash is enough."""
    journal, run = begun(*NOTES)
    assert (run, 3) == last_known(journal, "7f3a")
    kept = journal.snapshot("7f3a")
    assert kept is not None
    for damage in ({"body": kept.body.replace(b"ana", b"bob")}, {"hash": "0" * 64}, {"prev": "0" * 64}):
        changed(journal, **damage)
        assert last_known(journal, "7f3a") is None
        changed(journal, body=kept.body, hash=kept.hash, prev=kept.prev)
    assert (run, 3) == last_known(journal, "7f3a")


def test_a_snapshot_of_other_facts_is_not_believed() -> None:
    """Sound in itself, but taken after a record that is not there, or not the same, or further back."""
    journal, _ = begun(*NOTES)
    other, _ = begun(*reversed(NOTES))
    foreign, kept = other.snapshot("7f3a"), journal.snapshot("7f3a")
    assert foreign is not None
    assert kept is not None
    for lie in (foreign, replace(kept, seq=2), replace(kept, seq=99), moved(kept, "f" * 64)):
        journal.store.runs["7f3a"].snapshot = lie
        assert last_known(journal, "7f3a") is None


def moved(kept: Snapshot, prev: str) -> Snapshot:
    """Return the snapshot as if it had been taken after another record."""
    return replace(kept, prev=prev, hash=link(prev, kept.body))


def test_a_snapshot_has_a_largest_size() -> None:
    """A state that is larger than what folding its facts would cost is not stored."""
    run = evolve(None, BEGAN)
    with pytest.raises(JournalError, match="is too large"):
        encode_state(replace(run, why="x" * SNAPSHOT_BYTES_MAX), 1)


def test_a_plan_is_no_part_of_a_snapshot() -> None:
    """It is in its fact already, and may be as large as everything else together."""
    assert PLAN.title.encode() not in encode_state(evolve(None, BEGAN), 1)


def words(cls: type, seen: set[type]) -> list[str]:
    """Return every field that a state is made of, with its type and its default."""
    if cls in seen:
        return []
    seen.add(cls)
    said: list[str] = []
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        default = "" if field.default is dataclasses.MISSING else repr(field.default)
        said.append(f"{cls.__name__}.{field.name}: {field.type} = {default}")
        for part in parts(hints[field.name]):
            said += words(part, seen)
    return said


def parts(hint: Any) -> list[type]:
    """Return the dataclasses that a type is made of."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return [hint]
    return [part for argument in typing.get_args(hint) for part in parts(argument)]


def test_a_state_of_another_shape_has_another_version() -> None:
    """When this fails the kernel's state has changed: raise STATE_VERSION, and write its digest into STATES."""
    said = "\n".join(sorted(words(Run, {Plan})))
    assert STATES[STATE_VERSION] == hashlib.sha256(said.encode()).hexdigest()[:12]
