"""The chats of a serve: for each channel a desk that shows and an ear that listens, beside the other doors."""

import os
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, NamedTuple

from relight.chat.channel import Channel
from relight.chat.desk import Desk
from relight.chat.hearing import Hearing
from relight.control.planning import in_one_sentence
from relight.errors import RelightError

if TYPE_CHECKING:
    from relight.control.reception import Reception
    from relight.drivers.live.parts import Listener

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

    async def start(self, reception: "Reception") -> str:
        """Open every line, and say which; empty where no site has any.

        A chat that cannot be opened keeps nobody from driving runs: what is wrong with it is said, and that is all.
        """
        who = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        words = []
        for make in self._makers():
            try:
                for line in make(reception):
                    await self._begin(line, reception, who)
                    rooms = ", ".join(f"{site} in {room}" for site, room in sorted(line.rooms().items()))
                    words.append(f"{line.channel.name} shows {rooms}")
            except RelightError as error:
                words.append(f"OFF: {in_one_sentence(error)}")
        return f"chat: {'; '.join(words)}" if words else ""

    async def stop(self) -> None:
        """Close every line; messages stay as they are, and the next serve goes on with them."""
        while self._open:
            channel, hearing, desk = self._open.pop()
            await desk.close()
            await channel.close()
            hearing.close()

    def _makers(self) -> "Iterable[Callable[[Reception], Iterable[Line]]]":
        if self._lines is not None:
            return [self._lines]
        return [point.load() for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)]

    async def _begin(self, line: Line, reception: "Reception", who: str) -> None:
        desk = Desk(line.channel, reception, line.rooms, who=who)
        hearing = Hearing(line.channel, reception, line.rooms, knows=desk.nonce_of, decided=desk.nudge)
        await line.channel.open(hearing)
        desk.open()
        self._open.append((line.channel, hearing, desk))
