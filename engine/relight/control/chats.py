"""What everybody may know of the chats of a site: whether they are reached, and since when they are not.

A chat's own process keeps it on a shelf of the journal, so that every view of a run can say that chat is down.
"""

from collections.abc import Iterator

from relight.control.wording import wall_clock
from relight.journal.port import Journal, Kept

DESKS, MESSAGES, STATES = "chat-desks", "chat-messages", "chat-states"
STATE_MS = 60_000
"""Whoever keeps it says so again three times as often; what a dead process said is forgotten."""


def keep_state(journal: Journal, site: str, room: str, *, down_since: int | None, why: str, now: int) -> None:
    """Keep whether the room of *site* is reached.

    Raises:
        JournalError: it could not be kept.
    """
    body = {"site": site, "room": room, "down_since": down_since, "why": why}
    journal.keep(Kept(shelf=STATES, name=f"{site}/{room}", at=now, until=now + STATE_MS, body=body))


def troubles(journal: Journal, site: str, run: str, now: int) -> Iterator[str]:
    """Yield a sentence for each chat of *site* that is not reached now."""
    for kept in journal.kept(STATES, now):
        if kept.body["site"] == site and kept.body["down_since"] is not None:
            why = f" ({kept.body['why']})" if kept.body["why"] else ""
            since = wall_clock(kept.body["down_since"])
            yield f"chat {kept.body['room']} is down since {since}{why}: decide here, or `relight why {run}`"
