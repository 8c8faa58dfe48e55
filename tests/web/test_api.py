"""The API of a real serve: its documents, its refusals, its limits, and what it does with nonsense."""

from __future__ import annotations

import http.client
import json
import shlex
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from relight.web import limits
from relight.web.schemas import SCHEMAS

if TYPE_CHECKING:
    from tests.web.conftest import Client, Lab


@pytest.fixture
def ana(shared: Lab) -> Client:
    """A person with the gate's role."""
    return shared.serves[0].client(shared.secrets["ana"])


def who(shared: Lab, name: str) -> Client:
    return shared.serves[0].client(shared.secrets[name])


def problem(answer: Any, status: int, *words: str) -> None:
    """Assert that this is a problem of that status which says these words and what to do next."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    jsonschema.validate(answer.body, SCHEMAS["error"])
    assert answer.body["hint"]
    for word in words:
        assert word in answer.body["detail"] + answer.body["hint"], answer.body


def stream(client: Client, run: str, *, last: str = "", until: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the events of a run as a browser would get them, until it is over or the record *until*."""
    place = urlsplit(client.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=90)
    headers = {"authorization": f"Bearer {client.secret}"} | ({"last-event-id": last} if last else {})
    connection.request("GET", f"/api/v1/runs/{run}/events", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.getheader("content-type", "").startswith("text/event-stream")
    number = 0
    try:
        while line := answer.readline().decode().rstrip("\n"):
            yield from ()
            if line.startswith("retry:"):
                answer.readline()
            elif line == "event: end":
                return
            elif line.startswith("id: "):
                number = int(line[4:])
                assert answer.readline() == b"event: fact\n"
                yield number, json.loads(answer.readline().decode().removeprefix("data: "))
                answer.readline()
                if number == until:
                    return
    finally:
        answer.close()
        connection.close()


# ---- documents


def test_a_run_through_the_api(shared: Lab, ana: Client) -> None:
    """Looked up, planned, started by the plan that was seen, approved by two, and read in every way."""
    found = {entry["published"]: entry for entry in ana.get("/published").body["published"]}
    inputs = found["gated"]["inputs"]
    assert [(each["id"], each["type"], each["limits"]) for each in inputs] == [
        ("word", "string", "string"),
        ("many", "integer", "integer, from 1 to 5"),
    ]
    assert [each["id"] for each in found["fixed"]["inputs"]] == ["many"]
    wanted = {"site": "lab", "published": "gated", "inputs": {"word": "$(reboot) ${{ site }} <b>"}}
    plan = ana.post("/plans", wanted).body
    assert plan["schema"] == "relight.plan/v1"
    said = ana.post("/runs", {**wanted, "plan_digest": plan["digest"]})
    assert said.status == 201, said.body
    run = said.body["run"]
    assert said.headers["location"] == f"/api/v1/runs/{run}"
    vote = ana.gate(run)
    assert ana.post(f"/runs/{run}/approve", {**vote, "reason": "seen"}).body["person"] == "ana"
    assert who(shared, "bo").post(f"/runs/{run}/approve", vote).body["ok"] is True
    assert ana.until(run, lambda d: d["ended_at"])["state"] == "succeeded"
    for path, name in (
        ("/me", "me"),
        ("/runs", "runs"),
        (f"/runs/{run}", "run"),
        (f"/runs/{run[:6]}", "run"),
        (f"/runs/{run}/why", "why"),
        (f"/runs/{run}/effects", "effects"),
        (f"/runs/{run}/log", "log"),
        (f"/runs/{run}/report", "report"),
        (f"/runs/{run}/verify", "verify"),
        ("/effects", "effects"),
        ("/published", "published"),
        ("/proposals", "proposals"),
    ):
        answer = ana.get(path)
        assert answer.status == 200, (path, answer.body)
        jsonschema.validate(answer.body, SCHEMAS[name])
    assert ana.get(f"/runs/{run}/verify").body["ok"] is True
    records = ana.get(f"/runs/{run}/log").body["records"]
    (dispatched,) = [each for each in records if each["kind"] == "step_dispatched" and each["fact"]["step"] == "hello"]
    assert dispatched["fact"]["args"]["argv"][1] == "$(reboot) ${{ site }} <b>"
    assert [each["seq"] for each in ana.get(f"/runs/{run}/log?after=2&limit=3").body["records"]] == [3, 4, 5]


def test_another_plan_than_the_one_that_was_seen_is_not_started(shared: Lab, ana: Client) -> None:
    """What was looked at is what runs, and a plan's digest says what that was."""
    seen = ana.post("/plans", {"site": "lab", "published": "gated", "inputs": {"word": "one"}}).body["digest"]
    other = {"site": "lab", "published": "gated", "inputs": {"word": "two"}, "plan_digest": seen}
    problem(ana.post("/runs", other), 409, "not the one that you looked at")


def test_a_start_that_is_sent_again_starts_nothing_new(shared: Lab, ana: Client) -> None:
    """The same Idempotency-Key of the same person is the same run, also when both come at once."""
    wanted = {"site": "lab", "published": "quick"}
    first = ana.post("/runs", wanted, idempotency_key="abc")
    again = ana.post("/runs", wanted, idempotency_key="abc")
    assert (first.status, again.status, first.body["run"]) == (201, 201, again.body["run"])
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ana.post("/runs", wanted, idempotency_key="k")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.body["run"] for answer in answers if answer.status == 201}) == 1
    assert who(shared, "bo").post("/runs", wanted, idempotency_key="abc").body["run"] != first.body["run"]


