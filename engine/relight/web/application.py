"""The application: routes to handlers, in threads of their own, each behind the same few checks."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp

from relight.control.feeds import Feeds
from relight.control.identities import Caller
from relight.control.permissions import TABLE
from relight.control.reception import Reception
from relight.errors import NotPermitted, RelightError
from relight.web.events import VIEWERS_MAX, events, where
from relight.web.hooks import hook_route
from relight.web.limits import CALLER_BURST, CALLER_PER_S, STRANGER_BURST, STRANGER_PER_S, Limits, Names, Rates
from relight.web.metrics import CONTENT_TYPE, Metrics
from relight.web.openapi import openapi
from relight.web.problems import Problem, problem_of
from relight.web.refusals import reads_pages, refusal
from relight.web.routes import Call, Query, Reply, Route

T = TypeVar("T")
Document: TypeAlias = Callable[[], dict[str, Any]]

DOOR = "api"
THREADS = 16
"""Handlers at once: each waits for a disk or for a driver's answer."""
WAITING_MAX = 200
"""Requests that wait for a thread; the next one is told to come again."""
HANDLE_S = 30.0
"""For an answer; a driver has ten seconds of it, planning a large site two."""
BODY_S = 10.0
"""For a body to arrive: whoever sends it byte by byte keeps nobody else out."""
DEPTH_MAX = 20
_KEY = re.compile(r"[!-~]{1,200}")


class Answering(NamedTuple):
    """What the endpoints share."""

    reception: Reception
    feeds: Feeds
    metrics: Metrics
    threads: ThreadPoolExecutor
    waiting: asyncio.Semaphore
    callers: Rates
    strangers: Rates


def application(
    reception: Reception,
    metrics: Metrics,
    routes: Sequence[Route],
    *,
    names: Names,
    pages: Sequence[BaseRoute] = (),
    at_stop: list[Callable[[], None]] | None = None,
) -> ASGIApp:
    """Return the application.

    Args:
        routes: The API's.
        names: By which names it may be called.
        pages: Routes of the page, which stand beside the API's.
        at_stop: Takes what ends the streams that are open, for whoever stops the server.
    """
    shared = Answering(
        reception,
        Feeds(reception.journal),
        metrics,
        ThreadPoolExecutor(THREADS, thread_name_prefix="relight-web"),
        asyncio.Semaphore(WAITING_MAX),
        Rates(CALLER_PER_S, CALLER_BURST),
        Rates(STRANGER_PER_S, STRANGER_BURST),
    )
    if at_stop is not None:
        at_stop.append(shared.feeds.close)
    served = [*routes, *open_routes()]
    document = cache(lambda: openapi(served))  # it takes a tenth of a second, and few ask for it
    app = Starlette(
        routes=[*(_served(shared, route, document) for route in served), hook_route(reception), *pages],
        exception_handlers={
            Problem: _on_problem,
            RelightError: _on_error,
            HTTPException: _on_http,
        },
    )
    return Limits(app, names, refusal)


def open_routes() -> list[Route]:
    """Return the routes that need no token: they say nothing of anybody's run by name, except as figures."""
    return [
        Route("GET", "/healthz", "health", "healthz", "Whether this process answers.", "health"),
        Route("GET", "/readyz", "health", "readyz", "Whether it drives, reads its journal and knows people.", "health"),
        Route("GET", "/metrics", "metrics", "metrics", "Figures in Prometheus' text format.", "metrics"),
        Route("GET", "/openapi.json", "openapi", "openapi", "This document.", "openapi"),
    ]


# ---- endpoints


def _served(shared: Answering, route: Route, document: Document) -> StarletteRoute:
    async def endpoint(request: Request) -> Response:
        code = 500
        try:
            response = await _answered(shared, route, request, document)
            code = response.status_code
            return response
        except Problem as problem:
            code = problem.status
            raise
        except RelightError as error:
            refusal = problem_of(error)
            code = refusal.status
            raise refusal from error
        except Exception as error:
            shared.reception.report(route.name, error)
            what = f"relight met something that it did not foresee: {type(error).__name__}"
            raise Problem(500, what, hint="its log has the details; the runs are not touched by this") from error
        finally:
            shared.metrics.requests.labels(route.method, route.path, str(code)).inc()

    return StarletteRoute(route.path, endpoint, methods=[route.method], name=route.name)


async def _answered(shared: Answering, route: Route, request: Request, document: Document) -> Response:
    address = request.client.host if request.client is not None else ""
    if TABLE[route.verb] == "open":
        # Whoever watches whether it lives is not kept out by somebody who guesses tokens.
        shared.strangers.check(f"open {address}")
        return await _open(shared, route, document)
    try:
        secret = _secret(request)
        caller = await _in_thread(shared, lambda: _caller(shared.reception, secret))
    except Problem:
        shared.strangers.check(address)
        raise
    shared.callers.check(" ".join(caller.names))
    query = {each.name: _queried(request, each) for each in route.query}
    if route.stream:
        return await _stream(shared, request, caller, secret, query)
    body = await _body(request, route.body) if route.body is not None else None
    key = request.headers.get("idempotency-key", "")
    if key and not _KEY.fullmatch(key):
        raise Problem(400, "Idempotency-Key has at most 200 visible characters", hint="send a random word")
    call = Call(caller, shared.reception, dict(request.path_params), query, body, key)
    assert route.handle is not None, f"{route.name} has a handler"
    handle = route.handle
    reply: Reply = await _in_thread(shared, lambda: handle(call))
    headers = {"location": reply.location} if reply.location else None
    return JSONResponse(reply.document, reply.status, headers=headers)


