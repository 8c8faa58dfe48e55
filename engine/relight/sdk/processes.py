"""Child processes that end when they are told to, with their own children.

Each child leads a session of its own and carries a marker in its environment.
Cancelling asks it and all its descendants to stop, waits the grace period, and kills them.
"""

import asyncio
import os
import secrets as dice
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from relight.sdk.output import OUTPUT_MAX, CappedOutput
from relight.sdk.process_tree import end_group
from relight.sdk.secrets import Secrets

CHILD = "RELIGHT_CHILD"
"""The environment variable that marks the descendants of one call of :func:`run_process`."""
ENVIRONMENT_KEPT = frozenset({"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "USER", "LOGNAME"})
"""What children inherit (and ``LC_*``); anything else in a driver's environment may be a credential."""
_PIPES_WAIT_S = 1.0
"""A grandchild may hold the pipes open for ever; what the child itself wrote is there long before."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a child ended: *exit_code* is negative for a signal, as in :mod:`subprocess`."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    truncated: bool = False


def child_environment(*more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a child: what :data:`ENVIRONMENT_KEPT` names, and *more*, the later winning."""
    kept = {name: value for name, value in os.environ.items() if name in ENVIRONMENT_KEPT or name.startswith("LC_")}
    for each in more:
        kept.update(each)
    return kept


async def run_process(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    stdin: bytes | None = None,
    grace_s: float = 10.0,
    on_line: Callable[[bytes], None] | None = None,
    secrets: Secrets | None = None,
    output_max: int = OUTPUT_MAX,
) -> Finished:
    """Run *argv* (never a shell) to its end and return what it said.

    Args:
        argv: The program and its arguments.
        env: Its whole environment; without it, the driver's own.
        cwd: Where it runs.
        stdin: What it reads; without it, nothing.
        grace_s: How long it may take to stop when this is cancelled, before it is killed.
        on_line: Is told lines of stdout as they come; of a flood, some.
        secrets: What is taken out of stdout and stderr, before they are cut to size.
        output_max: Bytes kept of each.

    Raises:
        OSError: it could not be started.
        ValueError: an argument holds a NUL.
        asyncio.CancelledError: after it has ended, with everything that it started.
    """
    marker = {CHILD: dice.token_hex(16)}
    out = CappedOutput(output_max, secrets=secrets, on_line=on_line)
    err = CappedOutput(output_max, secrets=secrets)
    loop = asyncio.get_running_loop()
    starting = loop.subprocess_exec(
        lambda: _Child(out, err),
        *argv,
        env={**(os.environ if env is None else env), **marker},
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    transport, child, cancelled = await _started(starting)
    try:
        if cancelled:
            raise asyncio.CancelledError
        await child.talk(transport, stdin)
        if (transport.get_returncode() or 0) < 0:
            # Who is killed leaves nobody behind on purpose: whatever it had started would go on unseen.
            await child.end(transport, marker, grace_s)
    except BaseException:
        await _see_through(asyncio.ensure_future(child.end(transport, marker, grace_s)))
        raise
    finally:
        transport.close()
    code = transport.get_returncode()
    return Finished(
        exit_code=-1 if code is None else code,
        stdout=out.value(),
        stderr=err.value(),
        truncated=out.truncated or err.truncated,
    )


class _Child(asyncio.SubprocessProtocol):
    """Hears what the child says and when it ends.

    asyncio's own ``Process.wait`` goes on waiting while a grandchild holds the pipes, so it is not used.
    """

    def __init__(self, out: CappedOutput, err: CappedOutput) -> None:
        self._streams = {1: out, 2: err}
        self._open = {1, 2}
        self._ended = asyncio.Event()
        self._silent = asyncio.Event()

    async def talk(self, transport: asyncio.SubprocessTransport, stdin: bytes | None) -> None:
        """Give it *stdin*, and return when it has ended and said what it had to say."""
        pipe = transport.get_pipe_transport(0)
        if isinstance(pipe, asyncio.WriteTransport):
            if stdin:
                pipe.write(stdin)
            pipe.close()
        await self._ended.wait()
        await _briefly(self._silent)

    async def end(self, transport: asyncio.SubprocessTransport, marker: Mapping[str, str], grace_s: float) -> None:
        """End it and all its descendants."""
        await end_group(transport.get_pid(), marker, grace_s)
        await _briefly(self._ended)  # a zombie until the loop has heard of it

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep what it says."""
        self._streams[fd].feed(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note that nothing more comes from there; a broken stdin only means that it did not want to read."""
        self._open.discard(fd)
        if not self._open:
            self._silent.set()

    def process_exited(self) -> None:
        """Note that it has ended."""
        self._ended.set()


async def _briefly(event: asyncio.Event) -> None:
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(event.wait(), _PIPES_WAIT_S)


async def _started(
    starting: Coroutine[Any, Any, tuple[asyncio.SubprocessTransport, _Child]],
) -> tuple[asyncio.SubprocessTransport, _Child, bool]:
    """Return what was started, and whether this was cancelled meanwhile: then it must be ended like any other."""
    task = asyncio.ensure_future(starting)
    try:
        return (*await asyncio.shield(task), False)
    except asyncio.CancelledError as cancelled:
        try:
            return (*await _see_through(task), True)
        except OSError:
            raise cancelled from None


async def _see_through(task: asyncio.Future[T]) -> T:
    """Wait for *task* whatever cancellations arrive meanwhile."""
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    return task.result()
