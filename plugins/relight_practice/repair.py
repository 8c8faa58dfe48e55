"""What is mended: releases, sessions, nodes and their caches."""

from typing import Any

from relight.sdk import Call, Failed, Result, capabilities
from relight.sdk.capabilities import (
    CompatibleResult,
    CurrentResult,
    Done,
    FlushArgs,
    FlushResult,
    FreezeArgs,
    ReleaseArgs,
    RestoreArgs,
    RestoreResult,
    RollbackResult,
    ScaleArgs,
    ScaleResult,
    ServeArgs,
    ServeResult,
    ServiceArgs,
    WarmArgs,
    WarmResult,
)
from relight_practice.traffic import SiteAction, SiteProbe

SERVICE, POOL = "auth", "edge"


def _only_service(name: str, *more: str) -> None:
    if name not in (SERVICE, *more):
        raise Failed(f"there is no service {name}; there is {SERVICE}", retry=False)


class Freeze(SiteAction):
    """Deploys stop."""

    contract = capabilities.DEPLOY_FREEZE
    path = "/deploy/freeze"

    async def perform(self, call: Call) -> Result:
        """Say so; the only service is all of them."""
        args: FreezeArgs = call.args
        _only_service(args.service, "all")
        await self.provider.order("POST", self.path, call, {})
        return Done()


class Unfreeze(Freeze):
    """Deploys go on."""

    contract = capabilities.DEPLOY_UNFREEZE
    path = "/deploy/unfreeze"


class Rollback(SiteAction):
    """A release comes back, node by node."""

    contract = capabilities.DEPLOY_ROLLBACK

    async def perform(self, call: Call) -> Result:
        """Replace one node after the other, and return when all run it."""
        args: ReleaseArgs = call.args
        _only_service(args.service)
        done = await self.provider.order("POST", "/deploy/rollback", call, {"to": str(args.to)})
        return RollbackResult(release=done["release"], instances=done["instances"])

    async def in_force(self, call: Call) -> dict[str, Any] | None:
        """Return the release that runs, or while they differ the one that all had."""
        args: ReleaseArgs = call.args
        _only_service(args.service)
        now = await self.provider.look("/deploy")
        return {"service": args.service, "to": now["settled"]}

    async def preview(self, call: Call) -> str:
        """Say which releases, and how many nodes."""
        args: ReleaseArgs = call.args
        now = await self.provider.look("/deploy")
        to = await self.provider.look("/deploy/compatible", to=str(args.to))
        return f"{args.service} {now['release']} becomes {to['release']} on {len(now['instances'])} nodes, one by one"


class Current(SiteProbe):
    """What runs."""

    contract = capabilities.DEPLOY_CURRENT

    async def read(self, call: Call) -> Result:
        """Ask."""
        args: ServiceArgs = call.args
        _only_service(args.service)
        now = await self.provider.look("/deploy")
        return CurrentResult(release=now["release"], previous=now["previous"], frozen=now["frozen"])


class Compatible(SiteProbe):
    """Whether a release can run on today's sessions."""

    contract = capabilities.DEPLOY_COMPATIBLE

    async def read(self, call: Call) -> Result:
        """Ask."""
        args: ReleaseArgs = call.args
        _only_service(args.service)
        found = await self.provider.look("/deploy/compatible", to=str(args.to))
        return CompatibleResult(compatible=found["compatible"], why=found["why"])


class Flush(SiteAction):
    """Corrupt sessions go to quarantine."""

    contract = capabilities.SESSIONS_FLUSH

    async def perform(self, call: Call) -> Result:
        """Move them, batch by batch."""
        args: FlushArgs = call.args
        done = await self.provider.order("POST", "/sessions/quarantine", call, args.model_dump(mode="json"))
        return FlushResult(moved=done["moved"], seen=done["seen"])

    async def preview(self, call: Call) -> str:
        """Count them."""
        now = await self.provider.look("/sessions")
        share = 100 * now["corrupt"] / max(1, now["total"])
        return f"{now['corrupt']} of {now['total']} sessions ({share:.1f}%) go to quarantine"


class Restore(SiteAction):
    """Sessions come back from quarantine."""

    contract = capabilities.SESSIONS_RESTORE

    async def perform(self, call: Call) -> Result:
        """Bring them back; a user's newer session is never overwritten."""
        args: RestoreArgs = call.args
        done = await self.provider.order("POST", "/sessions/restore", call, args.model_dump(mode="json"))
        return RestoreResult(restored=done["restored"], left=done["left"])

    async def preview(self, call: Call) -> str:
        """Count them."""
        return f"{(await self.provider.look('/sessions'))['quarantined']} sessions are in quarantine"


class Scale(SiteAction):
    """More nodes, or fewer."""

    contract = capabilities.EDGE_SCALE

    async def perform(self, call: Call) -> Result:
        """Start or stop processes."""
        args: ScaleArgs = call.args
        if args.pool != POOL:
            raise Failed(f"there is no pool {args.pool}; there is {POOL}", retry=False)
        if (args.add is None) == (args.nodes is None):
            raise Failed("say either how many nodes to add or exactly which there shall be", retry=False)
        values = args.model_dump(mode="json", exclude_none=True, exclude={"pool"})
        return ScaleResult(**await self.provider.order("POST", "/nodes/scale", call, values))

    async def in_force(self, call: Call) -> dict[str, Any] | None:
        """Return the nodes that there are."""
        args: ScaleArgs = call.args
        return {"pool": args.pool, "nodes": list(await self.provider.look("/nodes"))}

    async def preview(self, call: Call) -> str:
        """Count them."""
        args: ScaleArgs = call.args
        now = list(await self.provider.look("/nodes"))
        after = len(now) + (args.add or 0) if args.nodes is None else len(args.nodes)
        return f"{len(now)} nodes ({', '.join(now)}) become {after}"


class Serve(SiteAction):
    """Nodes take traffic, or none."""

    contract = capabilities.EDGE_SERVE

    async def perform(self, call: Call) -> Result:
        """Tell the edge; nodes that shall not serve are drained first."""
        args: ServeArgs = call.args
        return ServeResult(**await self.provider.order("POST", "/nodes/serve", call, args.model_dump(mode="json")))

    async def in_force(self, call: Call) -> dict[str, Any] | None:
        """Return whether all of them serve, as the edge sees it."""
        args: ServeArgs = call.args
        now = await self.provider.look("/nodes")
        return {"nodes": args.nodes, "serve": all(now.get(name, {}).get("serving", False) for name in args.nodes)}


class Warm(SiteAction):
    """Caches are filled before anybody needs them."""

    contract = capabilities.CACHE_WARM

    async def perform(self, call: Call) -> Result:
        """Fill them, from their neighbours where these have the page, and count the hits of a second pass."""
        args: WarmArgs = call.args
        call.progress(f"filling the caches of {', '.join(args.nodes) or 'no nodes'}")
        return WarmResult(**await self.provider.order("POST", "/cache/warm", call, args.model_dump(mode="json")))
