"""What people say, click and fill in, in a chat: who they are, whether they may, and what becomes of it.

Everything goes through the reception, as from any other door: one table says who may, and the run's driver decides.
A thing that is told twice is done once: within one process it is not looked at again, and across a restart a run
answers a request that it has answered before with the same words.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from relight.chat import forms, grammar, proposing, starting
from relight.chat.channel import Channel, ChannelError, Code, Form, Heard, Meeting, Words, one_line
from relight.chat.messages import asked_about
from relight.control.identities import Caller
from relight.control.permissions import permit
from relight.control.planning import in_one_sentence
from relight.control.reception import Reception
from relight.control.requests import Asking
from relight.errors import NotPermitted, RelightError, UsageError

T = TypeVar("T")

THREADS = 8
"""Things done at once; each waits for a disk or for a driver's answer."""
WAITING_MAX = 100
"""Things that wait for a thread; the next one is told to come again."""
REMEMBERED_MAX = 5_000
"""Deliveries that are known as told already: an hour of the busiest night."""
DO_S = 30.0

ACTIONS: dict[str, str] = {
    "approve": "approve",
    "approve_why": "approve",
    "deny": "deny",
    "skip": "skip",
    "pause": "pause",
    "resume": "resume",
    "abort": "abort",
    "details": "why",
    "look": "proposals",
    "dismiss": "dismiss",
}
"""What can be clicked, each with its verb of the permission table."""
FORMS: dict[str, str] = {"why": "approve", "choose": "published", "inputs": "plan", "plan": "run", "begin": "begin"}
"""What can be filled in, each with its verb; the one that asks why carries its own, out of ``WITH_REASON``."""
WITH_REASON = frozenset({"approve", "deny", "skip", "abort", "dismiss"})
_ASK_FIRST = {"approve_why": "approve", "deny": "deny", "skip": "skip", "abort": "abort", "dismiss": "dismiss"}
"""Actions that ask why before anything is done."""
_ABOUT = ("run", "ticket", "digest", "nonce")


class Button(NamedTuple):
    """What a button carries."""

    run: str
    ticket: str
    digest: str
    nonce: str

    @classmethod
    def read(cls, value: str) -> "Button":
        """Return what *value* says.

        Raises:
            UsageError: it is none of ours.
        """
        words = value.split(" ")
        if len(words) != 4 or len(value) > 300:
            raise UsageError("this button is none of relight's")
        return cls(*("" if word == "-" else word for word in words))


