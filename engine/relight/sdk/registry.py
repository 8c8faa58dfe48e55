"""Finds plugins by entry point, and says which one is guilty when one is wrong.

The scan happens when it is first asked for, never at import: ``relight status`` needs no plugin.
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from relight.errors import PluginError
from relight.sdk.plugin import Action, Plugin, Probe, Provider
from relight.sdk.secrets import Secrets

GROUP = "relight.plugins"


class Registry:
    """The plugins that are installed, loaded one by one when they are asked for."""

    def __init__(self, plugins: dict[str, Plugin] | None = None) -> None:
        self._loaded: dict[str, Plugin] = dict(plugins or {})
        self._found: dict[str, EntryPoint] = (
            {} if plugins is not None else {point.name: point for point in entry_points(group=GROUP)}
        )

    def names(self) -> list[str]:
        """Return the names of all installed plugins."""
        return sorted({*self._loaded, *self._found})

    def get(self, name: str) -> Plugin | None:
        """Return the plugin of that name, or None where none is installed.

        Raises:
            PluginError: it is installed but cannot be loaded or breaks its contract.
        """
        if name not in self._loaded:
            point = self._found.get(name)
            if point is None:
                return None
            self._loaded[name] = _load(point)
        return self._loaded[name]

    def provider(self, name: str, config: dict[str, Any], secrets: Secrets) -> Provider:
        """Return the provider that a plan calls *name*, from its frozen configuration (``{"use": plugin, …}``).

        Raises:
            PluginError: its plugin is not installed or refuses the configuration.
        """
        use = str(config.get("use", name))
        plugin = self.get(use)
        if plugin is None:
            raise PluginError(use, "is not installed", hint=f"installed are: {', '.join(self.names())}")
        try:
            parsed = plugin.provider.Config(**{key: value for key, value in config.items() if key != "use"})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise PluginError(use, f"provider {name}: {where}: {first['msg']}") from None
        return plugin.provider(name, parsed, secrets)


def _load(point: EntryPoint) -> Plugin:
    try:
        plugin = point.load()
    except Exception as error:
        raise PluginError(point.name, f"cannot be loaded: {error.__class__.__name__}: {error}") from error
    if not isinstance(plugin, Plugin):
        raise PluginError(point.name, f"its entry point {point.value} is no relight.sdk.Plugin")
    for kind in (*plugin.provider.actions, *plugin.provider.probes):
        _judge(plugin, kind)
    return plugin


def _judge(plugin: Plugin, kind: type[Action] | type[Probe]) -> None:
    contract = getattr(kind, "contract", None)
    if contract is None:
        raise PluginError(plugin.name, f"{kind.__name__} declares no contract")
    if issubclass(kind, Probe) and contract.effect != "read":
        raise PluginError(plugin.name, f"probe {contract.name} declares effect {contract.effect}; a probe only reads")
    if issubclass(kind, Action) and contract.effect == "read":
        raise PluginError(plugin.name, f"action {contract.name} declares effect read; make it a probe")
    if issubclass(kind, Action) and contract.reads_value and kind.in_force is Action.in_force:
        raise PluginError(plugin.name, f"action {contract.name} declares reads_value but does not implement in_force")
