"""Runbook, site and inputs become a plan, or every reason why they cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relight.errors import RunbookError
from relight.journal.codec import decode, encode
from relight.journal.digest import plan_digest
from relight.kernel.facts import RunStarted
from relight.kernel.plan import Plan, Retry, Step, Undo
from relight.runbook.expressions import CelExpression, restore
from relight.runbook.offers import Offers
from relight.runbook.plan import make_plan, prepare_plan
from relight.runbook.reading import read_runbook
from relight.sdk.registry import Registry

from .conftest import SITE

Write = Callable[..., tuple[Path, Path]]

RUNBOOK = """\
lock: "sign-in/${{ site.id }}"
inputs:
  admit: {type: percent, default: 10, minimum: 1, maximum: 50}
  rate: {type: integer, default: "${{ site.values.rate }}"}
  limit: {type: number, default: "${{ site.values.limit }}"}
probes: {auth: {probe: deploy.current, with: {service: auth}}}
checks:
  errors: {query: errors, pass_when: value < inputs.limit / 10.0, fail_when: value > inputs.limit}
  depth: {query: depth, pass_when: value < 50, interval: 10s, error_limit: 2, on_inconclusive: wait}
  pool: {probe: traffic.pool, with: {pool: "${{ site.id }}"}, pass_when: value.breaker == site.values.word}
guards: [{check: errors, breach_after: 20s, on_breach: step_back}]
stages:
  - id: first
    steps:
      - id: throttle
        action: admission.throttle
        with: {percent: "${{ inputs.admit }}", max_rate: "${{ inputs.rate }}", retry_after: {min: 30s, max: 90s}}
        protective: true
        undo: previous
      - {id: pause, action: wait, with: {duration: 1m}}
      - {id: ask, action: manual.task, with: {instruction: "Look at ${{ site.id }} and ${{ probes.auth.release }}"}}
    verify: [{check: errors, for: 30s, within: 2m, ratio: 0.9}]
  - id: second
    title: Put ${{ probes.auth.previous }} back
    optional: true
    when: inputs.rate > 1
    gate: {approval: {roles: [sre], allow_self_approval: true}, require: [errors], show: [depth]}
    preconditions: [{probe: deploy.compatible, with: {to: previous}, pass_when: value.compatible}, {check: pool}]
    steps:
      - id: back
        action: deploy.rollback
        with: {to: previous}
        timeout: 4m
        retry: {max_attempts: 2, backoff: 2s, max_backoff: 10s}
        settle: {probe: deploy.current, done_when: value.release == probes.auth.previous}
        undo: {restore: previous, ask: true}
      - parallel:
          - {id: scale, action: edge.scale, with: {add: 2}, undo: previous}
          - {id: look, probe: deploy.current, pass_when: "!value.frozen", when: checks.depth.verdict == 'pass'}
      - {id: warm, action: cache.warm, with: {nodes: "${{ steps.scale.result.added }}"}, on_failure: continue}
    verify: [{probe: deploy.compatible, with: {to: previous}, pass_when: value.compatible}]
  - id: third
    steps:
      - {id: serve, action: edge.serve, with: {nodes: "${{ steps.scale.result.added }}"}}
      - id: open
        action: admission.throttle
        ramp: {key: percent, floor: "${{ inputs.admit }}", through: [25, 50, 100], dwell: 1m, checks: [errors]}
      - {id: unthrottle, undo: throttle}
