"""The part of the conformance suite for journals that is about snapshots: kept beside the chain, and no part of it."""

from dataclasses import replace
from pathlib import Path

from relight.errors import StaleDriver
from relight.frozen import frozen
from relight.journal.chain import link, verify
from relight.journal.codec import encode
from relight.journal.port import Batch, DriverHold, Journal, Row
from relight.journal.snapshot import disagreement, encode_state, last_known
from relight.kernel.evolve import evolve
from relight.kernel.facts import AnyFact, Noted, Paused, RunStarted
from relight.kernel.plan import Plan
from relight.kernel.state import Run

AT = 1_800_000_000_000
PLAN = Plan(runbook="brownout", title="Brownout", site="practice", stages=())
BEGAN = RunStarted(at=AT, t=0, run="7f3a", plan=PLAN, starter="ana")
FACTS: tuple[AnyFact, ...] = (Noted(at=AT + 1, t=1, person="ana", text="hello"), Paused(at=AT + 2, t=2, person="bo"))


@frozen
class Begun:
    """A journal whose one run is being driven, and what its facts make."""

    journal: Journal
    hold: DriverHold
    run: Run

    def append(self, *facts: AnyFact, first_seq: int = 2, snapshot: bytes | None = None) -> Exception | None:
        """Append facts behind the first, and return why not."""
        bodies = [encode(fact, run="7f3a", seq=seq, epoch=1) for seq, fact in enumerate(facts, first_seq)]
        batch = Batch(run="7f3a", epoch=1, first_seq=first_seq, kinds_and_bodies=bodies, snapshot=snapshot)
        return self.journal.append([batch])[0]


class SnapshotConformance:
    """What every journal does with snapshots; :class:`~relight.testing.journals.JournalConformance` opens one."""

    def handle(self, place: Path) -> Journal:
        """Return a handle of the journal at *place* that is closed when the test ends."""
        raise NotImplementedError

    def _begun(self, place: Path) -> Begun:
        journal = self.handle(place)
        row = Row(
            run="7f3a",
            runbook="brownout",
            site="practice",
            state="pending",
            started_at=AT,
            ended_at=None,
            starter="ana",
            seq=1,
        )
        journal.create(row, [encode(BEGAN, run="7f3a", seq=1, epoch=0)])
        run = evolve(None, BEGAN)
        for fact in FACTS:
            run = evolve(run, fact)
        return Begun(journal=journal, hold=journal.drive("7f3a", "driver-1", AT + 15_000, AT), run=run)

    def test_a_snapshot_hangs_on_the_record_it_was_taken_after(self, tmp_path: Path) -> None:
        """Another process finds its bytes with that record's number and hash; the chain knows nothing of it."""
        begun = self._begun(tmp_path)
        assert begun.journal.snapshot("7f3a") is None
        assert begun.append(*FACTS, snapshot=b"any bytes \x00") is None
        other = self.handle(tmp_path)
        records = list(other.records("7f3a"))
        found = other.snapshot("7f3a")
        assert found is not None
        assert (found.run, found.seq, found.body, found.prev) == ("7f3a", 3, b"any bytes \x00", records[-1].hash)
        assert found.hash == link(found.prev, found.body)
        assert [record.seq for record in records] == [1, 2, 3]
        assert verify("7f3a", records).finding is None
        assert other.snapshot("beef") is None

    def test_a_snapshot_is_replaced_by_the_next(self, tmp_path: Path) -> None:
        """Only the last one is kept, also one that comes without a fact; what comes without one leaves it."""
        begun = self._begun(tmp_path)
        assert begun.append(FACTS[0], snapshot=b"one") is None
        assert begun.append(first_seq=3, snapshot=b"two") is None
        assert begun.append(FACTS[1], first_seq=3) is None
        found = begun.journal.snapshot("7f3a")
        assert found is not None
        assert (found.seq, found.body) == (2, b"two")

    def test_a_refused_batch_stores_no_snapshot(self, tmp_path: Path) -> None:
        """What was not appended has no state either."""
        begun = self._begun(tmp_path)
        assert begun.append(*FACTS, snapshot=b"one") is None
        assert isinstance(begun.append(*FACTS, snapshot=b"two"), StaleDriver)
        found = begun.journal.snapshot("7f3a")
        assert found is not None
        assert found.body == b"one"

    def test_a_reader_begins_at_a_snapshot(self, tmp_path: Path) -> None:
        """It gives the run that the facts up to there make, and the number to read on from."""
        begun = self._begun(tmp_path)
        assert last_known(begun.journal, "7f3a") is None
        assert begun.append(*FACTS, snapshot=encode_state(begun.run, 1)) is None
        assert begun.append(FACTS[0], first_seq=4) is None
        assert last_known(self.handle(tmp_path), "7f3a") == (begun.run, 3)
        assert disagreement(begun.journal, "7f3a") == ""

    def test_what_cannot_be_read_is_not_believed(self, tmp_path: Path) -> None:
        """Bytes that are none, another version's, or without the fact of their plan: the facts are folded instead."""
        begun = self._begun(tmp_path)
        good = encode_state(begun.run, 1)
        assert begun.append(*FACTS) is None
        for bad in (
            b"",
            b"{",
            b"[]",
            good[:-1],
            good.replace(b'{"v":', b'{"v":9'),
            good.replace(b'"plan":1', b'"plan":2'),
            good.replace(b'"plan":1', b'"plan":99'),
            good.replace(b'"plan":1', b'"plan":null'),
            good.replace(b'"starter"', b'"strater"'),
        ):
            assert bad != good
            assert begun.append(first_seq=4, snapshot=bad) is None
            assert last_known(begun.journal, "7f3a") is None, bad
        assert begun.append(first_seq=4, snapshot=good) is None
        assert last_known(begun.journal, "7f3a") == (begun.run, 3)

    def test_a_snapshot_that_lies_is_found(self, tmp_path: Path) -> None:
        """Whoever folds the facts sees that it says something else."""
        begun = self._begun(tmp_path)
        lie = encode_state(replace(begun.run, paused=False), 1)
        assert begun.append(*FACTS, snapshot=lie) is None
        assert (
            disagreement(begun.journal, "7f3a") == "the snapshot after record 3 is not what the facts up to there make"
        )
