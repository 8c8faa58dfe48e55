"""A lab whose serves are real processes on loopback, with ports from the system."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from relight.control.identities import digest_of, new_secret
from relight.control.people import os_name

COMMAND = [sys.executable, "-P", "-m", "relight.cli"]
WITHIN_S = 90
HEAD = "runbook: {name}\nschema: relight/v1\ntitle: A test\n"
RUNBOOKS = {
    "gated": """\
inputs:
  word: {type: string, default: hello}
  many: {type: integer, default: 1, minimum: 1, maximum: 5}
stages:
  - id: first
    steps: [{id: hello, action: shell.run, with: {argv: [echo, "${{ inputs.word }}"]}}]
  - id: second
    gate:
      title: Go on?
      approval: {roles: [boss], min_approvals: 2, allow_self_approval: true}
    steps: [{id: bye, action: shell.run, with: {argv: [echo, bye]}}]
""",
    "quick": "stages: [{id: only, steps: [{id: nap, action: wait, with: {duration: 100ms}}]}]\n",
    "slow": "stages: [{id: only, steps: [{id: nap, action: wait, with: {duration: 60s}}]}]\n",
    "two": """\
stages:
  - {id: one, steps: [{id: a, action: wait, with: {duration: 1500ms}}]}
  - {id: two, steps: [{id: b, action: shell.run, with: {argv: [echo, done]}}]}
