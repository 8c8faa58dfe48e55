"""A refusal as whoever asked can read it: a page with the way back for a browser, JSON for a program."""

from starlette.responses import HTMLResponse, JSONResponse, Response

from relight.web.pages import HEADERS
from relight.web.problems import MEDIA_TYPE, Problem
from relight.web.rendering import render


def refusal(accept: str, problem: Problem) -> Response:
    """Return *problem* as an answer.

    Args:
        accept: What the request takes, as its header says it.
    """
    if not reads_pages(accept):
        return JSONResponse(problem.document, problem.status, headers=problem.headers, media_type=MEDIA_TYPE)
    context = {"csrf": "", "me": (), "said": "", "problem": problem.document}
    headers = {**HEADERS, "vary": "Accept, Cookie", **problem.headers}
    return HTMLResponse(render("problem.html", context), problem.status, headers=headers)


def reads_pages(accept: str) -> bool:
    """Return whether somebody looks at it: browsers name HTML, and programs do not."""
    return any(kind.split(";")[0].strip().lower() == "text/html" for kind in accept.split(","))