class Hearing:
    """The ear of one channel.

    Args:
        rooms: Which room of the channel each site has.
        knows: Whether a message of that run in that room carries this word (see the desk).
        decided: Called after something may have changed.
        command: What people type before the verb.
    """

    def __init__(
        self,
        channel: Channel,
        reception: Reception,
        rooms: Callable[[], Mapping[str, str]],
        *,
        knows: Callable[[str, str, str], bool],
        decided: Callable[[], None],
        command: str = "/relight",
    ) -> None:
        self._channel = channel
        self.reception = reception
        self._rooms = rooms
        self._knows = knows
        self._decided = decided
        self._command = command
        self._told: OrderedDict[str, None] = OrderedDict()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="relight-chat")
        self._waiting = 0

    def close(self) -> None:
        """Let go of the threads; what is under way is finished by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    # ---- at once

    def meet(self, heard: Heard) -> Meeting:
        """Say at once what is to become of it: nothing is looked up here, so that no chat ever waits."""
        if heard.kind == "form" and (wrong := forms.wrong_in(heard.action, heard.fields, heard.state)):
            return Meeting(go=False, wrong=wrong)
        if heard.id in self._told:
            return Meeting(go=False)
        self._told[heard.id] = None
        while len(self._told) > REMEMBERED_MAX:
            self._told.popitem(last=False)
        return Meeting(go=True, form=self._first_form(heard))

    def _first_form(self, heard: Heard) -> Form | None:
        if heard.kind == "command":
            said = grammar.read(heard.words)
            return (
                forms.wait_form("Looking up what can be started ..")
                if said.verb == "run" and not said.trouble
                else None
            )
        if (heard.kind, heard.action) in (("form", "choose"), ("form", "inputs"), ("click", "look")):
            return forms.wait_form("Planning ..")
        if heard.kind == "form" and heard.action in ("plan", "begin"):
            return forms.wait_form("Starting ..")
        return None

    # ---- then

    async def hear(self, heard: Heard) -> None:
        """Do what was said, and tell whoever said it; raises nothing."""
        try:
            doing = {"command": self._typed, "click": self._clicked, "form": self._filled}[heard.kind]
            try:
                await doing(heard)
            except RelightError as error:
                await self._refuse(heard, in_one_sentence(error))
        except ChannelError:
            # A form that came too late for its click, or a chat that went away: the message tells what was decided.
            await self._quietly(heard, "this could not be shown to you; say it again, or use a command on the host")
        except Exception as error:  # noqa: BLE001 - what one person sends must not close the door for all
            self.reception.report("chat", error)
            await self._quietly(heard, "relight met something that it did not foresee; its log has the details")

    async def _refuse(self, heard: Heard, why: str) -> None:
        if self._shows_form(heard):
            await self._channel.show(heard, forms.said_form(one_line(why)))
            return
        await self._channel.whisper(heard, (one_line(why),))

    def _shows_form(self, heard: Heard) -> bool:
        return self._first_form(heard) is not None

    async def _quietly(self, heard: Heard, text: str) -> None:
        if self._shows_form(heard):
            # Nobody is left before a form that asks for patience for ever.
            with suppress(ChannelError):
                await self._channel.show(heard, forms.said_form(text))
                return
        with suppress(ChannelError):
            await self._channel.whisper(heard, (text,))

    # ---- what was typed

    async def _typed(self, heard: Heard) -> None:
        said = grammar.read(heard.words)
        caller = await self.do(lambda: self.caller(heard))
        if said.trouble:
            await self._channel.whisper(heard, (f"{said.trouble} Say ", Code(f"{self._command} help"), " for more."))
            return
        match said.verb:
            case "help":
                for line in _joined(grammar.usage(self._command)):
                    await self._channel.whisper(heard, line)
            case "run":
                await starting.choose(self, heard, caller, said.name)
            case "status":
                text = await self.do(lambda: self._status(heard, caller, said.run))
                await self._channel.whisper(heard, text)
            case "approve":
                await self._approve(heard, caller, Button(said.run, said.ticket, "", ""), said.reason)
            case "deny" | "abort" if not said.reason:
                about = {"run": said.run, "ticket": said.ticket, "digest": "", "nonce": ""}
                await self.do(lambda: self.reception.row(caller, said.run, said.verb))
                what = await self.do(lambda: self._what(caller, Button(said.run, said.ticket, "", "")))
                await self._channel.show(heard, forms.why_form(said.verb, about, what=what))
            case _:
                await self._ask(heard, caller, said.run, Asking(said.verb, ticket=said.ticket, reason=said.reason))

    def _status(self, heard: Heard, caller: Caller, run: str) -> Words:
        from relight.control.why import waits_for

        if run:
            self._of_this_room(heard, self.reception.row(caller, run, "status").site)
            documents = [self.reception.status(caller, run)]
        else:
            found = self.reception.runs(caller, unfinished=True, limit=5)["runs"]
            documents = [self.reception.status(caller, each["run"]) for each in found]
        if not documents:
            return ("No run is unfinished here. ", Code(f"{self._command} run"), " starts one.")
        return ("\n".join(f"{each['run']}: {one_line(waits_for(each))}" for each in documents),)

    # ---- what was clicked

    async def _clicked(self, heard: Heard) -> None:
        if heard.action not in ACTIONS:
            raise UsageError("this button is none of relight's")
        button = Button.read(heard.value)
        caller = await self.do(lambda: self.caller(heard))
        await self.do(lambda: self._is_shown(heard, button))
        if heard.action in _ASK_FIRST:
            verb = _ASK_FIRST[heard.action]
            await self.do(lambda: self._may(heard, caller, button, verb))
            alone = await self.do(lambda: self._alone(caller, button)) if verb == "approve" else ""
            what = await self.do(lambda: self._what(caller, button))
            await self._channel.show(heard, forms.why_form(verb, button._asdict(), what=what, alone=alone))
            return
        match heard.action:
            case "approve":
                await self._approve(heard, caller, button, "")
            case "look":
                await proposing.look(self, heard, caller, button.run)
            case "details":
                await self._channel.whisper(heard, await self.do(lambda: self._details(heard, caller, button)))
            case _:
                await self._ask(heard, caller, button.run, Asking(heard.action))

    def _is_shown(self, heard: Heard, button: Button) -> None:
        if not self._knows(heard.room, button.run, button.nonce):
            raise UsageError("this button is of a message that counts no more", hint="use the newest one, or a command")

    def _may(self, heard: Heard, caller: Caller, button: Button, verb: str) -> None:
        if verb == "dismiss":
            permit_any(caller, verb)
        else:
            self._of_this_room(heard, self.reception.row(caller, button.run, verb).site)

    def _details(self, heard: Heard, caller: Caller, button: Button) -> Words:
        site = self.reception.row(caller, button.run, "why").site
        self._of_this_room(heard, site)
        document = self.reception.why(caller, button.run)
        lines = [one_line(document["waits_for"]), one_line(document["safe"])]
        lines += [f"{choice['command']}: {one_line(choice['leads_to'], 200)}" for choice in document["choices"]]
        return ("\n".join(lines[:14]),)

    # ---- what was filled in

    async def _filled(self, heard: Heard) -> None:
        caller = await self.do(lambda: self.caller(heard))
        match heard.action:
            case "why":
                await self._reasoned(heard, caller)
            case "choose":
                await starting.chosen(self, heard, caller)
            case "inputs":
                await starting.planned(self, heard, caller)
            case "plan":
                await starting.started(self, heard, caller)
            case "begin":
                await proposing.begun(self, heard, caller)
            case _:
                raise UsageError("this form is none of relight's")

    async def _reasoned(self, heard: Heard, caller: Caller) -> None:
        about = {name: str(heard.state.get(name, ""))[:100] for name in _ABOUT}
        verb, reason = str(heard.state.get("verb", "")), str(heard.fields.get("reason", "")).strip()
        if verb not in WITH_REASON:
            raise UsageError("this form is none of relight's")
        if verb == "dismiss":
            await proposing.dismissed(self, heard, caller, about["run"], reason)
            return
        subject = ""
        if verb == "skip":
            subject = about["ticket"].rpartition("/")[0]
            await self.do(lambda: self._still_asks(caller, about))
        gate = verb in ("approve", "deny")
        asking = Asking(
            verb,
            subject=subject,
            ticket=about["ticket"] if gate else "",
            scope_digest=about["digest"] if verb == "approve" else "",
            reason=reason,
            confirmed=str(heard.fields.get("confirmed", "")).strip()[:100],
        )
        await self._ask(heard, caller, about["run"], asking)

    def _still_asks(self, caller: Caller, about: Mapping[str, str]) -> None:
        gate = self.reception.status(caller, about["run"])["gate"]
        if gate is None or gate["ticket"] != about["ticket"]:
            raise UsageError(
                f"{about['ticket']} does not ask any more; nothing was skipped", hint="look at the run again"
            )

    # ---- deciding

    async def _approve(self, heard: Heard, caller: Caller, button: Button, reason: str) -> None:
        """Approve, unless that takes a reason that was not given: then ask why."""
        alone = await self.do(lambda: self._alone(caller, button))
        risky = await self.do(lambda: self._risky(caller, button))
        if alone or (risky and not reason):
            what = await self.do(lambda: self._what(caller, button))
            await self._channel.show(heard, forms.why_form("approve", button._asdict(), what=what, alone=alone))
            return
        asking = Asking("approve", ticket=button.ticket, scope_digest=button.digest, reason=reason)
        await self._ask(heard, caller, button.run, asking)

    def _alone(self, caller: Caller, button: Button) -> str:
        """Return the site's name if this person could only open the gate alone, by the site's rule, and may now."""
        from relight.control.wording import from_instant, now_ms

        row = self.reception.row(caller, button.run, "approve")
        gate = self.reception.status(caller, button.run)["gate"]
        if gate is None or gate["ticket"] != button.ticket or gate["alone_from"] is None:
            return ""
        is_time = now_ms() >= (from_instant(gate["alone_from"]) or 0)
        return row.site if caller.of(row.site).person == row.starter and is_time else ""

    def _what(self, caller: Caller, button: Button) -> str:
        if proposing.is_proposal(button.run):
            return ""
        return asked_about(self.reception.status(caller, button.run), button.ticket)

    def _risky(self, caller: Caller, button: Button) -> bool:
        from relight.control.choosing import is_risky

        gate = self.reception.status(caller, button.run)["gate"]
        return gate is not None and gate["ticket"] == button.ticket and is_risky(gate)

    async def _ask(self, heard: Heard, caller: Caller, run: str, asking: Asking) -> None:
        def ask() -> str:
            self._of_this_room(heard, self.reception.row(caller, run, asking.verb).site)
            return str(self.reception.ask(caller, run, asking, key=heard.deed)["says"])

        says = await self.do(ask)
        self._decided()
        await self._channel.whisper(heard, (one_line(says),))

    # ---- shared with starting

    @property
    def channel(self) -> Channel:
        """The channel."""
        return self._channel

    def decided(self) -> None:
        """Say that something may have changed."""
        self._decided()

    def caller(self, heard: Heard) -> Caller:
        """Return who it is, as the sites of this room know them: whoever is known elsewhere is nobody here.

        Raises:
            NotPermitted: it is a program, nobody knows them, or no site is talked about in this room.
        """
        if heard.who.program:
            raise NotPermitted("a program said this, and only people are heard here", hint="a person says it")
        here = [site for site, room in self._rooms().items() if room == heard.room]
        caller = self.reception.caller_at(self._channel.name, *heard.who.ids, proof=self._channel.name)
        at = {site: identity for site, identity in caller.at.items() if site in here}
        if not at:
            where = f"the room of {' or '.join(sorted(caller.at))}" if not here else "the room of a site that knows you"
            raise NotPermitted("nothing that you may do is done in this channel", hint=f"say it in {where}")
        return Caller(caller.door, at)

    def _of_this_room(self, heard: Heard, site: str) -> None:
        if self._rooms().get(site) != heard.room:
            raise NotPermitted(f"runs of {site} are not decided in this channel", hint=f"say it in the room of {site}")

    async def do(self, work: Callable[[], T]) -> T:
        """Return what *work* returns, from a thread of ours.

        Raises:
            UsageError: too much waits already, or it takes too long.
        """
        if self._waiting >= WAITING_MAX:
            raise UsageError("too much is asked at this moment", hint="say it again, or use a command on the host")
        self._waiting += 1
        try:
            doing: Awaitable[T] = asyncio.get_running_loop().run_in_executor(self._threads, work)
            return await asyncio.wait_for(asyncio.shield(doing), DO_S)
        except TimeoutError:
            raise UsageError(
                f"no answer in {DO_S:g} s; it may still be done", hint="look before you ask again"
            ) from None
        finally:
            self._waiting -= 1


def permit_any(caller: Caller, verb: str) -> None:
    """Return quietly if they may do that at one site of this room; which one it is about is looked at later.

    Raises:
        NotPermitted: they may nowhere.
    """
    refusals = []
    for identity in caller.at.values():
        try:
            permit(identity, verb)
        except NotPermitted as refusal:
            refusals.append(refusal)
    if len(refusals) == len(caller.at):
        raise refusals[0]


def _joined(lines: list[Words]) -> list[Words]:
    """Return lines as one text, as far as words go."""
    whole: list[Any] = []
    for line in lines:
        whole += [*line, "\n"]
    return [tuple(whole[:-1])]