def test_events_are_told_and_can_be_gone_on_with(shared: Lab, ana: Client) -> None:
    """Every record once, in order; Last-Event-ID goes on where the reader was; the end ends the stream."""
    run = ana.start("quick")
    ana.until(run, lambda d: d["ended_at"])
    whole = list(stream(ana, run))
    records = ana.get(f"/runs/{run}/log").body["records"]
    assert [entry for _, entry in whole] == records
    assert [number for number, _ in whole] == [record["seq"] for record in records]
    assert list(stream(ana, run, last="3")) == whole[3:]
    live = ana.start("gated")
    ana.gate(live)
    heard = list(stream(ana, live, until=3))
    assert [number for number, _ in heard] == [1, 2, 3]
    problem(ana.get(f"/runs/{live}/events", last_event_id="x"), 400, "Last-Event-ID")
    problem(who(shared, "old").get(f"/runs/{live}/events"), 401, "token")
    assert ana.post(f"/runs/{live}/abort", {}).status == 200


# ---- who may


def test_nobody_and_unknown_people_are_refused(shared: Lab, ana: Client) -> None:
    """Without a token, with a wrong one, with one whose last day is over: 401, with what to do."""
    for secret in ("", "relight_t_wrong", shared.secrets["old"], "x" * 5_000, ana.secret + "x", ana.secret[:-1]):
        answer = shared.serves[0].client(secret).get("/runs")
        problem(answer, 401, "token")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    problem(shared.serves[0].client().send("GET", "/api/v1/runs", headers={"authorization": "Basic eDp5"}), 401)


def test_a_token_or_a_bot_never_decides(shared: Lab, ana: Client) -> None:
    """Ana's own token reads, starts and stops, and is refused whatever decides; so is a bot."""
    robot, bot = who(shared, "robot"), who(shared, "bot")
    run = robot.start("gated")
    vote = ana.gate(run)
    for verb in ("approve", "deny", "skip", "ask", "resume", "retry", "mark", "undo"):
        body = {**vote, "reason": "sure", "value": "done", "subject": "hello"}
        problem(robot.post(f"/runs/{run}/{verb}", body), 403, "only people decide")
        problem(bot.post(f"/runs/{run}/{verb}", body), 403, "only people decide")
    problem(robot.post(f"/runs/{run}/ramp", {"value": "up"}), 403, "only people decide")
    problem(bot.post("/runs", {"site": "lab", "published": "quick"}), 403, "run is not for", "propose, read")
    problem(bot.post(f"/runs/{run}/pause", {}), 403, "pause is not for")
    assert robot.post(f"/runs/{run}/pause", {}).status == 200
    assert ana.status(run)["starter"] == "ana"
    assert robot.post(f"/runs/{run}/abort", {"reason": "enough"}).status == 200


