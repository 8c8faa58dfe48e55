"""Capabilities bound to the site's providers: who is called, with what, and what that means for the ledger."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from relight.errors import PluginError
from relight.kernel.plan import Effect, ExpressionFailed, Tree, Use
from relight.runbook.arguments import Wrong, judge_arguments
from relight.runbook.complaints import did_you_mean
from relight.runbook.expressions import CelExpression, embedded, whole_name
from relight.runbook.offers import Nothing
from relight.runbook.parts import Part
from relight.runbook.planning import Planning, is_late
from relight.runbook.site_document import Binding
from relight.runbook.template import is_template
from relight.runbook.yaml12 import plain
from relight.sdk.capabilities import NOTIFY
from relight.sdk.plugin import Contract, Plugin

SLIP = 0.8
"""How much alike two families are when one is taken for a slip: `session.*` for `sessions.*` is 0.95."""
_RANKS: dict[Effect, int] = {"read": 0, "write": 1, "destructive": 2}


@dataclass(frozen=True, slots=True)
class Bound:
    """A capability with the provider that fulfils it here."""

    capability: str
    provider: str
    contract: Contract
    binding: Binding | None = None


class Binder:
    """Finds the provider of every capability that a runbook names."""

    def __init__(self, planning: Planning) -> None:
        self._planning = planning
        self._unusable: set[str] = set()

    def use(self, part: Part, key: str, *, probe: bool, effect: Effect | None = None, extra: Tree = None) -> Use | None:
        """Return what the action or probe at *key* of *part* is here; None where complaints were filed.

        Args:
            part: A step, probe, check, settle or undo.
            key: ``action`` or ``probe``.
            probe: Whether it may only read.
            effect: What the step raises the effect to.
            extra: Arguments that others set in the run, such as a ramp's; for judging alone.
        """
        name = getattr(part, key)
        bound = self.bound(name, part, key)
        if bound is None:
            return None
        contract = bound.contract
        if (contract.effect == "read") != probe:
            kind, other = ("a probe", "an action") if probe else ("an action", "a probe")
            message = f"{name} is {other} of {bound.provider!r}, and {kind} belongs here"
            hint = f"`relight plugins` says what {bound.provider!r} offers"
            self._planning.here.add("RL408", part.place(key), message, hint)
            return None
        args = self._arguments(part, bound, extra or {})
        raised: Effect = effect if effect and _RANKS[effect] > _RANKS[contract.effect] else contract.effect
        idempotent = contract.idempotent
        return Use(
            capability=name,
            provider=bound.provider,
            action=contract.name,
            args=args,
            effect=raised,
            idempotent=args.get(idempotent) is True if isinstance(idempotent, str) else idempotent,
            key_args=contract.key_args,
            neutral=dict(contract.neutral),
            lasting=contract.lasting,
            reads_value=contract.reads_value,
            timeout_ms=None if contract.timeout_s is None else round(contract.timeout_s * 1_000),
            title=contract.title,
        )

    def notice(self, item: Part, to: str) -> Use | None:
        """Return how *to* is told here; None where the site binds no ``notify``."""
        bind = self._planning.site.bind
        anything = "*" in bind and self._contract(bind["*"].provider, NOTIFY.name, NOTIFY.name) is not None
        bound = self.bound(NOTIFY.name, item, "notify") if NOTIFY.name in bind or anything else None
        if bound is None:
            return None
        own: dict[str, Tree] = {"to": to}
        args = {**self._added(item, bound, own), **own}
        return Use(
            capability=NOTIFY.name, provider=bound.provider, action=bound.contract.name, args=args, effect="write"
        )

    def able(self, capability: str) -> list[str]:
        """Return the site's providers that offer *capability*, bound to it or not."""
        providers = self._planning.site.providers
        return [provider for provider in providers if self._contract(provider, capability, capability) is not None]

    def bound(self, name: str, part: Part, key: str) -> Bound | None:
        """Return who fulfils *name* here; None where nobody does, and then that is complained of."""
        family, _, verb = name.partition(".")
        bind = self._planning.site.bind
        for pattern in (name, f"{family}.*"):
            if pattern in bind:
                return self._offered(name, bind[pattern].provider, part, key, bind[pattern])
        if "*" in bind and self._contract(bind["*"].provider, name, name) is not None:
            return self._offered(name, bind["*"].provider, part, key, bind["*"])
        if verb and family in self._planning.site.providers:
            return self._offered(name, family, part, key, None)
        if verb and self._planning.offers.is_plugin(family):
            return self._offered(name, family, part, key, None)
        self._unbound(name, part, key)
        return None

    def _unbound(self, name: str, part: Part, key: str) -> None:
        site = self._planning.site
        able = self.able(name)
        where = self._planning.there.source.name
        if able:
            hint = f"add `{name}: {able[0]}` to bind in {where}"
        else:
            hint = f"add it to bind in {where}; none of its providers offers it"
        # Only what no capability is called like can be a slip of the pen.
        odd = [pattern for pattern in site.bind if pattern.partition(".")[0] not in self._planning.offers.families()]
        slip = get_close_matches(f"{name.partition('.')[0]}.*", odd, n=1, cutoff=SLIP)
        if slip:
            hint = f"bind in {where} has {slip[0]!r}: is that a slip?"
        self._planning.here.add("RL601", part.place(key), f"the site {site.site!r} does not bind {name!r}", hint)

    def _offered(self, name: str, provider: str, part: Part, key: str, binding: Binding | None) -> Bound | None:
        verb = name.partition(".")[2]
        contract = self._contract(provider, name, verb)
        if contract is not None:
            self.note(provider)
            return Bound(name, provider, contract, binding)
        plugin = self.plugin(provider)
        if plugin is not None:
            hint = did_you_mean(name, plugin.provider.contracts())
            message = f"provider {provider!r} ({plugin.name}) does not offer {name!r}"
            self._planning.here.add("RL604", part.place(key), message, hint)
        return None

    def _contract(self, provider: str, name: str, verb: str) -> Contract | None:
        plugin = self.plugin(provider)
        if plugin is None:
            return None
        contracts = plugin.provider.contracts()
        kind = contracts.get(name) or contracts.get(verb)
        return kind.contract if kind else None

    def plugin(self, provider: str) -> Plugin | None:
        """Return the plugin behind a provider; None where it cannot be had, and then that is complained of once."""
        configured = self._planning.site.providers.get(provider)
        use = configured.use if configured else provider
        try:
            plugin = self._planning.offers.registry.get(use)
        except PluginError as error:
            message, hint = error.message, error.hint
        else:
            if plugin is not None:
                return plugin
            message = f"the plugin {use!r} is not installed"
            hint = did_you_mean(use, self._planning.offers.registry.names())
        if configured is not None and use not in self._unusable:
            self._unusable.add(use)
            self._planning.there.add("RL603", configured.place("use"), message, hint)
        return None

    def note(self, provider: str) -> None:
        """Take a provider into the plan, its configuration frozen and judged."""
        planning = self._planning
        if provider in planning.providers:
            return
        configured = planning.site.providers.get(provider)
        if configured is None:
            planning.providers[provider] = {"use": provider}
            return
        config = {key: site_tree(planning, configured, key) for key in configured.model_extra or {}}
        planning.providers[provider] = {"use": configured.use, **config}
        plugin = self.plugin(provider)
        if plugin is None:
            return
        contract = Contract(name=f"provider {provider}", title="", args=plugin.provider.Config, result=Nothing)
        for wrong in judge_arguments(contract, config, is_late):
            planning.there.mask(wrong.secret)
            at = configured.key_place(str(wrong.path[0])) if wrong.is_key else configured.place(*wrong.path)
            planning.there.add("RL605", at, wrong.message, wrong.hint)

    # ---- arguments

    def _arguments(self, part: Part, bound: Bound, extra: dict[str, Any]) -> dict[str, Tree]:
        own = self._planning.tree(part, "with") or {}
        args = {**self._added(part, bound, own), **own}
        for name in bound.contract.key_args:
            field = bound.contract.args.model_fields.get(name)
            if name not in args and field is not None and not field.is_required():
                args[name] = plain(field.get_default(call_default_factory=True))
        for wrong in judge_arguments(bound.contract, {**args, **extra}, is_late, name=bound.capability):
            self._planning.here.mask(wrong.secret)
            self._planning.there.mask(wrong.secret)
            self._wrong(part, bound, own, wrong)
        return {key: _without_percent_sign(bound.contract, key, value) for key, value in args.items()}

    def _added(self, part: Part, bound: Bound, own: dict[str, Tree]) -> dict[str, Tree]:
        """Return the binding's arguments; ``args.*`` in them reads the step's own."""
        binding = bound.binding
        if binding is None:
            return {}
        added: dict[str, Tree] = {}
        for key, value in binding.with_.items():
            added[key] = self._read_args(part, binding, key, value, own)
        return added

    def _read_args(self, part: Part, binding: Binding, key: str, value: Any, own: dict[str, Tree]) -> Tree:
        if isinstance(value, dict):
            return {name: self._read_args(part, binding, key, item, own) for name, item in value.items()}
        if isinstance(value, list):
            return [self._read_args(part, binding, key, item, own) for item in value]
        if not is_template(value):
            return plain(value)
        name = whole_name(value)
        if name is not None and name.startswith("args.") and name.removeprefix("args.") in own:
            return own[name.removeprefix("args.")]
        expression = embedded(value)
        assert isinstance(expression, CelExpression)
        known = {name: item for name, item in own.items() if not _holds_late(item)}
        try:
            return expression.value({**self._planning.scope, "args": known})
        except ExpressionFailed as failed:
            hint = f"it is read for line {part.place().line} of {self._planning.here.source.name}"
            at = binding.place("with", key)
            self._planning.there.add("RL613", at, f"this fails here: {failed}", hint)
            return expression

    def _wrong(self, part: Part, bound: Bound, own: dict[str, Tree], wrong: Wrong) -> None:
        first = wrong.path[0] if wrong.path else None
        if bound.binding is not None and first in bound.binding.with_ and first not in own:
            self._planning.there.add(wrong.code, bound.binding.place("with", *wrong.path), wrong.message, wrong.hint)
            return
        self._planning.here.add(wrong.code, part.place("with", *wrong.path), wrong.message, wrong.hint)


