"""The desk of a channel: what should be shown of every run is computed again and again, and sent where it differs.

Level-triggered, so nothing is queued: a chat that was away for an hour is shown what is true now, once. A serve that
begins goes on with the messages of the one before. Nothing here is ever waited for by a run.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

from relight.chat import messages
from relight.chat.channel import Away, Channel, ChannelError, Gone, Message, Row, Time, one_line
from relight.chat.memory import Album, Memory, Shown, Telling
from relight.chat.proposing import PREFIX, is_proposal, proposal_message
from relight.chat.story import Line, Story
from relight.control.chats import keep_state
from relight.control.finding import short_name
from relight.control.listing import newest_rows
from relight.control.proposals import proposed_at
from relight.control.reception import Reception
from relight.control.wording import from_instant, now_ms
from relight.errors import RelightError
from relight.journal.port import Row as RunRow

T = TypeVar("T")

LOOK_S = 0.5
"""Between two looks: what a person takes for at once, with the time that a chat takes itself."""
EDITS_A_MINUTE = 10
"""Of one message; the figures in it are seconds old by then, and say so."""
FIGURES_S = 20.0
"""Where only figures differ, this long passes between two edits."""
SENDS_A_MINUTE = 45
"""Of one channel, whatever they are: below what chats allow, so that a gate never waits for what matters less."""
KEPT_FOR_GATES = 15
"""Of those, what only gates, holds and ends may use."""
THREAD_S = 3.0
"""Lines for a thread are gathered for so long, and told in one message."""
THREAD_LINES_MAX = 15
PROPOSALS_MAX = 20
PROPOSED_MS = 86_400_000
"""What an alert proposed yesterday is in the list, and in nobody's channel."""
RECENT_MS = 15 * 60_000
"""A run that ended while nobody showed it is still worth a message for so long."""
LOOKED_AT_MAX = 50
"""Runs of one look; more of them are never unfinished at once."""
SLOTS_MAX = 300
"""Messages of one run that are still edited; of the oldest decided ones, what was shown last stays."""
AGAIN_S = 2.0
AGAIN_MAX_S = 60.0
STATE_S = 20.0
HEAD, END = "run", "end"


class Wish(NamedTuple):
    """One message that should be shown.

    Attributes:
        closed: It is about something that is over; if it was never shown, it is not worth a message of its own.
        once: It is never looked at again after it was shown.
    """

    slot: str
    rank: int
    make: Callable[[str], Message]
    closed: bool = False
    once: bool = False


@dataclass(slots=True)
class _Room:
    """How one room is: until when it is left in peace, and since when it is not reached."""

    quiet_until: float = 0.0
    failures: int = 0
    down_since: int | None = None
    why: str = ""
    stated: tuple[float, int | None, str] | None = None

    def trouble(self, why: str) -> None:
        self.down_since = self.down_since or now_ms()
        self.why = one_line(why, 200)

    def well(self) -> None:
        self.failures, self.down_since, self.why = 0, None, ""


@dataclass(slots=True)
class _Looked:
    """What the desk knows of one run, in memory alone."""

    story: Story
    sent_at: dict[str, deque[float]] = field(default_factory=dict)
    matters: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    thread_since: float = 0.0


