"""What a site binds, held against what a runbook asks for and what a provider offers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from relight.errors import PluginError
from relight.kernel.plan import Step
from relight.runbook.plan import make_plan, prepare_plan
from relight.sdk.plugin import Plugin
from relight.sdk.registry import Registry
from relight.testing.fakes import fake_plugin

from .conftest import SITE

Write = Callable[..., tuple[Path, Path]]
STAGE = "stages:\n  - id: a\n    steps:\n"


def first_step(write: Write, registry: Registry, runbook: str, site: str = SITE) -> Step:
    """Return the first step of a plan."""
    return make_plan(*write(runbook, site), registry=registry).stages[0].steps[0]


def said(write: Write, registry: Registry, runbook: str, site: str = SITE) -> list[tuple[str, str]]:
    """Return code and message of every error."""
    planned = prepare_plan(*write(runbook, site), registry=registry)
    return [(each.code, each.message) for each in planned.complaints if each.severity == "error"]


def test_arguments_of_a_binding_may_nest(write: Write, registry: Registry) -> None:
    """Lists and mappings in a binding's arguments are filled in from the site and from the step."""
    site = SITE.replace(
        "{provider: edge, with: {surface: consumer}}",
        '{provider: edge, with: {retry_after: {min: "${{ site.values.rate }}s", max: "${{ args.percent + 50 }}s"}}}',
    )
    use = first_step(
        write, registry, f"{STAGE}      - {{id: a, action: admission.throttle, with: {{percent: 10}}}}\n", site
    ).use
    assert use is not None
    assert use.args["retry_after"] == {"min": "20s", "max": "60s"}
    site = SITE.replace(
        "deploy.*: edge", 'deploy.*: edge\n  edge.serve: {provider: edge, with: {nodes: ["${{ site.id }}", b]}}'
    )
    use = first_step(write, registry, f"{STAGE}      - {{id: a, action: edge.serve}}\n", site).use
    assert use is not None
    assert use.args["nodes"] == ["here", "b"]


def test_a_binding_cannot_compute_with_what_only_the_run_knows(write: Write, registry: Registry) -> None:
    """A step's late argument may be passed on whole; an expression over it is refused, in the site."""
    site = SITE.replace("deploy.*: edge", 'deploy.*: {provider: edge, with: {service: "x-${{ args.to }}"}}')
    runbook = (
        "probes: {auth: {probe: edge.look, with: {name: a}}}\n"
        f'{STAGE}      - {{id: a, action: deploy.rollback, with: {{to: "${{{{ probes.auth.value }}}}"}}}}\n'
    )
    planned = prepare_plan(*write(runbook, site), registry=registry)
    errors = [each for each in planned.complaints if each.severity == "error"]
    assert [(Path(each.file).name, each.code) for each in errors] == [("site.yaml", "RL613")]
    assert "line 7 of" in errors[0].hint


def test_a_wrong_argument_of_a_binding_is_the_sites_mistake(write: Write, registry: Registry) -> None:
    """The complaint stands where the argument was written."""
    site = SITE.replace("with: {surface: consumer}", "with: {surfac: consumer, percent: many}")
    runbook = f"{STAGE}      - {{id: a, action: admission.throttle}}\n"
    planned = prepare_plan(*write(runbook, site), registry=registry)
    errors = [(Path(each.file).name, each.code, each.message) for each in planned.complaints]
    assert errors == [
        ("site.yaml", "RL405", "admission.throttle has no argument 'surfac'"),
        ("site.yaml", "RL407", "percent is 'many', not a number"),
    ]


def test_a_capability_that_a_provider_could_fulfil_is_offered(write: Write, registry: Registry) -> None:
    """Where nothing is bound, the line to add is given, with a provider that can do it."""
    site = SITE.replace('  "*": {provider: edge}\n', "").replace("deploy.*: edge", "deploy.current: edge")
    runbook = f"{STAGE}      - {{id: a, action: deploy.freeze}}\n"
    planned = prepare_plan(*write(runbook, site), registry=registry)
    assert planned.complaints[0].code == "RL601"
    assert planned.complaints[0].hint.startswith("add `deploy.freeze: edge` to bind in ")
    site = "site: s\nschema: relight/v1\nenvironment: test\n"
    planned = prepare_plan(*write(runbook, site), registry=registry)
    assert planned.complaints[0].hint.endswith("none of its providers offers it")


def test_actions_and_probes_of_a_provider_are_told_apart(write: Write, registry: Registry) -> None:
    """A provider's own probe is no action, also where only the site can know it."""
    runbook = f"""{STAGE}\
      - {{id: a, action: prom.look, with: {{name: x}}}}
      - {{id: b, probe: prom.do, with: {{name: x}}}}
"""
    assert said(write, registry, runbook) == [
        ("RL408", "prom.look is a probe of 'prom', and an action belongs here"),
        ("RL408", "prom.do is an action of 'prom', and a probe belongs here"),
    ]


