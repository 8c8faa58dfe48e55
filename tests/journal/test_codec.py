"""Facts come back from their bytes exactly as they were, and what is not known is refused by name."""

import json
import math
import typing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.errors import JournalError, JournalTooNew
from relight.journal.codec import KINDS, decode, encode, kind_of
from relight.journal.header import read_header
from relight.journal.leaves import KeptExpression
from relight.journal.snapshot import STATE_VERSION, decode_state, encode_state
from relight.kernel.facts import AnyFact, Noted, StepSucceeded
from relight.kernel.plan import Plan
from relight.kernel.state import Run
from relight.runbook.expressions import bare, restore

from .making import LARGE, TREES, values

CLASSES = typing.get_args(AnyFact)
PLAN = Plan(runbook="r", title="R", site="s", stages=())
NOTE = Noted(at=1, t=2, person="ana", text="hello")


def exact(value: Any) -> str:
    """Return a text in which 1, 1.0 and True differ."""
    return repr(value)


@pytest.mark.parametrize("cls", CLASSES, ids=kind_of)
@given(data=st.data())
@LARGE
def test_every_fact_comes_back_as_it_was(cls: type, data: st.DataObject) -> None:
    """Encoding and decoding give an equal fact, of the same types, and the same bytes again."""
    fact = data.draw(values(cls, run=st.just("7f3"), epoch=st.just(4)))
    kind, body = encode(fact, run="7f3", seq=9, epoch=4)
    again = decode(body, restore)
    assert again == fact
    assert exact(again) == exact(fact)
    assert (kind, body) == encode(again, run="7f3", seq=9, epoch=4)


@given(data=st.data())
@LARGE
def test_a_state_comes_back_as_it_was(data: st.DataObject) -> None:
    """A snapshot of a run's state gives an equal state; its plan is kept elsewhere."""
    state = data.draw(values(Run))
    again = decode_state(encode_state(state, 1), state.plan, restore)
    assert again == state
    assert exact(again) == exact(state)


@given(TREES)
def test_data_never_becomes_an_expression(tree: Any) -> None:
    """Whatever a plugin returns comes back as data, whatever its keys look like."""
    fact = StepSucceeded(at=0, t=0, step="s", dispatch=1, result={"$cel": "1 + 1", "names": [], "deep": [{"$data": 1}]})
    assert decode(encode(fact, run="r", seq=1, epoch=1)[1], restore) == fact
    fact = replace(fact, result=tree)
    assert decode(encode(fact, run="r", seq=1, epoch=1)[1], restore) == fact


def test_a_body_is_one_line_of_plain_json_with_the_header_first() -> None:
    """Bodies are for every tool: ASCII, no line end, known keys first, defaults left out."""
    kind, body = encode(replace(NOTE, text="é\n\u2028"), run="7f3", seq=9, epoch=4)
    assert kind == "noted"
    assert list(json.loads(body)) == ["v", "run", "seq", "epoch", "at", "t", "kind", "person", "text"]
    assert body.isascii()
    assert b"\n" not in body
    assert read_header(body) == ("7f3", 9, 4, 1, 2, "noted")


def test_an_expression_is_kept_as_its_text() -> None:
    """A reader who evaluates nothing sees text and names, and is refused a value."""
    fact = StepSucceeded(at=0, t=0, step="s", dispatch=1, result={"x": bare("inputs.a + 1")})
    _, body = encode(fact, run="r", seq=1, epoch=1)
    assert json.loads(body)["result"] == {"x": {"$cel": "inputs.a + 1", "names": ["inputs.a"]}}
    again: Any = decode(body)
    assert again == fact
    assert isinstance(again.result["x"], KeptExpression)
    with pytest.raises(TypeError, match="for reading only"):
        again.result["x"].value({})


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_kept(number: float) -> None:
    """A plugin that reports NaN stops no run, and the bytes stay JSON."""
    fact = StepSucceeded(at=0, t=0, step="s", dispatch=1, result=[number])
    _, body = encode(fact, run="r", seq=1, epoch=1)
    json.loads(body, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    again: Any = decode(body)
    assert repr(again.result) == repr([number])


@pytest.mark.parametrize("odd", [object(), {1, 2}, b"bytes", {("a",): 1}, 10**5000], ids=lambda odd: type(odd).__name__)
def test_what_json_cannot_hold_is_refused(odd: Any) -> None:
    """The refusal names the kind of fact."""
    with pytest.raises(JournalError, match="step_succeeded"):
        encode(StepSucceeded(at=0, t=0, step="s", dispatch=1, result=[odd]), run="r", seq=1, epoch=1)


def test_bottomless_data_is_refused() -> None:
    """Nesting that no reader survives is refused when written and when read."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(JournalError, match="step_succeeded"):
        encode(StepSucceeded(at=0, t=0, step="s", dispatch=1, result=deep), run="r", seq=1, epoch=1)
    while deep:  # let go of it from the outside in: the interpreter's own way has a floor
        deep = deep.pop()
    with pytest.raises(JournalError, match="no JSON"):
        decode(b"[" * 100_000)


def body_with(**changes: Any) -> bytes:
    """Return a note's body with some of its words changed."""
    tree = json.loads(encode(NOTE, run="7f3", seq=9, epoch=4)[1])
    return json.dumps({**tree, **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "named"), [({"kind": "tickled"}, "tickled"), ({"v": 2}, "version 2"), ({"mood": 1}, "Noted.mood")]
)
def test_what_a_newer_relight_wrote_is_refused_by_name(changes: dict[str, Any], named: str) -> None:
    """An unknown kind, version or field is told, with the record's place, before anything is done."""
    with pytest.raises(JournalTooNew, match="record 9 of run 7f3") as refusal:
        decode(body_with(**changes))
    assert named in refusal.value.message
    assert read_header(body_with(**changes)).seq == 9


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"v": 1}',
        b'{"v":1,"run":"r","seq":1,"epoch":1,"at":1,"t":1,"kind":"noted"}',
        body_with(text={"$cel": 1}),
        body_with(text={"$float": "x"}),
    ],
)
def test_what_is_no_fact_is_refused(body: bytes) -> None:
    """Broken bytes never get past the codec, and never with a traceback."""
    with pytest.raises(JournalError):
        decode(body)


def test_a_snapshot_of_another_version_is_refused() -> None:
    """Whoever finds one folds the facts instead."""
    for body in (b'{"v":99,"plan":1,"state":{}}', b'{"v":%d,"plan":1,"state":{"mood":1}}' % STATE_VERSION):
        with pytest.raises(JournalTooNew):
            decode_state(body, PLAN)
    with pytest.raises(JournalError):
        decode_state(b'{"v":%d,"plan":1,"state":{}}' % STATE_VERSION, PLAN)


def test_kinds_are_snake_case_and_differ() -> None:
    """The name of a class is the name in the journal."""
    assert "step_dispatched" in KINDS
    assert len(set(KINDS)) == len(CLASSES)
