"""The control process: it starts every part and gives them one address."""

import asyncio
import time
import urllib.parse

from relight_practice.control.children import StartFailed
from relight_practice.control.faults import KINDS
from relight_practice.control.orders import Once, Refused, refused
from relight_practice.control.works import Works
from relight_practice.document import QUERIES
from relight_practice.metrics.scrape import Scraper, Target
from relight_practice.metrics.series import Database
from relight_practice.parts.part import Handler, Orders, Part
from relight_practice.promql import answer
from relight_practice.wire import Fields, Request, Response, Unreachable, json_response

NOTICES_MAX = 200
LIFE_S_MAX = 8 * 3600.0
"""A site that everybody forgot ends by itself after a working day."""
SURGE_MAX = 100.0
"""More people a second than one process can play on a small machine."""
STOP_WAIT_S = 1.5
"""Replacing the node at hand takes 0.8 s; nobody waits for a whole deploy to be stopped."""
STATES = ("operational", "degraded", "outage", "maintenance")


class Control(Part):
    """Everything that an operator may do, as JSON over HTTP."""

    works: Works

    def __init__(self, orders: Orders) -> None:
        super().__init__(orders)
        self._begun = time.monotonic()
        self._once = Once()
        self._database = Database(keep_s=self.shape.keep_s)
        self._status: dict[str, dict[str, str]] = {}
        self._notices: list[dict[str, str]] = []
        self.registry.gauge("deploys_frozen", "1 while stopped", lambda: float(self.works.deploys.frozen))
        self._reading()
        self._changing()

    def _reading(self) -> None:
        self.route("GET", "/state", self._state)
        self.route("GET", "/operation", self._operation)
        self.route("GET", "/throttle", self._from("edge", "/-/throttle"))
        self.route("GET", "/failover", self._from("edge", "/-/failover"))
        self.route("GET", "/queue", self._from("queue", "/-/queue"))
        self.route("GET", "/sessions", self._from("store", "/-/sessions"))
        self.route("GET", "/people", self._from("people", "/-/people"))
        self.route("GET", "/deploy", self._deploy)
        self.route("GET", "/deploy/compatible", self._compatible)
        self.route("GET", "/nodes", self._nodes)
        self.route("GET", "/pool", self._pool)
        self.route("GET", "/status", self._statuses)
        self.route("GET", "/notices", self._read_notices)
        self.route("GET", "/api/v1/query", self._query)
        self.route("POST", "/api/v1/query", self._query)

    def _changing(self) -> None:
        # These say how things shall be: said twice, they are so all the more, and no key has to be remembered.
        self.route("PUT", "/throttle", self._to("edge", "/-/throttle"))
        self.route("PUT", "/failover", self._to("edge", "/-/failover"))
        self.route("PUT", "/queue", self._to("queue", "/-/queue"))
        self.route("PUT", "/status", self._publish)
        self.route("POST", "/deploy/freeze", self._freeze)
        self.route("POST", "/deploy/unfreeze", self._unfreeze)
        self.route("POST", "/nodes/serve", self._serve)
        # These do something, and are done once under their key.
        self._order("POST", "/deploy/release", self._release)
        self._order("POST", "/deploy/rollback", self._rollback)
        self._order("POST", "/sessions/quarantine", self._quarantine, divisible=True)
        self._order("POST", "/sessions/restore", self._restore, divisible=True)
        self._order("POST", "/nodes/scale", self._scale)
        self._order("POST", "/cache/warm", self._warm, divisible=True)
        self._order("POST", "/notices", self._notify)
        self._order("POST", "/fault", self._fault)
        self._order("POST", "/calm", self._calm)
        self.route("POST", "/operation/stop", self._stop_operation)
        self.route("POST", "/shutdown", self._shutdown)

    # ---- beginning and end

    async def prepare(self) -> None:
        """Start every part."""
        self.works = await Works.begin(self.orders)

    async def live(self) -> None:
        """Scrape, and end when it is high time."""
        scraper = Scraper(self._database, self._targets, self.shape.scrape_s)
        try:
            async with asyncio.timeout(LIFE_S_MAX):
                await scraper.run()
        except TimeoutError:
            self.ended.set()

    async def finish(self) -> None:
        """End every part."""
        if hasattr(self, "works"):
            await self.works.stop()

    def _targets(self) -> list[Target]:
        return self.works.targets()

    # ---- the door

    async def handle(self, request: Request) -> Response:
        """Answer; an order that is refused has changed nothing."""
        host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        if "origin" in request.headers or host not in ("127.0.0.1", "localhost"):
            # A page in a browser on this machine must not be able to break or mend anything.
            return json_response({"error": "forbidden", "message": "only local programs may ask"}, 403)
        try:
            return await super().handle(request)
        except Refused as refusal:
            return refused(refusal)
        except StartFailed as error:
            return json_response({"error": "start_failed", "message": str(error)}, 500)
        except Unreachable as error:
            return json_response({"error": "unreachable", "message": str(error)}, 502)

    def _order(self, method: str, path: str, handler: Handler, *, divisible: bool = False) -> None:
        async def once(request: Request) -> Response:
            return await self._once.carry_out(request, handler, divisible=divisible)

        self.route(method, path, once)

    def _from(self, part: str, target: str) -> Handler:
        async def read(_: Request) -> Response:
            reply = await self.works.client(part).get(target)
            return Response(reply.status, reply.body, content_type="application/json")

        return read

    def _to(self, part: str, target: str) -> Handler:
        async def order(request: Request) -> Response:
            reply = await self.works.client(part).request("PUT", target, request.body)
            return Response(reply.status, reply.body, content_type="application/json")

        return order

    # ---- reading

    async def _state(self, request: Request) -> Response:
        works = self.works
        reads = {"throttle": ("edge", "/-/throttle"), "failover": ("edge", "/-/failover")}
        reads |= {
            "queue": ("queue", "/-/queue"),
            "sessions": ("store", "/-/sessions"),
            "people": ("people", "/-/people"),
        }
        replies = await asyncio.gather(*(works.client(part).get(target) for part, target in reads.values()))
        return json_response(
            {
                "pace": self.shape.pace,
                "up_s": round(time.monotonic() - self._begun, 1),
                "deploy": works.deploys.current(),
                "nodes": await works.fleet.seen_by_edge(),
                "status": self._status,
                "dead": [child.orders.name for child in works.children() if not child.alive],
                "figures": self._figures(),
                **{name: reply.json() for name, reply in zip(reads, replies, strict=True)},
            }
        )

    def _figures(self) -> dict[str, str | None]:
        now = time.time()
        figures: dict[str, str | None] = {}
        for name, query in QUERIES.items():
            result = answer(self._database, {"query": query.promql}, now)[1]["data"]["result"]
            figures[name] = result[0]["value"][1] if result else None
        return figures

    async def _query(self, request: Request) -> Response:
        parameters = request.query
        if request.method == "POST":
            parameters = dict(urllib.parse.parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
        status, body = answer(self._database, parameters, time.time())
        return json_response(body, status)

    async def _operation(self, request: Request) -> Response:
        return json_response(self._once.look_up(request.query.get("key", "")))

    async def _stop_operation(self, request: Request) -> Response:
        running = self._once.stop(request.query.get("key", ""))
        if running:
            self.works.fleet.halt()
            await asyncio.wait(running, timeout=STOP_WAIT_S)
        return json_response({"stopped": sum(task.done() for task in running), "running": len(running)})

    async def _deploy(self, request: Request) -> Response:
        return json_response(self.works.deploys.current())

    async def _compatible(self, request: Request) -> Response:
        return json_response(self.works.deploys.compatible(request.query.get("to", "previous")))

    async def _nodes(self, request: Request) -> Response:
        return json_response(await self.works.fleet.seen_by_edge())

    async def _pool(self, request: Request) -> Response:
        name = Fields(request.query).text("pool", "fallback", among=("fallback", "primary"))
        return json_response(await self.works.pool(name))

    async def _statuses(self, request: Request) -> Response:
        return json_response(self._status)

    async def _read_notices(self, request: Request) -> Response:
        return json_response(self._notices)

    # ---- changing

    async def _freeze(self, request: Request) -> Response:
        return self._set_frozen(True)

    async def _unfreeze(self, request: Request) -> Response:
        return self._set_frozen(False)

    def _set_frozen(self, frozen: bool) -> Response:
        self.works.deploys.frozen = frozen
        return json_response(self.works.deploys.current())

    async def _release(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        release = fields.whole("release")
        fields.done()
        return json_response(await self.works.deploys.deploy(release))

    async def _rollback(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        to = fields.text("to", "previous")
        fields.done()
        return json_response(await self.works.deploys.rollback(to))

    async def _quarantine(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        fields.text("where", "corrupt", among=("corrupt",))
        batch, max_share = fields.number("batch", 1.0, high=100), fields.number("max_share", 20.0, high=100)
        fields.done()
        return json_response(await self.works.sessions.flush(batch, max_share))

    async def _restore(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        where = fields.text("where", "all", among=("all", "valid"))
        fields.done()
        return json_response(await self.works.sessions.restore(where))

    async def _scale(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        serving = fields.flag("serve", True)
        fleet, release = self.works.fleet, self.works.deploys.release
        if fields.has("nodes"):
            names = fields.names("nodes")
            fields.done()
            added, removed = await fleet.set(names, release, serving=serving)
        else:
            count = fields.whole("add", high=100)
            fields.done()
            added, removed = await fleet.add(count, release, serving=serving), []
        return json_response({"added": added, "removed": removed, "total": len(fleet.nodes)})

    async def _serve(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        names, serving = fields.names("nodes"), fields.flag("serve", True)
        fields.done()
        return json_response({"serving": await self.works.fleet.serve(names, serving=serving)})

    async def _warm(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        names, max_rate = fields.names("nodes"), fields.number("max_rate", 50.0, low=0.1)
        fields.done()
        return json_response(await self.works.caches.warm(names, max_rate))

    async def _publish(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        surface = fields.text("surface", "consumer", among=("consumer", "api"))
        self._status[surface] = {
            "state": fields.text("state", among=STATES),
            "retry": fields.text("retry", "wait", among=("wait", "safe")),
            "advice": fields.text("advice", ""),
        }
        fields.done()
        return json_response(self._status)

    async def _notify(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        self._notices.append({"to": fields.text("to"), "message": fields.text("message")})
        fields.done()
        del self._notices[:-NOTICES_MAX]
        return json_response({"notices": len(self._notices)})

    async def _fault(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        kind = fields.text("kind", "brownout", among=KINDS)
        seconds = fields.number("seconds", high=3600) if fields.has("seconds") else None
        surge = fields.number("surge", low=0.1, high=SURGE_MAX) if fields.has("surge") else None
        fields.done()
        return json_response(await self.works.faults.begin(kind, seconds=seconds, surge=surge))

    async def _calm(self, request: Request) -> Response:
        return json_response(await self.works.faults.calm())

    async def _shutdown(self, request: Request) -> Response:
        asyncio.get_running_loop().call_later(0.05, self.ended.set)
        return json_response({"ending": True})
