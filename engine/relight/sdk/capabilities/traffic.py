"""Where traffic goes, and how fast what waited is let go."""

from typing import Annotated

from pydantic import Field

from relight.sdk.plugin import Arguments, Contract, Result
from relight.sdk.values import Duration, Percent, Rate

PRIMARY = "primary"
"""The pool where a surface's traffic belongs."""


class ReleaseQueueArgs(Arguments):
    """What ``queue.release`` takes."""

    queue: Annotated[str, Field(description="The queue")] = "default"
    max_rate: Annotated[Rate | None, Field(description="Items released a second, or none")] = None
    drop_older_than: Annotated[Duration | None, Field(description="Older items are set aside, not run")] = None


class ReleaseQueueResult(Result):
    """What ``queue.release`` gives."""

    depth: Annotated[int, Field(description="Items that wait afterwards")]
    set_aside: Annotated[int, Field(description="Items too old to run, kept aside")] = 0


QUEUE_RELEASE = Contract(
    name="queue.release",
    title="Release a backlog at a bounded rate",
    args=ReleaseQueueArgs,
    result=ReleaseQueueResult,
    idempotent=True,
    key_args=("queue",),
    neutral={"max_rate": "none"},
    lasting=True,
    reads_value=True,
    timeout_s=60.0,
)


class FailoverArgs(Arguments):
    """What ``traffic.failover`` takes."""

    surface: Annotated[str, Field(description="The surface whose traffic moves")] = "consumer"
    to: Annotated[str, Field(description="The pool that takes the share; primary is where it belongs")] = "fallback"
    percent: Annotated[Percent, Field(description="Share of traffic on it")] = 100.0


class FailoverResult(Result):
    """What ``traffic.failover`` gives."""

    weights: Annotated[dict[str, float], Field(description="Pool to share of traffic, as the edge says then")] = {}


TRAFFIC_FAILOVER = Contract(
    name="traffic.failover",
    title="Move a share of a surface's traffic to another pool",
    args=FailoverArgs,
    result=FailoverResult,
    idempotent=True,
    # A surface's traffic is one thing, wherever it goes: back on the primary pool nothing is in force.
    key_args=("surface",),
    neutral={"to": PRIMARY, "percent": 100},
    lasting=True,
    reads_value=True,
    timeout_s=60.0,
)


class PoolArgs(Arguments):
    """What ``traffic.pool`` takes."""

    pool: Annotated[str, Field(description="The pool")] = "fallback"


class PoolResult(Result):
    """What ``traffic.pool`` gives."""

    healthy: Annotated[bool, Field(description="Whether it could take traffic now")]
    nodes: Annotated[int, Field(description="Nodes that answer")] = 0
    breaker: Annotated[str, Field(description="closed, open or half-open")] = "closed"
    share: Annotated[float, Field(description="Share of traffic on it now, 0 to 100")] = 0.0


TRAFFIC_POOL = Contract(
    name="traffic.pool",
    title="Read whether a pool could take traffic, and its breaker",
    args=PoolArgs,
    result=PoolResult,
    effect="read",
    timeout_s=10.0,
)
