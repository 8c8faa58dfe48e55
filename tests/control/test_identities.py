"""Who somebody is at each door, and that they are nobody once the site says so."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from relight.control import identities
from relight.control.identities import Caller, at_host, caller_at, caller_with, digest_of, new_secret
from relight.control.sites import Sites, published, runbook_path
from relight.errors import NotPermitted, RunbookError, UsageError

OIDC = {"issuer": "https://login.example.org", "subject": "42"}


class Documents:
    """Site documents that change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, people: list[dict[str, Any]], **more: Any) -> Path:
        path = self.folder / f"{name}.site.yaml"
        site = {"site": name, "schema": "relight/v1", "environment": "test", "people": people, **more}
        scratch = path.with_suffix(".new")
        scratch.write_text(json.dumps(site, indent=1))
        scratch.replace(path)
        return path


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return Documents(tmp_path)


def token(secret: str, *may: str, until: str = "") -> dict[str, Any]:
    entry: dict[str, Any] = {"digest": digest_of(secret), "may": list(may) or ["read"]}
    return {**entry, "until": until} if until else entry


def test_one_person_at_every_door(documents: Documents) -> None:
    """The same person by OS user, Slack member, OpenID subject and sign-in secret, at each site as it knows them."""
    secret = new_secret(sign_in=True)
    ana = {
        "id": "ana",
        "roles": ["boss"],
        "os": "ana.k",
        "slack": "T1/U1",
        "oidc": OIDC,
        "sign_in": [digest_of(secret)],
    }
    sites = Sites([documents.write("one", [ana]), documents.write("two", [{**ana, "id": "anna", "roles": []}])])
    for caller in (
        caller_at("slack", ["T1/U1"], sites, proof="slack"),
        caller_at("oidc", ["https://login.example.org|42"], sites, proof="oidc"),
        caller_with(secret, sites, door="api"),
    ):
        assert {site: who.person for site, who in caller.at.items()} == {"one": "ana", "two": "anna"}
        assert {who.kind for who in caller.at.values()} == {"person"}
        assert caller.of("one").roles == ("boss",)
        assert caller.names == ("ana", "anna")


@pytest.mark.parametrize(
    ("door", "identity"),
    [
        ("slack", "U1"),
        ("slack", "T2/U1"),
        ("slack", "t1/u1"),
        ("slack", ""),
        ("oidc", "https://evil.example|42"),
        ("oidc", "42"),
        ("oidc", "https://login.example.org|421"),
        ("matrix", "@ana:example.org"),
    ],
)
def test_who_is_not_quite_somebody_is_nobody(documents: Documents, door: str, identity: str) -> None:
    """Another team, another issuer, another case: not them, and the refusal says who can change that."""
    sites = Sites([documents.write("one", [{"id": "ana", "slack": "T1/U1", "oidc": OIDC}])])
    with pytest.raises(NotPermitted, match="nobody whom this relight knows") as refused:
        caller_at(door, [identity], sites, proof=door)
    assert f"adds {door}:" in refused.value.hint


def test_a_member_without_a_team_is_of_the_door_s_own_workspace(documents: Documents) -> None:
    """The door gives the bare member only where the team is its own."""
    sites = Sites([documents.write("one", [{"id": "ana", "slack": "U1"}])])
    assert caller_at("slack", ["T9/U1", "U1"], sites, proof="slack").of("one").person == "ana"
    with pytest.raises(NotPermitted):
        caller_at("slack", ["T9/U1"], sites, proof="slack")


def test_tokens_are_good_until_their_last_day(documents: Documents) -> None:
    """A person's token is a token, a bot's is a bot; after the last day it is nobody's."""
    mine, its = new_secret(sign_in=False), new_secret(sign_in=False)
    people = [
        {"id": "ana", "roles": ["boss"], "tokens": [token(mine, "read", "stop", until="2026-11-23")]},
        {"id": "ci", "kind": "bot", "tokens": [token(its, "propose")]},
    ]
    sites = Sites([documents.write("one", people)])
    last = caller_with(mine, sites, door="api", today=dt.date(2026, 11, 23)).of("one")
    assert (last.person, last.kind, last.may, last.proof) == ("ana", "token", frozenset({"read", "stop"}), "token")
    with pytest.raises(NotPermitted, match="its last day is over"):
        caller_with(mine, sites, door="api", today=dt.date(2026, 11, 24))
    assert caller_with(its, sites, door="api").of("one").kind == "bot"
    for wrong in ("", "x", mine[:-1], mine + "x", digest_of(mine), "relight_t_" + "é" * 500, "\ud800"):
        with pytest.raises(NotPermitted, match="known at no site"):
            caller_with(wrong, sites, door="api")


