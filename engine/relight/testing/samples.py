"""What the conformance suite asks a provider to do, for each capability."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One harmless call of a capability.

    Attributes:
        args: What it is called with; must differ from what is in force before.
        other: Arguments that name another target than *args* do, which must stay as it is; none: not tried.
        symbolic: Arguments that the value in force shows in other words (``previous`` becomes ``40``).
    """

    args: Mapping[str, Any] = field(default_factory=dict)
    other: Mapping[str, Any] = field(default_factory=dict)
    symbolic: tuple[str, ...] = ()


SAMPLES: Mapping[str, Sample] = {
    "admission.throttle": Sample(args={"percent": 10, "max_rate": 20}, other={"surface": "api"}),
    "deploy.freeze": Sample(args={"service": "auth"}),
    "deploy.unfreeze": Sample(args={"service": "auth"}),
    "deploy.rollback": Sample(args={"service": "auth", "to": "previous"}, symbolic=("to",)),
    "deploy.current": Sample(args={"service": "auth"}),
    "deploy.compatible": Sample(args={"service": "auth"}),
    "sessions.flush": Sample(args={"where": "corrupt", "max_share": 100}),
    "sessions.restore": Sample(args={"where": "all"}),
    "edge.scale": Sample(args={"add": 1, "serve": False}),
    "edge.serve": Sample(args={"nodes": ["edge-1"], "serve": False}, other={"nodes": ["edge-2"]}),
    "cache.warm": Sample(args={"nodes": ["edge-1"]}),
    "queue.release": Sample(args={"max_rate": 5}),
    "traffic.failover": Sample(args={"percent": 25}),
    "traffic.pool": Sample(args={"pool": "edge"}),
    "metric.query": Sample(args={"promql": "relight_no_such_metric_anywhere"}),
    "http.probe": Sample(args={"url": "http://127.0.0.1:9/"}),
    "status.publish": Sample(args={"state": "degraded"}, other={"surface": "api", "state": "operational"}),
    "notify": Sample(args={"to": "ana", "message": "a test of relight"}),
}
"""The suite's own; a subclass overrides those that its world lacks."""
