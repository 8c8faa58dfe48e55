"""A Slack of our own with people in it, and serves that talk to it: real processes, the real client."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from relight.control.identities import digest_of, new_secret
from relight.control.people import os_name
from relight.journal.sqlite import SqliteJournal
from relight.testing.slack_server import APP_TOKEN, BOT_TOKEN, SIGNING, FakeSlack

COMMAND = [sys.executable, "-P", "-m", "relight.cli"]
WITHIN_S = 90
HEAD = "runbook: {name}\nschema: relight/v1\ntitle: {title}\n"
RUNBOOKS = {
    "gated": """\
inputs:
  word: {type: string, default: hello, description: What is said}
  many: {type: integer, default: 1, minimum: 1, maximum: 5}
  loud: {type: boolean, default: false}
  how: {type: choice, choices: [fast, slow], default: fast}
stages:
  - id: first
    steps: [{id: hello, action: shell.run, with: {argv: [echo, "${{ inputs.word }}"]}}]
  - id: second
    gate:
      title: Go on?
      approval: {roles: [boss], min_approvals: 2, allow_self_approval: true}
    steps: [{id: bye, action: shell.run, with: {argv: [echo, bye]}}]
""",
    "risky": """\
stages:
  - id: wipe
    gate: {title: Wipe it?, approval: {roles: [boss], allow_self_approval: true}}
    steps: [{id: gone, action: shell.run, effect: destructive, with: {argv: [echo, gone]}}]
""",
    "alone": """\
stages:
  - id: second
    gate: {title: Go on?, approval: {roles: [boss], allow_self_approval: true}}
    steps: [{id: bye, action: shell.run, with: {argv: [echo, bye]}}]
""",
    "quick": "stages: [{id: only, steps: [{id: nap, action: wait, with: {duration: 100ms}}]}]\n",
    "slow": "stages: [{id: only, steps: [{id: nap, action: wait, with: {duration: 60s}}]}]\n",
}


def wait_for(look: Callable[[], Any], what: str, within_s: float = WITHIN_S) -> Any:
    """Return the first thing that *look* finds."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.03)
    raise AssertionError(f"{what}: not in {within_s} s")