async def _open(shared: Answering, route: Route, document: Document) -> Response:
    match route.path:
        case "/metrics":
            return Response(await _in_thread(shared, shared.metrics.text), media_type=CONTENT_TYPE)
        case "/openapi.json":
            return JSONResponse(await _in_thread(shared, document))
        case "/readyz":
            state = await _in_thread(shared, lambda: _readiness(shared.reception))
            return JSONResponse(state, 200 if state["ok"] else 503)
        case _:
            return JSONResponse({"schema": "relight.health/v1", "ok": True})


def _readiness(reception: Reception) -> dict[str, Any]:
    """Return whether this process does what it is for; a site's document that went wrong is said, and is no failure."""
    health = reception.health()
    try:
        reception.journal.rows(limit=1)
        journal = ""
    except RelightError as error:
        journal = error.message
    ok = not journal and bool(health.get("driving_works", True))
    return {"schema": "relight.health/v1", "ok": ok, "journal": journal, **health, "sites": reception.sites.troubles}


async def _stream(
    shared: Answering, request: Request, caller: Caller, secret: str, query: dict[str, Any]
) -> StreamingResponse:
    run = request.path_params["run"]
    after = where(request.headers.get("last-event-id", ""), query["after"])
    row = await _in_thread(shared, lambda: shared.reception.row(caller, run, "watch"))
    if shared.feeds.listeners >= VIEWERS_MAX:
        raise Problem(503, f"{VIEWERS_MAX} streams are open", hint="close some, or ask again later")

    def still() -> object:
        return shared.reception.row(shared.reception.caller_with(secret, door=DOOR), row.run, "watch")

    async def counted() -> Any:
        shared.metrics.viewers.inc()
        try:
            async for chunk in events(shared.feeds, row.run, after, still=still):
                yield chunk
        finally:
            shared.metrics.viewers.dec()

    return StreamingResponse(counted(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _in_thread(shared: Answering, work: Callable[[], T]) -> T:
    """Return what *work* returns, from a thread of ours.

    Raises:
        Problem: too many wait already, or it takes too long.
    """
    if shared.waiting.locked():
        raise Problem(503, "too many requests wait already", hint="ask again in a moment")
    async with shared.waiting:
        doing = asyncio.get_running_loop().run_in_executor(shared.threads, work)
        try:
            return await asyncio.wait_for(asyncio.shield(doing), HANDLE_S)
        except TimeoutError:
            raise Problem(
                503, f"no answer in {HANDLE_S:g} s; what was asked may still be done", hint="look before you ask again"
            ) from None


# ---- what is read of a request


def _secret(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Problem(
            401,
            "this wants a token",
            hint="send Authorization: Bearer …; `relight token PERSON` makes one",
            exit_code=NotPermitted.exit_code,
            headers={"www-authenticate": "Bearer"},
        )
    return secret.strip()


def _caller(reception: Reception, secret: str) -> Caller:
    try:
        return reception.caller_with(secret, door=DOOR)
    except NotPermitted as error:
        raise Problem(
            401,
            error.message,
            hint=error.hint,
            exit_code=error.exit_code,
            headers={"www-authenticate": 'Bearer error="invalid_token"'},
        ) from error


def _queried(request: Request, query: Query) -> int | bool:
    given = request.query_params.getlist(query.name)
    if not given:
        return query.default
    text = given[0]
    if len(given) == 1 and query.kind is bool and text in ("true", "false"):
        return text == "true"
    if len(given) == 1 and query.kind is int and re.fullmatch(r"[0-9]{1,16}", text) and int(text) <= query.maximum:
        return int(text)
    wanted = "true or false" if query.kind is bool else f"a number from 0 to {query.maximum}"
    raise Problem(422, f"{query.name} is not {wanted}", hint=f"write ?{query.name}={query.default!s}".lower())


async def _body(request: Request, model: type[BaseModel]) -> BaseModel:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Problem(415, "this wants JSON", hint="send Content-Type: application/json")
    try:
        sent = await asyncio.wait_for(request.body(), BODY_S)
    except TimeoutError:
        raise Problem(400, f"the body did not arrive in {BODY_S:g} s", hint="send it at once") from None
    except ClientDisconnect:
        raise Problem(400, "the body did not arrive whole", hint="send it again") from None
    try:
        tree = json.loads(sent, parse_constant=_no_constant)
        _shallow(tree)
        return model.model_validate(tree)
    except ValidationError as error:
        raise _invalid(error) from error
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"this is no JSON: {str(error)[:200]}", hint="send one JSON object") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _shallow(tree: Any, depth: int = 0) -> None:
    if depth > DEPTH_MAX:
        raise ValueError(f"nested deeper than {DEPTH_MAX}")
    for item in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        _shallow(item, depth + 1)


def _invalid(error: ValidationError) -> Problem:
    found = [
        {"where": ".".join(str(part) for part in each["loc"]) or "the body", "what": each["msg"]}
        for each in error.errors(include_url=False, include_input=False, include_context=False)[:20]
    ]
    first = found[0]
    return Problem(
        422,
        f"{first['where']}: {first['what']}",
        hint="/openapi.json says what belongs there",
        exit_code=2,
        more={"complaints": found},
    )


# ---- what went wrong


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _refused(request, error)


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RelightError)
    return _refused(request, problem_of(error))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path[:200]
    what, hint = f"{request.method} {path} is nothing that is done here", "/openapi.json lists what is"
    if reads_pages(request.headers.get("accept", "")):
        what = f"there is no page {path}" if error.status_code == 404 else f"{path} is not asked for like this"
        hint = "the runs and everything about them are found from the first page"
    return _refused(request, Problem(error.status_code, what, hint=hint, headers=dict(error.headers or {})))


def _refused(request: Request, problem: Problem) -> Response:
    return refusal(request.headers.get("accept", ""), problem)
