"""Who is signed in: sessions that this side keeps, and of which a browser has nothing but a random word.

What a person proved is kept, never who they are: that is looked up in the sites at every request, so somebody who was
removed is nobody at the next one. Sessions stand on a shelf of the journal, as digests, so that another serve and this
one after a restart know them; on a full disk they are only remembered, because stopping must go on.
"""

import hashlib
import hmac
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from relight.control.identities import Caller, caller_of
from relight.control.reception import Reception
from relight.control.wording import now_ms
from relight.errors import JournalError, NotPermitted
from relight.journal.port import Kept

DOOR = "page"
SHELF = "sessions"
IDLE_MS, WHOLE_MS = 3_600_000, 12 * 3_600_000
"""An hour without a look, a night at most."""
EXTEND_MS = 300_000
"""Between two writes that a session was used."""
LOOK_S = 2.0
"""As long as a sign-out at another serve may go unnoticed."""
WORD_BYTES = 32
TOLD_MAX = 8

By = Literal["secret", "oidc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser that is signed in.

    Attributes:
        name: The digest of the word that the browser has.
        proof: The digest of a secret, or an OpenID identity, as *by* says.
        csrf: What every form of this session carries.
    """

    name: str
    by: By
    proof: str
    csrf: str
    since: int
    until: int
    told: dict[str, str] = field(default_factory=dict, compare=False)


class Sessions:
    """All sessions of a journal."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._lock = threading.Lock()
        self._known: dict[str, Session] = {}
        self._unwritten: set[str] = set()
        self._looked = float("-inf")

    def open(self, by: By, proof: str) -> tuple[str, Session]:
        """Begin a session and return the word for the browser, which nobody has had before, and the session."""
        word, now = secrets.token_urlsafe(WORD_BYTES), now_ms()
        session = Session(
            name=digest(word),
            by=by,
            proof=proof,
            csrf=secrets.token_urlsafe(WORD_BYTES),
            since=now,
            until=now + IDLE_MS,
        )
        self._keep(session)
        return word, session

    def of(self, word: str) -> Session | None:
        """Return the session of that word, and have it last; None: there is none, or no more."""
        if not word:
            return None
        session, now = self._find(digest(word)), now_ms()
        if session is None or session.until <= now:
            return None
        if now - (session.until - IDLE_MS) > EXTEND_MS and session.until < session.since + WHOLE_MS:
            session = replace(session, until=min(now + IDLE_MS, session.since + WHOLE_MS))
            self._keep(session)
        return session

    def close(self, session: Session) -> None:
        """End it, here and at every serve of this journal."""
        with self._lock:
            self._known.pop(session.name, None)
            self._unwritten.discard(session.name)
        with suppress(JournalError):
            self._reception.journal.let_go(SHELF, session.name)

    def caller(self, session: Session) -> Caller:
        """Return who that is now.

        Raises:
            NotPermitted: no site knows them any more.
        """
        if session.by == "oidc":
            known = self._reception.caller_at("oidc", session.proof, proof="oidc")
            return Caller(DOOR, {site: who._replace(door=DOOR) for site, who in known.at.items()})
        return caller_of(session.proof, self._reception.sites, door=DOOR)

    # ---- what the next page says once

    def tell(self, session: Session, text: str) -> str:
        """Keep what the next page shall say, and return the name to ask for it by."""
        name = secrets.token_urlsafe(6)
        with self._lock:
            session.told[name] = text
            while len(session.told) > TOLD_MAX:
                session.told.pop(next(iter(session.told)))
        return name

    def told(self, session: Session, name: str) -> str:
        """Return that, once."""
        with self._lock:
            return session.told.pop(name, "")

    # ---- the shelf

    def _find(self, name: str) -> Session | None:
        with self._lock:
            if time.monotonic() - self._looked > LOOK_S or name not in self._known:
                self._read()
            return self._known.get(name)

    def _read(self) -> None:
        try:
            kept = {each.name: each for each in self._reception.journal.kept(SHELF, now_ms())}
        except JournalError:
            return  # who is known already stays so until the journal is back
        self._looked = time.monotonic()
        before = self._known
        self._known = {name: before[name] for name in self._unwritten if name in before}
        for name, each in kept.items():
            known = before.get(name)
            if known is None or known.until != each.until:
                known = _session(each, {} if known is None else known.told)
            self._known[name] = known

    def _keep(self, session: Session) -> None:
        body = {"by": session.by, "proof": session.proof, "csrf": session.csrf}
        kept = Kept(shelf=SHELF, name=session.name, at=session.since, until=session.until, body=body)
        try:
            self._reception.journal.keep(kept)
            written = True
        except JournalError:
            written = False
        with self._lock:
            self._known[session.name] = session
            (self._unwritten.discard if written else self._unwritten.add)(session.name)


def _session(kept: Kept, told: dict[str, str]) -> Session:
    body: dict[str, Any] = kept.body
    return Session(
        name=kept.name,
        by=body["by"],
        proof=body["proof"],
        csrf=body["csrf"],
        since=kept.at,
        until=kept.until or 0,
        told=told,
    )


def digest(word: str) -> str:
    """Return by what a random word is known on this side."""
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Return whether two secret words are the same, in a time that tells nothing."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def check_person(caller: Caller) -> None:
    """Return quietly if somebody can sign in as that.

    Raises:
        NotPermitted: it is a bot's or an agent's token, and a page is for people.
    """
    if all(identity.kind in ("bot", "agent") for identity in caller.at.values()):
        raise NotPermitted(
            f"this token is of {' and '.join(caller.names)}, which is no person", hint="the page is for people"
        )
