"""The practice site passes the suite that judges every provider, on real processes with a real fault in them."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from relight.sdk import Provider
from relight.testing.providers import ProviderConformance
from relight.testing.samples import Sample
from relight_practice import PracticeSite, plugin
from relight_practice.shape import Shape

pytestmark = [pytest.mark.drill, pytest.mark.timeout(300)]
CORRUPTION_S = 30.0
NODES = ["node-1", "node-2", "node-3"]  # one more than its floor


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeSite]:
    """One site for all of it; its queue stops by itself for nobody, or a rate would change behind the suite's back."""
    never = Shape(breaker_failures=Shape().breaker_window + 1)
    with PracticeSite(tmp_path_factory.mktemp("site"), pace=30, shape=never) as running:
        yield running


class TestPractice(ProviderConformance):
    """Every capability that the shipped runbooks use."""

    plugin = plugin
    site: ClassVar[PracticeSite]
    samples: ClassVar[dict[str, Sample]] = {
        "edge.serve": Sample(args={"nodes": ["node-1"], "serve": False}, other={"nodes": ["node-2"]}),
        "cache.warm": Sample(args={"nodes": ["node-1"]}),
    }

    @pytest.fixture(autouse=True)
    def _site(self, site: PracticeSite) -> None:
        type(self).site = site

    def config(self) -> dict[str, Any]:
        """Return where its control listens."""
        return {"url": self.site.url}

    async def make(self) -> Provider:
        """Return a provider of a site that is open, whole, and runs the bad release."""
        await asyncio.to_thread(self._break)
        return await super().make()

    def _break(self) -> None:
        self.site.request("PUT", "/throttle", {"percent": 100, "max_rate": "none"})
        self.site.request("POST", "/nodes/scale", {"nodes": NODES})
        self.site.request("POST", "/nodes/serve", {"nodes": NODES, "serve": True})
        self.site.request("PUT", "/failover", {"surface": "consumer", "to": "fallback", "percent": 0})
        self.site.request("PUT", "/status", {"surface": "consumer", "state": "operational"})
        if self.site.request("GET", "/deploy")["release"] != 41:
            self.site.request("POST", "/fault", {"kind": "release"})
        deadline = time.monotonic() + CORRUPTION_S
        while not self.site.request("GET", "/sessions")["corrupt"]:
            assert time.monotonic() < deadline, "the bad release corrupts nothing"
            time.sleep(0.05)
