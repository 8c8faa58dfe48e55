"""The conformance suite for journals.

::

    class TestMine(JournalConformance):
        def open(self, place):
            return MyJournal(place)

``open`` is called with a fresh folder for each test, and again with the same one for what another process would see.
"""

import hashlib
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from relight.errors import JournalError, Locked, RelightError, StaleDriver, Taken
from relight.journal.chain import verify
from relight.journal.codec import encode
from relight.journal.port import (
    BLOB_BYTES_MAX,
    BODY_BYTES_MAX,
    GENESIS,
    PENDING_MAX,
    REQUEST_BYTES_MAX,
    SAMPLES_MAX,
    Answer,
    Batch,
    DriverHold,
    Journal,
    Kept,
    Request,
    Row,
    Sample,
)
from relight.kernel.facts import Noted
from relight.testing.shelves import ShelfConformance
from relight.testing.snapshots import SnapshotConformance

NOW = 1_800_000_000_000
"""A wall clock that stands: journals are told the time, they never ask."""

LARGE_PLAN = b'{"plan": "' + b"x" * 400_000 + b'"}'
"""Larger than any page, and than what a store might keep beside a row."""


def row(run: str = "7f3a", *, started_at: int = NOW, runbook: str = "brownout") -> Row:
    """Return the list's row of a run that begins."""
    return Row(
        run=run,
        runbook=runbook,
        site="practice",
        state="pending",
        started_at=started_at,
        ended_at=None,
        starter="ana",
        seq=0,
    )


def notes(run: str, first: int, count: int = 1, *, epoch: int = 0, text: str = "") -> list[tuple[str, bytes]]:
    """Return *count* real facts with the sequence numbers from *first* on."""
    return [
        encode(Noted(at=NOW + seq, t=seq, person="ana", text=text or f"note {seq}"), run=run, seq=seq, epoch=epoch)
        for seq in range(first, first + count)
    ]


def request(name: str, run: str = "7f3a", **body: Any) -> Request:
    """Return somebody's request."""
    return Request(id=name, run=run, at=NOW, body=body or {"verb": "approve"})


def refused(wanted: type[RelightError], call: Any, *args: Any, **kwargs: Any) -> RelightError:
    """Return the error that *call* must raise."""
    try:
        call(*args, **kwargs)
    except wanted as error:
        assert error.message
        return error
    raise AssertionError(f"{call.__name__} was not refused with {wanted.__name__}")