on_abort: undo
"""


@pytest.fixture
def plan(write: Write, registry: Registry) -> Plan:
    """A plan with one of everything."""
    return make_plan(*write(RUNBOOK), {"admit": "12%"}, registry=registry)


def step(plan: Plan, name: str) -> Step:
    """Return a step by its id."""
    return next(step for stage in plan.stages for step in stage.steps if step.id == name)


def test_inputs_and_site_are_resolved_when_planning(plan: Plan) -> None:
    """What is known before the run stands in the plan as a value."""
    use = step(plan, "throttle").use
    assert use is not None
    assert use.args == {
        "surface": "consumer",
        "percent": 12,
        "max_rate": 20,
        "retry_after": {"min": "30s", "max": "90s"},
    }
    assert plan.scope["inputs"] == {"admit": 12, "rate": 20, "limit": 0.5}
    assert plan.scope["site"]["values"]["rate"] == 20
    assert plan.locks == ("sign-in/here",)
    ramp = step(plan, "open").ramp
    assert ramp is not None
    assert (ramp.floor, ramp.through) == (12, (25, 50, 100))


def test_what_the_run_will_know_stays_an_expression(plan: Plan) -> None:
    """Probes, results of steps and checks are read in the run."""
    warm = step(plan, "warm").use
    assert warm is not None
    assert warm.args["nodes"] == restore("${{ steps.scale.result.added }}", ["steps.scale.result"], template=True)
    assert plan.stages[1].title == restore("Put ${{ probes.auth.previous }} back", ["probes.auth"], template=True)
    instruction = step(plan, "ask").instruction
    assert isinstance(instruction, CelExpression)
    assert instruction.names == {"site.id", "probes.auth"}


def test_criteria_read_nothing_but_the_value(plan: Plan) -> None:
    """Inputs and site are written into criteria, since whoever judges samples knows neither."""
    errors = plan.checks["errors"]
    assert errors.pass_when.text == "value < 0.5 / 10.0"
    assert errors.fail_when is not None
    assert errors.fail_when.text == "value > 0.5"
    assert plan.checks["pool"].pass_when.text == 'value.breaker == "closed"'
    assert errors.pass_when.value({"value": 0.04}) is True


def test_queries_are_resolved_to_their_sources(plan: Plan) -> None:
    """A check knows what to ask whom, how fresh the answer has to be, and how far it looks back."""
    errors, depth = plan.checks["errors"], plan.checks["depth"]
    assert errors.query == {
        "name": "errors",
        "promql": "sum(errors)",
        "sources": ["prom"],
        "window_ms": 15_000,
        "max_age_ms": 10_000,
    }
    assert (errors.settle_ms, errors.max_age_ms, errors.interval_ms) == (15_000, 10_000, 5_000)
    assert depth.query is not None
    assert depth.query["min_volume"] == {"promql": "sum(asked)", "at_least": 1.0}
    assert (depth.interval_ms, depth.error_limit, depth.on_inconclusive) == (10_000, 2, "wait")


def test_a_use_says_what_it_means_for_the_ledger(plan: Plan) -> None:
    """Effect, target, neutral value and what can be read come from the contract of the provider that is bound."""
    throttle, back = step(plan, "throttle").use, step(plan, "back").use
    assert throttle is not None
    assert back is not None
    assert (throttle.provider, throttle.action, throttle.effect, throttle.idempotent) == (
        "edge",
        "admission.throttle",
        "write",
        True,
    )
    assert (throttle.key_args, throttle.neutral) == (("surface",), {"percent": 100, "max_rate": "none"})
    assert (back.effect, back.idempotent, back.reads_value) == ("destructive", False, True)
    assert back.args == {"service": "auth", "to": "previous"}


def test_steps_have_their_kinds_limits_and_groups(plan: Plan) -> None:
    """Each step is of one kind; those that run side by side share a number."""
    kinds = {each.id: each.kind for stage in plan.stages for each in stage.steps}
    assert kinds == {
        "throttle": "action",
        "pause": "wait",
        "ask": "manual",
        "back": "action",
        "scale": "action",
        "look": "probe",
        "warm": "action",
        "serve": "action",
        "open": "action",
        "unthrottle": "undo",
    }
    assert step(plan, "scale").group == step(plan, "look").group == 1
    assert step(plan, "back").group is None
    assert step(plan, "back").timeout_ms == 240_000
    assert step(plan, "throttle").timeout_ms == 30_000
    assert step(plan, "back").retry == Retry(max_attempts=2, backoff_ms=2_000, max_backoff_ms=10_000)
    assert step(plan, "throttle").retry == Retry()
    assert step(plan, "back").undo == Undo(kind="previous", ask=True)
    assert step(plan, "unthrottle").undoes == "throttle"
    assert step(plan, "warm").on_failure == "continue"
    assert step(plan, "pause").duration_ms == 60_000


def test_inline_probes_become_checks_with_an_id(plan: Plan) -> None:
    """The same probe with the same criterion is one check, wherever it is written."""
    assert plan.stages[1].preconditions[0].check == "deploy_compatible"
    assert plan.stages[1].verify[0].check == "deploy_compatible"
    probe = plan.checks["deploy_compatible"].probe
    assert probe is not None
    assert probe.args == {"to": "previous"}


def test_results_that_later_stages_read_are_named(plan: Plan) -> None:
    """A result that only its own stage reads may be dropped when the stage ends."""
    assert plan.later_names == ("steps.scale.result",)


def test_only_providers_that_are_used_are_in_the_plan(write: Write, registry: Registry) -> None:
    """A provider that nothing calls may change without the plan becoming another."""
    site = SITE.replace("  edge: {use: fake}", "  edge: {use: fake}\n  other: {use: fake}")
    plan = make_plan(*write(RUNBOOK, site), registry=registry)
    assert plan.providers == {"edge": {"use": "fake"}, "prom": {"use": "fake"}}


def test_a_plan_survives_the_journal(plan: Plan) -> None:
    """A plan comes back from a journal equal to itself, expressions too."""
    fact = RunStarted(at=0, t=0, run="7f3", plan=plan, starter="ana")
    again = decode(encode(fact, run="7f3", seq=1, epoch=1)[1], restore)
    assert isinstance(again, RunStarted)
    assert again.plan == plan
    assert plan_digest(again.plan) == plan.digest


def test_the_digest_is_of_what_will_be_done(write: Write, registry: Registry) -> None:
    """The digest changes with inputs, arguments and providers, and not with people, comments or the order of keys."""
    base = make_plan(*write(RUNBOOK), registry=registry)
    same = make_plan(*write("# a comment\n" + RUNBOOK, SITE.replace("ana", "eve")), registry=registry)
    assert base.digest == same.digest == plan_digest(base)
    others = [
        make_plan(*write(RUNBOOK), {"admit": 11}, registry=registry),
        make_plan(*write(RUNBOOK.replace("add: 2", "add: 3")), registry=registry),
        make_plan(*write(RUNBOOK, SITE.replace("rate: 20", "rate: 21")), registry=registry),
        make_plan(*write(RUNBOOK, SITE.replace("sum(depth)", "max(depth)")), registry=registry),
    ]
    assert len({base.digest, *(each.digest for each in others)}) == 5
    assert replace(base, people=()).digest == base.digest


def test_a_pace_shortens_waiting_and_leaves_limits(write: Write, registry: Registry) -> None:
    """At a practice site what must pass is divided by the pace; what may pass at most is not."""
    site = SITE.replace("environment: practice", "environment: practice\npace: 10")
    plan = make_plan(*write(RUNBOOK, site), registry=registry)
    verify, gate, ramp = plan.stages[0].verify[0], plan.stages[1].gate, step(plan, "open").ramp
    assert (verify.for_ms, verify.within_ms) == (3_000, 120_000)
    assert plan.guards[0].breach_after_ms == 2_000
    assert plan.checks["errors"].interval_ms == 500
    assert plan.checks["errors"].settle_ms == 15_000
    assert step(plan, "pause").duration_ms == 6_000
    assert step(plan, "back").timeout_ms == 240_000
    assert gate is not None
    assert (gate.expires_after_ms, gate.approval.valid_for_ms) == (900_000, 600_000)
    assert ramp is not None
    assert (ramp.dwell_ms, ramp.cool_down_ms) == (6_000, 6_000)
    assert plan.pace == 10


def problems(write: Write, registry: Registry, runbook: str, site: str = SITE, **inputs: Any) -> list[str]:
    """Return what planning complains of, as ``file:line:col CODE message``."""
    planned = prepare_plan(*write(runbook, site), inputs, registry=registry)
    assert planned.plan is None
    return [
        f"{Path(each.file).name.split('.')[0]}:{each.line}:{each.col} {each.code} {each.message}"
        for each in planned.complaints
        if each.severity == "error"
    ]


STAGE = "stages:\n  - id: a\n    steps:\n"


def test_all_that_a_site_lacks_is_said_at_once(write: Write, registry: Registry) -> None:
    """Queries, values, capabilities, arguments and people that the site lacks are one list, each in its document."""
    runbook = """\
