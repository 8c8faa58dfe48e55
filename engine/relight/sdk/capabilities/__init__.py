"""The capabilities that the project defines, each a contract that any provider may fulfil.

Runbooks are written against these; a site binds them to providers.
One conformance suite (``relight.testing``) judges every provider of them.
"""

from relight.sdk.capabilities.admission import ADMISSION_THROTTLE, RetryAfter, ThrottleArgs, ThrottleResult
from relight.sdk.capabilities.deploy import (
    DEPLOY_COMPATIBLE,
    DEPLOY_CURRENT,
    DEPLOY_FREEZE,
    DEPLOY_ROLLBACK,
    DEPLOY_UNFREEZE,
    CompatibleResult,
    CurrentResult,
    FreezeArgs,
    ReleaseArgs,
    RollbackResult,
    ServiceArgs,
)
from relight.sdk.capabilities.done import Done
from relight.sdk.capabilities.edge import (
    CACHE_WARM,
    EDGE_SCALE,
    EDGE_SERVE,
    ScaleArgs,
    ScaleResult,
    ServeArgs,
    ServeResult,
    WarmArgs,
    WarmResult,
)
from relight.sdk.capabilities.reading import (
    HTTP_PROBE,
    METRIC_QUERY,
    HttpProbeArgs,
    HttpProbeResult,
    MetricArgs,
    MetricResult,
)
from relight.sdk.capabilities.sessions import (
    SESSIONS_FLUSH,
    SESSIONS_RESTORE,
    FlushArgs,
    FlushResult,
    RestoreArgs,
    RestoreResult,
)
from relight.sdk.capabilities.telling import NOTIFY, STATUS_PUBLISH, NotifyArgs, PublishArgs
from relight.sdk.capabilities.traffic import (
    PRIMARY,
    QUEUE_RELEASE,
    TRAFFIC_FAILOVER,
    TRAFFIC_POOL,
    FailoverArgs,
    FailoverResult,
    PoolArgs,
    PoolResult,
    ReleaseQueueArgs,
    ReleaseQueueResult,
)
from relight.sdk.plugin import Contract

__all__ = [
    "ADMISSION_THROTTLE",
    "ALL",
    "CACHE_WARM",
    "DEPLOY_COMPATIBLE",
    "DEPLOY_CURRENT",
    "DEPLOY_FREEZE",
    "DEPLOY_ROLLBACK",
    "DEPLOY_UNFREEZE",
    "EDGE_SCALE",
    "EDGE_SERVE",
    "HTTP_PROBE",
    "METRIC_QUERY",
    "NOTIFY",
    "PRIMARY",
    "QUEUE_RELEASE",
    "SESSIONS_FLUSH",
    "SESSIONS_RESTORE",
    "STATUS_PUBLISH",
    "TRAFFIC_FAILOVER",
    "TRAFFIC_POOL",
    "CompatibleResult",
    "CurrentResult",
    "Done",
    "FailoverArgs",
    "FailoverResult",
    "FlushArgs",
    "FlushResult",
    "FreezeArgs",
    "HttpProbeArgs",
    "HttpProbeResult",
    "MetricArgs",
    "MetricResult",
    "NotifyArgs",
    "PoolArgs",
    "PoolResult",
    "PublishArgs",
    "ReleaseArgs",
    "ReleaseQueueArgs",
    "ReleaseQueueResult",
    "RestoreArgs",
    "RestoreResult",
    "RetryAfter",
    "RollbackResult",
    "ScaleArgs",
    "ScaleResult",
    "ServeArgs",
    "ServeResult",
    "ServiceArgs",
    "ThrottleArgs",
    "ThrottleResult",
    "WarmArgs",
    "WarmResult",
]

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
