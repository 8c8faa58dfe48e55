"""Driving a run in this very process, until it is over or somebody says stop."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from relight.drivers.live.clerk import Clerk
from relight.drivers.live.driver import Driver
from relight.drivers.live.inbox import Inboxes
from relight.drivers.live.parts import Listener, Parts
from relight.journal.port import Journal
from relight.kernel.state import Run

T = TypeVar("T")

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STRAY_S = 0.5
"""How long what is left of plugins may take to notice the end of the loop; then the process goes on without it."""


def drive_foreground(
    journal: Journal,
    run: str,
    parts: Parts,
    *,
    listeners: Sequence[Listener] = (),
    take_over: bool = False,
    begun: Callable[[], None] = lambda: None,
    stopped: Callable[[int], None] = lambda _number: None,
) -> Run:
    """Drive *run* here and return it as it is when this process leaves it.

    A signal that asks to stop ends the children and leaves the run to the next driver; it is not over then.

    Args:
        begun: Called once the run is driven.
        stopped: Called with the number of a signal that asks to stop.

    Raises:
        Locked: somebody else drives it.
        NotNow: it is over.
        JournalError: it could not be carried on.
    """
    return run_to_the_end(_drive(journal, run, parts, listeners, take_over, begun, stopped))


async def _drive(
    journal: Journal,
    run: str,
    parts: Parts,
    listeners: Sequence[Listener],
    take_over: bool,
    begun: Callable[[], None],
    stopped: Callable[[int], None],
) -> Run:
    clerk = Clerk(journal)
    driver = Driver(run, clerk, Inboxes(journal), parts, listeners=listeners, take_over=take_over, begun=begun)
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        stopped(number)
        driver.stop()

    # Only a main thread may have signal handlers; elsewhere whoever called decides when to stop.
    with contextlib.suppress(ValueError, RuntimeError):
        for each in STOPS:
            if signal.getsignal(each) is not signal.SIG_IGN:  # in the background, or under nohup
                loop.add_signal_handler(each, stop, each)
    try:
        return await driver.drive()
    finally:
        clerk.close()


def run_to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* on a loop of its own; a plugin that ignores being cancelled keeps nobody from leaving it."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        strays = asyncio.all_tasks(loop)
        for stray in strays:
            stray.cancel()
        if strays:
            loop.run_until_complete(asyncio.wait(strays, timeout=STRAY_S))
        loop.close()
