"""Connections that stay: streams that end when the door does, and those who never say what they want."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from relight.web import patience, server

if TYPE_CHECKING:
    from tests.web.page.conftest import Door

WITHIN_S = 30


def asks(stage: str) -> Any:
    return lambda run: run.ticket is not None and run.ticket.id.startswith(f"{stage}/")


@pytest.fixture
def own(door: Door, tmp_path: Path) -> Iterator[Door]:
    """A door of this test's own; what is patched before it opens counts for it."""
    made = type(door)(tmp_path)
    yield made
    made.close()


def connect(url: str) -> socket.socket:
    """Return a connection to that door."""
    place = urlsplit(url)
    return socket.create_connection((place.hostname, place.port), timeout=WITHIN_S)


def head(url: str, path: str, **headers: str) -> bytes:
    """Return the head of a request."""
    lines = [f"{name}: {value}" for name, value in {"host": urlsplit(url).netloc, **headers}.items()]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


def hears(line: socket.socket, words: bytes) -> None:
    """Wait until these words were said."""
    said = b""
    while words not in said:
        chunk = line.recv(65_536)
        assert chunk, said[-2_000:]
        said += chunk


def is_over(line: socket.socket) -> None:
    """Wait until the other side has closed."""
    with suppress(ConnectionResetError):
        while line.recv(65_536):
            pass


@pytest.fixture
def long_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a stream to end by itself waits for longer than a test may take."""
    monkeypatch.setattr(server, "STOP_S", 600)


def test_streams_end_when_the_door_closes(long_stop: None, own: Door, nights: Any, secrets: dict[str, str]) -> None:
    """The page's and the API's, in the middle of a gate that nobody decides: no stop waits for any of them."""
    run = own.put(nights[""], asks("flush"))
    browser = own.browser("ana")
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    page, api = connect(own.web.url), connect(own.web.url)
    try:
        page.sendall(head(own.web.url, f"/runs/{run}/live", cookie=cookie))
        hears(page, b"event: parts")
        bearer = f"Bearer {secrets['ana']}"
        api.sendall(head(own.web.url, f"/api/v1/runs/{run}/events", authorization=bearer))
        hears(api, b"event: fact")
        own.close_door()
        assert [text for text in own.said if "did not close" in text] == []
        is_over(page)
        is_over(api)
    finally:
        page.close()
        api.close()


def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, own: Door, nights: Any) -> None:
    """Whoever sends it letter by letter is cut off, first or later; whoever has said what they want is not."""
    run = own.put(nights[""], asks("flush"))
    ana = own.browser("ana")
    cookie = "; ".join(f"{name}={value}" for name, value in ana.cookies.items())
    stream, later = connect(own.web.url), connect(own.web.url)
    try:
        stream.sendall(head(own.web.url, f"/runs/{run}/live", cookie=cookie))
        hears(stream, b"event: parts")
        later.sendall(head(own.web.url, "/healthz"))
        hears(later, b"relight.health/v1")
        with monkeypatch.context() as patch:
            patch.setattr(patience, "HEAD_S", 0.3)
            mute, slow = connect(own.web.url), connect(own.web.url)
            with mute, slow:
                for line in (slow, later):
                    trickle(line, head(own.web.url, "/healthz", accept="x" * 5_000))
                is_over(mute)
        assert ana.submit(ana.get(f"/runs/{run}").form("Pause")).status == 200
        hears(stream, b"ana paused")
    finally:
        stream.close()
        later.close()


def trickle(line: socket.socket, request: bytes) -> None:
    """Send a letter now and then, until the other side has had enough."""
    deadline = time.monotonic() + WITHIN_S
    line.settimeout(0.05)
    for letter in request:
        assert time.monotonic() < deadline, "it waits for ever"
        try:
            line.sendall(bytes([letter]))
            if not line.recv(65_536):
                return
        except TimeoutError:
            continue
        except OSError:
            return
    raise AssertionError("the whole head was waited for")


PROGRAM, BROWSER = "*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/runs/x/y/z", 404),
        ("DELETE", "/runbooks", 405),
        ("GET", "/hooks/slack", 405),
        ("POST", "/hooks/nothing", 404),
        ("GET", "/api/v1/runs", 401),
        ("GET", "/static/none.css", 404),
        ("GET", "/healthz?" + "x" * 20, 200),
    ],
)
def test_a_refusal_is_a_page_for_people_and_json_for_programs(door: Door, method: str, path: str, status: int) -> None:
    """A browser gets the way back in the house's style; a program what it can read."""
    if status == 200:
        assert ask(door, method, path, BROWSER)[0] == 200
        return
    answered, kind, text = ask(door, method, path, BROWSER)
    assert (answered, kind) == (status, "text/html; charset=utf-8"), text
    assert 'href="/"' in text
    assert "/static/page.css" in text
    if path.startswith("/static"):
        return
    answered, kind, text = ask(door, method, path, PROGRAM)
    assert (answered, kind) == (status, "application/problem+json")
    assert json.loads(text)["hint"]


def test_another_name_is_refused_as_a_page(door: Door) -> None:
    """Also what is refused before anybody looks at its path."""
    answered, kind, text = ask(door, "GET", "/", BROWSER, host="evil.example")
    assert (answered, kind) == (421, "text/html; charset=utf-8")
    assert "not called so" in text


def ask(door: Door, method: str, path: str, accept: str, host: str = "") -> tuple[int, str, str]:
    """Return an answer's status, kind and text."""
    import http.client

    place = urlsplit(door.web.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=WITHIN_S)
    try:
        connection.request(method, path, headers={"accept": accept, "host": host or place.netloc})
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type", ""), answer.read().decode()
    finally:
        connection.close()
