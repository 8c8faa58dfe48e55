"""The conformance suite for providers of capabilities.

::

    class TestMyEdge(ProviderConformance):
        plugin = my_edge.plugin

        def config(self):
            return {"url": "http://127.0.0.1:8400"}

Each test makes a provider of its own and looks at every capability that it offers; the rest is skipped.
The world behind it needs an ``auth`` service with two releases, some corrupt sessions, and nodes that ``samples`` name,
as far as the provider speaks of them at all.
"""

import asyncio
import functools
import unittest
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from relight.sdk import Action, Contract, Plugin, Probe, Provider, Secrets
from relight.sdk.capabilities import ALL
from relight.sdk.inspection import inspect_plugin
from relight.sdk.registry import Registry
from relight.testing.calling import (
    assert_cancellable,
    assert_promised,
    assert_refused,
    assert_same,
    call_for,
    in_force,
    perform,
    read,
    way_back,
)
from relight.testing.samples import SAMPLES, Sample

T = TypeVar("T")


class ProviderConformance:
    """What every provider of a capability does; a subclass names the plugin and its configuration."""

    plugin: Plugin
    samples: ClassVar[Mapping[str, Sample]] = {}
    """Those that differ from the suite's own."""

    def config(self) -> dict[str, Any]:
        """Return the provider's configuration, as a site would write it, without ``use``."""
        return {}

    async def make(self) -> Provider:
        """Return a provider whose world is as it was for every other test."""
        registry = Registry({self.plugin.name: self.plugin})
        return registry.provider("tested", {"use": self.plugin.name, **self.config()}, Secrets())

    async def observe(self, provider: Provider) -> Any:
        """Return the world as far as one can see: whatever must be equal when nothing has changed."""
        return {
            action.contract.name: await in_force(action, self.sample(action.contract).args)
            for action in self.actions(provider)
            if action.contract.reads_value
        }

    # ---- what the tests are made of

    def sample(self, contract: Contract) -> Sample:
        """Return what *contract* is tried with."""
        return self.samples.get(contract.name, SAMPLES[contract.name])

    def actions(self, provider: Provider, *names: str) -> Iterator[Action]:
        """Yield the provider's actions that fulfil capabilities: all, or those called *names*."""
        for kind in provider.actions:
            if kind.contract.name in ALL and (not names or kind.contract.name in names):
                yield kind(provider)

    def probes(self, provider: Provider, *names: str) -> Iterator[Probe]:
        """Yield the provider's probes that fulfil capabilities: all, or those called *names*."""
        for kind in provider.probes:
            if kind.contract.name in ALL and (not names or kind.contract.name in names):
                yield kind(provider)

    def needs(self, *names: str) -> None:
        """Skip unless the provider offers all of *names*."""
        missing = sorted(set(names) - set(self.plugin.provider.contracts()))
        if missing:
            raise unittest.SkipTest(f"{self.plugin.name} does not offer {', '.join(missing)}")

    def each(self, wanted: Callable[[Contract], bool], try_it: Callable[[Action], Awaitable[None]]) -> None:
        """Try every wanted action, each with a provider of its own; skip when there is none."""
        contracts = (kind.contract for kind in self.plugin.provider.actions)
        names = [contract.name for contract in contracts if contract.name in ALL and wanted(contract)]
        if not names:
            raise unittest.SkipTest(f"{self.plugin.name} offers no such capability")

        async def body(name: str, provider: Provider) -> None:
            await try_it(next(self.actions(provider, name)))

        for name in names:
            self.run(functools.partial(body, name))

    def run(self, body: Callable[[Provider], Awaitable[T]]) -> T:
        """Run *body* with a provider, and let go of it afterwards."""

        async def whole() -> T:
            provider = await self.make()
            try:
                return await body(provider)
            finally:
                await provider.close()

        return asyncio.run(whole())

    # ---- the tests

    def test_the_plugin_keeps_its_declarations(self) -> None:
        """Nothing that it declares contradicts itself."""
        inspect_plugin(self.plugin, self.plugin.name)

    def test_the_provider_answers(self) -> None:
        """``doctor`` and ``run`` ask every provider whether the other side answers, and print one line."""
        said = self.run(lambda provider: provider.ping())
        assert said, "ping says nothing"
        assert "\n" not in said, "ping says more than one line"

    def test_results_are_what_was_promised(self) -> None:
        """A result has the contract's type and fits into a journal as JSON."""

        async def try_it(action: Action) -> None:
            result = await perform(action, self.sample(action.contract).args)
            assert_promised(action.contract, result)

        self.each(lambda _contract: True, try_it)

    def test_probes_read_and_change_nothing(self) -> None:
        """Probes, previews and values in force may be read as often as anybody likes."""

        async def body(provider: Provider) -> None:
            before = await self.observe(provider)
            for probe in self.probes(provider):
                assert_promised(probe.contract, await read(probe, self.sample(probe.contract).args))
            for action in self.actions(provider):
                said = await action.preview(call_for(action.contract, self.sample(action.contract).args))
                assert "\n" not in said, f"{action.contract.name}: preview says more than one line"
            assert_same(before, await self.observe(provider), "reading")

        self.run(body)

    def test_what_was_in_force_can_be_put_back(self) -> None:
        """``undo: previous`` gives the action what ``in_force`` said before."""

        async def try_it(action: Action) -> None:
            sample, name = self.sample(action.contract), action.contract.name
            if action.contract.neutral:  # an earlier test of the same place may have left the sample in force
                await perform(action, way_back(action.contract, None, sample.args))
            before = await in_force(action, sample.args)
            await perform(action, sample.args)
            after = await in_force(action, sample.args)
            assert after != before, f"{name}: in_force says {before} before and after {dict(sample.args)}"
            for key, value in sample.args.items():
                if key not in sample.symbolic and key in (after or {}):
                    assert_same(value, (after or {})[key], f"{name}: in_force after it was done, {key}")
            await perform(action, way_back(action.contract, before, sample.args))
            assert_same(before, await in_force(action, sample.args), f"{name}: putting back {before}")

        self.each(lambda contract: contract.reads_value, try_it)

    def test_an_idempotent_action_done_twice_is_done_once(self) -> None:
        """A driver that does not know whether it happened does it again, with the same key."""

        async def try_it(action: Action) -> None:
            args = self.sample(action.contract).args
            await perform(action, args, key="again")
            once = await self.observe(action.provider)
            await perform(action, args, key="again")
            assert_same(once, await self.observe(action.provider), f"{action.contract.name} a second time")

        self.each(lambda contract: contract.idempotent is True, try_it)

    def test_another_target_stays_as_it_is(self) -> None:
        """The arguments that name the target keep effects apart."""

        async def try_it(action: Action) -> None:
            sample = self.sample(action.contract)
            if not sample.other:
                return
            before = await in_force(action, sample.other)
            await perform(action, sample.args)
            assert_same(before, await in_force(action, sample.other), f"{action.contract.name}: the other target")

        self.each(lambda contract: bool(contract.key_args and contract.reads_value), try_it)

    def test_neutral_arguments_clear_the_effect(self) -> None:
        """At the neutral arguments nothing is in force any more, and the ledger forgets the effect."""

        async def try_it(action: Action) -> None:
            contract, args = action.contract, self.sample(action.contract).args
            await perform(action, args)
            await perform(action, way_back(contract, None, args))
            left = await in_force(action, args) or contract.neutral
            for key, value in contract.neutral.items():
                assert_same(value, left.get(key), f"{contract.name}: {key} at its neutral arguments")

        self.each(lambda contract: bool(contract.neutral and contract.reads_value), try_it)

    def test_too_large_a_share_is_refused_before_anything_is_touched(self) -> None:
        """``max_share`` is a promise: it is judged before the first session is moved."""
        self.needs("sessions.flush")

        async def body(provider: Provider) -> None:
            flush = next(self.actions(provider, "sessions.flush"))
            await assert_refused(flush, {**self.sample(flush.contract).args, "max_share": 0})
            moved = await perform(flush, self.sample(flush.contract).args)
            assert getattr(moved, "moved", 0) > 0, "the world of the test has no corrupt sessions left to move"

        self.run(body)

    def test_flushed_sessions_come_back(self) -> None:
        """Quarantine deletes nothing: what was moved is restored, or left where its user has a newer one."""
        self.needs("sessions.flush", "sessions.restore")

        async def body(provider: Provider) -> None:
            flush = next(self.actions(provider, "sessions.flush"))
            restore = next(self.actions(provider, "sessions.restore"))
            moved: Any = await perform(flush, self.sample(flush.contract).args)
            back: Any = await perform(restore, {"where": "all"})
            lost = moved.moved - back.restored - back.left
            assert lost <= 0, (
                f"{moved.moved} were moved, {back.restored} restored and {back.left} left: {lost} are lost"
            )

        self.run(body)

    def test_a_pool_keeps_its_floor_and_its_ceiling(self) -> None:
        """No step takes a pool below its floor or above its ceiling, and the refusal comes first."""
        self.needs("edge.scale")

        async def body(provider: Provider) -> None:
            scale = next(self.actions(provider, "edge.scale"))
            before = await in_force(scale, self.sample(scale.contract).args)
            await assert_refused(scale, {"nodes": []})
            await assert_refused(scale, {"add": 10_000})
            assert_same(before, await in_force(scale, self.sample(scale.contract).args), "a refused scaling")

        self.run(body)

    def test_a_freeze_is_seen(self) -> None:
        """``deploy.current`` shows the freeze, and unfreezing ends it."""
        self.needs("deploy.freeze", "deploy.unfreeze", "deploy.current")

        async def body(provider: Provider) -> None:
            current = next(self.probes(provider, "deploy.current"))
            for name, frozen in (("deploy.freeze", True), ("deploy.unfreeze", False)):
                action = next(self.actions(provider, name))
                await perform(action, self.sample(action.contract).args)
                seen = await read(current, self.sample(current.contract).args)
                assert_same(frozen, getattr(seen, "frozen", None), f"frozen after {name}")

        self.run(body)

    def test_a_metric_without_data_is_an_answer_and_no_error(self) -> None:
        """A missing series is told apart from a value; nothing is raised, and nothing turns to zero."""
        self.needs("metric.query")

        async def body(provider: Provider) -> None:
            query = next(self.probes(provider, "metric.query"))
            answer: Any = await read(query, self.sample(query.contract).args)
            assert answer.kind in {"empty", "stale", "error"}, f"a metric that is not there gives {answer}"
            assert answer.value is None, f"there is no value, but it says {answer.value}"

        self.run(body)

    def test_cancelling_returns_promptly(self) -> None:
        """An abort is not kept waiting, at whatever moment it comes, and the provider can be used afterwards."""

        async def try_it(action: Action) -> None:
            for after_s in (0.0, 0.02):
                await assert_cancellable(action, self.sample(action.contract).args, after_s)
            await action.provider.ping()

        self.each(lambda _contract: True, try_it)