def test_an_undo_needs_a_provider_that_can_read_what_was_before(write: Write, registry: Registry) -> None:
    """``undo: previous`` is refused where the provider's own action cannot be read."""
    runbook = f"{STAGE}      - {{id: a, action: prom.destroy, with: {{name: x}}, undo: previous}}\n"
    assert said(write, registry, runbook) == [
        ("RL614", "provider 'prom' cannot read what was in force before prom.destroy"),
    ]


def test_another_action_undoes(write: Write, registry: Registry) -> None:
    """An undo by an action is resolved like a step, and may read the step's own result."""
    runbook = (
        f"{STAGE}      - id: a\n        action: edge.scale\n        with: {{add: 1}}\n"
        '        undo: {action: edge.serve, with: {nodes: "${{ steps.a.result.added }}", serve: false}, ask: true}\n'
    )
    plan = make_plan(*write(runbook), registry=registry)
    undo = plan.stages[0].steps[0].undo
    assert undo is not None
    assert undo.use is not None
    assert (undo.kind, undo.ask, undo.use.capability) == ("use", True, "edge.serve")
    assert plan.later_names == ("steps.a.result",)


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ('{id: a, action: wait, with: {duration: "${{ probes.auth.release }}"}}', "RL308"),
        ('{id: a, action: wait, with: {duration: "${{ inputs.word }}"}}', "RL206"),
        (
            (
                "{id: a, action: queue.release, "
                'ramp: {key: max_rate, floor: 0, through: ["${{ inputs.word }}"], checks: [c]}}'
            ),
            "RL613",
        ),
        (
            (
                "{id: a, action: queue.release, "
                'ramp: {key: max_rate, floor: "${{ inputs.high }}", through: [5], checks: [c]}}'
            ),
            "RL501",
        ),
    ],
)
def test_values_that_only_the_inputs_make_wrong(write: Write, registry: Registry, step: str, code: str) -> None:
    """What a document alone does not show is complained of when inputs and site are known."""
    runbook = (
        "inputs: {word: {type: string, default: soon}, high: {type: integer, default: 90}}\n"
        "probes: {auth: {probe: deploy.current}}\nchecks: {c: {query: errors, pass_when: value < 1}}\n"
        f"{STAGE}      - {step}\n"
    )
    assert [code for code, _ in said(write, registry, runbook)] == [code]


def test_a_criterion_that_the_inputs_make_fail(write: Write, registry: Registry) -> None:
    """A criterion is tried again with the inputs written into it."""
    runbook = (
        "inputs: {limit: {type: integer, default: 2}}\n"
        "checks: {c: {query: errors, pass_when: value * inputs.limit < 1.0}}\n"
        f"{STAGE}      - {{id: a, action: deploy.freeze}}\n    verify: [{{check: c}}]\n"
    )
    assert [code for code, _ in said(write, registry, runbook)] == ["RL613"]


def test_a_lock_is_a_short_text(write: Write, registry: Registry) -> None:
    """A lock that the site's values make something else is refused."""
    runbook = f'lock: ["${{{{ site.values.rate }}}}"]\n{STAGE}      - {{id: a, action: deploy.freeze}}\n'
    assert [code for code, _ in said(write, registry, runbook)] == ["RL613"]


def test_a_broken_plugin_is_named(write: Write) -> None:
    """A plugin that cannot be loaded is complained of once, where the site uses it."""

    class Broken(Registry):
        """A registry with one plugin that raises."""

        def get(self, name: str) -> Plugin | None:
            if name == "broken":
                raise PluginError("broken", "cannot be loaded: ImportError: no module", hint="pip install it")
            return super().get(name)

    registry = Broken({"fake": fake_plugin()})
    site = SITE.replace("edge: {use: fake}", "edge: {use: broken}")
    runbook = f"{STAGE}      - {{id: a, action: deploy.freeze}}\n      - {{id: b, action: deploy.unfreeze}}\n"
    planned = prepare_plan(*write(runbook, site), registry=registry)
    assert [(each.code, each.line, each.hint) for each in planned.complaints] == [("RL603", 6, "pip install it")]
    assert "cannot be loaded" in planned.complaints[0].message


def test_lint_knows_plugins_that_need_no_provider(lint: Callable[[str], list[object]], registry: Registry) -> None:
    """A plugin's own action is judged without a site where the plugin needs none."""
    document = f"runbook: a\nschema: relight/v1\n{STAGE}      - {{id: a, action: shell.rum, with: {{argv: [ls]}}}}\n"
    assert [getattr(each, "hint", "") for each in lint(document)] == ["did you mean 'shell.run'?"]
