"""The runbook, key by key: what to do.

Short forms are already written out (``shorthand``); what the keys mean together is lint's matter.
"""

from typing import ClassVar, Literal

from pydantic import Field

from relight.runbook.parts import (
    Arguments,
    Capability,
    Cel,
    CountOrShare,
    Duration,
    Id,
    Number,
    Part,
    Scalar,
    Slug,
    Template,
    Text,
    Value,
)

STAGES_MAX = 100
STEPS_MAX = 100
"""More than a hundred in a row is a program, not a runbook."""
INPUTS_MAX = 50
"""Somebody has to fill them in, in an incident."""
CHECKS_MAX = 300
"""Three for each stage; each is tried on a hundred samples by lint, which has to end within two seconds."""

STATED_MAX = 50
"""Each is judged in every state of an exploration; nobody has so many to say."""

InputType = Literal["percent", "integer", "number", "string", "boolean", "duration", "choice"]


class Input(Part):
    """A value that whoever starts the run may give."""

    thing: ClassVar[str] = "an input"
    example: ClassVar[str] = "{type: percent, default: 10}"
    type: InputType
    """What may be given: percent, integer, number, string, boolean, duration or choice."""
    description: Text | None = None
    """What it means, for the person who starts the run."""
    default: Value = None
    """The value where none is given; may be an expression over ``site``. Without it the input must be given."""
    minimum: Value = None
    """The least value."""
    maximum: Value = None
    """The greatest value."""
    pattern: Text | None = None
    """A regular expression that all of a string must match."""
    choices: list[Scalar] | None = Field(default=None, min_length=1, max_length=100)
    """What a choice may be."""


class Probe(Part):
    """A reading that gates and expressions refer to as ``probes.<id>``."""

    thing: ClassVar[str] = "a probe"
    example: ClassVar[str] = "{probe: deploy.current}"
    probe: Capability
    """The probe that is read: a capability, or PROVIDER.PROBE."""
    with_: Arguments = Field(default_factory=dict, alias="with")
    """Its arguments."""


class Check(Part):
    """A query or a probe with a criterion over its value."""

    thing: ClassVar[str] = "a check"
    example: ClassVar[str] = "{query: NAME, pass_when: value < 0.02}"
    query: Id | None = None
    """The name of a query that the site defines."""
    probe: Capability | None = None
    """A probe that is read instead of a query."""
    with_: Arguments = Field(default_factory=dict, alias="with")
    """The probe's arguments."""
    pass_when: Cel
    """CEL over ``value``: a sample for which it is true passes."""
    fail_when: Cel | None = None
    """CEL over ``value``: a sample for which it is true fails. Without it every sample that does not pass fails."""
    interval: Duration = 5_000
    """Time between samples."""
    error_limit: int = Field(default=4, ge=1, le=1_000)
    """After so many samples without data in a row the check is inconclusive."""
    on_inconclusive: Literal["hold", "wait"] = "hold"
    """What an inconclusive check does to a stage that waits for it: hold and ask a person, or wait on."""


class Guard(Part):
    """A check that is watched all the time."""

    thing: ClassVar[str] = "a guard"
    example: ClassVar[str] = "{check: NAME, breach_after: 15s}"
    check: Id
    """The check that is watched."""
    breach_after: Duration = 0
    """How long it must fail before the guard is breached."""
    on_breach: Literal["step_back", "hold"] = "hold"
    """What a breach does: step a ramp back, or hold; either way nothing goes forward."""


class Approval(Part):
    """Who must agree before a gate opens."""

    thing: ClassVar[str] = "an approval"
    example: ClassVar[str] = "{roles: [incident-commander]}"
    roles: list[Slug] = Field(max_length=50)
    """People with any of these roles may decide."""
    min_approvals: int = Field(default=1, ge=1, le=20)
    """How many different people must agree."""
    allow_self_approval: bool = False
    """Whether the person who started the run counts."""
    valid_for: Duration = 600_000
    """How long an approval stands."""


class Escalation(Part):
    """Whom to tell when nobody answers."""

    thing: ClassVar[str] = "an escalation"
    example: ClassVar[str] = "{after: 5m, notify: ROLE}"
    after: Duration
    """How long the gate must have waited."""
    notify: Text
    """The role, person or channel that is told."""