def test_secrets_are_told_apart_and_never_the_same() -> None:
    """Each begins with what a scanner for leaks looks for."""
    made = {new_secret(sign_in=sign_in) for sign_in in (True, False) for _ in range(50)}
    assert len(made) == 100
    assert {secret[:10] for secret in made} == {identities.SIGN_IN_PREFIX, identities.TOKEN_PREFIX}


def test_at_the_host_people_are_as_the_run_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The OS user is who the journal says; somebody unknown stays an outsider, and a bot's account is a bot."""
    people: list[dict[str, Any]] = [
        {"id": "ana", "roles": ["boss"], "identities": {"os": "ana.k"}},
        {"id": "ci", "kind": "bot", "identities": {"os": "deploy"}},
    ]
    for user, person, kind in (("ana.k", "ana", "person"), ("deploy", "ci", "bot"), ("zed", "os:zed", "person")):
        monkeypatch.setattr(identities, "os_name", lambda user=user: user)
        who = at_host(people)
        assert (who.person, who.kind, who.door, who.proof) == (person, kind, "cli", "os")


# ---- sites


def test_somebody_who_was_removed_is_nobody_at_once(documents: Documents) -> None:
    """A change of the document counts at the next look."""
    secret = new_secret(sign_in=True)
    ana = {"id": "ana", "sign_in": [digest_of(secret)]}
    sites = Sites([documents.write("one", [ana, {"id": "bo"}])])
    assert caller_with(secret, sites, door="api").of("one").person == "ana"
    documents.write("one", [{"id": "bo"}])
    with pytest.raises(NotPermitted):
        caller_with(secret, sites, door="api")
    documents.write("one", [{**ana, "roles": ["boss"]}])
    assert caller_with(secret, sites, door="api").of("one").roles == ("boss",)
    assert sites.troubles == {}


def test_a_typing_mistake_locks_nobody_out_and_a_document_that_is_gone_does(documents: Documents) -> None:
    """An invalid document leaves the people as they were, and says so; a missing one has none."""
    secret = new_secret(sign_in=True)
    path = documents.write("one", [{"id": "ana", "sign_in": [digest_of(secret)]}])
    sites = Sites([path])
    path.write_text("site: one\npeople: [}")
    assert caller_with(secret, sites, door="api").names == ("ana",)
    assert "invalid since it was changed" in sites.troubles["one"]
    documents.write("two", [{"id": "bo"}]).replace(path)
    assert caller_with(secret, sites, door="api").names == ("ana",)
    path.unlink()
    with pytest.raises(NotPermitted):
        caller_with(secret, sites, door="api")
    assert "is gone" in sites.troubles["one"]
    documents.write("one", [{"id": "ana", "sign_in": [digest_of(secret)]}])
    assert caller_with(secret, sites, door="api").names == ("ana",)
    assert sites.troubles == {}


def test_sites_that_cannot_be_served(documents: Documents, tmp_path: Path) -> None:
    """None, one without people, an invalid one, two of one name: refused before anything is served."""
    with pytest.raises(UsageError, match="no site is named"):
        Sites([])
    with pytest.raises(RunbookError, match="has no people"):
        Sites([documents.write("one", [])])
    (tmp_path / "bad.yaml").write_text("site: [")
    with pytest.raises(RunbookError, match="is invalid"):
        Sites([tmp_path / "bad.yaml"])
    copy = tmp_path / "copy.site.yaml"
    copy.write_text(documents.write("one", [{"id": "ana"}]).read_text())
    with pytest.raises(UsageError, match="two documents are of the site one"):
        Sites([tmp_path / "one.site.yaml", copy])


def test_what_is_published_is_found_beside_the_site_or_with_relight(documents: Documents) -> None:
    """A path is relative to the document, a name is one of ours; anything else is refused with what there is."""
    more = {"published": {"mine": {"runbook": "books/a.runbook.yaml"}, "ours": {"runbook": "brownout-recovery"}}}
    site = Sites([documents.write("one", [{"id": "ana"}], **more)]).get("one")
    assert runbook_path(site, published(site, "mine")) == documents.folder / "books/a.runbook.yaml"
    assert runbook_path(site, published(site, "ours")).name == "brownout-recovery.runbook.yaml"
    with pytest.raises(UsageError, match="publishes no runbook as 'other'") as refused:
        published(site, "other")
    assert "mine, ours" in refused.value.hint


def test_a_caller_is_nobody_where_no_site_knows_them() -> None:
    """Asked about another site, they are told who could change that."""
    with pytest.raises(NotPermitted, match="is not one of the people of two"):
        Caller("api", {}).of("two")
