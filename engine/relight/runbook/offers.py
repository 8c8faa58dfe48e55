"""What actions and probes there are, as far as can be known: by their contracts, without calling anything.

Without a site these are the project's capabilities, the built-in ones and those of plugins that need no provider.
"""

from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field

from relight.errors import PluginError
from relight.sdk import capabilities
from relight.sdk.plugin import Arguments, Contract, Result
from relight.sdk.registry import Registry
from relight.sdk.values import Duration

WAIT = "wait"
MANUAL = "manual.task"


class WaitArgs(Arguments):
    """What ``wait`` takes."""

    duration: Annotated[Duration, Field(description="How long")]


class ManualArgs(Arguments):
    """What ``manual.task`` takes."""

    instruction: Annotated[str, Field(description="What the person does", min_length=1)]


class Nothing(Result):
    """No result."""


BUILT_IN = {
    WAIT: Contract(name=WAIT, title="Wait", args=WaitArgs, result=Nothing, idempotent=True),
    MANUAL: Contract(name=MANUAL, title="Ask a person to do something", args=ManualArgs, result=Nothing),
}


class Offer(NamedTuple):
    """One action or probe that can be had, and the plugin that brings it (empty for a capability)."""

    contract: Contract
    plugin: str = ""

    @property
    def is_probe(self) -> bool:
        """Whether it only reads."""
        return self.contract.effect == "read"

    @property
    def built_in(self) -> bool:
        """Whether the engine does it itself."""
        return self.contract.name in BUILT_IN


class Offers:
    """Finds contracts by the names that runbooks use."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry

    @property
    def registry(self) -> Registry:
        """The installed plugins; looked for when first asked."""
        if self._registry is None:
            self._registry = Registry()
        return self._registry

    def find(self, name: str) -> Offer | None:
        """Return what *name* means without a site, or None where that cannot be known."""
        if name in BUILT_IN:
            return Offer(BUILT_IN[name])
        if name in capabilities.ALL:
            return Offer(capabilities.ALL[name])
        plugin, _, verb = name.partition(".")
        return self._own(plugin, verb) if verb else None

    def _own(self, name: str, verb: str) -> Offer | None:
        try:
            plugin = self.registry.get(name)
        except PluginError:
            return None
        if plugin is None or plugin.needs_config:
            return None
        kind = plugin.provider.contracts().get(verb)
        return Offer(kind.contract, name) if kind else None

    def is_plugin(self, name: str) -> bool:
        """Return whether a plugin of that name, which needs no provider, is installed."""
        try:
            plugin = self.registry.get(name)
        except PluginError:
            return False
        return plugin is not None and not plugin.needs_config

    def names(self, family: str = "") -> list[str]:
        """Return every name that :meth:`find` knows, or those of one family or plugin."""
        known = [*BUILT_IN, *capabilities.ALL]
        if family and self.is_plugin(family):
            plugin = self.registry.get(family)
            known += [f"{family}.{verb}" for verb in (plugin.provider.contracts() if plugin else ())]
        return [name for name in known if not family or name.startswith(f"{family}.")]

    def families(self) -> set[str]:
        """Return the families of the project's capabilities."""
        return {name.partition(".")[0] for name in (*capabilities.ALL, *BUILT_IN)}


def member(model: type[BaseModel], path: list[str]) -> tuple[list[str], str] | None:
    """Return the known members and the unknown one where *path* leads out of *model*; None where it fits."""
    for name in path:
        if name not in model.model_fields:
            return (list(model.model_fields), name) if model.model_config.get("extra") != "allow" else None
        inner: Any = model.model_fields[name].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return None
        model = inner
    return None
