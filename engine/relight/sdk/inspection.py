"""Finds what is wrong with a plugin before anybody relies on it.

Everything is looked up, nothing is called: a plugin that breaks its contract is refused whole, by name.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from pydantic.errors import PydanticUserError

from relight.errors import PluginError
from relight.sdk import capabilities
from relight.sdk.plugin import Action, Arguments, Contract, Plugin, Probe, Provider, Result

_HINT = "its author has to mend it; other plugins go on working"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def inspect_plugin(plugin: object, name: str) -> Plugin:
    """Return *plugin*, which an entry point called *name* gave.

    Raises:
        PluginError: it breaks its contract; the message holds every breach.
    """
    if not isinstance(plugin, Plugin):
        said = f"its entry point gives a {type(plugin).__name__}, not a relight.sdk.Plugin"
        raise PluginError(name, said, hint=_HINT)
    problems = list(_plugin(plugin, name))
    if problems:
        raise PluginError(name, "; ".join(problems), hint=_HINT)
    return plugin


def _plugin(plugin: Plugin, name: str) -> Iterator[str]:
    if plugin.name != name:
        yield f"it calls itself {plugin.name!r}, but its entry point {name!r}"
    provider: Any = plugin.provider
    if not _derived(provider, Provider):
        yield "its provider is not a class derived from Provider"
        return
    if not _derived(provider.Config, Arguments):
        yield "its Config is not a class derived from Arguments"
    seen: set[str] = set()
    for kinds, base in ((provider.actions, Action), (provider.probes, Probe)):
        if not isinstance(kinds, tuple):
            yield f"{base.__name__.lower()}s is not a tuple"
            continue
        for kind in kinds:
            if not _derived(kind, base):
                yield f"{kind!r} is not a class derived from {base.__name__}"
                continue
            contract = getattr(kind, "contract", None)
            if not isinstance(contract, Contract):
                yield f"{kind.__name__} declares no contract"
                continue
            if contract.name in seen:
                yield f"{contract.name} is declared twice"
            seen.add(contract.name)
            yield from (f"{contract.name}: {problem}" for problem in (*_contract(contract), *_kind(kind, contract)))


def _derived(what: object, base: type) -> bool:
    """Say whether it is what its type promises; nobody checked the types of a stranger's plugin."""
    return isinstance(what, type) and issubclass(what, base)


def _contract(contract: Contract) -> Iterator[str]:
    if "." in contract.name or contract.name in capabilities.ALL:
        if contract.name not in capabilities.ALL:
            yield "this relight has no such capability; a plugin's own actions and probes have names without a dot"
        elif contract != capabilities.ALL[contract.name]:
            yield "it redefines a capability; use the contract in relight.sdk.capabilities"
    elif not _NAME.fullmatch(contract.name):
        yield "a name is made of a-z, 0-9 and _"
    if not _derived(contract.args, Arguments):
        yield "args is not a class derived from Arguments"
        return
    if not _derived(contract.result, Result):
        yield "result is not a class derived from Result"
        return
    yield from _models(contract)
    fields = contract.args.model_fields
    for said, names in (("key_args", contract.key_args), ("neutral", tuple(contract.neutral))):
        for missing in sorted(set(names) - set(fields)):
            yield f"{said} names {missing}, which is no argument"
    if isinstance(contract.idempotent, str):
        field = fields.get(contract.idempotent)
        if field is None or field.annotation is not bool:
            yield f"idempotent names {contract.idempotent}, which is no boolean argument"


def _models(contract: Contract) -> Iterator[str]:
    """Look whether the types of a plugin's own models can be understood; models are only built when they are needed."""
    if contract.name in capabilities.ALL:
        return
    for said, model in (("args", contract.args), ("result", contract.result)):
        try:
            model.model_rebuild()
        except PydanticUserError as error:
            yield f"{said} has a type that cannot be checked: {error.message.splitlines()[0]}"


def _kind(kind: type[Action] | type[Probe], contract: Contract) -> Iterator[str]:
    if kind.__abstractmethods__:
        yield f"{kind.__name__} does not implement {', '.join(sorted(kind.__abstractmethods__))}"
    methods = ("read",) if issubclass(kind, Probe) else ("perform", "in_force", "preview", "check")
    for name in methods:
        if not inspect.iscoroutinefunction(getattr(kind, name)):
            yield f"{kind.__name__}.{name} is not a coroutine (async def)"
    if issubclass(kind, Probe):
        if contract.effect != "read":
            yield f"a probe only reads, but it declares effect {contract.effect}"
    else:
        if contract.effect == "read":
            yield "an action changes something, but it declares effect read; make it a probe"
        if contract.reads_value and kind.in_force is Action.in_force:
            yield f"it declares reads_value, but {kind.__name__} does not implement in_force"