class Gate(Part):
    """The point that people must open before a stage's steps."""

    thing: ClassVar[str] = "a gate"
    example: ClassVar[str] = "{approval: {roles: [incident-commander]}}"
    title: Template | None = None
    """The question that people answer; the stage's title where it is left out."""
    approval: Approval
    """Who must agree."""
    require: list[Id] = Field(default_factory=list)
    """Checks that must pass for the gate to open."""
    show: list[Id] = Field(default_factory=list)
    """Checks that inform those who decide."""
    expires_after: Duration = 900_000
    """How long it asks."""
    on_expiry: Literal["hold", "escalate"] = "hold"
    """What happens when nobody answered: hold, or escalate; nothing ever goes on by itself."""
    escalate: list[Escalation] = Field(default_factory=list)
    """Who is told, and when."""


class Precondition(Part):
    """What must pass before a stage's first step: a check, or a probe with its criterion."""

    thing: ClassVar[str] = "a precondition"
    example: ClassVar[str] = "{check: NAME}"
    check: Id | None = None
    """A check of this runbook."""
    probe: Capability | None = None
    """A probe that is read instead of a check."""
    with_: Arguments = Field(default_factory=dict, alias="with")
    """The probe's arguments."""
    pass_when: Cel | None = None
    """CEL over the probe's ``value``."""


class Verify(Precondition):
    """What must pass before a stage is done."""

    thing: ClassVar[str] = "a verify item"
    example: ClassVar[str] = "{check: NAME, for: 15s, within: 2m}"
    for_: Duration = Field(default=0, alias="for")
    """How long every sample must have passed; without it one sample is enough."""
    within: Duration = 300_000
    """When it has failed."""
    ratio: float = Field(default=1.0, gt=0, le=1)
    """The share of samples that must pass, where success is expected to be intermittent."""


class Retry(Part):
    """How a failed step is tried again."""

    thing: ClassVar[str] = "a retry policy"
    example: ClassVar[str] = "{max_attempts: 3}"
    max_attempts: int = Field(default=3, ge=1, le=100)
    """How often it is tried in all."""
    backoff: Duration = 1_000
    """The first pause; each is twice the one before, with jitter."""
    max_backoff: Duration = 60_000
    """The longest pause."""


class Settle(Part):
    """The probe that tells whether a step of unknown outcome happened."""

    thing: ClassVar[str] = "a settle probe"
    example: ClassVar[str] = "{probe: deploy.current, done_when: value.release == probes.NAME.previous}"
    probe: Capability
    """The probe that is read."""
    with_: Arguments = Field(default_factory=dict, alias="with")
    """Its arguments."""
    done_when: Cel
    """CEL over its ``value``: true where the step happened."""
    within: Duration = 10_000
    """How long it is asked before the step counts as not done."""
    interval: Duration = 1_000
    """Time between readings."""


class Undo(Part):
    """How an effect is reversed: ``previous``, another action, or an earlier step's id."""

    thing: ClassVar[str] = "an undo"
    example: ClassVar[str] = "previous, or {action: NAME}"
    restore: Literal["previous"] | None = None
    """Bring back the value that was in force before."""
    action: Capability | None = None
    """The action that reverses it."""
    with_: Arguments = Field(default_factory=dict, alias="with")
    """That action's arguments."""
    ask: bool = False
    """Whether a person is asked first: an abort and a failed stage leave it; who says undo, and a step with ``undo``,
    are that word."""
    step: Id | None = None
    """The earlier step that is undone; for a step that does nothing else."""


class Ramp(Part):
    """One argument moved through declared values, with checks at each."""

    thing: ClassVar[str] = "a ramp"
    example: ClassVar[str] = "{key: percent, floor: 0, through: [25, 50, 100], checks: [NAME]}"
    key: Text
    """The argument that moves."""
    floor: Number
    """The lowest value, and the last to step back to."""
    through: list[Number] = Field(min_length=1, max_length=100)
    """The values, in rising order."""
    dwell: Duration = 60_000
    """How long the checks must hold at each value."""
    checks: list[Id] = Field(default_factory=list)
    """Checks that must pass at each value."""
    on_failure: Literal["step_back", "hold"] = "step_back"
    """What a failing check does."""
    cool_down: Duration = 60_000
    """How long to stay at the lower value before rising again."""
    max_step_backs: int = Field(default=3, ge=0, le=100)
    """After so many it holds, at the lower value."""


