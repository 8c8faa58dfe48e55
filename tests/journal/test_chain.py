"""Any change of a recorded run is found, and the first bad record is named."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest

from relight.journal.chain import Checkpoint, Verified, link, verify
from relight.journal.codec import encode
from relight.journal.port import GENESIS, Record
from relight.kernel.facts import Noted

LENGTH = 9
PLACES = range(1, LENGTH + 1)
Tampering: TypeAlias = Callable[[list[Record], int], list[Record]]


def chain(run: str = "7f3", texts: str = "abcdefghi", prev: str = GENESIS, first: int = 1) -> list[Record]:
    """Return a sound chain of one note per letter."""
    records = []
    for seq, text in enumerate(texts, first):
        kind, body = encode(Noted(at=seq, t=seq, person="ana", text=text), run=run, seq=seq, epoch=1)
        record = Record(run=run, seq=seq, epoch=1, kind=kind, body=body, prev=prev, hash=link(prev, body))
        records.append(record)
        prev = record.hash
    return records


SOUND = chain()


def renumbered(records: list[Record]) -> list[Record]:
    """Return them numbered without a gap, as a store that has a primary key would hold them."""
    return [replace(record, seq=seq) for seq, record in enumerate(records, 1)]


def checked(records: list[Record], *points: Checkpoint) -> Verified:
    """Verify them as records of the run."""
    return verify("7f3", records, points)


def point(seq: int) -> Checkpoint:
    """Return a checkpoint that was made of record *seq*."""
    return Checkpoint(run="7f3", seq=seq, hash=SOUND[seq - 1].hash)


def test_a_sound_chain_is_sound() -> None:
    """Nothing is found where nothing was done, with checkpoints and without, and with nothing at all."""
    assert checked(SOUND) == Verified(sound=LENGTH, hash=SOUND[-1].hash)
    assert checked(SOUND, point(3), point(LENGTH), Checkpoint(run="other", seq=99, hash="x")).finding is None
    assert checked([]) == Verified(sound=0, hash=GENESIS)


@pytest.mark.parametrize("place", PLACES)
def test_every_flipped_byte_is_found(place: int) -> None:
    """One bit in any byte of any record names that record."""
    record = SOUND[place - 1]
    for index in range(len(record.body)):
        body = bytearray(record.body)
        body[index] ^= 1
        found = checked([*SOUND[: place - 1], replace(record, body=bytes(body)), *SOUND[place:]])
        assert found.finding is not None
        assert (found.finding.seq, found.finding.change, found.sound) == (place, "edited", place - 1)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "change",
    [
        {"run": "7f4"},
        {"seq": 0},
        {"epoch": 2},
        {"kind": "run_ended"},
        {"prev": "0" * 63 + "1"},
        {"hash": "0" * 64},
        {"hash": ""},
        {"body": b""},
        {"body": b'{"v":1}'},
    ],
    ids=str,
)
def test_every_edited_column_is_found(place: int, change: dict[str, str]) -> None:
    """What a store keeps beside the bytes is checked against them."""
    found = checked([*SOUND[: place - 1], replace(SOUND[place - 1], **change), *SOUND[place:]])  # type: ignore[arg-type]
    assert found.finding is not None
    assert (found.finding.seq, found.finding.change) == (place, "edited")


def edited_and_hashed_anew(records: list[Record], place: int) -> list[Record]:
    """A forger who knows how one record is hashed."""
    old = records[place - 1]
    (forged,) = chain(texts="X", prev=old.prev, first=place)
    return [*records[: place - 1], forged, *records[place:]]


def removed(records: list[Record], place: int) -> list[Record]:
    """A record less, the gap left as it is."""
    return [*records[: place - 1], *records[place:]]


def removed_and_closed(records: list[Record], place: int) -> list[Record]:
    """A record less, those after it moved up."""
    return renumbered(removed(records, place))


def copied(records: list[Record], place: int) -> list[Record]:
    """A record twice, side by side, those after it moved down."""
    return renumbered([*records[:place], *records[place - 1 :]])


def copied_unnumbered(records: list[Record], place: int) -> list[Record]:
    """A record twice with the same number, as a store without a primary key could hold it."""
    return [*records[:place], *records[place - 1 :]]


def repeated(records: list[Record], place: int) -> list[Record]:
    """The last record of all put in once more, earlier."""
    return renumbered([*records[: place - 1], records[-1], *records[place - 1 :]])


def put_in(records: list[Record], place: int) -> list[Record]:
    """A record that was never written, well hashed for its place."""
    prev = records[place - 2].hash if place > 1 else GENESIS
    return renumbered([*records[: place - 1], *chain(texts="X", prev=prev, first=place), *records[place - 1 :]])


def of_another_run(records: list[Record], place: int) -> list[Record]:
    """A record of another run put in."""
    return renumbered([*records[: place - 1], chain("7f4")[place - 1], *records[place - 1 :]])


def swapped(records: list[Record], place: int) -> list[Record]:
    """A record and the next one in each other's place."""
    one, two = records[place - 1 : place + 1]
    return renumbered([*records[: place - 1], two, one, *records[place + 1 :]])


