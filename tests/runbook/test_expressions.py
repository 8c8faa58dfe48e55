"""CEL behind its door: names, values, limits, and nothing that is evaluated twice."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.kernel.plan import Expression, ExpressionFailed
from relight.runbook.cel_text import read_cel, text_within
from relight.runbook.expressions import (
    CelExpression,
    bare,
    embedded,
    matches,
    problem_with,
    restore,
    substituted,
)
from relight.runbook.template import Unterminated, parts_of

SCOPE = {
    "inputs": {"admit": 10, "name": "${{ run.id }}", "share": 0.5},
    "probes": {"auth": {"release": "41", "previous": 40, "none": None}},
    "steps": {"scale": {"result": {"added": ["e5", "e6"]}}},
    "site": {"id": "here", "values": {"rate": 20}},
}


def value_of(text: str, **more: Any) -> Any:
    """Return what a template gives on the scope."""
    expression = embedded(text)
    assert isinstance(expression, CelExpression)
    return expression.value({**SCOPE, **more})


@pytest.mark.parametrize("sample", [0, 0.0, 0.01, 1, 1.0, -1, 10**30])
def test_criteria_work_for_whole_and_broken_numbers(sample: float) -> None:
    """A sample may come as either kind of number."""
    assert bare("value < 0.02").value({"value": sample}) is (sample < 0.02)
    assert bare("value == 0").value({"value": sample}) is (sample == 0)
    assert bare("value * 100.0 < 2.0").value({"value": sample}) is (sample * 100 < 2)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("inputs.admit > 1", {"inputs.admit"}),
        ("value.release == probes.auth.previous", {"value", "probes.auth"}),
        ("steps.scale.result.added[0] == 'x'", {"steps.scale.result"}),
        ("steps['scale'].result.added.size() > 1", {"steps.scale.result"}),
        ("site.values.rate + site.id", {"site.values.rate", "site.id"}),
        ("[1, 2].map(x, x + inputs.a).all(y, y > value)", {"inputs.a", "value"}),
        ("inputs.list.exists(run, run > 1) || run.id == '7'", {"inputs.list", "run.id"}),
        ("has(probes.auth.release) // inputs.comment", {"probes.auth"}),
        ("'inputs.text' == \"run.id\" + r'value'", set()),
        ("{'a': inputs.b}.a in [checks.c.value]", {"inputs.b", "checks.c"}),
        ("true && null == false", set()),
    ],
)
def test_names_are_those_that_are_read(text: str, names: set[str]) -> None:
    """Strings, comments and what macros bind are no names; dotted and indexed paths are."""
    assert bare(text).names == names


def test_a_whole_embedding_keeps_its_type() -> None:
    """A value that is one embedding is what the expression gives; among text it becomes text."""
    assert value_of("${{ steps.scale.result.added }}") == ["e5", "e6"]
    assert value_of("  ${{ inputs.admit }} ") == 10
    assert value_of("${{ inputs.admit }}%") == "10%"
    assert (
        value_of("${{ inputs.share }} of ${{ 10.0 }}, ${{ probes.auth.none }}, ${{ true }}") == "0.5 of 10, none, true"
    )
    assert value_of('${{ {"a": {"b": "}}"}}.a.b }}!') == "}}!"


def test_what_comes_out_is_never_evaluated_again() -> None:
    """Text that looks like an expression stays text."""
    assert value_of("${{ inputs.name }}") == "${{ run.id }}"
    assert value_of("<${{ inputs.name }}>") == "<${{ run.id }}>"


@pytest.mark.parametrize(
    "payload", ["${{ run.id }}", "' + run.id + '", '" || true || "', "\\", "\n", "é😀\u2028", "${x}", "{{7*7}}"]
)
def test_what_is_written_into_a_criterion_stays_data(payload: str) -> None:
    """A value that is written into a criterion as CEL is the same text again, whatever it contains."""
    criterion = substituted("value == inputs.word", {"inputs": {"word": payload}})
    assert criterion.names == {"value"}
    assert criterion.value({"value": payload}) is True
    assert criterion.value({"value": payload + "x"}) is False


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_any_text_can_be_written_into_a_criterion(text: str) -> None:
    """There is no text that breaks out of its quotes."""
    assert substituted("value == inputs.word", {"inputs": {"word": text}}).value({"value": text}) is True


def test_numbers_below_zero_can_be_written_into_a_criterion() -> None:
    """A sign does not run into the sign before it."""
    assert substituted("value -inputs.a > 0", {"inputs": {"a": -5.5}}).value({"value": -5}) is True


def test_an_expression_can_be_made_again_from_its_text_and_names() -> None:
    """Text, names and whether it is a template are all that a journal has to keep."""
    for expression in (bare("value < inputs.a"), embedded("a ${{ inputs.a }}"), embedded("${{ inputs.a }}")):
        assert isinstance(expression, CelExpression)
        assert isinstance(expression, Expression)
        again = restore(expression.text, sorted(expression.names), expression.template)
        assert again == expression
        assert again.value({"inputs": {"a": 2}, "value": 1}) == expression.value({"inputs": {"a": 2}, "value": 1})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("inputs.nothing", "there is no 'nothing'"),
        ("inputs.admit + 1.0", "the types do not fit"),
        ("inputs.admit / 0", "division by zero"),
        ("inputs.admit + 9223372036854775807", "verflow"),
        ("1.0 / 0.0", "inf, not a number"),
        ("b'bytes'", "bytes"),
        ("unknown", "ndefined"),
        ("[1][5]", "out of bounds"),
        ("{1: 2}", "dict"),
        ("inputs.admit.matches('a')", "matches"),
    ],
)
def test_what_cannot_be_evaluated_says_why(text: str, why: str) -> None:
    """An expression that meets data it cannot work on fails with its text and the reason."""
    with pytest.raises(ExpressionFailed) as failed:
        bare(text).value(SCOPE)
    assert why in str(failed.value)
    assert text in str(failed.value)


@pytest.mark.parametrize(
    ("text", "at", "hint"),
    [
        ("value = 1", 6, "compare with =="),
        ("value < 1 and true", 10, "write && for and"),
        ("not value", 4, "write ! for not"),
        ("value <", 7, "complete it"),
        ("value < 2%", 9, "0.02"),
        ("as", 0, "another name"),
        ("", 0, "condition"),
        ("'never closed", 0, ""),
        ("value\n  = 1", 8, "=="),
        ("has( . size(", 11, "check brackets"),
    ],
)
def test_faults_have_a_place_and_a_mend(text: str, at: int, hint: str) -> None:
    """What is no CEL is said with the character that is wrong."""
    problem = problem_with(text)
    assert problem is not None
    assert problem.at == at
    assert hint in problem.hint


@pytest.mark.parametrize(
    "text", ["a" * 1_001, "1" + "+1" * 200, "(" * 17 + "1" + ")" * 17, "value" + ".a" * 400, "[" * 2_000]
)
def test_large_expressions_are_not_compiled(text: str) -> None:
    """The library crashes on some; the limits are far below."""
    assert problem_with(text) is not None
    with pytest.raises(ExpressionFailed):
        bare(text).value({})


def test_lists_that_are_walked_have_a_limit() -> None:
    """An expression over a list of any length ends soon: too long a list is refused."""
    with pytest.raises(ExpressionFailed, match="10000 items"):
        bare("inputs.l.all(x, x > 0)").value({"inputs": {"l": [1] * 10_001}})
    with pytest.raises(ExpressionFailed, match="300 items"):
        bare("inputs.l.all(x, inputs.l.all(y, x + y > 0))").value({"inputs": {"l": [1] * 301}})
    with pytest.raises(ExpressionFailed, match="300 items"):
        bare("inputs.l.all(x, x.matches('a'))").value({"inputs": {"l": ["a"] * 301}})
    began = time.process_time()
    assert bare("inputs.l.all(x, inputs.l.all(y, x + y > 0))").value({"inputs": {"l": [1] * 300}}) is True
    assert time.process_time() - began < 10


def test_an_embedding_that_does_not_end_is_found() -> None:
    """The place is that of its beginning."""
    with pytest.raises(Unterminated) as error:
        parts_of("a ${{ b }} ${{ c")
    assert error.value.at == 11


def test_patterns_match_all_of_a_text_in_linear_time() -> None:
    """A pattern that would backtrack for years elsewhere answers at once."""
    assert matches("[a-z]+", "abc")
    assert not matches("[a-z]+", "abc1")
    assert not matches("(a+)+b", "a" * 1_000)
    with pytest.raises(ExpressionFailed):
        matches("[", "a")


def test_cel_is_loaded_when_a_value_is_needed_and_without_its_command_line() -> None:
    """Making an expression again loads no CEL; evaluating it loads the compiled part alone."""
    code = """
