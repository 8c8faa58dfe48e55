"""What expressions may read, and what they may not give."""

from typing import Any

import pytest

from relight.kernel.plan import ExpressionFailed
from relight.kernel.scope import resolve
from relight.testing.desk import Desk
from relight.testing.plans import act, kind, plan, stage


class Given:
    """An expression that gives what it is told to."""

    def __init__(self, value: object, *names: str) -> None:
        self.text = "given"
        self.names = frozenset(names)
        self._value = value

    def value(self, scope: object) -> object:
        return self._value


@pytest.mark.parametrize("reference", ["env:TOKEN", "file:/etc/token", "keyring:relight/token", "vault:kv/a#b"])
def test_no_computed_value_is_a_secret_reference(reference: str) -> None:
    """A step's output or an input cannot ask for a secret; what an author wrote in the site can."""
    run = Desk(plan(stage("one", act("a")))).run
    with pytest.raises(ExpressionFailed, match="write references out"):
        resolve(run, {"env": {"A": Given(reference, "steps.a.result")}})
    assert resolve(run, [reference]) == [reference]
    assert resolve(run, Given(reference, "site.values.token")) == reference
    assert resolve(run, Given("https://env:80/", "inputs.url")) == "https://env:80/"


class Asks:
    """An expression that reads the state of a step."""

    text = "steps.b.state"
    names = frozenset({"steps.b.state"})

    def value(self, scope: Any) -> object:
        return scope["steps"]["b"]["state"]


def test_an_expression_may_ask_whether_a_step_began() -> None:
    """One that is yet to come is pending, one whose stage was left out is skipped."""
    desk = Desk(
        plan(stage("one", kind("t", "manual")), stage("two", act("b"), when=Given(False)), stage("x", act("c")))
    )
    assert "pending" == resolve(desk.run, Asks())
    desk.ask("ana", "mark", "t", value="done")
    assert "skipped" == resolve(desk.run, Asks())
