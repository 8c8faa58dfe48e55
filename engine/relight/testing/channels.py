"""What every channel of a chat does: the conformance suite of :class:`relight.chat.channel.Channel`.

Inherit from :class:`ChannelConformance` and give it a :class:`Peer`: the people's side of your channel, played by a
server of your own or by the channel itself. Nothing here knows how a chat looks.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol, TypeVar

from relight.chat.channel import (
    ROWS_MAX,
    TEXT_MAX,
    Away,
    Button,
    Channel,
    ChannelError,
    Code,
    Field,
    Form,
    Gone,
    Heard,
    Meeting,
    Message,
    Row,
    Time,
    one_line,
)

Error = TypeVar("Error", bound=ChannelError)

WITHIN_S = 10.0
AT_ONCE_S = 3.0
"""What chats wait for an acknowledgement."""
NASTY = (
    "<!channel> <!here> @here @channel @everyone @room",
    "<@U1> <#C1> <https://example.org|click here> https://example.org/x",
    "*bold* _it_ ~no~ `code` ```block``` # head [link](https://example.org) <b>b</b> &amp; &lt;",
    "${{ secrets }} {{7*7}} $(reboot) `id` ; rm -rf / | cat",
    "\u202egnol\u202c \x1b[31mred\x07 \x00 \u200b zero",
    "ÄÖÜ 你好 🚀 e\u0301",
)


class Seen(NamedTuple):
    """One message as people see it."""

    address: str
    text: str
    buttons: tuple[str, ...] = ()
    thread: str = ""


class Shape(NamedTuple):
    """A form as somebody sees it."""

    title: str
    texts: tuple[str, ...]
    fields: tuple[str, ...]


class Peer(Protocol):
    """The people's side of a channel; ``U1`` and ``U2`` are people in ``room``."""

    channel: Channel
    room: str

    async def seen(self) -> list[Seen]:
        """Return what stands in the room, the oldest first, threads included."""
        ...

    async def whispers(self, member: str) -> list[str]:
        """Return what that person alone was told."""
        ...

    async def form(self, member: str) -> Shape | None:
        """Return the form that they see."""
        ...

    async def say(self, member: str, words: str) -> None:
        """Have them type a command; returns when it was acknowledged."""
        ...

    async def click(self, member: str, address: str, label: str) -> None:
        """Have them click a button; returns when it was acknowledged."""
        ...

    async def fill(self, member: str, **fields: str) -> Mapping[str, str]:
        """Have them send the form that they see, and return what is wrong with it, by field."""
        ...

    async def again(self) -> None:
        """Deliver once more what was delivered last."""
        ...

    async def remove(self, address: str) -> None:
        """Remove a message."""
        ...

    async def go_away(self) -> None:
        """Let nobody reach the chat."""
        ...

    async def come_back(self) -> None:
        """Let it be reached again."""
        ...

    async def lose_answers(self, calls: int) -> None:
        """Show what the next *calls* post, and let no answer come back."""
        ...

    async def want_patience(self, calls: int) -> None:
        """Answer the next *calls* that show something with a wish for patience."""
        ...

    def meaning(self) -> list[str]:
        """Return everything that was read as a mention, a link or a format; ours never is."""
        ...


class Ears:
    """An ear that writes down what it hears.

    Attributes:
        reply: What it says at once.
        hangs: It never comes to an end then.
        shows: What it shows then, and where; after *takes_s*.
    """

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.reply = Meeting(go=True)
        self.hangs = False
        self.shows: tuple[Channel, Form] | None = None
        self.takes_s = 0.0

    def meet(self, heard: Heard) -> Meeting:
        """Say at once what was set."""
        return self.reply

    async def hear(self, heard: Heard) -> None:
        """Write it down, and do what was set."""
        self.heard.append(heard)
        if self.shows is not None:
            await asyncio.sleep(self.takes_s)
            await self.shows[0].show(heard, self.shows[1])
        if self.hangs:
            await asyncio.Event().wait()

    async def nth(self, count: int) -> Heard:
        """Wait until that many things were heard, and return the last of them."""
        deadline = time.monotonic() + WITHIN_S
        while len(self.heard) < count:
            assert time.monotonic() < deadline, f"only heard {self.heard}"
            await asyncio.sleep(0.01)
        return self.heard[count - 1]


