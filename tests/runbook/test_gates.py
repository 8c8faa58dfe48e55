"""A gate that nobody at the site can open is refused before anything is started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from relight.runbook.plan import prepare_plan
from relight.sdk.registry import Registry

from .conftest import SITE

SOLO = "solo: {after: 5m, roles: [sre]}\n"


@pytest.mark.parametrize(
    ("approval", "starter", "solo", "refused"),
    [
        ("{roles: [sre]}", None, "", False),
        ("{roles: [sre], min_approvals: 2}", None, "", False),
        ("{roles: [sre], min_approvals: 3}", None, "", True),
        ("{roles: [sre, owner], min_approvals: 3}", None, "", False),
        ("{roles: [sre], min_approvals: 2}", "ana", "", True),
        ("{roles: [sre], min_approvals: 2, allow_self_approval: true}", "ana", "", False),
        ("{roles: [boss]}", "bo", "", True),
        ("{roles: [boss]}", "ana", "", False),
        ("{roles: [boss], allow_self_approval: true}", "bo", "", False),
        ("{roles: [boss]}", "bo", SOLO, False),
        ("{roles: [boss]}, expires_after: 5m", "bo", SOLO, True),
        ("{roles: [owner]}", "cy", SOLO, True),
        ("{roles: [sre], min_approvals: 3}", "ana", SOLO, True),
        ("{roles: [nobody]}", None, "", True),
        ("{roles: [nobody]}", None, SOLO, True),
    ],
)
def test_a_gate_needs_enough_different_people(
    approval: str,
    starter: str | None,
    solo: str,
    refused: bool,
    write: Callable[..., tuple[Path, Path]],
    registry: Registry,
) -> None:
    """People with the roles are counted; the starter only where the gate or the site's solo rule says so."""
    runbook = f"stages:\n  - id: a\n    gate: {{approval: {approval}}}\n"
    planned = prepare_plan(*write(runbook, SITE + solo), starter=starter, registry=registry)
    codes = [each.code for each in planned.complaints if each.severity == "error"]
    assert codes == (["RL607"] if refused else [])
    assert (planned.plan is None) is refused


def test_the_refusal_says_who_is_there_and_what_is_missing(
    write: Callable[..., tuple[Path, Path]], registry: Registry
) -> None:
    """The sentence names the gate, what it needs, who could, and who does not count."""
    runbook = "stages:\n  - id: a\n    gate: {approval: {roles: [sre], min_approvals: 2}}\n"
    planned = prepare_plan(*write(runbook), starter="ana", registry=registry)
    assert planned.complaints[0].message == (
        "nobody here can open the gate of 'a': it needs 2 of sre, there is only bo; "
        "ana starts the run and does not count"
    )


def test_a_role_misspelt_is_offered(write: Callable[..., tuple[Path, Path]], registry: Registry) -> None:
    """A role that nobody holds is named, with the one that was meant."""
    runbook = "stages:\n  - id: a\n    gate: {approval: {roles: [ser, sre]}, escalate: [{after: 5m, notify: bos}]}\n"
    planned = prepare_plan(*write(runbook), registry=registry)
    assert [(each.code, each.hint) for each in planned.complaints] == [
        ("RL608", "did you mean 'sre'?"),
        ("RL608", "did you mean 'boss'?"),
    ]
    assert planned.plan is not None


def test_whom_nothing_can_notify_is_told(write: Callable[..., tuple[Path, Path]], registry: Registry) -> None:
    """A plan may not promise that somebody is told where no provider of the site could."""
    runbook = "stages:\n  - id: a\n    gate: {approval: {roles: [sre]}, escalate: [{after: 5m, notify: bo}]}\n"
    deaf = SITE.replace("{use: fake}", "{use: shell}").split("bind:")[0] + "people:" + SITE.split("people:")[1]
    for site, codes in ((SITE, []), (deaf, ["RL618"])):
        planned = prepare_plan(*write(runbook, site), registry=registry)
        assert planned.plan is not None
        assert [each.code for each in planned.complaints] == codes


def test_an_escalation_carries_how_the_site_tells_people(
    write: Callable[..., tuple[Path, Path]], registry: Registry
) -> None:
    """The bound provider with the binding's arguments, in the plan; without a binding there is none."""
    runbook = "stages:\n  - id: a\n    gate: {approval: {roles: [sre]}, escalate: [{after: 5m, notify: bo}]}\n"
    bound = SITE.replace("bind:\n", "bind:\n  notify: {provider: edge, with: {message: nobody reads this}}\n")
    without = SITE.replace('  "*": {provider: edge}\n', "")
    for site, expected in ((bound, ("edge", {"message": "nobody reads this", "to": "bo"})), (without, None)):
        planned = prepare_plan(*write(runbook, site), registry=registry)
        assert planned.plan is not None, planned.complaints
        gate = planned.plan.stages[0].gate
        assert gate is not None
        use = gate.escalate[0].use
        assert expected == (None if use is None else (use.provider, use.args))
