"""What happens in a run, as server-sent events: ``id`` is the record's number, so that a reader can go on from it."""

from collections.abc import AsyncIterator, Callable
from time import monotonic

from relight.control.feeds import Feeds, TooSlow
from relight.errors import RelightError
from relight.web.problems import Problem

VIEWERS_MAX = 2_000
"""Streams of one process; each costs a socket and some kilobytes."""
AGAIN_MS = 2_000
NUMBER_MAX = 2**53
STILL_S = 10.0
"""As long as somebody who was removed may go on looking."""


async def events(feeds: Feeds, run: str, after: int, *, still: Callable[[], object]) -> AsyncIterator[bytes]:
    """Yield the events of *run* above number *after* until it is over, or until *still* raises.

    Args:
        still: Raises once the viewer may look no more; asked every few seconds, for a stream may last for hours.
    """
    yield f"retry: {AGAIN_MS}\n\n".encode()
    asked = monotonic()
    try:
        async for told in feeds.follow(run, after):
            if monotonic() - asked >= STILL_S:
                asked = monotonic()
                still()
            if told is None:
                yield b": quiet\n\n"
                continue
            yield b"id: %d\nevent: fact\ndata: %s\n\n" % (told.seq, told.data)
            if told.last:
                yield b"event: end\ndata: {}\n\n"
    except (TooSlow, RelightError):
        # The reader comes again by itself, and then hears whether it may.
        return


def where(last_event_id: str, after: int) -> int:
    """Return the number of the last record that a viewer has seen.

    Raises:
        Problem: that is no number.
    """
    if not last_event_id:
        return after
    if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > len(str(NUMBER_MAX)) - 1:
        raise Problem(400, "Last-Event-ID is no number of a record", hint="send the id of the last event")
    return int(last_event_id)
