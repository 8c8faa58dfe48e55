"""Requests that must change nothing: they are put to every waiting gate, and a kernel that takes one is found out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relight.drivers.explorer.explore import Exploration, explore
from relight.drivers.explorer.findings import Violation
from relight.drivers.explorer.strangers import wrong_requests
from relight.drivers.explorer.world import plain_world
from relight.errors import NotNow, NotPermitted
from relight.kernel import asking
from relight.kernel.decide import turn
from relight.testing.desk import Desk
from relight.testing.plans import act, gate, plan, stage, use


def gated() -> Desk:
    """Return a run that waits at a gate for two people, and whose starter does not count."""
    fix = act("fix", use("fix", effect="destructive"))
    return Desk(plan(stage("mend", fix, gate=gate(min_approvals=2, allow_self_approval=False), optional=True)))


def explored() -> Exploration:
    desk = gated()
    return explore(desk.run.plan, plain_world(desk.run.plan), starter=desk.run.starter)


def careful(found: Exploration) -> list[Violation]:
    return [each for each in found.violations if each.name == "careful-opening"]


def test_every_wrong_request_is_refused() -> None:
    """By who may not, by the starter, for what has changed, too late, twice, and on a spent ticket."""
    desk = gated()
    desk.ask("bo", "approve")
    desk.ask("bo", "ask")
    desk.ask("bo", "approve")
    tried = list(wrong_requests(desk.run))
    assert {wrong.split()[0] for _, wrong in tried} == {"from", "for", "after", "on", "twice"}
    assert {asked.verb for asked, _ in tried} == {"approve", "deny", "skip"}
    for asked, _ in tried:
        with pytest.raises((NotNow, NotPermitted)):
            turn(desk.run, asked)


def test_an_exploration_tries_them_and_counts_them() -> None:
    """A clean one says how many requests were refused."""
    found = explored()
    assert careful(found) == []
    assert found.refused > 20


def anybody(*_args: object, **_fields: object) -> None:
    """Permit everything."""


@pytest.mark.parametrize(
    ("name", "broken", "told"),
    [
        ("permit", anybody, "answers a gate and may not"),
        ("_may_open_alone", anybody, "approve is taken from the starter"),
        ("counting_votes", lambda *_: (), "approve is taken twice from one person"),
    ],
)
def test_a_kernel_that_takes_one_is_found_out(
    monkeypatch: pytest.MonkeyPatch, name: str, broken: Callable[..., object], told: str
) -> None:
    """The way there is told, and ends with the request."""
    monkeypatch.setattr(asking, name, broken)
    violation = next(each for each in careful(explored()) if told in each.text)
    assert violation.stage == "mend"
    assert violation.path
