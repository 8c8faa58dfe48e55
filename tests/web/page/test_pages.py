"""Every page: who sees it, what it sends along, whether it can be read aloud, and that it needs no script."""

from __future__ import annotations

import json
import re
import socket
import threading
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from relight.control.keeping import kept_results
from relight.web.site import pages

if TYPE_CHECKING:
    from tests.web.page.conftest import Door

    from relight.testing.browser import Browser, Form

ALERT = {
    "status": "firing",
    "labels": {"alertname": "LoginErrors", "nodes": "3"},
    "annotations": {"summary": "One login in three fails"},
    "startsAt": "2026-01-01T00:00:00Z",
}


def asks(stage: str) -> Any:
    return lambda run: run.ticket is not None and run.ticket.id.startswith(f"{stage}/")


def stepped_back(run: Any) -> bool:
    return any(getattr(record.state, "step_backs", 0) for record in run.steps.values())


@pytest.fixture(scope="module")
def paths(door: Door, nights: Any, bot: str) -> dict[str, str]:
    """One address of each kind of page, and of a run in each kind of moment."""
    from relight.cli.rehearse_drawing import sheet
    from relight.control import proposals
    from relight.control.keeping import keep_exploration, keep_rehearsal

    night = nights[""]
    rehearsal = keep_rehearsal(door.journal, night.document(), sheet(night.played, "prod-eu", night.seed))
    exploration = keep_exploration(door.journal, EXPLORED)
    caller = door.reception.caller_with(bot, door="api")
    proposed = proposals.propose(door.reception, caller, {"alerts": [ALERT]})["proposals"][0]["id"]
    runs = {
        "gate": door.put(night, asks("roll-back")),
        "driven": door.put(night, asks("flush"), driven=True),
        "ramp": door.put(nights["reopen-relapses-once"], stepped_back, driven=True),
        "held": door.put(nights["capacity-warm-fails"], lambda run: bool(run.holds), driven=True),
        "over": door.put(night, lambda run: run.outcome is not None),
    }
    return {
        **{name: f"/runs/{run}" for name, run in runs.items()},
        "runs": "/",
        "story": f"/runs/{runs['over']}/story",
        "report": f"/runs/{runs['over']}/report",
        "effects": "/effects",
        "runbooks": "/runbooks",
        "form": "/start/prod-eu/brownout",
        "plan": "/start/prod-eu/brownout?plan=1&in.admit=12",
        "proposals": "/proposals",
        "proposal": f"/proposals/{proposed}",
        "rehearsal": f"/rehearsals/{rehearsal}",
        "exploration": f"/explorations/{exploration}",
        "ask": f"/runs/{runs['gate']}/ask/approve",
    }


EXPLORED = {
    "schema": "relight.exploration/v1",
    "verdict": "clean",
    "runbook": "brownout-recovery",
    "site": "prod-eu",
    "complete": True,
    "states": 12_314,
    "transitions": 40_000,
    "coverage": {"stages": {"reached": 8, "of": 8}, "steps": {"reached": 14, "of": 14}},
    "violations": [],
    "worst_case": {"alone_s": 3_600, "people_s": 7_200},
    "decisions": [
        {
            "code": "step-failed",
            "stage": "capacity",
            "step": "warm",
            "means": "a step failed",
            "in_force": ["throttle"],
            "maybe_in_force": [],
            "verbs": [
                {"verb": "retry", "words": "warm", "leads_to": "tries again", "roles": [], "needs_reason": False},
            ],
        }
    ],
}


def test_nothing_is_shown_to_whoever_is_not_signed_in(door: Door, paths: dict[str, str]) -> None:
    """Every page leads to the way in, and back to where somebody wanted to go."""
    stranger = door.browser()
    for path in paths.values():
        page = stranger.send("GET", path)
        assert page.status == 303
        assert page.headers["location"].startswith("/sign-in?next=/")
    assert stranger.send("GET", f"{paths['gate']}/live").status == 204


def test_a_link_from_elsewhere_is_followed(door: Door, paths: dict[str, str]) -> None:
    """A strict cookie does not come with it, so the next step is taken on a page of ours."""
    page = door.browser().send("GET", paths["gate"], sec_fetch_site="cross-site")
    assert page.status == 200
    assert f"0;url={paths['gate']}" in page.html


def test_every_page_is_strict_and_needs_no_script(door: Door, paths: dict[str, str]) -> None:
    """No inline script or style, nothing from elsewhere, no framing, nothing kept by a proxy."""
    ana = door.browser("ana")
    for name, path in {**paths, "sign-in": "/sign-in"}.items():
        page = ana.get(path)
        assert page.status == 200, (name, page.text)
        policy = page.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert (page.headers["cache-control"], page.headers["x-frame-options"]) == ("no-store", "DENY")
        for tag, given in page.elements:
            assert tag != "style", name
            assert not [key for key in given if key == "style" or key.startswith("on")], (name, tag, given)
            assert tag != "script" or given["src"].startswith("/static/"), name
            assert not given.get("src", "/").startswith(("http", "//")), name


