"""One recovery in the hands of four people at three doors, whose driver is killed half-way and whose run goes on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from relight.control.identities import digest_of, new_secret
from relight.control.people import os_name
from relight.journal.sqlite import SqliteJournal
from relight.testing.browser import Browser
from relight.testing.slack_server import APP_TOKEN, BOT_TOKEN, SIGNING, FakeSlack
from relight.testing.terminal import DEADLINE_S, Terminal

SERVE = [sys.executable, "-P", "-m", "relight.cli", "serve"]
ANA, BO = "U1", "U2"
"""Who they are in Slack."""

# Each step leaves a line where it was: two lines of one step would be a step done twice.
RUNBOOK = """\
runbook: many-hands
schema: relight/v1
title: Bring the tier back together
stages:
  - id: contain
    steps: [{id: freeze, action: shell.run, with: {argv: [sh, -c, "echo freeze >> %(folder)s/marks"]}}]
  - id: reopen
    gate:
      title: Let people back in?
      approval: {roles: [boss], min_approvals: 2}
    steps:
      - id: warm
        action: shell.run
        with: {argv: [sh, -c, "echo warm >> %(folder)s/marks; until [ -e %(folder)s/is-warm ]; do sleep 0.05; done"]}
        timeout: 2m
      - {id: admit, action: shell.run, with: {argv: [sh, -c, "echo admit >> %(folder)s/marks"]}}
  - id: close
    steps: [{id: unfreeze, action: shell.run, with: {argv: [sh, -c, "echo unfreeze >> %(folder)s/marks"]}}]
"""
STEPS = ["freeze", "warm", "admit", "unfreeze"]


class Serve(NamedTuple):
    """One serve: its process, and what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        """Where its page is, once it drives."""
        said = self.log.read_text()
        found = re.search(r"http://[0-9.:]+", said)
        assert found is not None, said
        return found[0]

    def is_up(self) -> bool:
        """Return whether it drives runs."""
        assert self.process.poll() is None, self.log.read_text()
        return "drives runs" in self.log.read_text()


