"""Requests that Slack sends over HTTP: signed, fresh, and each counted once.

A request is believed if one of the signing secrets fits its very bytes, its time is within five minutes, and it was
never here before; the memory of those outlasts the window, and lies in the journal, so that no other serve takes it.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence

from relight.control.wording import now_ms
from relight.journal.port import Journal, Kept

WINDOW_S = 300
"""What Slack's own guide says; a clock that is further off has every request refused, and the log says why."""
REPLAYS, REPLAYS_MS = "chat-replays", 11 * 60_000
"""Twice the window and a minute: a request from the future's end stays known until it is too old."""
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")
_SIGNATURE = re.compile(rb"v0=[0-9a-f]{64}")


def is_signed(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], *, now_s: float | None = None) -> bool:
    """Return whether the request was signed, just now, with one of *secrets*; anything odd in it is no."""
    timestamp = headers.get("x-slack-request-timestamp", "").encode("utf-8", "replace")
    signature = headers.get("x-slack-signature", "").encode("utf-8", "replace")
    if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
        return False
    if abs((time.time() if now_s is None else now_s) - int(timestamp)) > WINDOW_S:
        return False
    base = b"v0:" + timestamp + b":" + body
    fitting = [
        hmac.compare_digest(b"v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest().encode(), signature)
        for secret in secrets
    ]
    return any(fitting)


def is_first(journal: Journal, headers: Mapping[str, str]) -> bool:
    """Return whether this very request is here for the first time.

    Raises:
        JournalError: nobody can tell.
    """
    now = now_ms()
    words = f"{headers.get('x-slack-request-timestamp', '')} {headers.get('x-slack-signature', '')}"
    name = hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()
    return journal.keep(Kept(shelf=REPLAYS, name=name, at=now, until=now + REPLAYS_MS, body={}), only_new=True)
