"""A run read for its report: every fact that can be read, what it cost in time, and what cannot be known any more."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from relight.control.times import Times
from relight.errors import JournalError
from relight.journal.chain import verify
from relight.journal.codec import decode
from relight.journal.port import SAMPLES_MAX, Journal, Record, Sample
from relight.kernel.evolve import evolve
from relight.kernel.facts import AnyFact
from relight.kernel.state import Run
from relight.runbook.expressions import restore


class Entry(NamedTuple):
    """One fact: its number, itself, the run before it (None before the first) and the run after it."""

    seq: int
    fact: AnyFact
    before: Run | None
    run: Run

    @property
    def stage(self) -> str:
        """The stage that it is about; the one at the cursor where it names none."""
        named = getattr(self.fact, "stage", "")
        if named:
            return str(named)
        step = getattr(self.fact, "step", "")
        if step in self.run.plan_index:
            return self.run.plan_index[step][0].id
        at = (self.before or self.run).current
        return at.id if at is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A run as far as it can be read.

    Attributes:
        end_t: When it ended, or how far it has come.
        missing: What cannot be told, a sentence each.
        sound: How many records are beyond doubt; *damage* says what is wrong with the next one.
        samples_from_t: The moment of the oldest sample where older ones were let go, None where all are there.
    """

    entries: list[Entry]
    times: Times
    samples: list[Sample]
    end_t: int
    head: str
    sound: int
    damage: str = ""
    samples_from_t: int | None = None
    missing: list[str] = field(default_factory=list)

    @property
    def run(self) -> Run:
        """The run after the last fact."""
        return self.entries[-1].run


def tell(journal: Journal, run_id: str, at: int) -> Told:
    """Read a run, damaged or not; *at* is now, wall milliseconds, to which a run that is not over has come.

    Raises:
        JournalError: there is no such run, or not even its first fact can be read.
    """
    row = journal.row(run_id)  # before the facts: those that come meanwhile are not counted as missing
    records = list(journal.records(run_id))
    if not records:
        raise JournalError(f"there is no run {run_id} in {journal.location}", hint="`relight runs --all` lists them")
    missing: list[str] = []
    samples = journal.samples(run_id, last=SAMPLES_MAX)
    times = Times(sorted(sample.t for sample in samples))
    entries: list[Entry] = []
    for entry in _entries(records, missing):
        times.take(entry.fact, entry.run)
        entries.append(entry)
    verified = verify(run_id, records)
    damage = "" if verified.finding is None else verified.finding.text
    if damage:
        missing.append(
            f"The journal does not verify: {damage}. Only the first {verified.sound} records are beyond doubt."
        )
    if row is not None and row.seq > len(records):
        missing.append(f"The list of runs counts {row.seq} records and {len(records)} are there: the end is cut off.")
    cut = len(entries) < len(records) or (row is not None and (row.seq > len(records) or row.ended_at is not None))
    told = Told(
        entries=entries,
        times=times,
        samples=samples,
        end_t=_end_t(entries[-1].run, at, samples, cut=cut),
        head=verified.hash,
        sound=verified.sound,
        damage=damage,
        samples_from_t=_samples_from_t(entries, samples, missing),
        missing=missing,
    )
    lease = journal.lease(run_id)
    times.until(told.end_t, driven=lease is None or lease.alive)
    return told


def _end_t(run: Run, at: int, samples: list[Sample], *, cut: bool) -> int:
    """Return the run's time now; one whose end cannot be read has come as far as is known."""
    if run.outcome is not None:
        return run.t
    known = max(run.t, samples[-1].t if samples else 0)
    return known if cut else max(known, run.t + at - run.at)


def _entries(records: list[Record], missing: list[str]) -> Iterator[Entry]:
    """Yield what can be read: where a record cannot, it ends, for nothing after it is sure."""
    run: Run | None = None
    for record in records:
        try:
            fact = decode(record.body, restore)
            before, run = run, evolve(run, fact)
        except JournalError as error:
            if run is None:
                raise
            missing.append(
                f"Record {record.seq} and what follows cannot be read ({error.message}); this tells what is before it."
            )
            return
        except (AssertionError, AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            # What a changed record makes of the fold is anybody's guess; what was before it stands.
            if run is None:
                raise JournalError(f"the first record of run {record.run} is no beginning of a run") from error
            missing.append(f"Record {record.seq} does not follow from those before it; this tells what is before it.")
            return
        yield Entry(record.seq, fact, before, run)


def _samples_from_t(entries: list[Entry], samples: list[Sample], missing: list[str]) -> int | None:
    turned = any(entry.run.checks for entry in entries[-1:])
    if not samples:
        if turned:
            missing.append("No samples of the checks were kept: there are no curves, only the turns of their verdicts.")
        return None
    if len(samples) < SAMPLES_MAX:
        return None
    missing.append(
        f"Only the newest {SAMPLES_MAX:,} samples are kept: curves, and the worst values drawn from them, "
        "begin later than the run."
    )
    return samples[0].t
