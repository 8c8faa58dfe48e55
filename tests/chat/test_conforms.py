"""Every channel passes the same suite: Slack through the real Bolt client, and the guide's, which is of paper."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from relight.chat.channel import Channel
from relight.chat.slack.channel import Slack
from relight.chat.slack.settings import Settings
from relight.testing.channels import ChannelConformance, Seen, Shape
from relight.testing.slack_server import APP_TOKEN, BOT_TOKEN, SIGNING, Ack, FakeSlack


def _paper() -> ModuleType:
    spec = importlib.util.spec_from_file_location("relight_paper", Path(__file__).with_name("paper.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["relight_paper"] = module
    spec.loader.exec_module(module)
    return module


class TestPaper(ChannelConformance):
    """The channel of the guide."""

    def peer(self) -> Any:
        """Return people before a wall of paper."""
        return _paper().people()


class Desk:
    """As much of a reception as a line to Slack needs."""

    def __init__(self) -> None:
        self.hooks: dict[str, Any] = {}
        self.broke: list[BaseException] = []

    def report(self, _what: str, error: BaseException) -> None:
        """Keep a defect."""
        self.broke.append(error)


class Members:
    """The people of a Slack of ours."""

    room = "C1"

    def __init__(self, slack: FakeSlack, channel: Slack) -> None:
        self.slack = slack
        self.channel = channel
        self._last: dict[str, Any] = {}

    async def seen(self) -> list[Seen]:
        """Return what stands in the channel."""
        return [
            Seen(address, text, tuple(_buttons(self.slack.messages["C1", address])), _thread(self.slack, address))
            for address, text in self.slack.texts(thread=None)
        ]

    async def whispers(self, member: str) -> list[str]:
        """Return what they were told."""
        return [text for who, text in self.slack.whispered if who == member]

    async def form(self, member: str) -> Shape | None:
        """Return the view that they see."""
        view = self.slack.views.get(member)
        if view is None:
            return None
        texts = tuple(block["text"]["text"] for block in view["blocks"] if block["type"] == "section")
        fields = tuple(block["label"]["text"] for block in view["blocks"] if block["type"] == "input")
        return Shape(view["title"]["text"], texts, fields)

    async def say(self, member: str, words: str) -> None:
        """Type a command."""
        await self._send(self.slack.command(member, words))

    async def click(self, member: str, address: str, label: str) -> None:
        """Click a button."""
        await self._send(self.slack.click(member, address, label))

    async def fill(self, member: str, **fields: str) -> Mapping[str, str]:
        """Send a form."""
        ack = await self._send(self.slack.submission(member, **fields))
        return ack.payload["errors"] if ack.payload and ack.payload.get("response_action") == "errors" else {}

    async def again(self) -> None:
        """Deliver the last envelope once more."""
        await self._send(self._last)

    async def remove(self, address: str) -> None:
        """Remove a message."""
        del self.slack.messages["C1", address]

    async def go_away(self) -> None:
        """Let Slack be down."""
        await asyncio.to_thread(self.slack.go_down)

    async def come_back(self) -> None:
        """Let it be up."""
        self.slack.come_back()

    async def lose_answers(self, calls: int) -> None:
        """Break the connection before the answer."""
        self.slack.lose_answers(calls)

    async def want_patience(self, calls: int) -> None:
        """Answer with 429."""
        self.slack.want_patience(calls)

    def meaning(self) -> list[str]:
        """Return what Slack would have read as something else than text."""
        return self.slack.broken

    async def _send(self, envelope: dict[str, Any]) -> Ack:
        self._last = envelope
        ack = await asyncio.to_thread(self.slack.send, envelope)
        assert ack.in_time
        return ack


@asynccontextmanager
async def members() -> AsyncIterator[Members]:
    """Give people in a Slack of ours."""
    slack = FakeSlack().start()
    desk = Desk()
    settings = Settings(bot_token=BOT_TOKEN, app_token=APP_TOKEN, signing=(SIGNING,), url=slack.url)
    made = Members(slack, Slack(settings, desk))  # type: ignore[arg-type]
    try:
        yield made
    finally:
        await asyncio.to_thread(slack.stop)
    assert slack.broken == []
    assert desk.broke == []
    assert json.dumps(BOT_TOKEN) not in json.dumps([call.args for call in slack.calls])


class TestSlack(ChannelConformance):
    """Slack, as the real client sees it."""

    def peer(self) -> Any:
        """Return people in a Slack of ours."""
        return members()


def _buttons(message: Mapping[str, Any]) -> list[str]:
    return [
        each["text"]["text"] for block in message["blocks"] if block["type"] == "actions" for each in block["elements"]
    ]


def _thread(slack: FakeSlack, address: str) -> str:
    return str(slack.messages["C1", address].get("thread_ts") or "")


def test_the_guide_tells_of_the_whole_port() -> None:
    """What a channel has to do is in the guide's table, each with a row; nothing else is."""
    guide = (Path(__file__).parents[2] / "engine/relight/chat/README.md").read_text()
    told = set(re.findall(r"^\| `([a-z]+)", guide, re.MULTILINE))
    assert told == {name for name in vars(Channel) if not name.startswith("_")} | set(Channel.__annotations__)
