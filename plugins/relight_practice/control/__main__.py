"""``python -m relight_practice.control ORDERS [--alone]``: a whole site, started by :class:`PracticeSite`."""

import asyncio
import sys

from relight_practice.control.control import Control
from relight_practice.parts.part import Orders, outlive_nobody, run


def main() -> None:
    """Become the control; ``--alone`` lives on when its starter ends."""
    if "--alone" not in sys.argv:
        outlive_nobody(death_signal=False)

    async def become() -> None:
        await run(Control(Orders.from_json(sys.argv[1])))

    asyncio.run(become())


if __name__ == "__main__":
    main()
