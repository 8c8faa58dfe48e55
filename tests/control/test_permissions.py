"""One table for all doors, and nothing at any door that is not in it."""

from __future__ import annotations

import typing

import pytest

from relight.cli.commands import COMMANDS
from relight.control.identities import Identity, Kind
from relight.control.permissions import RULES, TABLE, permit, permit_asking
from relight.control.requests import Asking
from relight.control.verbs import VERBS, Permission
from relight.errors import NotPermitted, UsageError
from relight.web.api import routes
from relight.web.application import open_routes
from relight.web.pages_signing import OPEN_VERBS
from relight.web.site import pages

KINDS: tuple[Kind, ...] = typing.get_args(Kind)
DECIDING = {name for name, permission in TABLE.items() if permission in ("approve", "decide", "begin")}


def identity(kind: Kind = "person", *, door: str = "api", may: frozenset[str] | None = None) -> Identity:
    return Identity("ana", kind, door, "proof", ("boss",), may)


def test_every_command_and_every_route_is_in_the_table() -> None:
    """Walked through, not listed by hand: a command or a route that nobody gave a permission fails here."""
    assert set(COMMANDS) - set(TABLE) == set()
    served = [*routes(), *open_routes()]
    assert {route.verb for route in served} - set(TABLE) == set()
    assert {verb.name for verb in VERBS.values() if verb.asks} - {route.verb for route in served} == set()
    assert {TABLE[route.verb] for route in open_routes()} == {"open"}
    assert "open" not in {TABLE[route.verb] for route in routes()}
    assert [(route.method, route.path) for route in served if route.method == "GET" and route.verb in DECIDING] == []


def test_every_page_is_in_the_table() -> None:
    """None is open, none decides by GET, and what a run can be asked has a form of its own."""
    served = pages()
    assert {page.verb for page in served} - set(TABLE) == set()
    assert "open" not in {TABLE[page.verb] for page in served}
    assert [page.path for page in served if page.method == "GET" and page.verb in DECIDING] == []
    forms = {page.verb for page in served if page.method == "POST"}
    assert {verb.name for verb in VERBS.values() if verb.asks} | {"run", "begin", "dismiss"} == forms
    reading = {page.verb for page in served if page.method == "GET"}
    assert {TABLE[verb] for verb in reading} <= {"read", "author"}
    assert {TABLE[verb] for verb in OPEN_VERBS} == {"open"}


def test_every_permission_has_a_rule_and_words() -> None:
    """The table's permissions are those of the type, each with who has it."""
    assert set(RULES) == set(typing.get_args(Permission)) >= set(TABLE.values())
    assert all(rule.who and rule.kinds for rule in RULES.values())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "person"])
@pytest.mark.parametrize("verb", sorted(DECIDING))
def test_only_a_person_decides(kind: Kind, verb: str) -> None:
    """A token, a bot or an agent is refused every deciding verb, whatever the site lets it do."""
    everything = frozenset(typing.get_args(Permission))
    with pytest.raises(NotPermitted, match="only people decide"):
        permit(identity(kind, may=everything), verb)
    permit(identity(), verb)


def test_less_exposure_is_for_all_and_more_is_not() -> None:
    """A token that may stop moves a ramp down, and not up."""
    token = identity("token", may=frozenset({"stop"}))
    for value in ("floor", "down", "stay"):
        permit_asking(token, Asking("ramp", value=value))
    with pytest.raises(NotPermitted, match="only people decide, so it may not ramp up"):
        permit_asking(token, Asking("ramp", value="up"))


def test_a_token_may_what_the_site_says() -> None:
    """Nothing more, and the refusal says what it may."""
    with pytest.raises(NotPermitted, match="run is not for ana's token: it may propose, read") as refused:
        permit(identity("token", may=frozenset({"read", "propose"})), "run")
    assert "add start" in refused.value.hint
    with pytest.raises(NotPermitted, match="it may nothing"):
        permit(identity("bot", may=frozenset()), "status")


def test_what_is_about_the_host_is_done_there() -> None:
    """Nobody starts a serve or makes a token from afar."""
    for verb in ("serve", "token", "doctor", "plugins"):
        permit(identity(door="cli"), verb)
        with pytest.raises(NotPermitted, match="only for whoever is on the host"):
            permit(identity(), verb)


def test_a_verb_that_nobody_put_into_the_table_is_refused() -> None:
    """A door that forgot to cannot open anything by it."""
    with pytest.raises(UsageError, match="'dance' is nothing that can be done here"):
        permit(identity(), "dance")