class Night:
    """A site whose people talk in Slack."""

    def __init__(self, folder: Path, slack: FakeSlack) -> None:
        self.folder = folder
        self.slack = slack
        self.serves: list[subprocess.Popen[str]] = []
        self.environment = "test"
        self.secret = new_secret(sign_in=True)
        for name, stages in RUNBOOKS.items():
            title = "Say & <b>wave</b> <!channel> @here"
            (folder / f"{name}.runbook.yaml").write_text(HEAD.format(name=name, title=json.dumps(title)) + stages)
        self.write_site()

    @property
    def site(self) -> Path:
        """The site's document."""
        return self.folder / "lab.site.yaml"

    def write_site(self, *, without: str = "", **chat: Any) -> None:
        """Write the site's document, *without* somebody."""
        people: list[dict[str, Any]] = [
            {"id": "ana", "roles": ["boss"], "slack": "T1/U1"},
            {"id": "bo", "roles": ["boss"], "slack": "U2", "os": os_name(), "sign_in": [digest_of(self.secret)]},
            {"id": "cy", "roles": ["clerk"], "slack": "T1/U3"},
            {"id": "ci", "kind": "bot", "slack": "T1/U4"},
            {"id": "ed", "roles": ["boss"], "slack": "T9/U9"},
        ]
        room = {"channel": "C1", "bot_token": "env:FAKE_BOT", "app_token": "env:FAKE_APP", "signing": ["env:FAKE_SIGN"]}
        site = {
            "site": "lab",
            "schema": "relight/v1",
            "environment": self.environment,
            "people": [person for person in people if person["id"] != without],
            "published": {name: {"runbook": f"{name}.runbook.yaml"} for name in RUNBOOKS},
            "chat": {"slack": {**room, **chat}},
        }
        scratch = self.site.with_suffix(".new")
        scratch.write_text(json.dumps(site, indent=1))  # JSON is YAML
        scratch.replace(self.site)

    # ---- serves

    def serve(self, *more: str) -> str:
        """Start a serve, wait until it drives and is heard, and return what it said."""
        process = subprocess.Popen(
            [*COMMAND, "serve", "--site", str(self.site), "--port", "0", *more],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.serves.append(process)
        said = ""
        assert process.stderr is not None
        for line in process.stderr:
            said += line
            if "drives runs" in line:
                return said
        raise AssertionError(f"it did not start: {said}")

    def end_serve(self, number: int = signal.SIGKILL) -> int:
        """End the newest serve."""
        process = self.serves.pop()
        process.send_signal(number)
        process.communicate(timeout=WITHIN_S)
        return process.returncode

    def post(self, url: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Ask the API, signed in as bo."""
        place = urlsplit(url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=WITHIN_S)
        headers = {"authorization": f"Bearer {self.secret}", "content-type": "application/json"}
        try:
            connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def type(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Call the command line."""
        return subprocess.run(
            [*COMMAND, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=WITHIN_S
        )

    def status(self, run: str) -> dict[str, Any]:
        """Return the run's document, as the command line gives it."""
        document: dict[str, Any] = json.loads(self.type("status", run, "-o", "json").stdout)
        return document

    def waiting(self, run: str) -> list[str]:
        """Return what was asked of a run and is not answered yet, in order."""
        journal = SqliteJournal(Path(os.environ["RELIGHT_HOME"]) / "journal.db", create=False)
        try:
            return [request.body["verb"] for request in journal.pending(run)]
        finally:
            journal.close()

    def story(self, run: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the facts of a run."""
        journal = SqliteJournal(Path(os.environ["RELIGHT_HOME"]) / "journal.db", create=False)
        try:
            return [(record.kind, json.loads(record.body)) for record in journal.records(run)]
        finally:
            journal.close()

    # ---- people

    def whispers(self, member: str, after: int = 0) -> list[str]:
        """Return what this member alone was told."""
        return [text for who, text in list(self.slack.whispered) if who == member][after:]

    def until(self, look: Callable[[], Any], what: str) -> Any:
        """Return the first thing that *look* finds."""
        return wait_for(look, what)

    def told(self, member: str, words: str) -> str:
        """Wait until this member is told something with these words in it."""
        found: str = wait_for(
            lambda: next((text for text in self.whispers(member) if words in text), None),
            f"{member} hears {words!r}; heard {self.whispers(member)}",
        )
        return found

    def form(self, member: str, words: str) -> dict[str, Any]:
        """Wait until this member sees a form with these words."""

        def look() -> dict[str, Any] | None:
            view = self.slack.views.get(member)
            return view if view is not None and words in json.dumps(view) else None

        found: dict[str, Any] = wait_for(look, f"{member} sees {words!r}: {self.slack.views.get(member)}")
        return found

    def message(self, *words: str, thread: str | None = "") -> str:
        """Wait until a message has all these words, and return its address."""

        def look() -> str | None:
            texts = self.slack.texts(thread=thread)
            return next((address for address, text in texts if all(word in text for word in words)), None)

        try:
            found: str = wait_for(look, f"a message with {words}")
        except AssertionError as error:
            shown = "\n---\n".join(text for _, text in self.slack.texts(thread=None))
            raise AssertionError(f"{error}; there are:\n{shown}") from None
        return found

    def text(self, address: str) -> str:
        """Return what a message says now."""
        return dict(self.slack.texts(thread=None))[address]

    def start(self, member: str, name: str, confirm: str = "", **inputs: str) -> str:
        """Start a run in chat, and return its id."""
        before = len(self.whispers(member))
        assert self.slack.send(self.slack.command(member, f"run {name}")).in_time
        self.form(member, "Show the plan")
        assert self.slack.send(self.slack.submission(member, **inputs)).in_time
        self.form(member, "Start it?")
        assert self.slack.send(self.slack.submission(member, **({"confirm": confirm} if confirm else {}))).in_time
        said = wait_for(lambda: [text for text in self.whispers(member, before) if "You started" in text], "it starts")
        run: str = said[0].rsplit(" ", 1)[-1]
        return run

    def close(self) -> None:
        """End what still serves."""
        for process in self.serves:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=WITHIN_S)
            if process.poll() is None:
                process.kill()
                process.communicate()


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack that breaks no rule of Slack's when the test is over, and neither did the app."""
    made = FakeSlack().start()
    yield made
    made.stop()
    assert made.broken == []


@pytest.fixture
def night(tmp_path: Path, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    """A site with a home of its own, in a Slack of ours."""
    home, documents = tmp_path / "home", tmp_path / "documents"
    home.mkdir(mode=0o700)
    documents.mkdir()
    monkeypatch.setenv("RELIGHT_HOME", str(home))
    monkeypatch.setenv("RELIGHT_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("RELIGHT_JOURNAL", raising=False)
    monkeypatch.setenv("SLACK_API_URL", slack.url)
    monkeypatch.setenv("FAKE_BOT", BOT_TOKEN)
    monkeypatch.setenv("FAKE_APP", APP_TOKEN)
    monkeypatch.setenv("FAKE_SIGN", SIGNING)
    made = Night(documents, slack)
    yield made
    for row in json.loads(made.type("runs", "-o", "json").stdout or '{"runs": []}')["runs"]:
        if row["ended_at"] is None:
            made.type("abort", row["run"])
    made.close()
