"""What a session looks like in the store: a version, a checksum and JSON."""

import json
import zlib
from typing import Any

HISTORY_MAX = 5
"""Entries of history that a session carries with it."""


class Corrupt(Exception):
    """The checksum does not fit what it stands before."""


def seal(session: dict[str, Any]) -> bytes:
    """Return the bytes to store."""
    body = json.dumps(session, separators=(",", ":")).encode()
    return b"v1:%08x:%s" % (zlib.crc32(body), body)


def spoil(session: dict[str, Any], *, cut: bool) -> bytes:
    """Return what the bad release stores one time in ten.

    It takes the checksum before the newest entry is in; and now and then the connection closes before the end.
    """
    early = seal({**session, "history": session["history"][:-1]})
    head = early[: len(b"v1:00000000:")]
    body = json.dumps(session, separators=(",", ":")).encode()
    return head + (body[: len(body) // 2] if cut else body)


def unseal(raw: bytes) -> dict[str, Any]:
    """Return the session.

    Raises:
        Corrupt: it does not verify.
    """
    version, _, rest = raw.partition(b":")
    checksum, _, body = rest.partition(b":")
    if version != b"v1" or checksum != b"%08x" % zlib.crc32(body):
        raise Corrupt
    session: dict[str, Any] = json.loads(body)
    return session


def verifies(raw: bytes) -> bool:
    """Whether *raw* can be read."""
    try:
        unseal(raw)
    except Corrupt:
        return False
    return True


def salvage(raw: bytes) -> dict[str, Any] | None:
    """Return the session of a corrupt record whose body is whole, so that no history is lost; else None."""
    try:
        session = json.loads(raw.split(b":", 2)[2])
    except (ValueError, IndexError):
        return None
    return session if isinstance(session, dict) and isinstance(session.get("history"), list) else None


def visited(session: dict[str, Any], entry: str) -> dict[str, Any]:
    """Return the session with one more entry of history."""
    return {**session, "history": [*session["history"], entry][-HISTORY_MAX:]}


def merge(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    """Return the newer session with the older one's history before its own."""
    return {**newer, "history": [*older["history"], *newer["history"]][-HISTORY_MAX:]}


def fresh(user: str) -> dict[str, Any]:
    """Return a session without a past."""
    return {"user": user, "history": []}
