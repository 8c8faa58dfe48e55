"""A disk that fills up under a driver: ``unshare -m python -m tests.drivers.full_disk FOLDER``.

It mounts a small tmpfs of its own, drives a run there in a process of its own, and prints each thing it found to hold.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.drivers.zygote import drive
from tests.journal.full_disk import SIZE_MIB, fill

from relight.drivers.start import begin_run
from relight.journal.port import Request
from relight.journal.sqlite import SqliteJournal
from relight.kernel.plan import Person, Plan, Stage, Step, Use

RUN = "full-disk"


def holds(what: str, found: object) -> None:
    """Say that it holds, or end."""
    if not found:
        raise SystemExit(f"does not hold: {what}")
    print(what, flush=True)


def until(seen: Callable[[], Any], within_s: float = 30.0) -> bool:
    """Wait until it is seen."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if seen():
            return True
        time.sleep(0.01)
    return False


def step(name: str, effects: Path, seconds: float) -> Step:
    args = {"name": name, "effects": str(effects), "seconds": seconds}
    use = Use(capability="do", provider="counting", action="do", args=args, effect="write")
    return Step(id=name, kind="action", use=use)


def main(folder: Path, effects: Path) -> None:
    """Drive a run while the disk fills up."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", str(folder)], check=True)
    path = folder / "journal.db"
    journal = SqliteJournal(path)
    steps = (step("one", effects, 2.0), step("two", effects, 0.0))
    people = (Person(id="ana", roles=("ic",)),)
    plan = Plan(runbook="r", title="R", site="x", people=people, stages=(Stage(id="s", steps=steps),))
    begin_run(journal, plan, run=RUN, starter="ana", door="cli", at=time.time_ns() // 1_000_000)
    driver = multiprocessing.get_context("fork").Process(target=drive, args=({"journal": str(path), "run": RUN},))

    def kinds() -> list[str]:
        return [record.kind for record in journal.records(RUN)]

    journal.close()
    driver.start()
    journal = SqliteJournal(path)
    holds("a driver begins", until(lambda: "step_dispatched" in kinds()))
    filler = fill(folder)
    holds("what ended on a full disk is recorded", until(lambda: "step_succeeded" in kinds()))
    time.sleep(3)
    holds("nothing new starts", kinds().count("step_dispatched") == 1 and effects.read_text().split() == ["one"])
    holds("the driver lives and holds the run", driver.is_alive() and until(lambda: alive(journal)))
    body = {"person": "ana", "door": "cli", "verb": "abort"}
    journal.ask(Request(id="abort", run=RUN, at=0, body=body), urgent=True)
    holds("an abort is answered", until(lambda: journal.answer("abort") is not None))
    driver.join(60)
    holds("the run ends, and its driver", driver.exitcode == 0 and kinds()[-1] == "run_ended")
    holds("the second step never began", effects.read_text().split() == ["one"])
    filler.unlink()


def alive(journal: SqliteJournal) -> bool:
    lease = journal.lease(RUN)
    return bool(lease is not None and lease.alive)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
