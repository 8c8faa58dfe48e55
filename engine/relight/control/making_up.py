"""What the actions and probes of a plan might give, made up from what they declare: no provider is made for it."""

from collections.abc import Mapping
from typing import Any

from relight.drivers.rehearsal.calm import MakeUp
from relight.errors import PluginError
from relight.kernel.plan import Json, Plan, Use
from relight.sdk.made_up import made_up
from relight.sdk.plugin import Contract
from relight.sdk.registry import Registry


def maker_up(plan: Plan, registry: Registry) -> MakeUp:
    """Return what makes up results for the actions and probes of *plan*."""

    def make_up(use: Use, args: Mapping[str, Any]) -> Json:
        contract = contract_of(plan, registry, use)
        return made_up(contract, args) if contract is not None else {}

    return make_up


def contract_of(plan: Plan, registry: Registry, use: Use) -> Contract | None:
    """Return what a plugin declares of *use*, None where the plugin cannot be had."""
    plugin_name = str(plan.providers.get(use.provider, {}).get("use", use.provider))
    try:
        plugin = registry.get(plugin_name)
    except PluginError:
        return None
    kind = plugin.provider.contracts().get(use.action) if plugin is not None else None
    return kind.contract if kind is not None else None
