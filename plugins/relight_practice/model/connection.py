"""The plugin's actions without a practice site: what they look at and order is the model's desk.

There is no address in it and nothing that could open one, so a rehearsal cannot reach a real site by mistake.
"""

from typing import Any

from relight.sdk import Call, Secrets
from relight_practice.connection import Connection
from relight_practice.model.desk import Desk


class PaperConnection(Connection):
    """Looks and orders go to the model."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("practice", None, Secrets())
        self._desk = desk

    async def look(self, path: str, **parameters: str) -> Any:
        """Read something.

        Raises:
            Failed: there is nothing there.
        """
        return self._desk.look(path, parameters)

    async def order(self, method: str, path: str, call: Call, values: dict[str, Any]) -> Any:
        """Have something done, and return what the site says afterwards.

        Raises:
            Failed: it was refused.
        """
        return await self._desk.order(method, path, values)
