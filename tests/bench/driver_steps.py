"""1,000 steps that do nothing, each outcome durable with the next dispatch, beside a bare loop with a commit a step.

The bare loop awaits nothing, writes the same facts in the same number of commits with the same SQLite and settings,
and decides nothing. Goal: at most 1.3 times as long.
"""

import asyncio
import hashlib
import time

from idle import INSERT, bare_connection, begin, folder, in_turn, parts, steps

from relight.drivers.live.foreground import drive_foreground
from relight.journal.sqlite import SqliteJournal
from relight.kernel.plan import Stage

STEPS = 1_000
STAGES = 20
ROUNDS = 5
GOAL = 1.3

written: list[list[tuple[str, bytes]]] = []


def driven() -> float:
    """Return the seconds that a driver takes from its lease to the end of the run."""
    with folder() as place:
        journal = SqliteJournal(place / "journal.db")
        each = STEPS // STAGES
        every = steps(STEPS)
        begin(journal, *(Stage(id=f"stage{n}", steps=every[n * each : (n + 1) * each]) for n in range(STAGES)))
        if not written:
            remember(journal)
        began = time.perf_counter()
        run = drive_foreground(journal, "r1", parts())
        took = time.perf_counter() - began
        assert run.outcome == "succeeded"
        journal.close()
        return took


def remember(journal: SqliteJournal) -> None:
    """Keep what each commit of this journal holds, for the floor to write the same."""
    append = journal.append

    def kept(batches):  # type: ignore[no-untyped-def]
        written.extend(list(batch.kinds_and_bodies) for batch in batches if batch.kinds_and_bodies)
        return append(batches)

    journal.append = kept  # type: ignore[method-assign]


def bare() -> float:
    """Return the seconds that a loop takes which writes the same and decides nothing."""

    async def nothing() -> None:
        """Do a step's work."""

    async def loop() -> float:
        connection = bare_connection(place / "bare.db")
        seq, prev = 0, ""
        began = time.perf_counter()
        for facts in written:
            await nothing()
            connection.execute("BEGIN IMMEDIATE")
            for kind, body in facts:
                seq, digest = seq + 1, hashlib.sha256(prev.encode() + body).hexdigest()
                connection.execute(INSERT, ("r1", seq, 1, kind, body, prev, digest))
                prev = digest
            connection.execute("COMMIT")
        took = time.perf_counter() - began
        connection.close()
        return took

    with folder() as place:
        return asyncio.run(loop())


if __name__ == "__main__":
    driven()
    floor, ours = in_turn(ROUNDS, bare, driven)
    print(f"driver steps: {ours / STEPS * 1e6:.0f} us a step, bare loop {floor / STEPS * 1e6:.0f} us")
    print(f"ratio {ours / floor:.2f} (goal {GOAL})")
