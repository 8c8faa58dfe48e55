"""What a plugin declares: contracts, actions, probes and the provider that a site configures.

An action's declaration is data (:class:`Contract`), so that plans, ledgers and rehearsals can reason about it
without calling it; its behaviour is three coroutines.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from relight.errors import SecretError
from relight.sdk.secrets import Secret, Secrets


class Arguments(BaseModel):
    """Typed arguments: unknown ones are errors. Describe every field: ``relight plugins NAME`` prints it."""

    # A value that was refused may be a secret in the wrong place, so errors never repeat it. A model is built when it
    # is needed: a driver that takes a run over uses two or three of a hundred.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class Result(BaseModel):
    """A typed result: what later expressions may read as ``steps.<id>.result`` or ``probes.<id>``."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What an action or probe takes, gives and means.

    Attributes:
        name: ``family.verb`` for a capability, the bare verb for a plugin's own action.
        title: One line in the imperative: what it does.
        effect: ``read`` for probes, else ``write`` or ``destructive``.
        idempotent: Doing it again with the same arguments and key is harmless;
            the name of a boolean argument where the caller has to say so.
        key_args: The arguments that name its target; with capability and provider the identity of its effect.
        neutral: Argument values at which nothing is in force any more.
        lasting: It leaves an effect that the ledger keeps until undone.
        reads_value: The value in force can be read (:meth:`Action.in_force`).
        timeout_s: Used where the step says none.
        batch: It takes many targets in one call (:attr:`Call.targets`) instead of one call a target.
    """

    name: str
    title: str
    args: type[Arguments]
    result: type[Result]
    effect: Literal["read", "write", "destructive"] = "write"
    idempotent: bool | str = False
    key_args: tuple[str, ...] = ()
    neutral: Mapping[str, Any] = field(default_factory=dict)
    lasting: bool = False
    reads_value: bool = False
    timeout_s: float | None = None
    batch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetHost:
    """One host of a fan-out, with the variables its inventory gives."""

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an action or probe.

    Attributes:
        args: Validated arguments.
        key: The idempotency key; the same for every attempt at the same thing.
        run: The run's id; empty outside runs.
        marker: Environment variables to give to every child process, so that a later driver can find orphans.
        deadline_s: Seconds that are left.
        grace_s: Seconds that a child gets between being asked to stop and being killed.
        targets: The hosts of this slice for a fan-out, else empty.
        progress: Tells people how far it is; cheap, never blocks.
        secrets: Reveals references and remembers them for redaction.
    """

    args: Any
    key: str = ""
    run: str = ""
    marker: Mapping[str, str] = field(default_factory=dict)
    deadline_s: float = 300.0
    grace_s: float = 10.0
    targets: tuple[TargetHost, ...] = ()
    progress: Callable[[str], None] = lambda _text: None
    secrets: Secrets = field(default_factory=Secrets)

    def reveal(self, value: str | Secret) -> str:
        """Return a plain string as it is and a secret resolved.

        Raises:
            Failed: it cannot be resolved, so nothing was done.
        """
        if not isinstance(value, Secret):
            return value
        try:
            return self.secrets.reveal(value)
        except SecretError as error:
            said = f"{error.message}; {error.hint}" if error.hint else error.message
            raise Failed(said, retry=False) from None


class Failed(Exception):
    """It did not happen, and that is certain.

    Args:
        message: What went wrong, in one sentence.
        retry: Whether trying again can help.
        retry_after_s: When, if the other side said so.
        targets: For a fan-out: host to what went wrong; hosts not named succeeded.
    """

    def __init__(
        self,
        message: str,
        *,
        retry: bool = True,
        retry_after_s: float | None = None,
        targets: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry = retry
        self.retry_after_s = retry_after_s
        self.targets = dict(targets or {})


class OutcomeUnknown(Exception):
    """It may or may not have happened: the connection broke after the request was sent, a child was killed."""


class _Declared:
    """What actions and probes have in common: a contract and the provider that they speak through."""

    contract: ClassVar[Contract]

    def __init__(self, provider: "Provider") -> None:
        self.provider = provider


class Action(_Declared, ABC):
    """Something that changes the world.

    Cancelling :meth:`perform` must end everything it started before it lets the cancellation through.
    """

    @abstractmethod
    async def perform(self, call: Call) -> Result:
        """Do it and return the result.

        Raises:
            Failed: it certainly did not happen.
            OutcomeUnknown: it may have happened.
        """

    async def in_force(self, call: Call) -> dict[str, Any] | None:
        """Return the arguments that, given to this action with the same target, bring back what is in force now.

        Only called where the contract says ``reads_value``. None means that nothing is in force.
        """
        raise NotImplementedError

    async def preview(self, call: Call) -> str:
        """Say in one line what it would change, by reading only."""
        return ""

    async def check(self, call: Call) -> Result | None:
        """Go through it in the other side's own check mode, changing nothing; None where there is no such mode."""
        return None


class Probe(_Declared, ABC):
    """Something that only reads the world."""

    @abstractmethod
    async def read(self, call: Call) -> Result:
        """Return what is there.

        Raises:
            Failed: it could not be read.
        """


class Provider:
    """A named, configured instance of a plugin: one connection to one outside system.

    Attributes:
        actions: The action classes it offers.
        probes: The probe classes it offers.
    """

    Config: ClassVar[type[Arguments]] = Arguments
    actions: ClassVar[tuple[type[Action], ...]] = ()
    probes: ClassVar[tuple[type[Probe], ...]] = ()

    def __init__(self, name: str, config: Any, secrets: Secrets) -> None:
        self.name = name
        self.config = config
        self.secrets = secrets

    async def ping(self) -> str:
        """Say in one line that the other side answers; raise :class:`Failed` when it does not."""
        return "ok"

    async def close(self) -> None:
        """Let go of connections."""

    @classmethod
    def contracts(cls) -> dict[str, type[Action] | type[Probe]]:
        """Return every action and probe by its contract's name."""
        kinds: tuple[type[Action] | type[Probe], ...] = (*cls.actions, *cls.probes)
        return {kind.contract.name: kind for kind in kinds}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """What an entry point names.

    Attributes:
        name: What a site's ``use:`` says; also addresses it where no provider needs configuring (``shell.run``).
        summary: One line for ``relight plugins``.
        provider: Its provider class.
        needs_config: Whether a site has to configure a provider before it can be used.
    """

    name: str
    summary: str
    provider: type[Provider]
    needs_config: bool = True
