"""YAML 1.2, chapter by chapter: what is written and what is read, or which complaint refuses it.

The documents are our own, made after the specification's chapters; what no runbook needs (tags, several documents,
keys that are no text) is refused by name, and that is held here too.
"""

from __future__ import annotations

from typing import Any

import pytest

from relight.runbook.complaints import Complaints
from relight.runbook.source import source_from_bytes
from relight.runbook.yaml12 import plain, read_yaml


def refused(code: str) -> type:
    """Return a mark for a document that is refused with *code*."""
    return type(code, (), {})


READ: dict[str, tuple[str, Any]] = {
    # 2 and 8: block collections
    "mapping of scalars": ("a: x\nb: 2\nc: 1.5\n", {"a": "x", "b": 2, "c": 1.5}),
    "mapping of sequences": ("a:\n- x\n- y\nb:\n  - z\n", {"a": ["x", "y"], "b": ["z"]}),
    "sequence of mappings": ("a:\n  -\n    b: 1\n    c: 2\n  - b: 3\n", {"a": [{"b": 1, "c": 2}, {"b": 3}]}),
    "sequence of sequences": ("a:\n- [x, 1]\n- [y, 2]\n", {"a": [["x", 1], ["y", 2]]}),
    "mapping of mappings": (
        "a: {b: 1, c: 2}\nd: {\n    b: 3,\n    c: 4,\n  }\n",
        {"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 4}},
    ),
    "compact nested sequence": ("a:\n- - x\n  - y\n- - z\n", {"a": [["x", "y"], ["z"]]}),
    "compact nested mapping": ("a:\n- b: 1\n  c: 2\n- b: 3\n  c: 4\n", {"a": [{"b": 1, "c": 2}, {"b": 3, "c": 4}]}),
    "empty values are nothing": ("a:\nb:\n", {"a": None, "b": None}),
    "a value in the next line": ("a:\n  x\nb: y\n", {"a": "x", "b": "y"}),
    "deep indentation": ("a:\n      b:\n        - c:\n              d\n", {"a": {"b": [{"c": "d"}]}}),
    "a sequence at its key's column": ("a:\n- b\nc: d\n", {"a": ["b"], "c": "d"}),
    "an explicit key": ("? a\n: b\n", {"a": "b"}),
    "an explicit key without a value": ("? a\nb: c\n", {"a": None, "b": "c"}),
    "empty items": ("a:\n-\n- x\n-\n", {"a": [None, "x", None]}),
    "a sequence in a mapping in a sequence": ("a:\n- b:\n  - c\n  - d\n- e\n", {"a": [{"b": ["c", "d"]}, "e"]}),
    # 6: comments, blanks, line breaks
    "a comment after a value": ("a: b # c\n", {"a": "b"}),
    "a hash without a blank is text": ("a: b#c\n", {"a": "b#c"}),
    "a comment in a line of its own": ("# c\na:\n  # d\n  b: 1\n   # e\n", {"a": {"b": 1}}),
    "blank lines": ("\n\na: 1\n\n\nb: 2\n\n", {"a": 1, "b": 2}),
    "blanks at line ends": ("a: x   \nb: y\t\n", {"a": "x", "b": "y"}),
    "tabs between tokens": ("a:\tx\nb: [1,\t2]\n", {"a": "x", "b": [1, 2]}),
    "carriage returns": ("a: 1\r\nb:\r\n  - x\r\n", {"a": 1, "b": ["x"]}),
    "a comment inside a flow sequence": ("a: [x, # c\n  y]\n", {"a": ["x", "y"]}),
    "a directive and a marker": ("%YAML 1.2\n---\na: 1\n", {"a": 1}),
    "a marker alone": ("---\na: 1\n...\n", {"a": 1}),
    "the last line without a break": ("a: 1\nb: x", {"a": 1, "b": "x"}),
    # 7.1: aliases
    "an anchor and its alias": ("a: &n x\nb: *n\n", {"a": "x", "b": "x"}),
    "an alias of a mapping": ("a: &n {b: 1}\nc: [*n, *n]\n", {"a": {"b": 1}, "c": [{"b": 1}, {"b": 1}]}),
    "an anchor set anew": ("a: &n x\nb: *n\nc: &n y\nd: *n\n", {"a": "x", "b": "x", "c": "y", "d": "y"}),
    "an anchor on nothing": ("a: &n\nb: *n\n", {"a": None, "b": None}),
    "an anchor on a block sequence": ("a: &n\n- x\nb: *n\n", {"a": ["x"], "b": ["x"]}),
    "an alias of a key's text": ("&k a: 1\nb: *k\n", {"a": 1, "b": "a"}),
    # 7.3.1: double quotes
    "escapes": (r'a: "\t\"\\\/\x41\u00e9\U0001F600"' + "\n", {"a": '\t"\\/Aé😀'}),
    "escaped breaks": (r'a: "x\ny\rz\0"' + "\n", {"a": "x\ny\rz\0"}),
    "more escapes": (r'a: "\a\b\e\f\v\N\_\L\P\ "' + "\n", {"a": "\a\b\x1b\f\v\x85\xa0\u2028\u2029 "}),
    "folding in double quotes": ('a: "x\n  y\n\n  z"\n', {"a": "x y\nz"}),
    "an escaped break is no blank": ('a: "x\\\n  y"\n', {"a": "xy"}),
    "blanks around a fold go": ('a: "x   \n   y"\n', {"a": "x y"}),
    "escaped blanks stay": ('a: "x \\\n  \\  y"\n', {"a": "x   y"}),
    "an empty text": ("a: \"\"\nb: ''\n", {"a": "", "b": ""}),
    "a quoted key": ('"a b": 1\n', {"a b": 1}),
    "a colon in quotes": ('a: "b: c"\n', {"a": "b: c"}),
    "a hash in quotes": ('a: "b # c"\n', {"a": "b # c"}),
    # 7.3.2: single quotes
    "a quote in single quotes": ("a: 'it''s'\n", {"a": "it's"}),
    "no escapes in single quotes": (r"a: '\n'" + "\n", {"a": "\\n"}),
    "folding in single quotes": ("a: 'x\n\n  y'\n", {"a": "x\ny"}),
    # 7.3.3: plain
    "plain text with blanks": ("a: x y  z\n", {"a": "x y  z"}),
    "plain text over lines": ("a: x\n  y\n\n  z\n", {"a": "x y\nz"}),
    "a colon without a blank": ("a: b:c\n", {"a": "b:c"}),
    "an address": ("a: http://example.org:80/x?y=1\n", {"a": "http://example.org:80/x?y=1"}),
    "a dash without a blank": ("a: -x\nb: [-y]\n", {"a": "-x", "b": ["-y"]}),
    "a question mark in text": ("a: ?x\n", {"a": "?x"}),
    "commas in plain text": ("a: x, y\n", {"a": "x, y"}),
    "brackets inside plain text": ("a: x[1] {y}\n", {"a": "x[1] {y}"}),
    "quotes inside plain text": ("a: it's \"x\"\n", {"a": "it's \"x\""}),
    "a plain key with blanks": ("a b c: 1\n", {"a b c": 1}),
    "signs inside plain text": ("a: x!&*|>%@`\n", {"a": "x!&*|>%@`"}),
    "expressions are plain text": ("a: ${{ inputs.x }}\n", {"a": "${{ inputs.x }}"}),
    "a criterion is plain text": ("a: value < 0.02 && value >= 0\n", {"a": "value < 0.02 && value >= 0"}),
    # 7.4: flow collections
    "empty collections": ("a: []\nb: {}\n", {"a": [], "b": {}}),
    "a trailing comma": ("a: [x, y,]\nb: {c: 1,}\n", {"a": ["x", "y"], "b": {"c": 1}}),
    "nested flow": ("a: [[x], {b: [y]}, {}]\n", {"a": [["x"], {"b": ["y"]}, {}]}),
    "flow over lines": ("a: [\n  x,\n  y\n  ]\n", {"a": ["x", "y"]}),
    "keys without values in flow": ("a: {b, c: , d: 1}\n", {"a": {"b": None, "c": None, "d": 1}}),
    "a pair in a flow sequence": ("a: [b: 1, c: 2]\n", {"a": [{"b": 1}, {"c": 2}]}),
    "JSON is YAML": (
        '{"a": [1, 2.5, true, null, "x"], "b": {"c": {}}}\n',
        {"a": [1, 2.5, True, None, "x"], "b": {"c": {}}},
    ),
    "a quoted key close to its value": ('a: {"b":1}\n', {"a": {"b": 1}}),
    "plain text over lines in flow": ("a: [x\n  y, z]\n", {"a": ["x y", "z"]}),
    "flow scalars of several words": ("a: [x y, z w]\n", {"a": ["x y", "z w"]}),
    # 8.1: block scalars
    "literal": ("a: |\n  x\n   y\n  z\n", {"a": "x\n y\nz\n"}),
    "literal, stripped": ("a: |-\n  x\n\n", {"a": "x"}),
    "literal, kept": ("a: |+\n  x\n\nb: 1\n", {"a": "x\n\n", "b": 1}),
    "literal with blank lines": ("a: |\n\n  x\n\n  y\n", {"a": "\nx\n\ny\n"}),
    "literal with an indentation": ("a: |2\n    x\n   y\n", {"a": "  x\n y\n"}),
    "literal with both indicators": ("a: |1-\n  x\n", {"a": " x"}),
    "literal keeps its signs": ("a: |\n  # no comment\n  b: [c\n  'd\n", {"a": "# no comment\nb: [c\n'd\n"}),
    "literal without a last break": ("a: |\n  x", {"a": "x\n"}),
    "literal of blanks at the end of the file": ("a: |\n  x\n   ", {"a": "x\n \n"}),
    "folded": ("a: >\n  x\n  y\n\n  z\n", {"a": "x y\nz\n"}),
    "folded, stripped": ("a: >-\n  x\n  y\n", {"a": "x y"}),
    "folded keeps more indented lines": ("a: >\n  x\n    y\n  z\n", {"a": "x\n  y\nz\n"}),
    "folded with blank lines": ("a: >\n  x\n\n\n  y\n", {"a": "x\n\ny\n"}),
    "empty block scalars": ("a: |\nb: >\n", {"a": "", "b": ""}),
    "a comment behind an indicator": ("a: | # c\n  x\n", {"a": "x\n"}),
    "a block scalar in a sequence": ("a:\n- |\n  x\n- >\n  y\n", {"a": ["x\n", "y\n"]}),
    # 10: the core schema
    "nothing": ("a: null\nb: ~\nc: Null\nd: NULL\ne:\n", dict.fromkeys("abcde")),
    "truth": ("a: true\nb: False\nc: TRUE\n", {"a": True, "b": False, "c": True}),
    "words of YAML 1.1 are text": ("a: yes\nb: No\nc: on\nd: y\n", {"a": "yes", "b": "No", "c": "on", "d": "y"}),
    "whole numbers": (
        "a: 0\nb: -19\nc: +7\nd: 0o7\ne: 0x3A\nf: 012\n",
        {"a": 0, "b": -19, "c": 7, "d": 7, "e": 58, "f": 12},
    ),
    "numbers of YAML 1.1 are text": (
        "a: 0b1\nb: 1_000\nc: 1:30\nd: 190:20:30\n",
        {"a": "0b1", "b": "1_000", "c": "1:30", "d": "190:20:30"},
    ),
    "broken numbers": (
        "a: 0.\nb: -.5\nc: +12e03\nd: -2E+05\ne: 1.5e-3\n",
        {"a": 0.0, "b": -0.5, "c": 12000.0, "d": -200000.0, "e": 0.0015},
    ),
    "what only begins like a number": (
        "a: 1.2.3\nb: 5m\nc: 10%\nd: 1e\ne: 0x\nf: .e1\n",
        {"a": "1.2.3", "b": "5m", "c": "10%", "d": "1e", "e": "0x", "f": ".e1"},
    ),
    "dates are text": ("a: 2026-11-23\nb: 2026-11-23T10:00:00Z\n", {"a": "2026-11-23", "b": "2026-11-23T10:00:00Z"}),
    "quoted numbers are text": ("a: '1'\nb: \"true\"\nc: 'null'\n", {"a": "1", "b": "true", "c": "null"}),
    "block scalars are text": ("a: |-\n  1\nb: >-\n  true\n", {"a": "1", "b": "true"}),
    "characters of every script": ("é: 日本\n😀: ﷽\n", {"é": "日本", "😀": "﷽"}),
    # what is YAML, and refused by name
    "several documents": ("a: 1\n---\nb: 2\n", refused("RL106")),
    "a standard tag": ("a: !!str 1\n", refused("RL110")),
    "a local tag": ("a: !x {b: 1}\n", refused("RL110")),
    "a verbatim tag": ("a: !<tag:yaml.org,2002:str> x\n", refused("RL110")),
    "a tag that is only an exclamation mark": ("a: ! x\n", refused("RL110")),
    "a merge key": ("a: &n {b: 1}\nc: {<<: *n}\n", refused("RL111")),
    "an alias inside its own anchor": ("a: &n [*n]\n", refused("RL111")),
    "a number for a key": ("1: x\n", refused("RL113")),
    "a truth for a key": ("a: {true: x}\n", refused("RL113")),
    "a list for a key": ("? [a, b]\n: x\n", refused("RL113")),
    "a key twice": ("a: 1\nb: 2\na: 3\n", refused("RL112")),
    "not a number": ("a: .nan\nb: .NaN\n", refused("RL114")),
    "infinity": ("a: -.inf\n", refused("RL114")),
    "a whole number beyond 64 bits": ("a: 9223372036854775808\n", refused("RL114")),
    "a sequence at the top": ("- a\n- b\n", refused("RL107")),
    "a scalar at the top": ("just text\n", refused("RL107")),
    "no document": ("# nothing\n", refused("RL107")),
    # what is no YAML
    "a tab for indentation": ("a:\n\tb: 1\n", refused("RL105")),
    "a bracket that does not close": ("a: [x\nb: 1\n", refused("RL105")),
    "a brace that closes a bracket": ("a: [x}\n", refused("RL105")),
    "a quote that does not close": ("a: 'x\nb: 1\n", refused("RL105")),
    "text behind a quoted value": ("a: 'x' y\n", refused("RL105")),
    "two values in a line": ("a: b: c\n", refused("RL105")),
    "a key further in than its neighbour": ("a: 1\n  b: 2\n", refused("RL105")),
    "a key further out than its neighbour": ("a:\n    b: 1\n  c: 2\n", refused("RL105")),
    "a mapping after a sequence at its column": ("a:\n  - x\n  b: 1\n", refused("RL105")),
    "an unknown escape": ('a: "\\q"\n', refused("RL105")),
    "a half escape": ('a: "\\x4"\n', refused("RL105")),
    "an alias without an anchor": ("a: *n\n", refused("RL111")),
    "an anchor on an alias": ("a: &m x\nb: &n *m\n", refused("RL105")),
    "a reserved sign": ("a: @x\n", refused("RL105")),
    "a percent sign first": ("a: %x\n", refused("RL105")),
    "a comma first": ("a: [, x]\n", refused("RL105")),
    "an indentation of nought": ("a: |0\n  x\n", refused("RL105")),
    "a directive without a document": ("%YAML 1.2\na: 1\n", refused("RL105")),
    "another YAML": ("%YAML 3.0\n---\na: 1\n", refused("RL105")),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ.keys())
def test_what_is_written_is_what_is_read(text: str, expected: Any) -> None:
    """Each document gives its value, type for type, or its complaint and nothing else."""
    complaints = Complaints(source_from_bytes("x.yaml", text.encode()))
    value = plain(read_yaml(complaints))
    if isinstance(expected, type):
        assert {each.code for each in complaints} == {expected.__name__}
        return
    assert [each.message for each in complaints] == []
    assert repr(value) == repr(expected)
