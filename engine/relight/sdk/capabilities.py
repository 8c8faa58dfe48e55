"""The capabilities that the project defines, each a contract that any provider may fulfil.

Runbooks are written against these; a site binds them to providers.
One conformance suite (``relight.testing``) judges every provider of them.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from relight.sdk.plugin import Arguments, Contract, Result
from relight.sdk.values import Duration, Percent, Rate, Share


class Done(Result):
    """Nothing more to say than that it was done."""


# ---- admission


class RetryAfter(Arguments):
    min: Annotated[Duration, Field(description="Shortest wait told to a refused client")] = 30.0
    max: Annotated[Duration, Field(description="Longest wait told to a refused client")] = 90.0


class ThrottleArgs(Arguments):
    surface: Annotated[str, Field(description="The surface whose new sessions are admitted or refused")] = "consumer"
    percent: Annotated[Percent | None, Field(description="Share of new sessions admitted; left out: unchanged")] = None
    max_rate: Annotated[Rate | None, Field(description="Most sessions a second, or none; left out: unchanged")] = None
    retry_after: Annotated[RetryAfter | None, Field(description="Jittered Retry-After that refused clients get")] = None


class ThrottleResult(Result):
    percent: Annotated[float, Field(description="Share admitted, as the edge says afterwards")]
    max_rate: Annotated[Rate, Field(description="Rate limit, as the edge says afterwards")]


ADMISSION_THROTTLE = Contract(
    name="admission.throttle",
    title="Admit only a share of new sessions, and only so many a second",
    args=ThrottleArgs,
    result=ThrottleResult,
    idempotent=True,
    key_args=("surface",),
    neutral={"percent": 100, "max_rate": "none"},
    lasting=True,
    reads_value=True,
    timeout_s=30.0,
)

# ---- deploy


class ServiceArgs(Arguments):
    service: Annotated[str, Field(description="The service that is deployed")] = "auth"


class FreezeArgs(Arguments):
    service: Annotated[str, Field(description="The service whose deploys stop; all: every one")] = "all"


DEPLOY_FREEZE = Contract(
    name="deploy.freeze",
    title="Stop deploys and autoscalers",
    args=FreezeArgs,
    result=Done,
    idempotent=True,
    key_args=("service",),
    lasting=True,
    timeout_s=30.0,
)
DEPLOY_UNFREEZE = Contract(
    name="deploy.unfreeze",
    title="Let deploys and autoscalers go on",
    args=FreezeArgs,
    result=Done,
    idempotent=True,
    key_args=("service",),
    timeout_s=30.0,
)


class ReleaseArgs(Arguments):
    service: Annotated[str, Field(description="The service that is deployed")] = "auth"
    to: Annotated[str | int, Field(description="A release, or previous")] = "previous"


class RollbackResult(Result):
    release: Annotated[str | int, Field(description="The release that runs afterwards on every instance")]
    instances: Annotated[int, Field(description="How many instances were moved")] = 0


DEPLOY_ROLLBACK = Contract(
    name="deploy.rollback",
    title="Put a release back on every instance",
    args=ReleaseArgs,
    result=RollbackResult,
    effect="destructive",
    key_args=("service",),
    lasting=True,
    reads_value=True,
    timeout_s=300.0,
)


class CurrentResult(Result):
    release: Annotated[str | int, Field(description="The release that every instance runs, or mixed")]
    previous: Annotated[str | int | None, Field(description="The release before it")] = None
    frozen: Annotated[bool, Field(description="Whether deploys are stopped")] = False


DEPLOY_CURRENT = Contract(
    name="deploy.current",
    title="Read which release runs",
    args=ServiceArgs,
    result=CurrentResult,
    effect="read",
    timeout_s=10.0,
)


class CompatibleResult(Result):
    compatible: Annotated[bool, Field(description="Whether it can read what the newer release wrote")]
    why: Annotated[str, Field(description="What decides it")] = ""


DEPLOY_COMPATIBLE = Contract(
    name="deploy.compatible",
    title="Ask whether a release can run on the data of today",
    args=ReleaseArgs,
    result=CompatibleResult,
    effect="read",
    timeout_s=10.0,
)

# ---- sessions


class FlushArgs(Arguments):
    where: Annotated[Literal["corrupt"], Field(description="Which sessions are moved to quarantine")] = "corrupt"
    batch: Annotated[Share, Field(description="Share of all sessions moved at a time")] = 1.0
    max_share: Annotated[Share, Field(description="Refused before the first is moved if more would be")] = 20.0


class FlushResult(Result):
    moved: Annotated[int, Field(description="Sessions moved to quarantine")]
    seen: Annotated[int, Field(description="Sessions looked at")] = 0


SESSIONS_FLUSH = Contract(
    name="sessions.flush",
    title="Move corrupt sessions to quarantine, never delete them",
    args=FlushArgs,
    result=FlushResult,
    effect="destructive",
    idempotent=True,
    lasting=True,
    timeout_s=600.0,
)


class RestoreArgs(Arguments):
    where: Annotated[
        Literal["all", "valid"], Field(description="Which quarantined sessions come back: all, or those that verify")
    ] = "all"


class RestoreResult(Result):
    restored: Annotated[int, Field(description="Sessions brought back")]
    left: Annotated[int, Field(description="Sessions still in quarantine")] = 0


SESSIONS_RESTORE = Contract(
    name="sessions.restore",
    title="Bring quarantined sessions back",
    args=RestoreArgs,
    result=RestoreResult,
    idempotent=True,
    timeout_s=600.0,
)

# ---- edge


class ScaleArgs(Arguments):
    pool: Annotated[str, Field(description="The pool of nodes")] = "edge"
    add: Annotated[int | None, Field(description="How many nodes to add", ge=0)] = None
    nodes: Annotated[list[str] | None, Field(description="Exactly these nodes; what undo: previous uses")] = None
    serve: Annotated[bool, Field(description="Whether new nodes take traffic at once")] = True


class ScaleResult(Result):
    added: Annotated[list[str], Field(description="Names of the nodes that were added")] = []
    removed: Annotated[list[str], Field(description="Names of the nodes that were removed")] = []
    total: Annotated[int, Field(description="Nodes in the pool afterwards")] = 0


EDGE_SCALE = Contract(
    name="edge.scale",
    title="Add nodes to a pool or remove them, between its floor and its ceiling",
    args=ScaleArgs,
    result=ScaleResult,
    key_args=("pool",),
    lasting=True,
    reads_value=True,
    timeout_s=600.0,
)


class ServeArgs(Arguments):
    nodes: Annotated[list[str], Field(description="The nodes")]
    serve: Annotated[bool, Field(description="Whether they take traffic")] = True


class ServeResult(Result):
    serving: Annotated[list[str], Field(description="Nodes that take traffic afterwards")] = []


EDGE_SERVE = Contract(
    name="edge.serve",
    title="Let nodes take traffic, or drain them",
    args=ServeArgs,
    result=ServeResult,
    idempotent=True,
    key_args=("nodes",),
    lasting=True,
    reads_value=True,
    timeout_s=120.0,
)


class WarmArgs(Arguments):
    nodes: Annotated[list[str], Field(description="The nodes whose caches are filled")]
    max_rate: Annotated[float, Field(description="Requests a second and node", gt=0)] = 50.0


class WarmResult(Result):
    nodes: Annotated[dict[str, float], Field(description="Node to share of hits on the second pass, 0 to 1")] = {}
    hit_share: Annotated[float, Field(description="The worst of them")] = 0.0


CACHE_WARM = Contract(
    name="cache.warm",
    title="Fill the caches of nodes before they take traffic, and measure the hits",
    args=WarmArgs,
    result=WarmResult,
    idempotent=True,
    timeout_s=900.0,
)

# ---- queue, traffic


class ReleaseQueueArgs(Arguments):
    queue: Annotated[str, Field(description="The queue")] = "default"
    max_rate: Annotated[Rate | None, Field(description="Items released a second, or none")] = None
    drop_older_than: Annotated[Duration | None, Field(description="Older items are set aside, not run")] = None


class ReleaseQueueResult(Result):
    depth: Annotated[int, Field(description="Items that wait afterwards")]
    set_aside: Annotated[int, Field(description="Items too old to run, kept aside")] = 0


QUEUE_RELEASE = Contract(
    name="queue.release",
    title="Release a backlog at a bounded rate",
    args=ReleaseQueueArgs,
    result=ReleaseQueueResult,
    idempotent=True,
    key_args=("queue",),
    lasting=True,
    reads_value=True,
    timeout_s=60.0,
)


class FailoverArgs(Arguments):
    surface: Annotated[str, Field(description="The surface whose traffic moves")] = "consumer"
    to: Annotated[str, Field(description="The pool that takes the share")] = "fallback"
    percent: Annotated[Percent, Field(description="Share of traffic on it")] = 100.0


class FailoverResult(Result):
    weights: Annotated[dict[str, float], Field(description="Pool to share of traffic, as the edge says then")] = {}


TRAFFIC_FAILOVER = Contract(
    name="traffic.failover",
    title="Move a share of a surface's traffic to another pool",
    args=FailoverArgs,
    result=FailoverResult,
    idempotent=True,
    key_args=("surface", "to"),
    neutral={"percent": 0},
    lasting=True,
    reads_value=True,
    timeout_s=60.0,
)


class PoolArgs(Arguments):
    pool: Annotated[str, Field(description="The pool")] = "fallback"


class PoolResult(Result):
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

# ---- reading


class MetricArgs(Arguments):
    promql: Annotated[str, Field(description="The query, in the source's language")]
    timeout: Annotated[Duration, Field(description="Longest wait for an answer")] = 5.0


class MetricResult(Result):
    """One data point, or the reason why there is none."""

    kind: Annotated[
        Literal["value", "empty", "nan", "stale", "error"],
        Field(description="Whether there is a value, and if not, why"),
    ]
    value: Annotated[float | None, Field(description="The value")] = None
    at: Annotated[float | None, Field(description="When the data point was taken, seconds since 1970")] = None
    detail: Annotated[str, Field(description="What the source said when there is no value")] = ""


METRIC_QUERY = Contract(
    name="metric.query",
    title="Ask a metrics source for one number",
    args=MetricArgs,
    result=MetricResult,
    effect="read",
    timeout_s=10.0,
)


class HttpProbeArgs(Arguments):
    url: Annotated[str, Field(description="What is asked, with GET")]
    timeout: Annotated[Duration, Field(description="Longest wait for an answer")] = 5.0


class HttpProbeResult(Result):
    status: Annotated[int, Field(description="HTTP status")]
    seconds: Annotated[float, Field(description="How long it took")]
    body: Annotated[Any, Field(description="The answer: parsed where it is JSON, else text, capped")] = None


HTTP_PROBE = Contract(
    name="http.probe",
    title="Ask a URL and read its answer",
    args=HttpProbeArgs,
    result=HttpProbeResult,
    effect="read",
    timeout_s=10.0,
)

# ---- telling people


class PublishArgs(Arguments):
    surface: Annotated[str, Field(description="The surface that is spoken of")] = "consumer"
    state: Annotated[Literal["operational", "degraded", "outage", "maintenance"], Field(description="How it is")]
    retry: Annotated[Literal["wait", "safe"], Field(description="Whether clients may try again")] = "wait"
    advice: Annotated[str, Field(description="What users should do")] = ""


STATUS_PUBLISH = Contract(
    name="status.publish",
    title="Publish a surface's state and whether it is safe to retry",
    args=PublishArgs,
    result=Done,
    idempotent=True,
    key_args=("surface",),
    neutral={"state": "operational"},
    lasting=True,
    reads_value=True,
    timeout_s=10.0,
)


class NotifyArgs(Arguments):
    to: Annotated[str, Field(description="Who is told: a person, a role or a channel")]
    message: Annotated[str, Field(description="What they are told")]


NOTIFY = Contract(
    name="notify",
    title="Tell somebody something",
    args=NotifyArgs,
    result=Done,
    timeout_s=10.0,
)

ALL: dict[str, Contract] = {
    contract.name: contract
    for contract in (
        ADMISSION_THROTTLE,
        DEPLOY_FREEZE,
        DEPLOY_UNFREEZE,
        DEPLOY_ROLLBACK,
        DEPLOY_CURRENT,
        DEPLOY_COMPATIBLE,
        SESSIONS_FLUSH,
        SESSIONS_RESTORE,
        EDGE_SCALE,
        EDGE_SERVE,
        CACHE_WARM,
        QUEUE_RELEASE,
        TRAFFIC_FAILOVER,
        TRAFFIC_POOL,
        METRIC_QUERY,
        HTTP_PROBE,
        STATUS_PUBLISH,
        NOTIFY,
    )
}
"""Every capability by its name."""
