"""What is particular to Slack: its socket, its signed requests, its limits, and what is never written anywhere."""

from __future__ import annotations

import http.client
import json
import re
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from relight.chat.channel import Message, Row
from relight.chat.slack.reading import Us, click, command, is_understood, submission
from relight.chat.slack.rendering import blocks, escaped, notice
from relight.chat.slack.settings import settings_of
from relight.chat.slack.signed import WINDOW_S, is_first, is_signed
from relight.errors import RelightError
from relight.journal.memory import MemoryJournal
from relight.testing.slack_rules import breaches
from relight.testing.slack_server import APP_TOKEN, BOT_TOKEN, SIGNING, FakeSlack

if TYPE_CHECKING:
    from tests.chat.conftest import Night

WITHIN_S = 90
NOW = 1_800_000_000
BODY = b"command=%2Frelight&text=help"


def signed(at: int = NOW, *, secret: str = SIGNING, body: bytes = BODY, signature: str = "") -> dict[str, str]:
    """Return the headers of a request that was signed at that time."""
    import hashlib
    import hmac

    made = "v0=" + hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": str(at), "x-slack-signature": signature or made}


@pytest.mark.parametrize(
    ("headers", "believed"),
    [
        (signed(), True),
        (signed(NOW - WINDOW_S), True),
        (signed(NOW + WINDOW_S), True),
        (signed(NOW - WINDOW_S - 1), False),
        (signed(NOW + WINDOW_S + 1), False),
        (signed(secret="the next secret"), True),
        (signed(secret="a stranger's"), False),
        (signed(body=BODY + b"&text=abort"), False),
        (signed(signature="v1=" + "0" * 64), False),
        (signed(signature="v0=" + "0" * 64), False),
        (signed(signature="v0=é"), False),
        (signed(signature=signed()["x-slack-signature"].upper()), False),
        (signed(signature=f"{signed()['x-slack-signature']}, {signed()['x-slack-signature']}"), False),
        ({**signed(), "x-slack-request-timestamp": "now"}, False),
        ({**signed(), "x-slack-request-timestamp": f" {NOW}"}, False),
        ({**signed(), "x-slack-request-timestamp": "٣"}, False),
        ({**signed(), "x-slack-request-timestamp": "9" * 30}, False),
        ({"x-slack-request-timestamp": str(NOW)}, False),
        ({"x-slack-signature": signed()["x-slack-signature"]}, False),
        ({}, False),
    ],
)
def test_only_what_slack_signed_just_now_is_believed(headers: dict[str, str], believed: bool) -> None:
    """One of two secrets while they change, five minutes each way, its very bytes; anything odd is no."""
    assert is_signed(BODY, headers, (SIGNING, "the next secret"), now_s=NOW) is believed


def test_nothing_is_believed_without_a_secret() -> None:
    """No secret, no request; an empty one is no secret either."""
    assert not is_signed(BODY, signed(), (), now_s=NOW)


def test_a_request_counts_once_for_all_serves() -> None:
    """The memory is the journal's: a second serve, and one that began anew, know it."""
    one = MemoryJournal()
    assert is_first(one, signed())
    assert not is_first(MemoryJournal(one.store), signed())
    assert is_first(one, signed(NOW + 1))


SECRETS = [BOT_TOKEN, APP_TOKEN, SIGNING]