class Step(Part):
    """One action, probe, wait, manual task or undo; or several side by side."""

    thing: ClassVar[str] = "a step"
    example: ClassVar[str] = "{id: NAME, action: admission.throttle, with: {percent: 10}}"
    id: Id | None = None
    """Its id, unique in the runbook."""
    title: Text | None = None
    """What it does, for people; the action's own words where it is left out."""
    action: Capability | None = None
    """A capability, PROVIDER.ACTION, ``manual.task`` or ``wait``."""
    probe: Capability | None = None
    """A probe that is read; its result is ``steps.<id>.result``."""
    with_: Arguments = Field(default_factory=dict, alias="with")
    """Arguments; any value may be ``${{ … }}``."""
    pass_when: Cel | None = None
    """For a probe: CEL over its ``value`` that must be true."""
    parallel: list["Step"] | None = Field(default=None, min_length=1, max_length=STEPS_MAX)
    """Steps that run side by side; such a step has no other key."""
    when: Cel | None = None
    """CEL: the step is skipped where it is false."""
    timeout: Duration | None = None
    """When it has failed; the action's own limit where it is left out."""
    retry: Retry | None = None
    """How it is tried again; once where it is left out."""
    on_failure: Literal["hold", "continue"] = "hold"
    """What a failure does: hold and ask a person, or continue."""
    settle: Settle | None = None
    """How an unknown outcome is found out."""
    undo: Undo | None = None
    """How its effect is reversed; alone, the earlier step that this one undoes."""
    protective: bool = False
    """Whether it protects: it is allowed at any time, and stays in force on abort."""
    effect: Literal["write", "destructive"] | None = None
    """Raises what the action declares; it never lowers it."""
    ramp: Ramp | None = None
    """Moves one argument through values."""
    targets: Slug | None = None
    """The inventory's group that the step fans out over."""
    batches: list[CountOrShare] = Field(default_factory=list, max_length=100)
    """How many targets at a time, in order: counts, or shares such as 10%; the last repeats."""
    max_concurrency: int = Field(default=10, ge=1, le=1_000)
    """Most targets at once."""
    max_failures: CountOrShare = 1
    """A count, or a share such as 10%; reaching it stops."""
    between: list[Id] = Field(default_factory=list)
    """Checks that must pass between batches."""


class Stage(Part):
    """An ordered part of a runbook: gate, preconditions, steps, verify, in this order."""

    thing: ClassVar[str] = "a stage"
    id: Slug
    """Its id, unique in the runbook."""
    title: Template | None = None
    """What it is for."""
    when: Cel | None = None
    """CEL: the stage is skipped where it is false."""
    optional: bool = False
    """Whether its gate offers to skip it."""
    gate: Gate | None = None
    """Who must open it; without one the stage follows by itself."""
    preconditions: list[Precondition] = Field(default_factory=list)
    """What must pass before its first step."""
    steps: list[Step] = Field(default_factory=list, max_length=STEPS_MAX)
    """What it does, in order."""
    verify: list[Verify] = Field(default_factory=list)
    """What must pass before it is done."""


class Stated(Part):
    """What the author says always or never holds; ``relight explore`` judges it, and no run asks for it."""

    thing: ClassVar[str] = "a statement"
    expression: Cel
    """CEL over ``stages``, ``steps``, ``effects`` (true while in force), ``checks``, ``inputs``, ``site``, ``run``."""
    id: Id | None = None
    """What it is called where it does not hold; always_1 and so on where it is left out."""
    title: Text | None = None
    """Why it matters, in one line."""


class Runbook(Part):
    """What to do to bring a service back, in stages."""

    thing: ClassVar[str] = "a runbook"
    runbook: Slug
    """Its name."""
    schema_: Literal["relight/v1"] = Field(alias="schema")
    """The version of this format."""
    title: Text | None = None
    """What it brings about."""
    description: Text | None = None
    """When to use it and when not."""
    symptoms: list[Text] = Field(default_factory=list)
    """What people see when it is the right one."""
    owner: Text | None = None
    """Who keeps it."""
    lock: list[Template] = Field(default_factory=list)
    """Names that only one run at a time may claim."""
    inputs: dict[Id, Input] = Field(default_factory=dict, max_length=INPUTS_MAX)
    """What whoever starts it may give."""
    probes: dict[Id, Probe] = Field(default_factory=dict, max_length=CHECKS_MAX)
    """Readings that expressions refer to."""
    checks: dict[Id, Check] = Field(default_factory=dict, max_length=CHECKS_MAX)
    """Criteria that stages, gates, guards and ramps refer to."""
    guards: list[Guard] = Field(default_factory=list, max_length=CHECKS_MAX)
    """Checks that are watched all the time."""
    stages: list[Stage] = Field(min_length=1, max_length=STAGES_MAX)
    """What is done, in order."""
    always: list[Stated] = Field(default_factory=list, max_length=STATED_MAX)
    """What has to hold in every state of every run, such as `effects.throttle || stages.reopen.state != "running"`."""
    never: list[Stated] = Field(default_factory=list, max_length=STATED_MAX)
    """What must hold in no state of any run."""
    on_abort: Literal["leave", "undo"] = "leave"
    """What an abort does to effects in force: leave them, or undo them, last in first out; protective ones stay.
    A run that could not undo what it should ends as failed."""
