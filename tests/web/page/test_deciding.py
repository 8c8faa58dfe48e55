"""Deciding on the page without any script: by whom, how often, how late, and by forgery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from relight.web.site import pages

if TYPE_CHECKING:
    from tests.web.page.conftest import Door


def asks(stage: str) -> Any:
    return lambda run: run.ticket is not None and run.ticket.id.startswith(f"{stage}/")


@pytest.fixture
def gate(door: Door, nights: Any) -> str:
    """A run at its first gate, whose driver is gone: whatever is asked is decided at once."""
    return door.put(nights[""], asks("roll-back"))


def votes(door: Door, run: str) -> list[tuple[str, str, str]]:
    """Return who has voted at the gate, at which door, with which proof."""
    ticket = door.run(run).ticket
    return [] if ticket is None else [(vote.person, vote.door, vote.proof) for vote in ticket.votes]


def test_a_gate_is_approved_by_a_button(door: Door, gate: str) -> None:
    """The vote is the person's, at this door; the page that follows says so."""
    bo = door.browser("bo")
    page = bo.get(f"/runs/{gate}")
    assert "Roll back auth 41 to 40?" in page.text
    hasty = bo.submit(page.form("Approve"))
    assert (422, True, []) == (hasty.status, "Say why" in hasty.text, votes(door, gate)), "it cannot be taken back"
    said = bo.submit(page.form("Approve"), reason="the release is at fault")
    assert said.status == 200
    assert "Approve:" in said.text
    assert [("bo", "page", "sign-in")] == votes(door, gate)
    assert "bo approved" in said.text


def test_the_same_click_twice_is_one_vote(door: Door, gate: str) -> None:
    """The second of a double click gets the first one's answer."""
    bo = door.browser("bo")
    form = bo.get(f"/runs/{gate}").form("Approve")
    first, second = bo.submit(form, reason="so be it"), bo.submit(form, reason="so be it")
    assert (200, 200) == (first.status, second.status)
    assert len(votes(door, gate)) == 1


def test_a_page_that_is_old_changes_nothing_and_says_who_decided(door: Door, gate: str) -> None:
    """Bo approves on a page that was loaded before ana denied: she is named, and what to do."""
    ana, bo = door.browser("ana"), door.browser("bo")
    late = bo.get(f"/runs/{gate}").form("Approve")
    assert ana.submit(ana.get(f"/runs/{gate}").form("Deny"), reason="not yet").status == 200
    page = bo.submit(late, reason="so be it")
    assert page.status == 409
    assert "Approve changed nothing" in page.text
    assert "ana denied" in page.text
    assert "Look at the run as it is" in page.text
    assert votes(door, gate) == []


def test_looking_at_a_deciding_link_changes_nothing(door: Door, gate: str) -> None:
    """It shows the evidence and a form, for every verb."""
    bo, before = door.browser("bo"), door.journal.row(gate)
    for verb in ("approve", "deny", "skip", "pause", "resume", "abort", "ramp", "note", "ask", "mark", "retry"):
        page = bo.get(f"/runs/{gate}/ask/{verb}?words=roll-back")
        assert page.status == 200, verb
        assert page.forms[-1].method == "post"
    assert "deploy.rollback" in bo.get(f"/runs/{gate}/ask/approve").text
    assert before == door.journal.row(gate)


def test_what_needs_a_reason_asks_for_it(door: Door, gate: str) -> None:
    """Skipping a stage without one is refused on the page; with one it is done."""
    bo = door.browser("bo")
    page = bo.get(f"/runs/{gate}/ask/skip?words=roll-back")
    refused = bo.submit(page.form("Skip roll-back"), reason=" ")
    assert (422, True) == (refused.status, "Say why" in refused.text)
    done = bo.submit(page.form("Skip roll-back"), reason="the release is not at fault")
    assert done.status == 200
    assert door.run(gate).past["roll-back"] == "skipped"


def test_an_undo_is_shown_before_it_is_asked(door: Door, gate: str) -> None:
    """In its order, with what each would call."""
    page = door.browser("ana").get(f"/runs/{gate}/ask/undo?words=freeze")
    assert "Would be undone, in this order" in page.text
    assert "deploy.unfreeze" in page.text


