"""The model is a simulation like any other."""

from __future__ import annotations

from relight.testing.samples import Sample
from relight.testing.simulations import SimulationConformance
from relight_practice.model import SignIn


class TestSignIn(SimulationConformance):
    """Held against the suite that simulations of other people are held against."""

    kind = SignIn
    samples = {
        "edge.serve": Sample(args={"nodes": ["node-1"]}),
        "cache.warm": Sample(args={"nodes": ["node-1"]}),
        "traffic.pool": Sample(args={"pool": "fallback"}),
    }
