"""No value gets through, in any usual encoding, at any place, in any pieces."""

import base64
import html
import json
import re
import shlex
import threading
import time
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from relight.sdk.redaction import REDACTED, Redactor

Encode = Callable[[str], bytes]


def _latin(value: str) -> bytes:
    """Return it as HTTP's headers carry it, where they can."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _at(offset: int) -> Encode:
    return lambda value: base64.b64encode(b"\xa7" * offset + value.encode() + b"\x91" * 4)


ENCODINGS: dict[str, Encode] = {
    "plain": lambda value: value.encode(),
    "json": lambda value: json.dumps(value).encode(),
    "json, not ascii": lambda value: json.dumps(value, ensure_ascii=False).encode(),
    "json in json": lambda value: json.dumps(json.dumps(value)).encode(),
    "json, slashes escaped": lambda value: json.dumps(value).replace("/", "\\/").encode(),
    "repr": lambda value: repr(value).encode(),
    "repr of bytes": lambda value: repr(value.encode()).encode(),
    "shell": lambda value: shlex.quote(value).encode(),
    "html": lambda value: html.escape(value).encode(),
    "percent": lambda value: urllib.parse.quote(value, safe="").encode(),
    "percent, small": lambda value: re.sub("%..", lambda found: found[0].lower(), urllib.parse.quote(value)).encode(),
    "path": lambda value: urllib.parse.quote(value).encode(),
    "form": lambda value: urllib.parse.urlencode({"a": value}).encode(),
    "every byte percent": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()).encode(),
    "every byte \\x": lambda value: "".join(f"\\x{byte:02x}" for byte in value.encode()).encode(),
    "hex": lambda value: value.encode().hex().encode(),
    "HEX": lambda value: value.encode().hex().upper().encode(),
    "base64 at 0": _at(0),
    "base64 at 1": _at(1),
    "base64 at 2": _at(2),
    "base64 of many": _at(31),
    "base64 for addresses": lambda value: base64.urlsafe_b64encode(b"\xff" + value.encode() + b"\xfe\xff"),
    "base64 by lines": lambda value: base64.encodebytes(b"x" * 50 + value.encode() + b"y" * 40),
    "hex by lines": lambda value: "\n".join(_pieces(("ab" * 20 + value.encode().hex()), 60)).encode(),
    "utf-16-le": lambda value: value.encode("utf-16-le"),
    "utf-16-be": lambda value: value.encode("utf-16-be"),
    "base64 of utf-16": lambda value: base64.b64encode(value.encode("utf-16-le")),
    "hex of utf-16": lambda value: value.encode("utf-16-le").hex().encode(),
    "latin-1": _latin,
    "latin-1 that was read as utf-8": lambda value: _latin(value).decode(errors="replace").encode(),
    "utf-8 that was read as latin-1": lambda value: value.encode().decode("latin-1").encode(),
    "percent of latin-1": lambda value: urllib.parse.quote_from_bytes(_latin(value)).encode(),
    "base64 of latin-1": lambda value: base64.b64encode(b"user:" + _latin(value)),
}
VALUES = [
    "correct-horse-battery",
    "p@ss/w0rd+with=signs&more?",
    'it\'s "quoted" <and> $odd \\ `stuff`',
    "zażółć gęślą jaźń",
    "schlüssel-für-ärzte",
    "emoji \U0001f511 key",
    "tab\tand\nline",
    "A" * 200,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "1234",
]


def _pieces(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_value_is_taken_out_in_every_usual_encoding(encoding: str, value: str) -> None:
    """Nothing that decodes to the value is left between what stood around it."""
    redactor = Redactor()
    redactor.add(value)
    encoded = ENCODINGS[encoding](value)
    clean = redactor.data(b"<< " + encoded + b" >>")
    assert clean.startswith(b"<< ")
    assert clean.endswith(b" >>")
    assert REDACTED.encode() in clean
    assert value.encode() not in clean
    # Of base64 at most the two edges are left, which hold less than a byte of the value each.
    assert len(clean.replace(REDACTED.encode(), b"")) <= len(b"<<  >>" + ENCODINGS[encoding]("")) + 8


@given(
    value=st.text(min_size=6, max_size=60).filter(lambda text: len(text.strip()) >= 6),
    before=st.binary(max_size=40),
    after=st.binary(max_size=40),
    encoding=st.sampled_from(sorted(ENCODINGS)),
)
def test_any_value_is_taken_out_anywhere(value: str, before: bytes, after: bytes, encoding: str) -> None:
    """Whatever the value and whatever stands around it."""
    assume(not any("\ud800" <= letter <= "\udfff" for letter in value))
    assume(value not in REDACTED)
    encoded = ENCODINGS[encoding](value)
    redactor = Redactor()
    redactor.add(value)
    clean = redactor.data(before + encoded + after)
    assert value.encode() not in clean
    if encoding.startswith(("plain", "utf", "hex", "HEX", "json", "every")) and encoded:
        assert encoded.strip(b'"') not in clean


@given(st.text(max_size=200), st.binary(max_size=200))
def test_what_holds_no_secret_is_left_alone(text: str, data: bytes) -> None:
    """Nothing is taken out but what was added."""
    redactor = Redactor()
    redactor.add("sorrel-horse-9/{{ x }}")
    assert redactor.text(text) == text
    assert redactor.data(data) == data


def test_each_line_of_a_key_is_taken_out() -> None:
    """Progress comes line by line, and a private key has many lines."""
    lines = [
        "-----BEGIN PRIVATE KEY-----",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw",
        "ggSjAgEAAoIBAQC7",
        "-----END PRIVATE KEY-----",
    ]
    redactor = Redactor()
    redactor.add("\n".join(lines))
    assert [redactor.text(line) for line in lines] == [REDACTED] * 4


def test_the_longer_of_two_secrets_goes_first() -> None:
    """A secret that holds another one leaves nothing of itself."""
    redactor = Redactor()
    redactor.add("horse")
    redactor.add("correct-horse-battery")
    assert redactor.text("a correct-horse-battery and a horse") == f"a {REDACTED} and a {REDACTED}"


def test_values_may_be_added_while_others_redact() -> None:
    """Steps run side by side, some of them in threads."""
    redactor = Redactor()
    over = threading.Event()
    errors: list[BaseException] = []

    def redact() -> None:
        try:
            while not over.is_set():
                redactor.text("something quite harmless")
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=redact)
    thread.start()
    for number in range(50):
        redactor.add(f"secret-number-{number}")
    over.set()
    thread.join()
    assert errors == []


def test_redaction_is_fast_enough_for_every_line() -> None:
    """Sixty-four KiB against ten secrets in well under half a second."""
    redactor = Redactor()
    for number in range(10):
        redactor.add(f"p@ss/w0rd+{number}&signs?")
    data = b"an ordinary line of output\n" * 2_500
    started = time.process_time()
    redactor.data(data)
    assert time.process_time() - started < 0.5