class Desk:
    """One channel's desk.

    Args:
        rooms: Which room of the channel each site has; asked at every look, for documents change.
        who: What this serve is called, where several share a journal.
    """

    def __init__(
        self, channel: Channel, reception: Reception, rooms: Callable[[], Mapping[str, str]], *, who: str
    ) -> None:
        self.channel = channel
        self._reception = reception
        self._rooms = rooms
        self._who = who
        self._memory = Memory(reception.journal, channel.name)
        self._albums: dict[tuple[str, str], Album] = {}
        self._looked: dict[str, _Looked] = {}
        self._sends: deque[float] = deque()
        self._quiet_until = 0.0
        self._in: dict[str, _Room] = {}
        self._has_desk = False
        self._proposed: dict[str, dict[str, Any]] = {}
        self._working: asyncio.Task[None] | None = None
        self._nudged = asyncio.Event()

    # ---- its life

    def open(self) -> None:
        """Begin to work."""
        self._working = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Stop, and let the next one take over at once."""
        if self._working is not None:
            self._working.cancel()
            with suppress(asyncio.CancelledError):
                await self._working
        with suppress(RelightError):
            await asyncio.to_thread(self._memory.leave_desk, self._who, now_ms())

    def nudge(self) -> None:
        """Look at once: somebody has just decided something."""
        self._nudged.set()

    def nonce_of(self, room: str, run: str, nonce: str) -> bool:
        """Return whether a message of that run in that room carries this word; belongs to a thread of its own."""
        return any(
            album.room == room and album.run == run and any(shown.nonce == nonce for shown in album.shown.values())
            for album in self._memory.albums(now_ms())
        )

    async def _work(self) -> None:
        while True:
            try:
                await self.look()
            except asyncio.CancelledError:
                raise
            except RelightError:
                # The journal is away; there is nothing to show until it is back.
                await asyncio.sleep(AGAIN_S)
            except Exception as error:  # noqa: BLE001 - a defect here must not leave a gate unseen for good
                self._reception.report("chat", error)
                await asyncio.sleep(AGAIN_S)
            self._nudged.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), LOOK_S)

    # ---- one look

    async def look(self) -> None:
        """Compute what should be shown, and send what differs, as far as the channel's pace allows."""
        if not await asyncio.to_thread(self._ready):
            return
        for run, room in await asyncio.to_thread(self._runs):
            if time.monotonic() < max(self._quiet_until, self._in.setdefault(room, _Room()).quiet_until):
                continue
            try:
                wishes, over = await asyncio.to_thread(self._wishes, run)
                album = self._albums.setdefault((room, run), Album(run=run, room=room))
                await self._show(album, wishes, over=over)
            except Away as away:
                self._failed(room, away)
            except RelightError:
                raise
            except Exception as error:  # noqa: BLE001 - one run that cannot be shown hides no other
                self._reception.report(f"chat of {run}", error)

    def _ready(self) -> bool:
        """Have the desk, know its albums, and say how the channel is."""
        now = now_ms()
        has_desk = self._memory.has_desk(self._who, now)
        if has_desk and not self._has_desk:
            self._albums = {(album.room, album.run): album for album in self._memory.albums(now)}
        self._has_desk = has_desk
        if has_desk:
            self._state(now)
        return has_desk

    def _state(self, now: int) -> None:
        """Say on the journal's shelf whether the rooms are reached, for every view of their runs."""
        for site, name in self._rooms().items():
            room = self._in.setdefault(name, _Room())
            if self.channel.trouble:
                room.trouble(self.channel.trouble)
            elif not room.failures:
                room.well()
            stated = (time.monotonic(), room.down_since, room.why)
            if room.stated is not None and room.stated[1:] == stated[1:] and stated[0] - room.stated[0] < STATE_S:
                continue
            where = f"{self.channel.name} {name}"
            keep_state(self._reception.journal, site, where, down_since=room.down_since, why=room.why, now=now)
            room.stated = stated

    def _runs(self) -> list[tuple[str, str]]:
        """Return the runs to show with their rooms: unfinished ones, and those whose last messages are not shown."""
        rooms, now = self._rooms(), now_ms()
        found: list[tuple[str, str]] = []
        for row in newest_rows(self._reception.journal, limit=LOOKED_AT_MAX):
            room = rooms.get(row.site)
            if room is not None and self._is_of_interest(row, room, now):
                found.append((row.run, room))
        known = set(found)
        for room, run in [key for key, album in self._albums.items() if not album.done]:
            if (run, room) not in known and room in rooms.values() and not is_proposal(run):
                found.append((run, room))
        found = [*found[:LOOKED_AT_MAX], *self._proposals(rooms, now)]
        for run in set(self._looked) - {run for run, _ in found}:
            del self._looked[run]
        return found

    def _proposals(self, rooms: Mapping[str, str], now: int) -> list[tuple[str, str]]:
        """Return what alerts propose, the newest of it, as long as somebody might still begin it."""
        entries = proposed_at(self._reception.journal, rooms)[-PROPOSALS_MAX:]
        fresh = [entry for entry in entries if now - (from_instant(entry["proposed_at"]) or 0) < PROPOSED_MS]
        self._proposed = {f"{PREFIX}{entry['id']}": entry for entry in fresh}
        found = [(name, rooms[entry["site"]]) for name, entry in self._proposed.items()]
        return [(name, room) for name, room in found if not self._is_done(name, room)]

    def _is_done(self, name: str, room: str) -> bool:
        album = self._albums.get((room, name))
        return album is not None and album.done

    def _is_of_interest(self, row: RunRow, room: str, now: int) -> bool:
        album = self._albums.get((room, row.run))
        if album is not None:
            return not album.done
        return row.ended_at is None or now - row.ended_at < RECENT_MS

    def _wishes(self, run: str) -> tuple[list[Wish], bool]:
        """Return what should be shown of a run or a proposal, and whether that is all there will ever be."""
        looked = self._looked.setdefault(run, _Looked(Story(run)))
        if (entry := self._proposed.get(run)) is not None:
            over = entry["state"] != "proposed"
            return [Wish(HEAD, 2, lambda nonce: proposal_message(entry, nonce=nonce), closed=over)], over
        looked.story.read(self._reception.journal)
        document = self._reception.tracks.status(run)
        name = short_name(self._reception.journal, run)
        wishes = sorted(wishes_of(document, looked.story, name), key=lambda wish: wish.rank)
        return wishes, document["ended_at"] is not None

    # ---- sending

    async def _show(self, album: Album, wishes: list[Wish], *, over: bool) -> None:
        """Send what differs.

        Raises:
            Away: the channel is not reached; nothing is lost, for the next look computes it again.
        """
        looked = self._looked[album.run]
        waiting = False
        if album.of(HEAD) is None:
            # A run is introduced before anything is said of it; one that is over has said everything by that.
            wishes.sort(key=lambda wish: wish.slot != HEAD)
            wishes = [wish for wish in wishes if not wish.once]
        for wish in wishes:
            before = album.of(wish.slot)
            if (before is None and wish.closed) or (before is not None and wish.once):
                continue
            waiting |= not await self._sent(album, looked, wish, before)
        waiting |= not await self._told(album, looked)
        if over and not waiting and not album.done:
            album.done = True
            await asyncio.to_thread(self._memory.keep, album, now_ms())

    async def _sent(self, album: Album, looked: _Looked, wish: Wish, before: Shown | None) -> bool:
        """Show one message if it differs; say whether it is shown as it should be."""
        if wish.slot in looked.refused:
            return True
        # The same word at each attempt: by it the message is found again whose answer was lost.
        known = album.shown.get(wish.slot)
        is_new = known is None
        known = known or Shown("", "", secrets.token_hex(6), now_ms())
        nonce = known.nonce
        message = wish.make(nonce)
        if before is not None and before.digest == message.digest:
            looked.matters[wish.slot] = message.matters
            return True
        if not self._may_send(looked, wish, message):
            return False
        try:
            if before is None:
                if is_new:
                    album.shown[wish.slot] = known
                    await asyncio.to_thread(self._memory.keep, album, now_ms())
                address = await self._once(album.room, message, nonce, tried=None if is_new else known.since)
            else:
                address = before.address
                await self._with_pace(album.room, self.channel.edit(album.room, address, message))
        except Gone:
            # Somebody removed it: whoever has to decide needs it, and what is over nobody misses.
            album.shown.pop(wish.slot, None)
            await asyncio.to_thread(self._memory.keep, album, now_ms())
            return wish.closed
        except Away:
            raise
        except ChannelError as error:
            looked.refused.add(wish.slot)
            self._in[album.room].trouble(str(error))
            return True
        looked.matters[wish.slot] = message.matters
        looked.sent_at.setdefault(wish.slot, deque(maxlen=EDITS_A_MINUTE)).append(time.monotonic())
        album.shown[wish.slot] = Shown(address, message.digest, nonce, known.since)
        if wish.slot == HEAD and before is None and looked.story.ended_ms is not None:
            album.shown[END] = album.shown[HEAD]
        if len(album.shown) > SLOTS_MAX:
            del album.shown[next(slot for slot in album.shown if slot != HEAD)]
        await asyncio.to_thread(self._memory.keep, album, now_ms())
        return True

    async def _told(self, album: Album, looked: _Looked) -> bool:
        """Tell what has happened under the run's message, in one piece; say whether all of it is told."""
        lines = list(looked.story.after(album.told))
        head = album.of(HEAD)
        if not lines or head is None:
            return not lines
        now = time.monotonic()
        looked.thread_since = looked.thread_since or now
        over = looked.story.ended_ms is not None
        if (now - looked.thread_since < THREAD_S and not over) or not self._has_room(KEPT_FOR_GATES):
            return False
        telling, tried = album.telling, None
        if telling is None:
            telling = album.telling = Telling(secrets.token_hex(6), lines[-1].seq, now_ms())
            await asyncio.to_thread(self._memory.keep, album, now_ms())
        else:
            # Again the same lines: they may stand there already, and what came since is told after them.
            tried = telling.since
        message = _lines_message(album.run, [line for line in lines if line.seq <= telling.upto])
        try:
            await self._once(album.room, message, telling.key, tried=tried, thread=head.address)
        except Away:
            raise
        except ChannelError as error:
            self._in[album.room].trouble(str(error))
        looked.thread_since = 0.0
        album.told, album.telling = telling.upto, None
        looked.story.forget(album.told)
        await asyncio.to_thread(self._memory.keep, album, now_ms())
        return telling.upto == lines[-1].seq

    async def _once(self, room: str, message: Message, key: str, *, tried: int | None, thread: str = "") -> str:
        """Post a message, unless it stands there already; return its address.

        Args:
            tried: When it was first sent, if it was: the answer to that may have been lost.
        """
        if tried is not None and (found := await self.channel.find(room, key, since_ms=tried, thread=thread)):
            await self._with_pace(room, self.channel.edit(room, found, message))
            return found
        return await self._with_pace(room, self.channel.post(room, message, key=key, thread=thread))

    # ---- pace

    def _may_send(self, looked: _Looked, wish: Wish, message: Message) -> bool:
        sent, now = looked.sent_at.get(wish.slot), time.monotonic()
        if sent:
            if len(sent) == EDITS_A_MINUTE and now - sent[0] < 60:
                return False
            if looked.matters.get(wish.slot) == message.matters and now - sent[-1] < FIGURES_S:
                return False
        return self._has_room(0 if wish.rank < LESS else KEPT_FOR_GATES)

    def _has_room(self, spared: int) -> bool:
        now = time.monotonic()
        while self._sends and now - self._sends[0] > 60:
            self._sends.popleft()
        return len(self._sends) < SENDS_A_MINUTE - spared

    async def _with_pace(self, room: str, sending: Awaitable[T]) -> T:
        self._sends.append(time.monotonic())
        done = await sending
        self._in[room].well()
        return done

    def _failed(self, name: str, away: Away) -> None:
        if away.after_s:
            # It was reached, and asked for patience: that is for all rooms.
            self._quiet_until = time.monotonic() + away.after_s
            return
        room = self._in[name]
        room.failures += 1
        room.quiet_until = time.monotonic() + min(AGAIN_MAX_S, AGAIN_S * 2 ** min(room.failures - 1, 10))
        room.trouble(str(away))


