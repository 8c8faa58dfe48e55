"""What the practice site's control answers, answered by the model: the same paths, the same words."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from relight_practice.model.fleet import Fleet, refused
from relight_practice.model.tier import Tier
from relight_practice.model.waiting import Wait
from relight_practice.shape import BATCH_PAUSE_S, PROBES

Values: TypeAlias = dict[str, Any]
BATCH_S = BATCH_PAUSE_S + 0.01
"""A batch of sessions, and the pause after it."""


@dataclass(slots=True)
class Desk:
    """Looks and orders; an order that takes time waits inside."""

    tier: Tier
    fleet: Fleet
    status: dict[str, Values] = field(default_factory=dict)
    notices: list[Values] = field(default_factory=list)

    def look(self, path: str, parameters: dict[str, str]) -> Any:
        """Read something.

        Raises:
            Failed: there is nothing there.
        """
        match path:
            case "/throttle":
                return self._throttle()
            case "/failover":
                return self._failover()
            case "/queue":
                return self._queue()
            case "/sessions":
                return self._sessions()
            case "/deploy":
                return self.fleet.current()
            case "/deploy/compatible":
                return self.fleet.compatible(parameters.get("to", "previous"))
            case "/nodes":
                return {n.name: {"serving": n.serving, "release": n.release} for n in self.fleet.nodes.values()}
            case "/pool":
                return self._pool(parameters.get("pool", "fallback"))
            case "/status":
                return self.status
        raise refused(f"nothing at GET {path}")

    async def order(self, method: str, path: str, values: Values) -> Any:
        """Have something done, and return what the site says afterwards.

        Raises:
            Failed: it was refused, and nothing was changed.
        """
        orders: dict[str, Callable[[Values], Awaitable[Any]]] = {
            "PUT /throttle": self._set_throttle,
            "PUT /failover": self._set_failover,
            "PUT /queue": self._set_queue,
            "PUT /status": self._publish,
            "POST /deploy/freeze": lambda _: self._freeze(frozen=True),
            "POST /deploy/unfreeze": lambda _: self._freeze(frozen=False),
            "POST /deploy/rollback": lambda given: self.fleet.put(self.fleet.resolve(given["to"])),
            "POST /sessions/quarantine": self._quarantine,
            "POST /sessions/restore": self._restore,
            "POST /nodes/scale": self._scale,
            "POST /nodes/serve": lambda given: self.fleet.serve(given["nodes"], serving=given["serve"]),
            "POST /cache/warm": lambda given: self.fleet.warm(given["nodes"], given["max_rate"]),
            "POST /notices": self._notify,
        }
        order = orders.get(f"{method} {path}")
        if order is None:
            raise refused(f"nothing at {method} {path}")
        return await order(values)

    # ---- who is let in, and where they are sent

    def _throttle(self) -> Values:
        now = self.tier.throttle
        return {
            "surface": "consumer",
            "percent": now.percent,
            "max_rate": "none" if now.max_rate is None else now.max_rate,
            "retry_after": {"min": now.retry_after[0], "max": now.retry_after[1]},
        }

    async def _set_throttle(self, values: Values) -> Values:
        new = self.tier.throttle
        if "percent" in values:
            new = replace(new, percent=float(values["percent"]))
        if "max_rate" in values:
            new = replace(new, max_rate=_rate(values["max_rate"]))
        if "retry_after" in values:
            told = values["retry_after"]
            new = replace(new, retry_after=(float(told["min"]), float(told["max"])))
        self.tier.set_throttle(new)
        return self._throttle()

    def _failover(self) -> Values:
        weights = {"primary": 100.0 - self.tier.weight, "fallback": self.tier.weight}
        return {"surface": "consumer", "weights": weights}

    async def _set_failover(self, values: Values) -> Values:
        if values["to"] not in ("fallback", "primary"):
            raise refused(f"to must be fallback or primary, not {values['to']!r}")
        percent = float(values["percent"])
        self.tier.weight = percent if values["to"] == "fallback" else 100.0 - percent
        return self._failover()

    def _pool(self, name: str) -> Values:
        """Send a few requests to each node; those that need more luck than there is do not answer."""
        if name not in ("fallback", "primary"):
            raise refused(f"pool must be fallback or primary, not {name!r}")
        tier = self.tier
        pool = tier.fallback if name == "fallback" else tier.primary
        breaker = tier.breaker.state if name == "fallback" else "closed"
        lucky = 0.0 if breaker == "open" else pool.through**PROBES
        answering = sum(tier.dice.random() < lucky for _ in pool.serving)
        healthy = breaker == "closed" and answering == len(pool.serving) > 0
        share = tier.weight if name == "fallback" else 100.0 - tier.weight
        return {"healthy": healthy, "nodes": answering, "breaker": breaker, "share": share}

    def _queue(self) -> Values:
        jobs = self.tier.jobs
        return {
            "depth": round(jobs.depth),
            "max_rate": "none" if jobs.rate is None else jobs.rate,
            "drop_older_than": None if jobs.stale_s is None else jobs.stale_s * self.tier.shape.pace,
            "set_aside": round(jobs.set_aside),
            "oldest_s": jobs.oldest_s(),
            "breaker": "open" if jobs.tripped else "closed",
        }

    async def _set_queue(self, values: Values) -> Values:
        jobs = self.tier.jobs
        rate = _rate(values["max_rate"]) if "max_rate" in values else jobs.rate
        stale = values.get("drop_older_than")
        jobs.order(rate, jobs.stale_s if stale is None else float(stale) / self.tier.shape.pace)
        return self._queue()

    async def _publish(self, values: Values) -> Values:
        self.status[values["surface"]] = {name: values[name] for name in ("state", "retry", "advice")}
        return self.status

    async def _notify(self, values: Values) -> Values:
        self.notices.append(values)
        return {"notices": len(self.notices)}

    # ---- what is mended

    async def _freeze(self, *, frozen: bool) -> Values:
        self.fleet.frozen = frozen
        return self.fleet.current()

    def _sessions(self) -> Values:
        sessions = self.tier.sessions
        total = self.tier.shape.people - sessions.aside + sessions.renewed
        return {"total": round(total), "corrupt": round(self.tier.spoiled), "quarantined": round(sessions.aside)}

    async def _quarantine(self, values: Values) -> Values:
        now = self._sessions()
        total, corrupt, most = now["total"], now["corrupt"], values["max_share"]
        share = 100 * corrupt / max(1, total)
        if share > most:
            raise refused(f"{corrupt} of {total} sessions ({share:.1f}%) are corrupt, more than {most:g}%")
        limit, moved, wanted = max(1.0, total * values["batch"] / 100), 0.0, self.tier.spoiled
        while moved < wanted and self.tier.spoiled > 0:
            moved += self.tier.set_aside(min(limit, wanted - moved))
            await Wait(BATCH_S)
        return {"moved": round(moved), "seen": total, "left": round(self.tier.spoiled)}

    async def _restore(self, values: Values) -> Values:
        batches = max(1.0, 100 * self.tier.sessions.aside / max(1, self.tier.shape.people))
        await Wait(batches * BATCH_S)
        restored, left = self.tier.bring_back(valid_only=values["where"] == "valid")
        return {"restored": round(restored), "left": round(left)}

    async def _scale(self, values: Values) -> Values:
        serving = values.get("serve", True)
        if "nodes" in values:
            return await self.fleet.set(values["nodes"], serving=serving)
        return await self.fleet.add(values["add"], serving=serving)


def _rate(value: float | str) -> float | None:
    return None if value == "none" else float(value)
