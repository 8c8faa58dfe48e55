"""The line to Slack: Bolt listens, over Socket Mode or HTTP, and one client sends.

Whatever Slack sends is acknowledged before anything is done about it: it waits three seconds and no longer.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from relight.chat.channel import Away, ChannelError, Ear, Form, Gone, Heard, Message, Refused, Words
from relight.chat.slack import reading, rendering
from relight.chat.slack.reading import Back, Us
from relight.chat.slack.settings import Settings
from relight.chat.slack.signed import is_first, is_signed
from relight.control.reception import HookAnswer
from relight.errors import JournalError

if TYPE_CHECKING:
    from relight.control.reception import Hook, Reception

T = TypeVar("T")

COMMAND = "/relight"
CALL_S = 10
"""For one call; the network may be slow, and the desk has other rooms."""
PING_S = 5.0
CONNECTING_S = 10.0
"""So long without a socket is no trouble yet: Slack renews each now and then."""
AGAIN_S = 5.0
CLOSE_S = 1.0
SOON_S = 1.0
"""What is done so soon is shown at once, and no form that asks for patience before it; Slack waits for three."""
SETTLES_S = 0.3
"""An acknowledgement goes through the socket, and a change of its form through a call, which may be the quicker one."""
PATIENCE_MAX_S = 300.0
METADATA = "relight_message"
CLOCKS_MS = 300_000
"""So much may Slack's clock be behind ours; a signed request may be as far off."""
PAGE_MAX, PAGES_MAX = 200, 5
"""A thousand messages since the first attempt: in a channel where more is said nobody waits for a second copy."""
BLIND = frozenset({"missing_scope", "no_permission", "not_allowed_token_type", "access_denied"})
"""What Slack says to an app that may write in a channel and not read there."""
GONE = frozenset({"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"})
UNFIT = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "no_text"})
"""What Slack says of a message that it will never take; everything else may be mended by somebody."""
MEND = {
    "not_in_channel": "relight is no member of the channel; invite it there",
    "channel_not_found": "there is no such channel, or relight may not see it",
    "is_archived": "the channel is archived",
    "invalid_auth": "the token is not good; the site's document says where it is",
    "token_revoked": "the token was revoked",
    "account_inactive": "the app is no member of the workspace any more",
    "missing_scope": "the app lacks a scope; it needs chat:write and commands",
}
"""What people can do something about, in words."""
EVERYTHING = re.compile(f"^{rendering.PREFIX}")


