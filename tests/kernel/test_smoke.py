"""The main roads, end to end, in a few lines each."""

import pytest

from relight.errors import NotNow, NotPermitted
from relight.kernel.plan import Guard, Retry, Verify
from relight.testing.desk import Desk
from relight.testing.plans import (
    act,
    fan,
    gate,
    kind,
    path,
    plan,
    ramp,
    settle_when,
    equal,
    stage,
    throttle,
    undo_previous,
    undo_with,
    use,
    lasting,
)


def test_steps_run_in_order_and_the_run_succeeds():
    """x"""
    desk = Desk(plan(stage("one", act("a"), act("b")), stage("two", act("c"))))
    for step in "abc":
        assert desk.performing == [step]
        desk.report(step)
    assert desk.run.state == "succeeded"
    assert desk.ids == []


def test_retry():
    desk = Desk(plan(stage("one", act("a", retry=Retry(max_attempts=3)))))
    desk.report("a", "failed", error="no")
    assert desk.performing == []
    desk.tick(1000)
    desk.report("a", "failed", error="no")
    desk.tick(5000)
    desk.report("a", "failed", error="no")
    assert desk.holds == ["step-failed"]
    desk.ask("ana", "retry", "a")
    desk.report("a")
    assert desk.run.state == "succeeded"


def test_timeout_unknown_settle():
    desk = Desk(plan(stage("one", act("a", timeout_ms=1000, settle=settle_when(equal(1))))))
    desk.tick(1000)
    assert desk.stopping == [1]
    desk.tick(20000)
    desk2 = Desk(plan(stage("one", act("a", timeout_ms=1000, settle=settle_when(equal(1))))))
    desk2.tick(1000)
    desk2.report("a", "unknown", error="x")
    assert desk2.word("a") == "unknown"
    desk2.read("settle:a", 1)
    assert desk2.run.state == "succeeded"


def test_unknown_hold():
    desk = Desk(plan(stage("one", act("a"))))
    desk.take_over()
    assert desk.holds == ["step-unknown"]
    desk.ask("ana", "mark", "a", value="not-done")
    assert desk.holds == ["step-failed"]
    desk.ask("ana", "retry", "a")
    desk.report("a", "unknown")
    desk.ask("ana", "mark", "a", value="done")
    assert desk.run.state == "succeeded"


def test_gate():
    desk = Desk(
        plan(stage("one", act("a"), gate=gate("ok", min_approvals=2, allow_self_approval=False), optional=True))
    )
    assert desk.run.state == "waiting"
    with pytest.raises(NotPermitted):
        desk.ask("cy", "approve")
    desk.turn("gate:", "ok")
    desk.ask("bo", "approve")
    assert desk.performing == []
    desk.people(*[p for p in desk.run.people if p.id != "bo"])
    desk.ask("bo", "deny") if False else None
    desk.tick(900_000)
    assert desk.holds == ["gate-expired"]
    desk.ask("ana", "ask")
    assert desk.run.ticket.status == "waiting"
    desk.ask("ana", "skip", "one", reason="because")
    assert desk.run.state == "succeeded"


def test_ramp():
    guard = Guard(check="api", breach_after_ms=1000, on_breach="step_back")
    desk = Desk(
        plan(stage("one", act("up", throttle(), ramp=ramp(5, 10, 50, 100, floor=10, checks=("ok",)))), guards=(guard,))
    )
    desk.turn("guard:", "api")
    desk.turn("ramp:", "ok")
    assert desk.perform("up").args == {"percent": 50}
    desk.report("up")
    desk.turn("ramp:", "ok", "fail", 30)
    assert desk.perform("up").args == {"percent": 10}
    desk.report("up")
    desk.tick(10_000)
    desk.turn("ramp:", "ok")
    assert desk.perform("up").args == {"percent": 50}
    desk.turn("guard:", "api", "fail")
    assert desk.stopping
    desk.report("up", "failed", error="stopped")
    assert desk.perform("up").args == {"percent": 10}
    desk.report("up")
    desk.tick(30_000)
    assert desk.holds == ["ramp-exhausted"]


def test_fan():
    desk = Desk(plan(stage("one", act("a", targets=fan(250, 1, 249, max_failures=2, between=("ok",))))))
    assert desk.perform("a").targets == ("h0",)
    desk.report("a")
    assert desk.performing == []
    desk.turn("between:", "ok")
    assert len(desk.perform("a").targets) == 100
    desk.report("a", "failed", targets={h: None for h in desk.perform("a").targets} | {"h5": "no"})
    assert len(desk.perform("a").targets) == 100
    desk.report("a", "failed", targets={h: None for h in desk.perform("a").targets} | {"h105": "no"})
    assert desk.holds == ["step-failed"]
    desk.ask("ana", "retry", "a")
    assert len(desk.perform("a").targets) == 51
    desk.report("a")
    assert desk.run.state == "succeeded"


def test_undo_to_and_abort():
    desk = Desk(
        plan(
            stage("one", act("guardrail", throttle(percent=10), protective=True, undo=undo_previous())),
            stage("two", act("freeze", lasting("deploy.freeze"), undo=undo_with(use("deploy.unfreeze")))),
            stage("three", kind("m", "manual", instruction="do it")),
            on_abort="undo",
        )
    )
    desk.report("guardrail")
    desk.report("freeze")
    assert desk.run.state == "waiting"
    desk.ask("ana", "undo", value="two")
    desk.report("freeze")
    assert desk.holds == ["undone"]
    desk.ask("ana", "resume")
    desk.report("freeze")
    desk.ask("dee", "abort")
    desk.report("freeze")
    assert desk.run.state == "aborted"
    assert desk.run.left == ("admission.throttle@fake",)


def test_undo_step():
    desk = Desk(
        plan(
            stage("one", act("freeze", lasting("deploy.freeze"), undo=undo_with(use("deploy.unfreeze")))),
            stage(
                "two",
                kind("unfreeze", "undo", undoes="freeze"),
                verify=(Verify(check="ok", for_ms=1000, within_ms=5000),),
            ),
        )
    )
    desk.report("freeze")
    desk.report("freeze")
    assert desk.word("freeze") == "undone"
    desk.tick(5000)
    assert desk.holds == ["verify-failed"]
    desk.ask("ana", "retry")
    desk.turn("verify:", "ok")
    assert desk.run.state == "succeeded"
