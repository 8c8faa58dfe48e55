"""What each capability does to the fake world: the shortest true implementation of each contract."""

from collections.abc import Callable
from typing import Any, TypeAlias

from relight.sdk import Call, Contract, Failed, Result
from relight.sdk import capabilities as cap
from relight.testing.world import FakeWorld

Do: TypeAlias = Callable[[FakeWorld, Any, Call], Result]
InForce: TypeAlias = Callable[[FakeWorld, Any], dict[str, Any] | None]


def _throttle(world: FakeWorld, args: cap.ThrottleArgs, _call: Call) -> cap.ThrottleResult:
    now = world.throttles.setdefault(args.surface, {"percent": 100.0, "max_rate": "none"})
    now.update(args.model_dump(include={"percent", "max_rate"}, exclude_none=True))
    result = cap.ThrottleResult(**now)
    if now == {"percent": 100.0, "max_rate": "none"}:
        del world.throttles[args.surface]
    return result


def _throttled(world: FakeWorld, args: cap.ThrottleArgs) -> dict[str, Any] | None:
    now = world.throttles.get(args.surface)
    return {"surface": args.surface, **now} if now else None


def _freeze(world: FakeWorld, args: cap.FreezeArgs, _call: Call) -> cap.Done:
    world.frozen.add(args.service)
    return cap.Done()


def _unfreeze(world: FakeWorld, args: cap.FreezeArgs, _call: Call) -> cap.Done:
    world.frozen.discard(args.service)
    return cap.Done()


def _rollback(world: FakeWorld, args: cap.ReleaseArgs, _call: Call) -> cap.RollbackResult:
    releases = world.releases[args.service]
    wanted = releases[-2:][0] if args.to == "previous" else args.to
    if wanted not in releases:
        raise Failed(f"there is no release {wanted} of {args.service}", retry=False)
    releases.remove(wanted)
    releases.append(wanted)
    return cap.RollbackResult(release=wanted, instances=len(world.nodes.get("edge", ())))


def _release(world: FakeWorld, args: cap.ReleaseArgs) -> dict[str, Any] | None:
    return {"service": args.service, "to": world.releases[args.service][-1]}


def _current(world: FakeWorld, args: cap.ServiceArgs, _call: Call) -> cap.CurrentResult:
    releases = world.releases.get(args.service)
    if not releases:
        raise Failed(f"there is no service {args.service}", retry=False)
    previous = releases[-2] if len(releases) > 1 else None
    frozen = bool(world.frozen & {args.service, "all"})
    return cap.CurrentResult(release=releases[-1], previous=previous, frozen=frozen)


def _compatible(world: FakeWorld, _args: cap.ReleaseArgs, _call: Call) -> cap.CompatibleResult:
    return cap.CompatibleResult(compatible=world.compatible)


def _flush(world: FakeWorld, args: cap.FlushArgs, _call: Call) -> cap.FlushResult:
    sessions = world.sessions
    share = 100 * sessions.corrupt / max(sessions.total, 1)
    if share > args.max_share:
        raise Failed(f"{share:.1f}% of the sessions are corrupt, over max_share {args.max_share:g}%", retry=False)
    moved, seen = sessions.corrupt, sessions.total
    sessions.quarantined += moved
    sessions.corrupt = 0
    return cap.FlushResult(moved=moved, seen=seen)


def _restore(world: FakeWorld, args: cap.RestoreArgs, _call: Call) -> cap.RestoreResult:
    sessions = world.sessions
    if args.where == "valid":
        return cap.RestoreResult(restored=0, left=sessions.quarantined)
    restored, sessions.quarantined = sessions.quarantined, 0
    sessions.corrupt += restored
    return cap.RestoreResult(restored=restored)


def _scale(world: FakeWorld, args: cap.ScaleArgs, _call: Call) -> cap.ScaleResult:
    pool = world.nodes.setdefault(args.pool, {})
    if args.nodes is not None:
        wanted = list(args.nodes)
    else:
        free = (f"{args.pool}-{number}" for number in range(1, 10_000) if f"{args.pool}-{number}" not in pool)
        wanted = [*pool, *(next(free) for _ in range(min(args.add or 0, world.ceiling + 1)))]
    if not world.floor <= len(wanted) <= world.ceiling:
        raise Failed(f"{args.pool} keeps between {world.floor} and {world.ceiling} nodes", retry=False)
    added, removed = [n for n in wanted if n not in pool], [n for n in pool if n not in wanted]
    world.nodes[args.pool] = {node: pool.get(node, args.serve) for node in wanted}
    return cap.ScaleResult(added=added, removed=removed, total=len(wanted))


def _scaled(world: FakeWorld, args: cap.ScaleArgs) -> dict[str, Any] | None:
    return {"pool": args.pool, "nodes": list(world.nodes.get(args.pool, ()))}


def _serve(world: FakeWorld, args: cap.ServeArgs, _call: Call) -> cap.ServeResult:
    unknown = sorted(set(args.nodes) - {node for pool in world.nodes.values() for node in pool})
    if unknown:
        raise Failed(f"there is no node {', '.join(unknown)}", retry=False)
    for pool in world.nodes.values():
        pool.update(dict.fromkeys(set(args.nodes) & set(pool), args.serve))
    return cap.ServeResult(serving=sorted(node for pool in world.nodes.values() for node, on in pool.items() if on))


