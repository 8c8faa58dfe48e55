"""What expressions may read, and what they may not give."""

import pytest

from relight.kernel.plan import ExpressionFailed
from relight.kernel.scope import resolve
from relight.testing.desk import Desk
from relight.testing.plans import act, plan, stage


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