class JournalConformance(ShelfConformance, SnapshotConformance):
    """What every journal does; a subclass opens one."""

    def open(self, place: Path) -> Journal:
        """Return a handle of the journal at *place*, which is a folder of the test's own."""
        raise NotImplementedError

    # ---- what the tests are made of

    def setup_method(self) -> None:
        """Begin with no handle open."""
        self._handles: list[Journal] = []

    def teardown_method(self) -> None:
        """Close all handles."""
        for journal in self._handles:
            with suppress(JournalError):
                journal.close()

    def handle(self, place: Path) -> Journal:
        """Return a handle that is closed when the test ends."""
        journal = self.open(place)
        self._handles.append(journal)
        return journal

    def begun(self, place: Path, run: str = "7f3a", locks: Iterable[str] = ()) -> tuple[Journal, DriverHold]:
        """Return a journal with a run of one record that is being driven."""
        journal = self.handle(place)
        journal.create(row(run), notes(run, 1), locks=tuple(locks))
        return journal, journal.drive(run, "driver-1", NOW + 15_000, NOW)

    def texts(self, journal: Journal, run: str = "7f3a") -> list[bytes]:
        """Return the bodies of a run."""
        return [record.body for record in journal.records(run)]

    # ---- runs and records

    def test_a_run_begins_with_its_first_records(self, tmp_path: Path) -> None:
        """What was created is there for another process: row, records, and nothing else."""
        facts = notes("7f3a", 1, 2)
        self.handle(tmp_path).create(row(), facts)
        other = self.handle(tmp_path)
        assert other.row("7f3a") == replace(row(), seq=2)
        assert [(r.seq, r.epoch, r.kind, r.body) for r in other.records("7f3a")] == [
            (1, 0, *facts[0]),
            (2, 0, *facts[1]),
        ]
        assert other.row("beef") is None
        assert list(other.records("beef")) == []
        assert other.lease("7f3a") is None

    def test_a_run_id_is_used_once(self, tmp_path: Path) -> None:
        """A second run of the same id is refused, and an id that is no plain word too."""
        journal, _ = self.begun(tmp_path)
        refused(JournalError, journal.create, row(), notes("7f3a", 1))
        for odd in ("", "../x", "a/b", "a b", "a\nb", "a.1", "é", "x" * 65):
            refused(JournalError, journal.create, row(odd), ())
        assert len(journal.rows()) == 1

    def test_bytes_come_back_as_they_were_given(self, tmp_path: Path) -> None:
        """Bodies are bytes, stored and hashed as they are, whatever is in them."""
        journal, hold = self.begun(tmp_path)
        bodies = [b"", b"\0\xff\xfe", b"{}", '"é"'.encode(), LARGE_PLAN]
        facts = [("odd", body) for body in bodies]
        assert journal.append([self.batch(hold, 2, facts)]) == [None]
        found = list(self.handle(tmp_path).records("7f3a", after=1))
        assert [record.body for record in found] == bodies
        prev = next(iter(journal.records("7f3a"))).hash
        for record in found:
            assert record.hash == hashlib.sha256(prev.encode() + record.body).hexdigest()
            prev = record.hash

    def test_records_are_chained(self, tmp_path: Path) -> None:
        """Each record names the hash before it, and the chain verifies."""
        journal, hold = self.begun(tmp_path)
        journal.append([self.batch(hold, 2, notes("7f3a", 2, 20, epoch=1))])
        found = list(journal.records("7f3a"))
        assert [GENESIS, *(record.hash for record in found)][:-1] == [record.prev for record in found]
        verified = verify("7f3a", found)
        assert (verified.sound, verified.finding) == (21, None)

    def test_records_can_be_read_from_the_middle_and_by_kind(self, tmp_path: Path) -> None:
        """Reading on costs only what is new, and a reader of one kind gets that kind."""
        journal, hold = self.begun(tmp_path)
        facts = [(f"kind-{seq % 2}", body) for seq, (_, body) in enumerate(notes("7f3a", 2, 1_200, epoch=1), 2)]
        journal.append([self.batch(hold, 2, facts)])
        assert [r.seq for r in journal.records("7f3a", after=1_199)] == [1_200, 1_201]
        assert list(journal.records("7f3a", after=1_201)) == []
        assert [r.seq for r in journal.records("7f3a", after=10, kinds=("kind-1",))] == list(range(11, 1_202, 2))

    def test_a_reader_does_not_hold_up_the_writer(self, tmp_path: Path) -> None:
        """Somebody who reads slowly keeps nobody from writing, and sees the run as it goes on or as it was."""
        journal, hold = self.begun(tmp_path)
        reading = iter(self.handle(tmp_path).records("7f3a"))
        first = next(reading)
        assert journal.append([self.batch(hold, 2)]) == [None]
        assert [record.seq for record in [first, *reading]] in ([1], [1, 2])

    def test_several_batches_are_one_transaction(self, tmp_path: Path) -> None:
        """Runs share a commit, and one that is refused does not keep the others out."""
        journal, one = self.begun(tmp_path, "aaaa")
        journal.create(row("bbbb"), notes("bbbb", 1))
        two = journal.drive("bbbb", "driver-1", NOW + 15_000, NOW)
        wrong = replace(self.batch(one, 3), run="bbbb", first_seq=7, epoch=two.lease.epoch)
        outcomes = journal.append([self.batch(one, 2), wrong, self.batch(two, 2), self.batch(one, 3)])
        assert [type(outcome) for outcome in outcomes] == [type(None), StaleDriver, type(None), type(None)]
        assert [len(self.texts(journal, run)) for run in ("aaaa", "bbbb")] == [3, 2]

    def test_a_batch_that_does_not_continue_the_run_is_refused(self, tmp_path: Path) -> None:
        """A sequence number is written once; a gap or a second writer changes nothing."""
        journal, hold = self.begun(tmp_path)
        for seq in (0, 1, 3):
            assert isinstance(journal.append([self.batch(hold, seq)])[0], StaleDriver)
        assert isinstance(journal.append([replace(self.batch(hold, 2), run="beef")])[0], JournalError)
        assert len(self.texts(journal)) == 1

    def test_a_fact_has_a_largest_size(self, tmp_path: Path) -> None:
        """Nobody fills the journal with one fact."""
        journal, hold = self.begun(tmp_path)
        giant = [("giant", b"x" * (BODY_BYTES_MAX + 1))]
        assert isinstance(journal.append([self.batch(hold, 2, giant)])[0], JournalError)
        refused(JournalError, journal.create, row("beef"), giant)
        assert (len(self.texts(journal)), journal.row("beef")) == (1, None)

    # ---- the list of runs

    def test_the_list_follows_the_appends(self, tmp_path: Path) -> None:
        """State, end and length of a run are those of its last append."""
        journal, hold = self.begun(tmp_path)
        journal.append([replace(self.batch(hold, 2), state="running")])
        assert journal.row("7f3a") == replace(row(), state="running", seq=2)
        journal.append([self.batch(hold, 3)])
        assert journal.row("7f3a") == replace(row(), state="running", seq=3)
        journal.append([replace(self.batch(hold, 4), state="succeeded", ended_at=NOW + 9)])
        assert self.handle(tmp_path).row("7f3a") == replace(row(), state="succeeded", seq=4, ended_at=NOW + 9)

    def test_runs_are_listed_newest_first(self, tmp_path: Path) -> None:
        """The list can be cut, and can leave out what is over; a prefix finds a run."""
        journal = self.handle(tmp_path)
        for index, run in enumerate(("a1", "b1", "a2", "a_3", "A4")):
            journal.create(row(run, started_at=NOW + index), notes(run, 1))
        hold = journal.drive("b1", "d", NOW + 1, NOW)
        journal.append([replace(self.batch(hold, 2, run="b1"), ended_at=NOW)])
        assert [found.run for found in journal.rows()] == ["A4", "a_3", "a2", "b1", "a1"]
        assert [found.run for found in journal.rows(limit=2)] == ["A4", "a_3"]
        assert [found.run for found in journal.rows(unfinished=True)] == ["A4", "a_3", "a2", "a1"]
        assert journal.find("a") == ["a_3", "a2", "a1"]
        assert journal.find("a_") == ["a_3"]
        assert journal.find("%") == []

    # ---- named locks

    def test_a_lock_has_one_unfinished_run(self, tmp_path: Path) -> None:
        """A second run that claims it is refused and told who has it; nothing of it is written."""
        self.begun(tmp_path, "aaaa", locks=["sign-in/eu", "deploys"])
        other = self.handle(tmp_path)
        error = refused(Locked, other.create, row("bbbb"), notes("bbbb", 1), locks=["x", "sign-in/eu"])
        assert "sign-in/eu" in error.message
        assert "aaaa" in error.message
        assert other.row("bbbb") is None
        other.create(row("cccc"), notes("cccc", 1), locks=["x", "sign-in/us"])

    def test_a_lock_outlives_its_driver_and_not_its_run(self, tmp_path: Path) -> None:
        """A dead driver's run still claims its locks; its end frees them in the same transaction."""
        journal, _ = self.begun(tmp_path, "aaaa", locks=["sign-in/eu"])
        journal.close()
        other = self.handle(tmp_path)
        refused(Locked, other.create, row("bbbb"), notes("bbbb", 1), locks=["sign-in/eu"])
        hold = other.drive("aaaa", "driver-2", NOW + 30_000, NOW)
        other.append([replace(self.batch(hold, 2, run="aaaa"), ended_at=NOW)])
        other.create(row("bbbb"), notes("bbbb", 1), locks=["sign-in/eu"])

    # ---- what a run does once

    def test_a_run_that_comes_second_does_nothing_once_more(self, tmp_path: Path) -> None:
        """It is refused by name, and nothing of it is written: neither records, locks nor other things."""
        left = [Kept(shelf="left", name=name, at=NOW, body={"run": "aaaa"}) for name in ("throttle", "freeze")]
        self.handle(tmp_path).create(row("aaaa"), notes("aaaa", 1), once=left[:1])
        other = self.handle(tmp_path)
        error = refused(Taken, other.create, row("bbbb"), notes("bbbb", 1), locks=["x"], once=left[::-1])
        assert "throttle" in error.message
        assert (other.row("bbbb"), other.kept("left", NOW)) == (None, left[:1])
        other.create(row("bbbb"), notes("bbbb", 1), locks=["x"], once=left[1:])
        assert {kept.name for kept in other.kept("left", NOW)} == {"throttle", "freeze"}

    def test_of_runs_that_begin_at_once_one_takes_it(self, tmp_path: Path) -> None:
        """However many processes begin in the same moment."""
        thing = Kept(shelf="left", name="throttle", at=NOW, body={})

        def begun(number: int) -> bool:
            try:
                self.handle(tmp_path).create(row(f"run-{number}"), notes(f"run-{number}", 1), once=[thing])
            except Taken:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(begun, range(4))) == [False, False, False, True]
        assert len(self.handle(tmp_path).rows()) == 1

    # ---- leases

    def test_a_run_has_one_driver(self, tmp_path: Path) -> None:
        """A live driver's lease is refused to everybody else until its time is over."""
        _, hold = self.begun(tmp_path)
        other = self.handle(tmp_path)
        lease = other.lease("7f3a")
        assert lease == hold.lease
        assert lease is not None
        assert (lease.epoch, lease.driver, lease.until, lease.alive) == (1, "driver-1", NOW + 15_000, True)
        for take_over in (False, True):
            error = refused(Locked, other.drive, "7f3a", "driver-2", NOW + 30_000, NOW + 15_000, take_over=take_over)
            assert "driver-1" in error.message
        refused(Locked, other.drive, "7f3a", "driver-2", NOW + 30_000, NOW + 15_001)
        refused(JournalError, other.drive, "beef", "driver-2", NOW + 30_000, NOW)

    def test_a_taken_over_driver_cannot_write(self, tmp_path: Path) -> None:
        """After its time a lease can be taken over; the old driver's appends, answers and renewals are refused."""
        journal, old = self.begun(tmp_path)
        other = self.handle(tmp_path)
        other.ask(request("q1"))
        new = other.drive("7f3a", "driver-2", NOW + 30_000, NOW + 15_001, take_over=True)
        assert new.lease.epoch == 2
        stale = replace(self.batch(old, 2), answers=[Answer(request="q1", ok=True, text="")], live={"old": 1})
        assert isinstance(journal.append([stale])[0], StaleDriver)
        refused(StaleDriver, old.renew, NOW + 60_000)
        old.release()
        assert other.append([self.batch(new, 2)]) == [None]
        assert (len(self.texts(journal)), len(journal.pending("7f3a")), journal.live("7f3a")) == (2, 1, {})
        assert journal.lease("7f3a") == new.lease

    def test_a_dead_driver_is_taken_over_at_once(self, tmp_path: Path) -> None:
        """Where the store can tell, nobody waits for a dead driver's lease to run out."""
        journal, _ = self.begun(tmp_path)
        journal.close()
        other = self.handle(tmp_path)
        lease = other.lease("7f3a")
        assert lease is not None
        assert not lease.alive
        assert other.drive("7f3a", "driver-2", NOW + 30_000, NOW).lease.epoch == 2

    def test_a_lease_can_be_renewed_and_released(self, tmp_path: Path) -> None:
        """A renewed lease lasts longer; a released one is anybody's, and its former driver writes nothing more."""
        journal, hold = self.begun(tmp_path)
        hold.renew(NOW + 60_000)
        other = self.handle(tmp_path)
        assert other.lease("7f3a") == hold.lease
        refused(Locked, other.drive, "7f3a", "driver-2", NOW + 90_000, NOW + 15_001, take_over=True)
        hold.release()
        lease = other.lease("7f3a")
        assert lease is not None
        assert (lease.epoch, lease.alive) == (1, False)
        assert isinstance(journal.append([self.batch(hold, 2)])[0], StaleDriver)
        refused(StaleDriver, hold.renew, NOW + 90_000)
        assert other.drive("7f3a", "driver-2", NOW + 30_000, NOW, details={"pid": 7}).lease.details == {"pid": 7}

    def test_nothing_is_appended_without_a_lease(self, tmp_path: Path) -> None:
        """A run that nobody drives takes no facts, not even from whoever created it."""
        journal = self.handle(tmp_path)
        journal.create(row(), notes("7f3a", 1))
        batch = Batch(run="7f3a", epoch=0, first_seq=2, kinds_and_bodies=notes("7f3a", 2))
        assert isinstance(journal.append([batch])[0], StaleDriver)

    # ---- inbox

    def test_requests_are_answered_once_and_in_order(self, tmp_path: Path) -> None:
        """What others ask waits in order; an answer comes with the facts that follow from it, and stays."""
        journal, hold = self.begun(tmp_path)
        other = self.handle(tmp_path)
        asked = [request(f"q{i}", verb="note", text="\u00e9 \u202e \x1b") for i in range(3)]
        for each in asked:
            other.ask(each)
        assert journal.pending("7f3a") == asked
        assert other.answer("q1") is None
        answer = Answer(request="q1", ok=False, text="not now", code=4)
        assert journal.append([replace(self.batch(hold, 2), answers=[answer])]) == [None]
        assert other.answer("q1") == answer
        assert [each.id for each in other.pending("7f3a")] == ["q0", "q2"]
        for wrong in (answer, Answer(request="nobody", ok=True, text="")):
            batch = replace(self.batch(hold, 3), answers=[Answer(request="q0", ok=True, text=""), wrong])
            assert isinstance(journal.append([batch])[0], JournalError)
        assert (len(self.texts(journal)), other.answer("q0")) == (2, None)

    def test_an_inbox_has_limits(self, tmp_path: Path) -> None:
        """No run, the same request twice, a giant one and a flood are refused; a flood keeps no abort out."""
        journal, _ = self.begun(tmp_path)
        refused(JournalError, journal.ask, request("q", "beef"))
        refused(JournalError, journal.ask, request("q", text="x" * REQUEST_BYTES_MAX))
        for index in range(PENDING_MAX):
            journal.ask(request(f"q{index}"))
        refused(JournalError, journal.ask, request("q"))
        refused(JournalError, journal.ask, request("q0"), urgent=True)
        journal.ask(request("abort"), urgent=True)
        assert journal.pending("7f3a")[-1].id == "abort"

    def test_a_poller_sees_that_somebody_wrote(self, tmp_path: Path) -> None:
        """The cheap number differs after another process asked, appended or answered, and stands still otherwise."""
        journal, hold = self.begun(tmp_path)
        other = self.handle(tmp_path)
        seen = {journal.changes()}
        assert {journal.changes() for _ in range(5)} == seen
        other.ask(request("q1"))
        assert journal.changes() not in seen
        watched = other.changes()
        journal.append([replace(self.batch(hold, 2), answers=[Answer(request="q1", ok=True, text="")])])
        assert other.changes() != watched

    # ---- beside the chain

    def test_samples_are_kept_beside_the_chain(self, tmp_path: Path) -> None:
        """Samples come back oldest first, of one check or all, with the value that was read."""
        journal, hold = self.begun(tmp_path)
        values = [0.5, 1, True, None, "41", float("inf")]
        samples = [
            Sample(check="errors" if i % 2 else "hits", use="verify", at=NOW + i, t=i, kind="pass", value=value)
            for i, value in enumerate(values)
        ]
        journal.append([replace(self.batch(hold, 2, ()), samples=samples)])
        found = self.handle(tmp_path).samples("7f3a")
        assert found == samples
        assert [type(sample.value) for sample in found] == [type(value) for value in values]
        assert journal.samples("7f3a", check="hits", last=2) == [samples[2], samples[4]]
        assert (journal.samples("7f3a", last=0), journal.samples("beef")) == ([], [])

    def test_samples_are_bounded(self, tmp_path: Path) -> None:
        """Of a long run the newest samples are kept."""
        journal, hold = self.begun(tmp_path)
        for start in range(0, SAMPLES_MAX + 4_000, 4_000):
            samples = [Sample(check="c", use="u", at=0, t=t, kind="pass") for t in range(start, start + 4_000)]
            journal.append([replace(self.batch(hold, 2, ()), samples=samples)])
        found = journal.samples("7f3a", last=2 * SAMPLES_MAX)
        assert SAMPLES_MAX <= len(found) <= SAMPLES_MAX + 1_000
        assert found[-1].t == SAMPLES_MAX + 3_999

    def test_what_views_are_shown_is_replaced(self, tmp_path: Path) -> None:
        """The live document is the last one that a driver put there; none leaves it alone."""
        journal, hold = self.begun(tmp_path)
        assert journal.live("7f3a") == {}
        journal.append([replace(self.batch(hold, 2, ()), live={"observed": {"throttle": 10}})])
        journal.append([self.batch(hold, 2)])
        assert self.handle(tmp_path).live("7f3a") == {"observed": {"throttle": 10}}
        journal.append([replace(self.batch(hold, 3, ()), live={})])
        assert journal.live("7f3a") == {}

    def test_blobs_are_found_by_their_digest(self, tmp_path: Path) -> None:
        """Output is kept by its SHA-256, once, up to a size."""
        journal = self.handle(tmp_path)
        for content in (b"", b"\0\xff", b"x" * BLOB_BYTES_MAX, b"\0\xff"):
            digest = journal.put_blob(content)
            assert digest == hashlib.sha256(content).hexdigest()
            assert self.handle(tmp_path).blob(digest) == content
        refused(JournalError, journal.put_blob, b"x" * (BLOB_BYTES_MAX + 1))
        assert journal.blob("0" * 64) is None

    # ---- threads

    def test_a_handle_serves_several_threads(self, tmp_path: Path) -> None:
        """One thread appends while others read and ask; nothing is lost and nothing is seen half."""
        journal, hold = self.begun(tmp_path)
        errors: list[BaseException] = []
        done = threading.Event()

        def look() -> None:
            try:
                while not done.is_set():
                    found = list(journal.records("7f3a"))
                    assert verify("7f3a", found).sound == len(found)
                    assert len(found) % 2 == 1  # they are written in pairs, after the first
                    journal.changes()
            except BaseException as error:  # noqa: BLE001 - the test's own thread tells of it
                errors.append(error)

        threads = [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        for seq in range(2, 62, 2):
            assert journal.append([self.batch(hold, seq, notes("7f3a", seq, 2, epoch=1))]) == [None]
            journal.ask(request(f"q{seq}"))
        done.set()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(self.texts(journal)) == 61

    # ---- pieces

    def batch(
        self, hold: DriverHold, seq: int, facts: Iterable[tuple[str, bytes]] | None = None, *, run: str = ""
    ) -> Batch:
        """Return a driver's batch: one note, or *facts*."""
        run, epoch = run or hold.lease.run, hold.lease.epoch
        given = notes(run, seq, epoch=epoch) if facts is None else list(facts)
        return Batch(run=run, epoch=epoch, first_seq=seq, kinds_and_bodies=given)
