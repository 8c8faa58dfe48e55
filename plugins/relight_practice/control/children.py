"""Starting a part as a process of its own, and ending it for certain."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from relight_practice.parts.part import Orders
from relight_practice.wire import Client

START_TIMEOUT_S = 20.0
"""A part takes 0.2 s on a quiet machine and has been seen to take 4 s on a busy one."""
STOP_TIMEOUT_S = 3.0
PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class StartFailed(Exception):
    """A part did not come up; the message names its log."""


@dataclass(slots=True)
class Child:
    """One running part."""

    orders: Orders
    port: int
    process: asyncio.subprocess.Process
    client: Client

    @property
    def alive(self) -> bool:
        """Whether the process is still there."""
        return self.process.returncode is None

    async def stop(self) -> None:
        """Ask it to end, and end it if it does not."""
        self.client.close()
        if self.alive:
            self.process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        _let_go(self.process)


def command(module: str, *arguments: str) -> list[str]:
    """Return the argument list for one of our own processes: the standard library and this package, nothing else."""
    # Without `site` (-S) a start takes half the time; without -P the current directory could lend us its modules.
    return [sys.executable, "-S", "-P", "-m", f"relight_practice.{module}", *arguments]


def environment() -> dict[str, str]:
    """Return the environment of our own processes: where this package is, and the user's own but for Python's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": str(PACKAGE_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


async def start(orders: Orders) -> Child:
    """Start a part and wait until it listens.

    Raises:
        StartFailed: it ended, or took too long.
    """
    log_path = Path(orders.directory) / f"{orders.name}.log"
    with log_path.open("ab") as log:
        process = await _spawn(orders, log)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            line = await process.stdout.readline()
        port = int(json.loads(line)["port"])
    except (TimeoutError, ValueError, KeyError):
        if process.returncode is None:
            process.kill()
        await process.wait()
        _let_go(process)
        raise StartFailed(f"{orders.name} did not come up; see {log_path}") from None
    except asyncio.CancelledError:
        process.kill()
        raise
    return Child(orders, port, process, Client(port))


async def _spawn(orders: Orders, log: IO[bytes]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command("parts", orders.to_json()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
        env=environment(),
    )


def _let_go(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
