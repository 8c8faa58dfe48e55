"""What a page is: a method, a path, a verb of the permission table, and what it shows; and the way to it.

Every page is HTML that needs no script. Whoever is not signed in is shown the way, whoever may not is told who may, and
what changes anything is a form that was made for this very session.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from relight.control.identities import Caller
from relight.control.permissions import TABLE
from relight.control.reception import Reception
from relight.errors import NotPermitted, RelightError
from relight.web.problems import Problem, problem_of
from relight.web.rendering import render
from relight.web.sessions import Session, Sessions, same
from relight.web.workers import Workers

COOKIE, SECURE_COOKIE = "relight", "__Host-relight"
"""The second where browsers come by TLS: no neighbour of ours can set it then."""
FORM_BYTES_MAX = 64 * 1024
FIELDS_MAX = 200
BODY_S = 10.0
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    # Without its referrer a browser sends no origin with a form either.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "vary": "Cookie",
}


class Show(NamedTuple):
    """A template and what it is filled with."""

    template: str
    context: Mapping[str, Any]
    status: int = 200


class Go(NamedTuple):
    """Somewhere else, by GET."""

    path: str


Answer: TypeAlias = Show | Go


class Visit(NamedTuple):
    """One request of a page as its handler sees it.

    Attributes:
        inline: It comes from a page that stays: only what is new is wanted.
    """

    caller: Caller
    session: Session
    sessions: Sessions
    reception: Reception
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    inline: bool = False

    def go(self, path: str, says: str = "") -> Go:
        """Return the way to *path*, where *says* is said once."""
        return Go(f"{path}?said={self.sessions.tell(self.session, says)}" if says else path)


Handler: TypeAlias = Callable[[Visit], Answer]


class Page(NamedTuple):
    """One page, or one form's target."""

    method: str
    path: str
    verb: str
    name: str
    handle: Handler


class Desk:
    """What all pages share, and the way from a request to an answer."""

    def __init__(self, reception: Reception, sessions: Sessions, workers: Workers, *, secure: bool) -> None:
        self.reception = reception
        self.sessions = sessions
        self.workers = workers
        self.secure = secure

    @property
    def cookie(self) -> str:
        """The name of the session's cookie."""
        return SECURE_COOKIE if self.secure else COOKIE

    def route(self, page: Page) -> BaseRoute:
        """Return the page as a route of the application."""
        assert TABLE[page.verb] != "open", f"{page.name} is for whoever is signed in"

        async def endpoint(request: Request) -> Response:
            session: Session | None = None
            try:
                session = await self.session(request)
                if session is None:
                    return self.onward(request) or _to_sign_in(request)
                return await self._visited(page, request, session)
            except Problem as problem:
                return self.trouble(problem, session)
            except RelightError as error:
                return self.trouble(problem_of(error), session)
            except Exception as error:  # noqa: BLE001 - whatever it is, somebody on call reads a page and no traceback
                return self.defect(page.name, error, session)

        return Route(page.path, endpoint, methods=[page.method], name=f"page-{page.name}")

    async def _visited(self, page: Page, request: Request, session: Session) -> Response:
        form: Mapping[str, str] = {}
        if page.method == "POST":
            form = await posted(request)
            if not same(form.get("csrf", ""), session.csrf):
                raise Problem(403, "this form was not made for you, or its session is over", hint="load the page again")
        inline = request.headers.get("hx-request") == "true"

        def work() -> Response:
            try:
                caller = self.sessions.caller(session)
            except NotPermitted as error:
                self.sessions.close(session)
                return self.signed_out(error.message, error.hint)
            visit = Visit(
                caller,
                session,
                self.sessions,
                self.reception,
                dict(request.path_params),
                dict(request.query_params),
                form,
                inline,
            )
            answer = page.handle(visit)
            if isinstance(answer, Go):
                return RedirectResponse(answer.path, 303, headers=HEADERS)
            said = self.sessions.told(session, visit.query.get("said", ""))
            return self.show(answer, session=session, caller=caller, said=said)

        return await self.workers.do(work)

    # ---- who is there

    async def session(self, request: Request) -> Session | None:
        """Return the session of a request, None where there is none."""
        word = request.cookies.get(self.cookie, "")
        return await self.workers.do(lambda: self.sessions.of(word)) if word else None

    def onward(self, request: Request) -> Response | None:
        """Return a page that leads to itself, for somebody whom another site's link brought here.

        A browser sends a strict cookie only where the step was taken on a page of ours.
        """
        if request.method != "GET" or request.headers.get("sec-fetch-site") != "cross-site":
            return None
        return self.show(Show("onward.html", {"to": _asked_for(request)}))

    # ---- answers

    def show(
        self, show: Show, *, session: Session | None = None, caller: Caller | None = None, said: str = ""
    ) -> HTMLResponse:
        """Return a page as an answer."""
        names = caller.names if caller is not None else ()
        context = {"csrf": session.csrf if session else "", "me": names, "said": said, **show.context}
        headers = {**HEADERS, "strict-transport-security": "max-age=31536000"} if self.secure else HEADERS
        return HTMLResponse(render(show.template, context), show.status, headers=dict(headers))

    def trouble(self, problem: Problem, session: Session | None = None) -> HTMLResponse:
        """Return what went wrong, and what to do."""
        response = self.show(Show("problem.html", {"problem": problem.document}, problem.status), session=session)
        response.headers.update(problem.headers)
        return response

    def defect(self, name: str, error: Exception, session: Session | None) -> HTMLResponse:
        """Return that we made a mistake, and log which."""
        self.reception.report(name, error)
        what = f"relight met something that it did not foresee: {type(error).__name__}"
        return self.trouble(
            Problem(500, what, hint="its log has the details; the runs are not touched by this"), session
        )

    def signed_out(self, why: str, hint: str = "") -> Response:
        """Return that somebody is nobody here any more, and forget their cookie."""
        problem = Problem(401, why, hint=hint)
        response = self.trouble(problem)
        response.delete_cookie(self.cookie, secure=self.secure, httponly=True, samesite="strict")
        return response


async def posted(request: Request) -> dict[str, str]:
    """Return a form that a page of ours sent.

    Raises:
        Problem: another site sent it, or it is no form.
    """
    came = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    host = request.headers.get("host", "")
    if (came and came not in ("same-origin", "none")) or (origin and origin.partition("://")[2] != host):
        raise Problem(403, "another site sent this form", hint="decide on a page of relight itself")
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/x-www-form-urlencoded":
        raise Problem(415, "this wants a form", hint="send it from the page")
    try:
        body = await asyncio.wait_for(request.body(), BODY_S)
        if len(body) > FORM_BYTES_MAX:
            raise Problem(413, f"a form has at most {FORM_BYTES_MAX} bytes", hint="say less")
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except TimeoutError:
        raise Problem(400, f"the form did not arrive in {BODY_S:g} s", hint="send it again") from None
    except ClientDisconnect:
        raise Problem(400, "the form did not arrive whole", hint="send it again") from None
    except (UnicodeDecodeError, ValueError):
        raise Problem(400, "this form cannot be read", hint="send it from the page") from None
    return dict(pairs)


def local(path: str) -> str:
    """Return a path on this very door: whatever leads elsewhere becomes the first page."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if safe and len(path) <= 1_000 else "/"


def _asked_for(request: Request) -> str:
    return local(request.url.path + (f"?{request.url.query}" if request.url.query else ""))


def _to_sign_in(request: Request) -> Response:
    wanted = _asked_for(request) if request.method == "GET" else "/"
    return RedirectResponse(f"/sign-in?next={quote(wanted, safe='/')}", 303, headers=HEADERS)
