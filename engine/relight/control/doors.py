"""The doors of a serve: parts that start and stop, on an event loop and a thread of their own.

Whoever drives runs never waits for whoever shows them: a page with a thousand viewers, a chat that hangs and a plugin
that blocks have nothing to do with each other. A door that breaks is closed, and the runs go on.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, NamedTuple, Protocol

from relight.errors import RelightError

if TYPE_CHECKING:
    from relight.control.reception import Reception
    from relight.drivers.live.parts import Listener

GROUP = "relight.parts"
"""Entry points that name a function from :class:`Options` to a part, or to None where it is not configured."""
START_S = 20.0
STOP_S = 5.0


class Options(NamedTuple):
    """What the command line says of the doors: where they listen, and by which names they may be called.

    Attributes:
        url: Where people find them, if that is another address than the one they listen at.
    """

    host: str
    port: int
    names: tuple[str, ...] = ()
    url: str = ""


class Part(Protocol):
    """A door, or anything else that a serve carries beside its runs.

    Attributes:
        name: What its lines on standard error begin with.
        url: Where people find it, as other processes tell them; empty where it has no address.
        listeners: Told of every fact of the runs that this process drives; they have to be quick.
        appended: Told how long each append of facts took, in seconds; None: it does not care.
    """

    name: str
    url: str
    listeners: "Sequence[Listener]"
    appended: Callable[[float], None] | None

    async def start(self, reception: "Reception") -> str:
        """Open the door and return what to say of it, in a line; empty where there is nothing to say.

        Raises:
            RelightError: it cannot be opened; the serve does not start then.
        """
        ...

    async def stop(self) -> None:
        """Close it; what somebody was told stays true."""
        ...


class Doors:
    """All parts of one serve, in their own thread."""

    def __init__(self, parts: Sequence[Part], reception: "Reception", said: Callable[[str], None]) -> None:
        self._parts = parts
        self._reception = reception
        self._said = said
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relight-doors", daemon=True)
        self._open: list[Part] = []

    def open(self) -> None:
        """Start all parts, in order; none stays open if one cannot be.

        Raises:
            RelightError: the first that could not be opened says why.
        """
        self._thread.start()
        try:
            for part in self._parts:
                started = asyncio.run_coroutine_threadsafe(part.start(self._reception), self._loop)
                if words := started.result(START_S):
                    self._said(words)
                self._open.append(part)
        except TimeoutError:
            self.close()
            raise RelightError(f"a door did not open in {START_S:g} s", hint="is this machine very busy?") from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop all parts, the last one first, and the loop."""
        while self._open:
            part = self._open.pop()
            stopping = asyncio.run_coroutine_threadsafe(part.stop(), self._loop)
            try:
                stopping.result(STOP_S)
            except TimeoutError:
                self._said(f"{part.name}: did not close in {STOP_S:g} s and is left")
        asyncio.run_coroutine_threadsafe(_end_others(), self._loop).result(STOP_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_S)
        if not self._thread.is_alive():
            self._loop.close()


async def _end_others() -> None:
    """Cancel whatever is still under way; one that ignores it is left."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=STOP_S / 2)


def installed_parts(options: Options, said: Callable[[str], None]) -> list[Part]:
    """Return the parts that are installed and configured, by name; ours have no privileges.

    One that is broken is left out, loudly: the runs need a driver more than they need any door.

    Raises:
        RelightError: one refuses to be a part, such as for a library that is not installed.
    """
    parts: list[Part] = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            part: Part | None = point.load()(options)
        except RelightError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is said
            said(f"{point.name}: BROKEN, and left out: {type(error).__name__}: {error}")
            continue
        if part is not None:
            parts.append(part)
    return parts
