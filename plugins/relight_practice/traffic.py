"""Who is let in, and where they are sent: admission, failover, the queue behind, and what users are told."""

from typing import Any, ClassVar

from relight.sdk import Action, Call, Failed, Probe, Result, capabilities
from relight.sdk.capabilities import (
    Done,
    FailoverArgs,
    FailoverResult,
    NotifyArgs,
    PoolArgs,
    PoolResult,
    PublishArgs,
    ReleaseQueueArgs,
    ReleaseQueueResult,
    ThrottleArgs,
    ThrottleResult,
)
from relight_practice.connection import Connection

SURFACE, QUEUE = "consumer", "default"


class SiteAction(Action):
    """An action of the practice site."""

    provider: Connection


class SiteProbe(Probe):
    """A probe of the practice site."""

    provider: Connection


class Throttle(SiteAction):
    """Admission control at the edge."""

    contract = capabilities.ADMISSION_THROTTLE
    settled: ClassVar[dict[str, Any]] = {"percent": 100.0, "max_rate": "none"}

    async def perform(self, call: Call) -> Result:
        """Set what is given; what is left out stays."""
        args: ThrottleArgs = call.args
        if args.surface != SURFACE:
            raise Failed(f"the surface {args.surface} has no admission control; {SURFACE} has", retry=False)
        values = args.model_dump(mode="json", exclude_none=True)
        now = await self.provider.order("PUT", "/throttle", call, values)
        return ThrottleResult(percent=now["percent"], max_rate=now["max_rate"])

    async def in_force(self, call: Call) -> dict[str, Any] | None:
        """Return what the edge says."""
        args: ThrottleArgs = call.args
        if args.surface != SURFACE:
            return None
        now: dict[str, Any] = await self.provider.look("/throttle")
        return None if all(now[name] == value for name, value in self.settled.items()) else now

    async def preview(self, call: Call) -> str:
        """Compare with what is in force."""
        args: ThrottleArgs = call.args
        now = await self.provider.look("/throttle")
        percent = now["percent"] if args.percent is None else args.percent
        rate = now["max_rate"] if args.max_rate is None else args.max_rate
        return f"{now['percent']:g}% of sign-ins, {now['max_rate']} a second, becomes {percent:g}%, {rate} a second"


class ReleaseQueue(SiteAction):
    """The queue of what follows a sign-in."""

    contract = capabilities.QUEUE_RELEASE

    async def perform(self, call: Call) -> Result:
        """Set the rate; history is never set aside, however old it is."""
        args: ReleaseQueueArgs = call.args
        _only_queue(args)
        values = args.model_dump(mode="json", exclude_none=True, exclude={"queue"})
        now = await self.provider.order("PUT", "/queue", call, values)
        return ReleaseQueueResult(depth=now["depth"], set_aside=now["set_aside"])

    async def in_force(self, call: Call) -> dict[str, Any] | None:
        """Return what the queue says; a breaker that opened shows as a rate of 0."""
        _only_queue(call.args)
        now = await self.provider.look("/queue")
        if now["max_rate"] == "none":
            return None
        found = {"queue": QUEUE, "max_rate": now["max_rate"], "drop_older_than": now["drop_older_than"]}
        return {name: value for name, value in found.items() if value is not None}

    async def preview(self, call: Call) -> str:
        """Say what waits."""
        now = await self.provider.look("/queue")
        return f"{now['depth']} items wait, the oldest {now['oldest_s']:.0f} s; released {now['max_rate']} a second now"


def _only_queue(args: ReleaseQueueArgs) -> None:
    if args.queue != QUEUE:
        raise Failed(f"there is no queue {args.queue}; there is {QUEUE}", retry=False)


class Failover(SiteAction):
    """The share of people on each pool."""

    contract = capabilities.TRAFFIC_FAILOVER

    async def perform(self, call: Call) -> Result:
        """Set the share; the other pool gets the rest."""
        args: FailoverArgs = call.args
        now = await self.provider.order("PUT", "/failover", call, args.model_dump(mode="json"))
        return FailoverResult(weights=now["weights"])

    async def in_force(self, call: Call) -> dict[str, Any] | None:
        """Return where the edge sends people that do not belong there."""
        args: FailoverArgs = call.args
        weights: dict[str, float] = (await self.provider.look("/failover"))["weights"]
        away = {pool: share for pool, share in weights.items() if share and pool != capabilities.PRIMARY}
        pool = max(away, key=lambda name: away[name], default="")
        return {"surface": args.surface, "to": pool, "percent": away[pool]} if pool else None

    async def preview(self, call: Call) -> str:
        """Compare with where people are."""
        args: FailoverArgs = call.args
        return f"{await self._share(args):g}% of people on {args.to} becomes {args.percent:g}%"

    async def _share(self, args: FailoverArgs) -> float:
        weights: dict[str, float] = (await self.provider.look("/failover"))["weights"]
        if args.to not in weights:
            raise Failed(f"there is no pool {args.to}; there are {', '.join(weights)}", retry=False)
        return weights[args.to]


class Pool(SiteProbe):
    """A pool, asked for real."""

    contract = capabilities.TRAFFIC_POOL

    async def read(self, call: Call) -> Result:
        """Have a few requests sent to each of its nodes."""
        args: PoolArgs = call.args
        return PoolResult(**await self.provider.look("/pool", pool=args.pool))


class Publish(SiteAction):
    """The status page."""

    contract = capabilities.STATUS_PUBLISH

    async def perform(self, call: Call) -> Result:
        """Publish."""
        args: PublishArgs = call.args
        await self.provider.order("PUT", "/status", call, args.model_dump(mode="json"))
        return Done()

    async def in_force(self, call: Call) -> dict[str, Any] | None:
        """Return what is published, unless all is well."""
        args: PublishArgs = call.args
        now = (await self.provider.look("/status")).get(args.surface)
        return None if now is None or now["state"] == "operational" else {"surface": args.surface, **now}


class Notify(SiteAction):
    """A list that stands for whatever reaches people."""

    contract = capabilities.NOTIFY

    async def perform(self, call: Call) -> Result:
        """Put it on the list."""
        args: NotifyArgs = call.args
        await self.provider.order("POST", "/notices", call, args.model_dump(mode="json"))
        return Done()
