"""Values that a criterion judges as wished, found by trying."""

from __future__ import annotations

from typing import Any

import pytest

from relight.drivers.rehearsal.calm import wished
from relight.drivers.rehearsal.wishes import NoSuchValue, paths_in, wish
from relight.kernel.plan import Check, Use
from relight.runbook.expressions import bare
from relight.testing.plans import use


def check(passes: str, fails: str | None = None, probe: Use | None = None) -> Check:
    """Return a check with these criteria."""
    fail = bare(fails) if fails is not None else None
    query = None if probe is not None else {"name": "q"}
    return Check(id="c", query=query, probe=probe, pass_when=bare(passes), fail_when=fail)


def make_up(_use: Any, _args: Any) -> Any:
    """Return a probe's answer with more in it than anybody judges."""
    return {"release": 41, "previous": None, "nodes": 3}


@pytest.mark.parametrize(
    ("passes", "fails"),
    [
        ("value < 0.01", "value > 0.03"),
        ("value > 0.98", None),
        ("value == 0", None),
        ("value >= 3 && value < 4", None),
        ("value != 5", None),
        ("value > 100000", "value < 2"),
        ("value", None),
        ("value == 'ok'", "value == 'broken'"),
    ],
)
def test_every_verdict_of_a_query_can_be_wished(passes: str, fails: str | None) -> None:
    """Passing and failing, and neither where there is something between."""
    for verdict in ("pass", "fail"):
        assert wished(check(passes, fails), verdict, make_up).error == ""
    neither = wished(check(passes, fails), "neutral", make_up)
    assert (neither.error == "") == (fails is not None)


def test_a_probe_s_answer_is_changed_where_it_is_judged() -> None:
    """The rest of it stays as the probe gave it."""
    judged = check("value.healthy && value.breaker == 'closed' && value.nodes > 2", probe=use("traffic.pool"))
    assert wished(judged, "pass", make_up).value == {
        "release": 41,
        "previous": None,
        "nodes": 3,
        "healthy": True,
        "breaker": "closed",
    }
    failing = wished(judged, "fail", make_up).value
    assert isinstance(failing, dict)
    assert failing["release"] == 41


def test_what_can_never_be_is_said() -> None:
    """A criterion that nothing meets is no data, with what to do about it."""
    seen = wished(check("value > 3 && value < 2"), "pass", make_up)
    assert "a rehearsal may say `reads: VALUE`" in seen.error or "no value was found" in seen.error


def test_known_values_are_tried() -> None:
    """What a reading has to equal may only be known in the run."""
    assert wish(lambda value: value == {"release": "r-41"}, ["value.release == probes.auth.previous"], {}, ["r-41"])
    with pytest.raises(NoSuchValue):
        wish(lambda _value: False, ["value.a == value.b"], {})


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("value < 3", []),
        ("value.a.b == value.c", [("a", "b"), ("c",)]),
        ("value['a'].b", [("a", "b")]),
        ("value.names.size() > 2", [("names",)]),
        ("values.a", []),
    ],
)
def test_paths_of_a_criterion(text: str, paths: list[tuple[str, ...]]) -> None:
    """What is called is no part of the value."""
    assert paths_in(text) == paths
