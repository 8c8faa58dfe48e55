"""Signing in and out, and the files that browsers keep: the only pages that need no session."""

import secrets
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from relight.control.identities import caller_of, digest_of
from relight.errors import NotPermitted, RelightError
from relight.web.oidc import COOKIE as FLOW_COOKIE
from relight.web.oidc import Providers
from relight.web.pages import HEADERS, Desk, Show, local, posted
from relight.web.problems import Problem, problem_of
from relight.web.rendering import asset
from relight.web.sessions import DOOR, By, check_person, same

FORM_COOKIE = "relight-form"
FORM_S = 3_600
KEEP_S = 31_536_000


OPEN_VERBS = ("sign-in", "sign-out", "static")
"""What needs no session."""


class Open(NamedTuple):
    """One route that needs no session."""

    method: str
    path: str
    verb: str
    handle: Callable[[Request], Any]


class Signing:
    """The way in and the way out."""

    def __init__(self, desk: Desk, providers: Providers) -> None:
        self._desk = desk
        self._providers = providers

    def open_routes(self) -> list[Open]:
        """Return the routes that need no session."""
        found = [
            Open("GET", "/sign-in", "sign-in", self._form),
            Open("POST", "/sign-in", "sign-in", self._with_secret),
            Open("GET", "/sign-in/with/{provider}", "sign-in", self._leave),
            Open("GET", "/sign-in/back", "sign-in", self._back),
            Open("POST", "/sign-out", "sign-out", self._out),
            Open("GET", "/static/{name}", "static", self._static),
        ]
        assert {each.verb for each in found} == set(OPEN_VERBS), "each of these is in the table of permissions"
        return found

    def routes(self) -> list[BaseRoute]:
        """Return them as routes of the application."""
        return [Route(each.path, self._guarded(each), methods=[each.method]) for each in self.open_routes()]

    def _guarded(self, each: Open) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                response: Response = await each.handle(request)
                return response
            except Problem as problem:
                return self._desk.trouble(problem)
            except RelightError as error:
                return self._desk.trouble(problem_of(error))
            except Exception as error:  # noqa: BLE001 - whatever it is, a person reads a page and no traceback
                return self._desk.defect(each.path, error, None)

        return endpoint

    # ---- in

    async def _form(self, request: Request) -> Response:
        return self._sign_in(request, request.query_params.get("next", "/"))

    def _sign_in(self, request: Request, to: str, trouble: str = "", status: int = 200) -> Response:
        word = request.cookies.get(FORM_COOKIE, "") or secrets.token_urlsafe(24)
        context = {
            "to": local(to),
            "word": word,
            "trouble": trouble,
            "providers": self._providers.names(),
            "secrets_known": self._secrets_known(),
        }
        response = self._desk.show(Show("sign_in.html", context, status))
        response.set_cookie(
            FORM_COOKIE, word, max_age=FORM_S, secure=self._desk.secure, httponly=True, samesite="strict"
        )
        return response

    def _secrets_known(self) -> bool:
        return any(
            person.sign_in or person.tokens for site in self._desk.reception.sites for person in site.document.people
        )

    async def _with_secret(self, request: Request) -> Response:
        form = await posted(request)
        word = request.cookies.get(FORM_COOKIE, "")
        if not word or not same(form.get("word", ""), word):
            return self._sign_in(request, form.get("next", "/"), "This form was too old; here is a new one.", 403)
        digest = digest_of(form.get("secret", "").strip())
        try:
            check_person(caller_of(digest, self._desk.reception.sites, door=DOOR))
        except NotPermitted as error:
            trouble = "Nobody is known by this, or its last day is over." if "known at no site" in error.message else ""
            return self._sign_in(request, form.get("next", "/"), trouble or error.message, 403)
        return await self._opened(request, "secret", digest, form.get("next", "/"))

    async def _opened(self, request: Request, by: By, proof: str, to: str) -> Response:
        before = await self._desk.session(request)
        if before is not None:
            self._desk.sessions.close(before)
        word, _ = await self._desk.workers.do(lambda: self._desk.sessions.open(by, proof))
        # A redirect from elsewhere does not carry a strict cookie: the step to the page is taken on a page of ours.
        response = (
            self._desk.show(Show("onward.html", {"to": local(to)}))
            if by == "oidc"
            else RedirectResponse(local(to), 303, headers=HEADERS)
        )
        response.set_cookie(self._desk.cookie, word, secure=self._desk.secure, httponly=True, samesite="strict")
        response.delete_cookie(FORM_COOKIE, secure=self._desk.secure, httponly=True, samesite="strict")
        return response

    # ---- by an OpenID provider

    async def _leave(self, request: Request) -> Response:
        name, to = request.path_params["provider"], local(request.query_params.get("next", "/"))
        left = await self._desk.workers.do(lambda: self._providers.leave(name, to))
        response = RedirectResponse(left.url, 303, headers=HEADERS)
        # Lax: it has to come back with the provider's redirect.
        response.set_cookie(
            FLOW_COOKIE,
            left.cookie,
            max_age=600,
            path="/sign-in",
            secure=self._desk.secure,
            httponly=True,
            samesite="lax",
        )
        return response

    async def _back(self, request: Request) -> Response:
        query, cookie = dict(request.query_params), request.cookies.get(FLOW_COOKIE, "")
        came = await self._desk.workers.do(lambda: self._providers.back(query, cookie))
        try:
            self._desk.reception.caller_at("oidc", came.identity, proof="oidc")
        except NotPermitted as error:
            issuer, _, subject = came.identity.partition("|")
            raise Problem(
                403,
                "the provider vouches for you, and no site here knows you by that",
                hint=f"whoever keeps the site's document writes under your name: "
                f'oidc: {{issuer: "{issuer[:300]}", subject: "{subject[:300]}"}}',
            ) from error
        response = await self._opened(request, "oidc", came.identity, came.to)
        response.delete_cookie(FLOW_COOKIE, path="/sign-in", secure=self._desk.secure, httponly=True, samesite="lax")
        return response

    # ---- out

    async def _out(self, request: Request) -> Response:
        form = await posted(request)
        session = await self._desk.session(request)
        if session is not None:
            if not same(form.get("csrf", ""), session.csrf):
                raise Problem(403, "this form was not made for you", hint="load the page again")
            await self._desk.workers.do(lambda: self._desk.sessions.close(session))
        response = RedirectResponse(f"/sign-in?next={quote('/')}", 303, headers=HEADERS)
        response.delete_cookie(self._desk.cookie, secure=self._desk.secure, httponly=True, samesite="strict")
        return response

    async def _static(self, request: Request) -> Response:
        found = asset(request.path_params["name"])
        if found is None:
            raise Problem(404, "there is no such file", hint="load the page anew")
        headers = {"cache-control": f"public, max-age={KEEP_S}, immutable"}
        return Response(found.content, media_type=found.media_type, headers=headers)
