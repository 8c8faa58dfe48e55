"""A plan: runbook, site and inputs, resolved and frozen.

Everything here is data that a journal can keep; durations are whole milliseconds (``_ms``).
What depends on the moment (a probe's answer, a step's result) stays an :class:`Expression` inside an argument tree.
What does not belong here: reading documents, and deciding anything.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from relight.frozen import frozen

Json: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None
Tree: TypeAlias = Any
"""A JSON tree whose leaves may also be an :class:`Expression`."""

Effect: TypeAlias = Literal["read", "write", "destructive"]


@runtime_checkable
class Expression(Protocol):
    """One expression, opaque to the kernel.

    *names* are the dotted names it reads (``inputs.admit``, ``steps.scale.result``, ``value``);
    the kernel puts only these into the scope.
    """

    @property
    def text(self) -> str: ...

    @property
    def names(self) -> frozenset[str]: ...

    def value(self, scope: Mapping[str, Any]) -> Json:
        """Return its value; *scope* is nested (``{"steps": {"scale": {"result": …}}}``).

        Raises:
            ExpressionFailed: it cannot be evaluated on this scope.
        """
        ...


class ExpressionFailed(Exception):
    """An expression met data that it cannot work on; the text says which and why."""


@frozen
class Use:
    """A capability bound to a provider: who is called, with what, and what that means for the ledger.

    Attributes:
        capability: What the runbook said (``admission.throttle``) or the provider's own action (``shell.run``).
        provider: The site's provider, or the plugin's own name where none needs configuring.
        action: The name of the plugin's action or probe.
        args: Arguments with the site's ``with`` merged in; leaves may be expressions.
        effect: What it does to the world, as the step may have raised it.
        idempotent: Whether doing it again with the same arguments and key is harmless.
        key_args: The arguments that name the target; capability, provider and these are the effect's identity.
        neutral: Arguments at which no effect is in force; reaching them clears the ledger's entry.
        lasting: Whether it leaves an effect in force.
        reads_value: Whether the provider can read the value in force (for ``undo: previous`` and observation).
        timeout_ms: The action's own default timeout, where the step gives none.
        title: One line of what it does, for people.
    """

    capability: str
    provider: str
    action: str
    args: dict[str, Tree] = field(default_factory=dict)
    effect: Effect = "read"
    idempotent: bool = False
    key_args: tuple[str, ...] = ()
    neutral: dict[str, Any] = field(default_factory=dict)
    lasting: bool = False
    reads_value: bool = False
    timeout_ms: int | None = None
    title: str = ""


@frozen
class Check:
    """A query or probe with a criterion.

    Exactly one of *query* and *probe* is set.
    *query* is the site's resolved query, opaque to the kernel: the driver hands it to its sources.
    *reads* leads into the answer of a probe, to the figure that the criteria compare and people are shown.
    *settle_ms* is the query's window: verify waits that long after the last step, so that it does not read the past.
    """

    id: str
    query: dict[str, Any] | None = None
    probe: Use | None = None
    pass_when: Expression
    fail_when: Expression | None = None
    reads: tuple[str, ...] = ()
    interval_ms: int = 5_000
    max_age_ms: int = 20_000
    settle_ms: int = 0
    error_limit: int = 4
    on_inconclusive: Literal["hold", "wait"] = "hold"


@frozen
class Probe:
    """A named reading that gates and steps refer to as ``probes.<id>``."""

    id: str
    use: Use


@frozen
class Guard:
    """A check that is watched all the time."""

    check: str
    breach_after_ms: int = 0
    on_breach: Literal["step_back", "hold"] = "hold"


@frozen
class Verify:
    """A check that a stage must pass before it is done.

    *for_ms* 0 means one sample; *ratio* is the share of samples that must pass (1.0: every one).
    """

    check: str
    for_ms: int = 0
    within_ms: int = 300_000
    ratio: float = 1.0


@frozen
class Precondition:
    """What must hold before a stage's first step: *check* names a check, inline ones are given an id by the planner."""

    check: str


@frozen
class Approval:
    """Who must agree, and for how long an agreement stands."""

    roles: tuple[str, ...]
    min_approvals: int = 1
    allow_self_approval: bool = False
    valid_for_ms: int = 600_000


@frozen
class Escalation:
    """Whom to tell when a gate has waited *after_ms*; *use* is the site's ``notify``, where it binds one."""

    after_ms: int
    notify: str
    use: Use | None = None


@frozen
class Gate:
    """The point that people must open."""

    title: Tree
    approval: Approval
    require: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    expires_after_ms: int = 900_000
    on_expiry: Literal["hold", "escalate"] = "hold"
    escalate: tuple[Escalation, ...] = ()


@frozen
class Retry:
    """How often and how patiently a failed step is tried; jitter is seeded by the run's id."""

    max_attempts: int = 1
    backoff_ms: int = 1_000
    max_backoff_ms: int = 60_000


