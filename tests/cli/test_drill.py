"""The drill: a real brownout, recovered; and whoever answers in it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from relight.cli import deputy
from relight.cli.deputy import Answerer, asking_of
from relight.cli.following import Follower
from relight.control.choosing import choice_entries
from relight.control.requests import Asking

COMMAND = [sys.executable, "-P", "-m", "relight.cli"]


# ---- who answers


@pytest.fixture
def people(tales: ModuleType) -> tuple[Any, ...]:
    from relight.kernel.plan import Person

    return (
        Person(id="ana", roles=("incident-commander",), identities={"os": "ana"}),
        Person(id="deputy", roles=("incident-commander", "session-owner")),
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Asking]]:
    """What was asked of the run, and by whom."""
    said: list[tuple[str, Asking]] = []

    class Told:
        class answer:  # noqa: N801 - as the real one is called
            ok = True
            text = ""

    def ask(_journal: object, _row: object, asking: Asking, *, person: str, door: str) -> Any:
        assert door == "drill"
        said.append((person, asking))
        return Told

    monkeypatch.setattr(deputy, "ask", ask)
    monkeypatch.setattr(deputy, "THINKS_S", 0.0)
    return said


def follower(tale: Any, monkeypatch: pytest.MonkeyPatch) -> Follower:
    monkeypatch.setattr("relight.cli.following.os_name", lambda: "ana")
    made = Follower(tale.journal, tale.id, stream=io.StringIO(), live=False)
    made.read()
    return made


def test_the_deputy_approves_what_passes(
    tales: ModuleType, people: Any, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --auto every gate is the deputy's, once its required checks pass and not before."""
    tale = tales.Tale(tales.plan(people=people)).at_gate().turns("edge_errors", "fail", 0.06)
    answer = Answerer(auto=True)
    view = follower(tale, monkeypatch)
    answer(view)
    assert asked == []
    assert "edge_errors" in view.footer[0][1].text
    tale.turns("edge_errors", "pass", 0.01)
    view.read()
    answer(view)
    assert asked == [("deputy", Asking("approve", ticket=tale.run.ticket.id, reason="drill"))]


