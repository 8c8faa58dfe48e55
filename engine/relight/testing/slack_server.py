"""A Slack of our own: the Web API, Socket Mode, forms and answers, as strict as the real one, for the real client.

It runs in a thread, so that a test plays the people while a serve in another process, or a loop in this one, is the
app. Whatever it is sent is held against Slack's own limits, and a breach is an error to the app and a note to the test.
"""

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import json
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple
from urllib.parse import urlencode

from aiohttp import WSMsgType, web

from relight.testing.slack_history import history, replies
from relight.testing.slack_rules import breaches, seen_text

TEAM, APP, BOT_USER = "T1", "A1", "UBOT"
BOT_TOKEN, APP_TOKEN = "xoxb-fake-token-of-a-bot", "xapp-fake-token-of-an-app"
SIGNING = "a signing secret of the fake"
ACK_S = 3.0
TRIGGER_S = 3.0
ANSWERS_MAX = 5


class Call(NamedTuple):
    """One call of the app."""

    method: str
    args: dict[str, Any]
    at: float


class Ack(NamedTuple):
    """How the app acknowledged something; *in_time* is what Slack cares for."""

    in_time: bool
    payload: Any
    seconds: float


class FakeSlack:
    """One workspace with channels, people and an app.

    Attributes:
        calls: What the app called, in order.
        messages: What stands in channels: (channel, address) to its arguments.
        whispered: What one person alone was told: (member, text), in order.
        views: The form that each member sees.
        broken: What the app sent against Slack's rules.
        down: Nothing answers, and no socket stays open.
        removed: Channels where the app is no member.
        may_read: The app was given the scope to read its channels.
    """

    def __init__(self, channels: tuple[str, ...] = ("C1", "C2")) -> None:
        self.channels = channels
        self.calls: list[Call] = []
        self.messages: dict[tuple[str, str], dict[str, Any]] = {}
        self.whispered: list[tuple[str, str]] = []
        self.views: dict[str, dict[str, Any]] = {}
        self.broken: list[str] = []
        self.down = False
        self.removed: set[str] = set()
        self.may_read = True
        self._limits: list[int] = []
        self._lost_answers = 0
        self._sockets: list[web.WebSocketResponse] = []
        self._came = asyncio.Event()
        self._acks: dict[str, tuple[asyncio.Future[Any], Mapping[str, Any]]] = {}
        self._triggers: dict[str, tuple[float, str]] = {}
        self._answers: dict[str, tuple[str, int]] = {}
        self._numbers = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-slack", daemon=True)
        self._runner: web.AppRunner | None = None
        self.port = 0

    # ---- its life

    def start(self) -> "FakeSlack":
        """Listen on a port of loopback."""
        self._thread.start()
        self._do(self._listen())
        return self

    def stop(self) -> None:
        """Let go of it."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def url(self) -> str:
        """What ``SLACK_API_URL`` is set to."""
        return f"http://127.0.0.1:{self.port}/api/"

    async def _listen(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._called)
        app.router.add_get("/link", self._linked)
        app.router.add_post("/answers/{id}", self._answered)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _end(self) -> None:
        await self._drop()
        if self._runner is not None:
            await self._runner.cleanup()

    def _do(self, work: Any, within_s: float = 20.0) -> Any:
        doing: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return doing.result(within_s)

    # ---- bad moments

    def go_down(self) -> None:
        """Answer nothing and drop every socket, until it comes back."""
        self.down = True
        self._do(self._drop())

    def come_back(self) -> None:
        """Answer again."""
        self.down = False

    def drop_sockets(self) -> None:
        """Close the sockets, as Slack does now and then."""
        self._do(self._drop())

    def want_patience(self, calls: int, after_s: int = 1) -> None:
        """Answer the next *calls* that show something with 429."""
        self._limits = [after_s] * calls

    def lose_answers(self, calls: int) -> None:
        """Do what the next *calls* ask, and break the connection before the answer."""
        self._lost_answers = calls

    async def _drop(self) -> None:
        for socket in list(self._sockets):
            await socket.close()

    @property
    def connected(self) -> bool:
        """Whether the app listens."""
        return any(not socket.closed for socket in self._sockets)

    # ---- people

    def command(
        self, member: str, text: str, *, channel: str = "C1", team: str = TEAM, name: str = "/relight", **more: Any
    ) -> dict[str, Any]:
        """Return the envelope of a slash command."""
        payload = {
            "command": name,
            "text": text,
            "channel_id": channel,
            "user_id": member,
            "user_name": "somebody",
            "team_id": team,
            "api_app_id": APP,
            "trigger_id": self._trigger(member),
            "response_url": self._answer_url(member),
            "is_enterprise_install": "false",
            **more,
        }
        return _envelope("slash_commands", payload)

    def click(
        self, member: str, address: str, label: str, *, channel: str = "C1", team: str = TEAM, **more: Any
    ) -> dict[str, Any]:
        """Return the envelope of a click on the button of that label, as the message shows it now."""
        message = self.messages[channel, address]
        buttons = [each for block in message["blocks"] if block["type"] == "actions" for each in block["elements"]]
        (button,) = [each for each in buttons if each["text"]["text"] == label]
        return self.click_on(member, button["action_id"], button["value"], address, channel=channel, team=team, **more)

    def click_on(
        self,
        member: str,
        action: str,
        value: str,
        address: str,
        *,
        channel: str = "C1",
        team: str = TEAM,
        **more: Any,
    ) -> dict[str, Any]:
        """Return the envelope of a click on a button that may or may not be there."""
        payload = {
            "type": "block_actions",
            "user": {"id": member, "username": "somebody", "team_id": team, **more.pop("user", {})},
            "team": {"id": TEAM},
            "api_app_id": APP,
            "trigger_id": self._trigger(member),
            "channel": {"id": channel},
            "message": {"ts": address},
            "container": {"type": "message", "message_ts": address, "channel_id": channel},
            "response_url": self._answer_url(member),
            "actions": [
                {"action_id": action, "block_id": "b", "type": "button", "value": value, "action_ts": f"{time.time()}"}
            ],
            **more,
        }
        return _envelope("interactive", payload)

    def submission(self, member: str, *, team: str = TEAM, **values: str) -> dict[str, Any]:
        """Return the envelope of the form that this member sees, filled in; what is not named stays as it is."""
        view = self.views[member]
        filled: dict[str, Any] = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                filled[block["block_id"]] = {"it": _value(block["element"], values.get(block["block_id"]))}
        payload = {
            "type": "view_submission",
            "user": {"id": member, "team_id": team},
            "team": {"id": TEAM},
            "api_app_id": APP,
            "trigger_id": self._trigger(member),
            "view": {**view, "state": {"values": filled}},
        }
        return _envelope("interactive", payload)

    def send(self, envelope: Mapping[str, Any]) -> Ack:
        """Push an envelope through the newest socket and return how it was acknowledged; it may be sent again."""
        ack: Ack = self._do(self._push(dict(envelope)))
        return ack

    def signed(self, envelope: Mapping[str, Any], *, secret: str = SIGNING, at: int | None = None) -> Any:
        """Return the same as a request over HTTP: its body and its headers."""
        payload = envelope["payload"]
        fields = payload if envelope["type"] == "slash_commands" else {"payload": json.dumps(payload)}
        body = urlencode(fields).encode()
        timestamp = str(int(time.time()) if at is None else at)
        signature = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": timestamp,
            "x-slack-signature": f"v0={signature}",
        }
        return body, headers

    def texts(self, channel: str = "C1", *, thread: str | None = "") -> list[tuple[str, str]]:
        """Return what stands in a channel, each with its address; *thread*: under that message, None: everything."""
        return [
            (address, seen_text(message))
            for (room, address), message in list(self.messages.items())
            if room == channel and (thread is None or (message.get("thread_ts") or "") == thread)
        ]

    def _closed(self, member: str, ack: Any) -> None:
        action = (ack or {}).get("response_action", "") if isinstance(ack, dict) else ""
        if action == "update":
            self._put_view(member, ack["view"], self.views[member]["id"])
        elif action != "errors":
            self.views.pop(member, None)

    # ---- what the app calls

    async def _called(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        args = await _arguments(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or args.pop("token", "")
        if self.down:
            assert request.transport is not None
            request.transport.close()
            return web.Response(status=503)
        self.calls.append(Call(method, args, time.time()))
        if self._limits and method in ("chat.postMessage", "chat.update"):
            after = str(self._limits.pop(0))
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": after})
        if token not in (BOT_TOKEN, APP_TOKEN):
            return _no("invalid_auth")
        doing = getattr(self, f"_on_{method.replace('.', '_')}", None)
        answer = _no("unknown_method") if doing is None else doing(args, token)
        if self._lost_answers and method == "chat.postMessage":
            self._lost_answers -= 1
            assert request.transport is not None
            request.transport.close()
        return answer

    def _on_auth_test(self, _args: dict[str, Any], _token: str) -> web.Response:
        return _yes(team_id=TEAM, user_id=BOT_USER, bot_id="BBOT", url="http://fake/", team="fake", user="relight")

    def _on_apps_connections_open(self, _args: dict[str, Any], token: str) -> web.Response:
        if token != APP_TOKEN:
            return _no("not_allowed_token_type")
        return _yes(url=f"ws://127.0.0.1:{self.port}/link?ticket={uuid.uuid4()}")

    def _on_chat_postMessage(self, args: dict[str, Any], _token: str) -> web.Response:  # noqa: N802
        if args["channel"] not in self.channels:
            return _no("channel_not_found")
        if args["channel"] in self.removed:
            return _no("not_in_channel")
        if found := breaches(args):
            self.broken += found
            return _no("invalid_blocks")
        if args.get("thread_ts") and (args["channel"], args["thread_ts"]) not in self.messages:
            return _no("thread_not_found")
        address = f"{int(time.time())}.{next(self._numbers):06d}"
        self.messages[args["channel"], address] = args
        return _yes(channel=args["channel"], ts=address)

    def _on_chat_update(self, args: dict[str, Any], _token: str) -> web.Response:
        if (args["channel"], args["ts"]) not in self.messages:
            return _no("message_not_found")
        if found := breaches(args):
            self.broken += found
            return _no("invalid_blocks")
        self.messages[args["channel"], args["ts"]].update(args)
        return _yes(channel=args["channel"], ts=args["ts"])

    def _on_conversations_history(self, args: dict[str, Any], _token: str) -> web.Response:
        if refusal := self._unread(args):
            return _no(refusal)
        return _yes(**history(self.messages, args["channel"], args, by=BOT_USER))

    def _on_conversations_replies(self, args: dict[str, Any], _token: str) -> web.Response:
        if refusal := self._unread(args):
            return _no(refusal)
        found = replies(self.messages, args["channel"], args, by=BOT_USER)
        return _no("thread_not_found") if found is None else _yes(**found)

    def _unread(self, args: Mapping[str, Any]) -> str:
        if not self.may_read:
            return "missing_scope"
        return "not_in_channel" if args["channel"] in self.removed else ""

    def _on_chat_postEphemeral(self, args: dict[str, Any], _token: str) -> web.Response:  # noqa: N802
        if args["channel"] in self.removed:
            return _no("not_in_channel")
        self.broken += breaches(args)
        self.whispered.append((args["user"], seen_text(args)))
        return _yes(message_ts="1.1")

    def _on_views_open(self, args: dict[str, Any], _token: str) -> web.Response:
        at, member = self._triggers.pop(args.get("trigger_id", ""), (0.0, ""))
        if time.time() - at > TRIGGER_S:
            return _no("expired_trigger_id")
        if found := breaches(args["view"]):
            self.broken += found
            return _no("invalid_arguments")
        return _yes(view=self._put_view(member, args["view"], f"V{next(self._numbers)}"))

    def _on_views_update(self, args: dict[str, Any], _token: str) -> web.Response:
        for member, view in self.views.items():
            if view["id"] == args.get("view_id"):
                if found := breaches(args["view"]):
                    self.broken += found
                    return _no("invalid_arguments")
                return _yes(view=self._put_view(member, args["view"], view["id"]))
        return _no("not_found")

    def _put_view(self, member: str, view: Mapping[str, Any], name: str) -> dict[str, Any]:
        self.views[member] = {**view, "id": name, "hash": f"h{next(self._numbers)}"}
        return self.views[member]

    async def _answered(self, request: web.Request) -> web.Response:
        member, left = self._answers.get(request.match_info["id"], ("", 0))
        if self.down or not left:
            return web.Response(status=404, text="expired_url")
        self._answers[request.match_info["id"]] = member, left - 1
        args = await request.json()
        self.broken += breaches(args)
        self.calls.append(Call("response_url", args, time.time()))
        self.whispered.append((member, seen_text(args)))
        return web.Response(text="ok")

    # ---- the socket

    async def _linked(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        self._came.set()
        await socket.send_json(
            {"type": "hello", "num_connections": len(self._sockets), "connection_info": {"app_id": APP}}
        )
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._acknowledged(message.data)
        finally:
            self._sockets.remove(socket)
        return socket

    def _acknowledged(self, text: str) -> None:
        with contextlib.suppress(ValueError):
            told = json.loads(text)
            waiting, sent = self._acks.get(told.get("envelope_id", ""), (None, {}))
            if waiting is not None and not waiting.done():
                if sent.get("type") == "view_submission":
                    self._closed(sent["user"]["id"], told.get("payload"))
                waiting.set_result(told.get("payload"))

    async def _push(self, envelope: dict[str, Any]) -> Ack:
        while not self.connected:
            self._came.clear()
            await self._came.wait()
        waiting = asyncio.get_running_loop().create_future()
        self._acks[envelope["envelope_id"]] = waiting, envelope["payload"]
        began = time.monotonic()
        await self._sockets[-1].send_json(envelope)
        try:
            payload = await asyncio.wait_for(waiting, ACK_S)
        except TimeoutError:
            return Ack(False, None, ACK_S)
        return Ack(True, payload, time.monotonic() - began)

    def _trigger(self, member: str) -> str:
        trigger = f"{next(self._numbers)}.{uuid.uuid4().hex}"
        self._triggers[trigger] = time.time(), member
        return trigger

    def _answer_url(self, member: str) -> str:
        name = uuid.uuid4().hex
        self._answers[name] = member, ANSWERS_MAX
        return f"http://127.0.0.1:{self.port}/answers/{name}"


def _envelope(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"envelope_id": str(uuid.uuid4()), "type": kind, "payload": payload, "accepts_response_payload": True}


def _value(element: Mapping[str, Any], given: str | None) -> dict[str, Any]:
    if element["type"] == "static_select":
        chosen = element.get("initial_option")
        if given is not None:
            (chosen,) = [option for option in element["options"] if option["value"] == given]
        return {"type": element["type"], "selected_option": chosen}
    return {"type": element["type"], "value": given if given is not None else element.get("initial_value")}


async def _arguments(request: web.Request) -> dict[str, Any]:
    args: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        args.update(await request.json())
    else:
        args.update({name: str(value) for name, value in (await request.post()).items()})
    for name in ("blocks", "view"):
        if isinstance(args.get(name), str):
            args[name] = json.loads(args[name])
    return args


def _yes(**fields: Any) -> web.Response:
    return web.json_response({"ok": True, **fields})


def _no(error: str) -> web.Response:
    return web.json_response({"ok": False, "error": error})
