"""What Slack sends, as what was heard; everything in it is data, and whatever is missing is missing.

Who somebody is comes from the ids that Slack signs for, never from a name. A guest from another workspace is known
by that workspace's id.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from relight.chat.channel import WORDS_MAX, Heard, Who
from relight.chat.slack.rendering import PREFIX

SLACKBOT = "USLACKBOT"


class Us(NamedTuple):
    """Who we are there, once Slack has said so."""

    team: str = ""
    user: str = ""


class Back:
    """Where an answer to something goes, and the form that is open for it.

    Attributes:
        first: Takes the form that is shown first, while a form that was sent is not acknowledged yet.
        settled: Is set once Slack shows what it was acknowledged with: a change that came sooner would be lost.
    """

    __slots__ = ("answer_url", "first", "room", "settled", "trigger", "user", "view")

    def __init__(self, *, room: str, user: str, trigger: str = "", answer_url: str = "", view: str = "") -> None:
        self.room = room
        self.user = user
        self.trigger = trigger
        self.answer_url = answer_url
        self.view = view
        self.first: asyncio.Future[dict[str, Any]] | None = None
        self.settled: asyncio.Event | None = None


def command(body: Mapping[str, Any], us: Us) -> Heard:
    """Return a slash command."""
    room, user, trigger = _text(body, "channel_id"), _text(body, "user_id"), _text(body, "trigger_id")
    name = f"c {trigger}" if trigger else _digest(body)
    back = Back(room=room, user=user, trigger=trigger, answer_url=_text(body, "response_url"))
    who = _who(_text(body, "team_id"), user, us, is_program=bool(body.get("bot_id")))
    return Heard(
        kind="command", id=name, deed=name, who=who, room=room, words=_text(body, "text")[:WORDS_MAX], back=back
    )


def click(body: Mapping[str, Any], us: Us) -> Heard:
    """Return a click on a button."""
    actions = body.get("actions")
    action = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], Mapping) else {}
    container, message = _part(body, "container"), _part(body, "message")
    room = _text(_part(body, "channel"), "id") or _text(container, "channel_id")
    trigger, user = _text(body, "trigger_id"), _part(body, "user")
    name = f"b {trigger} {_text(action, 'action_ts')}" if trigger else _digest(body)
    back = Back(room=room, user=_text(user, "id"), trigger=trigger, answer_url=_text(body, "response_url"))
    return Heard(
        kind="click",
        id=name,
        deed=name,
        who=_member(body, user, us),
        room=room,
        action=_text(action, "action_id").removeprefix(PREFIX),
        value=_text(action, "value"),
        message=_text(message, "ts") or _text(container, "message_ts"),
        back=back,
    )


def submission(body: Mapping[str, Any], us: Us) -> Heard:
    """Return a form that was sent."""
    view, user = _part(body, "view"), _part(body, "user")
    carried = _carried(_text(view, "private_metadata"))
    room, name = _text(carried, "room"), _text(view, "callback_id").removeprefix(PREFIX)
    trigger = _text(body, "trigger_id")
    told = f"f {_text(view, 'id')} {name} {trigger or _text(view, 'hash')}"
    values = _part(_part(view, "state"), "values")
    return Heard(
        kind="form",
        id=told,
        deed=f"v {_text(view, 'id')} {name}",
        who=_member(body, user, us),
        room=room,
        action=name,
        fields={field: _value(block) for field, block in values.items() if isinstance(block, Mapping)},
        state={key: text for key, text in _part(carried, "state").items() if isinstance(text, str)},
        back=Back(room=room, user=_text(user, "id"), trigger=trigger, view=_text(view, "id")),
    )


def is_understood(body: str, kind: str) -> bool:
    """Return whether the body of a request is what Slack sends: a form, or an object; its client breaks on others."""
    try:
        if "json" in kind or body.startswith("{"):
            return isinstance(json.loads(body), Mapping)
        payloads = dict(parse_qsl(body, keep_blank_values=True)).get("payload", "{}")
        return isinstance(json.loads(payloads), Mapping)
    except (ValueError, RecursionError):
        return False


def address_with(messages: Any, kind: str, key: str, us: Us) -> str:
    """Return the address of the message that has this key in its metadata, and that is ours; empty if none has."""
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, Mapping):
            continue
        metadata = _part(message, "metadata")
        is_ours = not us.user or _text(message, "user") in ("", us.user)
        if is_ours and _text(metadata, "event_type") == kind and _text(_part(metadata, "event_payload"), "key") == key:
            return _text(message, "ts")
    return ""


def next_page(answer: Any) -> str:
    """Return what leads to the messages after these; empty on the last page."""
    metadata = answer.get("response_metadata")
    return _text(metadata, "next_cursor") if isinstance(metadata, Mapping) else ""


def _member(body: Mapping[str, Any], user: Mapping[str, Any], us: Us) -> Who:
    team = _text(user, "team_id") or _text(_part(body, "team"), "id")
    return _who(team, _text(user, "id"), us, is_program=bool(user.get("is_bot") or body.get("bot_id")))


def _who(team: str, user: str, us: Us, *, is_program: bool) -> Who:
    ids = [f"{team}/{user}"] if team and user else []
    if user and team and team == us.team:
        ids.append(user)
    return Who(tuple(ids), program=is_program or user in (SLACKBOT, us.user) or not user)


def _value(block: Mapping[str, Any]) -> str:
    element = block.get("it")
    if not isinstance(element, Mapping):
        return ""
    chosen = _part(element, "selected_option")
    return _text(chosen, "value") if chosen else _text(element, "value")


def _carried(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _part(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = tree.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(tree: Mapping[str, Any], name: str) -> str:
    found = tree.get(name)
    return found if isinstance(found, str) else ""


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()[:32]
