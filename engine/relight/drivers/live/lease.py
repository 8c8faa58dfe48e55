"""The right to drive: kept up while the driver works, and given up in time when it cannot be.

A driver that cannot renew its lease stops its children before it ends, because somebody else may begin then.
"""

import os
import threading
from collections.abc import Callable

from relight.drivers.live.clerk import Clerk
from relight.drivers.live.clock import Clock
from relight.drivers.live.takeover import LEASE_MS
from relight.errors import JournalError, StaleDriver
from relight.journal.port import DriverHold

RENEW_MS = LEASE_MS // 3
"""Two renewals may fail before anything has to be done about it."""
LAST_CALL_MS = 5_000
"""Before the lease ends: time enough to ask children to stop, wait, and kill them."""
WATCHDOG_MS = 1_000
"""Before the lease ends: a driver whose loop does not even turn is ended by its watchdog."""
_LOOK_S = 0.5


class LeaseLost(JournalError):
    """The lease could not be renewed, and its end is near: this driver has to stop."""


class Lease:
    """One run's lease as its driver keeps it; all times are of the boot clock, which nobody can set."""

    def __init__(self, hold: DriverHold, clerk: Clerk, clock: Clock, taken_at_ms: int) -> None:
        self.hold = hold
        self._clerk = clerk
        self._clock = clock
        self._renewed_at = taken_at_ms

    @property
    def left_ms(self) -> int:
        """How long it still lasts."""
        return self._renewed_at + LEASE_MS - self._clock.boot_ms()

    async def keep(self) -> str:
        """Renew it if it is time; return what is the trouble with that, empty if none is.

        Raises:
            StaleDriver: somebody took the run over.
            LeaseLost: it ends soon and could not be renewed.
        """
        if self.left_ms > LEASE_MS - RENEW_MS:
            return ""
        began, until = self._clock.boot_ms(), self._clock.wall_ms() + LEASE_MS
        try:
            await self._clerk.run(lambda _journal: self.hold.renew(until))
        except JournalError as error:
            if isinstance(error, StaleDriver):
                raise
            if self.left_ms <= LAST_CALL_MS:
                raise LeaseLost(
                    f"the lease on run {self.hold.lease.run} could not be renewed, its driver stopped: {error.message}",
                    hint=f"mend the journal, then relight resume {self.hold.lease.run}",
                ) from error
            return f"the lease cannot be renewed: {error.message}"
        self._renewed_at = began
        return ""


class Watchdog:
    """Ends a process whose event loop hangs or was stopped for so long that its leases run out.

    It is a thread, so that neither a plugin that blocks the loop nor a process that was suspended can outlive its lease
    and act on.
    """

    def __init__(self, bite: Callable[[list[str]], None]) -> None:
        self._bite = bite
        self._leases: dict[str, Lease] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="relight-watchdog", daemon=True)

    def guard(self, run: str, lease: Lease) -> None:
        """Watch that lease."""
        self._leases = {**self._leases, run: lease}
        if not self._thread.is_alive():
            self._thread.start()

    def leave(self, run: str) -> None:
        """No longer watch that run's lease."""
        self._leases = {name: lease for name, lease in self._leases.items() if name != run}

    def close(self) -> None:
        """Stop watching."""
        self._done.set()

    def _watch(self) -> None:
        while not self._done.wait(_LOOK_S):
            if any(lease.left_ms <= WATCHDOG_MS for lease in self._leases.values()):
                self._bite(list(self._leases))
                return


def end_process(runs: list[str]) -> None:
    """Kill what the runs' dispatches started, and this process: there is no loop left to do it in order."""
    from relight.drivers.live.orphans import kill_marked

    for run in runs:
        kill_marked(run)
    os._exit(9)
