"""What comes from outside, made fit for a result in a journal."""

from __future__ import annotations

import pytest

from relight.sdk.text import parse_json


@pytest.mark.parametrize("text", ["NaN", "[-Infinity]", "1e999", '{"a": -1e400}', "[" * 100_000, "9" * 5_000, "", "{"])
def test_what_a_journal_cannot_hold_is_no_json(text: str) -> None:
    """Numbers without end, nesting without end and halves are refused, whatever a parser would make of them."""
    with pytest.raises(ValueError, match=r"\S"):
        parse_json(text)


def test_large_and_small_numbers_are_kept() -> None:
    """A number that a machine can hold is what was sent."""
    assert parse_json(b"[18446744073709551615, 1e308, -0.0, 1e-400]") == [18446744073709551615, 1e308, -0.0, 0.0]
