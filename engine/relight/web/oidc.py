"""Signing in by an OpenID provider: the authorization code flow with PKCE, state and nonce.

What is proved is the issuer and its own word for the person; who that is, the site's document says. Nothing of the flow
is kept on this side: a browser brings it back in a cookie that only this door ever sees.
"""

import base64
import json
import secrets
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from relight.control.reception import Reception
from relight.errors import RelightError
from relight.sdk import Secrets
from relight.web.problems import Problem
from relight.web.sessions import same

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import OAuth2Client

    from relight.runbook.site_doors import SignIn

COOKIE = "relight-sign-in"
WITHIN_S = 600
"""For somebody to sign in at the provider."""
ANSWER_S = 10.0
LEEWAY_S = 60
METADATA_S = 3_600
"""A provider's keys turn a few times a year; one that is not known yet is asked for at once."""
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Signatures that only the provider can make; never a shared secret's, and never none."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Left(NamedTuple):
    """Where a browser is sent, and what it has to come back with."""

    url: str
    cookie: str


class Came(NamedTuple):
    """Who came back: ``ISSUER|SUBJECT``, and where they wanted to go."""

    identity: str
    to: str


class _Metadata(NamedTuple):
    read_at: float
    endpoints: dict[str, Any]
    keys: dict[str, Any]


