"""How long somebody is signed in, what their browser is given, and what the command line keeps for the page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relight.control.doors import Doors, Options
from relight.control.keeping import kept_results
from relight.errors import JournalError
from relight.testing.browser import Browser
from relight.web import sessions
from relight.web.server import Web

if TYPE_CHECKING:
    from tests.web.page.conftest import Door

RUNBOOK = """\
runbook: tiny
schema: relight/v1
title: A small one
stages: [{id: only, steps: [{id: nap, action: wait, with: {duration: 100ms}}]}]
"""


def test_a_session_ends_after_an_hour_without_a_look_and_after_a_night(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks stays, but not for ever."""
    now = [1_000_000_000]
    monkeypatch.setattr(sessions, "now_ms", lambda: now[0])
    kept = sessions.Sessions(door.reception)
    word, session = kept.open("secret", "sha256:0")
    now[0] += sessions.IDLE_MS - 1
    assert kept.of(word) is not None
    now[0] += sessions.IDLE_MS - 1
    assert kept.of(word) is not None
    now[0] += sessions.IDLE_MS
    assert kept.of(word) is None
    word, session = kept.open("secret", "sha256:0")
    while now[0] < session.since + sessions.WHOLE_MS:
        assert kept.of(word) is not None
        now[0] += sessions.IDLE_MS // 2
    assert kept.of(word) is None


def test_another_serve_knows_a_session_and_hears_of_its_end(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand on a shelf of the journal, and nothing there opens anything."""
    here, there = sessions.Sessions(door.reception), sessions.Sessions(door.reception)
    monkeypatch.setattr(sessions, "LOOK_S", 0.0)
    word, session = here.open("secret", "sha256:0")
    found = there.of(word)
    assert found is not None
    assert found.csrf == session.csrf
    assert there.of(session.name) is None
    here.close(session)
    assert there.of(word) is None


def test_a_full_disk_keeps_nobody_out(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has to stop something signs in all the same."""

    def full(*_: object, **__: object) -> bool:
        raise JournalError("the disk is full")

    monkeypatch.setattr(door.reception.journal, "keep", full)
    kept = sessions.Sessions(door.reception)
    word, _ = kept.open("secret", "sha256:0")
    assert kept.of(word) is not None


def test_behind_tls_a_cookie_never_travels_in_the_clear(door: Door, secret: str) -> None:
    """`--url https://…` makes it secure, and names it so that no neighbour can set it."""
    web = Web(Options("127.0.0.1", 0, (), "https://relight.example.org"))
    doors = Doors([web], door.reception, lambda _text: None)
    doors.open()
    try:
        browser = Browser(web.url)
        form = browser.get("/sign-in").form("Sign in")
        sent = browser.submit(form, follow=False, secret=secret)
        assert sent.status == 303
        (line,) = [line for line in browser.set if line.startswith("__Host-relight=")]
        assert "Secure" in line
        assert "Path=/" in line
        assert "strict-transport-security" in browser.get("/").headers
    finally:
        doors.close()


def test_what_is_rehearsed_and_explored_is_kept_for_the_page(door: Door, tmp_path: Path) -> None:
    """The newest of each, beside the runs."""
    path = tmp_path / "tiny.runbook.yaml"
    path.write_text(RUNBOOK)
    for word in ("rehearse", "explore"):
        said = subprocess.run(
            [sys.executable, "-P", "-m", "relight.cli", word, str(path)], capture_output=True, text=True, timeout=60
        )
        assert said.returncode == 0, said.stderr
    assert [each["ok"] for each in kept_results(door.journal, "rehearsals") if each["runbook"] == "tiny"] == [True]
    (explored,) = [each for each in kept_results(door.journal, "explorations") if each["runbook"] == "tiny"]
    page = door.browser("cy").get(f"/explorations/{explored['id']}")
    assert "Every outcome of tiny" in page.text
