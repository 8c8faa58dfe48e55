"""The hash chain: what makes any change of a recorded run show.

Each record's hash is SHA-256 over the hash before it and its own exact bytes, and the bytes name run, sequence number
and epoch. What the chain alone cannot see, records cut off its end or a chain made anew, a checkpoint does:
a hash that was noted elsewhere.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Literal, TypeAlias

from relight.errors import JournalError
from relight.frozen import frozen
from relight.journal.header import Header, read_header
from relight.journal.port import GENESIS, Record

Change: TypeAlias = Literal["edited", "removed", "inserted", "re-ordered", "truncated", "rewritten", "untrue"]
"""``untrue`` is said of a snapshot, which is beside the chain; all others of a record."""


@frozen
class Checkpoint:
    """The hash of one record, noted where whoever changes the journal cannot reach."""

    run: str
    seq: int
    hash: str


@frozen
class Finding:
    """The first bad record: *seq* is the number it has or should have."""

    seq: int
    change: Change
    text: str


@frozen
class Verified:
    """What a chain was found to be: *sound* records from the first on, the last one's *hash*, and what is wrong."""

    sound: int
    hash: str
    finding: Finding | None = None


def link(prev: str, body: bytes) -> str:
    """Return the hash of a record."""
    return sha256(prev.encode("ascii") + body).hexdigest()


def verify(run: str, records: Iterable[Record], checkpoints: Sequence[Checkpoint] = ()) -> Verified:
    """Walk all records of a run, in stored order, and name the first bad one."""
    noted = {point.seq: point.hash for point in checkpoints if point.run == run}
    sound, head, before = 0, GENESIS, GENESIS
    stored = iter(records)
    for record in stored:
        if not _follows(run, sound + 1, head, record):
            finding = _explain(run, sound + 1, head, [record, *stored])
            kept = head if finding.seq > sound else before
            return Verified(sound=finding.seq - 1, hash=kept, finding=finding)
        sound, head, before = record.seq, record.hash, head
        if noted.get(sound, head) != head:
            return Verified(sound=sound - 1, hash=before, finding=_rewritten(sound, sorted(noted)))
    if noted and (last := max(noted)) > sound:
        text = f"record {sound + 1} is missing: the run ends at {sound}, and a checkpoint was made at {last}"
        return Verified(sound=sound, hash=head, finding=Finding(seq=sound + 1, change="truncated", text=text))
    return Verified(sound=sound, hash=head)


def _follows(run: str, seq: int, prev: str, record: Record) -> bool:
    """Say whether *record* is what comes after *prev*, and its columns say what its bytes say."""
    if (record.run, record.seq, record.prev) != (run, seq, prev) or link(prev, record.body) != record.hash:
        return False
    header = _header(record)
    return header is not None and (header.run, header.seq, header.epoch, header.kind) == (
        run,
        seq,
        record.epoch,
        record.kind,
    )


def _header(record: Record) -> Header | None:
    try:
        return read_header(record.body)
    except JournalError:
        return None


def _rewritten(seq: int, noted: Sequence[int]) -> Finding:
    before = max((point for point in noted if point < seq), default=0)
    where = f"one of the records {before + 1} to {seq}" if before + 1 < seq else f"record {seq}"
    text = f"{where} was replaced and the chain made anew: record {seq} is not the one that the checkpoint was made of"
    return Finding(seq=before + 1, change="rewritten", text=text)


def _explain(run: str, seq: int, prev: str, rest: Sequence[Record]) -> Finding:
    """Say what became of record *seq*, of which only the one before is sure; *rest* begins where it should be."""
    record = rest[0]
    own = _own_seq(run, record)
    if any(_own_seq(run, other) == seq and other.prev == prev for other in rest[1:]):
        # The right one stands further back: either it changed its place with another, or something was put before it.
        if own is not None and own > seq and not any(_own_seq(run, other) == own for other in rest[1:]):
            return Finding(seq=seq, change="re-ordered", text=f"record {own} stands where record {seq} should")
        return Finding(
            seq=seq, change="inserted", text=f"what stands as record {seq} was put in: it is not of this chain"
        )
    if record.seq > seq or (own is not None and own > seq):
        return Finding(seq=seq, change="removed", text=f"record {seq} is missing")
    if own == seq and record.prev != prev:
        return _replaced_before(seq)
    if own == seq - 1 and record.hash != prev:
        text = f"records {own} and {seq} both say that they are number {own}, and the run goes on from the second"
        return Finding(seq=own, change="inserted", text=text)
    if own is not None and own < seq:
        return Finding(seq=seq, change="inserted", text=f"what stands as record {seq} is record {own} once more")
    return Finding(
        seq=seq, change="edited", text=f"record {seq} is not what was written: {_what_differs(prev, record)}"
    )


def _own_seq(run: str, record: Record) -> int | None:
    """Return the number in its bytes, if bytes and hashes agree: it was written so, wherever it stands now."""
    if link(record.prev, record.body) != record.hash:
        return None
    header = _header(record)
    return header.seq if header is not None and header.run == run else None


def _replaced_before(seq: int) -> Finding:
    """Record *seq* is sound in itself but was written after another one: the change is before it."""
    bad = max(seq - 1, 1)
    text = f"record {bad} was replaced and hashed anew: record {seq} was written after another one"
    return Finding(seq=bad, change="edited", text=text)


def _what_differs(prev: str, record: Record) -> str:
    if record.prev != prev:
        return "it names another predecessor"
    if link(prev, record.body) != record.hash:
        return "its bytes or its hash were changed"
    return "its run, number, epoch or kind was changed"
