"""The practice site as a provider: every capability that the shipped runbooks use, on real processes."""

from relight.sdk import Plugin
from relight_practice.connection import PracticeConnection
from relight_practice.repair import (
    Compatible,
    Current,
    Flush,
    Freeze,
    Restore,
    Rollback,
    Scale,
    Serve,
    Unfreeze,
    Warm,
)
from relight_practice.traffic import Failover, Notify, Pool, Publish, ReleaseQueue, Throttle

__all__ = ["PracticeProvider", "plugin"]


class PracticeProvider(PracticeConnection):
    """One practice site."""

    actions = (
        Throttle,
        Freeze,
        Unfreeze,
        Rollback,
        Flush,
        Restore,
        Scale,
        Serve,
        Warm,
        ReleaseQueue,
        Failover,
        Publish,
        Notify,
    )
    probes = (Current, Compatible, Pool)


plugin = Plugin(
    name="practice", summary="Breaks and mends a small sign-in service on this machine", provider=PracticeProvider
)
