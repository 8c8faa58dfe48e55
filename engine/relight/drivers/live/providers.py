"""The providers of a plan, made when they are first needed and closed at the end."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from relight.errors import PluginError
from relight.kernel.plan import Use
from relight.sdk import Action, Probe, Provider, Secrets

CLOSE_S = 2.0
"""How long a provider may take to let go of its connections: the process ends in any case."""


class Registry(Protocol):
    """Where providers come from."""

    def provider(self, name: str, config: dict[str, Any], secrets: Secrets) -> Provider:
        """Return the provider of that name; a configuration without ``use`` means the plugin called *name*."""
        ...


class Providers:
    """Providers by the plan's name for them, sharing one memory of secrets."""

    def __init__(self, configured: Mapping[str, dict[str, Any]], registry: Registry, secrets: Secrets) -> None:
        self._configured = configured
        self._registry = registry
        self.secrets = secrets
        self._made: dict[str, Provider] = {}
        self._kinds: dict[tuple[str, str], Action | Probe] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The providers that the plan configures."""
        return tuple(self._configured)

    def named(self, name: str) -> Provider:
        """Return the provider that the plan calls *name*.

        Raises:
            PluginError: its plugin is not installed, cannot be loaded or refuses the configuration.
        """
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._registry.provider(name, dict(self._configured.get(name, {})), self.secrets)
        return made

    def of(self, use: Use) -> Action | Probe:
        """Return what *use* calls.

        Raises:
            PluginError: its provider cannot be had, or offers no such action or probe.
        """
        return self.find(use.provider, use.action)

    def find(self, provider: str, action: str) -> Action | Probe:
        """Return a provider's action or probe by its contract's name.

        Raises:
            PluginError: the provider cannot be had, or offers no such action or probe.
        """
        kind = self._kinds.get((provider, action))
        if kind is None:
            maker = self.named(provider)
            found = maker.contracts().get(action)
            if found is None:
                raise PluginError(provider, f"offers no {action}", hint="relight plugins shows what it offers")
            kind = self._kinds[provider, action] = found(maker)
        return kind

    async def close(self) -> None:
        """Close all of them at once; one that cannot be closed in time is left."""
        made, self._made, self._kinds = list(self._made.values()), {}, {}
        closing = [asyncio.ensure_future(_closed(provider)) for provider in made]
        if closing:
            _, left = await asyncio.wait(closing, timeout=CLOSE_S)
            for each in left:
                each.cancel()


async def _closed(provider: Provider) -> None:
    with suppress(Exception):
        await provider.close()
