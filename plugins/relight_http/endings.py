"""What an answer, or the lack of one, says about whether it happened.

========================  =====================================================================
it ended with             and so
========================  =====================================================================
no connection             it did not happen; trying again may help
no answer                 unknown: it may have been heard
429, 408, 425, 503        it was put off, by definition; trying again helps, after Retry-After
501, 505, 3xx, other 4xx  it was refused; trying again does not help
500, 502, 504, other 5xx  unknown: the server broke in the middle, or a proxy lost its answer;
                          but where doing it again is harmless, simply a failure to try again
========================  =====================================================================
"""

import email.utils
from datetime import UTC, datetime

from relight.sdk import Failed, HttpAnswer, OutcomeUnknown, one_line

RETRY_AFTER_MAX_S = 3_600.0
"""A server that wants to be left alone for longer wants a person."""
_PUT_OFF = frozenset({408, 425, 429, 503})
_REFUSED_FOR_GOOD = frozenset({501, 505})


def judge(answer: HttpAnswer, what: str, body: str, *, idempotent: bool) -> Failed | OutcomeUnknown:
    """Return what it means that *answer* is not one of the expected ones."""
    said = f"{what} answered {answer.status}{f': {one_line(body)}' if body.strip() else ''}"
    if answer.status in _PUT_OFF:
        return Failed(said, retry_after_s=_retry_after_s(answer))
    if 300 <= answer.status < 400:
        location = one_line(answer.headers.get("location", "nowhere"))
        return Failed(f"{what} answered {answer.status}: it points to {location}, and is not followed", retry=False)
    if answer.status < 500 or answer.status in _REFUSED_FOR_GOOD:
        return Failed(said, retry=False)
    if idempotent:
        return Failed(said, retry_after_s=_retry_after_s(answer))
    return OutcomeUnknown(f"{said}; it may have happened all the same")


def _retry_after_s(answer: HttpAnswer) -> float | None:
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), RETRY_AFTER_MAX_S)
    until, now = _moment(text), _moment(answer.headers.get("date", ""))
    if until is None:
        return None
    # The server's own clock, where it shows it: ours may be off.
    return min(max((until - (now or datetime.now(UTC))).total_seconds(), 0.0), RETRY_AFTER_MAX_S)


def _moment(text: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
