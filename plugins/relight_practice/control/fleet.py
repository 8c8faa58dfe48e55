"""The app nodes: how many there are, what they run, and which of them take traffic."""

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from relight_practice.control.children import Child, start
from relight_practice.control.orders import Refused
from relight_practice.parts.pages import shard
from relight_practice.parts.part import Orders
from relight_practice.shape import Shape
from relight_practice.wire import Client, Unreachable

DRAIN_TIMEOUT_S = 1.5
"""The longest sign-in takes 1.1 s; what is still in hand after this is cut off."""
DRAIN_POLL_S = 0.05
_NAME = re.compile(r"node-[1-9][0-9]?")


@dataclass(slots=True)
class Node:
    """One app node."""

    name: str
    child: Child
    serving: bool

    @property
    def release(self) -> int:
        """The release that it runs."""
        return self.child.orders.release


@dataclass(slots=True)
class Fleet:
    """All app nodes; one change at a time, and the edge is told of each."""

    orders: Orders
    edge: Client
    impaired: float = 0.0
    nodes: dict[str, Node] = field(default_factory=dict)
    _halted: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def shape(self) -> Shape:
        """The numbers of the site."""
        return self.orders.shape

    def serving(self) -> list[str]:
        """Return the names of the nodes that take traffic."""
        return [node.name for node in self.nodes.values() if node.serving]

    async def begin(self, release: int) -> None:
        """Start the first nodes, with the caches that yesterday left them."""
        names = [f"node-{number + 1}" for number in range(self.shape.nodes)]
        for name in names:
            pages = [page for page in range(self.shape.pages) if shard(page, tuple(names)) == name]
            write_cache(Path(self.orders.directory), name, pages[: self.shape.cache_pages])
        await self._add(names, release, serving=True)

    async def add(self, count: int, release: int, *, serving: bool) -> list[str]:
        """Add *count* nodes and return their names.

        Raises:
            Refused: there would be more than the ceiling.
        """
        async with self.lock:
            total = len(self.nodes) + count
            if total > self.shape.nodes_ceiling:
                raise Refused(f"{total} nodes would be more than the ceiling of {self.shape.nodes_ceiling}")
            free = [f"node-{number}" for number in range(1, self.shape.nodes_ceiling + 1)]
            names = [name for name in free if name not in self.nodes][:count]
            await self._add(names, release, serving=serving)
            return names

    async def set(self, names: list[str], release: int, *, serving: bool) -> tuple[list[str], list[str]]:
        """Have exactly the nodes *names*; return those added and those removed.

        Raises:
            Refused: it would be too few or too many, or a name is not one of a node.
        """
        async with self.lock:
            wanted = list(dict.fromkeys(names))
            if strange := [name for name in wanted if not _NAME.fullmatch(name)]:
                raise Refused(f"{', '.join(strange)}: nodes are called node-1 to node-99")
            if not self.shape.nodes_floor <= len(wanted) <= self.shape.nodes_ceiling:
                raise Refused(
                    f"{len(wanted)} nodes are too {'few' if len(wanted) < self.shape.nodes_floor else 'many'}: "
                    f"the floor is {self.shape.nodes_floor}, the ceiling {self.shape.nodes_ceiling}"
                )
            removed = [name for name in self.nodes if name not in wanted]
            left = [name for name in self.serving() if name not in removed]
            added = [name for name in wanted if name not in self.nodes]
            if len(left) + (len(added) if serving else 0) < self.shape.nodes_floor:
                raise Refused(f"fewer than {self.shape.nodes_floor} nodes would take traffic")
            await self._add(added, release, serving=serving)
            await self._drain(removed)
            for name in removed:
                await self.nodes.pop(name).child.stop()
            await self.tell_edge()
            return added, removed

    async def serve(self, names: list[str], *, serving: bool) -> list[str]:
        """Let nodes take traffic, or not; return all that do.

        Raises:
            Refused: there is no such node, or too few would be left.
        """
        async with self.lock:
            if unknown := [name for name in names if name not in self.nodes]:
                raise Refused(f"there is no {', '.join(unknown)}; there are {', '.join(self.nodes)}")
            if not serving:
                left = [name for name in self.serving() if name not in names]
                if len(left) < self.shape.nodes_floor:
                    raise Refused(
                        f"{len(left)} serving nodes would be fewer than the floor of {self.shape.nodes_floor}"
                    )
                await self._drain(names)
            else:
                for name in names:
                    self.nodes[name].serving = True
                await self.tell_edge()
            return self.serving()

    async def deploy(self, release: int) -> int:
        """Put *release* on every node, one after the other; return how many were moved.

        Raises:
            Refused: it was halted; some nodes run the one release and some the other.
        """
        moved = 0
        async with self.lock:
            self._halted = False
            for node in list(self.nodes.values()):
                if node.release == release and node.child.alive:
                    continue
                if self._halted:
                    raise Refused(f"halted: {moved} of {len(self.nodes)} nodes were moved to release {release}")
                await self._replace(node, release)
                moved += 1
        return moved

    def halt(self) -> None:
        """Have a deploy that goes on end after the node that it is at."""
        self._halted = True

    async def _replace(self, node: Node, release: int) -> None:
        """Start the new process beside the old one, let it take over, and end the old one when it is idle."""
        old = node.child
        with contextlib.suppress(Unreachable):
            await old.client.post("/-/cache/save")
        node.child = await self._start(replace(old.orders, release=release))
        await self.tell_edge()
        with contextlib.suppress(Unreachable):
            await _until(lambda: _idle(old))
        await old.stop()

    async def impair(self, share: float) -> None:
        """Have every node fail *share* of its requests, those that are started later too; 0 ends it."""
        self.impaired = share
        await asyncio.gather(*(n.child.client.post("/-/impair", {"share": share}) for n in self.nodes.values()))

    async def stop(self) -> None:
        """End all nodes."""
        await asyncio.gather(*(node.child.stop() for node in self.nodes.values()))

    async def tell_edge(self) -> None:
        """Make the edge's list ours."""
        nodes = {node.name: {"port": node.child.port, "serving": node.serving} for node in self.nodes.values()}
        await self.edge.request("PUT", "/-/nodes", json.dumps({"nodes": nodes}).encode())

    async def seen_by_edge(self) -> dict[str, Any]:
        """Return the nodes as the edge sees them, each with what it runs."""
        seen: dict[str, Any] = (await self.edge.get("/-/nodes")).json()
        for name, node in self.nodes.items():
            seen[name] = {**seen.get(name, {}), "release": node.release, "alive": node.child.alive}
        return seen

    async def _add(self, names: list[str], release: int, *, serving: bool) -> None:
        orders = [replace(self.orders, part="node", name=name, release=release) for name in names]
        started = await asyncio.gather(*(self._start(one) for one in orders), return_exceptions=True)
        children = [child for child in started if isinstance(child, Child)]
        if len(children) < len(names):
            await asyncio.gather(*(child.stop() for child in children))
            why = next(str(error) for error in started if isinstance(error, BaseException))
            raise Refused(f"no node was added: {why}")
        for child in children:
            self.nodes[child.orders.name] = Node(child.orders.name, child, serving)
        await self.tell_edge()

    async def _start(self, orders: Orders) -> Child:
        child = await start(orders)
        await asyncio.sleep(self.shape.boot_s)
        if self.impaired:
            await child.client.post("/-/impair", {"share": self.impaired})
        return child

    async def _drain(self, names: list[str]) -> None:
        for name in names:
            self.nodes[name].serving = False
        await self.tell_edge()

        async def drained() -> bool:
            seen = (await self.edge.get("/-/nodes")).json()
            return not any(seen.get(name, {}).get("in_hand") for name in names)

        await _until(drained)


async def _until(reached: Callable[[], Awaitable[bool]]) -> None:
    """Wait until *reached* says so, or the time to drain is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DRAIN_TIMEOUT_S
    while loop.time() < deadline:
        if await reached():
            return
        await asyncio.sleep(DRAIN_POLL_S)


async def _idle(child: Child) -> bool:
    working: int = (await child.client.get("/-/working")).json()["working"]
    return working == 0


def write_cache(directory: Path, name: str, pages: list[int]) -> None:
    """Write a node's cache file; the last entry is the most recent, and the first pages are the most wanted."""
    entries = [[page, f"page {page}, as the origin has it\n"] for page in reversed(pages)]
    (directory / f"{name}.cache.json").write_text(json.dumps(entries))
