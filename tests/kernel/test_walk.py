"""Every state of small plans: the properties hold, an end can be reached, and nothing circles by itself.

Limits on tries are lowered for the walk: a tenth try is no other state than a second.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace

import pytest

from relight.kernel import fanning, outcomes, ramping, stages, undoing
from relight.kernel.plan import Guard, Plan, Retry
from relight.testing.offers import offers_are_true
from relight.testing.plans import (
    act,
    equal,
    fan,
    gate,
    kind,
    lasting,
    path,
    plan,
    ramp,
    settle_when,
    stage,
    throttle,
    undo_with,
    use,
)
from relight.testing.walk import Walk, walk

pytestmark = pytest.mark.long_walk

TASK = kind("task", "manual")
SHIELD = act("shield", throttle(percent=10), protective=True)
DESTROY = use("deploy.rollback", effect="destructive")
THAW = undo_with(use("deploy.unfreeze"))

PLANS: dict[str, Plan] = {
    "a step": plan(stage("one", act("a"))),
    "retries": plan(stage("one", act("a", retry=Retry(max_attempts=2)), act("b", on_failure="continue"))),
    "an idempotent step": plan(stage("one", act("a", replace(use("a"), idempotent=True)))),
    "a destructive step": plan(
        stage("one", act("a", DESTROY, settle=settle_when(equal(1)), undo=THAW), TASK), on_abort="undo"
    ),
    "side by side": plan(stage("one", act("a", group=1), act("b", DESTROY, group=1))),
    "a gate": plan(
        stage("one", act("a"), gate=gate("calm", min_approvals=2), optional=True), stage("two", act("b"), pre=("calm",))
    ),
    "probes": plan(
        stage("one", act("a"), gate=gate(title=path("probes.seen"))),
        stage("two", act("b", use("b", of=path("probes.seen"))), when=path("probes.seen")),
        probes=("seen",),
    ),
    "a guard": plan(stage("one", SHIELD, act("a")), guards=(Guard(check="api", on_breach="hold"),)),
    "a ramp": plan(
        stage("one", act("up", throttle(), ramp=ramp(50, floor=10, checks=("calm",), max_step_backs=1), undo=None))
    ),
    "a guarded ramp": plan(
        stage("one", act("up", use("up"), ramp=ramp(50, 100, floor=10, max_step_backs=2))),
        guards=(Guard(check="api", on_breach="step_back"),),
    ),
    "a fan-out": plan(stage("one", act("a", targets=fan(3, 1, 2, max_failures=2, between=("calm",))))),
    "waits and tasks": plan(stage("one", kind("w", "wait", duration_ms=5_000), TASK, verify=("calm",))),
    "the value before": plan(stage("one", act("a", replace(throttle(percent=10), reads_value=True)), TASK)),
    "an undo step": plan(
        stage("one", act("f", lasting("deploy.freeze"), undo=THAW)), stage("two", kind("u", "undo", undoes="f"))
    ),
    "lifting": plan(
        stage("one", replace(SHIELD, undo=undo_with(throttle(percent=80)))),
        stage("two", kind("u", "undo", undoes="shield"), verify=("calm",)),
        on_abort="undo",
    ),
    "going back": plan(
        stage("one", SHIELD), stage("two", act("more", throttle(percent=5)), TASK, verify=("calm",)), on_abort="undo"
    ),
    "returning": plan(
        stage("one", SHIELD),
        stage("two", act("open", throttle(percent=60)), verify=("calm",)),
    ),
}


@pytest.fixture(autouse=True)
def _few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((ramping, "DOWN_TRIES_MAX"), (undoing, "UNDO_TRIES_MAX"), (stages, "PROBE_ERRORS_MAX")):
        monkeypatch.setattr(module, name, 2)
    for module in (outcomes, fanning):
        monkeypatch.setattr(module, "LOST_AGAIN_MAX", 1)


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    """Keep the collector away: a walk keeps all that it makes, and being searched took a fifth of its time."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("name", PLANS)
def test_every_state_of_a_small_plan_is_sound(name: str) -> None:
    """From every state an end can be reached, and every circle contains a person's verb, a verdict or a takeover."""
    found = walk(PLANS[name])
    assert (set(), []) == (found.stranded(), found.circle())
    assert {"succeeded", "aborted"} <= set(found.ends.values())


LARGE = ("a guard", "a ramp", "a guarded ramp", "going back", "returning")
"""Thousands of states each, in which the same verbs are offered over and over; random games visit them too."""


@pytest.mark.parametrize("name", [name for name in PLANS if name not in LARGE])
def test_in_every_state_what_is_offered_is_taken_and_nothing_else(name: str) -> None:
    """Each verb about each thing is tried in each state, by everybody."""
    found = walk(PLANS[name], look=offers_are_true)
    assert len(found.seen) > 30


def test_a_run_may_end_in_each_way() -> None:
    """Where the end undoes and cannot, the run fails; no other way leads there."""
    undoes = PLANS["a destructive step"]
    assert {"succeeded", "aborted", "failed"} == set(walk(undoes).ends.values())
    assert "failed" not in walk(replace(undoes, on_abort="leave")).ends.values()


def test_a_circle_that_nobody_pushes_is_found() -> None:
    """So is a state from which no end can be reached; a person's verb and a state's own loop are no such circle."""
    found = Walk(leads=[{("time", 1), ("person", 3)}, {("report", 2)}, {("read", 0), ("read", 2)}, set()], ends={3: ""})
    assert {0, 1, 2} == set(found.circle())
    assert set() == found.stranded()
    found.leads[0].discard(("person", 3))
    assert {0, 1, 2} == found.stranded()
    found.leads[2] = {("turn", 0), ("read", 2)}
    assert [] == found.circle()
