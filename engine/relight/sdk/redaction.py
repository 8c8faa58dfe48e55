"""Takes secret values out of whatever is printed, in the encodings in which they usually get there.

A :class:`Redactor` is told values and then cleans text and bytes of them.
What does not belong here: where a value comes from (``relight.sdk.secrets``).
"""

import base64
import html
import json
import re
import shlex
import urllib.parse
from collections.abc import Iterator
from contextlib import suppress

REDACTED = "[secret]"
SHORTEST = 4
"""Shorter values would blot out ordinary words, so :class:`relight.sdk.Secrets` refuses them."""
_SHORTEST_WRAPPED = 8
_LINE_SHORTEST = 8
"""A line of a secret of many lines (a private key) is taken out by itself too, unless it is this short."""
_WRAPS = (64, 76)
"""Where PEM and MIME break base64."""


class Redactor:
    """Knows values and takes them out: plain, JSON, repr, shell-quoted, percent, HTML, hex, base64, UTF-16, Latin-1.

    Base64 is recognised at each of its three offsets and, like hex, when it is broken into lines.
    """

    def __init__(self) -> None:
        self._text: tuple[str, ...] = ()
        self._data: tuple[bytes, ...] = ()
        self._wrapped: tuple[str, ...] = ()
        self.longest = 0
        """Bytes of the longest form known; whoever cuts output keeps this much more than it shows."""

    def add(self, value: str) -> None:
        """Take *value* out from now on."""
        wrapped = {form for form in _encoded(value) if len(form) >= SHORTEST}
        text = {form for form in _written(value) if len(form) >= SHORTEST} | wrapped
        if wrapped <= set(self._wrapped) and text <= set(self._text):
            return
        # New tuples instead of changed ones: another thread may be in the middle of a redaction.
        self._wrapped = _longest_first({*self._wrapped, *(form for form in wrapped if len(form) >= _SHORTEST_WRAPPED)})
        self._text = _longest_first({*self._text, *text})
        data = {form.encode(errors="surrogatepass") for form in text} | set(_other_bytes(value))
        self._data = tuple(sorted({*self._data, *data}, key=lambda form: (-len(form), form)))
        self.longest = len(self._data[0]) if self._data else 0

    def text(self, text: str) -> str:
        """Return *text* without any known value."""
        # What is broken into lines goes first: a form that fits one line of it would leave the others standing.
        text = self._unwrapped(text)
        for form in self._text:
            if form in text:
                text = text.replace(form, REDACTED)
        return text

    def data(self, data: bytes) -> bytes:
        """Return *data* without any known value, whatever else is in it."""
        if self._wrapped:
            # Latin-1 maps every byte to one character and back; the wrapped forms are ASCII.
            data = self._unwrapped(data.decode("latin-1")).encode("latin-1")
        for form in self._data:
            if form in data:
                data = data.replace(form, REDACTED.encode())
        return data

    def _unwrapped(self, text: str) -> str:
        if not self._wrapped:
            return text
        joined = "".join(text.split())
        for form in self._wrapped:
            if form in joined:
                text = re.sub(r"\s*".join(map(re.escape, form)), REDACTED, text)
        return text


def _longest_first(forms: set[str]) -> tuple[str, ...]:
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _written(value: str) -> Iterator[str]:
    """Yield the forms in which people and programs write text."""
    raw = value.encode(errors="surrogateescape")
    yield value
    yield "\0".join(value)  # UTF-16 that was read as if it were ASCII
    yield repr(value)[1:-1]
    yield repr(raw)[2:-1]
    yield html.escape(value)
    yield html.escape(value, quote=False)
    yield shlex.quote(value)
    yield value.replace("'", "'\"'\"'")
    yield value.replace("'", "'\\''")
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", value)  # bash's printf %q
    yield from _json(value)
    yield from _percent(value, raw)
    for data in (raw, *_other_bytes(value)):
        yield "".join(f"\\x{byte:02x}" for byte in data)
        yield urllib.parse.quote_from_bytes(data)
        # Bytes that were read in the wrong encoding, and what stands where they could not be read at all.
        yield data.decode(errors="replace")
        yield data.decode("latin-1")
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _LINE_SHORTEST)


def _json(value: str) -> Iterator[str]:
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]  # JSON in a string of JSON
        yield once.replace("/", "\\/")
        # What may not stand in HTML, as Go and Jinja write it.
        yield re.sub(r"[<>&'\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", once)
        yield re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), once)


def _percent(value: str, raw: bytes) -> Iterator[str]:
    for safe in ("", "/", "!'()*~", "/:?#[]@!$&'()*+,;=~"):
        quoted = urllib.parse.quote(value, safe=safe, errors="surrogateescape")
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)
    yield urllib.parse.quote_plus(value, errors="surrogateescape")
    yield "".join(f"%{byte:02X}" for byte in raw)
    yield "".join(f"%{byte:02x}" for byte in raw)


def _encoded(value: str) -> Iterator[str]:
    """Yield base64 and hex, which programs break into lines and groups."""
    raw = value.encode(errors="surrogateescape")
    for data in (raw, *_other_bytes(value)):
        yield data.hex()
        yield data.hex().upper()
        for offset in range(3):
            stable = _base64_at(data, offset)
            yield stable
            yield stable.replace("+", "-").replace("/", "_")
    whole = base64.b64encode(raw).decode().rstrip("=")
    for width in _WRAPS:
        # A view that shows line by line would show what the unwrapping above only finds in the whole.
        yield from (whole[start : start + width] for start in range(0, len(whole) - width, width))


def _base64_at(data: bytes, offset: int) -> str:
    """Return the characters that do not depend on what stands before *data* (by *offset* bytes) or after it."""
    encoded = base64.b64encode(b"\0" * offset + data).decode()
    start = (0, 2, 3)[offset]
    unsure = (0, 3, 2)[(offset + len(data)) % 3]
    return encoded[start : len(encoded) - unsure]


def _other_bytes(value: str) -> Iterator[bytes]:
    """Yield *value* in the encodings that are not UTF-8 and still met; headers of HTTP are Latin-1."""
    yield value.encode("utf-16-le", errors="surrogatepass")
    yield value.encode("utf-16-be", errors="surrogatepass")
    if not value.isascii():
        with suppress(UnicodeEncodeError):
            yield value.encode("latin-1")