def _lines_message(run: str, lines: Sequence[Line]) -> Message:
    """Return what is told in a run's thread: the newest of *lines*, and how many came before them."""
    shown = lines[-THREAD_LINES_MAX:]
    rows = tuple(Row("", (Time(line.at_ms), f"  {one_line(line.text)}")) for line in shown)
    left_out = len(lines) - len(shown)
    return Message(head=f"{left_out} earlier lines are in `relight log {run}`; then:" if left_out else "", rows=rows)


LESS = 5
"""From this rank on, a message may wait for those before it."""


def wishes_of(document: Mapping[str, Any], story: Story, name: str) -> Iterator[Wish]:
    """Yield every message that a run should have, whether or not it has it."""
    over = document["ended_at"] is not None
    asking = document["gate"]["ticket"] if document["gate"] is not None else ""
    for ticket, gate in story.gates.items():
        if ticket == asking and not gate.closed:
            yield Wish(f"gate {ticket}", 0, lambda nonce: messages.gate_message(document, name=name, nonce=nonce))
        else:
            gate.closed = gate.closed or "superseded"
            gate.closed_ms = gate.closed_ms or gate.asked_ms
            decided = partial(_without_nonce, partial(messages.closed_gate, document, gate, name=name))
            yield Wish(f"gate {ticket}", 1, decided, closed=True)
        if gate.solo:
            yield Wish(f"solo {ticket}", 2, partial(_with_nonce, messages.solo_message, document, gate, name))
    for seq, hold in story.holds.items():
        shown = partial(_with_nonce, messages.hold_message, document, hold, name)
        yield Wish(f"hold {seq}", 0, shown, closed=bool(hold.left_ms))
    yield Wish(HEAD, 3 if over else LESS, lambda nonce: messages.head_message(document, name=name, nonce=nonce))
    if over:
        yield Wish(END, 4, lambda _nonce: messages.end_message(document, name=name), once=True)


def _with_nonce(
    make: Callable[..., Message], document: Mapping[str, Any], thing: Any, name: str, nonce: str
) -> Message:
    return make(document, thing, name=name, nonce=nonce)


def _without_nonce(make: Callable[[], Message], _nonce: str) -> Message:
    return make()