checks: {c: {query: erors, pass_when: value < site.values.limmit}, d: {query: depth, pass_when: value < 1}}
stages:
  - id: a
    gate: {approval: {roles: [boss], min_approvals: 2}}
    steps:
      - {id: a, action: admission.throttle, with: {percent: "${{ site.values.rate * 10 }}"}}
      - {id: b, action: fridge.open}
      - {id: c, action: edge.serve}
      - {id: d, action: prom.dance}
      - {id: e, action: deploy.freeze, targets: web}
      - {id: f, action: deploy.rollback, with: {service: "${{ [1][5] }}"}}
    verify: [{check: c}, {check: d, within: 1s}]
"""
    site = SITE.replace('  "*": {provider: edge}\n', "  edge.*: edge\n").replace(
        "sources: prom,", "sources: prom, window: 30s,"
    )
    assert problems(write, registry, runbook, site) == [
        "a:3:21 RL606 the site 'here' has no query 'erors'",
        "a:3:39 RL613 the site 'here' has no value 'limmit'",
        "a:6:30 RL607 nobody here can open the gate of 'a': it needs 2 of boss, there is only bo",
        "a:8:61 RL407 percent is 200, not at most 100",
        "a:9:25 RL601 the site 'here' does not bind 'fridge.open'",
        "a:10:9 RL406 edge.serve needs the argument 'nodes'",
        "a:11:25 RL604 provider 'prom' (fake) does not offer 'prom.dance'",
        "a:12:49 RL609 this site has no targets",
        "a:13:58 RL613 this fails here: [1][5]: index out of bounds: 5",
        "a:14:45 RL616 within 1s is over before 'd' can pass: its query looks back 30s, and it must hold for 0s",
    ]


def test_a_condition_that_is_neither_true_nor_false_is_refused(write: Write, registry: Registry) -> None:
    """A stage or step whose ``when`` is known in the plan and no truth would silently be skipped."""
    runbook = """\
