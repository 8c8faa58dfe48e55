"""What readers pay on a long run: a first look (``status``), and each refresh of a view that follows it (``watch``).

Twenty thousand facts beside one thousand, written as a driver writes them, snapshots included; the floor is the same
look at the short run. Goals: a first look at most twice as long, a refresh no longer.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from idle import begin, folder, gates

from relight.cli.live import render
from relight.control.history import Following, load_run
from relight.control.showing import document_of
from relight.drivers.drafting import Draft
from relight.drivers.live.batches import batch_of
from relight.drivers.live.log import Log
from relight.drivers.live.snapshots import Snapshots
from relight.journal.port import DriverHold
from relight.journal.sqlite import SqliteJournal
from relight.kernel.evolve import evolve
from relight.kernel.facts import AnyFact, CheckTurned, Verdict

SHORT, LONG = 1_000, 20_000
EACH = 50
ROUNDS = 51
GOALS = {"first look": 2.0, "refresh": 1.2}


class Writer:
    """Writes so many turns of a check, as the driver of the run does."""

    def __init__(self, journal: SqliteJournal, hold: DriverHold) -> None:
        self._journal = journal
        self._epoch = hold.lease.epoch
        self._run = load_run(journal, "r1")
        self._seq = 1
        self._snapshots = Snapshots(1, Log())

    def write(self, count: int) -> None:
        """Append *count* facts in one transaction."""
        facts: list[AnyFact] = []
        for number in range(count):
            t = self._seq + number
            verdict: Verdict = "pass" if number % 2 else "fail"
            facts.append(
                CheckTurned(at=t, t=t, use="guard:x", check="x", verdict=verdict, value=t / 7, digest="0" * 64)
            )
            self._run = evolve(self._run, facts[-1])
        self._append(Draft(self._run, facts))
        self._seq += count
        # Facts about checks start nothing and may need a reserve; a snapshot comes with the driver's next beat.
        self._append(Draft(self._run))

    def _append(self, draft: Draft) -> None:
        batch = self._snapshots.with_snapshot(batch_of(draft, epoch=self._epoch, first_seq=self._seq + 1), draft)
        (refusal,) = self._journal.append([batch])
        assert refusal is None
        self._snapshots.wrote(batch, draft)


def written(place: Path, count: int) -> tuple[SqliteJournal, Writer]:
    """Return a journal whose one run has so many facts."""
    journal = SqliteJournal(place / f"{count}.db")
    begin(journal, *gates(5, place / "stamps"))
    writer = Writer(journal, journal.drive("r1", "bench", 15_000, 0))
    for _ in range(count // EACH):
        writer.write(EACH)
    return journal, writer


def took_ms(work: Callable[[], object]) -> float:
    """Return the milliseconds that *work* takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1_000


class View:
    """A view that follows a run."""

    def __init__(self, journal: SqliteJournal, writer: Writer) -> None:
        self._journal = journal
        self._writer = writer
        self._following = Following(journal, "r1")
        self.read()

    def read(self) -> None:
        """Read what is new."""
        for _ in self._following.news():
            pass

    def refreshed_ms(self) -> float:
        """Return what it takes to read three new facts and to draw them."""
        self._writer.write(3)
        return took_ms(self._refresh)

    def _refresh(self) -> None:
        self.read()
        render(document_of(self._journal, self._following.run), 80, 0)


def main() -> None:
    """Measure both runs in turn, and print each figure with its ratio to the short run's."""
    with folder() as place:
        runs = {count: written(place, count) for count in (SHORT, LONG)}
        views = {count: View(*run) for count, run in runs.items()}
        looks: dict[int, list[float]] = {count: [] for count in runs}
        refreshes: dict[int, list[float]] = {count: [] for count in runs}
        for _ in range(ROUNDS):
            for count, (journal, _) in runs.items():
                looks[count].append(took_ms(lambda journal=journal: load_run(journal, "r1")))  # type: ignore[misc]
                refreshes[count].append(views[count].refreshed_ms())
        folding = took_ms(lambda: View(*runs[LONG]))
        for name, times in (("first look", looks), ("refresh", refreshes)):
            short, long = (statistics.median(times[count]) for count in (SHORT, LONG))
            print(f"{name}: {long:.1f} ms at {LONG} facts, {short:.1f} ms at {SHORT}")
            print(f"ratio {long / short:.2f} (goal {GOALS[name]:g})")
        print(f"(folding all {LONG} facts: {folding:.0f} ms)")
        for journal, _ in runs.values():
            journal.close()


if __name__ == "__main__":
    main()
