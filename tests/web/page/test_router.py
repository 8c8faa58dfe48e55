"""The router itself is walked through: what was mounted past the lists of routes would be in no table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from relight.control.permissions import TABLE
from relight.web import application as application_module
from relight.web.api import routes
from relight.web.application import application, open_routes
from relight.web.limits import Names
from relight.web.metrics import Metrics
from relight.web.site import page_routes, pages

if TYPE_CHECKING:
    import pytest
    from tests.web.page.conftest import Door

BESIDE = {
    ("GET", "/runs/{run}/live"): "watch",
    ("POST", "/hooks/{name}"): "hook",
    ("GET", "/sign-in"): "sign-in",
    ("POST", "/sign-in"): "sign-in",
    ("GET", "/sign-in/with/{provider}"): "sign-in",
    ("GET", "/sign-in/back"): "sign-in",
    ("POST", "/sign-out"): "sign-out",
    ("GET", "/static/{name}"): "static",
}
"""What is served and is neither the API's nor a page, with its verb in the table of permissions."""


def test_nothing_is_served_that_is_not_in_the_table(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two addresses of one thing are how a check is walked around: each method of each address is accounted for."""
    made: list[Starlette] = []

    def watched(**given: Any) -> Starlette:
        made.append(Starlette(**given))
        return made[0]

    monkeypatch.setattr(application_module, "Starlette", watched)
    ends: list[Callable[[], None]] = []
    site = page_routes(door.reception, Metrics(), url="http://127.0.0.1", at_stop=ends)
    application(door.reception, Metrics(), routes(), names=Names(frozenset()), pages=site, at_stop=ends)
    served: Any = made[0].routes
    listed = {(each.method, each.path): each.verb for each in (*routes(), *open_routes())}
    listed |= {(each.method, each.path): each.verb for each in pages()} | BESIDE
    assert {(method, route.path) for route in served for method in route.methods - {"HEAD"}} == set(listed)
    assert len(served) == len(listed)
    assert set(listed.values()) <= set(TABLE)
    for end in ends:
        end()
