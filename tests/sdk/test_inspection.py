"""A plugin that breaks its contract is refused by name, with every breach, before anybody relies on it."""

import importlib
from typing import Annotated, Any

import pydantic
import pytest
from pydantic import Field

from relight.errors import PluginError
from relight.sdk import Action, Arguments, Call, Contract, Plugin, Probe, Provider, Result, capabilities
from relight.sdk.capabilities import Done
from relight.sdk.inspection import inspect_plugin


class NameArgs(Arguments):
    """Arguments for the tests."""

    name: Annotated[str, Field(description="A name")] = ""
    sure: Annotated[bool, Field(description="A truth value")] = False


class Good(Action):
    """An action that is as it should be."""

    contract = Contract(name="good", title="Do", args=NameArgs, result=Done, idempotent="sure", key_args=("name",))

    async def perform(self, call: Call) -> Result:
        """Do nothing."""
        return Done()


class GoodProbe(Probe):
    """A probe that is as it should be."""

    contract = Contract(name="look", title="Look", args=NameArgs, result=Done, effect="read")

    async def read(self, call: Call) -> Result:
        """Look at nothing."""
        return Done()


def declared(base: type[Any], **changes: Any) -> type[Any]:
    """Return *base* with a contract that differs."""
    fields = {name: getattr(base.contract, name) for name in Contract.__slots__}
    return type("Odd", (base,), {"contract": Contract(**{**fields, **changes})})


def provider(actions: Any = (), probes: Any = (), **more: Any) -> type[Provider]:
    """Return a provider class with these actions and probes."""
    return type("Odd", (Provider,), {"actions": actions, "probes": probes, **more})


class NoPerform(Action):
    """An action that cannot be done."""

    contract = Contract(name="empty", title="Do", args=NameArgs, result=Done)


class Unheard:
    """A type that no model can check."""


class OddArgs(Arguments):
    """Arguments of such a type."""

    what: Annotated[Unheard | None, Field(description="What it is")] = None


class OddResult(Result):
    """A result of such a type."""

    what: Annotated[Unheard | None, Field(description="What it is")] = None


class NotAsync(Action):
    """An action that is no coroutine."""

    contract = Contract(name="blocking", title="Do", args=NameArgs, result=Done)

    def perform(self, call: Call) -> Result:  # type: ignore[override]
        """Block."""
        return Done()


class Nothing(Action):
    """An action without a contract."""

    async def perform(self, call: Call) -> Result:
        """Do nothing."""
        return Done()


BREACHES: list[tuple[Any, str]] = [
    (int, "its provider is not a class derived from Provider"),
    (Good, "its provider is not a class derived from Provider"),
    (provider(Config=dict), "its Config is not a class derived from Arguments"),
    (provider(actions=[Good]), "actions is not a tuple"),
    (provider(probes=None), "probes is not a tuple"),
    (provider(actions=(GoodProbe,)), "is not a class derived from Action"),
    (provider(actions=("good",)), "'good' is not a class derived from Action"),
    (provider(probes=(Good,)), "is not a class derived from Probe"),
    (provider(actions=(Nothing,)), "Nothing declares no contract"),
    (provider(actions=(type("Odd", (Good,), {"contract": "good"}),)), "Odd declares no contract"),
    (provider(actions=(Good, declared(Good))), "good is declared twice"),
    (provider(actions=(NoPerform,)), "empty: NoPerform does not implement perform"),
    (provider(actions=(NotAsync,)), "blocking: NotAsync.perform is not a coroutine"),
    (provider(probes=(declared(GoodProbe, effect="write"),)), "look: a probe only reads, but it declares effect write"),
    (provider(actions=(declared(Good, effect="read"),)), "good: an action changes something"),
    (
        provider(actions=(declared(Good, reads_value=True),)),
        "it declares reads_value, but Odd does not implement in_force",
    ),
    (provider(actions=(declared(Good, key_args=("nme",)),)), "key_args names nme, which is no argument"),
    (provider(actions=(declared(Good, neutral={"nme": 1}),)), "neutral names nme, which is no argument"),
    (provider(actions=(declared(Good, idempotent="name"),)), "idempotent names name, which is no boolean argument"),
    (provider(actions=(declared(Good, idempotent="none"),)), "idempotent names none, which is no boolean argument"),
    (provider(actions=(declared(Good, args=dict),)), "args is not a class derived from Arguments"),
    (provider(actions=(declared(Good, result=dict),)), "result is not a class derived from Result"),
    (provider(actions=(declared(Good, args=OddArgs, key_args=()),)), "args has a type that cannot be checked"),
    (provider(actions=(declared(Good, result=OddResult),)), "result has a type that cannot be checked"),
    (provider(actions=(declared(Good, name="Good One"),)), "a name is made of a-z, 0-9 and _"),
    (provider(actions=(declared(Good, name="admission.throtle"),)), "this relight has no such capability"),
    (provider(actions=(declared(Good, name="notify"),)), "notify: it redefines a capability"),
]


