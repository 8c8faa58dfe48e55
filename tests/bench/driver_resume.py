"""From the start of a process to the first new step of a run whose driver was killed half-way, beside a cold start.

The first driver is killed at step 500 of 1,000; the second one imports everything, folds two thousand facts, takes the
lease and dispatches step 501. Goal: within twice the cold start of the command line, and nothing is done again.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from idle import begin, compiled, folder, parts, steps

from relight.drivers.live.host import main
from relight.drivers.live.spawn import spawn_driver
from relight.journal.locate import open_journal
from relight.journal.sqlite import SqliteJournal
from relight.kernel.plan import Stage

STEPS = 1_000
HALF = 500
ROUNDS = 5
GOAL = 2.0


def dispatched(journal: SqliteJournal, after: int) -> list[int]:
    """Return the numbers of the records that dispatch something."""
    return [record.seq for record in journal.records("r1", after) if record.kind == "step_dispatched"]


def resumed() -> float:
    """Return the seconds from the start of the second driver to its first dispatch."""
    with folder() as place:
        stamps = place / "stamps"
        journal = SqliteJournal(place / "journal.db")
        begin(journal, Stage(id="one", steps=steps(STEPS, "stamp", path=str(stamps))))
        pid = spawn_driver("r1", journal.location, "driver_resume")
        while not stamps.exists() or stamps.read_bytes().count(b"\n") < HALF:
            time.sleep(0.001)
        os.kill(pid, 9)
        mark_done(journal)
        before = stamps.read_bytes().count(b"\n")
        began = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        pid = spawn_driver("r1", journal.location, "driver_resume")
        while stamps.read_bytes().count(b"\n") <= before:
            time.sleep(0.0005)
        first = int(stamps.read_text().split()[before])
        while journal.row("r1").ended_at is None:  # type: ignore[union-attr]
            time.sleep(0.01)
        # The step that was under way may have been killed before its stamp; it was marked done all the same.
        assert STEPS - 1 <= stamps.read_bytes().count(b"\n") <= STEPS, "something was done again"
        journal.close()
        return (first - began) / 1e9


def mark_done(journal: SqliteJournal) -> None:
    """Say what became of the step that was under way, as a person does who looked."""
    from relight.drivers.live.stand_in import decide_without_driver
    from relight.journal.codec import decode
    from relight.journal.leaves import KeptExpression
    from relight.journal.port import Request

    last = [decode(r.body) for r in journal.records("r1") if r.kind == "step_dispatched"][-1]
    done = journal.records("r1")
    if any(r.kind == "step_succeeded" and decode(r.body).dispatch == last.dispatch for r in done):  # type: ignore[union-attr]
        return
    body = {"person": "ana", "door": "cli", "verb": "note", "value": "taking over"}
    journal.ask(Request(id="n", run="r1", at=0, body=body))
    decide_without_driver(journal, "r1", KeptExpression)
    body = {"person": "ana", "door": "cli", "verb": "mark", "subject": last.step, "value": "done"}  # type: ignore[union-attr]
    journal.ask(Request(id="m", run="r1", at=0, body=body))
    decide_without_driver(journal, "r1", KeptExpression)


def cold() -> float:
    """Return the seconds of a cold start of the command line."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "relight.cli", "--help"], stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


if __name__ == "__main__":
    if "--journal" in sys.argv:
        os._exit(main(sys.argv[1:], open_journal=open_journal, parts_for=parts, home=Path.cwd))
    import statistics  # not loaded by the drivers that are measured

    os.environ["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, sys.path))
    floors, ours = [], []
    with compiled():
        for _ in range(ROUNDS + 1):
            floors.append(cold())
            ours.append(resumed())
    # What is compiled in the first round is there in the others.
    floor, our = statistics.median(floors[1:]), statistics.median(ours[1:])
    print(f"resume: first new step after {our * 1_000:.0f} ms, cold start {floor * 1_000:.0f} ms")
    print(f"ratio {our / floor:.2f} (goal {GOAL})")
