"""``python -m relight_practice.parts ORDERS``: one part, started by the control and by nothing else."""

import asyncio
import sys

from relight_practice.parts.api import Api
from relight_practice.parts.edge import Edge
from relight_practice.parts.fallback import Fallback
from relight_practice.parts.node import Node
from relight_practice.parts.origin import Origin
from relight_practice.parts.part import Orders, Part, outlive_nobody, run
from relight_practice.parts.people import People
from relight_practice.parts.queue import Queue
from relight_practice.parts.store import Store

PARTS: dict[str, type[Part]] = {
    "api": Api,
    "edge": Edge,
    "fallback": Fallback,
    "node": Node,
    "origin": Origin,
    "people": People,
    "queue": Queue,
    "store": Store,
}


def main() -> None:
    """Become the part that the orders name."""
    outlive_nobody(death_signal=True)
    orders = Orders.from_json(sys.argv[1])

    async def become() -> None:
        await run(PARTS[orders.part](orders))

    asyncio.run(become())


if __name__ == "__main__":
    main()