def post(url: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Send one request."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=WITHIN_S)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_over_http(night: Night) -> None:
    """Without a socket: signed requests through the web's door; forged, late and replayed ones change nothing."""
    _without_socket(night)
    said = night.serve()
    url = re.search(r"http://[0-9.:]+", said)
    assert url is not None
    words = ("--site", str(night.site), "--yes", "--until-decision", "-o", "json")
    started = night.type("run", str(night.folder / "gated.runbook.yaml"), *words)
    run = json.loads(started.stdout)["run"]
    address = night.message("go on?", "2 boss")
    click_ana = night.slack.click("U1", address, "Approve")
    body, headers = night.slack.signed(click_ana)
    for wrong in (
        {**headers, "x-slack-signature": "v0=" + "0" * 64},
        {name: value for name, value in headers.items() if name != "x-slack-signature"},
        night.slack.signed(click_ana, at=int(time.time()) - 400)[1],
        night.slack.signed(click_ana, secret="another")[1],
    ):
        assert post(url[0], "/hooks/slack", body, wrong)[0] == 401
    assert post(url[0], "/hooks/nothing", body, headers)[0] == 404
    began = time.monotonic()
    assert post(url[0], "/hooks/slack", body, headers) == (200, "")
    assert time.monotonic() - began < 3
    night.message("ana approved in chat")
    for _ in range(3):
        assert post(url[0], "/hooks/slack", body, headers) == (200, "")
    again = night.slack.signed(click_ana, at=int(time.time()) + 1)
    assert post(url[0], "/hooks/slack", *again) == (200, "")
    assert [body["person"] for kind, body in night.story(run) if kind == "vote_cast"] == ["ana"]
    body, headers = night.slack.signed(night.slack.command("U1", "status"))
    assert post(url[0], "/hooks/slack", body, headers)[0] == 200
    assert "waits at the gate" in night.told("U1", "waits at the gate")


def _without_socket(night: Night) -> None:
    night.write_site()
    site = json.loads(night.site.read_text())
    del site["chat"]["slack"]["app_token"]
    night.site.write_text(json.dumps(site))


def test_envelopes_told_again(night: Night) -> None:
    """The same envelope again and again, across a kill of the serve: each is acknowledged, and counts once."""
    night.serve()
    run = night.start("U1", "gated")
    address = night.message("go on?", "2 boss")
    approve = night.slack.click("U1", address, "Approve")
    pause = night.slack.command("U3", f"pause {run}")
    for _ in range(3):
        assert night.slack.send(approve).in_time
        assert night.slack.send(pause).in_time
    night.told("U3", "pause")
    assert night.slack.send(night.slack.command("U2", f"resume {run}")).in_time
    night.told("U2", "resume")
    night.end_serve(signal.SIGKILL)
    night.serve()
    wait_for_socket(night.slack)
    before = len(night.slack.texts())
    for _ in range(2):
        assert night.slack.send(approve).in_time
        assert night.slack.send(pause).in_time
    assert night.slack.send(night.slack.click("U2", address, "Approve")).in_time
    night.message("gated succeeded")
    facts = night.story(run)
    assert [body["person"] for kind, body in facts if kind == "vote_cast"] == ["ana", "bo"]
    assert [kind for kind, _ in facts if kind in ("paused", "resumed")] == ["paused", "resumed"]
    assert len(night.slack.texts()) == before + 1, "the same two messages, and the end"


def wait_for_socket(slack: FakeSlack) -> None:
    """Wait until the app listens."""
    deadline = time.monotonic() + WITHIN_S
    while not slack.connected:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_slack_is_down_in_the_middle_of_a_gate(night: Night) -> None:
    """The gate is decided on the host, `status` says that chat is down, and it catches up by itself."""
    night.serve()
    run = night.start("U1", "gated")
    address = night.message("go on?", "2 boss")
    night.slack.go_down()
    document = wait_status(night, run, lambda d: any("chat slack C1 is down" in text for text in d["trouble"]))
    ticket = document["waiting_on"]["ticket"]
    assert "chat slack C1 is down" in night.type("status", run).stdout
    assert night.type("approve", run, ticket).returncode == 0
    night.slack.come_back()
    night.message("bo approved on the host")
    wait_status(night, run, lambda d: d["trouble"] == [])
    assert night.slack.send(night.slack.click("U1", address, "Approve")).in_time
    night.message("OPENED by bo, ana")
    night.message("gated succeeded")
    assert len(night.slack.texts()) == 3


def wait_status(night: Night, run: str, holds: Any) -> dict[str, Any]:
    """Wait until *holds* is true of the run's document."""
    deadline = time.monotonic() + WITHIN_S
    document = night.status(run)
    while time.monotonic() < deadline:
        document = night.status(run)
        if holds(document):
            return document
        time.sleep(0.2)
    raise AssertionError(document["trouble"])


def test_limits_and_lost_sockets(night: Night) -> None:
    """429 with Retry-After is heeded, a socket that Slack closes is opened again, and the run knows nothing of it."""
    night.slack.want_patience(2)
    night.serve()
    run = night.start("U1", "gated")
    address = night.message("go on?", "2 boss")
    refused = [call.at for call in night.slack.calls if call.method == "chat.postMessage"][:3]
    assert all(later - earlier >= 0.9 for earlier, later in pairwise(refused))
    night.slack.drop_sockets()
    wait_for_socket(night.slack)
    assert night.slack.send(night.slack.click("U1", address, "Approve")).in_time
    night.message("ana approved in chat")
    assert night.slack.send(night.slack.click("U2", address, "Approve")).in_time
    night.message("gated succeeded")
    assert night.status(run)["state"] == "succeeded"


def test_a_channel_that_relight_is_not_in(night: Night) -> None:
    """What keeps it from showing anything is said with what to do; once it is mended, it goes on by itself."""
    night.slack.removed.add("C1")
    night.serve()
    words = ("--site", str(night.site), "--yes", "--until-decision", "-o", "json")
    run = json.loads(night.type("run", str(night.folder / "gated.runbook.yaml"), *words).stdout)["run"]
    document = wait_status(night, run, lambda d: d["trouble"])
    assert "relight is no member of the channel; invite it there" in document["trouble"][0]
    night.slack.removed.clear()
    night.message("go on?", "2 boss")


def test_a_click_whose_moment_is_over(night: Night) -> None:
    """A form can only be shown for three seconds after a click: later, its person is told to say it again."""
    night.serve()
    run = night.start("U1", "gated")
    address = night.message("go on?", "2 boss")
    late = night.slack.click("U1", address, "Deny, say why")
    late["payload"]["trigger_id"] = "long.ago"
    assert night.slack.send(late).in_time
    night.told("U1", "this could not be shown to you")
    assert "gate_denied" not in [kind for kind, _ in night.story(run)]


def test_a_serve_starts_without_slack(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack is down, or a token is missing: runs are driven all the same, and what is wrong is said."""
    night.slack.go_down()
    said = night.serve()
    assert "drives runs" in said
    assert night.end_serve(signal.SIGTERM) == 0
    monkeypatch.delenv("FAKE_BOT")
    said = night.serve()
    assert "chat: OFF: secret env:FAKE_BOT: the environment has no FAKE_BOT" in said
    words = ("--site", str(night.site), "--yes", "--until-decision", "-o", "json")
    run = json.loads(night.type("run", str(night.folder / "gated.runbook.yaml"), *words).stdout)["run"]
    document = wait_status(night, run, lambda d: any("chat slack is down" in text for text in d["trouble"]))
    assert "the environment has no FAKE_BOT" in document["trouble"][0]
    started = night.type("run", str(night.folder / "quick.runbook.yaml"), "--site", str(night.site), "--yes")
    assert started.returncode == 0


def test_no_secret_is_written_anywhere(night: Night, tmp_path: Path) -> None:
    """Neither to the journal, nor to a log, nor to standard error, nor to Slack."""
    said = night.serve()
    night.start("U1", "quick")
    night.message("quick succeeded")
    night.slack.go_down()
    night.slack.come_back()
    serve = night.serves.pop()
    serve.send_signal(signal.SIGTERM)
    _, err = serve.communicate(timeout=WITHIN_S)
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    sent = json.dumps([call.args for call in night.slack.calls]).encode()
    for secret in SECRETS:
        for place in (said.encode(), err.encode(), sent, *written):
            assert secret.encode() not in place


def test_settings_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wrong kind of token is refused by its reference alone; showing settings shows no secret."""
    monkeypatch.setenv("WRONG", "xoxp-a-users-own-token")
    monkeypatch.setenv("RIGHT", BOT_TOKEN)
    with pytest.raises(RelightError, match="env:WRONG is no token that begins with xoxb-") as refused:
        settings_of("env:WRONG", "", ())
    assert "users-own" not in str(refused.value)
    assert BOT_TOKEN not in repr(settings_of("env:RIGHT", "", ()))
    assert settings_of("env:RIGHT", "", ()).answers_at == "https://hooks.slack.com/"


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "kind", "understood"),
    [
        ("command=%2Frelight&text=help", FORM, True),
        ("payload=%7B%22type%22%3A%22block_actions%22%7D", FORM, True),
        ('{"type": "url_verification"}', "application/json", True),
        ("payload={", FORM, False),
        ("payload=[]", FORM, False),
        ("payload=%22x%22", FORM, False),
        ("payload=" + "[" * 100_000, FORM, False),
        ("payload=", FORM, False),
        ("{", FORM, False),
        ("[]", "application/json", False),
        ("", "application/json", False),
        ("\x00", FORM, True),
    ],
)
def test_a_body_that_the_client_would_break_on_is_refused(body: str, kind: str, *, understood: bool) -> None:
    """Signed or not: what is neither a form nor an object gets an answer and no exception."""
    assert is_understood(body, kind) is understood