def test_every_page_can_be_read_aloud(door: Door, paths: dict[str, str]) -> None:
    """A language, a title, landmarks, one headline, no level left out, and a name for whatever can be filled in."""
    ana = door.browser("ana")
    for name, path in {**paths, "sign-in": "/sign-in"}.items():
        page = ana.get(path)
        tags = [tag for tag, _ in page.elements]
        assert ("html", {"lang": "en"}) in page.elements
        assert (tags.count("h1"), tags.count("main"), "title" in tags) == (1, 1, True), name
        levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
        assert all(after <= before + 1 for before, after in pairwise(levels)), (name, levels)
        assert all("alt" in given for tag, given in page.elements if tag == "img"), name
        assert all("scope" in given for tag, given in page.elements if tag == "th"), name
        assert all(text for form in page.forms for text in form.buttons), name
        labelled = len(re.findall(r"<label[^>]*>.*?</label>", page.html, re.DOTALL))
        filled = [given for tag, given in page.elements if tag in ("input", "textarea", "select")]
        assert labelled == len([given for given in filled if given.get("type") != "hidden"]), name
        ids = [given["id"] for _, given in page.elements if "id" in given]
        assert len(ids) == len(set(ids)), (name, ids)
        assert [given for _, given in page.elements if given.get("aria-live") == "polite"], name


def test_the_run_is_told_across_the_room(door: Door, paths: dict[str, str]) -> None:
    """The word for the moment is in the headline and in the title."""
    ana = door.browser("ana")
    words = {"driven": "GATE", "ramp": "STEPPED BACK 1 of 3", "held": "HELD", "over": "SUCCEEDED"}
    for name, word in words.items():
        page = ana.get(paths[name])
        assert word in page.html.split("<h1>")[1].split("</h1>")[0], name
        assert f"<title>{word} prod-eu" in page.html, name
    assert "protects" in ana.get(paths["held"]).text


def test_a_way_in_leads_nowhere_else(door: Door, secret: str) -> None:
    """Whatever is asked for, the way on stays at this door."""
    for to in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\t//evil.example"):
        browser = door.browser()
        sent = browser.submit(browser.get("/sign-in").form("Sign in"), follow=False, secret=secret, next=to)
        assert (sent.status, sent.headers["location"]) == (303, "/")


def test_a_session_is_new_hidden_and_ends(door: Door, secret: str) -> None:
    """Its word is not what the browser came with, no script sees it, and after signing out it opens nothing."""
    browser = door.browser()
    browser.cookies["relight"] = "chosen-by-somebody-else"
    browser.sign_in(secret)
    word = browser.cookies["relight"]
    assert word != "chosen-by-somebody-else"
    (line,) = [line for line in browser.set if line.startswith("relight=")]
    assert "httponly" in line.lower()
    assert "samesite=strict" in line.lower()
    assert "max-age" not in line.lower()
    assert word not in json.dumps([kept.body | {"name": kept.name} for kept in door.journal.kept("sessions", 0)])
    browser.submit(browser.get("/").form("Sign out"))
    browser.cookies["relight"] = word
    assert browser.send("GET", "/").status == 303


def test_a_wrong_secret_and_an_old_form_open_nothing(door: Door) -> None:
    """What is said is the same for everybody who is not known."""
    browser = door.browser()
    page = browser.sign_in("relight_s_" + "x" * 43)
    assert (page.status, "relight" in browser.cookies) == (403, False)
    assert "Nobody is known by this" in page.text
    form = browser.get("/sign-in").form("Sign in")
    browser.cookies.clear()
    assert browser.submit(form, secret="whatever").status == 403


def filled(form: Form, **inputs: str) -> Form:
    """Return the form of a start with these inputs."""
    return form._replace(fields={**form.fields, **{f"in.{name}": value for name, value in inputs.items()}})


def test_a_run_is_started_from_its_plan(door: Door) -> None:
    """Inputs have types and limits, production's name is typed, and the plan that was looked at is the one started."""
    ana = door.browser("ana")
    form = ana.get("/start/prod-eu/brownout").form("Show the plan")
    wrong = ana.submit(filled(form, admit="99"))
    assert (wrong.status, "admit" in wrong.text) == (422, True)
    page = ana.submit(filled(form, admit="12"))
    assert "admit=12" in page.text
    start = page.form("Start it on prod-eu")
    refused = ana.submit(start, confirm="prod")
    assert (refused.status, "production" in refused.text) == (409, True)
    done = ana.submit(start, confirm="prod-eu")
    assert (done.status, "has been started" in done.text) == (200, True)
    run = done.url.split("?")[0]
    assert ana.submit(start, confirm="prod-eu").url.split("?")[0] == run
    assert ana.submit(ana.get(f"{run}/ask/abort").form("Abort")).status == 200  # others claim the same lock