def test_who_may_not_is_told_who_may(door: Door, gate: str) -> None:
    """Without the role there is no button, and a form made by hand is refused."""
    cy = door.browser("cy")
    page = cy.get(f"/runs/{gate}")
    assert "You may not open this gate" in page.text
    assert "Approve" not in [button for form in page.forms for button in form.buttons]
    forged = page.form("Pause")._replace(action=f"/runs/{gate}/ask/approve")
    ticket = door.run(gate).ticket
    assert ticket is not None
    refused = cy.submit(forged, ticket=ticket.id, scope=ticket.scope_digest, words="")
    assert refused.status == 403
    assert "incident-commander" in refused.text
    assert votes(door, gate) == []


def test_a_token_looks_and_never_decides(door: Door, gate: str, robot: str, bot: str) -> None:
    """A program's token of ana is not ana; a bot does not sign in at all."""
    browser = door.browser()
    assert browser.sign_in(robot).status == 200
    page = browser.get(f"/runs/{gate}")
    assert page.status == 200
    assert "Approve" not in [button for form in page.forms for button in form.buttons]
    form = page.form("Pause")
    refused = browser.submit(form._replace(action=f"/runs/{gate}/ask/approve"))
    assert (403, True) == (refused.status, "only people decide" in refused.text)
    assert door.browser().sign_in(bot).status == 403


def test_an_approver_who_was_removed_is_nobody_at_the_next_click(door: Door, gate: str) -> None:
    """The session is of no use any more, and says so."""
    bo = door.browser("bo")
    form = bo.get(f"/runs/{gate}").form("Approve")
    door.again(without="bo")
    try:
        page = bo.submit(form)
        assert page.status == 401
        assert "Sign in" in page.text
        assert votes(door, gate) == []
    finally:
        door.again()
    assert bo.get("/").url.endswith("/sign-in?next=/")


def test_no_form_works_without_its_own_word(door: Door, gate: str) -> None:
    """Every form of every page: without a word, with another session's, and from another site."""
    ana, bo = door.browser("ana"), door.browser("bo")
    theirs = ana.get("/").form("Sign out").fields["csrf"]
    mine = bo.get("/").form("Sign out").fields["csrf"]
    assert mine != theirs
    before = door.journal.row(gate)
    for page in [page for page in pages() if page.method == "POST"]:
        path = page.path.format(run=gate, site="prod-eu", published="brownout", proposal="x")
        for word, headers in (
            ("", {}),
            (theirs, {}),
            (mine, {"origin": "https://evil.example"}),
            (mine, {"origin": "null"}),
            (mine, {"sec_fetch_site": "cross-site"}),
            (mine, {"sec_fetch_site": "same-site"}),
        ):
            assert bo.send("POST", path, urlencode({"csrf": word}), **headers).status == 403, (path, headers)
        assert bo.send("POST", path, '{"csrf": 1}', content_type="application/json").status == 415
        assert door.browser().send("POST", path, urlencode({"csrf": mine})).status == 303
    assert before == door.journal.row(gate)


def test_a_held_run_says_what_may_be_done(door: Door, nights: Any) -> None:
    """Also where a choice hangs on an argument that is only known now."""
    run = door.put(nights["capacity-warm-fails"], lambda state: bool(state.holds))
    page = door.browser("ana").get(f"/runs/{run}")
    assert page.status == 200
    assert "edge-6 refused connections" in page.text
    assert "Mark warm done" in page.text


def test_a_run_without_a_driver_is_resumed_where_somebody_drives(door: Door, gate: str) -> None:
    """The page offers it first; where no serve takes the run, it says what to type on the host."""
    ana = door.browser("ana")
    page = ana.get(f"/runs/{gate}")
    refused = ana.submit(page.form("Resume"))
    assert (refused.status, f"relight resume {gate}" in refused.text) == (409, True)


def test_words_from_outside_stay_words(door: Door, gate: str) -> None:
    """Whatever is noted, given as a reason or sent in a query is shown as it is and is no markup."""
    bo, evil = door.browser("bo"), "<script>alert(1)</script>{{ 7*7 }}\"'><img src=x onerror=alert(1)>"
    page = bo.submit(bo.get(f"/runs/{gate}").form("Note"), words=evil)
    assert page.status == 200
    for each in (page, bo.get(f"/runs/{gate}/story"), bo.get(f"/runs/{gate}/ask/skip?{urlencode({'words': evil})}")):
        assert evil in each.text.replace("&quot;", '"')
        assert not [
            found for found in each.elements if "onerror" in found.attributes or found.attributes.get("src") == "x"
        ]
        assert [found for found in each.elements if found.tag == "script" and "src" not in found.attributes] == []
