"""One step over 1,000 and 10,000 targets, durable, beside a bare loop with group commit.

The bare loop does nothing to each target, fifty at a time, and commits one row for every hundred of them.
Goal: at most 3 times as long, linear, and less than 100 MiB.
"""

import asyncio
import json
import time

from idle import INSERT, bare_connection, begin, fan, folder, in_turn, parts, peak_mib

from relight.drivers.live.foreground import drive_foreground
from relight.journal.sqlite import SqliteJournal
from relight.kernel.plan import Stage

AT_ONCE = 50
SLICE = 100
GOAL = 3.0
LINEAR = 1.0
GOAL_MIB = 100


def driven(hosts: int) -> float:
    """Return the seconds that a driver takes."""
    with folder() as place:
        journal = SqliteJournal(place / "journal.db")
        begin(journal, Stage(id="one", steps=(fan(hosts),)))
        began = time.perf_counter()
        run = drive_foreground(journal, "r1", parts())
        took = time.perf_counter() - began
        assert run.outcome == "succeeded"
        journal.close()
        return took


def bare(hosts: int) -> float:
    """Return the seconds that a bare loop takes."""

    async def loop() -> float:
        connection = bare_connection(place / "bare.db")
        at_once = asyncio.Semaphore(AT_ONCE)

        async def nothing() -> None:
            async with at_once:
                await asyncio.sleep(0)

        began = time.perf_counter()
        for first in range(0, hosts, SLICE):
            await asyncio.gather(*(nothing() for _ in range(SLICE)))
            body = json.dumps({"done": list(range(first, first + SLICE))}).encode()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(INSERT, ("r1", first, 1, "targets_reported", body, "", ""))
            connection.execute("COMMIT")
        took = time.perf_counter() - began
        connection.close()
        return took

    with folder() as place:
        return asyncio.run(loop())


if __name__ == "__main__":
    each_us = {}
    before = peak_mib()
    for hosts in (1_000, 10_000):
        floor, ours = in_turn(3, lambda: bare(hosts), lambda: driven(hosts))  # noqa: B023 - called at once
        each_us[hosts] = ours / hosts * 1e6
        print(f"fan-out over {hosts}: {each_us[hosts]:.0f} us a target, bare loop {floor / hosts * 1e6:.0f} us")
        print(f"ratio {ours / floor:.2f} (goal {GOAL})")
    print(f"a target of ten thousand beside one of a thousand: {each_us[10_000] / each_us[1_000]:.2f} (goal {LINEAR})")
    print(f"memory: {peak_mib():.0f} MiB at most (goal {GOAL_MIB}), {before:.0f} MiB of it before the first run")
