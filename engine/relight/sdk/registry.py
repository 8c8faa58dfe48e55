"""Finds plugins by entry point, and says which one is guilty when one is wrong.

The scan happens when a registry is made, never at import: ``relight status`` needs no plugin.
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from relight.errors import PluginError, RelightError
from relight.sdk.inspection import inspect_plugin
from relight.sdk.plugin import Plugin, Provider
from relight.sdk.secrets import Secrets

GROUP = "relight.plugins"


class Registry:
    """The plugins that are installed, loaded one by one when they are asked for.

    Args:
        plugins: Instead of what is installed.
    """

    def __init__(self, plugins: dict[str, Plugin] | None = None) -> None:
        self._loaded: dict[str, Plugin] = dict(plugins or {})
        self._found: dict[str, list[EntryPoint]] = {}
        for point in entry_points(group=GROUP) if plugins is None else ():
            self._found.setdefault(point.name, []).append(point)

    def including(self, plugin: Plugin) -> "Registry":
        """Return these plugins and one more, which nobody installed."""
        more = Registry({**self._loaded, plugin.name: plugin})
        more._found = self._found
        return more

    def names(self) -> list[str]:
        """Return the names of all installed plugins."""
        return sorted({*self._loaded, *self._found})

    def origin(self, name: str) -> str:
        """Return the distribution that brings the plugin, as in ``relight 0.1.0``; empty where that is not known."""
        return " and ".join(_origin(point) for point in self._found.get(name, ()))

    def get(self, name: str) -> Plugin | None:
        """Return the plugin of that name, or None where none is installed.

        Raises:
            PluginError: it is installed but cannot be loaded or breaks its contract; others are not concerned.
        """
        if name not in self._loaded:
            points = self._found.get(name)
            if not points:
                return None
            if len({point.value for point in points}) > 1:
                raise PluginError(
                    name, f"two distributions bring it: {self.origin(name)}", hint="uninstall one of them"
                )
            self._loaded[name] = inspect_plugin(_load(points[0]), name)
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
            return plugin.provider(name, parsed, secrets)
        except ValidationError as error:
            raise PluginError(use, f"provider {name}: {_said(error, plugin)}") from None
        except RelightError:
            raise
        except Exception as error:
            raise PluginError(use, f"provider {name} cannot be made: {error.__class__.__name__}: {error}") from error


def _load(point: EntryPoint) -> object:
    try:
        return point.load()
    except (Exception, SystemExit) as error:
        raise PluginError(
            point.name,
            f"({_origin(point)}) cannot be loaded: {error.__class__.__name__}: {error}",
            hint="mend or uninstall it; other plugins go on working",
        ) from error


def _said(error: ValidationError, plugin: Plugin) -> str:
    """Return every complaint, with its key and without the value, which may be a secret in the wrong place."""
    said = []
    for each in error.errors(include_input=False, include_url=False, include_context=False):
        where = ".".join(str(part) for part in each["loc"])
        if each["type"] == "extra_forbidden":
            said.append(f"{where}: there is no such key; it takes {', '.join(plugin.provider.Config.model_fields)}")
        elif each["type"] == "missing":
            said.append(f"{where}: is missing")
        else:
            said.append(f"{where}: {each['msg'].removeprefix('Value error, ')}")
    return "; ".join(said)


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
