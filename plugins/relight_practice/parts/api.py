"""The second surface: an API for machines, with tokens in the same session store."""

from relight_practice.parts.part import Orders, Part
from relight_practice.wire import Client, Request, Response, Unreachable


class Api(Part):
    """Answers as long as the store does; it has no part in the brownout and must not be drawn into it."""

    def __init__(self, orders: Orders) -> None:
        super().__init__(orders)
        self._store = Client(orders.ports["store"], timeout_s=2.0)
        self._answers = self.registry.counter("api_answers_total", "answers", code=("200", "503"))
        self.route("GET", "/api/*", self._answer)

    async def _answer(self, request: Request) -> Response:
        try:
            reply = await self._store.get(f"/token/{request.query.get('token', '')}")
            status = 200 if reply.status == 200 else 503
        except Unreachable:
            status = 503
        self._answers.add(code=str(status))
        return Response(status, b"{}\n", content_type="application/json")
