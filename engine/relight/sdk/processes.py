"""Child processes that end when they are told to, with their own children.

Each child leads a session of its own; cancelling asks the whole group to stop, waits the grace period, and kills it.
Output is capped: the head and the tail are kept, the middle is counted.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

OUTPUT_MAX = 64 * 1024
"""Bytes kept of each stream, half from its head and half from its tail; a plugin that wants more writes a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a child ended: *exit_code* is negative for a signal, as in :mod:`subprocess`."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    truncated: bool = False


async def run_process(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    stdin: bytes | None = None,
    grace_s: float = 10.0,
    on_line: Callable[[bytes], None] | None = None,
) -> Finished:
    """Run *argv* (never a shell) to its end and return what it said.

    Raises:
        OSError: it could not be started.
        asyncio.CancelledError: after the whole group has ended.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=dict(env) if env is not None else None,
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None and process.stderr is not None
    out, err = _Capped(on_line), _Capped(None)
    readers = asyncio.gather(out.drain(process.stdout), err.drain(process.stderr))
    try:
        if process.stdin is not None and stdin is not None:
            with suppress(ConnectionError):
                process.stdin.write(stdin)
                await process.stdin.drain()
            process.stdin.close()
        await process.wait()
        # A grandchild may hold the pipes open; what the child itself wrote is already there.
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(readers), timeout=1.0)
    except asyncio.CancelledError:
        await asyncio.shield(_end_group(process, grace_s))
        raise
    finally:
        readers.cancel()
        with suppress(asyncio.CancelledError):
            await readers
    return Finished(
        exit_code=process.returncode if process.returncode is not None else -1,
        stdout=out.value(),
        stderr=err.value(),
        truncated=out.dropped > 0 or err.dropped > 0,
    )


async def _end_group(process: asyncio.subprocess.Process, grace_s: float) -> None:
    _signal_group(process.pid, signal.SIGTERM)
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(process.wait(), timeout=grace_s)
    # Even when the leader went quietly, one of its children may have stayed.
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


class _Capped:
    """Keeps the head and the tail of a stream."""

    def __init__(self, on_line: Callable[[bytes], None] | None) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._line = bytearray()
        self._on_line = on_line
        self.dropped = 0

    async def drain(self, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(16 * 1024):
            self._lines(chunk)
            room = OUTPUT_MAX // 2 - len(self._head)
            self._head += chunk[: max(room, 0)]
            self._tail += chunk[max(room, 0) :]
            excess = len(self._tail) - OUTPUT_MAX // 2
            if excess > 0:
                del self._tail[:excess]
                self.dropped += excess

    def _lines(self, chunk: bytes) -> None:
        if self._on_line is None:
            return
        self._line += chunk
        *lines, rest = self._line.split(b"\n")
        self._line = bytearray(rest[-4096:])
        for line in lines[-20:]:
            self._on_line(bytes(line[:4096]))

    def value(self) -> bytes:
        if not self.dropped:
            return bytes(self._head + self._tail)
        return bytes(self._head) + f"\n[… {self.dropped} bytes left out …]\n".encode() + bytes(self._tail)