inputs: {nodes: {type: integer, default: 2}}
stages:
  - id: a
    when: inputs.nodes
    steps:
      - {id: a, action: deploy.freeze, when: inputs.nodes + 1.5 > 2.0}
      - {id: b, action: deploy.freeze, when: inputs.nodes > 0}
"""
    types = "the types do not fit each other (write double(x) or int(x) where whole and broken numbers meet)"
    assert problems(write, registry, runbook) == [
        "a:6:11 RL306 this is 2 here, neither true nor false",
        f"a:8:46 RL613 this fails here: inputs.nodes + 1.5 > 2.0: {types}",
    ]


def test_mistakes_of_the_site_are_complained_of_there(write: Write, registry: Registry) -> None:
    """What the site gets wrong has its place in the site's document."""
    site = """\
site: here
schema: relight/v1
environment: test
providers:
  edge: {use: fke}
  other: {use: shell, shell: bash}
  prom: {use: shell}
bind:
  deploy.*: edge
  shell.run: other
  cache.warm: {provider: good, with: {nodes: "${{ args.nowhere }}"}}
queries: {q: {promql: "${{ site.values.x }}", sources: [prom]}}
"""
    runbook = f"""\
checks: {{c: {{query: q, pass_when: value < 1}}}}
{STAGE}      - {{id: a, action: deploy.freeze}}
      - {{id: b, action: shell.run, with: {{argv: [ls]}}}}
    verify: [{{check: c}}]
"""
    assert problems(write, registry, runbook, site) == ["site:11:26 RL602 there is no provider 'good'"]
    site = site.replace("provider: good", "provider: other")
    assert problems(write, registry, runbook, site) == [
        "site:5:15 RL603 the plugin 'fke' is not installed",
        "site:6:23 RL605 provider other has no argument 'shell'",
        "site:12:23 RL613 this fails here: site.values.x: there is no 'x'",
        "site:12:57 RL604 provider 'prom' (shell) does not answer metric.query",
    ]