def test_a_role_is_needed_where_the_site_says_so(shared: Lab, ana: Client) -> None:
    """A published runbook may be for some; a gate's role is the kernel's to judge."""
    cy = who(shared, "cy")
    problem(cy.post("/runs", {"site": "lab", "published": "bosses"}), 403, "it takes boss")
    run = cy.start("gated")
    vote = ana.gate(run)
    problem(cy.post(f"/runs/{run}/approve", vote), 403, "it takes boss", "ana or bo")
    problem(ana.post(f"/runs/{run}/approve", {**vote, "ticket": "second/000"}), 409, "no ticket second/000")
    problem(ana.post(f"/runs/{run}/approve", {**vote, "scope_digest": "0" * 64}), 409, "changed since you looked")
    problem(ana.post(f"/runs/{run}/approve", {"ticket": vote["ticket"]}), 422, "scope_digest")
    assert ana.post(f"/runs/{run}/deny", {"ticket": vote["ticket"], "reason": "no"}).status == 200
    problem(ana.post(f"/runs/{run}/approve", vote), 409, "changes nothing any more")
    assert ana.post(f"/runs/{run}/abort", {}).status == 200


# ---- nonsense


def test_wrong_words_are_refused_with_their_place(shared: Lab, ana: Client) -> None:
    """Whatever is wrong with a request is said in one sentence, with what to do next; nothing is started."""
    before = len(ana.get("/runs?limit=500").body["runs"])
    wanted = {"site": "lab", "published": "gated"}
    for body, status, word in (
        ({**wanted, "inputs": {"many": 9}}, 422, "many"),
        ({**wanted, "inputs": {"many": "three"}}, 422, "many"),
        ({**wanted, "inputs": {"other": 1}}, 422, "other"),
        ({**wanted, "inputs": {"word": {"a": 1}}}, 422, "inputs"),
        ({**wanted, "inputs": {"word": "\ud800"}}, 422, "control characters"),
        ({**wanted, "inputs": {"word": "\x1b[2J"}}, 422, "control characters"),
        ({**wanted, "published": "fixed", "inputs": {"word": "mine"}}, 422, "fixes the input word"),
        ({**wanted, "published": "nothing"}, 422, "no runbook as 'nothing'"),
        ({**wanted, "site": "elsewhere"}, 422, "no site 'elsewhere'"),
        ({**wanted, "unknown": 1}, 422, "unknown"),
        ({"site": "lab"}, 422, "published"),
        ([], 422, "the body"),
        ("x", 422, "the body"),
        (None, 422, "the body"),
    ):
        answer = ana.send("POST", "/api/v1/runs", raw=json.dumps(body).encode())
        problem(answer, status)
        assert word in json.dumps(answer.body, ensure_ascii=False), answer.body
    for raw in (b"", b"{", b"\xff\xfe", b'{"site": NaN}', b"[" * 60_000, b'{"a":' * 30 + b"1" + b"}" * 30):
        problem(ana.send("POST", "/api/v1/runs", raw=raw), 400, "JSON")
    problem(ana.send("POST", "/api/v1/runs", raw=b"a=1", headers={"content-type": "text/plain"}), 415, "JSON")
    problem(ana.post("/runs", wanted, idempotency_key="x" * 201), 400, "Idempotency-Key")
    assert len(ana.get("/runs?limit=500").body["runs"]) == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/runs/nothing", 404),
        ("GET", "/api/v1/runs/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/api/v1/runs/%00", 404),
        ("GET", "/api/v1/runs/%ff", 404),
        ("GET", "/api/v1/runs/x/dance", 404),
        ("GET", "/api/v1/runs?limit=-1", 422),
        ("GET", "/api/v1/runs?limit=1e3", 422),
        ("GET", "/api/v1/runs?limit=1&limit=2", 422),
        ("GET", "/api/v1/runs?unfinished=maybe", 422),
        ("GET", "/api/v1/proposals/zzz", 404),
        ("GET", "/api/v1/runs/x/approve", 405),
        ("DELETE", "/api/v1/runs", 405),
        ("GET", "/nonsense", 404),
    ],
)
def test_what_is_not_there_is_not_there(ana: Client, method: str, path: str, status: int) -> None:
    """An unknown run, path or method, and an argument that means nothing: a problem, never a crash."""
    problem(ana.send(method, path), status)


