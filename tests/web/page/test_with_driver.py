"""The page of a real serve, whose driver carries the run on while people decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight.testing.browser import Browser

if TYPE_CHECKING:
    from tests.web.conftest import Lab


def test_two_people_open_a_gate_on_the_page_and_the_run_goes_on(lab: Lab) -> None:
    """Started from its plan, approved by the one and the other, finished by the driver; the list says so."""
    serve = lab.serve()
    ana, bo = Browser(serve.url), Browser(serve.url)
    for browser, name in ((ana, "ana"), (bo, "bo")):
        assert browser.sign_in(lab.secrets[name]).status == 200
    plan = ana.submit(ana.get("/start/lab/gated").form("Show the plan"))
    page = ana.submit(plan.form("Start it on lab"))
    run = page.url.split("/runs/")[1].split("?")[0]
    api = serve.client(lab.secrets["ana"])
    api.gate(run)
    assert "Approve:" in ana.submit(ana.get(f"/runs/{run}").form("Approve")).text
    waiting = bo.get(f"/runs/{run}")
    assert "ana approved" in waiting.text
    assert "GATE" in waiting.text
    assert bo.submit(waiting.form("Approve")).status == 200
    api.until(run, lambda document: document["ended_at"] is not None)
    over = bo.get(f"/runs/{run}")
    assert "SUCCEEDED" in over.text
    assert "succeeded" in bo.get("/").text


def test_a_run_whose_driver_died_is_taken_over_by_a_click(lab: Lab) -> None:
    """The serve was killed; whoever looks at another one's page has it go on there."""
    first = lab.serve()
    run = first.client(lab.secrets["ana"]).start("slow")
    first.client(lab.secrets["ana"]).until(run, lambda document: document["driver"])
    first.kill()
    second = lab.serve()
    ana = Browser(second.url)
    ana.sign_in(lab.secrets["ana"])
    page = ana.get(f"/runs/{run}")
    buttons = [button for form in page.forms for button in form.buttons]
    if "Resume" in buttons:  # a serve takes orphans by itself, and may have been quicker
        assert ana.submit(page.form("Resume")).status in (200, 409)
    second.client(lab.secrets["ana"]).until(run, lambda document: document["driver"] and document["driver"]["alive"])
    assert ana.submit(ana.get(f"/runs/{run}/ask/abort").form("Abort")).status == 200