def swapped_far(records: list[Record], place: int) -> list[Record]:
    """A record and the last one in each other's place."""
    return renumbered([*records[: place - 1], records[-1], *records[place:-1], records[place - 1]])


CASES: list[tuple[Tampering, str, int, range]] = [
    (edited_and_hashed_anew, "edited", 0, range(1, LENGTH)),
    (removed, "removed", 0, range(1, LENGTH)),
    (removed_and_closed, "removed", 0, range(1, LENGTH)),
    (copied, "inserted", 1, PLACES),
    (copied_unnumbered, "inserted", 1, PLACES),
    (repeated, "inserted", 0, range(1, LENGTH)),
    (put_in, "inserted", 0, range(1, LENGTH)),
    (of_another_run, "inserted", 0, PLACES),
    (swapped, "re-ordered", 0, range(1, LENGTH)),
    (swapped_far, "re-ordered", 0, range(1, LENGTH - 1)),
]


@pytest.mark.parametrize(
    ("tamper", "change", "after", "place"),
    [(tamper, change, after, place) for tamper, change, after, places in CASES for place in places],
)
def test_every_tampering_is_named(tamper: Tampering, change: str, after: int, place: int) -> None:
    """Of every record edited, removed, inserted or moved, the first bad place and what was done are told."""
    found = checked(tamper(list(SOUND), place))
    assert found.finding is not None
    assert (found.finding.seq, found.finding.change) == (place + after, change), found.finding.text
    assert str(place + after) in found.finding.text


@pytest.mark.parametrize("place", PLACES)
def test_truncation_before_a_checkpoint_is_found(place: int) -> None:
    """Records cut off the end are missed as soon as a checkpoint was made of one of them."""
    cut = SOUND[: place - 1]
    assert checked(cut).finding is None
    found = checked(cut, point(2), point(LENGTH))
    assert found.finding is not None
    assert found.finding.change == "truncated"
    assert found.finding.seq == place
    assert checked(cut, *(point(seq) for seq in range(1, place))).finding is None


@pytest.mark.parametrize("place", PLACES)
def test_a_chain_made_anew_is_found_by_a_checkpoint(place: int) -> None:
    """Whoever rewrites everything from some record on meets the first checkpoint after it."""
    prev = SOUND[place - 2].hash if place > 1 else GENESIS
    forged = [*SOUND[: place - 1], *chain(texts="X" * (LENGTH - place + 1), prev=prev, first=place)]
    assert checked(forged).finding is None
    found = checked(forged, *(point(seq) for seq in PLACES))
    assert found.finding is not None
    assert (found.finding.seq, found.finding.change, found.sound) == (place, "rewritten", place - 1)
    found = checked(forged, point(LENGTH))
    assert found.finding is not None
    assert (found.finding.seq, found.finding.change) == (1, "rewritten")


def test_what_a_newer_relight_wrote_still_verifies() -> None:
    """The chain is of bytes: facts that this version does not know are chained like any others."""
    body = SOUND[-1].body.replace(b'"v":1', b'"v":7').replace(b"noted", b"tickled").replace(b'"seq":9', b'"seq":10')
    prev = SOUND[-1].hash
    newer = Record(run="7f3", seq=10, epoch=1, kind="tickled", body=body, prev=prev, hash=link(prev, body))
    assert checked([*SOUND, newer]) == Verified(sound=10, hash=newer.hash)
