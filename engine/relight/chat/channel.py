"""The port of a chat: what is shown there, what people say there, and nothing about which chat it is.

Everything shown is data: text of a message is text, whatever is in it, and a channel has to keep it from meaning
anything (a link, a mention, a format). Everything heard is data too; who said it is what the channel itself vouches
for, never what the text says.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from relight.control.wording import wall_clock

TEXT_MAX = 600
"""Characters of one piece of text in a message: an error or a reason; the page and the log have all of it."""
ROWS_MAX = 24
"""Rows of one message; whoever is awake at 3 a.m. reads no more of them."""
WORDS_MAX = 10_000


class Time(NamedTuple):
    """A moment, which a channel shows in its reader's own time zone where it can."""

    at_ms: int


class Code(NamedTuple):
    """Something to type as it stands."""

    text: str


Word: TypeAlias = str | Time | Code
Words: TypeAlias = tuple[Word, ...]


class Row(NamedTuple):
    """One line of a message, with the word that it begins with."""

    label: str
    words: Words


class Button(NamedTuple):
    """Something to click; *value* says what it is about, and nothing of what it would do."""

    action: str
    label: str
    value: str
    style: Literal["", "go", "stop"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is shown.

    Attributes:
        head: What it is about, in a sentence.
        aside: What stands beside it in small.
        matters: What makes it another message; where only figures differ, it may wait.
    """

    head: str
    aside: Words = ()
    rows: tuple[Row, ...] = ()
    buttons: tuple[Button, ...] = ()
    matters: str = ""

    @property
    def digest(self) -> str:
        """What tells whether two messages show the same."""
        return _digest(
            [self.head, *map(_plain, self.aside), *((r.label, *map(_plain, r.words)) for r in self.rows)]
        ) + (_digest([list(button) for button in self.buttons]))


def text_of(message: Message, clock: Callable[[int], str] = wall_clock) -> str:
    """Return a message as plain lines, as a channel without any form shows it."""
    lines = ["   ".join(word for word in (clean(message.head), said(message.aside, clock)) if word)]
    room = max((len(row.label) for row in message.rows), default=0) + 2
    lines += [f"  {row.label:<{room}}{said(row.words, clock)}".rstrip() for row in message.rows]
    if message.buttons:
        lines.append("  " + "  ".join(f"[{button.label}]" for button in message.buttons))
    return "\n".join(lines)


def said(words: Words, clock: Callable[[int], str] = wall_clock) -> str:
    """Return words as plain text."""
    return "".join(clock(word.at_ms) if isinstance(word, Time) else clean(_text(word)) for word in words)


def clean(text: str) -> str:
    """Return text without signs that do something: controls, directions, halves of letters; lines stay lines."""
    return "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text)


def one_line(text: object, most: int = TEXT_MAX) -> str:
    """Return text from outside as one line without signs that do something; cut, with a mark where it was."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 2].rstrip() + ".."


def _plain(word: Word) -> Any:
    return word if isinstance(word, str) else list(word)


def _text(word: Word) -> str:
    return word.text if isinstance(word, Code) else str(word)


def _digest(tree: Any) -> str:
    return hashlib.sha256(json.dumps(tree).encode("utf-8", "surrogatepass")).hexdigest()[:16]


# ---- forms


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing to fill in; a value that is no number where one is wanted never reaches whoever reads the form."""

    id: str
    label: str
    kind: Literal["text", "integer", "number", "boolean", "choice"] = "text"
    default: str = ""
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    needed: bool = True
    hint: str = ""
    long: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What is asked of one person.

    Attributes:
        name: Which form it is; it comes back with what was filled in.
        send: The word on its button; empty: it only shows something.
        texts: What stands in it; code is shown as it stands, line by line.
        state: What it is about; it comes back as well, from afar, and is believed no more than anything else.
    """

    name: str
    title: str
    send: str = ""
    texts: tuple[str | Code, ...] = ()
    fields: tuple[Field, ...] = ()
    state: Mapping[str, str] = field(default_factory=dict)


# ---- what is heard


class Who(NamedTuple):
    """Who said it: the ids by which sites may know them, and how to call them if no site does."""

    ids: tuple[str, ...]
    program: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Something that a person said, clicked or filled in.

    Attributes:
        id: The delivery's own name; told twice it is the same one.
        deed: The name of what the person did; asked twice under it, a run answers twice and does it once.
        room: Where.
        words: Of a command, what was typed after its name.
        action: Of a click, the button's, and of a form its name.
        value: Of a click, the button's.
        message: Of a click, the address of the message that it was on.
        fields: Of a form, what was filled in.
        state: Of a form, what it was about.
        back: The channel's own: where an answer goes.
    """

    kind: Literal["command", "click", "form"]
    id: str
    deed: str
    who: Who
    room: str
    words: str = ""
    action: str = ""
    value: str = ""
    message: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    back: Any = None


class Meeting(NamedTuple):
    """What can be said at once: whether to go on with it, what is wrong in a form, and the form to show meanwhile."""

    go: bool
    wrong: Mapping[str, str] = {}
    form: Form | None = None


class Ear(Protocol):
    """Who listens to a channel."""

    def meet(self, heard: Heard) -> Meeting:
        """Say at once, without any waiting, what is to become of it."""
        ...

    async def hear(self, heard: Heard) -> None:
        """Do what was said; raises nothing."""
        ...


# ---- what can go wrong


class ChannelError(Exception):
    """A channel could not do it; the text is fit for people and holds no secret."""


class Away(ChannelError):
    """It is not reached now, or wants patience: the same can be tried again.

    Attributes:
        after_s: How long to wait first; 0: as whoever asks thinks fit.
    """

    def __init__(self, text: str, *, after_s: float = 0) -> None:
        super().__init__(text)
        self.after_s = after_s


class Gone(ChannelError):
    """The message is not there any more; somebody removed it."""


class Refused(ChannelError):
    """It will never do this: a room that it is not in, or a message that it does not take."""


class Channel(Protocol):
    """A chat.

    Attributes:
        name: What it is called; people's ids in the site's document stand under the same word.
        trouble: What keeps it from hearing anybody now; empty: nothing does.
    """

    name: str

    @property
    def trouble(self) -> str: ...

    async def open(self, ear: Ear) -> None:
        """Begin to listen and return; a chat that is away is tried again for as long as it takes."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...

    async def post(self, room: str, message: Message, *, key: str, thread: str = "") -> str:
        """Show a message, under that one where *thread* names it, and return its address.

        Args:
            key: What it is known by for good: the chat keeps it with the message, where nobody sees it.

        Raises:
            Away, Gone, Refused: it is not shown, or nobody knows.
        """
        ...

    async def find(self, room: str, key: str, *, since_ms: int, thread: str = "") -> str:
        """Return the address of what was posted there under that key; empty: nothing was, or this chat cannot tell.

        The answer to a post may be lost after it was shown, and so may the process that waited for it.

        Args:
            since_ms: When it was posted first, by this machine's clock.

        Raises:
            Away, Gone, Refused: nobody can look.
        """
        ...

    async def edit(self, room: str, address: str, message: Message) -> None:
        """Show something else in its place.

        Raises:
            Away, Gone, Refused: what was shown before may still be there.
        """
        ...

    async def whisper(self, heard: Heard, words: Words) -> None:
        """Tell only that person.

        Raises:
            Away, Refused: they were not told.
        """
        ...

    async def show(self, heard: Heard, form: Form) -> None:
        """Show that person a form, in place of the one that they see already.

        Raises:
            Away, Refused: they do not see it.
        """
        ...
