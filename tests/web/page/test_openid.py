"""Signing in by an OpenID provider of ours: the way there and back, and every lie on it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from relight.testing.openid_provider import CLIENT, SECRET, Provider

if TYPE_CHECKING:
    from tests.web.page.conftest import Door

    from relight.testing.browser import Browser, Page


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """One provider for all."""
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def asked(door: Door, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """The provider, as the site names it; ana is known there."""
    monkeypatch.setenv("PAGE_SECRET", SECRET)
    provider.lies, provider.subject = {}, "a-1"
    sign_in = {"issuer": provider.issuer, "client": CLIENT, "secret": "env:PAGE_SECRET", "title": "Example SSO"}
    door.again(sign_in=sign_in, issuer=provider.issuer)
    yield provider
    door.again()


def back(browser: Browser, to: str = "/") -> Page:
    """Go to the provider and come back, as a browser does; what comes back is not followed."""
    left = browser.send("GET", f"/sign-in/with/prod-eu?next={to}")
    assert left.status == 303, left.text
    there = browser.send("GET", left.headers["location"])
    return browser.send("GET", there.headers["location"], sec_fetch_site="cross-site")


def test_whoever_the_provider_knows_is_signed_in(door: Door, asked: Provider) -> None:
    """With PKCE, state and nonce; the step to the page is taken on a page of ours."""
    browser = door.browser()
    page = browser.get("/sign-in?next=/effects")
    assert "Sign in with Example SSO" in page.text
    left = browser.send("GET", "/sign-in/with/prod-eu?next=/effects")
    query = parse_qs(urlsplit(left.headers["location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(query)
    assert query["redirect_uri"] == [f"{browser.url}/sign-in/back"]
    (line,) = [line for line in browser.set if line.startswith("relight-sign-in=")]
    assert "samesite=lax" in line.lower()
    came = back(browser, "/effects")
    assert (came.status, "0;url=/effects" in came.html) == (200, True)
    assert "ana" in browser.get("/effects").text


@pytest.mark.parametrize(
    "lie",
    [
        {"aud": "somebody-else"},
        {"iss": "https://evil.example"},
        {"nonce": "of another sign-in"},
        {"exp": 1},
        {"sub": ""},
        {"azp": "somebody-else", "aud": [CLIENT, "somebody-else"]},
    ],
)
def test_a_token_that_is_not_for_us_opens_nothing(door: Door, asked: Provider, lie: dict[str, Any]) -> None:
    """Audience, issuer, nonce, time and subject are all looked at."""
    asked.lies = lie
    browser = door.browser()
    page = back(browser)
    assert (page.status, "relight" in browser.cookies) == (403, False)


def test_a_token_that_nobody_signed_opens_nothing(door: Door, asked: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither without a signature nor with another key's."""

    def unsigned(form: dict[str, str], _authorization: str) -> dict[str, Any]:
        claims = {"iss": asked.issuer, "sub": "a-1", "aud": CLIENT, "nonce": asked.asked[form["code"]]["nonce"]}
        parts = [{"alg": "none"}, {**claims, "iat": 1, "exp": 2**40}]
        words = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
        return {"access_token": "x", "token_type": "Bearer", "id_token": f"{'.'.join(words)}."}

    monkeypatch.setattr(asked, "token", unsigned)
    assert back(door.browser()).status == 403


def test_an_answer_belongs_to_the_browser_that_asked(door: Door, asked: Provider) -> None:
    """Another state, no cookie, and a code that was used before are refused."""
    browser = door.browser()
    there = browser.send("GET", browser.send("GET", "/sign-in/with/prod-eu").headers["location"])
    to = there.headers["location"]
    assert door.browser().send("GET", to).status == 403
    assert browser.send("GET", to.replace("state=", "state=x")).status == 403
    kept = dict(browser.cookies)
    assert browser.send("GET", to).status == 200
    browser.cookies = kept
    assert browser.send("GET", to).status == 403
    assert browser.send("GET", "/sign-in/back?error=access_denied&state=x").status == 403


def test_whoever_no_site_knows_stays_outside(door: Door, asked: Provider) -> None:
    """The page says whom to ask."""
    asked.subject = "stranger"
    page = back(door.browser())
    assert (page.status, "no site here knows you" in page.text, "stranger" in page.text) == (403, True, True)


def test_without_any_way_in_the_page_says_what_to_do(door: Door) -> None:
    """Neither a provider nor a secret: the two ways to make one, and the terminal until then."""
    door.again(people=[{"id": "ana", "roles": ["incident-commander"]}])
    try:
        page = door.browser().get("/")
        assert "Nobody can sign in yet" in page.text
        assert "relight token PERSON" in page.text
    finally:
        door.again()
