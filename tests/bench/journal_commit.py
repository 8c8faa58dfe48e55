"""What a durable fact costs beside the floor: bare apsw with the same settings, in turn, in the same run.

``python tests/bench/journal_commit.py [FOLDER]`` prints a line for each batch size; FOLDER chooses the disk.
"""

import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import apsw

from relight.journal.codec import encode
from relight.journal.port import Batch
from relight.journal.sqlite import SqliteJournal
from relight.kernel.facts import StepDispatched
from relight.kernel.plan import Use
from relight.testing.journals import NOW, notes, row

RUN = "7f3a9c2e"
ROUNDS = 7
COMMITS = {1: 200, 100: 20}
SETTINGS = (
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON"
)
TABLE = """CREATE TABLE records (run TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL, kind TEXT NOT NULL,
    body BLOB NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (run, seq)) STRICT"""
INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)"


def fact(seq: int) -> StepDispatched:
    """Return the fact that a driver writes most."""
    use = Use(
        capability="admission.throttle",
        provider="edge",
        action="throttle",
        args={"percent": 10, "max_rate": 20, "surface": "consumer"},
        effect="write",
        idempotent=True,
        key_args=("surface",),
        neutral={"percent": 100},
        lasting=True,
        reads_value=True,
        title="Throttle new sessions",
    )
    return StepDispatched(
        at=NOW + seq,
        t=seq,
        step="throttle",
        dispatch=seq,
        attempt=1,
        purpose="forward",
        use=use,
        args={"percent": 10, "max_rate": 20, "surface": "consumer", "retry_after": {"min": 30.0, "max": 90.0}},
        key=f"{RUN}-throttle-{seq}",
        deadline_t=seq + 300_000,
        effect_key="admission.throttle/edge/consumer",
        before={"percent": 100},
        before_known=True,
    )


def bare(path: Path, size: int) -> Callable[[], None]:
    """Return the floor: one prepared insert a fact and one commit a batch, of bytes that are there already."""
    connection = apsw.Connection(str(path))
    connection.execute(SETTINGS)
    connection.execute(TABLE)
    body = encode(fact(1), run=RUN, seq=1, epoch=1)[1]
    digest = hashlib.sha256(body).hexdigest()
    seq = 0

    def commit() -> None:
        nonlocal seq
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(size):
            seq += 1
            connection.execute(INSERT, (RUN, seq, 1, "step_dispatched", body, digest, digest))
        connection.execute("COMMIT")

    return commit


def ours(path: Path, size: int, *, with_codec: bool) -> Callable[[], None]:
    """Return an append of the journal: epoch and sequence checked, chained, the run's state kept up to date."""
    journal = SqliteJournal(path)
    journal.create(row(RUN), notes(RUN, 1))
    hold = journal.drive(RUN, "bench", NOW + 60_000, NOW)
    dispatched = fact(1)
    ready = [encode(dispatched, run=RUN, seq=seq, epoch=1) for seq in range(1, size + 1)]
    seq = 2

    def commit() -> None:
        nonlocal seq
        facts = ready
        if with_codec:
            facts = [encode(dispatched, run=RUN, seq=number, epoch=1) for number in range(seq, seq + size)]
        batch = Batch(run=RUN, epoch=hold.lease.epoch, first_seq=seq, kinds_and_bodies=facts, state="running")
        assert journal.append([batch]) == [None]
        seq += size

    return commit


def timed_ms(commit: Callable[[], None], commits: int) -> float:
    """Return the mean of *commits* of them."""
    began = time.perf_counter()
    for _ in range(commits):
        commit()
    return (time.perf_counter() - began) * 1_000 / commits


def compare(folder: Path, size: int) -> str:
    """Return one line: what a fact costs bare, through the journal, and through journal and codec."""
    contenders = {
        "bare apsw": bare(folder / f"bare-{size}.db", size),
        "journal": ours(folder / f"journal-{size}.db", size, with_codec=False),
        "journal and codec": ours(folder / f"codec-{size}.db", size, with_codec=True),
    }
    figures: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, commit in contenders.items():
            figures[name].append(timed_ms(commit, COMMITS[size]) / size)
    floor = figures["bare apsw"]
    told = [f"bare apsw {statistics.median(floor):.4f} ms"]
    for name in list(contenders)[1:]:
        ratio = statistics.median(mine / bare for mine, bare in zip(figures[name], floor, strict=True))
        told.append(f"{name} {statistics.median(figures[name]):.4f} ms, {ratio:.2f} x")
    return f"{size:>3} facts a commit, a fact: " + "; ".join(told)


def main() -> None:
    """Print both comparisons."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        print(f"SQLite {apsw.sqlite_lib_version()}, {os.cpu_count()} CPUs, median of {ROUNDS} rounds in turn")
        for size in COMMITS:
            print(compare(Path(folder), size))


if __name__ == "__main__":
    main()