class Slack:
    """One app in one workspace."""

    name = "slack"

    def __init__(self, settings: Settings, reception: "Reception") -> None:
        self._settings = settings
        self._reception = reception
        # What Bolt would say goes nowhere: it may hold what somebody sent, and the addresses of sockets.
        self._logger = logging.getLogger("relight.chat.slack")
        self._logger.disabled = True
        self._logger.setLevel(logging.CRITICAL)
        self._client = AsyncWebClient(
            token=settings.bot_token, base_url=settings.url, timeout=CALL_S, logger=self._logger, retry_handlers=[]
        )
        self._us = Us()
        self._ear: Ear | None = None
        self._before: Hook | None = None
        self._socket: AsyncSocketModeHandler | None = None
        self._app = self._bolt()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._unconnected_since: float | None = None

    # ---- its life

    async def open(self, ear: Ear) -> None:
        """Begin to listen; a Slack that is away is tried again for as long as it takes."""
        self._ear = ear
        self._begin(self._introduce())
        if self._settings.app_token:
            self._socket = AsyncSocketModeHandler(
                self._app, self._settings.app_token, logger=self._logger, ping_interval=PING_S
            )
            self._begin(self._socket.connect_async())  # type: ignore[no-untyped-call]
        if self._settings.signing:
            self._before = self._reception.hooks.get(self.name)
            self._reception.hooks[self.name] = self._received

    async def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.client.closed = True
        if self._tasks:
            # A connection that is being made is let through and closed then: cut off, it would stay half open.
            await asyncio.wait(self._tasks, timeout=CLOSE_S)
        for task in list(self._tasks):
            task.cancel()
        for task in list(self._tasks):
            with suppress(asyncio.CancelledError, Exception):
                await task
        if self._socket is not None:
            await self._socket.close_async()  # type: ignore[no-untyped-call]

    @property
    def trouble(self) -> str:
        """Why nothing can be heard now."""
        if self._socket is None:
            return ""
        session = self._socket.client.current_session
        if session is not None and not session.closed and not self._socket.client.stale:
            self._unconnected_since = None
            return ""
        now = time.monotonic()
        self._unconnected_since = self._unconnected_since or now
        return "its socket is not connected" if now - self._unconnected_since > CONNECTING_S else ""

    def _begin(self, work: "Awaitable[Any]") -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._reception.report("slack", error)

    async def _introduce(self) -> None:
        """Ask who we are there: a member id without a team means ours."""
        while not self._us.team:
            with suppress(ChannelError):
                answer = await self._call(self._client.auth_test())
                self._us = Us(str(answer.get("team_id", "")), str(answer.get("user_id", "")))
                return
            await asyncio.sleep(AGAIN_S)

    # ---- showing

    async def post(self, room: str, message: Message, *, key: str, thread: str = "") -> str:
        """Show a message and return its address; its key is metadata, which people do not see."""
        answer = await self._call(
            self._client.chat_postMessage(
                channel=room,
                text=rendering.notice(message),
                blocks=rendering.blocks(message),
                thread_ts=thread or None,
                metadata={"event_type": METADATA, "event_payload": {"key": key}},
                parse="none",
                link_names=False,
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        return str(answer["ts"])

    async def find(self, room: str, key: str, *, since_ms: int, thread: str = "") -> str:
        """Return the address of our message with that key; empty too where the app may not read the channel."""
        words: dict[str, Any] = {
            "channel": room,
            "oldest": f"{max(0, since_ms - CLOCKS_MS) / 1_000:.3f}",
            "limit": PAGE_MAX,
            "include_all_metadata": True,
        }
        for _ in range(PAGES_MAX):
            replies, history = self._client.conversations_replies, self._client.conversations_history
            try:
                answer = await self._guarded(replies(ts=thread, **words) if thread else history(**words))
            except SlackApiError as error:
                if _code(error) in BLIND:
                    # As it was before it could look: a second copy is better than a gate that nobody sees.
                    return ""
                raise self._said_no(error) from None
            if found := reading.address_with(answer.get("messages"), METADATA, key, self._us):
                return found
            words["cursor"] = reading.next_page(answer)
            if not words["cursor"]:
                break
        return ""

    async def edit(self, room: str, address: str, message: Message) -> None:
        """Show something else in its place."""
        await self._call(
            self._client.chat_update(
                channel=room,
                ts=address,
                text=rendering.notice(message),
                blocks=rendering.blocks(message),
                parse="none",
                link_names=False,
            )
        )

    async def whisper(self, heard: Heard, words: Words) -> None:
        """Tell only that person: where they asked, or beside it."""
        text, blocks = rendering.whispered(words)
        back = _back(heard)
        if back.answer_url.startswith(self._settings.answers_at):
            webhook = AsyncWebhookClient(back.answer_url, timeout=CALL_S, logger=self._logger, retry_handlers=[])
            answer = await self._guarded(
                webhook.send(text=text, blocks=blocks, response_type="ephemeral", replace_original=False)
            )
            if answer.status_code == 200:
                return
        await self._call(self._client.chat_postEphemeral(channel=back.room, user=back.user, text=text, blocks=blocks))

    async def show(self, heard: Heard, form: Form) -> None:
        """Show that person a form, in place of the one that they see already."""
        back = _back(heard)
        view = _view(form, heard.room)
        if back.first is not None and not back.first.done():
            back.first.set_result(view)
            return
        if back.settled is not None:
            await back.settled.wait()
        if back.view:
            await self._call(self._client.views_update(view_id=back.view, view=view))
            return
        answer = await self._call(self._client.views_open(trigger_id=back.trigger, view=view))
        back.view = str(answer["view"]["id"])

    # ---- listening

    def _bolt(self) -> AsyncApp:
        async def authorize() -> AuthorizeResult:
            # Without any call: whoever sent it is judged by the site's people, and Slack may be slow just now.
            return AuthorizeResult(
                enterprise_id=None,
                team_id=self._us.team or None,
                bot_user_id=self._us.user or None,
                bot_token=self._settings.bot_token,
            )

        async def broke(error: Exception) -> None:
            self._reception.report("slack", error)

        app = AsyncApp(
            client=self._client,
            logger=self._logger,
            authorize=authorize,
            request_verification_enabled=False,  # ours is stricter, and has a memory
            signing_secret="",
        )
        app.error(broke)
        app.command(COMMAND)(self._on_command)
        app.action(EVERYTHING)(self._on_action)
        app.view(EVERYTHING)(self._on_view)
        return app

    async def _on_command(self, ack: Callable[..., Awaitable[Any]], body: dict[str, Any]) -> None:
        await ack()
        await self._hear(reading.command(body, self._us))

    async def _on_action(self, ack: Callable[..., Awaitable[Any]], body: dict[str, Any]) -> None:
        await ack()
        await self._hear(reading.click(body, self._us))

    async def _on_view(self, ack: Callable[..., Awaitable[Any]], body: dict[str, Any]) -> None:
        heard = reading.submission(body, self._us)
        assert self._ear is not None, "nothing is heard before it is opened"
        meeting = self._ear.meet(heard)
        if meeting.wrong:
            await ack(response_action="errors", errors=dict(meeting.wrong))
            return
        if meeting.form is not None:
            await self._answer(heard, _view(meeting.form, heard.room), ack)
            return
        await ack()
        _back(heard).view = ""  # an acknowledged form is closed
        if meeting.go:
            await self._ear.hear(heard)

    async def _answer(self, heard: Heard, meanwhile: dict[str, Any], ack: Callable[..., Awaitable[Any]]) -> None:
        """Do what a form says, and acknowledge it with what comes of that, or with *meanwhile* if it takes longer."""
        assert self._ear is not None, "nothing is heard before it is opened"
        back = _back(heard)
        back.first, back.settled = asyncio.get_running_loop().create_future(), asyncio.Event()
        doing = asyncio.ensure_future(self._ear.hear(heard))
        either: set[asyncio.Future[Any]] = {doing, back.first}
        await asyncio.wait(either, timeout=SOON_S, return_when=asyncio.FIRST_COMPLETED)
        first, back.first = back.first, None
        await ack(response_action="update", view=first.result() if first.done() else meanwhile)
        await asyncio.sleep(SETTLES_S)
        back.settled.set()
        await doing

    async def _hear(self, heard: Heard) -> None:
        assert self._ear is not None, "nothing is heard before it is opened"
        meeting = self._ear.meet(heard)
        if not meeting.go:
            return
        if meeting.form is not None:
            with suppress(ChannelError):
                await self.show(heard, meeting.form)
        await self._ear.hear(heard)

    async def _received(self, body: bytes, headers: Mapping[str, str]) -> HookAnswer:
        """Take what Slack sends over HTTP: nothing of it is looked at before its signature."""
        if not is_signed(body, headers, self._settings.signing):
            if self._before is not None:  # another app's, which has a secret of its own
                return await self._before(body, headers)
            return HookAnswer(401, b"not signed by Slack, or not now")
        try:
            if not await asyncio.to_thread(is_first, self._reception.journal, headers):
                return HookAnswer(200, b"")
        except JournalError:
            return HookAnswer(503, b"the journal is away")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return HookAnswer(400, b"not UTF-8")
        if not reading.is_understood(text, headers.get("content-type", "")):
            return HookAnswer(400, b"neither a form nor an object")
        sent: dict[str, str | Sequence[str]] = {"content-type": headers.get("content-type", "")}
        answer = await self._app.async_dispatch(AsyncBoltRequest(body=text, headers=sent))
        kind = answer.headers.get("content-type", ["text/plain; charset=utf-8"])[0]
        return HookAnswer(answer.status, (answer.body or "").encode(), kind)

    # ---- calls

    async def _call(self, calling: Awaitable[T]) -> T:
        """Return what Slack answers.

        Raises:
            Away, Gone, Refused: it does not; the text holds no secret.
        """
        try:
            return await self._guarded(calling)
        except SlackApiError as error:
            raise self._said_no(error) from None

    async def _guarded(self, calling: Awaitable[T]) -> T:
        try:
            return await calling
        except SlackApiError:
            raise
        except (aiohttp.ClientError, TimeoutError, OSError, SlackClientError, ValueError) as error:
            raise Away(f"Slack is not reached ({type(error).__name__})") from None

    def _said_no(self, error: SlackApiError) -> ChannelError:
        response: Any = error.response
        code = _code(error)
        status = int(getattr(response, "status_code", 0) or 0)
        if status == 429 or code in ("ratelimited", "rate_limited"):
            return Away("Slack wants patience", after_s=_patience(getattr(response, "headers", {}) or {}))
        said = MEND.get(code) or self._settings.secrets.redact(code or f"status {status}")
        if code in GONE:
            return Gone(f"Slack says {said}")
        if code in UNFIT:
            return Refused(f"Slack says {said}")
        return Away(f"Slack says {said}")


def _code(error: SlackApiError) -> str:
    response: Any = error.response
    return str(response.get("error", "")) if hasattr(response, "get") else ""


def _patience(headers: Mapping[str, Any]) -> float:
    found = next((value for name, value in headers.items() if str(name).lower() == "retry-after"), "1")
    try:
        return min(PATIENCE_MAX_S, max(1.0, float(found[0] if isinstance(found, list) else found)))
    except ValueError:
        return 1.0


def _back(heard: Heard) -> Back:
    assert isinstance(heard.back, Back), "what Slack says has a way back"
    return heard.back


def _view(form: Form, room: str) -> dict[str, Any]:
    try:
        return rendering.view(form, room)
    except ValueError as error:
        raise Refused(str(error)) from None