MESSAGE = Message(
    head="PROD-EU: let people back in?",
    aside=(Code("7f3 reopen/91d"), "  asked ", Time(1_763_850_250_000)),
    rows=(Row("Require", ("login_errors 1.0%: pass",)), Row("Need", ("1 incident-commander",))),
    buttons=(Button("approve", "Approve", "v1", "go"), Button("deny", "Deny, say why", "v2", "stop")),
)
FORM = Form(
    name="why",
    title="Deny the gate",
    send="Deny",
    texts=("The run holds.",),
    fields=(
        Field(id="reason", label="Why?", long=True),
        Field(id="many", label="many", kind="integer", default="2", minimum=1, maximum=5, needed=False),
        Field(id="how", label="how", kind="choice", choices=("fast", "slow"), default="fast"),
        Field(id="loud", label="loud", kind="boolean", default="true", needed=False),
    ),
    state={"run": "7f3", "ticket": "reopen/91d"},
)


async def put(peer: Peer, message: Message, *, thread: str = "") -> str:
    """Post a message that has a key of its own."""
    return await peer.channel.post(peer.room, message, key=secrets.token_hex(6), thread=thread)


async def raised(kind: type[Error], doing: Awaitable[object]) -> Error:
    """Return the error that this is refused with."""
    try:
        await doing
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