US = Us("T1", "UBOT")


@pytest.mark.parametrize(
    ("user", "team", "ids", "program"),
    [
        ({"id": "U1", "team_id": "T1"}, {"id": "T1"}, ("T1/U1", "U1"), False),
        ({"id": "U1", "team_id": "T9"}, {"id": "T1"}, ("T9/U1",), False),
        ({"id": "U1"}, {"id": "T1"}, ("T1/U1", "U1"), False),
        ({"id": "U1"}, None, (), False),
        ({"id": "UBOT", "team_id": "T1"}, {"id": "T1"}, ("T1/UBOT", "UBOT"), True),
        ({"id": "USLACKBOT", "team_id": "T1"}, {"id": "T1"}, ("T1/USLACKBOT", "USLACKBOT"), True),
        ({"id": "U1", "team_id": "T1", "is_bot": True}, {"id": "T1"}, ("T1/U1", "U1"), True),
        ({}, {"id": "T1"}, (), True),
        ("U1", "T1", (), True),
    ],
)
def test_who_it_was(user: Any, team: Any, ids: tuple[str, ...], program: bool) -> None:
    """The workspace counts with the id: a guest from another one is somebody else, a program is nobody."""
    for heard in (
        click({"type": "block_actions", "user": user, "team": team, "actions": []}, US),
        submission({"type": "view_submission", "user": user, "team": team, "view": {}}, US),
    ):
        assert (heard.who.ids, heard.who.program) == (ids, program)


@pytest.mark.parametrize("read", [click, command, submission])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user": None, "team": [], "actions": {}, "view": "x", "trigger_id": 7},
        {"actions": [7], "view": {"private_metadata": "[" * 5_000, "state": {"values": {"a": {"it": []}}}}},
        {"view": {"private_metadata": '{"room": 7, "state": {"run": 7, "ticket": "x"}}'}},
    ],
)
def test_nonsense_is_heard_as_nothing(read: Any, body: dict[str, Any]) -> None:
    """Whatever is missing or of another kind is missing; nothing is raised, and it always has a name."""
    heard = read(body, US)
    assert heard.id
    assert heard.deed


def test_blocks_keep_slacks_limits() -> None:
    """The largest message there can be is one that Slack takes; the notice is escaped, and calls nobody."""
    rows = tuple(Row(f"row {number}", ("<!channel> & @here\u202e\n" * 500,)) for number in range(100))
    message = Message(head="<!everyone> <@U1> " * 50, rows=rows)
    assert breaches({"text": notice(message), "blocks": blocks(message)}) == []
    assert escaped("a < b & c > d @here") == "a &lt; b &amp; c &gt; d @\u200bhere"
