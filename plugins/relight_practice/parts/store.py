"""The session store that everything shares."""

import asyncio

from relight_practice.parts.part import Orders, Part
from relight_practice.parts.quarantine import Sessions
from relight_practice.parts.sessions import fresh, seal, visited
from relight_practice.parts.slots import Slots
from relight_practice.wire import BadRequest, Fields, Request, Response, json_response


class Store(Part):
    """Keeps sessions, at most so many operations a second; the API gives up on it sooner than the sign-ins do."""

    def __init__(self, orders: Orders) -> None:
        super().__init__(orders)
        self._slots = Slots(self.shape.store_slots, self.shape.store_cost_s)
        self._sessions = Sessions()
        for number in range(self.shape.people):
            user = f"u{number}"
            self._sessions.put(user, seal(visited(fresh(user), "signed in yesterday")), self.shape.session_ttl_s)
        self._history = 0
        registry = self.registry
        both = ("true", "false")
        self._reads = registry.counter("session_reads_total", "sessions read, and whether they verified", valid=both)
        self._writes = registry.counter("session_writes_total", "sessions written, and whether they verify", valid=both)
        self._refused = registry.counter("store_refused_total", "operations that would have waited too long")
        registry.gauge("sessions", "sessions", lambda: float(len(self._sessions.live)))
        registry.gauge("sessions_corrupt", "sessions that do not verify", lambda: float(len(self._sessions.corrupt)))
        registry.gauge("sessions_quarantined", "set aside", lambda: float(len(self._sessions.quarantined)))
        self.route("GET", "/session/*", self._get)
        self.route("PUT", "/session/*", self._put)
        self.route("GET", "/token/*", self._token)
        self.route("POST", "/history", self._remember)
        self.route("GET", "/-/sessions", self._count)
        self.route("POST", "/-/quarantine", self._quarantine)
        self.route("POST", "/-/restore", self._restore)

    async def _served(self, patience_s: float) -> bool:
        wait = self._slots.book(asyncio.get_running_loop().time(), patience_s)
        if wait is None:
            self._refused.add()
            return False
        await asyncio.sleep(wait)
        return True

    async def _get(self, request: Request) -> Response:
        if not await self._served(self.shape.store_patience_s):
            return Response(503)
        user = request.path[len("/session/") :]
        raw = self._sessions.get(user)
        if raw is None:
            return Response(404)
        self._reads.add(valid="false" if user in self._sessions.corrupt else "true")
        return Response(200, raw)

    async def _put(self, request: Request) -> Response:
        if not await self._served(self.shape.store_patience_s):
            return Response(503)
        valid = self._sessions.put(request.path[len("/session/") :], request.body, self.shape.session_ttl_s)
        self._writes.add(valid="true" if valid else "false")
        return Response(200)

    async def _token(self, request: Request) -> Response:
        return Response(200 if await self._served(self.shape.api_patience_s) else 503)

    async def _remember(self, request: Request) -> Response:
        """Take a batch of history; what belongs to a corrupt session cannot be written and is named."""
        users = Fields.of(request.body).names("users")
        refused = [index for index, user in enumerate(users) if user in self._sessions.corrupt]
        self._history += len(users) - len(refused)
        return json_response({"refused": refused})

    async def _count(self, request: Request) -> Response:
        return json_response(
            {
                "total": len(self._sessions.live),
                "corrupt": len(self._sessions.corrupt),
                "quarantined": len(self._sessions.quarantined),
                "history": self._history,
            }
        )

    async def _quarantine(self, request: Request) -> Response:
        limit = Fields.of(request.body).whole("limit", low=1)
        return json_response({"moved": self._sessions.set_aside(limit), "left": len(self._sessions.corrupt)})

    async def _restore(self, request: Request) -> Response:
        fields = Fields.of(request.body)
        where = fields.text("where", among=("all", "valid"))
        after, limit = fields.whole("after"), fields.whole("limit", low=1)
        if after > len(self._sessions.quarantined):
            raise BadRequest(f"there are only {len(self._sessions.quarantined)} in quarantine")
        restored, place = self._sessions.bring_back(valid_only=where == "valid", after=after, limit=limit)
        left = len(self._sessions.quarantined)
        return json_response({"restored": restored, "place": place, "left": left, "more": place < left})
