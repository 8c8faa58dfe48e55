"""Speaking to a practice site's control, and an honest account of what came of it."""

import asyncio
import contextlib
import json
import urllib.parse
from abc import ABC, abstractmethod
from typing import Annotated, Any

from pydantic import Field, field_validator

from relight.sdk import Arguments, Call, Failed, HttpAnswer, NoAnswer, NotSent, OutcomeUnknown, Provider, http_ask

READ_S = 5.0
"""Longest wait for a reading; the control answers in milliseconds."""
STOP_S = 2.0
"""How long a cancelled order's stop may take: a person waits for it."""


class PracticeConfig(Arguments):
    """One practice site."""

    url: Annotated[str, Field(description="The address of its control")]

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if not value.startswith("http://127.0.0.1:"):
            raise ValueError("a practice site is on this machine: http://127.0.0.1:PORT")
        return value.rstrip("/")


class Connection(Provider, ABC):
    """What the actions need: to look at the site, and to order something."""

    @abstractmethod
    async def look(self, path: str, **parameters: str) -> Any:
        """Read something."""

    @abstractmethod
    async def order(self, method: str, path: str, call: Call, values: dict[str, Any]) -> Any:
        """Have something done, and return what the site says afterwards."""


class PracticeConnection(Connection):
    """Reads and orders; nothing here knows what an order means."""

    Config = PracticeConfig

    async def ping(self) -> str:
        """Ask for its state."""
        state = await self.look("/state")
        dead = f", but {', '.join(state['dead'])} ended" if state["dead"] else ""
        return f"the practice site at {self.config.url} runs {len(state['nodes'])} nodes{dead}"

    async def look(self, path: str, **parameters: str) -> Any:
        """Read something.

        Raises:
            Failed: it could not be read.
        """
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        try:
            answer = await http_ask("GET", f"{self.config.url}{path}{query}", deadline_s=READ_S)
        except (NotSent, NoAnswer) as error:
            raise Failed(f"the practice site cannot be read: {error}") from None
        if answer.status != 200:
            raise Failed(_said(answer), retry=answer.status >= 500)
        return _data(answer)

    async def order(self, method: str, path: str, call: Call, values: dict[str, Any]) -> Any:
        """Have something done under the call's key, and return what the site says afterwards.

        Raises:
            Failed: it was refused, or never arrived.
            OutcomeUnknown: it may have been done.
        """
        headers = {"Idempotency-Key": call.key} if call.key else {}
        try:
            answer = await http_ask(
                method,
                f"{self.config.url}{path}",
                headers=headers,
                body=json.dumps(values).encode(),
                deadline_s=call.deadline_s,
            )
        except NotSent as error:
            raise Failed(f"the practice site cannot be reached: {error}") from None
        except NoAnswer as error:
            raise OutcomeUnknown(f"the practice site was asked and has not answered: {error}") from None
        except asyncio.CancelledError:
            await asyncio.shield(self._stop(call.key))
            raise
        if answer.status >= 500:
            raise OutcomeUnknown(_said(answer))
        if answer.status != 200:
            raise Failed(_said(answer), retry=False)
        return _data(answer)

    async def _stop(self, key: str) -> None:
        """Stop what goes on under *key*; what was done so far stays done and can be read."""
        if not key:
            return
        url = f"{self.config.url}/operation/stop?{urllib.parse.urlencode({'key': key})}"
        with contextlib.suppress(NotSent, NoAnswer):
            await http_ask("POST", url, deadline_s=STOP_S)


def _data(answer: HttpAnswer) -> Any:
    data = answer.data()
    if isinstance(data, dict | list):
        return data
    raise Failed("what answers there is no practice site", retry=False)


def _said(answer: HttpAnswer) -> str:
    data = answer.data()
    message = data.get("message") if isinstance(data, dict) else None
    return f"the practice site says: {message}" if message else f"the practice site answers HTTP {answer.status}"
