"""The page's routes put together, for the application: what is open, what needs a session, and what lives."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from relight.control.reception import Reception
from relight.errors import RelightError
from relight.web import pages_kept, pages_runs, pages_starting
from relight.web.events import VIEWERS_MAX
from relight.web.live import Live
from relight.web.metrics import Metrics
from relight.web.oidc import Providers
from relight.web.pages import HEADERS, Desk, Page
from relight.web.pages_signing import Signing
from relight.web.problems import Problem, problem_of
from relight.web.sessions import Sessions
from relight.web.workers import Workers


def pages() -> list[Page]:
    """Return every page that needs a session."""
    return [*pages_runs.pages(), *pages_starting.pages(), *pages_kept.pages()]


def page_routes(
    reception: Reception, metrics: Metrics, *, url: str, at_stop: list[Callable[[], None]]
) -> list[BaseRoute]:
    """Return the routes of the page.

    Args:
        url: Where browsers find it; ``https`` makes its cookies secure ones.
        at_stop: Takes what ends the streams that are open, for whoever stops the server.
    """
    workers = Workers("relight-page")
    desk = Desk(reception, Sessions(reception), workers, secure=url.startswith("https://"))
    signing = Signing(desk, Providers(reception, url))
    live = Live(reception, workers)
    at_stop.append(live.close)
    return [*signing.routes(), *(desk.route(page) for page in pages()), _live(desk, live, metrics)]


def _live(desk: Desk, live: Live, metrics: Metrics) -> BaseRoute:
    async def endpoint(request: Request) -> Response:
        try:
            return await _followed(desk, live, metrics, request)
        except Problem as problem:
            return Response(status_code=problem.status, headers=problem.headers)
        except RelightError as error:
            return Response(status_code=problem_of(error).status)

    return Route("/runs/{run}/live", endpoint, methods=["GET"], name="page-live")


async def _followed(desk: Desk, live: Live, metrics: Metrics, request: Request) -> Response:
    session = await desk.session(request)
    if session is None:
        # 204 tells a browser not to come again: whoever signs in loads the page anew.
        return Response(status_code=204)
    if live.viewers >= VIEWERS_MAX:
        raise Problem(503, f"{VIEWERS_MAX} pages are open", hint="close some")
    word, name = request.cookies.get(desk.cookie, ""), request.path_params["run"]

    def look() -> Any:
        now = desk.sessions.of(word)
        if now is None:
            raise Problem(401, "the session is over", hint="sign in")
        caller = desk.sessions.caller(now)
        return desk.reception.row(caller, name, "watch"), caller

    row, caller = await desk.workers.do(look)

    async def counted() -> Any:
        metrics.viewers.inc()
        try:
            async for chunk in live.follow(row.run, caller.of(row.site), session.csrf, still=look):
                yield chunk
        except Problem:
            return
        finally:
            metrics.viewers.dec()

    headers = {**HEADERS, "x-accel-buffering": "no"}
    return StreamingResponse(counted(), media_type="text/event-stream", headers=headers)