def test_limits(shared: Lab, ana: Client) -> None:
    """A body that is too large, headers that are too long, a host of another name: refused before anybody reads."""
    problem(ana.send("POST", "/api/v1/alerts", raw=b"x" * (1024 * 1024 + 1)), 413)
    problem(ana.send("GET", "/api/v1/me", headers={"cookie": "x" * 9_000}), 400, "headers")
    problem(ana.send("GET", "/healthz", headers={"host": "evil.example"}), 421, "not called so")
    assert ana.send("GET", "/healthz", headers={"host": "localhost:1"}).status == 200
    chunked = ana.send("POST", "/api/v1/runs", raw=b"{}", headers={"x-forwarded-for": "1.2.3.4", "x-evil": "1"})
    assert chunked.status == 422


def test_whoever_asks_too_often_is_told_to_wait(shared: Lab, ana: Client) -> None:
    """Strangers soon, with Retry-After; people are not kept waiting by them, and each has a rate of their own."""
    stranger = shared.serves[0].client("relight_t_nobody")
    # As long as it takes to be quicker than the bucket fills: a machine that is busy takes more than its burst.
    deadline = time.monotonic() + 120
    while (refused := stranger.get("/me")).status != 429:
        assert refused.status == 401
        assert time.monotonic() < deadline, "nobody is ever told to wait"
    problem(refused, 429, "too many requests")
    assert int(refused.headers["retry-after"]) > 0
    assert ana.get("/me").status == 200


def test_a_rate_is_a_bucket_that_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many at once as it holds, then as many as come in; each has a bucket, and old ones are forgotten."""
    now = 100.0
    monkeypatch.setattr("relight.web.limits.time.monotonic", lambda: now)
    rates = limits.Rates(2.0, 5.0)
    assert [rates.take("ana") for _ in range(6)] == [True] * 5 + [False]
    assert rates.take("bo")
    now = 101.0
    assert [rates.take("ana") for _ in range(3)] == [True, True, False]
    monkeypatch.setattr(limits, "BUCKETS_MAX", 1)
    assert rates.take("cy")
    assert rates.take("ana")


def test_bytes_that_are_no_request_close_the_connection_and_nothing_else(shared: Lab, ana: Client) -> None:
    """Whatever is sent to the port, the next request is answered."""
    place = urlsplit(ana.url)
    for nonsense in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 100, b"A" * 70_000):
        with socket.create_connection((place.hostname, place.port), timeout=10) as raw:
            raw.sendall(nonsense)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65_536):
                pass
    assert ana.get("/me").status == 200


def test_every_answer_forbids_what_a_browser_might_do_with_it(ana: Client) -> None:
    """No caching, no sniffing, no framing, no scripts; also on refusals."""
    for path in ("/healthz", "/api/v1/me", "/api/v1/nothing", "/metrics"):
        headers = ana.send("GET", path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers


# ---- figures


def test_figures(shared: Lab, ana: Client) -> None:
    """Prometheus gets them by the field's names; healthz and readyz say what they are for."""
    run = ana.start("gated")
    ana.gate(run)
    text = ana.send("GET", "/metrics").body
    for line in (
        f'relight_run_info{{run="{run}",runbook="gated",site="lab",starter="ana",state="waiting"}} 1.0',
        f'relight_driver_up{{run="{run}"}} 1.0',
        'relight_step_duration_seconds_count{outcome="succeeded",runbook="gated",step="hello"}',
        "relight_journal_append_seconds_count",
        "relight_journal_up 1.0",
        "relight_serve_info{",
    ):
        assert line in text
    waiting = int(float(text.partition('relight_runs{state="waiting"} ')[2].splitlines()[0]))
    assert waiting >= 1
    ready = ana.send("GET", "/readyz")
    assert (ready.status, ready.body["ok"], run in ready.body["driving"]) == (200, True, True)
    assert ana.post(f"/runs/{run}/abort", {}).status == 200
    ana.until(run, lambda d: d["ended_at"])
    text = ana.send("GET", "/metrics").body
    assert f'run="{run}"' not in text
    assert 'relight_runs_ended_total{outcome="aborted",runbook="gated"} ' in text


