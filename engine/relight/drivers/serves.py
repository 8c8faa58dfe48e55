"""The serves that share a journal: each gives signs of life on a shelf, so that a run can be handed to one of them.

A run that nobody ever drove belongs to whoever made it, who may be about to drive it. To hand it over is to take its
lease and give it back: what was given back may be taken by any serve at once.
What does not belong here: driving (``live.serving``), and who may hand over what (``control``).
"""

from typing import NamedTuple

from relight.journal.port import Journal, Kept

SHELF = "serves"
SILENT_MS = 8_000
"""A serve that was not heard of for so long is taken for dead: four signs of life in a row are missing."""
_HANDING_MS = 1_000


class Serve(NamedTuple):
    """One serve: *sites* are those whose runs it drives, *url* is where its page is, empty where it has none."""

    name: str
    host: str
    pid: int
    sites: tuple[str, ...]
    started_at: int
    url: str = ""
    driving: int = 0


def announce(journal: Journal, serve: Serve, now: int) -> None:
    """Give a sign of life.

    Raises:
        JournalError: it cannot be written.
    """
    body = {**serve._asdict(), "sites": list(serve.sites)}
    journal.keep(Kept(shelf=SHELF, name=serve.name, at=now, until=now + SILENT_MS, body=body))


def withdraw(journal: Journal, name: str) -> None:
    """Say that this serve is one no more."""
    journal.let_go(SHELF, name)


def alive(journal: Journal, now: int, *, site: str = "") -> list[Serve]:
    """Return the serves that live, of that *site* where it is named."""
    found = [Serve(**{**kept.body, "sites": tuple(kept.body["sites"])}) for kept in journal.kept(SHELF, now)]
    return [serve for serve in found if not site or site in serve.sites]


def hand_over(journal: Journal, run: str, now: int, *, by: str) -> None:
    """Let any serve drive *run*, which nobody drives.

    Raises:
        Locked: somebody drives it already.
        JournalError: it cannot be written.
    """
    journal.drive(run, by, now + _HANDING_MS, now).release()


def free_to_take(journal: Journal, run: str, now: int, *, made_at: int, own_ms: int, late_ms: int) -> bool:
    """Return whether a serve may take *run*: given back, orphaned, or never driven although it was made long ago.

    Args:
        made_at: When the run was made.
        own_ms: For so long a run that nobody ever drove belongs to its maker.
        late_ms: So long after its lease a driver that seems to live has lost its run.
    """
    lease = journal.lease(run)
    if lease is None:
        return now - made_at > own_ms
    return not lease.alive or lease.until < now - late_ms
