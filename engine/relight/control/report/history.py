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
        missing: What cannot be told, a sentence each.
        sound: How many records are beyond doubt; *damage* says what is wrong with the next one.
        samples_from_t: The moment of the oldest sample where older ones were let go, None where all are there.
    """

    entries: list[Entry]
    times: Times
    samples: list[Sample]
    head: str
    sound: int
    damage: str = ""
    samples_from_t: int | None = None
    missing: list[str] = field(default_factory=list)

    @property
    def run(self) -> Run:
        """The run after the last fact."""
        return self.entries[-1].run

    @property
    def end_t(self) -> int:
        """The last moment of which anything is known."""
        return max(self.run.t, self.samples[-1].t if self.samples and self.run.outcome is None else 0)


def tell(journal: Journal, run_id: str) -> Told:
    """Read a run, damaged or not.

    Raises:
        JournalError: there is no such run, or not even its first fact can be read.
    """
    records = list(journal.records(run_id))
    if not records:
        raise JournalError(f"there is no run {run_id} in {journal.location}", hint="`relight runs --all` lists them")
    missing: list[str] = []
    times = Times()
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
    row = journal.row(run_id)
    if row is not None and row.seq > len(records):
        missing.append(f"The list of runs counts {row.seq} records and {len(records)} are there: the end is cut off.")
    samples = journal.samples(run_id, last=SAMPLES_MAX)
    told = Told(
        entries=entries,
        times=times,
        samples=samples,
        head=verified.hash,
        sound=verified.sound,
        damage=damage,
        samples_from_t=_samples_from_t(entries, samples, missing),
        missing=missing,
    )
    times.until(told.end_t)
    return told


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
