"""Work that goes through many things in small portions: sessions to quarantine and back, pages into caches."""

import asyncio
import math
from dataclasses import dataclass, field
from typing import Any

from relight_practice.control.fleet import Fleet
from relight_practice.control.orders import Refused
from relight_practice.parts.pages import shard
from relight_practice.shape import BATCH_PAUSE_S, FETCHES_MAX
from relight_practice.wire import Client, Unreachable

FETCH_TRIES_MAX = 20
FETCH_PATIENCE_S = 5.0


@dataclass(slots=True)
class Sessions:
    """Moves corrupt sessions aside and back, batch by batch."""

    store: Client

    async def count(self) -> dict[str, Any]:
        """Return how many there are, and how many of them are corrupt or in quarantine."""
        counts: dict[str, Any] = (await self.store.get("/-/sessions")).json()
        return counts

    async def flush(self, batch: float, max_share: float) -> dict[str, Any]:
        """Move every session that is corrupt now into quarantine, *batch* percent of all at a time.

        Raises:
            Refused: they are more than *max_share* percent of all; none was moved.
        """
        counts = await self.count()
        total, corrupt = counts["total"], counts["corrupt"]
        share = 100 * corrupt / max(1, total)
        if share > max_share:
            raise Refused(f"{corrupt} of {total} sessions ({share:.1f}%) are corrupt, more than {max_share:g}%")
        limit = max(1, math.floor(total * batch / 100))
        moved, left = 0, corrupt
        while left and moved < corrupt:
            reply = (await self.store.post("/-/quarantine", {"limit": min(limit, corrupt - moved)})).json()
            moved, left = moved + reply["moved"], reply["left"]
            await asyncio.sleep(BATCH_PAUSE_S)
        return {"moved": moved, "seen": total, "left": left}

    async def restore(self, where: str) -> dict[str, Any]:
        """Bring sessions back from quarantine: ``all`` as they were, or ``valid``: those that can be mended."""
        total = (await self.count())["total"]
        restored, place, left, more = 0, 0, 0, True
        while more:
            order = {"where": where, "after": place, "limit": max(1, total // 100)}
            reply = (await self.store.post("/-/restore", order)).json()
            restored, place, left, more = restored + reply["restored"], reply["place"], reply["left"], reply["more"]
            await asyncio.sleep(BATCH_PAUSE_S)
        return {"restored": restored, "left": left}


@dataclass(slots=True)
class Caches:
    """Fills the caches of nodes with the pages that will be theirs."""

    fleet: Fleet
    origin: Client
    _fetches: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FETCHES_MAX))

    async def warm(self, names: list[str], max_rate: float) -> dict[str, Any]:
        """Fill, then look again and count the hits: warmth is measured, never assumed."""
        if unknown := [name for name in names if name not in self.fleet.nodes]:
            raise Refused(f"there is no {', '.join(unknown)}; there are {', '.join(self.fleet.nodes)}")
        shares = await asyncio.gather(*(self._warm(name, set(names), max_rate) for name in names))
        return {"nodes": dict(zip(names, shares, strict=True)), "hit_share": min(shares, default=0.0)}

    async def _warm(self, name: str, warmed: set[str], max_rate: float) -> float:
        owners = tuple(sorted({*self.fleet.serving(), *warmed}))
        peers = tuple(sorted(set(self.fleet.serving()) - warmed))
        pages = [page for page in range(self.fleet.shape.pages) if shard(page, owners) == name]
        node = self.fleet.nodes[name].child.client
        loop = asyncio.get_running_loop()
        begun = loop.time()
        fills: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            for number, page in enumerate(pages):
                await asyncio.sleep(max(0.0, begun + number / max_rate - loop.time()))
                fills.add(group.create_task(self._fill(node, page, peers)))
        hits = [await self._has(node, page) for page in pages]
        return round(sum(hits) / max(1, len(hits)), 4)

    async def _fill(self, node: Client, page: int, peers: tuple[str, ...]) -> None:
        if await self._has(node, page):
            return
        text = await self._from_peer(page, peers) or await self._from_origin(page)
        if text is not None:
            await node.request("PUT", f"/-/cache/{page}", text)

    async def _from_peer(self, page: int, peers: tuple[str, ...]) -> bytes | None:
        """Return the page as its owner of today has it, which costs the origin nothing."""
        if not peers:
            return None
        reply = await self.fleet.nodes[shard(page, peers)].child.client.get(f"/-/cache/{page}")
        return reply.body if reply.status == 200 else None

    async def _from_origin(self, page: int) -> bytes | None:
        for _ in range(FETCH_TRIES_MAX):
            async with self._fetches:
                try:
                    reply = await self.origin.get(f"/render/{page}", timeout_s=FETCH_PATIENCE_S)
                except Unreachable:
                    continue
            if reply.status == 200:
                return reply.body
            await asyncio.sleep(BATCH_PAUSE_S)
        return None

    @staticmethod
    async def _has(node: Client, page: int) -> bool:
        return (await node.get(f"/-/cache/{page}")).status == 200