@frozen
class Settle:
    """The probe that tells whether an unknown step happened."""

    use: Use
    done_when: Expression
    within_ms: int = 10_000
    interval_ms: int = 1_000


@frozen
class Undo:
    """How an effect is reversed.

    ``previous`` does the same action with the value that was in force before, ``use`` does another one.
    *ask* makes the undo ask a person first.
    """

    kind: Literal["previous", "use"]
    use: Use | None = None
    ask: bool = False


@frozen
class Ramp:
    """One argument moved through declared values, with checks at each.

    *floor* and *through* may hold expressions until the step is reached.
    """

    key: str
    floor: Tree
    through: tuple[Tree, ...]
    dwell_ms: int = 60_000
    checks: tuple[str, ...] = ()
    on_failure: Literal["step_back", "hold"] = "step_back"
    cool_down_ms: int = 60_000
    max_step_backs: int = 3


@frozen
class Targets:
    """A fan-out: the site's hosts, resolved and frozen, and the batches they are taken in.

    *batches* are counts, each the size of one batch in order (already computed from ``1, 10%, 50%, 100%``).
    *variables* are what the inventory says of a host; secrets are references.
    """

    group: str
    hosts: tuple[str, ...]
    batches: tuple[int, ...]
    max_concurrency: int = 10
    max_failures: int = 1
    between: tuple[str, ...] = ()
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)


StepKind: TypeAlias = Literal["action", "probe", "wait", "manual", "undo"]


@frozen
class Step:
    """One action, probe, wait, manual task or undo inside a stage.

    Attributes:
        group: Steps that share a group number run side by side; otherwise they run in order.
        undoes: For ``kind="undo"``: the earlier step whose effect is undone.
        duration_ms: For ``kind="wait"``; a tree where an expression gives it.
        instruction: For ``kind="manual"``.
        pass_when: For ``kind="probe"``: what its answer must satisfy; without it any answer will do.
    """

    id: str
    kind: StepKind
    title: str = ""
    use: Use | None = None
    when: Expression | None = None
    timeout_ms: int = 300_000
    retry: Retry = Retry()
    on_failure: Literal["hold", "continue"] = "hold"
    settle: Settle | None = None
    undo: Undo | None = None
    undoes: str | None = None
    protective: bool = False
    ramp: Ramp | None = None
    targets: Targets | None = None
    duration_ms: Tree = 0
    instruction: Tree = ""
    pass_when: Expression | None = None
    group: int | None = None


@frozen
class Stage:
    """An ordered part of a runbook: gate, preconditions, steps, verify."""

    id: str
    title: Tree = ""
    when: Expression | None = None
    optional: bool = False
    gate: Gate | None = None
    preconditions: tuple[Precondition, ...] = ()
    steps: tuple[Step, ...] = ()
    verify: tuple[Verify, ...] = ()


@frozen
class Person:
    """Somebody the site knows: *identities* maps a door (``os``, ``slack``, ``oidc``, …) to an id there.

    Whatever is no ``person`` decides nothing, and no site gives it a role.
    """

    id: str
    roles: tuple[str, ...] = ()
    identities: dict[str, str] = field(default_factory=dict)
    kind: Literal["person", "bot", "agent"] = "person"


@frozen
class Solo:
    """The site's rule for a starter who is alone."""

    after_ms: int
    roles: tuple[str, ...]


@frozen
class Stated:
    """What the author says always or never holds; explorations judge it, and no rule asks for it."""

    kind: Literal["always", "never"]
    id: str
    expression: Expression
    title: str = ""


@frozen
class Plan:
    """What a run will do: its digest is SHA-256 over its canonical JSON without *people*, *solo* and *digest*.

    Attributes:
        providers: Name to ``{"use": plugin, …configuration}``; secrets are references.
        scope: The values expressions read that do not change: ``inputs`` and ``site`` (``{"id", "values", …}``).
        later_names: Dotted names of step results that expressions of later stages read; other results are dropped
            from the state when their stage ends.
        sources: The documents it was made from, as ``{"runbook": path, "site": path}``, for people.
        surfaces: What users see, with objectives; opaque to the kernel.
        stated: What the author says always or never holds.
    """

    runbook: str
    title: str
    site: str
    environment: str = ""
    digest: str = ""
    owner: str = ""
    stages: tuple[Stage, ...]
    checks: dict[str, Check] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()
    locks: tuple[str, ...] = ()
    on_abort: Literal["leave", "undo"] = "leave"
    providers: dict[str, dict[str, Any]] = field(default_factory=dict)
    scope: dict[str, Any] = field(default_factory=dict)
    people: tuple[Person, ...] = ()
    solo: Solo | None = None
    pace: float = 1.0
    later_names: tuple[str, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)
    surfaces: dict[str, Any] = field(default_factory=dict)
    stated: tuple[Stated, ...] = ()
