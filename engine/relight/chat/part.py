"""The chats of a serve: for each channel a desk that shows and an ear that listens, beside the other doors."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, NamedTuple

from relight.chat.channel import Channel
from relight.chat.desk import Desk
from relight.chat.hearing import Hearing
from relight.control.chats import DESKS, keep_state
from relight.control.planning import in_one_sentence
from relight.control.wording import now_ms
from relight.errors import RelightError

if TYPE_CHECKING:
    from relight.control.reception import Reception
    from relight.drivers.live.parts import Listener

SAID_S = 20.0
"""A third of the time after which it is forgotten, for its serve may be gone."""
GROUP = "relight.channels"
"""Entry points that name a function from a reception to the lines that its sites' documents want."""


class Line(NamedTuple):
    """A channel, and which of its rooms each site has; the latter is asked again and again."""

    channel: Channel
    rooms: Callable[[], Mapping[str, str]]


class Chats:
    """All lines of one serve.

    Args:
        lines: Makes them; left out, whatever is installed does.
    """

    name = "chat"
    url = ""
    listeners: "Sequence[Listener]" = ()
    appended: Callable[[float], None] | None = None

    def __init__(self, lines: "Callable[[Reception], Iterable[Line]] | None" = None) -> None:
        self._lines = lines
        self._open: list[tuple[Channel, Hearing, Desk]] = []
        self._off: dict[str, str] = {}
        self._saying: asyncio.Task[None] | None = None

    async def start(self, reception: "Reception") -> str:
        """Open every line, and say which; empty where no site has any.

        A chat that cannot be opened keeps nobody from driving runs: what is wrong with it is said, and that is all.
        """
        who = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        words = []
        for name, make in self._makers():
            try:
                for line in make(reception):
                    await self._begin(line, reception, who)
                    rooms = ", ".join(f"{site} in {room}" for site, room in sorted(line.rooms().items()))
                    words.append(f"{line.channel.name} shows {rooms}")
            except RelightError as error:
                self._off[name] = in_one_sentence(error)
                words.append(f"OFF: {self._off[name]}")
        if self._off:
            self._saying = asyncio.get_running_loop().create_task(self._keep_saying(reception))
        return f"chat: {'; '.join(words)}" if words else ""

    async def stop(self) -> None:
        """Close every line; messages stay as they are, and the next serve goes on with them."""
        if self._saying is not None:
            self._saying.cancel()
        while self._open:
            channel, hearing, desk = self._open.pop()
            await desk.close()
            await channel.close()
            hearing.close()

    def _makers(self) -> "Iterable[tuple[str, Callable[[Reception], Iterable[Line]]]]":
        if self._lines is not None:
            return [("", self._lines)]
        points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
        return [(point.name, point.load()) for point in points]

    async def _keep_saying(self, reception: "Reception") -> None:
        """Say again and again that a chat is off: whoever waits for its message has to hear of it elsewhere."""
        since = now_ms()
        while True:
            for name, why in self._off.items():
                with suppress(RelightError):
                    await asyncio.to_thread(_say_off, reception, name, why, since)
            await asyncio.sleep(SAID_S)

    async def _begin(self, line: Line, reception: "Reception", who: str) -> None:
        desk = Desk(line.channel, reception, line.rooms, who=who)
        hearing = Hearing(line.channel, reception, line.rooms, knows=desk.nonce_of, decided=desk.nudge)
        await line.channel.open(hearing)
        desk.open()
        self._open.append((line.channel, hearing, desk))


def _say_off(reception: "Reception", name: str, why: str, since: int) -> None:
    """Say it on the journal's shelf, unless another serve has that chat's desk."""
    now = now_ms()
    has_desk = any(kept.name == name for kept in reception.journal.kept(DESKS, now))
    for site in reception.sites:
        if getattr(site.document.chat, name, None) is not None:
            down_since = None if has_desk else since
            keep_state(reception.journal, site.name, name, down_since=down_since, why=why, now=now)