import json, sys
from relight.runbook.expressions import restore
before = [name for name in sys.modules if name.split(".")[0] in ("cel", "typer", "rich", "pydantic", "yaml")]
value = restore("value < 1", ["value"]).value({"value": 0})
after = [name for name in sys.modules if name.split(".")[0] in ("typer", "rich", "prompt_toolkit", "pygments")]
import cel
print(json.dumps([before, value, after, cel.evaluate("1 + 1")]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_environment())
    assert json.loads(done.stdout) == [[], True, [], 2], done.stderr


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@given(st.text(alphabet="abvalue.()[]{}'\"\\ &|!<>=+-*/%?:,0159rb\n#$é", max_size=60))
def test_any_text_is_read_without_a_crash(text: str) -> None:
    """Whatever is offered as an expression gives a value, a problem or a failure."""
    read_cel(text)
    problem = problem_with(text)
    if problem is not None:
        assert 0 <= problem.at <= len(text)
        return
    try:
        bare(text).value({"value": 1.0})
    except ExpressionFailed:
        return


@pytest.mark.parametrize(
    ("literal", "within"),
    [('"error"', "error"), ("'roll-back'", "roll-back"), ('r"R"', "R"), ('"""rb"""', "rb"), ("''", "")],
)
def test_a_string_is_what_stands_within_its_quotes(literal: str, within: str) -> None:
    """Letters that may stand before the quotes are not taken off what they hold."""
    assert within == text_within(literal)
    reading = read_cel(f"value[{literal}] == 1")
    assert [f"value.{within}" if within else "value"] == [name.path for name in reading.names]


@pytest.mark.parametrize(
    ("text", "items", "works"),
    [
        ("value.l.all(x, x < inputs.limit)", 10_000, True),
        ("value.l.all(x, value.l.all(y, x == y))", 300, True),
        ("value.l.map(x, x + 1)", 1_000, True),
        ("value.l.filter(x, x > inputs.limit)", 1_000, True),
        ("value.l.map(x, x)", 10_000, False),
        ("value.l.map(x, value.l)", 1_000, False),
        ("value.l.filter(x, x in value.l)", 10_000, False),
        ("size(value.l.map(x, value.l.map(y, 1)))", 300, False),
        ("value.l.all(x, value.text.contains('b'))", 10_000, False),
    ],
)
def test_macros_cost_half_a_second_at_most(text: str, items: int, works: bool) -> None:
    """What the library would take the square of a list's length for is refused before it begins."""
    scope = {"value": {"l": [1] * items, "text": "a" * 60_000}, "inputs": {"limit": 5}}
    began = time.process_time()
    if works:
        bare(text).value(scope)
    else:
        with pytest.raises(ExpressionFailed, match="too long for what it does with each"):
            bare(text).value(scope)
    assert time.process_time() - began < 2.0


def test_a_number_that_no_machine_holds_is_no_crash() -> None:
    """A whole number of four hundred digits, as a broken exporter may send it, fails like any other bad value."""
    with pytest.raises(ExpressionFailed, match="too large"):
        bare("value < 1").value({"value": 10**400})
