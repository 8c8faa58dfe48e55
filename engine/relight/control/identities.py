"""Who is at a door: an identity there (OS user, Slack member, OpenID subject, token) becomes one person of a site.

The site's document is looked at whenever it changes, so somebody who was removed is nobody at the next request.
What does not belong here: what a person may do (``permissions`` and the kernel).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from relight.control.people import os_name, person_in
from relight.errors import NotPermitted

if TYPE_CHECKING:
    import datetime as dt

    from relight.control.sites import ServedSite

Kind: TypeAlias = Literal["person", "token", "bot", "agent"]
"""A ``token`` is a program of a person; bots and agents are nobody's."""

HOST_DOOR = "cli"
TOKEN_PREFIX, SIGN_IN_PREFIX = "relight_t_", "relight_s_"
"""What a scanner for leaked secrets can look for."""
SECRET_BYTES = 32
"""Nobody guesses 256 bits, so their digest needs no salt and no slow hash."""
SECRET_CHARS_MAX = 100


class Identity(NamedTuple):
    """Somebody at a door, as one site knows them.

    Attributes:
        person: The id that journals keep; ``door:identity`` for somebody whom the site does not know.
        proof: How they proved it, as votes record it.
        may: The permissions of a token; None: whatever their kind and roles allow.
    """

    person: str
    kind: Kind
    door: str
    proof: str
    roles: tuple[str, ...] = ()
    may: frozenset[str] | None = None

    @property
    def shown(self) -> str:
        """How a refusal calls them."""
        return f"{self.person}'s token" if self.kind == "token" else self.person


class Caller(NamedTuple):
    """Somebody at a remote door: who they are at each site that knows them."""

    door: str
    at: Mapping[str, Identity]

    @property
    def names(self) -> tuple[str, ...]:
        """Their ids, each once."""
        return tuple(dict.fromkeys(identity.person for identity in self.at.values()))

    def of(self, site: str) -> Identity:
        """Return who they are at *site*.

        Raises:
            NotPermitted: it does not know them.
        """
        if site not in self.at:
            raise NotPermitted(
                f"{' or '.join(self.names)} is not one of the people of {site}",
                hint=f"ask whoever keeps the site's document; known at {', '.join(sorted(self.at)) or 'no site'}",
            )
        return self.at[site]


def at_host(people: Iterable[Mapping[str, Any]], *, proof: str = "os") -> Identity:
    """Return who the OS user is, from people as a journal keeps them; whoever is on the host reaches its journal."""
    known = list(people)
    person = person_in("os", os_name(), known)
    entry: Mapping[str, Any] = next((each for each in known if each.get("id") == person), {})
    return Identity(person, entry.get("kind", "person"), HOST_DOOR, proof, tuple(entry.get("roles", ())))


def caller_at(door: str, ids: Iterable[str], sites: Iterable[ServedSite], *, proof: str) -> Caller:
    """Return who has one of these *ids* at *door* (``slack``, ``oidc``, ``matrix``): a bot there stays a bot.

    Raises:
        NotPermitted: no site knows any of them.
    """
    wanted = list(ids)
    found: dict[str, Identity] = {}
    for site in sites:
        for person in site.document.people:
            identity = getattr(person, door, None)
            if identity is not None and str(identity) in wanted:
                found[site.name] = Identity(person.id, person.kind, door, proof, tuple(person.roles))
    if not found:
        raise NotPermitted(
            f"{door} {wanted[0] if wanted else '?'} is nobody whom this relight knows",
            hint=f"whoever keeps the site's document adds {door}: to that person in people",
        )
    return Caller(door, found)


def caller_with(secret: str, sites: Iterable[ServedSite], *, door: str, today: dt.date | None = None) -> Caller:
    """Return whose *secret* this is: a token, which decides nothing, or what a person signs in with.

    Raises:
        NotPermitted: no site knows it, or its time is over.
    """
    shown = secret if len(secret) <= SECRET_CHARS_MAX else ""
    # Only digests are compared: how long that takes tells nothing about the secret.
    return caller_of(digest_of(shown), sites, door=door, today=today)


def caller_of(digest: str, sites: Iterable[ServedSite], *, door: str, today: dt.date | None = None) -> Caller:
    """Return whose secret has this *digest*, for a door that has seen the secret once and kept nothing else of it.

    Raises:
        NotPermitted: no site knows it, or its time is over.
    """
    import datetime as dt

    day = (today or dt.datetime.now(dt.UTC).date()).isoformat()
    found: dict[str, Identity] = {}
    for site in sites:
        for person in site.document.people:
            roles = tuple(person.roles)
            if digest in person.sign_in and person.kind == "person":
                found[site.name] = Identity(person.id, "person", door, "sign-in", roles)
            for token in person.tokens:
                if token.digest == digest and (token.until is None or day <= token.until):
                    kind: Kind = "token" if person.kind == "person" else person.kind
                    found[site.name] = Identity(person.id, kind, door, "token", roles, frozenset(token.may))
    if not found:
        raise NotPermitted(
            "this token is known at no site here, or its last day is over",
            hint="`relight token PERSON` makes one; its digest belongs into the site's people",
        )
    return Caller(door, found)


def new_secret(*, sign_in: bool) -> str:
    """Return a new token, or a new secret to sign in with; it is shown once and kept nowhere."""
    import secrets

    return (SIGN_IN_PREFIX if sign_in else TOKEN_PREFIX) + secrets.token_urlsafe(SECRET_BYTES)


def digest_of(secret: str) -> str:
    """Return what the site's document keeps of a secret."""
    import hashlib

    return f"sha256:{hashlib.sha256(secret.encode('utf-8', 'surrogatepass')).hexdigest()}"