@pytest.mark.parametrize(("kind", "said"), BREACHES, ids=[said for _, said in BREACHES])
def test_each_breach_is_named(kind: Any, said: str) -> None:
    """The plugin's name and what is wrong, in words that its author understands."""
    with pytest.raises(PluginError) as refused:
        inspect_plugin(Plugin(name="odd", summary="Odd", provider=kind), "odd")
    assert refused.value.message.startswith("plugin odd: ")
    assert said in refused.value.message


def test_all_breaches_are_told_at_once() -> None:
    """Its author need not come back for each."""
    kind = provider(actions=(NoPerform, NotAsync), probes=(declared(GoodProbe, effect="write"),))
    with pytest.raises(PluginError) as refused:
        inspect_plugin(Plugin(name="odd", summary="Odd", provider=kind), "other")
    assert all(name in refused.value.message for name in ("empty", "blocking", "look", "calls itself 'odd'"))


@pytest.mark.parametrize("what", [None, 7, Good, "plugin"])
def test_what_is_no_plugin_is_refused(what: object) -> None:
    """An entry point may name anything."""
    with pytest.raises(PluginError, match=r"not a relight\.sdk\.Plugin"):
        inspect_plugin(what, "odd")


def test_a_good_plugin_passes() -> None:
    """And is given back."""
    plugin = Plugin(name="good", summary="Good", provider=provider(actions=(Good,), probes=(GoodProbe,)))
    assert inspect_plugin(plugin, "good") is plugin


@pytest.mark.parametrize("name", ["shell", "http", "prometheus", "ansible", "practice"])
def test_our_own_plugins_pass_and_describe_every_field(name: str) -> None:
    """The same judge for ours as for other people's; ``relight plugins NAME`` leaves nothing unsaid."""
    try:
        plugin = importlib.import_module(f"relight_{name}").plugin
    except ModuleNotFoundError as missing:
        pytest.skip(f"it is not there: {missing}")
    inspect_plugin(plugin, name)
    kinds = [*plugin.provider.actions, *plugin.provider.probes]
    models = [plugin.provider.Config, *(each for kind in kinds for each in (kind.contract.args, kind.contract.result))]
    silent = [
        f"{model.__name__}.{key}"
        for model in models
        for key, info in model.model_fields.items()
        if not info.description
    ]
    assert silent == []


@pytest.mark.parametrize("contract", capabilities.ALL.values(), ids=list(capabilities.ALL))
def test_capabilities_keep_their_own_rules(contract: Contract) -> None:
    """Each is described, names arguments that it has, and has a time limit."""
    assert contract.title[0].isupper()
    assert not contract.title.endswith(".")
    assert contract.timeout_s
    for model in (contract.args, contract.result):
        assert [name for name, info in model.model_fields.items() if not info.description] == []
    assert set(contract.key_args) | set(contract.neutral) <= set(contract.args.model_fields)
    assert contract.effect != "read" or not (contract.lasting or contract.reads_value or contract.neutral)
    for key, value in contract.neutral.items():
        required = {name for name, info in contract.args.model_fields.items() if info.is_required()}
        assert key in contract.args(**{**dict.fromkeys(required, "x"), **contract.neutral}).model_dump()
        assert value is not None


def test_a_jitter_has_its_ends_in_order() -> None:
    """A wait between 90 and 30 seconds is a slip, and is told before it is sent to an edge."""
    assert capabilities.RetryAfter(min="30s", max="90s").max == 90
    with pytest.raises(pydantic.ValidationError, match="min is longer than max"):
        capabilities.RetryAfter(min=90, max=30)
