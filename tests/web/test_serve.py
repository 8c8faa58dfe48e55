"""Serves in real processes: runs handed over, orphans taken, nothing driven twice, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relight.journal.sqlite import SqliteJournal

if TYPE_CHECKING:
    from tests.web.conftest import Lab

WITHIN_S = 90


def story(run: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the facts of a run: what is in the journal is what happened."""
    journal = SqliteJournal(Path(os.environ["RELIGHT_HOME"]) / "journal.db", create=False)
    try:
        return [(record.kind, json.loads(record.body)) for record in journal.records(run)]
    finally:
        journal.close()


def over(document: dict[str, Any]) -> bool:
    return document["ended_at"] is not None


def test_a_run_is_handed_to_the_serve_that_shares_the_journal(lab: Lab) -> None:
    """`relight run` starts no driver of its own then, and says who drives; the same documents at both doors."""
    serve = lab.serve("--name", "serve-1")
    path = str(lab.folder / "quick.runbook.yaml")
    said = lab.type("run", path, "--site", str(lab.folder / "lab.site.yaml"), "--yes", "-o", "json")
    assert said.returncode == 0, said.stderr
    assert "its driver is serve serve-1" in said.stderr
    run = json.loads(said.stdout)["run"]
    assert [body["driver"] for kind, body in story(run) if kind == "driver_took_over"] == ["serve-1"]
    at_api = serve.client(lab.secrets["ana"]).status(run)
    at_cli = json.loads(lab.type("status", run, "-o", "json").stdout)
    assert {**at_api, "at": ""} == {**at_cli, "at": ""}
    assert f"runs of lab, {serve.url}" in lab.type("doctor").stdout


def test_without_a_serve_everything_works_from_the_command_line(lab: Lab) -> None:
    """Started through a serve, decided and finished when it is gone: nothing depends on it."""
    serve = lab.serve()
    ana = serve.client(lab.secrets["ana"])
    run = ana.start("gated")
    vote = ana.gate(run)
    assert ana.post(f"/runs/{run}/approve", vote).status == 200
    serve.kill()
    said = lab.type("approve", run, vote["ticket"])
    assert said.returncode == 0, said.stderr
    assert lab.type("resume", run).returncode == 0
    assert lab.type("watch", run).returncode == 0
    votes = {body["person"]: body["door"] for kind, body in story(run) if kind == "vote_cast"}
    assert votes == {"ana": "api", "bo": "cli"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_another_serve_takes_over_and_finishes(lab: Lab, number: signal.Signals) -> None:
    """One serve is ended in the middle of a run; the other one takes it at once and finishes; nothing is done twice."""
    first = lab.serve("--name", "one")
    ana = first.client(lab.secrets["ana"])
    run = ana.start("gated")
    vote = ana.gate(run)
    assert ana.post(f"/runs/{run}/approve", vote).status == 200
    second = lab.serve("--name", "two")
    assert first.kill(number) == (0 if number == signal.SIGTERM else -9)
    bo = second.client(lab.secrets["bo"])
    bo.until(run, lambda d: d["driver"] is not None and d["driver"]["name"] == "two")
    assert bo.post(f"/runs/{run}/approve", vote).status == 200
    assert bo.until(run, over)["state"] == "succeeded"
    facts = story(run)
    assert [body["driver"] for kind, body in facts if kind == "driver_took_over"] == ["one", "two"]
    assert [body["step"] for kind, body in facts if kind == "step_dispatched"] == ["hello", "bye"]


def test_two_serves_share_the_work_and_drive_nothing_twice(lab: Lab) -> None:
    """Of a dozen runs each serve gets some, and each run has one driver from its beginning to its end."""
    serves = [lab.serve("--name", "one"), lab.serve("--name", "two")]
    ana = serves[0].client(lab.secrets["ana"])
    runs = [ana.start("two") for _ in range(12)]
    for run in runs:
        assert ana.until(run, over)["state"] == "succeeded"
    drivers = [[body["driver"] for kind, body in story(run) if kind == "driver_took_over"] for run in runs]
    assert all(len(each) == 1 for each in drivers)
    assert {each[0] for each in drivers} == {"one", "two"}


def test_two_doors_are_one_person(lab: Lab) -> None:
    """Approving on the page's door and in the terminal is one vote."""
    serve = lab.serve()
    bo = serve.client(lab.secrets["bo"])
    run = bo.start("gated")
    vote = bo.gate(run)
    assert bo.post(f"/runs/{run}/approve", vote).status == 200
    again = lab.type("approve", run, vote["ticket"])
    assert again.returncode == 4
    assert "one person is one vote" in again.stderr
    assert bo.status(run)["waiting_on"]["ticket"] == vote["ticket"]


def test_approved_at_one_door_and_denied_at_another_in_the_same_moment(lab: Lab) -> None:
    """The denial wins: the gate stays closed whichever came first, and the approver is told."""
    serve = lab.serve()
    ana, bo = serve.client(lab.secrets["ana"]), serve.client(lab.secrets["bo"])
    run = ana.start("gated")
    vote = ana.gate(run)
    barrier = threading.Barrier(2)
    said: dict[str, Any] = {}

    def at_once(name: str, act: Callable[[], Any]) -> threading.Thread:
        def work() -> None:
            barrier.wait()
            said[name] = act()

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    threads = [
        at_once("approve", lambda: ana.post(f"/runs/{run}/approve", vote)),
        at_once("deny", lambda: lab.type("deny", run, vote["ticket"], "--reason", "not now")),
    ]
    for thread in threads:
        thread.join()
    assert said["deny"].returncode == 0, said["deny"].stderr
    assert said["approve"].status in {200, 409}
    document = bo.until(run, lambda d: d["state"] == "held")
    assert document["waiting_on"]["code"] == "gate-denied"
    late = bo.post(f"/runs/{run}/approve", vote)
    assert (late.status, late.body["kind"]) == (409, "NotNow")
    assert "bye" not in [body["step"] for kind, body in story(run) if kind == "step_dispatched"]


def test_two_clicks_on_one_button_are_one_vote(lab: Lab) -> None:
    """The same approval twice in the same moment: one is taken, the other says so, or gets the same answer."""
    serve = lab.serve()
    ana = serve.client(lab.secrets["ana"])
    run = ana.start("gated")
    vote = ana.gate(run)
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ana.post(f"/runs/{run}/approve", vote))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200, *[409] * 5]
    assert [body["person"] for kind, body in story(run) if kind == "vote_cast"] == ["ana"]
    keyed = [serve.client(lab.secrets["bo"]).post(f"/runs/{run}/pause", {}, idempotency_key="k1") for _ in range(3)]
    assert [answer.status for answer in keyed] == [200] * 3
    assert len([1 for kind, _ in story(run) if kind == "paused"]) == 1