def test_a_run_that_is_started_here_adopts_what_an_ended_one_left(door: Door, nights: Any) -> None:
    """The plan says it first, and the run's page by whom it was left; what is over says how it is undone."""
    ana = door.browser("ana")
    over = door.put(nights[""], lambda run: run.outcome is not None)
    assert f"relight undo {over} scale" in ana.get("/effects").text
    page = ana.submit(filled(ana.get("/start/prod-eu/brownout").form("Show the plan"), admit="11"))
    assert f"Adopts scale add=2, serve=false, in force since run {over} (succeeded " in " ".join(page.text.split())
    run = ana.submit(page.form("Start it on prod-eu"), confirm="prod-eu").url.split("?")[0]
    assert f"left by run {over}" in " ".join(ana.get(run).text.split())
    assert f"relight undo {over} scale" not in ana.get("/effects").text
    assert ana.submit(ana.get(f"{run}/ask/abort").form("Abort")).status == 200  # others claim the same lock


def test_a_proposal_is_begun_once(door: Door, paths: dict[str, str]) -> None:
    """With its alert and its plan; who comes second is told who was first."""
    ana, bo = door.browser("ana"), door.browser("bo")
    form = ana.get(paths["proposal"]).form("Begin it on prod-eu")
    theirs = bo.get(paths["proposal"]).form("Begin it on prod-eu")
    done = ana.submit(form, confirm="prod-eu")
    assert (done.status, "as proposed" in done.text) == (200, True)
    late = bo.submit(theirs, confirm="prod-eu")
    assert (late.status, "ana" in late.text) == (409, True)


def test_what_is_kept_of_a_site_is_for_those_whom_it_knows(door: Door, paths: dict[str, str]) -> None:
    """Runbooks say when they were rehearsed; the newest result takes the older one's place."""
    page = door.browser("cy").get("/runbooks")
    assert "as it should" in page.text
    assert "12,314 states" in page.text
    assert len(kept_results(door.journal, "rehearsals")) == 1
    assert "worst 667" in door.browser("cy").get(paths["rehearsal"]).text.replace(",", "")
    assert door.browser("cy").get("/rehearsals/000000000000").status == 404


# ---- live


class Stream:
    """What a browser is told of a run as it happens."""

    def __init__(self, browser: Browser, path: str) -> None:
        place = urlsplit(browser.url)
        self._socket = socket.create_connection((place.hostname, place.port), timeout=90)
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        self._socket.sendall(f"GET {path}/live HTTP/1.1\r\nHost: {place.netloc}\r\nCookie: {cookie}\r\n\r\n".encode())
        self._file = self._socket.makefile("rb")

    def until(self, holds: Any) -> dict[str, str]:
        """Return everything told so far, once *holds* is true of it."""
        seen: dict[str, str] = {}
        for line in self._file:
            if line.startswith(b"data: {"):
                seen |= json.loads(line[6:])
                if holds(seen):
                    return seen
        raise AssertionError(f"the stream ended with {list(seen)}")

    def close(self) -> None:
        """Go away."""
        self._file.close()
        self._socket.close()


def test_a_page_is_kept_true_while_it_is_open(door: Door, nights: Any) -> None:
    """A vote by one person changes what the other sees; each has forms of their own."""
    run = door.put(nights[""], asks("roll-back"))
    ana, bo = door.browser("ana"), door.browser("bo")
    stream = Stream(ana, f"/runs/{run}")
    try:
        first = stream.until(lambda seen: "decide" in seen)
        assert {"headline", "stages", "evidence", "force", "watch", "story", "decide"} <= set(first)
        assert ana.get("/").form("Sign out").fields["csrf"] in first["decide"]
        assert "@csrf@" not in first["decide"]
        bo.submit(bo.get(f"/runs/{run}").form("Approve"), reason="so be it")
        # The story is read a moment after the evidence: a vote in between is seen in two steps.
        parts = {"story": "bo approved", "evidence": "<b>bo</b> approved"}
        stream.until(lambda seen: all(words in seen.get(part, "") for part, words in parts.items()))
    finally:
        stream.close()


def test_a_crowd_is_told_what_is_made_once(door: Door, nights: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty viewers of one run cost as much drawing as one."""
    import relight.web.live as live

    made: list[str] = []
    drawing = live.run_parts

    def counted(*given: Any) -> dict[str, str]:
        made.append(given[1])
        return drawing(*given)

    monkeypatch.setattr(live, "run_parts", counted)
    run = door.put(nights[""], asks("flush"))
    ana = door.browser("ana")
    streams: list[Stream] = []
    try:
        streams += [Stream(ana, f"/runs/{run}") for _ in range(50)]
        told: list[Any] = []
        threads = [
            threading.Thread(target=lambda each=each: told.append(each.until(lambda seen: "decide" in seen)))
            for each in streams
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(told) == 50
        assert len(made) < 25
    finally:
        for each in streams:
            each.close()


def test_every_page_has_its_address_here(door: Door, paths: dict[str, str]) -> None:
    """A page that nobody looks at in these tests is named."""
    patterns = [re.compile(re.sub(r"\{\w+\}", "[^/?]+", page.path)) for page in pages() if page.method == "GET"]
    known = [path.split("?")[0] for path in paths.values()]
    missed = [each.pattern for each in patterns if not any(each.fullmatch(path) for path in known)]
    assert [pattern for pattern in missed if "/ask/" not in pattern] == []
