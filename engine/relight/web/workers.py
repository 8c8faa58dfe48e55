"""Threads in which pages are made: the event loop only carries what they say."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from relight.web.problems import Problem

T = TypeVar("T")

THREADS = 8
WAITING_MAX = 5_000
"""What waits for a thread, each for milliseconds: a thousand pages that come back at once after this was started anew;
the next one is told to come again."""
WITHIN_S = 30.0
"""For an answer; a driver has ten seconds of it, planning a large site two."""


class Workers:
    """A few threads, and a limit on who waits for them."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=name)
        self._waiting = asyncio.Semaphore(WAITING_MAX)

    async def do(self, work: Callable[[], T]) -> T:
        """Return what *work* returns, from a thread.

        Raises:
            Problem: too many wait already, or it takes too long.
        """
        if self._waiting.locked():
            raise Problem(503, "too many requests wait already", hint="ask again in a moment")
        async with self._waiting:
            doing = asyncio.get_running_loop().run_in_executor(self._threads, work)
            try:
                return await asyncio.wait_for(asyncio.shield(doing), WITHIN_S)
            except TimeoutError:
                raise Problem(
                    503,
                    f"no answer in {WITHIN_S:g} s; what was asked may still be done",
                    hint="look before you ask again",
                ) from None