""",
}


class Answer(NamedTuple):
    """What the API said."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Client:
    """Somebody at the API."""

    def __init__(self, url: str, secret: str = "") -> None:
        self.url = url
        self.secret = secret

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, on a connection of its own."""
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=WITHIN_S)
        sent = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        if self.secret:
            sent.setdefault("authorization", f"Bearer {self.secret}")
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("content-type", "application/json")
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_json = "json" in (answer.getheader("content-type") or "")
        return Answer(answer.status, json.loads(text) if is_json else text.decode(), dict(answer.getheaders()))

    def get(self, path: str, **headers: str) -> Answer:
        """Read something."""
        return self.send("GET", f"/api/v1{path}", headers=headers)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        """Do something."""
        return self.send("POST", f"/api/v1{path}", body, headers=headers)

    def start(self, name: str, **inputs: Any) -> str:
        """Start what is published and return the run's id."""
        said = self.post("/runs", {"site": "lab", "published": name, "inputs": inputs})
        assert said.status == 201, said.body
        return str(said.body["run"])

    def status(self, run: str) -> dict[str, Any]:
        """Return the run's document."""
        said = self.get(f"/runs/{run}")
        assert said.status == 200, said.body
        document: dict[str, Any] = said.body
        return document

    def until(self, run: str, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Wait until *holds* is true of the run's document, and return it."""
        return wait_for(lambda: found if holds(found := self.status(run)) else None, f"run {run}")

    def gate(self, run: str) -> dict[str, str]:
        """Wait for the run's gate and return what a vote on it says."""
        gate = self.until(run, lambda d: d["waiting_on"] and d["waiting_on"]["kind"] == "gate")["waiting_on"]
        return {"ticket": gate["ticket"], "scope_digest": gate["scope_digest"]}


def wait_for(look: Callable[[], Any], what: str) -> Any:
    """Return the first thing that *look* finds."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not in {WITHIN_S} s")


class Serve:
    """One serve in a process of its own."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*COMMAND, "serve", "--site", str(folder / "lab.site.yaml"), "--port", "0", *more],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if "drives runs" in line:
                break
        found = re.search(r"http://[0-9.:]+", "".join(self.said))
        assert found is not None, "".join(self.said)
        self.url = found[0]

    def client(self, secret: str = "") -> Client:
        """Return somebody at its API."""
        return Client(self.url, secret)

    def kill(self, number: int = signal.SIGKILL) -> int:
        """End it with a signal and return its exit code."""
        self.process.send_signal(number)
        self.process.communicate(timeout=WITHIN_S)
        return self.process.returncode


class Lab:
    """A site with people, published runbooks, and serves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.serves: list[Serve] = []
        self.secrets = {name: new_secret(sign_in=name in {"ana", "bo", "cy"}) for name in SECRETS}
        for name, stages in RUNBOOKS.items():
            (folder / f"{name}.runbook.yaml").write_text(HEAD.format(name=name) + stages)
        self.write_site()

    def write_site(self, *, without: str = "", environment: str = "test") -> None:
        """Write the site's document, *without* somebody."""
        digests = {name: digest_of(secret) for name, secret in self.secrets.items()}
        people: list[dict[str, Any]] = [
            {"id": "ana", "roles": ["boss"], "sign_in": [digests["ana"]], "tokens": [_token(digests["robot"])]},
            {"id": "bo", "roles": ["boss"], "os": os_name(), "sign_in": [digests["bo"]]},
            {"id": "cy", "roles": ["clerk"], "sign_in": [digests["cy"]], "slack": "T1/U1"},
            {
                "id": "ci",
                "kind": "bot",
                "tokens": [
                    _token(digests["bot"], "read", "propose"),
                    {**_token(digests["old"]), "until": "2020-01-01"},
                ],
            },
        ]
        site = {
            "site": "lab",
            "schema": "relight/v1",
            "environment": environment,
            "people": [person for person in people if person["id"] != without],
            "published": {
                **{name: {"runbook": f"{name}.runbook.yaml"} for name in RUNBOOKS},
                "bosses": {"runbook": "quick.runbook.yaml", "roles": ["boss"]},
                "fixed": {"runbook": "gated.runbook.yaml", "inputs": {"word": "fixed"}},
            },
            "alerts": [
                {"match": {"alertname": "LoginErrors"}, "propose": "gated", "labels": {"many": "nodes"}},
                {"match": {"alertname": "Other"}, "propose": "quick"},
            ],
        }
        path = self.folder / "lab.site.yaml"
        scratch = path.with_suffix(".new")
        scratch.write_text(json.dumps(site, indent=1))  # JSON is YAML
        scratch.replace(path)

    def serve(self, *more: str) -> Serve:
        """Start a serve and wait until it drives."""
        made = Serve(self.folder, *more)
        self.serves.append(made)
        return made

    def type(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Call the command line."""
        return subprocess.run(
            [*COMMAND, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=WITHIN_S
        )

    def close(self) -> None:
        """End what still serves, children and all."""
        for serve in self.serves:
            if serve.process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    serve.kill(signal.SIGTERM)
            if serve.process.poll() is None:
                serve.kill()


SECRETS = ("ana", "bo", "cy", "robot", "bot", "old")


def _token(digest: str, *may: str) -> dict[str, Any]:
    return {"digest": digest, "may": list(may) or ["read", "start", "stop"]}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A lab with a home of its own."""
    home, documents = tmp_path / "home", tmp_path / "documents"
    home.mkdir(mode=0o700)
    documents.mkdir()
    monkeypatch.setenv("RELIGHT_HOME", str(home))
    monkeypatch.setenv("RELIGHT_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("RELIGHT_JOURNAL", raising=False)
    made = Lab(documents)
    yield made
    for row in json.loads(made.type("runs", "-o", "json").stdout or '{"runs": []}')["runs"]:
        if row["ended_at"] is None:
            made.type("abort", row["run"])
    made.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with one serve, for the tests that only talk to it."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "home").mkdir(mode=0o700)
    (folder / "documents").mkdir()
    before = {name: os.environ.get(name) for name in ("RELIGHT_HOME", "RELIGHT_CONFIG")}
    os.environ.update(RELIGHT_HOME=str(folder / "home"), RELIGHT_CONFIG=str(folder / "config"))
    made = Lab(folder / "documents")
    made.serve()
    yield made
    made.close()
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
