"""Who the site's people are at this moment: asked now and then, and whenever it decides something who they are."""

import asyncio

from relight.drivers.live.parts import ReadPeople
from relight.kernel.plan import Person, Plan, Solo

READ_S = 0.5
"""So long a decision waits for the site's document; an abort must not stand behind a disk that hangs."""


class People:
    """Reads them in a thread, one reading at a time."""

    def __init__(self, read: ReadPeople | None) -> None:
        self._read = read
        self._reading: asyncio.Future[tuple[tuple[Person, ...], Solo | None] | None] | None = None

    @property
    def are_read(self) -> bool:
        """Whether there is anything to read them from."""
        return self._read is not None

    async def now(self, plan: Plan) -> tuple[tuple[Person, ...], Solo | None] | None:
        """Return the people as the site's document has them; None where they could not be read, or not in time.

        What comes too late is the next one's answer.
        """
        if self._read is None:
            return None
        reading = self._reading or asyncio.ensure_future(_in_a_thread(self._read, plan))
        self._reading = reading
        done, _ = await asyncio.wait({reading}, timeout=READ_S)
        if not done:
            return None
        if self._reading is reading:
            self._reading = None
        return reading.result()


async def _in_a_thread(read: ReadPeople, plan: Plan) -> tuple[tuple[Person, ...], Solo | None] | None:
    return await asyncio.to_thread(read, plan)
