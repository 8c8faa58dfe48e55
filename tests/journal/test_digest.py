"""A plan's digest is of what will be done, and of nothing else."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from relight.journal.codec import decode, encode
from relight.journal.digest import canonical_plan, plan_digest
from relight.kernel.facts import RunStarted
from relight.kernel.plan import Person, Plan, Solo, Stage
from relight.runbook.expressions import bare, embedded, restore

from .making import LARGE, values

PLAN = Plan(runbook="r", title="t", site="s", stages=(Stage(id="a", when=bare("inputs.b > 1")),))


@given(values(Plan), values(Person), values(Solo))
@LARGE
def test_who_may_approve_is_not_what_is_approved(plan: Plan, person: Person, solo: Solo) -> None:
    """People come and go without a new digest, and the digest does not hold itself."""
    other = replace(plan, people=(person,), solo=solo, digest="another")
    assert plan_digest(other) == plan_digest(plan)


@given(values(Plan), st.integers(1, 9))
@LARGE
def test_a_digest_survives_the_journal(plan: Plan, seq: int) -> None:
    """Whoever reads the plan from a journal computes the same digest."""
    fact = RunStarted(at=1, t=0, run="7f3", plan=plan, starter="ana")
    again = decode(encode(fact, run="7f3", seq=seq, epoch=0)[1], restore)
    assert isinstance(again, RunStarted)
    assert plan_digest(again.plan) == plan_digest(plan)


def test_every_change_of_what_is_done_changes_the_digest() -> None:
    """Text, order and kind of an expression count; the order of keys does not."""
    others = [
        PLAN,
        replace(PLAN, stages=()),
        replace(PLAN, stages=(Stage(id="a"),)),
        replace(PLAN, stages=(Stage(id="a", when=bare("inputs.b > 2")),)),
        replace(PLAN, stages=(Stage(id="a", title="inputs.b > 1"),)),
        replace(PLAN, stages=(Stage(id="a", title=bare("inputs.b > 1")),)),
        replace(PLAN, stages=(Stage(id="a", title=embedded("${{ inputs.b > 1 }}")),)),
        replace(PLAN, scope={"inputs": {"b": 1}}),
        replace(PLAN, scope={"inputs": {"b": True}}),
        replace(PLAN, scope={"inputs": {"b": {"$cel": "1", "names": []}}}),
        replace(PLAN, scope={"inputs": {"b": bare("1")}}),
    ]
    assert len({plan_digest(plan) for plan in others}) == len(others)
    one, two = ({"a": 1, "b": {"x": 1, "y": 2}}, {"b": {"y": 2, "x": 1}, "a": 1})
    assert plan_digest(replace(PLAN, scope=one)) == plan_digest(replace(PLAN, scope=two))


def test_the_digest_does_not_change_from_release_to_release() -> None:
    """A plan that was approved before an upgrade is the same plan after it."""
    assert canonical_plan(PLAN) == (
        b'{"runbook":"r","site":"s","stages":[{"id":"a",'
        b'"when":{"$cel":"inputs.b > 1","names":["inputs.b"]}}],"title":"t"}'
    )
    assert plan_digest(PLAN) == "0a5e662ecff45f6e2d75b27fadb1ab291631b4f02d7246423f9b4d7088c753f9"
