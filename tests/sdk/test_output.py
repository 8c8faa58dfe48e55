"""Output is kept within bounds, says what is missing, and is redacted before it is cut."""

import hashlib
import itertools

from hypothesis import given
from hypothesis import strategies as st

from relight.sdk import Secrets
from relight.sdk.output import LINE_MAX, LINES_MAX, OUTPUT_MAX, CappedOutput


def knowing(value: str) -> Secrets:
    """Return secrets that have given out *value*."""
    secrets = Secrets()
    secrets.redactor.add(value)
    return secrets


def fed(chunks: list[bytes], limit: int = OUTPUT_MAX, secrets: Secrets | None = None) -> CappedOutput:
    """Return an output that was given *chunks*."""
    output = CappedOutput(limit, secrets=secrets)
    for chunk in chunks:
        output.feed(chunk)
    return output


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6))
def test_what_fits_is_kept_whole(data: bytes, cuts: list[int]) -> None:
    """However it arrives."""
    assert fed(split(data, cuts), limit=300).value() == data


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """Return *data* in pieces."""
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[start:end] for start, end in itertools.pairwise(places)]


def test_of_what_does_not_fit_head_and_tail_are_kept() -> None:
    """And a note of how much is missing, with the digest of all."""
    data = b"head" + b"." * 200_000 + b"tail"
    output = fed([data[start : start + 4096] for start in range(0, len(data), 4096)], limit=1_000)
    value = output.value()
    assert output.truncated
    assert value.startswith(b"head...")
    assert value.endswith(b"...tail")
    assert len(value) < 1_300
    assert f"sha256 of all: {hashlib.sha256(data).hexdigest()}".encode() in value
    assert b"199008 of 200008 bytes left out" in value


def test_a_cut_leaves_no_half_of_a_secret() -> None:
    """Wherever the secret stands, before, at or after the cuts, in whatever pieces it came."""
    value = "correct-horse-battery-staple-9"
    halves = [value[:6].encode(), value[-6:].encode()]
    for place in range(0, 9_500, 7):
        data = bytearray(b"." * 20_000)
        for start in (place, place + 9_800):
            data[start : start + len(value)] = value.encode()
        chunks = [bytes(data[start : start + 11]) for start in range(0, len(data), 11)]
        clean = fed(chunks, limit=1_000, secrets=knowing(value)).value()
        assert not any(half in clean for half in halves), place


def test_a_complete_output_over_the_limit_is_redacted_first() -> None:
    """Between the limit and the margin all is there; it is cut all the same."""
    value = "correct-horse-battery-staple-9"
    data = b"a" * 490 + value.encode() + b"b" * 900
    clean = fed([data], limit=1_000, secrets=knowing(value)).value()
    assert b"correct" not in clean
    assert len(clean) < 1_300


def test_memory_stays_bounded() -> None:
    """A hundred MiB in one line leave no more behind than the limit and its margins."""
    output = CappedOutput(on_line=lambda _line: None)
    chunk = b"x" * (1024 * 1024)
    for _ in range(100):
        output.feed(chunk)
    assert output.total == 100 * 1024 * 1024
    assert len(output.value()) < OUTPUT_MAX + 200
    assert len(output._head) + len(output._tail) + len(output._line) < 2 * OUTPUT_MAX


def test_lines_are_passed_on_whole_redacted_and_within_bounds() -> None:
    """A line is put together from its pieces; of a flood the last ones are shown, of a long one its beginning."""
    secrets = Secrets()
    secrets.redactor.add("correct-horse-battery")
    seen: list[bytes] = []
    output = CappedOutput(secrets=secrets, on_line=seen.append)
    for chunk in (b"a corr", b"ect-horse-", b"battery b\nsec", b"ond\n"):
        output.feed(chunk)
    assert seen == [b"a [secret] b", b"second"]
    seen.clear()
    output.feed(b"".join(b"%d\n" % number for number in range(1_000)))
    assert seen == [b"%d" % number for number in range(1_000 - LINES_MAX, 1_000)]
    seen.clear()
    output.feed(b"y" * (LINE_MAX - 5) + b"correct-horse-battery" + b"z" * 100_000)
    output.feed(b"\n")
    assert len(seen[0]) <= LINE_MAX
    assert b"corre" not in seen[0]


def test_secrets_of_a_long_key_widen_the_margin() -> None:
    """The margin is as long as the longest form of any secret that is known when it starts."""
    value = "k" * 20_000
    clean = fed([b"." * 400 + value.encode() + b"." * 60_000], limit=1_000, secrets=knowing(value)).value()
    assert b"kkk" not in clean
