"""What a chat remembers beside the runs: which message belongs to what, on shelves of the journal.

Whichever serve has the desk goes on with the same messages: nothing of it is in a process alone.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass, field, replace
from typing import Any, NamedTuple

from relight.chat.holder import here, is_dead
from relight.control.chats import DESKS, MESSAGES
from relight.journal.port import Journal, Kept

KEPT_AFTER_END_MS = 7 * 86_400_000
"""A message of a run that ended longer ago is not edited any more."""
DESK_MS = 9_000
"""Another serve takes over the desk of one that is silent for so long; of one that is known to be dead, at once."""


@dataclass(slots=True)
class Shown:
    """One message as it is shown: its address, what it shows, and the word that its buttons carry.

    It is kept before the message is sent, without an address: a click may be quicker than the answer to that, and the
    answer may be lost. The word is what the message is known by in the chat, too; *since* is when it was first sent.
    """

    address: str
    digest: str
    nonce: str
    since: int = 0


class Telling(NamedTuple):
    """Lines that are being told in a run's thread: up to which fact, under which key, and since when."""

    key: str
    upto: int
    since: int


@dataclass(slots=True)
class Album:
    """All messages of one run in one room.

    Attributes:
        told: The number of the last fact that its thread has.
        telling: What was sent to its thread, and not yet acknowledged.
        done: The run is over, and everything that there is to show of it was shown.
    """

    run: str
    room: str
    shown: dict[str, Shown] = field(default_factory=dict)
    told: int = 0
    telling: Telling | None = None
    done: bool = False

    def of(self, slot: str) -> Shown | None:
        """Return the message of that slot, if it is shown."""
        found = self.shown.get(slot)
        return found if found is not None and found.address else None

    def body(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "run": self.run,
            "room": self.room,
            "shown": {slot: list(astuple(each)) for slot, each in self.shown.items()},
            "told": self.told,
            "telling": self.telling,
            "done": self.done,
        }


def album_of(kept: Kept) -> Album:
    """Return what was kept."""
    body = kept.body
    shown = {slot: Shown(*each) for slot, each in body["shown"].items()}
    telling = Telling(*body["telling"]) if body.get("telling") else None
    return Album(run=body["run"], room=body["room"], shown=shown, told=body["told"], telling=telling, done=body["done"])


class Memory:
    """The albums of one channel."""

    def __init__(self, journal: Journal, channel: str) -> None:
        self._journal = journal
        self._channel = channel
        self._process = here()

    def albums(self, now: int) -> Iterator[Album]:
        """Yield all of them."""
        for kept in self._journal.kept(MESSAGES, now):
            if kept.name.startswith(f"{self._channel}/"):
                yield album_of(kept)

    def keep(self, album: Album, now: int) -> None:
        """Keep one.

        Raises:
            JournalError: it could not be.
        """
        until = now + KEPT_AFTER_END_MS if album.done else None
        name = f"{self._channel}/{album.room}/{album.run}"
        self._journal.keep(Kept(shelf=MESSAGES, name=name, at=now, until=until, body=album.body()))

    def has_desk(self, who: str, now: int) -> bool:
        """Take or keep the channel's desk, and say whether *who* has it: one serve writes, and all of them listen.

        Raises:
            JournalError: nobody can tell.
        """
        body = {"who": who, "process": self._process}
        mine = Kept(shelf=DESKS, name=self._channel, at=now, until=now + DESK_MS, body=body)
        holder = next((kept for kept in self._journal.kept(DESKS, now) if kept.name == self._channel), None)
        if holder is None:
            return self._journal.keep(mine, only_new=True)
        if holder.body["who"] != who:
            return self._succeeds(holder, mine)
        if now - holder.at > DESK_MS // 3:
            self._journal.keep(mine)
        return True

    def _succeeds(self, holder: Kept, mine: Kept) -> bool:
        """Take the desk of a holder that is known to be dead: one heir does, of all that see it."""
        if not is_dead(holder.body.get("process", {})):
            return False
        heir = replace(mine, name=f"{self._channel} after {holder.body['who']}")
        return self._journal.keep(heir, only_new=True) and self._journal.keep(mine)

    def leave_desk(self, who: str, now: int) -> None:
        """Give the desk to whoever comes next."""
        if any(kept.name == self._channel and kept.body["who"] == who for kept in self._journal.kept(DESKS, now)):
            self._journal.let_go(DESKS, self._channel)
