"""A disk that is really full: a small tmpfs in a mount namespace of this process's own.

``unshare -m python -m tests.journal.full_disk FOLDER SCENE`` prints each thing that it found to hold.
"""

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from relight.errors import JournalError
from relight.journal.disk import RESERVE_BYTES
from relight.journal.port import Answer, Batch, DriverHold
from relight.journal.sqlite import SqliteJournal
from relight.testing.journals import NOW, notes, request, row

RUN = "7f3a"
SIZE_MIB = 28
"""The reserve wants 16 MiB free before it is made."""


def holds(what: str, found: object) -> None:
    """Say that it holds, or end."""
    if not found:
        raise SystemExit(f"does not hold: {what}")
    print(what, flush=True)


def refusal(call: Callable[[], object]) -> str:
    """Return what a refused call says, with its hint and exit code."""
    try:
        call()
    except JournalError as error:
        return f"{error.message} | {error.hint} | {error.exit_code}"
    return ""


def fill(folder: Path) -> Path:
    """Fill the disk to the last byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    return filler


class Driving:
    """A run that is driven, and what was acknowledged of it."""

    def __init__(self, path: Path) -> None:
        self.journal = SqliteJournal(path)
        self.journal.create(row(RUN), notes(RUN, 1))
        self.hold: DriverHold = self.journal.drive(RUN, "driver", NOW + 15_000, NOW)
        self.seq = 1

    def batch(self, *, urgent: bool, answers: tuple[str, ...] = (), ended: bool = False) -> Batch:
        """Return one note for the run."""
        first = self.seq + 1
        return Batch(
            run=RUN,
            epoch=self.hold.lease.epoch,
            first_seq=first,
            kinds_and_bodies=notes(RUN, first, epoch=self.hold.lease.epoch),
            answers=[Answer(request=name, ok=True, text="") for name in answers],
            ended_at=NOW if ended else None,
            urgent=urgent,
        )

    def append(self, *, urgent: bool, answers: tuple[str, ...] = (), ended: bool = False) -> None:
        """Append it."""
        (outcome,) = self.journal.append([self.batch(urgent=urgent, answers=answers, ended=ended)])
        if outcome is not None:
            raise outcome
        self.seq += 1

    def until_full(self) -> str:
        """Append until the disk is full; return what was said then."""
        for _ in range(10_000):
            if said := refusal(lambda: self.append(urgent=False)):
                return said
        return ""

    def length(self) -> int:
        """Return how many records a new process finds."""
        other = SqliteJournal(Path(self.journal.location.removeprefix("sqlite://")))
        try:
            return len(list(other.records(RUN)))
        finally:
            other.close()


def in_the_middle(folder: Path) -> None:
    """The disk fills up while a run is driven."""
    driving = Driving(folder / "journal.db")
    reserve = folder / "journal.db-reserve"
    holds("a run begins with a reserve", reserve.stat().st_size == RESERVE_BYTES)
    filler = fill(folder)
    said = driving.until_full()
    holds("a full disk is told in a sentence, with what to do, and exit code 9", "is full" in said and "| 9" in said)
    holds("nothing that was acknowledged is lost, and nothing else is there", driving.length() == driving.seq)
    holds("an ordinary request is refused", "is full" in refusal(lambda: driving.journal.ask(request("approve"))))
    driving.journal.ask(request("abort"), urgent=True)
    holds("an abort can be asked for", [each.id for each in driving.journal.pending(RUN)] == ["abort"])
    holds("the reserve was given up", not reserve.exists())
    holds("nothing new starts on what it left", "is full" in refusal(lambda: driving.append(urgent=False)))
    driving.append(urgent=True, answers=("abort",))
    holds("an abort can be recorded and answered", driving.journal.answer("abort") is not None)
    mixed = driving.journal.append([driving.batch(urgent=False), driving.batch(urgent=True)])
    driving.seq += 1
    holds("of one group what is urgent is written", [outcome is None for outcome in mixed] == [False, True])
    for _ in range(200):
        driving.append(urgent=True)
        driving.hold.renew(NOW + 30_000)
    driving.append(urgent=True, ended=True)
    holds("the end is recorded after two hundred outcomes and renewals", driving.length() == driving.seq)
    driving.hold.release()
    holds("no run begins", "is full" in refusal(lambda: driving.journal.create(row("beef"), notes("beef", 1))))
    filler.unlink()
    driving.journal.create(row("beef"), notes("beef", 1))
    holds("with space again there is a reserve again", reserve.stat().st_size == RESERVE_BYTES)


def before_the_start(folder: Path) -> None:
    """The disk is full before anything was begun."""
    filler = fill(folder)
    path = folder / "new" / "journal.db"
    said = refusal(lambda: Driving(path))
    holds("no run begins where there is no room", "| 9" in said and "Traceback" not in said)
    filler.unlink()
    Driving(path)
    holds("what was refused left nothing in the way", path.is_file())


def after_a_death(folder: Path) -> None:
    """The driver died and the disk is full: somebody aborts from another process."""
    first = Driving(folder / "journal.db")
    fill(folder)
    first.until_full()
    first.journal.close()
    other = SqliteJournal(folder / "journal.db")
    holds("the journal can be read", len(list(other.records(RUN))) == first.seq)
    other.ask(request("abort"), urgent=True)
    first.journal, first.hold = other, other.drive(RUN, "second", NOW + 30_000, NOW)
    first.append(urgent=True, answers=("abort",), ended=True)
    holds("the run can be taken over, aborted and ended", first.length() == first.seq)


SCENES = {"in-the-middle": in_the_middle, "before-the-start": before_the_start, "after-a-death": after_a_death}


def main(folder: str, scene: str) -> None:
    """Mount a small disk there and play the scene."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", folder], check=True)
    SCENES[scene](Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
