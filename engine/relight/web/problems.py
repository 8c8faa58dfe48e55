"""What went wrong, as ``application/problem+json`` (RFC 9457), with what to do next."""

from collections.abc import Mapping
from typing import Any

from relight.control.planning import in_one_sentence
from relight.control.reception import NotThere
from relight.errors import JournalError, Locked, NotNow, NotPermitted, RelightError, RunbookError, UsageError

MEDIA_TYPE = "application/problem+json"
AGAIN_S = 5
"""When to try again what is busy or away."""

_STATUS: tuple[tuple[type[RelightError], int], ...] = (
    (NotThere, 404),
    (UsageError, 422),
    (RunbookError, 422),
    (NotPermitted, 403),
    (NotNow, 409),
    (Locked, 409),
    (JournalError, 503),
)
_TITLES = {
    400: "not understood",
    401: "nobody is known by this token",
    403: "not permitted",
    404: "not there",
    405: "not done this way",
    409: "not now",
    413: "too large",
    415: "not JSON",
    421: "not here",
    422: "not valid",
    429: "too many requests",
    500: "a defect of ours",
    503: "not available",
}


class Problem(Exception):
    """A request that goes no further."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        hint: str = "",
        exit_code: int = 1,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})
        if status in {429, 503}:
            self.headers.setdefault("retry-after", str(AGAIN_S))
        self.document: dict[str, Any] = {
            "schema": "relight.error/v1",
            "type": "about:blank",
            "title": _TITLES.get(status, "refused"),
            "status": status,
            "detail": detail,
            "hint": hint,
            "exit": exit_code,
            **(more or {}),
        }


def problem_of(error: RelightError) -> Problem:
    """Return the problem that an error of the engine is."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    more: dict[str, Any] = {"kind": type(error).__name__}
    if isinstance(error, RunbookError) and error.complaints:
        from relight.runbook.render import complaint_document

        more["complaints"] = [complaint_document(complaint) for complaint in error.complaints]  # type: ignore[arg-type]
        return Problem(status, in_one_sentence(error), hint=error.hint, exit_code=error.exit_code, more=more)
    return Problem(status, error.message, hint=error.hint, exit_code=error.exit_code, more=more)
