"""Waiting inside the model: a coroutine says for how long, and whoever keeps the clock wakes it."""

from collections.abc import Awaitable, Generator


class Wait(Awaitable[None]):
    """``await Wait(seconds)`` stands until that much of the model's time has passed."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __await__(self) -> Generator[float, None, None]:
        """Hand the seconds to the clock."""
        yield self._seconds
