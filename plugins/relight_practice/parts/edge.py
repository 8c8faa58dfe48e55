"""The edge: everything from outside comes through here, and only sign-ins are ever held back."""

import asyncio
import math
import zlib
from dataclasses import dataclass, replace

from relight_practice.parts.admission import Admission
from relight_practice.parts.pages import shard
from relight_practice.parts.part import Orders, Part
from relight_practice.wire import Client, Fields, Request, Response, Unreachable, json_response

UPSTREAM_TIMEOUT_S = 3.0
CODES = ("200", "401", "404", "429", "500", "502", "503", "504")


@dataclass(slots=True, eq=False)
class Backend:
    """One app node as the edge sees it."""

    name: str
    client: Client
    serving: bool
    in_hand: int = 0


class Edge(Part):
    """Admits sign-ins, chooses a node for each request, and counts what people get to see.

    Pages go to the node that keeps them, all else to the one with the least in hand.
    A share of the consumers, always the same people, can be sent to the fallback pool.
    The API has its own way through and knows no throttle.
    """

    def __init__(self, orders: Orders) -> None:
        super().__init__(orders)
        self._admission = Admission(self.dice)
        self._nodes: dict[str, Backend] = {}
        self._api = Backend("api", Client(orders.ports["api"], timeout_s=UPSTREAM_TIMEOUT_S), True)
        self._fallback = Backend("fallback", Client(orders.ports["fallback"], timeout_s=UPSTREAM_TIMEOUT_S), True)
        self._weight = 0.0
        self._count()
        self.route("POST", "/login", self._login)
        self.route("GET", "/me", self._consumer)
        self.route("GET", "/page/*", self._consumer)
        self.route("GET", "/api/*", self._machine)
        self.route("GET", "/-/throttle", self._read_throttle)
        self.route("PUT", "/-/throttle", self._set_throttle)
        self.route("GET", "/-/nodes", self._read_nodes)
        self.route("PUT", "/-/nodes", self._set_nodes)
        self.route("GET", "/-/failover", self._read_failover)
        self.route("PUT", "/-/failover", self._set_failover)

    def _count(self) -> None:
        registry = self.registry
        self._answers = registry.counter("edge_requests_total", "answers by surface and code")
        for surface in ("consumer", "api"):
            for code in CODES:
                self._answers.add(0.0, surface=surface, code=code)
        self._asked = registry.counter("edge_signins_asked_total", "sign-ins that came to the edge")
        self._admitted = registry.counter("edge_signins_admitted_total", "sign-ins that were let through")
        self._refused = registry.counter("edge_signins_refused_total", "refused ones", reason=("percent", "rate"))
        registry.gauge("edge_admission_percent", "share admitted", lambda: self._admission.throttle.percent)
        registry.gauge("edge_admission_max_rate", "most a second", self._max_rate)
        registry.gauge("edge_failover_percent", "share of people on the fallback pool", lambda: self._weight)
        registry.gauge("edge_nodes_serving", "nodes that take traffic", lambda: float(len(self._serving())))

    def _max_rate(self) -> float:
        rate = self._admission.throttle.max_rate
        return math.inf if rate is None else rate

    def _serving(self) -> list[Backend]:
        return [node for node in self._nodes.values() if node.serving]

    # ---- traffic

    async def _login(self, request: Request) -> Response:
        self._asked.add()
        reason = self._admission.refuse(asyncio.get_running_loop().time())
        if reason is not None:
            self._refused.add(reason=reason)
            self._answers.add(surface="consumer", code="429")
            return Response(429, b"come back later\n", (("Retry-After", str(self._admission.retry_after_s())),))
        self._admitted.add()
        return await self._consumer(request)

    async def _consumer(self, request: Request) -> Response:
        backend = self._choose(request)
        response = Response(503, b"no node\n") if backend is None else await self._pass_on(backend, request)
        self._answers.add(surface="consumer", code=str(response.status))
        return response

    async def _machine(self, request: Request) -> Response:
        response = await self._pass_on(self._api, request)
        self._answers.add(surface="api", code=str(response.status))
        return response

    def _choose(self, request: Request) -> Backend | None:
        if self._weight and zlib.crc32(request.query.get("u", "").encode()) % 100 < self._weight:
            return self._fallback
        serving = self._serving()
        if not serving:
            return None
        if request.path.startswith("/page/"):
            text = request.path.rsplit("/", 1)[1]
            return self._nodes[shard(int(text) if text.isdigit() else 0, tuple(node.name for node in serving))]
        return min(serving, key=lambda node: (node.in_hand, self.dice.random()))

    async def _pass_on(self, backend: Backend, request: Request) -> Response:
        backend.in_hand += 1
        try:
            reply = await backend.client.request(request.method, request.target, request.body)
        except Unreachable as error:
            return Response(504 if error.sent else 502, b"no answer from behind\n")
        finally:
            backend.in_hand -= 1
        return Response(reply.status, reply.body)

    # ---- orders

    async def _read_throttle(self, request: Request) -> Response:
        now = self._admission.throttle
        low, high = now.retry_after
        return json_response(
            {
                "surface": "consumer",
                "percent": now.percent,
                "max_rate": "none" if now.max_rate is None else now.max_rate,
                "retry_after": {"min": low, "max": high},
            }
        )

    async def _set_throttle(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        fields.text("surface", "consumer", among=("consumer",))
        new = self._admission.throttle
        if fields.has("percent"):
            new = replace(new, percent=fields.number("percent", high=100))
        if fields.has("max_rate"):
            new = replace(new, max_rate=fields.rate("max_rate"))
        if fields.has("retry_after"):
            inner = fields.inner("retry_after")
            low = inner.number("min", high=86_400)
            new = replace(new, retry_after=(low, inner.number("max", low=low, high=86_400)))
            inner.done()
        fields.done()
        self._admission.set(new, asyncio.get_running_loop().time())
        return await self._read_throttle(request)

    async def _read_nodes(self, request: Request) -> Response:
        return json_response(
            {node.name: {"serving": node.serving, "in_hand": node.in_hand} for node in self._nodes.values()}
        )

    async def _set_nodes(self, request: Request) -> Response:
        """Take the whole list of nodes: name to port and whether it takes traffic."""
        fields = Fields.of(request.body).inner("nodes")
        new: dict[str, Backend] = {}
        while fields.left():
            name = fields.left()[0]
            inner = fields.inner(name)
            port, serving = inner.whole("port", low=1, high=65_535), inner.flag("serving", False)
            inner.done()
            old = self._nodes.get(name)
            if old is None or old.client.port != port:
                old = Backend(name, Client(port, timeout_s=UPSTREAM_TIMEOUT_S), serving)
            old.serving = serving
            new[name] = old
        self._nodes = new
        return await self._read_nodes(request)

    async def _read_failover(self, request: Request) -> Response:
        weights = {"primary": 100.0 - self._weight, "fallback": self._weight}
        return json_response({"surface": "consumer", "weights": weights})

    async def _set_failover(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        fields.text("surface", "consumer", among=("consumer",))
        to = fields.text("to", "fallback", among=("fallback", "primary"))
        percent = fields.whole("percent", high=100)
        fields.done()
        self._weight = float(percent if to == "fallback" else 100 - percent)
        return await self._read_failover(request)
