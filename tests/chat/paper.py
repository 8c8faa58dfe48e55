"""A channel of paper: what is shown and said is kept in memory. It is the guide's example, and what tests talk to."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from relight.chat.channel import Away, Ear, Form, Gone, Heard, Message, Who, Words, said, text_of
from relight.testing.channels import Seen, Shape

ROOM = "the-room"


class Paper:
    """The channel."""

    name = "slack"  # people are known here by the id under this word in the site's document
    trouble = ""

    def __init__(self) -> None:
        self.ear: Ear | None = None
        self.sheets: dict[str, tuple[Message, str]] = {}
        self.keys: dict[tuple[str, str], str] = {}
        self.lost = 0
        self.edits: list[str] = []
        self.told: list[tuple[str, str]] = []
        self.forms: dict[str, Form] = {}
        self.away: list[Away] = []
        self.down = False
        self._numbers = itertools.count(1)

    async def open(self, ear: Ear) -> None:
        """Listen."""
        self.ear = ear

    async def close(self) -> None:
        """Listen no more."""
        self.ear = None

    async def post(self, room: str, message: Message, *, key: str, thread: str = "") -> str:
        """Put a sheet on the wall, its key on the back."""
        self._reached()
        address = f"sheet-{next(self._numbers)}"
        self.sheets[address] = message, thread
        self.keys[key, thread] = address
        if self.lost:
            self.lost -= 1
            raise Away("nobody came back to tell")
        return address

    async def find(self, room: str, key: str, *, since_ms: int, thread: str = "") -> str:
        """Look at the backs."""
        self._reached()
        address = self.keys.get((key, thread), "")
        return address if address in self.sheets else ""

    async def edit(self, room: str, address: str, message: Message) -> None:
        """Write on it anew."""
        self._reached()
        if address not in self.sheets:
            raise Gone("somebody took that sheet down")
        self.sheets[address] = message, self.sheets[address][1]
        self.edits.append(address)

    async def whisper(self, heard: Heard, words: Words) -> None:
        """Tell one person."""
        self._reached()
        self.told.append((heard.back, said(words)))

    async def show(self, heard: Heard, form: Form) -> None:
        """Hand them a form."""
        self._reached()
        self.forms[heard.back] = form

    def _reached(self) -> None:
        if self.down:
            raise Away("nobody is there")
        if self.away:
            raise self.away.pop(0)


class People:
    """The people before the wall."""

    def __init__(self, channel: Paper, room: str = ROOM) -> None:
        self.channel = channel
        self.room = room
        self._numbers = itertools.count(1)
        self._last: Heard | None = None
        self._doing: set[asyncio.Task[None]] = set()

    async def seen(self) -> list[Seen]:
        """Return what is on the wall."""
        return [
            Seen(address, text_of(message), tuple(button.label for button in message.buttons), thread)
            for address, (message, thread) in self.channel.sheets.items()
        ]

    async def whispers(self, member: str) -> list[str]:
        """Return what they were told."""
        return [text for who, text in self.channel.told if who == member]

    async def form(self, member: str) -> Shape | None:
        """Return the form in their hands."""
        form = self.channel.forms.get(member)
        if form is None:
            return None
        texts = tuple(said((text,)) for text in form.texts)
        return Shape(form.title, texts, tuple(field.label for field in form.fields))

    async def say(self, member: str, words: str, **more: Any) -> None:
        """Say a command."""
        await self.deliver(self.heard("command", member, words=words, **more))

    async def click(self, member: str, address: str, label: str, **more: Any) -> None:
        """Touch a button."""
        (button,) = [each for each in self.channel.sheets[address][0].buttons if each.label == label]
        words = {"action": button.action, "value": button.value, "message": address, **more}
        await self.deliver(self.heard("click", member, **words))

    async def fill(self, member: str, **fields: str) -> Mapping[str, str]:
        """Hand a form back."""
        form = self.channel.forms.pop(member)
        filled = {field.id: fields.get(field.id, field.default) for field in form.fields}
        heard = self.heard("form", member, action=form.name, fields=filled, state=dict(form.state))
        wrong = await self.deliver(heard)
        if wrong:
            self.channel.forms[member] = form
        return wrong

    async def again(self) -> None:
        """Say the last thing once more."""
        assert self._last is not None
        await self.deliver(self._last)

    async def remove(self, address: str) -> None:
        """Take a sheet down."""
        del self.channel.sheets[address]

    async def go_away(self) -> None:
        """Leave the room."""
        self.channel.down = True

    async def come_back(self) -> None:
        """Come back."""
        self.channel.down = False

    async def lose_answers(self, calls: int) -> None:
        """Send somebody who does not come back."""
        self.channel.lost = calls

    async def want_patience(self, calls: int) -> None:
        """Ask for a pause."""
        self.channel.away = [Away("slowly", after_s=1)] * calls

    def meaning(self) -> list[str]:
        """Return nothing: on paper no word is a link."""
        return []

    def heard(self, kind: Any, member: str, **words: Any) -> Heard:
        """Return what the channel hears when *member* does that."""
        name = f"{kind} {next(self._numbers)}"
        who = words.pop("who", Who((f"T1/{member}", member)))
        return Heard(**{"kind": kind, "id": name, "deed": name, "who": who, "room": self.room, "back": member, **words})

    async def deliver(self, heard: Heard) -> Mapping[str, str]:
        """Have the channel's ear hear it; what is done about it goes on by itself."""
        self._last = heard
        ear = self.channel.ear
        assert ear is not None
        meeting = ear.meet(heard)
        if meeting.form is not None:
            self.channel.forms[heard.back] = meeting.form
        if meeting.go:
            task = asyncio.create_task(ear.hear(heard))
            self._doing.add(task)
            task.add_done_callback(self._doing.discard)
        return meeting.wrong

    async def settle(self) -> None:
        """Wait until everything that was said is done."""
        while self._doing:
            await asyncio.gather(*self._doing)

    async def leave(self) -> None:
        """Wait for nothing any more."""
        for task in self._doing:
            task.cancel()
        await asyncio.gather(*self._doing, return_exceptions=True)


@asynccontextmanager
async def people() -> AsyncIterator[People]:
    """Give people and their wall."""
    made = People(Paper())
    yield made
    await made.leave()
