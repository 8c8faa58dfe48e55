"""The main stories as plain text, told by the kernel: what was said, what followed, what is wanted.

A difference is understood first and then committed: ``pytest tests/kernel --snapshot-update`` writes them anew.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from relight.kernel.plan import Escalation, Guard, Plan, Retry, Verify
from relight.testing.desk import Desk
from relight.testing.plans import (
    above,
    act,
    below,
    check,
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
    undo_previous,
    undo_with,
    use,
)
from relight.testing.transcript import played

FOLDER = Path(__file__).parent / "transcripts"
LIMIT = {"percent": 100, "max_rate": "none"}


def brownout() -> Plan:
    """Return the runbook of the design, with shorter times and fewer checks."""
    limit = replace(lasting("admission.throttle", neutral=LIMIT), reads_value=True)
    shield = replace(limit, args={"percent": path("inputs.admit"), "max_rate": 20})
    freeze = lasting("deploy.freeze", service="auth")
    back = replace(use("deploy.rollback", effect="destructive", to="previous"), reads_value=True)
    settled = replace(settle_when(equal(40)), use=use("deploy.current", effect="read"))
    opened = replace(limit, args={"max_rate": 150})
    rise = ramp(25, 50, 100, floor=path("inputs.admit"), dwell_ms=60_000, cool_down_ms=60_000, checks=("login_errors",))
    asks = gate("login_errors", expires_after_ms=900_000, escalate=(Escalation(after_ms=300_000, notify="duty"),))
    return plan(
        stage(
            "contain",
            act("throttle", shield, protective=True, undo=undo_previous()),
            act("freeze", freeze, undo=undo_with(use("deploy.unfreeze")), on_failure="continue"),
            verify=(Verify(check="edge_errors", for_ms=15_000, within_ms=120_000),),
        ),
        stage(
            "roll-back",
            act("undeploy", back, settle=settled, undo=undo_previous(ask=True)),
            gate=gate("edge_errors", title=path("probes.auth.title")),
            optional=True,
            pre=("compatible",),
        ),
        stage(
            "capacity",
            act("scale", lasting("edge.scale", add=2), undo=undo_previous()),
            act("warm", use("cache.warm", nodes=path("steps.scale.result.added")), retry=Retry(max_attempts=3)),
        ),
        stage("reopen", act("admit", opened, ramp=rise), gate=asks, verify=("served",)),
        stage("close", act("uncap", replace(limit, args=LIMIT)), kind("unfreeze", "undo", undoes="freeze")),
        checks=(
            check("edge_errors", below(0.03), settle_ms=15_000),
            check("login_errors", below(0.02)),
            check("served", above(0.98)),
            "compatible",
        ),
        probes=("auth",),
        guards=(Guard(check="api_errors", breach_after_ms=15_000, on_breach="step_back"),),
        scope={"inputs": {"admit": 10}, "site": {"id": "prod"}},
    )


def hosts() -> Plan:
    """Return a fan-out with checks between its batches."""
    restart = act("restart", use("service.restart"), targets=fan(5, 1, 4, max_failures=2, between=("calm",)))
    return plan(stage("one", restart, kind("look", "manual", instruction="look at the graph")))


def ending() -> Plan:
    """Return what leaves effects, to be undone when the run is aborted."""
    shield = act("shield", lasting("admission.throttle", percent=10), protective=True)
    scale = act("scale", lasting("edge.scale", add=2), undo=undo_with(use("edge.unscale")))
    flush = act(
        "flush",
        use("sessions.flush", effect="destructive"),
        undo=undo_with(use("sessions.restore")),
        settle=settle_when(equal(True)),
    )
    return plan(stage("one", shield, scale, flush), on_abort="undo")


PLANS = {"brownout": brownout, "denied": brownout, "takeover": brownout, "hosts": hosts, "ending": ending}


@pytest.mark.parametrize("name", PLANS)
def test_the_story_is_told_as_it_was(name: str, request: pytest.FixtureRequest) -> None:
    """The script in the file leads to the very facts and intents in the file."""
    file = FOLDER / f"{name}.txt"
    script = file.read_text(encoding="utf-8")
    told = played(script, Desk(PLANS[name](), drive=False))
    if request.config.getoption("update_snapshots"):
        file.write_text(told, encoding="utf-8")
    else:
        assert script == told


def test_every_transcript_has_its_plan() -> None:
    """No file is left behind."""
    assert sorted(PLANS) == sorted(file.stem for file in FOLDER.glob("*.txt"))
