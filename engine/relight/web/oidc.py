"""Signing in by an OpenID provider: the authorization code flow with PKCE, state and nonce.

What is proved is the issuer and its own word for the person; who that is, the site's document says.
"""

import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from relight.control.reception import Reception
from relight.web.problems import Problem

COOKIE = "relight-sign-in"
WITHIN_S = 600
"""For somebody to sign in at the provider."""
ANSWER_S = 10.0
LEEWAY_S = 60
METADATA_S = 3_600
BYTES_MAX = 256 * 1024


class Left(NamedTuple):
    """Where a browser is sent, and what it has to come back with."""

    url: str
    cookie: str


class Came(NamedTuple):
    """Who came back: ``ISSUER|SUBJECT``, and where they wanted to go."""

    identity: str
    to: str


class Providers:
    """The providers that the sites name; several sites may name the same one."""

    def __init__(self, reception: Reception, url: str) -> None:
        self._reception = reception
        self._url = url.rstrip("/")
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, dict[str, Any], Any]] = {}

    def names(self) -> dict[str, str]:
        """Return the name by which each is chosen, and what its button says."""
        return {}

    def leave(self, name: str, to: str) -> Left:
        """Return the way to the provider called *name*."""
        raise Problem(404, f"no site names a provider {name[:40]!r}", hint="sign in another way")

    def back(self, query: Mapping[str, str], cookie: str) -> Came:
        """Return who came back."""
        raise Problem(404, "nobody was sent away to sign in", hint="start again at /sign-in")
