"""Looking at the world before a run starts: whether providers answer, and what each step would change.

Everything here only reads, all of it at once and within a few seconds.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from relight.drivers.live.providers import Providers
from relight.errors import RelightError
from relight.kernel.plan import Plan, Step
from relight.sdk import Action, Call, Failed, OutcomeUnknown, Secrets
from relight.sdk.text import one_line

if TYPE_CHECKING:
    from relight.drivers.live.providers import Registry

T = TypeVar("T")

LOOK_S = 5.0
"""For all of them together: nobody waits longer for that at the start of a recovery."""


class Answered(NamedTuple):
    """What one provider said."""

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
        answers, previews = await asyncio.gather(
            _all(_ping(name, str(plan.providers[name].get("use", name)), providers) for name in plan.providers),
            _all(_preview(step, providers) for step in steps),
        )
    finally:
        await providers.close()
    return Seen(tuple(answers), {step.id: said for step, said in zip(steps, previews, strict=True) if said})


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
