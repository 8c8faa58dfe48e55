"""A process that has everything loaded and forks drivers: killing hundreds of them takes seconds.

It reads one JSON object a line: ``{"journal": path, "run": id, "effects": path, "kill": "commit:7"}``, forks a driver
for it and answers with its process id. ``kill`` names the append at which the driver kills itself and when:
``before`` it, ``inside`` its transaction, at its ``commit``, or ``after`` it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from relight.drivers.live.foreground import drive_foreground
from relight.drivers.live.lease import Watchdog, end_process
from relight.drivers.live.parts import Parts
from relight.errors import RelightError
from relight.journal import sqlite
from relight.journal.leaves import KeptExpression
from relight.sdk import Action, Arguments, Call, Contract, Plugin, Probe, Provider, Result, Secret, run_process
from relight.sdk.registry import Registry


class Args(Arguments):
    name: str = ""
    effects: str = ""
    seconds: float = 0.0
    argv: list[str] = []


class Done(Result):
    value: Any = None


def contract(name: str, **more: Any) -> Contract:
    return Contract(name=name, title=name, args=Args, result=Done, **more)


def happen(call: Call) -> None:
    """Let it happen, once and for all: a line in a file, on disk."""
    descriptor = os.open(call.args.effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{call.args.name}\n".encode())
    os.fsync(descriptor)
    os.close(descriptor)


def effects(call: Call) -> list[str]:
    path = Path(call.args.effects)
    return path.read_text().splitlines() if path.exists() else []


class Do(Action):
    contract = contract("do")

    async def perform(self, call: Call) -> Result:
        await asyncio.sleep(call.args.seconds / 2)
        happen(call)
        await asyncio.sleep(call.args.seconds / 2)
        return Done(value=call.args.name)


class Again(Do):
    contract = contract("again", idempotent=True)


class Run(Action):
    contract = contract("run")

    async def perform(self, call: Call) -> Result:
        finished = await run_process(call.args.argv, env={**os.environ, **call.marker}, grace_s=call.grace_s)
        return Done(value=finished.exit_code)


class Deaf(Action):
    """Starts its child by itself, and does not listen when it is cancelled."""

    contract = contract("deaf")

    async def perform(self, call: Call) -> Result:
        import subprocess

        environment = {**os.environ, **call.marker}
        subprocess.Popen(call.args.argv, env=environment, start_new_session=True)  # noqa: ASYNC220 - what it may not
        until = time.monotonic() + call.args.seconds
        while time.monotonic() < until:
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue
        return Done()


class Block(Action):
    """Blocks the event loop, which no plugin may."""

    contract = contract("block")

    async def perform(self, call: Call) -> Result:
        time.sleep(call.args.seconds)  # noqa: ASYNC251 - what it may not
        return Done()


class Shout(Action):
    contract = contract("shout")

    async def perform(self, call: Call) -> Result:
        for number in range(200_000):
            call.progress(f"\x1b[2J line {number} " + "x" * 1_000)
        print("printed by a plugin")
        return Done(value="\0\x1b]0;title\x07" + "é" * 3_000_000)


class Leak(Action):
    """Prints a secret and returns it."""

    contract = contract("leak")

    async def perform(self, call: Call) -> Result:
        value = call.secrets.reveal(Secret(call.args.argv[0]))
        print("the token is", value, flush=True)
        return Done(value={"token": value})


class Look(Probe):
    contract = contract("look", effect="read")

    async def read(self, call: Call) -> Result:
        return Done(value=effects(call).count(call.args.name))


class Counting(Provider):
    actions = (Do, Again, Run, Deaf, Block, Shout, Leak)
    probes = (Look,)


PLUGIN = Plugin(name="counting", summary="Counts what really happened", provider=Counting, needs_config=False)


class Compiled(KeptExpression):
    """An expression that Python evaluates."""

    def value(self, scope: Any) -> Any:
        return eval(self.text, {"__builtins__": {}}, dict(scope))


def parts_for(log: Any = None) -> Parts:
    """Return what the drivers of these tests are put together from."""
    more = {} if log is None else {"log": log}
    return Parts(
        registry=Registry({"counting": PLUGIN}),
        compile_expression=Compiled,
        watchdog=Watchdog(end_process),
        **more,
    )


def die_at(point: str) -> None:
    """Let this process kill itself at an append."""
    module: Any = sqlite
    when, _, number = point.partition(":")
    left = [int(number)]
    append_batch = module.append_batch
    append = module.SqliteJournal.append

    def now() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def inside(*args: Any) -> Any:
        outcome = append_batch(*args)
        if left[0] == 0 and when == "inside":
            now()
        return outcome

    def counted(journal: Any, batches: Any) -> Any:
        if any(batch.kinds_and_bodies for batch in batches):
            left[0] -= 1
        if left[0] == 0 and when == "before":
            now()
        if left[0] == 0 and when == "commit":
            # After SQLite has written its log and before it says so.
            journal._connections._writer.set_wal_hook(lambda *_: now())
        outcome = append(journal, batches)
        if left[0] == 0 and when == "after":
            now()
        return outcome

    module.append_batch = inside
    module.SqliteJournal.append = counted


def drive(asked: dict[str, Any]) -> int:
    """Be a driver, and return its exit code."""
    if asked.get("kill"):
        die_at(asked["kill"])
    try:
        journal = sqlite.SqliteJournal(Path(asked["journal"]))
        drive_foreground(journal, asked["run"], parts_for(), take_over=bool(asked.get("take_over")))
    except RelightError as error:
        Path(asked["journal"]).with_suffix(".error").write_text(error.message)
        return error.exit_code
    return 0


def serve() -> None:
    """Fork a driver for each line that is read."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            code = 70
            try:
                code = drive(asked)
            finally:
                Path(f"{asked['journal']}.{os.getpid()}.exit").write_text(str(code))
                os._exit(code)
        print(pid, flush=True)


if __name__ == "__main__":
    serve()