class ChannelConformance:
    """The suite; every test has a channel of its own."""

    def peer(self) -> Any:
        """Return an async context manager that gives a :class:`Peer` whose channel is not open yet."""
        raise NotImplementedError

    @asynccontextmanager
    async def met(self) -> AsyncIterator[tuple[Peer, Ears]]:
        """Give the peer with its channel open."""
        async with self.peer() as peer:
            ears = Ears()
            await peer.channel.open(ears)
            try:
                yield peer, ears
            finally:
                await peer.channel.close()

    async def test_a_message_is_seen_as_it_is(self) -> None:
        """Head, rows and buttons, in order; every message has an address of its own."""
        async with self.met() as (peer, _):
            first = await put(peer, MESSAGE)
            second = await put(peer, Message(head="another"))
            seen = await peer.seen()
            assert [each.address for each in seen] == [first, second]
            assert first != second
            for words in ("PROD-EU: let people back in?", "7f3 reopen/91d", "login_errors 1.0%: pass", "Need"):
                assert words in seen[0].text
            assert seen[0].buttons == ("Approve", "Deny, say why")

    async def test_a_message_is_edited_in_place(self) -> None:
        """Nothing new appears; what is not in the new one is gone, buttons too."""
        async with self.met() as (peer, _):
            address = await put(peer, MESSAGE)
            await peer.channel.edit(peer.room, address, Message(head="OPENED by ana"))
            (seen,) = await peer.seen()
            assert seen.address == address
            assert "OPENED by ana" in seen.text
            assert "Require" not in seen.text
            assert seen.buttons == ()

    async def test_a_thread_hangs_under_its_message(self) -> None:
        """It is told apart from what stands in the room itself."""
        async with self.met() as (peer, _):
            address = await put(peer, MESSAGE)
            await put(peer, Message(head="", rows=(Row("", ("stage one entered",)),)), thread=address)
            assert [each.thread for each in await peer.seen()] == ["", address]

    async def test_a_message_that_somebody_removed_is_gone(self) -> None:
        """Editing it says so, and a new one can be shown."""
        async with self.met() as (peer, _):
            address = await put(peer, MESSAGE)
            await peer.remove(address)
            await raised(Gone, peer.channel.edit(peer.room, address, Message(head="too late")))
            assert await put(peer, MESSAGE) != address

    async def test_a_message_whose_answer_was_lost_stands_once(self) -> None:
        """Whoever posts cannot tell whether it is shown; it is found by its key, or the same key shows it once."""
        async with self.met() as (peer, _):
            since_ms = time.time_ns() // 1_000_000
            head = await put(peer, Message(head="another"))
            for thread in ("", head):
                before = len(await peer.seen())
                await peer.lose_answers(1)
                await raised(Away, peer.channel.post(peer.room, MESSAGE, key=f"key {thread}", thread=thread))
                found = await peer.channel.find(peer.room, f"key {thread}", since_ms=since_ms, thread=thread)
                found = found or await peer.channel.post(peer.room, MESSAGE, key=f"key {thread}", thread=thread)
                assert len(await peer.seen()) == before + 1
                await peer.channel.edit(peer.room, found, Message(head="OPENED by ana"))
                (opened,) = [each for each in await peer.seen() if "OPENED" in each.text and each.thread == thread]
                assert opened.address == found

    async def test_what_was_never_posted_is_not_found(self) -> None:
        """Neither under another key, nor under the same one elsewhere; a chat that is away is said to be."""
        async with self.met() as (peer, _):
            head = await peer.channel.post(peer.room, MESSAGE, key="one")
            assert await peer.channel.find(peer.room, "another", since_ms=0) == ""
            assert await peer.channel.find(peer.room, "one", since_ms=0, thread=head) in ("", head)
            await peer.go_away()
            await raised(Away, peer.channel.find(peer.room, "one", since_ms=0))

    async def test_a_chat_that_is_away_is_said_to_be(self) -> None:
        """Showing something raises Away in time; when the chat is back it works again."""
        async with self.met() as (peer, _):
            await peer.go_away()
            began = time.monotonic()
            away = await raised(Away, put(peer, MESSAGE))
            assert time.monotonic() - began < 15
            assert away.after_s == 0
            await peer.come_back()
            assert await put(peer, MESSAGE)

    async def test_patience_is_passed_on(self) -> None:
        """A chat that wants fewer calls says for how long; nobody sleeps in the channel."""
        async with self.met() as (peer, _):
            await peer.want_patience(1)
            away = await raised(Away, put(peer, MESSAGE))
            assert away.after_s >= 1
            assert await put(peer, MESSAGE)

    async def test_text_is_text(self) -> None:
        """Whatever stands in it, it is seen as it is and means nothing: no mention, no link, no format."""
        async with self.met() as (peer, _):
            for nasty in NASTY:
                row = Row("Why", (nasty,))
                address = await put(peer, Message(head=nasty, aside=(Code(nasty),), rows=(row,)))
                (seen,) = [each for each in await peer.seen() if each.address == address]
                assert " ".join(seen.text.split()).count(one_line(nasty)) == 3, nasty
            assert peer.meaning() == []

    async def test_the_longest_message_is_taken(self) -> None:
        """As many rows as there may be, each as long as it may be: cut, if it must be, and shown."""
        async with self.met() as (peer, _):
            rows = tuple(Row(f"row {number}", ("x" * TEXT_MAX,)) for number in range(ROWS_MAX))
            await put(peer, Message(head="h" * TEXT_MAX, rows=rows, buttons=MESSAGE.buttons))
            (seen,) = await peer.seen()
            assert "row 0" in seen.text
            assert seen.buttons == ("Approve", "Deny, say why")

    async def test_a_command_is_heard(self) -> None:
        """Who, where, and the words after its name, as they are."""
        async with self.met() as (peer, ears):
            await peer.say("U1", "abort 7f3 <b>$(why)</b>")
            heard = await ears.nth(1)
            assert (heard.kind, heard.room, heard.words) == ("command", peer.room, "abort 7f3 <b>$(why)</b>")
            assert any(each.endswith("U1") for each in heard.who.ids)
            assert not heard.who.program

    async def test_a_click_is_heard(self) -> None:
        """The button's action and value, and the message that it is on."""
        async with self.met() as (peer, ears):
            address = await put(peer, MESSAGE)
            await peer.click("U2", address, "Deny, say why")
            heard = await ears.nth(1)
            assert (heard.kind, heard.action, heard.value, heard.message) == ("click", "deny", "v2", address)
            assert any(each.endswith("U2") for each in heard.who.ids)

    async def test_a_form_is_shown_and_sent(self) -> None:
        """What was filled in and what it was about come back; a field that was left as it is has its default."""
        async with self.met() as (peer, ears):
            await peer.say("U1", "deny")
            await peer.channel.show(await ears.nth(1), FORM)
            shape = await peer.form("U1")
            assert shape is not None
            assert (shape.title, shape.texts) == ("Deny the gate", ("The run holds.",))
            assert shape.fields == ("Why?", "many", "how", "loud")
            assert await peer.form("U2") is None
            assert await peer.fill("U1", reason="not yet", how="slow") == {}
            heard = await ears.nth(2)
            assert (heard.kind, heard.action, heard.room) == ("form", "why", peer.room)
            assert heard.fields == {"reason": "not yet", "many": "2", "how": "slow", "loud": "true"}
            assert heard.state == {"run": "7f3", "ticket": "reopen/91d"}

    async def test_what_is_wrong_in_a_form_is_said_in_it(self) -> None:
        """It stays open, nothing is heard, and it can be mended."""
        async with self.met() as (peer, ears):
            await peer.say("U1", "deny")
            await peer.channel.show(await ears.nth(1), FORM)
            ears.reply = Meeting(go=False, wrong={"reason": "Say why."})
            assert await peer.fill("U1", reason="x") == {"reason": "Say why."}
            ears.reply = Meeting(go=True)
            assert await peer.fill("U1", reason="because") == {}
            assert (await ears.nth(2)).fields["reason"] == "because"

    async def test_a_form_gives_way_to_the_next(self) -> None:
        """What is said at once replaces it, and what comes later replaces that."""
        async with self.met() as (peer, ears):
            ears.reply = Meeting(go=True, form=Form(name="wait", title="relight", texts=("One moment ..",)))
            await peer.say("U1", "run")
            heard = await ears.nth(1)
            shape = await peer.form("U1")
            assert shape is not None
            assert shape.texts == ("One moment ..",)
            await peer.channel.show(heard, FORM)
            assert await peer.fill("U1", reason="because") == {}
            later = await ears.nth(2)
            await peer.channel.show(later, Form(name="said", title="relight", texts=("Done.",)))
            shape = await peer.form("U1")
            assert shape is not None
            assert shape.texts == ("Done.",)

    async def test_what_comes_of_a_form_is_what_stays(self) -> None:
        """Whether it is there at once or takes a while, it is never overtaken by the form that asks for patience."""
        async with self.met() as (peer, ears):
            done = Form(name="said", title="relight", texts=("Done.",))
            for count, takes_s in enumerate((0.0, 0.05, 1.1)):
                ears.shows, ears.reply = None, Meeting(go=True)
                await peer.say("U1", "run")
                await peer.channel.show(await ears.nth(2 * count + 1), FORM)
                ears.reply = Meeting(go=True, form=Form(name="wait", title="relight", texts=("One moment ..",)))
                ears.shows, ears.takes_s = (peer.channel, done), takes_s
                await peer.fill("U1", reason="because")
                await ears.nth(2 * count + 2)
                deadline = time.monotonic() + WITHIN_S
                while (shape := await peer.form("U1")) is None or shape.texts != ("Done.",):
                    assert time.monotonic() < deadline, shape
                    await asyncio.sleep(0.02)

    async def test_what_is_told_twice_has_one_name(self) -> None:
        """The same delivery once more has the same id and deed; a person who does the same again has others."""
        async with self.met() as (peer, ears):
            address = await put(peer, MESSAGE)
            for is_click in (False, True):
                before = len(ears.heard)
                for is_again in (False, True, False):
                    if is_again:
                        await peer.again()
                    elif is_click:
                        await peer.click("U1", address, "Approve")
                    else:
                        await peer.say("U1", "status")
                await ears.nth(before + 3)
                first, second, third = ears.heard[before:]
                assert (first.id, first.deed) == (second.id, second.deed)
                assert first.deed != third.deed

    async def test_a_whisper_is_for_one(self) -> None:
        """Nobody else sees it, and nothing stands in the room."""
        async with self.met() as (peer, ears):
            await peer.say("U1", "status")
            await peer.channel.whisper(await ears.nth(1), ("you may not\n", Code("relight why 7f3"), NASTY[0]))
            (told,) = await peer.whispers("U1")
            assert "you may not" in told
            assert "relight why 7f3" in told
            assert await peer.whispers("U2") == []
            assert await peer.seen() == []
            assert peer.meaning() == []

    async def test_nobody_waits_for_what_is_done(self) -> None:
        """A command is acknowledged at once though its doing never ends, and the next one is heard."""
        async with self.met() as (peer, ears):
            ears.hangs = True
            for count in range(1, 4):
                began = time.monotonic()
                await peer.say("U1", f"status {count}")
                assert time.monotonic() - began < AT_ONCE_S
                assert (await ears.nth(count)).words == f"status {count}"

    async def test_a_chat_that_was_away_is_heard_again(self) -> None:
        """Whoever speaks when it is back is heard."""
        async with self.met() as (peer, ears):
            await peer.go_away()
            await raised(ChannelError, put(peer, MESSAGE))
            await peer.come_back()
            await peer.say("U1", "status")
            assert (await ears.nth(1)).words == "status"
            assert peer.channel.trouble == ""
