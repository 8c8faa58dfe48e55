"""A site that is in production, and a site whose document goes wrong while it is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.web.conftest import Lab


def test_a_production_site_s_name_is_typed(lab: Lab) -> None:
    """Without it nothing is started, at the API as in the terminal."""
    lab.write_site(environment="production")
    ana = lab.serve().client(lab.secrets["ana"])
    wanted = {"site": "lab", "published": "quick"}
    for confirm in ("", "lap", "LAB"):
        said = ana.post("/runs", {**wanted, "confirm": confirm})
        assert (said.status, "its name has to be typed" in said.body["detail"]) == (422, True)
    assert ana.get("/runs").body["runs"] == []
    run = ana.post("/runs", {**wanted, "confirm": "lab"})
    assert run.status == 201
    assert ana.until(run.body["run"], lambda d: d["ended_at"])["state"] == "succeeded"


def test_a_typing_mistake_in_the_document_locks_nobody_out(lab: Lab) -> None:
    """What it said before still counts, and readyz says what is wrong."""
    serve = lab.serve()
    path = lab.folder / "lab.site.yaml"
    good = path.read_text()
    path.write_text(good.replace('"site": "lab"', '"site": "lab", "nonsense": 1'))
    assert serve.client(lab.secrets["ana"]).get("/me").status == 200
    ready = serve.client().send("GET", "/readyz")
    assert (ready.status, "invalid since it was changed" in ready.body["sites"]["lab"]) == (200, True)
    path.write_text(good)
    assert serve.client().send("GET", "/readyz").body["sites"] == {}
