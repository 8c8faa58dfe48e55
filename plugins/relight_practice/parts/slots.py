"""A counter with a few clerks, kept in arithmetic instead of semaphores."""

import heapq


class Slots:
    """Books work of a fixed cost on the slot that is free first.

    The time of every piece of work is computed when it arrives, so the capacity is exactly count / cost even where
    the machine is too busy to wake sleepers in time: a late sleeper delays its own answer and nobody else's.
    """

    def __init__(self, count: int, cost_s: float) -> None:
        self.cost_s = cost_s
        self._free_at = [0.0] * count

    def book(self, now: float, patience_s: float) -> float | None:
        """Return in how many seconds the work will be done; None, and nothing is booked, where the wait is too long."""
        begin = max(now, self._free_at[0])
        if begin - now > patience_s:
            return None
        heapq.heapreplace(self._free_at, begin + self.cost_s)
        return begin + self.cost_s - now

    def wait_s(self, now: float) -> float:
        """Return how long work that arrives now would wait before it is begun."""
        return max(0.0, self._free_at[0] - now)
