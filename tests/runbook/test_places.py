"""Where a character of a value stands, however the value is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.runbook.complaints import Complaints
from relight.runbook.places import place_inside
from relight.runbook.source import source_from_bytes
from relight.runbook.yaml12 import read_yaml


def found_at(document: str, wanted: str) -> tuple[int, int]:
    """Return where *wanted* of the value ``a`` is said to stand."""
    complaints = Complaints(source_from_bytes("x", document.encode()))
    tree = read_yaml(complaints)
    assert tree is not None, list(complaints)
    value: str = tree["a"]
    mark = place_inside(complaints.source, tree.values_at["a"], value, value.index(wanted))
    return mark.line, mark.col


@pytest.mark.parametrize(
    "document",
    [
        "a: one two X three\n",
        "a: 'it''s X'\n",
        'a: "tab\\tand \\u0041 and \\"quote\\" X"\n',
        "a: |\n  one\n\n    X two\n",
        "a: >-\n  one\n  two\n\n  X three\n",
        "a: |2-\n    one\n   X\n",
        "a: one\n  two\n  X\n",
        'a: "one\n  two \\\n  X"\n',
        "a: 'one\n\n  X'\n",
        "b: 1\na: é😀 X\n",
    ],
)
def test_the_place_is_where_a_reader_sees_it(document: str) -> None:
    """Quotes, escapes, folding and indentation are undone."""
    lines = document.split("\n")
    line = next(number for number, text in enumerate(lines, 1) if "X" in text)
    assert found_at(document, "X") == (line, lines[line - 1].index("X") + 1)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40), st.sampled_from("'\"|>"))
def test_any_text_has_its_places(before: str, style: str) -> None:
    """Whatever stands before it, a character is found where it was written."""
    import yaml

    written = yaml.safe_dump({"a": before + "X"}, default_style=style, allow_unicode=True, width=20)
    complaints = Complaints(source_from_bytes("x", written.encode()))
    tree = read_yaml(complaints)
    if tree is None or tree["a"] != before + "X" or "X" in before:
        return
    mark = place_inside(complaints.source, tree.values_at["a"], tree["a"], len(before))
    assert complaints.source.line(mark.line)[mark.col - 1] == "X"
