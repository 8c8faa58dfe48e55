"""Looking at the world before a run starts: whether providers answer, and what each step would change.

Everything here only reads, all of it at once and within a few seconds.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from relight.drivers.live.providers import Providers
from relight.errors import RelightError
from relight.kernel.plan import Plan, Step, Use
from relight.sdk import Action, Call, Failed, OutcomeUnknown, Secret, Secrets
from relight.sdk.text import one_line

if TYPE_CHECKING:
    from relight.drivers.live.providers import Registry

T = TypeVar("T")

LOOK_S = 5.0
"""For all of them together: nobody waits longer for that at the start of a recovery."""


class Answered(NamedTuple):
    """What one provider said; where *plugin* is ``secret``, it is a reference that cannot be read, and why."""

    provider: str
    plugin: str
    ok: bool
    text: str


class Seen(NamedTuple):
    """The providers' answers, and by step what it would change."""

    answers: tuple[Answered, ...]
    previews: dict[str, str]


def look(plan: Plan, registry: "Registry") -> Seen:
    """Ask every provider whether the other side answers, and what the plan's steps would change there."""
    return asyncio.run(_look(plan, Providers(plan.providers, registry, Secrets())))


async def _look(plan: Plan, providers: Providers) -> Seen:
    steps = [step for stage in plan.stages for step in stage.steps if _known_now(step)]
    try:
        answers, previews, locked = await asyncio.gather(
            _all(_ping(name, str(plan.providers[name].get("use", name)), providers) for name in plan.providers),
            _all(_preview(step, providers) for step in steps),
            _all(_reveal(secret, providers) for secret in _secrets(plan, providers)),
        )
    finally:
        await providers.close()
    unreadable = [answer for answer in locked if not answer.ok]
    return Seen((*answers, *unreadable), {step.id: said for step, said in zip(steps, previews, strict=True) if said})


async def _all(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    return list(await asyncio.gather(*works))


def _known_now(step: Step) -> bool:
    """Return whether a step's arguments are all known before the run."""
    return step.kind == "action" and step.use is not None and _is_plain(step.use.args)


def _is_plain(tree: Any) -> bool:
    if isinstance(tree, dict):
        return all(_is_plain(item) for item in tree.values())
    if isinstance(tree, list | tuple):
        return all(_is_plain(item) for item in tree)
    return tree is None or isinstance(tree, str | int | float)


async def _ping(name: str, plugin: str, providers: Providers) -> Answered:
    try:
        text = await asyncio.wait_for(providers.named(name).ping(), LOOK_S)
        return Answered(name, plugin, True, _said(text, providers))
    except TimeoutError:
        return Answered(name, plugin, False, f"no answer in {LOOK_S:g} s")
    except (Failed, RelightError) as error:
        return Answered(name, plugin, False, _said(error.message, providers))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; its name goes with it
        return Answered(name, plugin, False, _said(f"plugin {plugin} broke: {error!r}", providers))


def _secrets(plan: Plan, providers: Providers) -> list[Secret]:
    """Return the secrets that the plan's arguments refer to, as far as these are known before the run."""
    uses = [use for stage in plan.stages for step in stage.steps for use in _uses(step)]
    uses += [use for use in (*(check.probe for check in plan.checks.values()), *_probes(plan)) if use is not None]
    found: dict[Secret, None] = {}
    for use in uses:
        with suppress(RelightError, ValueError):  # what is wrong with its arguments, or its plugin, is told elsewhere
            if _is_plain(use.args):
                found |= dict.fromkeys(_secrets_in(dict(providers.of(use).contract.args(**use.args))))
    return list(found)


def _uses(step: Step) -> Iterator[Use]:
    yield from (use for use in (step.use, step.undo and step.undo.use, step.settle and step.settle.use) if use)


def _probes(plan: Plan) -> Iterator[Use]:
    yield from (probe.use for probe in plan.probes.values())


def _secrets_in(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _secrets_in(item)


async def _reveal(secret: Secret, providers: Providers) -> Answered:
    """Return whether a secret can be read here; a keyring may take its time."""
    try:
        await asyncio.wait_for(asyncio.to_thread(providers.secrets.reveal, secret), LOOK_S)
    except TimeoutError:
        return Answered(secret.reference, "secret", False, f"no answer in {LOOK_S:g} s")
    except RelightError as error:
        return Answered(secret.reference, "secret", False, error.message.removeprefix(f"secret {secret.reference}: "))
    return Answered(secret.reference, "secret", True, "")


async def _preview(step: Step, providers: Providers) -> str:
    """Return what a step would change, empty where nobody can tell: a plan is no worse without it."""
    assert step.use is not None, "an action uses something"
    try:
        action = providers.of(step.use)
        if not isinstance(action, Action) or type(action).preview is Action.preview:
            return ""
        call = Call(args=action.contract.args(**step.use.args), deadline_s=LOOK_S, secrets=providers.secrets)
        return _said(await asyncio.wait_for(action.preview(call), LOOK_S), providers)
    except (TimeoutError, Failed, OutcomeUnknown, RelightError):
        return ""
    except Exception:  # noqa: BLE001 - as above; ``relight plugins`` and the run itself will say what is wrong
        return ""


def _said(text: str, providers: Providers) -> str:
    return one_line(providers.secrets.redact(text))
