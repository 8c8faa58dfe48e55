"""A small life of a run, step by step, that notes whatever was acknowledged; and what must be there afterwards."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import apsw

from relight.errors import JournalError, RelightError
from relight.journal.chain import verify
from relight.journal.codec import decode
from relight.journal.port import Answer, Batch, DriverHold, Journal, Sample
from relight.journal.sqlite import SqliteJournal
from relight.kernel.facts import Noted
from relight.testing.journals import NOW, notes, request, row

from .disks import quick_disk

RUN = "7f3a"
LOCK = "sign-in/eu"


class Ack(NamedTuple):
    """Something that a journal said is on disk."""

    what: str
    name: str
    number: int = 0


class Work:
    """The steps; *say* is told of each acknowledgement as soon as it is one."""

    def __init__(self, journal: Journal, say: Callable[[Ack], object]) -> None:
        self.journal = journal
        self.say = say
        self.hold: DriverHold | None = None

    def steps(self) -> list[Callable[[], None]]:
        """Return the whole life of the run."""
        return [
            self.create,
            self.drive,
            self.append,
            lambda: self.ask("q1"),
            lambda: self.append(answers=["q1"], count=3),
            self.blob,
            self.renew,
            lambda: self.append(text="x" * 9_000),
            lambda: self.ask("abort"),
            lambda: self.append(answers=["abort"], ended=True),
            self.release,
        ]

    def all(self) -> None:
        """Do all steps; what is refused leaves the journal as it was."""
        for step in self.steps():
            with suppress(RelightError):
                step()

    def create(self) -> None:
        """Begin the run."""
        self.journal.create(row(RUN), notes(RUN, 1, 2), locks=[LOCK])
        self.say(Ack("records", RUN, 2))

    def drive(self) -> None:
        """Take its lease."""
        self.hold = self.journal.drive(RUN, "driver", NOW + 15_000, NOW)
        self.say(Ack("epoch", RUN, self.hold.lease.epoch))

    def append(self, *, answers: Sequence[str] = (), count: int = 1, text: str = "", ended: bool = False) -> None:
        """Write facts, with answers to requests that are waiting."""
        if self.hold is None:
            self.drive()
        assert self.hold is not None
        known = self.journal.row(RUN)
        assert known is not None
        epoch, first = self.hold.lease.epoch, known.seq + 1
        waiting = {each.id for each in self.journal.pending(RUN)}
        batch = Batch(
            run=RUN,
            epoch=epoch,
            first_seq=first,
            kinds_and_bodies=notes(RUN, first, count, epoch=epoch, text=text),
            answers=[Answer(request=name, ok=True, text="done") for name in answers if name in waiting],
            samples=[Sample(check="errors", use="verify", at=NOW, t=first, kind="pass", value=0.5)],
            state="succeeded" if ended else "running",
            ended_at=NOW if ended else None,
            live={"seq": first},
        )
        (refusal,) = self.journal.append([batch])
        if refusal is not None:
            raise refusal
        self.say(Ack("records", RUN, first + count - 1))
        for answer in batch.answers:
            self.say(Ack("answer", answer.request))
        if ended:
            self.say(Ack("ended", RUN))

    def ask(self, name: str) -> None:
        """Put something in the inbox."""
        self.journal.ask(request(name, RUN), urgent=name == "abort")
        self.say(Ack("request", name))

    def blob(self) -> None:
        """Keep some output."""
        self.say(Ack("blob", self.journal.put_blob(b"output " * 1_000)))

    def renew(self) -> None:
        """Renew the lease."""
        if self.hold is not None:
            self.hold.renew(NOW + 30_000)

    def release(self) -> None:
        """Give the lease back."""
        if self.hold is not None:
            self.hold.release()


def assert_kept(path: Path, acks: Sequence[Ack], case: object = "") -> None:
    """What was acknowledged is there, what is there is whole, and the run can be carried on."""
    with quick_disk() as vfs:
        _assert_kept(SqliteJournal(path, vfs=vfs), acks, case)
    assert_sound(path, case)


def _assert_kept(journal: Journal, acks: Sequence[Ack], case: object) -> None:
    try:
        records = list(journal.records(RUN))
        verified = verify(RUN, records)
        assert verified.finding is None, (case, verified)
        for record in records:
            fact = decode(record.body)
            assert isinstance(fact, Noted), case
            assert fact.text in (f"note {record.seq}", "x" * 9_000), case
        _assert_acknowledged(journal, len(records), acks, case)
        if records:
            again = Work(journal, lambda ack: None)
            again.drive()
            again.append()
            with suppress(JournalError):
                again.ask("abort")
            again.append(answers=["abort"], ended=True)
    finally:
        journal.close()


def _assert_acknowledged(journal: Journal, length: int, acks: Sequence[Ack], case: object) -> None:
    asked = {each.id for each in journal.pending(RUN)}
    for ack in acks:
        match ack.what:
            case "records":
                assert length >= ack.number, (case, ack, length)
            case "epoch":
                lease = journal.lease(RUN)
                assert lease is not None, (case, ack)
                assert lease.epoch >= ack.number, (case, ack)
            case "request":
                assert ack.name in asked or journal.answer(ack.name) is not None, (case, ack)
            case "answer":
                assert journal.answer(ack.name) is not None, (case, ack)
            case "blob":
                assert journal.blob(ack.name) is not None, (case, ack)
            case "ended":
                known = journal.row(RUN)
                assert known is not None, (case, ack)
                assert known.ended_at == NOW, (case, ack)


def assert_sound(path: Path, case: object = "") -> None:
    """SQLite itself finds nothing wrong with the file."""
    connection = apsw.Connection(str(path))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], case
    connection.close()