def site_tree(planning: Planning, part: Part, key: str) -> Any:
    """Return a value of the site with its ``${{ site.* }}`` evaluated."""

    def frozen(tree: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(tree, dict):
            return {name: frozen(item, (*path, name)) for name, item in tree.items()}
        if isinstance(tree, list):
            return [frozen(item, (*path, index)) for index, item in enumerate(tree)]
        expression = embedded(tree) if isinstance(tree, str) else tree
        if not isinstance(expression, CelExpression):
            return tree
        try:
            return expression.value({"site": planning.site.scope()})
        except ExpressionFailed as failed:
            at = part.place(key, *path)
            planning.there.add("RL613", at, f"this fails here: {failed}", "look at values of this site")
            return tree

    return frozen(part.raw(key), ())


def _holds_late(tree: Tree) -> bool:
    if isinstance(tree, dict):
        return any(map(_holds_late, tree.values()))
    if isinstance(tree, list):
        return any(map(_holds_late, tree))
    return is_late(tree)


def _without_percent_sign(contract: Contract, key: str, value: Tree) -> Tree:
    """Return ``25%`` as 25 where the contract takes a number: the ledger compares values."""
    if not isinstance(value, str) or not value.endswith("%") or key not in contract.args.model_fields:
        return value
    try:
        number = float(value[:-1])
    except ValueError:
        return value
    wrong = judge_arguments(contract, {key: number}, is_late, partial=True)
    is_text = contract.args.model_fields[key].annotation is str
    return value if is_text or any(found.path[:1] == (key,) for found in wrong) else number
