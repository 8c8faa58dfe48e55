"""YAML 1.2 core types, and where everything stood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from relight.runbook.complaints import Complaints
from relight.runbook.source import BYTES_MAX, Mark, source_from_bytes, source_from_file
from relight.runbook.yaml12 import Items, Map, mark_at, plain, read_yaml


def read(text: str) -> Map:
    """Return the tree of a document without faults."""
    complaints = Complaints(source_from_bytes("x.yaml", text.encode()))
    tree = read_yaml(complaints)
    assert tree is not None, list(complaints)
    assert not list(complaints)
    return tree


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(
            (word, word)
            for word in ("no", "No", "on", "off", "yes", "y", "n", "NO", "tRUE", "0b1", "1_000", "1:30", "0o8")
        ),
        *((word, None) for word in ("", "~", "null", "Null", "NULL")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        ("0o17", 15),
        ("0xFF", 255),
        ("017", 17),
        ("+5", 5),
        ("-0", 0),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-1.5E-3", -0.0015),
        ("9223372036854775807", 2**63 - 1),
        ("2026-11-22", "2026-11-22"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("'null'", "null"),
        ("=", "="),
        ("nan", "nan"),
        ("10%", "10%"),
    ],
)
def test_plain_words_have_the_types_of_yaml_1_2(written: str, value: Any) -> None:
    """What other readers take for a truth, a time or a date stays text; numbers are numbers."""
    found = read(f"a: {written}\n")["a"]
    assert (type(found), found) == (type(value), value)


def test_everything_knows_its_place() -> None:
    """Keys, values and items are found by line and column, counted in characters."""
    tree = read("é: 1\nb:\n  - c: [x, {😀: z}]\n")
    assert tree.keys_at["b"] == Mark(2, 1)
    assert mark_at(tree, ("b", 0, "c", 1, "😀")) == Mark(3, 16)
    assert mark_at(tree, ("b", 0, "nothing", 4)) == Mark(3, 5)


def test_aliases_share_a_value() -> None:
    """An anchored value may stand in a few more places."""
    tree = read("a: &retry {max_attempts: 3}\nb: *retry\n")
    assert plain(tree) == {"a": {"max_attempts": 3}, "b": {"max_attempts": 3}}


def test_line_breaks_of_every_system_count_alike() -> None:
    """A document from another system has the same places."""
    for end in ("\n", "\r\n", "\r"):
        tree = read(end.join(["a: 1", "b:", "  c: 2", ""]))
        assert mark_at(tree, ("b", "c")) == Mark(3, 6)


def test_a_byte_order_mark_does_no_harm() -> None:
    """An editor's mark at the beginning is not part of the first key."""
    complaints = Complaints(source_from_bytes("x", b"\xef\xbb\xbfa: 1\n"))
    tree = read_yaml(complaints)
    assert plain(tree) == {"a": 1}
    assert tree is not None
    assert tree.keys_at["a"] == Mark(1, 1)


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (b"a: \xc3\x28", "RL103", (1, 4)),
        (b"a: 1\nb: \xff", "RL103", (2, 4)),
        ("a: 1".encode("utf-16"), "RL103", (1, 1)),
        (b"a: \x00", "RL104", (1, 4)),
        (b"a: 1\n\x1b[31m: 2", "RL104", (2, 1)),
        (b"x" * (BYTES_MAX + 1), "RL102", (1, 1)),
    ],
)
def test_bytes_that_are_no_text_are_refused(data: bytes, code: str, place: tuple[int, int]) -> None:
    """Bytes that YAML may not see are complained of where they stand."""
    complaints = Complaints(source_from_bytes("x", data))
    assert read_yaml(complaints) is None
    first = next(iter(complaints))
    assert (first.code, (first.line, first.col)) == (code, place)


def test_files_that_cannot_be_read_are_complaints(tmp_path: Path) -> None:
    """A missing file, a folder and a name that is none are said in one sentence each."""
    (tmp_path / "folder").mkdir()
    said = {}
    for name in ("nothing.yaml", "folder", "a\0b"):
        complaints = Complaints(source_from_file(tmp_path / name))
        assert read_yaml(complaints) is None
        said[name] = next(iter(complaints)).message
    assert said["nothing.yaml"] == "the document does not exist"
    assert said["folder"] == "the document is a folder"
    assert "cannot be read" in said["a\0b"]


def test_a_pipe_does_not_keep_the_reader_waiting(tmp_path: Path) -> None:
    """What is no regular file is refused, not waited for."""
    import os

    os.mkfifo(tmp_path / "pipe")
    complaints = Complaints(source_from_file(tmp_path / "pipe"))
    assert read_yaml(complaints) is None
    assert next(iter(complaints)).message == "the document is not a file"


def test_items_know_their_places_after_they_are_built() -> None:
    """A list written in lines has a place for each item."""
    items = read("a:\n  - x\n  - y\n")["a"]
    assert isinstance(items, Items)
    assert items.items_at == [Mark(2, 5), Mark(3, 5)]
