"""The stand-in site: a runbook plans without a site."""

import pytest

from relight import shipped
from relight.runbook.source import Source, source_from_bytes
from relight.runbook.stand_in import STARTER, STRANGER, plan_without_site

ODD = """
runbook: odd
schema: relight/v1
inputs:
  rate: {type: integer, default: "${{ site.values.rate }}", minimum: 3, maximum: 7}
  share: {type: percent}
  shape: {type: choice, choices: [round, flat]}
checks:
  errors: {query: errors, pass_when: "value < site.values.limits.errors", fail_when: value > 100000}
stages:
  - id: one
    gate: {approval: {roles: [database-owner], min_approvals: 3}, escalate: [{after: 1m, notify: boss}]}
    steps:
      - {id: promote, action: db.promote, with: {anything: "${{ inputs.rate }}"}, undo: {action: db.demote}}
      - {id: run, action: shell.run, with: {argv: ["${{ site.values.program }}", "${{ inputs.shape }}"]}}
      - {id: hosts, action: shell.run, with: {argv: [restart]}, targets: edge, batches: [1, 50%]}
      - id: ramp
        action: admission.throttle
        ramp: {key: percent, floor: "${{ site.values.floor }}", through: [25, 40], checks: [errors]}
    verify: [{check: errors}]
"""


def _source(text: str) -> Source:
    return source_from_bytes("odd.runbook.yaml", text.encode())


@pytest.mark.parametrize("name", shipped.runbook_names())
def test_shipped_runbooks_plan_without_a_site(name: str) -> None:
    """Every shipped runbook has a plan at its stand-in site, and nobody complains."""
    planned, site = plan_without_site(shipped.runbook(name))
    assert site is not None
    assert planned.plan is not None
    assert planned.complaints == ()


def test_whatever_a_runbook_names_is_there() -> None:
    """Unknown capabilities, roles, hosts, queries and values are all made up, within the limits that are written."""
    planned, site = plan_without_site(_source(ODD))
    assert planned.plan is not None, planned.complaints
    assert site is not None
    plan = planned.plan
    assert 3 <= plan.scope["inputs"]["rate"] <= 7
    assert plan.scope["inputs"]["shape"] == "round"
    assert set(site.inputs) == {"share", "shape"}
    holders = [person.id for person in plan.people if "database-owner" in person.roles]
    assert STARTER in holders
    assert len(holders) == 4
    assert any(person.id == STRANGER and not person.roles for person in plan.people)
    steps = {step.id: step for stage in plan.stages for step in stage.steps}
    assert steps["hosts"].targets is not None
    assert steps["hosts"].targets.batches == (1, 2, 2)
    assert steps["run"].use is not None
    assert steps["run"].use.provider == "shell"
    assert steps["ramp"].ramp is not None
    assert steps["ramp"].ramp.floor < 40


def test_values_that_do_not_fit_are_replaced_by_such_that_do() -> None:
    """A value that the first guess gets wrong is guessed again until the runbook plans."""
    text = "runbook: t\nschema: relight/v1\nstages:\n  - id: a\n    steps:\n"
    text += '      - {id: b, action: shell.run, with: {argv: [a], cwd: "${{ site.values.folder }}"}}\n'
    text += '      - {id: c, action: wait, with: {duration: "${{ site.values.pause }}"}}\n'
    planned, site = plan_without_site(_source(text))
    assert planned.plan is not None, planned.complaints
    assert site is not None
    assert site.values["folder"].startswith("/")


def test_given_inputs_are_kept() -> None:
    """What is given is not made up."""
    planned, site = plan_without_site(_source(ODD), {"share": "20"})
    assert planned.plan is not None
    assert site is not None
    assert planned.plan.scope["inputs"]["share"] == 20
    assert set(site.inputs) == {"shape"}


def test_a_wrong_runbook_is_complained_of() -> None:
    """Without a plan there is no site, only complaints with their places."""
    planned, site = plan_without_site(_source("runbook: odd\nschema: relight/v1\nstages: []\n"))
    assert planned.plan is None
    assert site is None
    assert planned.complaints[0].line == 3


def test_nothing_pretended_can_be_called() -> None:
    """The pretended provider's actions cannot even be made."""
    _, site = plan_without_site(_source(ODD))
    assert site is not None
    plugin = site.registry.get("stand-in")
    assert plugin is not None
    for kind in plugin.provider.contracts().values():
        with pytest.raises(TypeError):
            kind(None)  # type: ignore[arg-type]
