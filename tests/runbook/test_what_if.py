"""A document with some of its values changed, as if its author had written them."""

from __future__ import annotations

import difflib

import pytest

from relight.errors import UsageError
from relight.runbook.source import Source, source_from_bytes
from relight.runbook.what_if import changed, changes, inputs_and_rest

TEXT = """\
runbook: x           # a comment stays
schema: relight/v1
title: "Quoted: it stands"
inputs: {admit: {type: percent, default: 10}}
stages:
  - id: one
    steps:
      - id: a
        action: shell.run
        with:
          argv: [one,
                 two]
          env: {}
        retry: {max_attempts: 3}
      - parallel:
          - {id: b, action: wait, with: {duration: 1s}}
          - id: c
            action: wait
            with: {duration: 2s}
    verify: [{check: well, within: 2m}, {probe: deploy.current, pass_when: value.frozen}]
"""
VERIFY = TEXT.splitlines()[-1]


@pytest.fixture(name="source")
def _source() -> Source:
    return source_from_bytes("x.runbook.yaml", TEXT.encode())


def difference(source: Source, *asked: str) -> list[str]:
    """Return the lines that differ."""
    made = changed(source, [each for text in asked for each in changes(text)])
    found = difflib.unified_diff(source.text.splitlines(), made.text.splitlines(), n=0, lineterm="")
    return [line for line in found if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ("title=Other", ['-title: "Quoted: it stands"', '+title: "Other"']),
        ("runbook=y", ["-runbook: x           # a comment stays", '+runbook: "y"           # a comment stays']),
        (
            "stages.one.steps.a.retry.max_attempts=5",
            ["-        retry: {max_attempts: 3}", "+        retry: {max_attempts: 5}"],
        ),
        (
            "stages.one.steps.a.with.argv=[three]",
            ["-          argv: [one,", "-                 two]", '+          argv: ["three"]'],
        ),
        (
            "stages.one.steps.b.with.duration=9s",
            [
                "-          - {id: b, action: wait, with: {duration: 1s}}",
                '+          - {id: b, action: wait, with: {duration: "9s"}}',
            ],
        ),
        (
            "stages.one.steps.c.with.duration=9s",
            ["-            with: {duration: 2s}", '+            with: {duration: "9s"}'],
        ),
        (
            "stages.one.verify.well.within=5m",
            [
                f"-{VERIFY}",
                f"+{VERIFY}".replace("2m", '"5m"'),
            ],
        ),
        (
            "stages.one.verify.2.within=5m",
            [
                f"-{VERIFY}",
                f"+{VERIFY}".replace("{probe", '{within: "5m", probe'),
            ],
        ),
        ("stages.one.steps.a.with.env.HOME=/x", ["-          env: {}", '+          env: {HOME: "/x"}']),
        ("stages.one.steps.a.timeout=5m", ["-      - id: a", '+      - timeout: "5m"', "+        id: a"]),
        ("stages.1.optional=true", ["-  - id: one", "+  - optional: true", "+    id: one"]),
        (
            "stages.one.steps.a.with={}",
            ["-          argv: [one,", "-                 two]", "-          env: {}", "+          {}"],
        ),
    ],
)
def test_one_value_is_another(source: Source, change: str, lines: list[str]) -> None:
    """Only its own place changes; comments, quotes and everything else stay as they are."""
    assert difference(source, change) == lines


def test_several_at_once(source: Source) -> None:
    """They are joined by *and*; one in a value is none."""
    assert [line for line in difference(source, "title=war and peace and runbook=y") if line[0] == "+"] == [
        '+runbook: "y"           # a comment stays',
        '+title: "war and peace"',
    ]


def test_the_changed_document_says_that_it_is_changed(source: Source) -> None:
    """Whoever reads a complaint about it knows which it is about."""
    assert changed(source, changes("title=y")).name == "x.runbook.yaml (what if title=y)"


def test_inputs_are_given_and_not_rewritten() -> None:
    """``inputs.NAME=VALUE`` is what ``-i`` says."""
    given, rest = inputs_and_rest(changes("inputs.admit=20 and inputs.admit.default=30 and title=x"))
    assert given == {"admit": 20}
    assert [change.path for change in rest] == [("inputs", "admit", "default"), ("title",)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("stagse.one.id=x", "did you mean 'stages'?"),
        ("stages.oen.id=x", "did you mean 'one'?"),
        ("stages.one.steps.d.id=x", "known are: a, b, c"),
        ("stages.9.id=x", "known are: one"),
        ("title.x=y", "nothing lies under it"),
        ("stages.one.steps.a.with.argv.3=x", "known are: 1, 2"),
        ("x", "changes nothing"),
        ("=x", "changes nothing"),
        ("title=", "changes nothing"),
        ("title={", "is no value"),
        ("title=a: b", "is no value"),
    ],
)
def test_a_path_that_leads_nowhere(source: Source, change: str, words: str) -> None:
    """What was probably meant is offered."""
    with pytest.raises(UsageError) as caught:
        changed(source, changes(change))
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_what_cannot_be_read_is_left_to_whoever_reads_it() -> None:
    """Its mistakes are complained of then."""
    broken = source_from_bytes("x", b"a: [")
    assert changed(broken, changes("title=x")) is broken
