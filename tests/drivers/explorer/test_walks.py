"""What a walk goes through: guards at every state, no free circles, and what is in force whichever way led there."""

from __future__ import annotations

from array import array

import pytest

from relight.drivers.explorer.bounds import bounds
from relight.drivers.explorer.canonical import Canon
from relight.drivers.explorer.explore import explore
from relight.drivers.explorer.moves import Moves
from relight.drivers.explorer.shape import shape_of
from relight.drivers.explorer.walking import Walk
from relight.drivers.explorer.world import plain_world
from relight.kernel.plan import Guard, Plan
from relight.testing.plans import Said, act, gate, kind, plan, ramp, stage, throttle, use


def whole(given: Plan) -> Walk:
    """Return the walk through all that can happen to a plan."""
    world = plain_world(given)
    canon = Canon(given, shape_of(given, exact=False))
    return Walk(given, canon, Moves(given, world, canon).at, starter="ana").go()


def test_a_guard_may_be_breached_at_every_step() -> None:
    """Also where no ramp rises: at the gate, while a step is under way, while its outcome is unknown, and held."""
    guarded = plan(
        stage("mend", act("fix", use("fix", effect="destructive")), gate=gate()),
        guards=(Guard(check="calm", on_breach="hold"),),
    )
    rows = explore(guarded, plain_world(guarded), starter="ana").decisions
    assert {row.code for row in rows} >= {"guard-breached", "step-unknown", "gate-denied"}
    verbs = {words for row in rows if row.code == "guard-breached" for words in row.verbs}
    assert {("approve", "TICKET"), ("resume", ""), ("abort", "")} <= verbs
    # Every state has its breached twin, and one more where a person said to go on as soon as the guard passes.
    calm = plan(stage("mend", act("fix", use("fix", effect="destructive")), gate=gate()))
    assert len(whole(guarded).seen) > 2 * len(whole(calm).seen)


def test_a_falling_ramp_is_no_circle() -> None:
    """A move to less exposure is tried often, but not for ever, and its tries are not told apart."""
    falling = plan(
        stage("open", act("admit", throttle(), ramp=ramp(50, 100, checks=("errors",)))),
        guards=(Guard(check="calm", on_breach="step_back"),),
    )
    walk = whole(falling)
    assert walk.complete
    assert list(walk.circles()) == []
    assert len(walk.seen) < 1_000


def test_a_circle_is_found_and_what_is_behind_it_is_not() -> None:
    """Only states that the run comes back to by itself are on it."""
    walk = whole(plan(stage("mend", act("fix"))))
    count = len(walk.out)
    walk.out += [array("q", [~(count + 1)]), array("q", [~count, ~(count + 2)]), array("q")]
    walk.out[0].append(~count)
    assert list(walk.circles()) == [count, count + 1]
    walk.out[count + 1][0] = count  # a person's verb
    assert list(walk.circles()) == []


def test_what_is_in_force_is_told_of_every_way() -> None:
    """What a step that may fail changed is perhaps in force later, though nothing asks for it any more."""
    given = plan(
        stage("contain", act("shield", throttle(percent=10), protective=True), act("freeze", on_failure="continue")),
        stage("mend", act("fix", on_failure="hold")),
    )
    rows = explore(given, plain_world(given), starter="ana").decisions
    (row,) = [row for row in rows if (row.code, row.step) == ("step-failed", "fix")]
    assert "shield" in row.in_force
    assert "freeze" not in row.in_force


def test_bounds_are_told() -> None:
    """Of what is in the plan, and whether one was hit."""
    small = plan(stage("mend", act("fix")))
    assert not any("ramp falls" in each for each in bounds(small, 10, complete=True))
    risen = plan(stage("open", act("admit", throttle(), ramp=ramp(50, checks=("errors",)))))
    assert any("ramp falls" in each for each in bounds(risen, 10, complete=True))
    assert explore(small, plain_world(small), starter="ana", states_max=2).bounds[0].endswith("and one did")


@pytest.mark.parametrize("reached", [True, False])
def test_the_longest_time_leaves_out_what_is_never_reached(reached: bool) -> None:
    """Nor has a person's task a time: it is named instead."""
    extra = stage("extra", act("more", timeout_ms=600_000), when=Said("inputs.deep", lambda _: reached))
    given = plan(stage("mend", act("fix", timeout_ms=60_000), kind("look", "manual", instruction="Look")), extra)
    longest = explore(given, plain_world(given), starter="ana").durations
    assert longest.alone_ms == (660_000 if reached else 60_000)
    assert [part.what for part in longest.path if part.longest_ms is None] == ["look"]