# ---- alerts


def told(name: str, *, status: str = "firing", **labels: str) -> dict[str, Any]:
    """Return a message of Alertmanager, version 4."""
    alert = {
        "status": status,
        "labels": {"alertname": name, **labels},
        "annotations": {"summary": "Logins fail <b>now</b>"},
        "startsAt": "2026-11-22T03:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": f"{name}-{'-'.join(labels.values())}",
    }
    return {"version": "4", "status": status, "groupKey": "{}", "receiver": "relight", "alerts": [alert]}


def test_an_alert_proposes_and_a_person_begins(shared: Lab, ana: Client) -> None:
    """Told often, proposed once, shown with its plan; begun by one person, once, and never by what told it."""
    bot = who(shared, "bot")
    told_often = [bot.post("/alerts", told("LoginErrors", nodes="3")) for _ in range(3)]
    assert {(each.status, len(each.body["proposals"]), each.body["unmatched"]) for each in told_often} == {(200, 1, 0)}
    (name,) = {each.body["proposals"][0]["id"] for each in told_often}
    listed = [entry for entry in ana.get("/proposals").body["proposals"] if entry["id"] == name]
    assert [(entry["state"], entry["published"], entry["inputs"]) for entry in listed] == [
        ("proposed", "gated", {"many": "3"})
    ]
    shown = ana.get(f"/proposals/{name}").body
    assert shown["plan"]["runbook"] == "gated"
    problem(bot.post(f"/proposals/{name}/begin", {}), 403, "only people decide")
    problem(who(shared, "robot").post(f"/proposals/{name}/begin", {}), 403)
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ana.post(f"/proposals/{name}/begin", {}))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [201, 409, 409]
    (run,) = [answer.body["run"] for answer in answers if answer.status == 201]
    assert ana.status(run)["starter"] == "ana"
    assert bot.post("/alerts", told("LoginErrors", nodes="3")).body["proposals"][0]["state"] == "begun"
    assert ana.post(f"/runs/{run}/abort", {}).status == 200


def test_a_label_is_data(shared: Lab, ana: Client) -> None:
    """A label of the wrong type is shown as what is wrong, and cannot be begun; nothing in it is evaluated."""
    bot = who(shared, "bot")
    for nodes in ("99", "${{ site.values.x }}", "'; drop table runs; --", "{{ 7*7 }}"):
        name = bot.post("/alerts", told("LoginErrors", nodes=nodes)).body["proposals"][0]["id"]
        shown = ana.get(f"/proposals/{name}").body
        assert (shown["plan"], shown["inputs"], "many" in shown["problem"]) == (None, {"many": nodes}, True), shown
        assert f"many={nodes}" == shlex.split(shown["command"])[-1]
        assert shown["command"] in shared.type().stdout
        problem(ana.post(f"/proposals/{name}/begin", {}), 422, "no plan")
        assert ana.post(f"/proposals/{name}/dismiss", {"reason": "nonsense"}).body["state"] == "dismissed"
        problem(ana.post(f"/proposals/{name}/begin", {}), 409, "dismissed already, by ana")


def test_alerts_that_mean_nothing_here(shared: Lab, ana: Client) -> None:
    """Unmatched ones are counted, resolved ones withdraw what they proposed, and no message is no crash."""
    bot = who(shared, "bot")
    assert bot.post("/alerts", told("Unheard")).body == {
        "schema": "relight.proposals/v1",
        "proposals": [],
        "unmatched": 1,
        "left_out": 0,
    }
    assert bot.post("/alerts", told("Other", a="1")).body["proposals"][0]["state"] == "proposed"
    resolved = bot.post("/alerts", told("Other", status="resolved", a="1")).body["proposals"][0]
    assert resolved["state"] == "resolved"
    problem(ana.post(f"/proposals/{resolved['id']}/begin", {}), 409, "resolved already")
    wrong: list[Any] = [{}, {"alerts": 1}, {"alerts": [1]}, {"alerts": [{}]}, {"alerts": [{"labels": []}]}]
    for body in wrong:
        problem(bot.send("POST", "/api/v1/alerts", body), 422)
    problem(who(shared, "robot").post("/alerts", told("Other")), 403, "propose is not for")
