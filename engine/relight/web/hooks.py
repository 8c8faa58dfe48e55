"""The way in for what other parts take over HTTP, such as a chat's signed requests: passed on as it came."""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from relight.control.reception import Reception
from relight.web.problems import Problem

BODY_S = 3.0
"""A chat sends at once, and waits no longer for its answer."""
UNDER_WAY_MAX = 100
"""More at once is no chat; it is told to come again, and does."""
VERB = "hook"


def hook_route(reception: Reception) -> Route:
    """Return the route of all hooks; which there are is looked up when something comes."""
    under_way = asyncio.Semaphore(UNDER_WAY_MAX)

    async def endpoint(request: Request) -> Response:
        hook = reception.hooks.get(request.path_params["name"])
        if hook is None:
            raise Problem(404, "there is no such hook", hint="the site's document says which chats it has")
        if under_way.locked():
            raise Problem(503, "too much is sent at once", hint="send it again in a moment")
        async with under_way:
            try:
                body = await asyncio.wait_for(request.body(), BODY_S)
            except (TimeoutError, ClientDisconnect):
                raise Problem(400, f"the body did not arrive in {BODY_S:g} s", hint="send it at once") from None
            headers = {name: ", ".join(request.headers.getlist(name)) for name in request.headers}
            answer = await hook(body, headers)
        return Response(answer.body, answer.status, media_type=answer.kind)

    return Route("/hooks/{name}", endpoint, methods=["POST"], name="hook")