def test_bindings_are_found_from_the_narrowest(write: Write, registry: Registry) -> None:
    """The exact name wins over its family, the family over everything, and a provider's own name over that."""
    site = SITE.replace(
        "  prom: {use: fake}", "  prom: {use: fake}\n  all: {use: fake}\n  exact: {use: fake}\n  sh: {use: shell}"
    )
    site = site.replace('"*": {provider: edge}', '"*": {provider: all}\n  deploy.freeze: exact')
    runbook = f"""{STAGE}\
      - {{id: a, action: deploy.freeze}}
      - {{id: b, action: deploy.unfreeze}}
      - {{id: c, action: sessions.restore}}
      - {{id: d, action: exact.do, with: {{name: x}}}}
      - {{id: e, action: sh.run, with: {{argv: [ls]}}}}
      - {{id: f, action: shell.run, with: {{argv: [ls]}}}}
"""
    plan = make_plan(*write(runbook, site), registry=registry)
    found = {each.id: (each.use.provider, each.use.action) for each in plan.stages[0].steps if each.use}
    assert found == {
        "a": ("exact", "deploy.freeze"),
        "b": ("edge", "deploy.unfreeze"),
        "c": ("all", "sessions.restore"),
        "d": ("exact", "do"),
        "e": ("sh", "run"),
        "f": ("shell", "run"),
    }
    assert plan.providers["shell"] == {"use": "shell"}


def test_a_binding_adds_arguments_under_the_steps_own(write: Write, registry: Registry) -> None:
    """The step's own argument wins; ``args.*`` reads it, also when it is only known in the run."""
    site = SITE.replace(
        "deploy.*: edge",
        'deploy.*: edge\n  edge.serve: {provider: edge, with: {nodes: "${{ args.nodes }}", serve: false}}',
    )
    site = site.replace(
        "admission.throttle: {provider: edge, with: {surface: consumer}}",
        'admission.throttle: {provider: edge, with: {surface: "${{ site.id }}-${{ args.percent }}", percent: 1}}',
    )
    runbook = f"""{STAGE}\
      - {{id: a, action: admission.throttle, with: {{percent: 25%}}}}
      - {{id: b, action: edge.scale, with: {{add: 1}}}}
      - {{id: c, action: edge.serve, with: {{nodes: "${{{{ steps.b.result.added }}}}"}}}}
"""
    plan = make_plan(*write(runbook, site), registry=registry)
    a, _, c = (each.use for each in plan.stages[0].steps)
    assert a is not None
    assert c is not None
    assert a.args == {"surface": "here-25%", "percent": 25.0}
    assert c.args == {
        "nodes": restore("${{ steps.b.result.added }}", ["steps.b.result"], template=True),
        "serve": False,
    }


def test_an_effect_can_be_raised(write: Write, registry: Registry) -> None:
    """A step may call a write destructive."""
    runbook = f"{STAGE}      - {{id: a, action: deploy.freeze, effect: destructive}}\n"
    use = make_plan(*write(runbook), registry=registry).stages[0].steps[0].use
    assert use is not None
    assert use.effect == "destructive"


def test_secrets_stay_references(write: Write, registry: Registry, canary: str) -> None:
    """A plan holds the name of a secret, never its value."""
    reference = "env:RELIGHT_TEST_CANARY"
    runbook = (
        f"{STAGE}      - {{id: a, action: shell.run, with: {{argv: [ls], secret_env: {{TOKEN: '{reference}'}}}}}}\n"
    )
    plan = make_plan(*write(runbook), registry=registry)
    use = plan.stages[0].steps[0].use
    assert use is not None
    assert use.args["secret_env"] == {"TOKEN": reference}
    assert canary not in repr(plan)