def typist(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(deputy, "may_prompt", lambda: True)
    monkeypatch.setattr("select.select", lambda *_: ([sys.stdin], [], []))
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.mark.parametrize(
    ("text", "verb"),
    [("y\n", "approve"), ("yes\n", "approve"), ("d\n", "deny"), ("s\n", "skip"), ("\n", None), ("n\n", None)],
)
def test_you_are_asked(
    tales: ModuleType,
    people: Any,
    asked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    verb: str | None,
) -> None:
    """On a terminal you are asked what you may answer, and Enter means not yet."""
    tale = tales.Tale(tales.plan(people=people)).at_gate()
    typist(monkeypatch, text)
    view = follower(tale, monkeypatch)
    Answerer(auto=False)(view)
    assert "[N]ot yet" in view.prompt
    assert [(person, asking.verb) for person, asking in asked] == ([("ana", verb)] if verb else [])


def test_what_is_no_answer_is_said(
    tales: ModuleType, people: Any, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word that means nothing decides nothing, and the person sees that it did not."""
    tale = tales.Tale(tales.plan(people=people)).at_gate()
    typist(monkeypatch, "sure\n")
    view = follower(tale, monkeypatch)
    answer = Answerer(auto=False)
    answer(view)
    answer(view)
    assert (asked, "'sure' is no answer" in view.footer[0][1].text) == ([], True)


def test_where_nobody_can_be_asked_it_says_so(
    tales: ModuleType, people: Any, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When standard input ends the drill goes on, and decisions come from elsewhere."""
    tale = tales.Tale(tales.plan(people=people)).at_gate()
    typist(monkeypatch, "")
    view = follower(tale, monkeypatch)
    answer = Answerer(auto=False)
    answer(view)
    answer(view)
    assert (view.prompt, "second terminal" in view.footer[0][1].text) == ("", True)


def test_the_deputy_resumes_what_lost_its_driver(
    tales: ModuleType, people: Any, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --auto nobody else would: another driver is started, once for each that is gone."""
    tale = tales.Tale(tales.plan(people=people)).at_gate()
    view = follower(tale, monkeypatch)
    monkeypatch.setattr(Follower, "driver_gone", True)
    resumed: list[int] = []
    answer = Answerer(auto=True, resume=lambda: resumed.append(view.run.epoch))
    answer(view)
    answer(view)
    assert (asked, resumed) == ([], [view.run.epoch])


def test_the_deputy_answers_what_you_may_not(
    tales: ModuleType, people: Any, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate that wants somebody else than whoever started it is the deputy's."""
    from dataclasses import replace

    gate = replace(tales.ROLL_BACK.gate, approval=replace(tales.ROLL_BACK.gate.approval, allow_self_approval=False))
    plan = tales.plan(tales.CONTAIN, replace(tales.ROLL_BACK, gate=gate), people=people)
    tale = tales.Tale(plan).at_gate()
    typist(monkeypatch, "y\n")
    view = follower(tale, monkeypatch)
    answer = Answerer(auto=False)
    answer(view)
    answer(view)
    assert {person for person, _ in asked} == {"deputy"}


def test_a_hold_offers_its_ways(
    tales: ModuleType, people: Any, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each way out of a hold has a number."""
    tale = tales.Tale(tales.plan(people=people)).later(1).fails("no")
    typist(monkeypatch, "1\n")
    view = follower(tale, monkeypatch)
    Answerer(auto=False)(view)
    assert "[1] retry throttle  [2] mark throttle done" in view.footer[0][1].text
    assert view.prompt.startswith("Your choice, 1 to ")
    assert asked == [("ana", Asking("retry", subject="throttle", reason="drill"))]


def test_every_choice_can_be_asked(tales: ModuleType) -> None:
    """What the view offers as a command is a request with the same words."""
    tale = tales.Tale().at_gate()
    (approve, skip, deny, *_) = [asking_of(choice) for choice in choice_entries(tale.run, tale.id)]
    assert (approve.ticket, skip.subject, deny.ticket) == (tale.run.ticket.id, "roll-back", tale.run.ticket.id)
    held = tales.Tale().later(1).fails("no")
    mark = next(asking_of(each) for each in choice_entries(held.run, held.id) if each["verb"] == "mark")
    assert (mark.subject, mark.value) == ("throttle", "done")
    ramp = tales.Tale().at_ramp()
    stay = next(asking_of(each) for each in choice_entries(ramp.run, ramp.id) if each["verb"] == "ramp")
    assert stay.value == "stay"
    assert asking_of({"verb": "undo", "words": "--to contain"}).value == "contain"
    assert asking_of({"verb": "undo", "words": "scale"}).subject == "scale"


# ---- the real one


def ours(mark: str) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes() and (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"RELIGHT_HOME", "RELIGHT_JOURNAL"}}
    return {**kept, "TMPDIR": str(tmp_path), "DRILL_MARK": str(tmp_path)}


@pytest.mark.drill
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", ["Starting the practice site", "relight status"])
def test_a_drill_that_is_left_leaves_nothing(tmp_path: Path, moment: str, number: int, code: int) -> None:
    """Ctrl-C or SIGTERM at any moment ends the site, the driver and the folder."""
    child = subprocess.Popen(
        [*COMMAND, "drill", "--auto"],
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    for line in child.stderr:
        if moment in line:
            break
    time.sleep(1)
    child.send_signal(number)
    child.communicate(timeout=90)
    assert child.returncode == code
    assert ours(f"DRILL_MARK={tmp_path}") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.drill
@pytest.mark.timeout(180)
def test_a_drill_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    """After kill -9 nothing can be tidied up, but the site and the driver notice and end by themselves."""
    child = subprocess.Popen(
        [*COMMAND, "drill", "--auto"],
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    for line in child.stderr:
        if "relight status" in line:
            break
    child.kill()
    child.communicate(timeout=30)
    deadline = time.monotonic() + 60
    while left := ours(f"DRILL_MARK={tmp_path}"):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


@pytest.mark.drill
@pytest.mark.timeout(240)
def test_a_drill_that_was_left_or_killed_is_in_nobodys_way(tmp_path: Path) -> None:
    """In a journal that stays, the run of a site that is gone is aborted: it would keep the next drill out."""
    home = environment(tmp_path) | {"RELIGHT_HOME": str(tmp_path / "home")}
    for number in (signal.SIGKILL, signal.SIGTERM):
        child = subprocess.Popen(
            [*COMMAND, "drill", "--auto"],
            env=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert _until(child, "took over"), "it was refused"
        child.send_signal(number)
        child.communicate(timeout=90)
        deadline = time.monotonic() + 60
        while left := ours(f"DRILL_MARK={tmp_path}"):
            assert time.monotonic() < deadline, left
            time.sleep(0.1)
    listed = subprocess.run([*COMMAND, "runs", "-o", "json"], env=home, capture_output=True, text=True, timeout=60)
    assert [run["state"] for run in json.loads(listed.stdout)["runs"]] == ["aborted", "aborted"]


def _until(child: subprocess.Popen[str], words: str) -> bool:
    assert child.stderr is not None
    return any(words in line for line in child.stderr)
