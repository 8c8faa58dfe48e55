"""The model is a simulation like any other."""

from __future__ import annotations

import asyncio
from typing import Any

from relight.sdk import Call, Plugin, Provider, Secrets, Setting
from relight.testing.providers import ProviderConformance
from relight.testing.samples import Sample
from relight.testing.simulations import SimulationConformance
from relight_practice.connection import Connection
from relight_practice.model import SignIn
from relight_practice.model.desk import Desk
from relight_practice.model.parameters import SignInConfig
from relight_practice.provider import PracticeProvider


class TestSignIn(SimulationConformance):
    """Held against the suite that simulations of other people are held against."""

    kind = SignIn
    samples = {
        "edge.serve": Sample(args={"nodes": ["node-1"]}),
        "cache.warm": Sample(args={"nodes": ["node-1"]}),
        "traffic.pool": Sample(args={"pool": "fallback"}),
    }


class PlayedProvider(Connection):
    """The plugin's actions and probes, at a simulated site whose time passes while an order is carried out."""

    actions = PracticeProvider.actions
    probes = PracticeProvider.probes

    def __init__(self, site: SignIn) -> None:
        super().__init__("edge", None, Secrets())
        self._site = site
        tier = site._tier
        self._desk = Desk(tier, site._fleet)

    async def look(self, path: str, **parameters: str) -> Any:
        return self._desk.look(path, parameters)

    async def order(self, method: str, path: str, call: Call, values: dict[str, Any]) -> Any:
        carried_out = self._desk.order(method, path, values)
        try:
            while True:
                await asyncio.sleep(0)  # here it may be cancelled
                until_ms = self._site.now_ms + round(carried_out.send(None) * 1_000)
                self._site.advance(until_ms)
        except StopIteration as end:
            return end.value
        finally:
            carried_out.close()


class TestPlayedActions(ProviderConformance):
    """The model does what every provider of these capabilities must do."""

    plugin = Plugin(name="practice", summary="The practice site on paper", provider=PlayedProvider)
    samples = {
        "edge.serve": Sample(args={"nodes": ["node-1"], "serve": False}, other={"nodes": ["node-2"]}),
        "cache.warm": Sample(args={"nodes": ["node-1"]}),
    }

    async def make(self) -> Provider:
        """Return a provider of a site that is open, has a node more than its floor, and runs the bad release."""
        return PlayedProvider(SignIn(SignInConfig(nodes=3), Setting(pace=10.0)))