class Night:
    """A site, its people, and the serves that work for them."""

    def __init__(self, terminal: Terminal, slack: FakeSlack) -> None:
        self.terminal, self.slack = terminal, slack
        self.secret = new_secret(sign_in=True)
        self.serves: dict[str, Serve] = {}
        terminal.home.mkdir(mode=0o700)
        terminal.write("many-hands.runbook.yaml", RUNBOOK % {"folder": terminal.folder})
        site = {
            "site": "lab",
            "schema": "relight/v1",
            "environment": "test",
            "people": [
                {"id": "ana", "roles": ["boss"], "slack": f"T1/{ANA}"},
                {"id": "bo", "roles": ["boss"], "slack": f"T1/{BO}"},
                {"id": "cy", "roles": ["boss"], "sign_in": [digest_of(self.secret)]},
                {"id": "di", "roles": ["clerk"], "os": os_name()},
            ],
            "published": {"many-hands": {"runbook": "many-hands.runbook.yaml"}},
            "chat": {
                "slack": {
                    "channel": "C1",
                    "bot_token": "env:FAKE_BOT",
                    "app_token": "env:FAKE_APP",
                    "signing": ["env:FAKE_SIGN"],
                }
            },
        }
        self.site = terminal.write("lab.site.yaml", json.dumps(site))  # JSON is YAML

    def serve(self, name: str) -> Serve:
        """Start a serve and wait until it drives runs."""
        chat = {"SLACK_API_URL": self.slack.url, "FAKE_BOT": BOT_TOKEN, "FAKE_APP": APP_TOKEN, "FAKE_SIGN": SIGNING}
        log = self.terminal.folder / f"serve-{name}.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                [*SERVE, "--site", str(self.site), "--port", "0", "--name", name],
                env={**os.environ, "RELIGHT_HOME": str(self.terminal.home), **chat},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
        self.serves[name] = serve = Serve(process, log)
        self.until(serve.is_up, lambda: f"serve {name} is up; it said {log.read_text()}")
        return serve

    def until(self, look: Callable[[], Any], what: Callable[[], str]) -> Any:
        """Return the first thing that *look* finds."""
        deadline = time.monotonic() + DEADLINE_S
        while not (found := look()):
            assert time.monotonic() < deadline, f"not in {DEADLINE_S:g} s: {what()}"
            time.sleep(0.03)
        return found

    # ---- what there is to see

    def marks(self) -> list[str]:
        """Return which steps have been there, in order."""
        path = self.terminal.folder / "marks"
        return path.read_text().split() if path.exists() else []

    def facts(self, run: str, kind: str) -> list[dict[str, Any]]:
        """Return the run's facts of that kind."""
        journal = SqliteJournal(self.terminal.home / "journal.db", create=False)
        try:
            return [json.loads(record.body) for record in journal.records(run, kinds=(kind,))]
        finally:
            journal.close()

    def text(self, address: str) -> str:
        """Return what a message in Slack says now."""
        return dict(self.slack.texts(thread=None))[address]

    def heard(self, member: str) -> list[str]:
        """Return what Slack told this member alone."""
        return [text for who, text in list(self.slack.whispered) if who == member]

    def message(self, *words: str) -> str:
        """Wait until a message in Slack has all these words and return its address."""

        def look() -> str | None:
            texts = self.slack.texts()
            return next((address for address, text in texts if all(word in text for word in words)), None)

        def shown() -> str:
            return "\n---\n".join(
                [f"a message with {words} among", *(text for _, text in self.slack.texts(thread=None))]
            )

        found: str = self.until(look, shown)
        return found

    def says(self, address: str, *words: str) -> str:
        """Wait until this very message has all these words and return its text."""
        self.until(
            lambda: all(word in self.text(address) for word in words), lambda: f"{words} in {self.text(address)}"
        )
        return self.text(address)

    # ---- people

    def sees(self, member: str, words: str) -> None:
        """Wait until this member sees a form with these words."""
        views = self.slack.views
        self.until(lambda: words in json.dumps(views.get(member)), lambda: f"{words!r} in {views.get(member)}")

    def start(self) -> str:
        """Have ana start the run in Slack and return its id."""
        assert self.slack.send(self.slack.command(ANA, "run many-hands")).in_time
        self.sees(ANA, "Show the plan")
        assert self.slack.send(self.slack.submission(ANA)).in_time
        self.sees(ANA, "Start it?")
        assert self.slack.send(self.slack.submission(ANA)).in_time
        told: list[str] = self.until(
            lambda: [text for text in self.heard(ANA) if "You started" in text],
            lambda: f"the start; ana heard {self.heard(ANA)}",
        )
        return told[0].rsplit(" ", 1)[-1]

    def driven_by(self, run: str, name: str) -> dict[str, Any]:
        """Wait until the run is driven by that serve and return its document."""

        def is_driven(seen: dict[str, Any]) -> bool:
            return seen["driver"] is not None and seen["driver"]["name"] == name

        return self.terminal.wait(run, is_driven, f"a driver named {name}")

    def close(self) -> None:
        """End what still serves."""
        (self.terminal.folder / "is-warm").touch()
        for serve in self.serves.values():
            if serve.process.poll() is None:
                serve.process.terminate()
            try:
                serve.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                serve.process.kill()
                serve.process.wait()


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack whose rules nobody has broken when the test is over."""
    made = FakeSlack().start()
    yield made
    made.stop()
    assert made.broken == []


@pytest.fixture
def night(terminal: Terminal, slack: FakeSlack) -> Iterator[Night]:
    """A site whose people are in Slack, on the page and on the host."""
    made = Night(terminal, slack)
    yield made
    made.close()


def test_one_run_in_many_hands(night: Night) -> None:
    """Begun in Slack, opened there and on the page, paused on the host, its driver killed, finished by another."""
    slack, terminal = night.slack, night.terminal
    first = night.serve("one")
    run = night.start()
    head = night.message("many-hands", "started ", "by ana")
    gate = night.message("let people back in?", "2 boss (bo or cy)")
    night.driven_by(run, "one")

    click = slack.click(BO, gate, "Approve")
    assert slack.send(click).in_time
    night.says(gate, "bo approved in chat")
    assert night.marks() == ["freeze"]

    second = night.serve("two")
    cy = Browser(second.url)
    page = cy.sign_in(night.secret, f"/runs/{run}")
    assert "bo approved" in page.text
    answer = cy.submit(page.form("Approve"))
    assert answer.status == 200, answer.text
    night.until(lambda: night.marks() == ["freeze", "warm"], lambda: f"the second step; there are {night.marks()}")

    paused = terminal.type("pause", run, "--reason", "the graph looks odd")
    assert paused.returncode == 0, paused.stderr
    night.says(head, "PAUSED by di")
    (terminal.folder / "is-warm").touch()
    night.until(lambda: len(night.facts(run, "step_succeeded")) == 2, lambda: "the end of the second step")

    first.process.kill()
    first.process.wait(DEADLINE_S)
    seen = night.driven_by(run, "two")
    assert seen["paused"] is True, "another driver is no reason to go on"
    assert night.marks() == ["freeze", "warm"]
    assert "driver two" in cy.get(f"/runs/{run}").text

    # Slack delivers bo's click once more, to a serve that has not heard it: it is the vote that bo has cast.
    assert slack.send(click).in_time
    night.until(lambda: len(night.heard(BO)) == 2, lambda: f"an answer to bo, who heard {night.heard(BO)}")

    resumed = terminal.type("resume", run)
    assert resumed.returncode == 0, resumed.stderr
    night.message("many-hands succeeded")
    assert terminal.status(run)["state"] == "succeeded"

    assert night.marks() == STEPS
    assert [fact["step"] for fact in night.facts(run, "step_dispatched")] == STEPS
    assert [(fact["starter"], fact["door"]) for fact in night.facts(run, "run_started")] == [("ana", "slack")]
    votes = [(fact["person"], fact["door"]) for fact in night.facts(run, "vote_cast")]
    assert votes == [("bo", "slack"), ("cy", "page")]
    assert [fact["person"] for fact in night.facts(run, "paused")] == ["di"]
    assert [fact["person"] for fact in night.facts(run, "resumed")] == ["di"]
    assert [fact["driver"] for fact in night.facts(run, "driver_took_over")] == ["one", "two"]
    assert terminal.type("verify", run).returncode == 0

    ended, opened = night.says(head, "SUCCEEDED"), night.says(gate, "OPENED by bo, cy")
    assert "[" not in ended + opened, "nothing is left to click"
    assert len(slack.texts()) == 3, "the head, the gate and how it ended; everything else was an edit or in the thread"
    assert "SUCCEEDED" in cy.get(f"/runs/{run}").text
    assert [name for name, each in night.serves.items() if "Traceback" in each.log.read_text()] == []