def _serving(world: FakeWorld, args: cap.ServeArgs) -> dict[str, Any] | None:
    every = {node: on for pool in world.nodes.values() for node, on in pool.items()}
    return {"nodes": list(args.nodes), "serve": all(every.get(node, False) for node in args.nodes)}


def _warm(world: FakeWorld, args: cap.WarmArgs, _call: Call) -> cap.WarmResult:
    world.hits.update(dict.fromkeys(args.nodes, 0.98))
    hits = {node: world.hits[node] for node in args.nodes}
    return cap.WarmResult(nodes=hits, hit_share=min(hits.values(), default=0.0))


def _release_queue(world: FakeWorld, args: cap.ReleaseQueueArgs, _call: Call) -> cap.ReleaseQueueResult:
    queue = world.queues.setdefault(args.queue, {"depth": 0, "max_rate": 0.0})
    if args.max_rate is not None:
        queue["max_rate"] = args.max_rate
    return cap.ReleaseQueueResult(depth=queue["depth"])


def _releasing(world: FakeWorld, args: cap.ReleaseQueueArgs) -> dict[str, Any] | None:
    queue = world.queues.get(args.queue)
    rate = queue["max_rate"] if queue else 0.0
    return None if rate == "none" else {"queue": args.queue, "max_rate": rate}


def _failover(world: FakeWorld, args: cap.FailoverArgs, _call: Call) -> cap.FailoverResult:
    away = world.weights.setdefault(args.surface, {})
    if args.to == cap.PRIMARY:
        # What the primary pool does not take stays where most of it is.
        most = max(away, key=lambda pool: away[pool], default="fallback")
        away.clear()
        away[most] = 100.0 - args.percent
    else:
        away[args.to] = args.percent
    for pool in [pool for pool, share in away.items() if not share]:
        del away[pool]
    return cap.FailoverResult(weights={**away, cap.PRIMARY: 100.0 - sum(away.values())})


def _failed_over(world: FakeWorld, args: cap.FailoverArgs) -> dict[str, Any] | None:
    for pool, share in world.weights.get(args.surface, {}).items():
        return {"surface": args.surface, "to": pool, "percent": share}
    return None


def _pool(world: FakeWorld, args: cap.PoolArgs, _call: Call) -> cap.PoolResult:
    nodes = world.nodes.get(args.pool, {})
    share = sum(weights.get(args.pool, 0.0) for weights in world.weights.values())
    return cap.PoolResult(healthy=bool(nodes), nodes=len(nodes), share=share)


def _metric(world: FakeWorld, args: cap.MetricArgs, _call: Call) -> cap.MetricResult:
    found = world.metrics.get(args.promql)
    if found is None:
        return cap.MetricResult(kind="empty", detail="no series matches")
    return found if isinstance(found, cap.MetricResult) else cap.MetricResult(kind="value", value=found)


def _http(world: FakeWorld, args: cap.HttpProbeArgs, _call: Call) -> cap.HttpProbeResult:
    if args.url not in world.urls:
        raise Failed(f"{args.url} refuses connections")
    return world.urls[args.url]


def _publish(world: FakeWorld, args: cap.PublishArgs, _call: Call) -> cap.Done:
    if args.state == "operational":
        world.statuses.pop(args.surface, None)
    else:
        world.statuses[args.surface] = args.model_dump()
    return cap.Done()


def _published(world: FakeWorld, args: cap.PublishArgs) -> dict[str, Any] | None:
    return world.statuses.get(args.surface)


def _notify(world: FakeWorld, args: cap.NotifyArgs, _call: Call) -> cap.Done:
    world.told.append((args.to, args.message))
    return cap.Done()


ACTIONS: tuple[tuple[Contract, Do, InForce | None], ...] = (
    (cap.ADMISSION_THROTTLE, _throttle, _throttled),
    (cap.DEPLOY_FREEZE, _freeze, None),
    (cap.DEPLOY_UNFREEZE, _unfreeze, None),
    (cap.DEPLOY_ROLLBACK, _rollback, _release),
    (cap.SESSIONS_FLUSH, _flush, None),
    (cap.SESSIONS_RESTORE, _restore, None),
    (cap.EDGE_SCALE, _scale, _scaled),
    (cap.EDGE_SERVE, _serve, _serving),
    (cap.CACHE_WARM, _warm, None),
    (cap.QUEUE_RELEASE, _release_queue, _releasing),
    (cap.TRAFFIC_FAILOVER, _failover, _failed_over),
    (cap.STATUS_PUBLISH, _publish, _published),
    (cap.NOTIFY, _notify, None),
)
PROBES: tuple[tuple[Contract, Do], ...] = (
    (cap.DEPLOY_CURRENT, _current),
    (cap.DEPLOY_COMPATIBLE, _compatible),
    (cap.TRAFFIC_POOL, _pool),
    (cap.METRIC_QUERY, _metric),
    (cap.HTTP_PROBE, _http),
)
