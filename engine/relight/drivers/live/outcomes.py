"""What became of a call: succeeded, failed for certain, or nobody knows.

A plugin says so itself (``Failed``, ``OutcomeUnknown``). Whatever else it raises or returns is unexpected:
then a reading has failed, and a write may or may not have happened.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ValidationError

from relight.drivers.live.intake import Intake, Unkeepable
from relight.drivers.live.providers import Providers
from relight.errors import PluginError, SecretError
from relight.frozen import frozen
from relight.kernel.plan import Effect, Json, Use
from relight.sdk import Action, Call, Failed, OutcomeUnknown, Probe

Word: TypeAlias = Literal["succeeded", "failed", "unknown"]


@frozen
class Outcome:
    """How a call ended; *targets* maps hosts to their error, None for success; *untouched* were not begun."""

    word: Word
    result: Json = None
    error: str = ""
    retry: bool = True
    retry_after_ms: int | None = None
    targets: Mapping[str, str | None] = field(default_factory=dict)
    untouched: tuple[str, ...] = ()


HAPPENED = Outcome(word="succeeded")


class Refused(Exception):
    """Nothing was called: the action cannot be had or its arguments are wrong; *message* is fit to be shown."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def prepared(providers: Providers, use: Use, args: Mapping[str, Any]) -> tuple[Action | Probe, Any]:
    """Return what *use* calls and its validated arguments.

    Raises:
        Refused: the provider, the action or the arguments are wrong; nothing was called.
    """
    try:
        kind = providers.of(use)
        return kind, kind.contract.args.model_validate(dict(args))
    except ValidationError as error:
        # The values are left out of the message: one of them may be a secret that somebody wrote in the clear.
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or 'arguments'}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False, include_context=False)[:5]
        )
        raise Refused(f"{use.capability}: {wrong}") from None
    except PluginError as error:
        raise Refused(f"{error.message} {error.hint}".strip()) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may break while it is loaded or made
        raise Refused(f"{use.capability}: {said_by(error)}") from None


async def called(
    kind: Action | Probe, call: Call, effect: Effect, intake: Intake, *, drop_result: bool = False
) -> Outcome:
    """Call it and say what became of it; only a cancellation comes through."""
    try:
        given = await (kind.perform(call) if isinstance(kind, Action) else kind.read(call))
        if drop_result and isinstance(given, kind.contract.result):
            return HAPPENED
        return Outcome(word="succeeded", result=await intake.result(_checked(kind, given)))
    except Failed as failure:
        after = failure.retry_after_s
        return Outcome(
            word="failed",
            error=intake.text(failure.message),
            retry=failure.retry,
            retry_after_ms=None if after is None else max(0, round(after * 1_000)),
            targets=_per_host(call, failure, intake),
        )
    except OutcomeUnknown as unknown:
        return unexpected(effect, intake.text(unknown) or "its outcome is not known")
    except SecretError as missing:
        # Plugins reveal what they need before they touch anything.
        return Outcome(word="failed", error=intake.text(f"{missing.message} {missing.hint}"), retry=False)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise whatever it likes
        return unexpected(effect, intake.text(f"{kind.contract.name}: {said_by(error)}"))


def unexpected(effect: Effect, error: str) -> Outcome:
    """Return what an end without a word of the plugin's means."""
    return Outcome(word="failed" if effect == "read" else "unknown", error=error)


def said_by(error: BaseException) -> str:
    """Return an exception in one line."""
    if isinstance(error, Unkeepable):
        return str(error)
    return f"{error.__class__.__name__}: {error}" if str(error) else error.__class__.__name__


def _checked(kind: Action | Probe, given: Any) -> Any:
    """Return the result as JSON, if it is what the contract says."""
    expected = kind.contract.result
    if not isinstance(given, BaseModel):
        if not isinstance(given, Mapping):
            raise Unkeepable(f"returned {given.__class__.__name__}, not {expected.__name__}")
        given = expected.model_validate(dict(given))
    return given.model_dump(mode="json")


def _per_host(call: Call, failure: Failed, intake: Intake) -> dict[str, str | None]:
    if not failure.targets:
        return {}
    return {
        host.name: intake.text(failure.targets[host.name]) if host.name in failure.targets else None
        for host in call.targets
    }
