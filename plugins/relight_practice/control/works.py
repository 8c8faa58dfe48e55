"""All parts of a site, running, and the hands that change them."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from relight_practice.control.care import Caches, Sessions
from relight_practice.control.children import Child, start
from relight_practice.control.deploys import Deploys
from relight_practice.control.faults import Faults
from relight_practice.control.fleet import Fleet, write_cache
from relight_practice.metrics.scrape import Target
from relight_practice.parts.part import Orders
from relight_practice.shape import GOOD_RELEASE, PROBES
from relight_practice.wire import Client, Unreachable


@dataclass(slots=True)
class Works:
    """The parts by name, and what can be done to them."""

    parts: dict[str, Child]
    fleet: Fleet
    deploys: Deploys
    sessions: Sessions
    caches: Caches
    faults: Faults

    @classmethod
    async def begin(cls, orders: Orders) -> "Works":
        """Start every part, those first that others need; if one fails, end all that were started."""
        parts: dict[str, Child] = {}

        def ordered() -> Orders:
            return replace(orders, ports={name: child.port for name, child in parts.items()})

        async def part(name: str, release: int = 0) -> None:
            parts[name] = await start(replace(ordered(), part=name, name=name, release=release))

        write_cache(Path(orders.directory), "fallback", list(range(orders.shape.pages)))
        fleet: Fleet | None = None
        try:
            await asyncio.gather(part("store"), part("origin"))
            await asyncio.gather(part("queue"), part("api"))
            await part("fallback", GOOD_RELEASE)
            await part("edge")
            fleet = Fleet(ordered(), parts["edge"].client)
            deploys = Deploys(fleet)
            await fleet.begin(deploys.release)
            await part("people")
        except BaseException:
            await _stop(parts, fleet)
            raise
        return cls(
            parts=parts,
            fleet=fleet,
            deploys=deploys,
            sessions=Sessions(parts["store"].client),
            caches=Caches(fleet, parts["origin"].client),
            faults=Faults(fleet, deploys, parts["people"].client),
        )

    async def stop(self) -> None:
        """End every part."""
        await _stop(self.parts, self.fleet)

    def client(self, part: str) -> Client:
        """Return the way to speak to a part."""
        return self.parts[part].client

    def children(self) -> list[Child]:
        """Return every part, nodes too."""
        return [*self.parts.values(), *(node.child for node in self.fleet.nodes.values())]

    def targets(self) -> list[Target]:
        """Return what is scraped."""
        return [Target(child.orders.part, child.port) for child in self.children() if child.alive]

    async def pool(self, name: str) -> dict[str, Any]:
        """Say whether a pool could take traffic; the nodes are asked for real, not for their opinion of themselves."""
        weights = (await self.client("edge").get("/-/failover")).json()["weights"]
        if name == "fallback":
            clients = [self.client("fallback")]
            breaker = (await clients[0].get("/-/breaker")).json()["breaker"]
        else:
            clients = [self.fleet.nodes[node].child.client for node in self.fleet.serving()]
            breaker = "closed"
        answering = sum(await asyncio.gather(*(_answers(client) for client in clients)))
        healthy = breaker == "closed" and answering == len(clients) > 0
        return {"healthy": healthy, "nodes": answering, "breaker": breaker, "share": weights[name]}


async def _answers(client: Client) -> bool:
    for _ in range(PROBES):
        try:
            if (await client.get("/me?u=nobody", timeout_s=2.0)).status >= 500:
                return False
        except Unreachable:
            return False
    return True


async def _stop(parts: dict[str, Child], fleet: Fleet | None) -> None:
    # The people first: nobody should see the lights go out one by one.
    if "people" in parts:
        await parts.pop("people").stop()
    if fleet is not None:
        await fleet.stop()
    await asyncio.gather(*(child.stop() for child in parts.values()))
