"""A plan as every door shows it before a run is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relight.errors import RelightError, RunbookError

if TYPE_CHECKING:
    from relight.control.looking import Seen
    from relight.journal.port import Journal
    from relight.kernel.plan import Plan
    from relight.runbook.plan import Planned


def plan_document(planned: Planned, starter: str, seen: Seen | None, journal: Journal | None) -> dict[str, Any]:
    """Return ``relight.plan/v1``, with what the providers said, and what ended runs in *journal* left in force."""
    from relight.control.left import left_document
    from relight.runbook.describe import describe

    assert planned.plan is not None, "what is shown was planned"
    previews = seen.previews if seen is not None else None
    document = describe(planned.plan, planned.complaints, previews, starter=starter)
    document["starter"] = starter
    document["answers"] = [answer._asdict() for answer in seen.answers] if seen is not None else None
    return {**document, **left_document(journal, planned.plan)}


def planned_or_raise(planned: Planned) -> Plan:
    """Return the plan.

    Raises:
        RunbookError: there is none; carries every complaint.
    """
    if planned.plan is not None:
        return planned.plan
    errors = sum(complaint.severity == "error" for complaint in planned.complaints) + planned.left_out
    word = "mistake" if errors == 1 else "mistakes"
    files = sorted({complaint.file for complaint in planned.complaints if complaint.severity == "error"})
    raise RunbookError(
        f"no plan: {errors} {word} in {' and '.join(files)}",
        complaints=planned.complaints,
        hint="mend what is named above, then plan again",
    )


def in_one_sentence(error: RelightError) -> str:
    """Return what is wrong and what to do, with the first mistake where there are several; a warning is none."""
    complaints = error.complaints if isinstance(error, RunbookError) else ()
    mistakes = [each for each in complaints if getattr(each, "severity", "error") == "error"]
    first = next(iter(mistakes or complaints), None)
    message = str(getattr(first, "message", ""))
    hint = error.hint if first is None else str(getattr(first, "hint", ""))
    return "; ".join(words for words in (f"{error.message}: {message}" if message else error.message, hint) if words)
