"""Releases: what runs, what ran before, and whether deploys are stopped."""

from dataclasses import dataclass, field
from typing import Any

from relight_practice.control.fleet import Fleet
from relight_practice.control.orders import Refused
from relight_practice.shape import GOOD_RELEASE, OLD_RELEASE, RELEASES, incompatible_because
from relight_practice.wire import BadRequest

SERVICE = "auth"


@dataclass(slots=True)
class Deploys:
    """The releases in the order in which they came, the running one last."""

    fleet: Fleet
    history: list[int] = field(default_factory=lambda: [OLD_RELEASE, GOOD_RELEASE])
    frozen: bool = False

    @property
    def release(self) -> int:
        """The release that new nodes get."""
        return self.history[-1]

    def current(self) -> dict[str, Any]:
        """Return what runs: one release, or ``mixed``."""
        running = {node.release for node in self.fleet.nodes.values()}
        return {
            "service": SERVICE,
            "release": running.pop() if len(running) == 1 else "mixed",
            "settled": self.release,
            "previous": self.history[-2] if len(self.history) > 1 else None,
            "frozen": self.frozen,
            "instances": {node.name: node.release for node in self.fleet.nodes.values()},
        }

    def resolve(self, to: str) -> int:
        """Return the release that ``previous`` or a number means."""
        if to == "previous":
            if len(self.history) < 2:
                raise Refused("no release ran before this one")
            return self.history[-2]
        if not to.isdigit() or int(to) not in RELEASES:
            raise BadRequest(f"to must be previous or one of {', '.join(map(str, RELEASES))}, not {to!r}")
        return int(to)

    def compatible(self, to: str) -> dict[str, Any]:
        """Say whether a release can run on the sessions of today."""
        release = self.resolve(to)
        why = incompatible_because(release)
        return {"release": release, "compatible": not why, "why": why or RELEASES[release]}

    async def rollback(self, to: str) -> dict[str, Any]:
        """Put a release back on every node, also while deploys are frozen."""
        return await self.put(self.resolve(to))

    async def deploy(self, release: int) -> dict[str, Any]:
        """Deploy a release, unless deploys are frozen."""
        if self.frozen:
            raise Refused("deploys are frozen")
        return await self.put(self.resolve(str(release)))

    async def put(self, release: int) -> dict[str, Any]:
        """Have every node run a release, whatever is frozen."""
        if why := incompatible_because(release):
            raise Refused(f"release {release}: {why}")
        moved = await self.fleet.deploy(release)
        if release in self.history:
            # What came after it is gone: `previous` said twice must not lead forward to the bad one again.
            del self.history[self.history.index(release) + 1 :]
        else:
            self.history.append(release)
        return {"release": release, "instances": moved}
