"""Breaking the site, and letting it be."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from relight_practice.control.deploys import Deploys
from relight_practice.control.fleet import Fleet
from relight_practice.shape import BAD_RELEASE
from relight_practice.wire import Client

KINDS = ("brownout", "release", "surge", "region")
IMPAIRED_SHARE = 0.9
REGION_HEALS_S = 45.0
"""Long enough to be moved away from, and short enough for a drill to come back."""


@dataclass(slots=True)
class Faults:
    """What goes wrong on command; a region that fails gets well again by itself, a bad release never does."""

    fleet: Fleet
    deploys: Deploys
    people: Client
    _healing: asyncio.Task[None] | None = field(default=None)

    async def begin(self, kind: str, *, seconds: float | None, surge: float | None) -> dict[str, Any]:
        """Begin a fault and return when it is in place.

        ``release`` deploys the bad release, freeze or no freeze: it happened before anybody froze anything.
        ``surge`` makes *surge* more people come a second, five times as many as on other days if that is left out,
        and all of them want the same new pages.
        ``brownout`` is both. ``region`` makes the nodes of the primary pool fail most requests for *seconds*,
        45 if that is left out, until it is calmed if that is 0.
        """
        more = self.fleet.shape.surge if surge is None else surge
        if kind in ("brownout", "surge"):
            await self.people.request("PUT", "/-/people", b'{"surge": %g}' % more)
        if kind in ("brownout", "release"):
            await self.deploys.put(BAD_RELEASE)
        if kind == "region":
            self._heal_later(REGION_HEALS_S if seconds is None else seconds)
            await self.fleet.impair(IMPAIRED_SHARE)
        return {"fault": kind}

    async def calm(self) -> dict[str, Any]:
        """End the surge and heal the region; what else is broken stays so until somebody mends it."""
        self._heal_later(0.0)
        await self.people.request("PUT", "/-/people", b'{"surge": 0}')
        await self.fleet.impair(0.0)
        return {"fault": None}

    def _heal_later(self, seconds: float) -> None:
        if self._healing is not None:
            self._healing.cancel()
            self._healing = None
        if seconds:
            self._healing = asyncio.create_task(self._heal(seconds))

    async def _heal(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.fleet.impair(0.0)
