"""The model's nodes and releases under the orders that the practice site's control takes."""

import math
import re
from dataclasses import dataclass, field
from typing import Any

from relight.sdk import Failed
from relight_practice.model.pool import Node
from relight_practice.model.tier import STEP_S, Tier
from relight_practice.model.waiting import Wait
from relight_practice.shape import FETCHES_MAX, GOOD_RELEASE, OLD_RELEASE, RELEASES, incompatible_because

START_S = 0.3
"""What a process takes to come up, before it is trusted."""
DRAIN_S = 0.5
"""What is in hand on a node ends within this, on average; a sign-in takes at most a second."""
WAVES_MAX = 10
"""A deploy takes no longer over many nodes than over ten."""
_NAME = re.compile(r"node-[1-9][0-9]?")


def refused(message: str) -> Failed:
    """Return a refusal; nothing was changed."""
    return Failed(f"the simulated site says: {message}", retry=False)


@dataclass(slots=True)
class Fleet:
    """Nodes come, go, run a release, take traffic and get their caches filled; each takes the time that it takes."""

    tier: Tier
    history: list[int] = field(default_factory=lambda: [OLD_RELEASE, GOOD_RELEASE])
    frozen: bool = False

    @property
    def nodes(self) -> dict[str, Node]:
        """The nodes by name."""
        return self.tier.primary.nodes

    def serving(self) -> list[str]:
        """Return the names of those that take traffic."""
        return [node.name for node in self.tier.primary.serving]

    # ---- releases

    def current(self) -> dict[str, Any]:
        """Return what runs: one release, or ``mixed``."""
        running = {node.release for node in self.nodes.values()}
        return {
            "release": running.pop() if len(running) == 1 else "mixed",
            "settled": self.history[-1],
            "previous": self.history[-2] if len(self.history) > 1 else None,
            "frozen": self.frozen,
            "instances": {node.name: node.release for node in self.nodes.values()},
        }

    def resolve(self, to: str) -> int:
        """Return the release that ``previous`` or a number means."""
        if to == "previous":
            if len(self.history) < 2:
                raise refused("no release ran before this one")
            return self.history[-2]
        if not to.isdigit() or int(to) not in RELEASES:
            raise refused(f"to must be previous or one of {', '.join(map(str, RELEASES))}, not {to!r}")
        return int(to)

    def compatible(self, to: str) -> dict[str, Any]:
        """Say whether a release can run on the sessions of today."""
        release = self.resolve(to)
        why = incompatible_because(release)
        return {"release": release, "compatible": not why, "why": why or RELEASES[release]}

    async def put(self, release: int) -> dict[str, Any]:
        """Have every node run *release*, one after the other, or a tenth of them after the other."""
        if why := incompatible_because(release):
            raise refused(f"release {release}: {why}")
        todo = [node for node in self.nodes.values() if node.release != release]
        moved, size = len(todo), math.ceil(len(self.nodes) / WAVES_MAX)
        while todo:
            await Wait(START_S + self.tier.shape.boot_s)
            for node in todo[:size]:
                node.release = release
            del todo[:size]
            await Wait(DRAIN_S)
        if release in self.history:
            del self.history[self.history.index(release) + 1 :]
        else:
            self.history.append(release)
        return {"release": release, "instances": moved}

    # ---- how many, and which serve

    async def add(self, count: int, *, serving: bool) -> dict[str, Any]:
        """Add nodes."""
        shape = self.tier.shape
        total = len(self.nodes) + count
        if total > shape.nodes_ceiling:
            raise refused(f"{total} nodes would be more than the ceiling of {shape.nodes_ceiling}")
        free = [f"node-{number}" for number in range(1, shape.nodes_ceiling + 1)]
        names = [name for name in free if name not in self.nodes][:count]
        await self._start(names, serving=serving)
        return {"added": names, "removed": [], "total": len(self.nodes)}

    async def set(self, names: list[str], *, serving: bool) -> dict[str, Any]:
        """Have exactly these nodes."""
        shape = self.tier.shape
        wanted = list(dict.fromkeys(names))
        if strange := [name for name in wanted if not _NAME.fullmatch(name)]:
            raise refused(f"{', '.join(strange)}: nodes are called node-1 to node-99")
        if not shape.nodes_floor <= len(wanted) <= shape.nodes_ceiling:
            few = "few" if len(wanted) < shape.nodes_floor else "many"
            limits = f"the floor is {shape.nodes_floor}, the ceiling {shape.nodes_ceiling}"
            raise refused(f"{len(wanted)} nodes are too {few}: {limits}")
        removed = [name for name in self.nodes if name not in wanted]
        added = [name for name in wanted if name not in self.nodes]
        left = [name for name in self.serving() if name not in removed]
        if len(left) + (len(added) if serving else 0) < shape.nodes_floor:
            raise refused(f"fewer than {shape.nodes_floor} nodes would take traffic")
        await self._start(added, serving=serving)
        if removed:
            self._turn(removed, serving=False)
            await Wait(DRAIN_S)
            for name in removed:
                del self.nodes[name]
        return {"added": added, "removed": removed, "total": len(self.nodes)}

    async def serve(self, names: list[str], *, serving: bool) -> dict[str, Any]:
        """Let nodes take traffic, or drain them."""
        self._known(names)
        if not serving:
            left = [name for name in self.serving() if name not in names]
            if len(left) < self.tier.shape.nodes_floor:
                floor = self.tier.shape.nodes_floor
                raise refused(f"{len(left)} serving nodes would be fewer than the floor of {floor}")
        self._turn(names, serving=serving)
        if not serving:
            await Wait(DRAIN_S)
        return {"serving": self.serving()}

    async def _start(self, names: list[str], *, serving: bool) -> None:
        if not names:
            return
        await Wait(START_S + self.tier.shape.boot_s)
        for name in names:
            self.nodes[name] = Node(name, self.history[-1], False, 0.0)
        if serving:
            self._turn(names, serving=True)

    def _turn(self, names: list[str], *, serving: bool) -> None:
        self.tier.primary.serve(set(names), self.tier.shape.pages, serving=serving)

    def _known(self, names: list[str]) -> None:
        if unknown := [name for name in names if name not in self.nodes]:
            raise refused(f"there is no {', '.join(unknown)}; there are {', '.join(self.nodes)}")

    # ---- caches

    async def warm(self, names: list[str], max_rate: float) -> dict[str, Any]:
        """Fill caches, from neighbours where these have the page and else from the origin, and count the hits."""
        self._known(names)
        shape, pool = self.tier.shape, self.tier.primary
        own = shape.pages / max(1, len({*self.serving(), *names}))
        todo = {name: max(0.0, min(own, shape.cache_pages) - self.nodes[name].pages) for name in names}
        from_origin = dict.fromkeys(names, 0.0)
        while any(todo.values()) or sum(from_origin.values()) > 1e-6:
            await Wait(STEP_S)
            peers = pool.hits(shape.pages, None) if set(self.serving()) - set(names) else 0.0
            for name in names:
                looked = min(todo[name], max_rate * STEP_S)
                todo[name] -= looked
                self.nodes[name].pages += looked * peers
                from_origin[name] += looked * (1 - peers)
            self._fetch(from_origin)
        shares = {name: round(min(1.0, self.nodes[name].pages / own), 4) for name in names}
        return {"nodes": shares, "hit_share": min(shares.values(), default=0.0)}

    def _fetch(self, missing: dict[str, float]) -> None:
        """Fetch a step's worth of pages from the origin, which renders for people meanwhile."""
        origin, wanted = self.tier.origin, sum(missing.values())
        if wanted <= 0:
            return
        rate = FETCHES_MAX / (origin.shape.origin_cost_s + origin.wait_s)
        got = min(wanted, rate * STEP_S)
        self.tier.warming += got
        for name, count in missing.items():
            self.nodes[name].pages += got * count / wanted
            missing[name] = count - got * count / wanted