PAYLOADS = [
    "${{ run.id }}",
    "{{7*7}}",
    "'; drop table runs; --",
    "$(touch /tmp/x)",
    "${jndi:ldap://x}",
    "<!channel>",
    "' + site.id + '",
    "\\u0027",
    "é😀",
    "a\nb\r\n",
    "=1+1",
    "*)(uid=*",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_typed_as_an_input_stays_as_it_is(write: Write, registry: Registry, payload: str) -> None:
    """An input's text arrives byte for byte as data, alone and inside other text, and is never evaluated."""
    runbook = "inputs: {word: {type: string}}\n" + STAGE
    runbook += (
        '      - {id: a, action: shell.run, with: {argv: [echo, "${{ inputs.word }}", "<${{ inputs.word }}>"]}}\n'
    )
    plan = make_plan(*write(runbook), {"word": payload}, registry=registry)
    use = plan.stages[0].steps[0].use
    assert use is not None
    assert use.args["argv"] == ["echo", payload, f"<{payload}>"]
    assert json.loads(json.dumps(plan.scope))["inputs"]["word"] == payload


def test_documents_that_cannot_be_read_are_said_in_one_sentence(tmp_path: Path, registry: Registry) -> None:
    """A missing document is an error with a place, a sentence and a hint, as any other."""
    with pytest.raises(RunbookError) as error:
        make_plan(tmp_path / "nothing.yaml", tmp_path / "none.yaml", registry=registry)
    assert "there are 2 mistakes" in error.value.message
    assert "does not exist" in error.value.message
    assert error.value.exit_code == 3
    assert len(error.value.complaints) == 2


def test_swapped_documents_are_noticed(write: Write, registry: Registry) -> None:
    """Giving the site where the runbook belongs is one clear sentence for each."""
    runbook, site = write(RUNBOOK)
    planned = prepare_plan(site, runbook, registry=registry)
    assert [each.code for each in planned.complaints] == ["RL208", "RL208"]
    assert "swapped" in planned.complaints[0].hint


def test_warnings_come_with_the_plan(write: Write, registry: Registry) -> None:
    """What is odd but possible does not keep a plan from being made."""
    runbook = f"inputs: {{a: {{type: integer, default: 1}}}}\n{STAGE}      - {{id: a, action: deploy.freeze}}\n"
    planned = prepare_plan(*write(runbook), registry=registry)
    assert planned.plan is not None
    assert [each.code for each in planned.complaints] == ["RL410"]


def test_what_the_sites_own_provider_brings_is_no_warning_beside_a_plan(write: Write, registry: Registry) -> None:
    """Lint alone cannot know of the provider; with the site in hand it is there, or an error says that it is not."""
    runbook = f"{STAGE}      - {{id: a, action: sh.run, with: {{argv: [ls]}}}}\n"
    document, site = write(runbook, SITE.replace("  prom: {use: fake}", "  prom: {use: fake}\n  sh: {use: shell}"))
    assert [each.code for each in read_runbook(document, Offers(registry)).complaints] == ["RL411"]
    planned = prepare_plan(document, site, registry=registry)
    assert planned.plan is not None
    assert planned.complaints == ()


@pytest.mark.parametrize(
    ("criterion", "reads"),
    [
        ("value.value.depth < site.values.rate", ("value", "depth")),
        ("value.exit_code == 0", ("exit_code",)),
        ("value.exit_code == 0 && !value.truncated", ()),
    ],
)
def test_a_probes_check_knows_what_its_criterion_reads(
    write: Write, registry: Registry, criterion: str, reads: tuple[str, ...]
) -> None:
    """It is what people are shown, and what a gate records; several figures are none."""
    probe = f"{{probe: shell.probe, with: {{argv: [ls]}}, pass_when: '{criterion}'}}"
    checks = f"checks: {{c: {probe}}}\n"
    runbook = f"{checks}{STAGE}      - {{id: a, action: deploy.freeze}}\n    verify: [{{check: c}}]\n"
    planned = prepare_plan(*write(runbook), registry=registry)
    assert planned.plan is not None, planned.complaints
    assert planned.plan.checks["c"].reads == reads
