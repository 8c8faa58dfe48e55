"""Asking something of a run: the request goes to its inbox, the driver answers it.

Nobody but a driver writes facts. Where no driver is alive, the asker takes the lease for a moment and decides,
dispatching nothing, and says so.
"""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from relight.control.verbs import asked_verb
from relight.errors import JournalError, Locked, NotNow, RelightError
from relight.journal.port import Answer, Journal, Request, Row

URGENT = frozenset({"abort", "deny", "pause"})
"""What stops goes before what goes on, also on a full disk."""
ANSWER_S = 10.0
"""How long an answer is waited for. A driver answers in milliseconds; one that needs longer is in trouble."""
POLL_S = 0.01
"""Between two looks for the answer: a hundredth of what a person notices, and a look costs microseconds."""
LOOK_ANYWAY_S = 0.2
"""A driver in this very process does not show in the number of changes that others made."""


class Asking(NamedTuple):
    """What a person wants of a run; the fields of :class:`relight.kernel.inputs.Asked` that a door may fill."""

    verb: str
    subject: str = ""
    ticket: str = ""
    scope_digest: str = ""
    reason: str = ""
    value: str = ""
    confirmed: str = ""


class Told(NamedTuple):
    """The answer, who asked, and whether it was decided here for want of a driver."""

    answer: Answer
    person: str
    alone: bool


class About(NamedTuple):
    """What a door has to know of a run before it asks: its people now, and where it acts."""

    people: list[dict[str, Any]]
    environment: str


def about(journal: Journal, run_id: str) -> About:
    """Return that from the journal's own bytes: to decode a plan would cost more than all the rest."""
    people: list[dict[str, Any]] = []
    environment = ""
    for record in journal.records(run_id, kinds=("run_started", "people_turned")):
        if record.kind == "run_started":
            plan = json.loads(record.body).get("plan", {})
            people, environment = plan.get("people", []), str(plan.get("environment", ""))
        else:
            people = json.loads(record.body).get("people", [])
    return About(people, environment)


def ask(
    journal: Journal,
    row: Row,
    asking: Asking,
    *,
    person: str,
    door: str = "cli",
    proof: str = "",
    decide_alone: Callable[[], object] | None = None,
    wait_s: float = ANSWER_S,
    request_id: str = "",
) -> Told:
    """Put a request in the run's inbox and return its answer.

    Args:
        request_id: The door's own name for this very request: the same one again is not asked again, its answer is
            the first one's.
        decide_alone: Decides the inbox when no driver is alive; without it the request waits for one.

    Raises:
        UsageError: there is no such verb.
        NotNow: the run is over.
        Locked: a driver is there but does not answer in time; the request stays in the inbox.
    """
    asked_verb(asking.verb)
    if row.ended_at is not None:
        raise NotNow(
            f"run {row.run} is over: it {_ended(row.state)}; nothing can be decided any more",
            hint=f"`relight log {row.run}` tells its story, `relight effects {row.run}` what it left in force",
        )
    body = {name: value for name, value in asking._asdict().items() if value}
    request = Request(
        id=request_id or uuid.uuid4().hex,
        run=row.run,
        at=time.time_ns() // 1_000_000,
        body={**body, "person": person, "door": door} | ({"proof": proof} if proof else {}),
    )
    if not request_id or not _asked_before(journal, request):
        journal.ask(request, urgent=asking.verb in URGENT)
    return _answered(journal, request, person, decide_alone, wait_s)


def _answered(
    journal: Journal, request: Request, person: str, decide_alone: Callable[[], object] | None, wait_s: float
) -> Told:
    began = looked = time.monotonic()
    alone = False
    seen = -1
    while True:
        # A cheap number first: the answer is only looked for when another process wrote, or for once anyway.
        if (changes := journal.changes()) != seen or alone or time.monotonic() - looked > LOOK_ANYWAY_S:
            seen, looked = changes, time.monotonic()
            if (answer := journal.answer(request.id)) is not None:
                return Told(answer, person, alone)
        if not _driven(journal, request.run):
            # The driver may have answered and ended its run between the two looks.
            if (answer := journal.answer(request.id)) is not None:
                return Told(answer, person, alone)
            if decide_alone is None or alone:
                raise _undriven(request)
            alone = _decided(decide_alone)
            continue
        if time.monotonic() - began > wait_s:
            raise _unanswered(request, wait_s)
        time.sleep(POLL_S)


def _asked_before(journal: Journal, request: Request) -> bool:
    known = [each.id for each in journal.pending(request.run)]
    return request.id in known or journal.answer(request.id) is not None


def _decided(decide_alone: Callable[[], object]) -> bool:
    """Decide here; a driver that came alive in the meantime answers instead."""
    try:
        decide_alone()
    except Locked:
        return False
    return True


def _driven(journal: Journal, run_id: str) -> bool:
    lease = journal.lease(run_id)
    return lease is not None and lease.alive


def _undriven(request: Request) -> Locked:
    return Locked(
        f"{request.run} has no driver, and this needs one: relight resume {request.run} starts it and does this first",
        hint="until then the request waits in the inbox",
    )


def _unanswered(request: Request, wait_s: float) -> Locked:
    return Locked(
        f"the driver has not answered in {wait_s:g} s; the request stays in the inbox of {request.run} and is decided "
        "as soon as a driver can",
        hint=f"relight status {request.run} shows its driver; relight resume {request.run} --take-over starts another",
    )


def answer_document(row: Row, environment: str, asking: Asking, told: Told) -> dict[str, Any]:
    """Return ``relight.answer/v1``."""
    return {
        "schema": "relight.answer/v1",
        "run": row.run,
        "site": row.site,
        "environment": environment,
        "verb": asking.verb,
        "person": told.person,
        "ok": told.answer.ok,
        "says": told.answer.text,
        "decided_without_driver": told.alone,
    }


def raise_refusal(told: Told) -> None:
    """Raise what the driver refused, with the exit code that it gave.

    Raises:
        RelightError: the answer was no.
    """
    if told.answer.ok:
        return
    message, _, hint = told.answer.text.partition("\n")
    error = RelightError(message or "the driver refused without a word", hint=hint)
    error.exit_code = told.answer.code or JournalError.exit_code
    raise error


def _ended(state: str) -> str:
    return "was aborted" if state == "aborted" else state
