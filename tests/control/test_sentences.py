"""Every fact has a sentence."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

import pytest

from relight.control.sentences import sentence
from relight.kernel import facts
from relight.kernel.plan import Person, Plan, Use

KINDS: tuple[type, ...] = typing.get_args(facts.AnyFact)
SAMPLES: dict[Any, Any] = {
    str: "x",
    int: 1_000,
    bool: True,
    Use: Use(capability="admission.throttle", provider="edge", action="admission.throttle"),
    Plan: Plan(runbook="r", title="t", site="s", stages=(), digest="ab" * 32),
}


def sample(hint: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in SAMPLES:
        return SAMPLES[hint]
    if origin is typing.Literal:
        return arguments[0]
    if origin is tuple:
        if arguments[0] is Person:
            return (Person(id="ana"), Person(id="bo"))
        return (sample(arguments[0]),)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return made(hint)
    if origin is dict:
        return {"percent": 10} if arguments[1] is Any else {"1": "no"}
    return None


def made(kind: type) -> Any:
    """Return one of that kind, with what has no default."""
    hints = typing.get_type_hints(kind)
    fields = {
        field.name: sample(hints[field.name])
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    return kind(**fields)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_fact_has_a_sentence(kind: type) -> None:
    """Whatever happens can be told in one line."""
    said = sentence(made(kind))
    assert said
    assert "\n" not in said
    assert not said.endswith((".", ":", " "))


@pytest.mark.parametrize(
    ("kind", "did"), [(facts.Paused, "paused"), (facts.Resumed, "resumed"), (facts.AbortBegun, "aborted")]
)
def test_a_sentence_names_the_door_that_is_known(kind: Any, did: str) -> None:
    """A journal of before it was kept names none, and in a rehearsal there is but one."""
    assert sentence(kind(at=0, t=0, person="bo", door="chat", reason="wait")) == f"bo {did} the run by chat: wait"
    for door in ("", "rehearsal"):
        assert sentence(kind(at=0, t=0, person="bo", door=door)) == f"bo {did} the run"
    unknown = facts.VoteCast(at=0, t=0, ticket="roll-back/2c9", person="bo")
    assert sentence(unknown) == "bo approved roll-back/2c9 by an unknown door"


def test_a_sentence_names_who_and_why() -> None:
    """People are named with their reason; what is loud begins with its word in capitals."""
    vote = facts.VoteCast(at=0, t=0, ticket="roll-back/2c9", person="bo", door="cli", reason="looked at it", solo=True)
    assert sentence(vote) == "bo approved roll-back/2c9 by cli, SOLO: looked at it"
    denied = facts.GateDenied(at=0, t=0, ticket="roll-back/2c9", person="bo", door="chat", reason="it is the surge")
    assert sentence(denied) == "bo denied roll-back/2c9 by chat: it is the surge"
    held = facts.Held(at=0, t=0, code="step-failed", stage="capacity", step="warm", text="edge-6 refused")
    assert sentence(held) == "HELD (step-failed) at warm: edge-6 refused"
    back = facts.RampMoved(at=0, t=0, step="admit", position=2, direction="down", why="api_errors 3.4%", counted=True)
    assert sentence(back) == "ramp admit STEPS BACK to position 2: api_errors 3.4%"
    ended = facts.RunEnded(at=0, t=0, outcome="aborted", left=("a", "b"), unknown=("c",), why="bo said so")
    assert sentence(ended) == "the run was aborted: bo said so; 2 effects left in force; outcome unknown of c"


def test_a_long_error_is_cut() -> None:
    """A line stays a line; the record has the rest."""
    failed = facts.StepFailed(at=0, t=0, step="warm", dispatch=1, error="x" * 10_000)
    assert len(sentence(failed)) < 500


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "s starts: admission.throttle, attempt 2"),
        ({"purpose": "ramp"}, "s moves: admission.throttle"),
        ({"targets": (0, 1)}, "s starts: admission.throttle on 2 hosts"),
    ],
)
def test_only_what_is_tried_again_is_another_attempt(more: dict[str, Any], said: str) -> None:
    """The second batch of a fan-out is not the second try of the first, nor is a ramp's next value."""
    fact = dataclasses.replace(made(facts.StepDispatched), step="s", attempt=2, args={}, purpose="forward", targets=())
    assert sentence(dataclasses.replace(fact, **more)) == said