def test_an_approver_who_was_removed_does_not_count(lab: Lab) -> None:
    """Ana approves and is removed from the site: her vote is not used, and nobody knows her secret any more."""
    serve = lab.serve()
    ana, bo = serve.client(lab.secrets["ana"]), serve.client(lab.secrets["bo"])
    run = bo.start("gated")
    vote = bo.gate(run)
    assert ana.post(f"/runs/{run}/approve", vote).status == 200
    lab.write_site(without="ana")
    gone = ana.get("/me")
    assert (gone.status, gone.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    bo.until(run, lambda d: [vote["counts"] for vote in d["waiting_on"]["approvals"]] == [False])
    assert bo.post(f"/runs/{run}/approve", vote).status == 200
    assert bo.status(run)["waiting_on"]["ticket"] == vote["ticket"]
    assert "gate_opened" not in [kind for kind, _ in story(run)]


def test_a_serve_says_why_it_does_not_start(lab: Lab, tmp_path: Path) -> None:
    """A port that is taken, a journal that cannot be, no people, no site: a sentence each, and the table's code."""
    site = str(lab.folder / "lab.site.yaml")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = lab.type("serve", "--site", site, "--port", str(taken.getsockname()[1]))
        assert (said.returncode, "listens at" in said.stderr) == (75, True), said.stderr
    (tmp_path / "file").write_text("")
    said = lab.type("serve", "--site", site, "--port", "0", "--journal", f"sqlite://{tmp_path}/file/journal.db")
    assert (said.returncode, "Traceback" in said.stderr) == (9, False), said.stderr
    nobody = tmp_path / "nobody.site.yaml"
    nobody.write_text("site: nobody\nschema: relight/v1\nenvironment: test\n")
    said = lab.type("serve", "--site", str(nobody), "--port", "0")
    assert (said.returncode, "has no people" in said.stderr) == (3, True), said.stderr
    said = lab.type("serve", "--port", "0")
    assert (said.returncode, "no site is named" in said.stderr) == (2, True), said.stderr
    lab.serve("--name", "mine")
    said = lab.type("serve", "--site", site, "--port", "0", "--name", "mine")
    assert (said.returncode, "there is a serve mine already" in said.stderr) == (75, True), said.stderr
    said = lab.type("serve", "--site", site, "--host", "192.0.2.1", "--port", "0")
    assert (said.returncode, "may not listen" in said.stderr) == (2, True), said.stderr


def test_a_token_is_shown_once_and_kept_as_a_digest(lab: Lab) -> None:
    """It is on standard output alone, the digest goes into the document, and bots cannot sign in."""
    site = str(lab.folder / "lab.site.yaml")
    made = lab.type("token", "ana", "--site", site, "--may", "read", "--may", "start")
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert secret.startswith("relight_t_")
    assert secret not in made.stderr
    assert "may: [read, start]" in made.stderr
    for words, code, what in (
        (("token", "nobody", "--site", site), 2, "nobody of lab"),
        (("token", "ci", "--site", site, "--sign-in"), 2, "only people sign in"),
        (("token", "ana", "--site", site, "--sign-in", "--may", "read"), 2, "leave --may out"),
    ):
        said = lab.type(*words)
        assert (said.returncode, what in said.stderr) == (code, True), said.stderr


def test_a_run_of_another_site_is_left_alone(lab: Lab) -> None:
    """A serve drives the runs of its sites; another site's has a driver of its own, and is shown to nobody here."""
    serve = lab.serve()
    other = (lab.folder / "lab.site.yaml").read_text().replace('"site": "lab"', '"site": "other"')
    (lab.folder / "other.site.yaml").write_text(other)
    path = str(lab.folder / "quick.runbook.yaml")
    said = lab.type("run", path, "--site", str(lab.folder / "other.site.yaml"), "--yes", "-o", "json")
    assert said.returncode == 0, said.stderr
    assert "its driver is process" in said.stderr
    run = json.loads(said.stdout)["run"]
    assert serve.client(lab.secrets["ana"]).get(f"/runs/{run}").status == 404
    assert serve.client(lab.secrets["ana"]).get("/runs").body["runs"] == []


def test_a_serve_that_is_told_to_stop_says_what_became_of_its_runs(lab: Lab) -> None:
    """SIGTERM: the runs are given back, one line says so, and it ends with 0."""
    serve = lab.serve()
    serve.process.send_signal(signal.SIGTERM)
    _, err = serve.process.communicate(timeout=WITHIN_S)
    assert (serve.process.returncode, err) == (0, "All runs were given back.\n")
