"""From an approval that another process recorded to the step that it lets start, beside one commit.

A driver in a process of its own waits at one gate after the other. The clock runs from the moment the request is on
disk to the moment the action is called; in between lie the driver's look into its inbox, the decision, and a commit.
Goal: under 50 ms at the 99th percentile.
"""

import os
import statistics
import sys
import time
from pathlib import Path

from idle import begin, folder, gates, parts

from relight.drivers.live.host import main
from relight.drivers.live.spawn import spawn_driver
from relight.journal.codec import decode
from relight.journal.locate import open_journal
from relight.journal.port import Request
from relight.journal.sqlite import SqliteJournal

GATES = 200
GOAL_MS = 50


def latencies(place: Path) -> tuple[list[float], list[float]]:
    """Return for each approval the milliseconds to the step, and those of the commit of the request."""
    stamps = place / "stamps"
    journal = SqliteJournal(place / "journal.db")
    begin(journal, *gates(GATES, stamps))
    spawn_driver("r1", journal.location, "driver_approval")
    asked: list[int] = []
    commits: list[float] = []
    seq = 0
    while journal.row("r1").ended_at is None:  # type: ignore[union-attr]
        for record in journal.records("r1", seq):
            seq = record.seq
            if record.kind != "gate_asked":
                continue
            ticket = decode(record.body).ticket  # type: ignore[union-attr]
            body = {"person": "ana", "door": "cli", "verb": "approve", "ticket": ticket}
            time.sleep(0.001 * (len(asked) % 20))  # whenever it suits people, not right after the driver looked
            began = time.perf_counter()
            journal.ask(Request(id=f"q{len(asked)}", run="r1", at=0, body=body))
            commits.append((time.perf_counter() - began) * 1_000)
            asked.append(time.clock_gettime_ns(time.CLOCK_MONOTONIC))
        time.sleep(0.001)
    started = [int(line) for line in stamps.read_text().split()]
    return [(then - now) / 1e6 for now, then in zip(asked, started, strict=True)], commits


if __name__ == "__main__":
    if "--journal" in sys.argv:
        os._exit(main(sys.argv[1:], open_journal=open_journal, parts_for=parts, home=Path.cwd))
    os.environ["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, sys.path))
    with folder() as place:
        found, commits = latencies(place)
    quantiles = statistics.quantiles(found, n=100)
    print(f"approval to dispatch: median {quantiles[49]:.1f} ms, p99 {quantiles[98]:.1f} ms (goal {GOAL_MS})")
    print(f"ratio of the medians to one commit ({statistics.median(commits):.2f} ms): ", end="")
    print(f"{quantiles[49] / statistics.median(commits):.1f}")
