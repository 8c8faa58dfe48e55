"""Whatever bytes are offered: a valid document or complaints with places, soon, in little memory, never a crash."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from relight.runbook.complaints import COMPLAINTS_MAX
from relight.runbook.offers import Offers
from relight.runbook.reading import read_any
from relight.runbook.render import FORMATS
from relight.runbook.source import source_from_bytes
from relight.sdk.registry import Registry

from .hostile import bombs

SHIPPED = Path(__file__).parents[2] / "runbooks"
VALID = [path.read_bytes() for path in sorted(SHIPPED.glob("*/*.runbook.yaml"))]
OFFERS = Offers(Registry({}))
SECONDS_MAX = 2.0
MEBIBYTES_MAX = 128
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]")

CHILD = """
import json, pathlib, sys, time
from relight.runbook.offers import Offers
from relight.runbook.reading import read_any
from relight.runbook.render import FORMATS
from relight.runbook.source import source_from_bytes
from relight.sdk.registry import Registry
sys.path.insert(0, sys.argv[1])
from hostile import bombs
offers, took = Offers(Registry({})), {}
for name, data in bombs():
    began = time.process_time()
    read = read_any(source_from_bytes("x.yaml", data), offers)
    for render in FORMATS.values():
        render(list(read.complaints), read.complaints.left_out)
    took[name] = time.process_time() - began
# Not getrusage: its peak is that of the parent too, from before the exec.
status = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
print(json.dumps({"took": took, "peak_mib": int(status["VmHWM"].split()[0]) / 1024}))
"""


def judge(data: bytes) -> None:
    """Hold one document against the promise."""
    read = read_any(source_from_bytes("x.yaml", data), OFFERS)
    complaints = list(read.complaints)
    assert read.is_valid or [each for each in complaints if each.severity == "error"]
    assert len(complaints) <= COMPLAINTS_MAX
    for each in complaints:
        assert each.line >= 1
        assert each.col >= 1
        assert each.line <= len(read.complaints.source.lines)
        assert not UNSAFE.search(f"{each.message}{each.hint}{each.excerpt}")
        assert 1 <= each.caret <= len(each.excerpt) + 1
    for name, render in FORMATS.items():
        text = render(complaints, read.complaints.left_out)
        assert not UNSAFE.search(text)
        if name in {"json", "sarif"}:
            json.loads(text)


@pytest.mark.parametrize(("name", "data"), list(bombs()), ids=[name for name, _ in bombs()])
def test_no_bomb_goes_off(name: str, data: bytes) -> None:
    """A document that means harm gets complaints like any other."""
    judge(data)


def test_bombs_cost_little() -> None:
    """Each bomb is judged within 2 s of processor time, and all of them within 128 MiB."""
    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent)]
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    slow = {name: seconds for name, seconds in measured["took"].items() if seconds >= SECONDS_MAX}
    assert slow == {}
    assert measured["peak_mib"] < MEBIBYTES_MAX


@given(st.binary(max_size=400))
def test_random_bytes_are_refused_in_order(data: bytes) -> None:
    """Bytes at random never crash the reader."""
    judge(data)


SIGNS = [
    "a",
    ":",
    " ",
    "\n",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    '"',
    "|",
    ">",
    "&a ",
    "*a",
    "!t ",
    "#",
    "%",
    "@",
    "? ",
]
LINES = [
    "<<: ",
    "---\n",
    "...\n",
    "runbook: x\n",
    "schema: relight/v1\n",
    "stages:\n",
    "id: a\n",
    "when: value\n",
    "site: y\n",
]
ODDITIES = ["${{ ", "}}", "1e9", "null", "0o7", "~", "\\", "\u2028", "\x1b", "é", "😀", "\r", "0x", "\t", "  "]
YAML_WORDS = st.sampled_from([*SIGNS, *LINES, *ODDITIES])


@given(st.lists(YAML_WORDS, max_size=60))
@example(["a", ":", "\r", "- "])
def test_random_yaml_is_refused_in_order(words: list[str]) -> None:
    """Pieces of YAML in any order never crash the reader."""
    judge("".join(words).encode())


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A shipped runbook with a few pieces cut, doubled, moved or replaced."""
    data = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        end = min(len(data), begin + draw(st.integers(0, 60)))
        kind = draw(st.sampled_from(["cut", "double", "move", "replace"]))
        piece = data[begin:end]
        if kind == "cut":
            data = data[:begin] + data[end:]
        elif kind == "double":
            data = data[:end] + piece + data[end:]
        elif kind == "move":
            rest = data[:begin] + data[end:]
            to = draw(st.integers(0, len(rest)))
            data = rest[:to] + piece + rest[to:]
        else:
            words = "".join(draw(st.lists(YAML_WORDS, max_size=3))).encode() or draw(st.binary(max_size=4))
            data = data[:begin] + words + data[end:]
    return data


@given(mutated())
@settings(max_examples=300)
def test_damaged_runbooks_are_refused_in_order(data: bytes) -> None:
    """A real runbook with damage gets complaints, or is still valid; nothing else."""
    judge(data)


@given(st.data())
@settings(max_examples=150)
def test_values_of_any_type_are_refused_in_order(data: st.DataObject) -> None:
    """Any value at any key of a valid runbook gets complaints, or is taken."""
    text = data.draw(st.sampled_from(VALID)).decode()
    keys = [found.start(1) for found in re.finditer(r"\w+: ?([^\s,}\]][^\n,}\]]*)", text)]
    at = data.draw(st.sampled_from(keys))
    end = re.compile(r"[\n,}\]]").search(text, at)
    values = ["1", "-1", "1.5", "[]", "{}", "[1]", "{a: 1}", "null", "true", "''", "x", "5s", "10%", '"${{ site.id }}"']
    value = data.draw(st.sampled_from(values))
    judge((text[:at] + value + text[end.start() if end else len(text) :]).encode())


def test_nothing_is_executed(tmp_path: Path, lint: Callable[[str], list[object]]) -> None:
    """A document that asks for code to be run gets a complaint and runs nothing."""
    witness = tmp_path / "witness"
    lint(f"title: !!python/object/apply:os.system ['touch {witness}']\n")
    lint(f'runbook: a\nlock: [\'${{{{ __import__("os").system("touch {witness}") }}}}\']\n')
    assert not witness.exists()
