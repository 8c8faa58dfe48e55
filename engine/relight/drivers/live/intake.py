"""What may be kept of what a plugin said: redacted, without control characters, and bounded.

Everything a plugin gives goes through here before it is stored, logged or shown: results, errors and progress.
"""

import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from relight.errors import JournalError
from relight.journal.port import BLOB_BYTES_MAX
from relight.kernel.plan import Json
from relight.sdk import Secrets

RESULT_MAX = 16 * 1024
"""Bytes of a result that the journal keeps; the rest is a blob."""
BLOB_MAX = BLOB_BYTES_MAX - 256
"""Bytes of a result that are kept beside the chain, half of its head, half of its tail, with a note between them."""
HEAD_MAX = 1_024
"""Characters of a large result that stay in the journal, to be recognised by."""
ERROR_MAX = 2_000
"""Characters of an error: what anybody reads at night, and the end of a traceback."""
DEPTH_MAX = 32
"""Levels of nesting; what is deeper was made to break something."""

# A journal holds no infinite numbers. (``json.dumps`` would make an encoder for every result.)
_strict = json.JSONEncoder(allow_nan=False).encode

PutBlob = Callable[[bytes], Awaitable[str]]

# Control characters of the terminal's, and those that turn the direction of text around.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Unkeepable(Exception):
    """A value that no journal can keep; the text says why."""


class Intake:
    """Redacts with the *secrets* that were given out, and puts what is too large into blobs."""

    def __init__(self, secrets: Secrets, put_blob: PutBlob) -> None:
        self._secrets = secrets
        self._put_blob = put_blob

    def text(self, text: object, longest: int = ERROR_MAX) -> str:
        """Return *text* as it may be stored and shown; of a long one the head and the tail."""
        # First redacted, then cut: half a secret is one too.
        clean = _UNPRINTABLE.sub(" ", self._secrets.redact(str(text))).strip()
        if len(clean) <= longest:
            return clean
        half = longest // 2
        return f"{clean[:half]} [… {len(clean) - 2 * half} characters left out …] {clean[-half:]}"

    def reading(self, value: Any) -> Json:
        """Return a small value as it may be shown, or a note of its size.

        Raises:
            Unkeepable: it is no JSON, or nests too deeply.
        """
        value, size = self._measured(value)
        return value if size <= RESULT_MAX else {"$large": True, "bytes": size}

    async def result(self, value: Any) -> Json:
        """Return a result as it may be journaled; a large one is a blob by then, and this its digest and head.

        What happened has happened: where the blob cannot be kept, the digest is null and the head has to do.

        Raises:
            Unkeepable: it is no JSON, or nests too deeply.
        """
        value, size = self._measured(value)
        if size <= RESULT_MAX:
            return value  # type: ignore[no-any-return]
        content = json.dumps(value, ensure_ascii=False).encode(errors="replace")
        head = content[:HEAD_MAX].decode(errors="replace")
        if len(content) > BLOB_MAX:
            half = BLOB_MAX // 2
            left_out = f"\n[… {len(content) - 2 * half} bytes left out …]\n".encode()
            kept = content[:half] + left_out + content[-half:]
        else:
            kept = content
        digest: str | None = None
        with suppress(JournalError):
            digest = await self._put_blob(kept)
        return {"$blob": digest, "bytes": len(content), "head": head}

    def _measured(self, value: Any) -> tuple[Any, int]:
        if _too_deep(value, DEPTH_MAX):
            raise Unkeepable(f"it nests deeper than {DEPTH_MAX} levels")
        value = self._secrets.redact_json(value)
        try:
            return value, len(_strict(value))
        except (TypeError, ValueError, RecursionError) as error:
            raise Unkeepable(f"it is no JSON ({error})") from None


def _too_deep(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_too_deep(item, levels - 1) for item in value.values())
    if isinstance(value, list | tuple):
        return levels == 0 or any(_too_deep(item, levels - 1) for item in value)
    return False