class Providers:
    """The providers that the sites name; several sites may name the same one."""

    def __init__(self, reception: Reception, url: str) -> None:
        self._reception = reception
        self._back = f"{url.rstrip('/')}/sign-in/back"
        self._lock = threading.Lock()
        self._known: dict[str, _Metadata] = {}

    def names(self) -> dict[str, str]:
        """Return the name by which each is chosen, and what its button says."""
        return {site: each.title or urlsplit(each.issuer).hostname or site for site, each in self._configured().items()}

    def _configured(self) -> "dict[str, SignIn]":
        found: dict[str, SignIn] = {}
        for site in self._reception.sites:
            each = site.document.sign_in
            if each is not None and each.issuer not in {known.issuer for known in found.values()}:
                found[site.name] = each
        return found

    def _get(self, name: str) -> "SignIn":
        each = self._configured().get(name)
        if each is None:
            raise Problem(404, f"no site names a provider {name[:40]!r}", hint="sign in another way")
        return each

    # ---- there

    def leave(self, name: str, to: str) -> Left:
        """Return the way to the provider called *name*.

        Raises:
            Problem: there is none, or it does not answer.
        """
        provider = self._get(name)
        flow = {
            "with": name,
            "state": secrets.token_urlsafe(24),
            "nonce": secrets.token_urlsafe(24),
            "verifier": secrets.token_urlsafe(48),
            "to": to,
            "until": int(time.time()) + WITHIN_S,
        }
        endpoints = self._metadata(provider).endpoints
        with self._client(provider) as client:
            url, _ = client.create_authorization_url(
                endpoints["authorization_endpoint"],
                state=flow["state"],
                code_verifier=flow["verifier"],
                nonce=flow["nonce"],
            )
        return Left(str(url), base64.urlsafe_b64encode(json.dumps(flow).encode()).decode())

    # ---- and back

    def back(self, query: Mapping[str, str], cookie: str) -> Came:
        """Return who came back.

        Raises:
            Problem: it is not who was sent, or nothing that the provider says can be believed.
        """
        flow = _flow(cookie)
        if not same(query.get("state", ""), flow["state"]):
            raise Problem(403, "this answer belongs to another sign-in", hint="start again at /sign-in")
        if "error" in query:
            said = query.get("error_description") or query["error"]
            raise Problem(403, f"the provider refused: {said[:200]}", hint="start again at /sign-in")
        provider = self._get(flow["with"])
        endpoints = self._metadata(provider).endpoints
        if query.get("iss", endpoints["issuer"]) != endpoints["issuer"]:
            raise Problem(403, "another provider answered", hint="start again at /sign-in")
        token = self._token(provider, endpoints, query.get("code", ""), flow["verifier"])
        claims = self._claims(provider, token, flow["nonce"])
        return Came(f"{claims['iss']}|{claims['sub']}", str(flow["to"]))

    def _token(self, provider: "SignIn", endpoints: Mapping[str, Any], code: str, verifier: str) -> str:
        from authlib.common.errors import AuthlibBaseError
        from httpx2 import HTTPError

        try:
            with self._client(provider) as client:
                answer = client.fetch_token(endpoints["token_endpoint"], code=code, code_verifier=verifier)
        except (AuthlibBaseError, HTTPError, ValueError) as error:
            raise _unbelieved("the provider does not take what it gave", error) from error
        return str(answer.get("id_token", ""))

    def _claims(self, provider: "SignIn", token: str, nonce: str) -> dict[str, Any]:
        from joserfc import jwk, jwt
        from joserfc.errors import JoseError

        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.client},
            nonce={"essential": True, "value": nonce},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        for fresh in (False, True):
            try:
                keys = jwk.KeySet.import_key_set({"keys": self._metadata(provider, fresh=fresh).keys["keys"]})
                claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
                registry.validate(claims)
            except (JoseError, ValueError, KeyError, TypeError) as error:
                if not fresh:
                    continue  # its keys may have turned since they were read
                raise _unbelieved("what the provider says of you cannot be believed", error) from error
            if not isinstance(claims["sub"], str) or not claims["sub"]:
                break
            if claims.get("azp", provider.client) != provider.client:
                break
            return dict(claims)
        raise Problem(403, "what the provider says of you is not for this door", hint="start again at /sign-in")

    # ---- the provider

    def _client(self, provider: "SignIn") -> "OAuth2Client":
        from authlib.integrations.httpx_client import OAuth2Client

        secret = None
        if provider.secret is not None:
            try:
                secret = Secrets().reveal(provider.secret)
            except RelightError as error:
                raise Problem(503, f"the provider's secret cannot be had: {error.message}", hint=error.hint) from error
        return OAuth2Client(
            provider.client,
            secret,
            scope="openid",
            redirect_uri=self._back,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            timeout=ANSWER_S,
            follow_redirects=False,
        )

    def _metadata(self, provider: "SignIn", *, fresh: bool = False) -> _Metadata:
        with self._lock:
            known = self._known.get(provider.issuer)
        if known is not None and not fresh and time.monotonic() - known.read_at < METADATA_S:
            return known
        endpoints = _read(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        if endpoints.get("issuer") != provider.issuer:
            raise Problem(
                503, f"{provider.issuer} calls itself otherwise", hint="write the issuer as its tokens say it"
            )
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _safe(str(endpoints.get(name, "")))
        found = _Metadata(time.monotonic(), endpoints, _read(endpoints["jwks_uri"]))
        with self._lock:
            self._known[provider.issuer] = found
        return found


def _read(url: str) -> dict[str, Any]:
    import httpx2

    _safe(url)
    try:
        answer = httpx2.get(url, timeout=ANSWER_S, follow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise _unbelieved("the provider does not answer", error, 503) from error
    if not isinstance(found, dict):
        raise Problem(503, "the provider does not answer as one does", hint="sign in with a secret of yours")
    return found


def _safe(url: str) -> None:
    place = urlsplit(url)
    if place.scheme != "https" and not (place.scheme == "http" and place.hostname in LOOPBACK):
        raise Problem(503, "the provider is not reached by https", hint="correct the issuer in the site's document")


def _flow(cookie: str) -> dict[str, Any]:
    try:
        flow = json.loads(base64.urlsafe_b64decode(cookie.encode()))
        whole = all(isinstance(flow[name], str) for name in ("with", "state", "nonce", "verifier", "to"))
        if whole and int(flow["until"]) >= time.time():
            return dict(flow)
    except (ValueError, TypeError, KeyError):
        pass
    raise Problem(403, "nobody of this browser was sent away to sign in, or it is long ago", hint="start at /sign-in")


def _unbelieved(what: str, error: Exception, status: int = 403) -> Problem:
    # Of the error only its kind: its words may hold what the provider gave.
    return Problem(status, f"{what} ({type(error).__name__})", hint="start again at /sign-in, or use a secret of yours")
