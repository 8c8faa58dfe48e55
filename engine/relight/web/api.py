"""The routes of the API: each a verb of the permission table, and a call of the reception.

Documents are those of ``relight … -o json``, from the same source.
"""

from collections.abc import Iterator

from relight.control import proposals
from relight.control.reception import Wanted
from relight.control.requests import Asking
from relight.control.verbs import VERBS
from relight.errors import Locked
from relight.web.bodies import Alerts, Approved, Asked, Denied, ToBegin, ToDismiss, ToPlan, ToStart
from relight.web.problems import Problem
from relight.web.routes import Call, Handler, Query, Reply, Route

V1 = "/api/v1"
RUNS_MAX, RECORDS_MAX = 500, 1_000
_UNFINISHED = Query("unfinished", bool, False, "Only runs that have not ended.")
_LIMIT = Query("limit", int, 50, "At most so many.", RUNS_MAX)
_AFTER = Query("after", int, 0, "Only records above this number.", 2**53)
_RECORDS = Query("limit", int, RECORDS_MAX, "At most so many.", RECORDS_MAX)


def routes() -> list[Route]:
    """Return all of them."""
    return [*_reading(), *_starting(), *_deciding(), *_proposing()]


def _reading() -> Iterator[Route]:
    yield Route("GET", f"{V1}/me", "me", "me", "Who you are, and what you may.", "me", _me)
    yield Route(
        "GET",
        f"{V1}/runs",
        "runs",
        "listRuns",
        "The runs, unfinished ones first.",
        "runs",
        lambda c: Reply(c.reception.runs(c.caller, unfinished=c.query["unfinished"], limit=c.query["limit"])),
        query=(_UNFINISHED, _LIMIT),
    )
    for verb, name, summary, handle in (
        ("status", "", "Where a run stands.", lambda c: Reply(c.reception.status(c.caller, c.path["run"]))),
        ("why", "/why", "What it waits for.", lambda c: Reply(c.reception.why(c.caller, c.path["run"]))),
        ("effects", "/effects", "What it changed.", lambda c: Reply(c.reception.effects(c.caller, c.path["run"]))),
        ("report", "/report", "How it went: time, checks, decisions, what is left.", _report),
        ("verify", "/verify", "Whether its records are what was written down.", _verify),
    ):
        answer = "run" if verb == "status" else verb
        yield Route("GET", f"{V1}/runs/{{run}}{name}", verb, f"{verb}OfRun", summary, answer, handle)
    yield Route(
        "GET",
        f"{V1}/runs/{{run}}/log",
        "log",
        "logOfRun",
        "What happened in a run, one record a fact.",
        "log",
        lambda c: Reply(
            c.reception.log(c.caller, c.path["run"], after=c.query["after"], limit=max(1, c.query["limit"]))
        ),
        query=(_AFTER, _RECORDS),
    )
    yield Route(
        "GET",
        f"{V1}/runs/{{run}}/events",
        "watch",
        "followRun",
        "What happens in a run, as it happens (server-sent events); go on with Last-Event-ID.",
        "events",
        query=(_AFTER,),
        stream=True,
    )
    yield Route(
        "GET",
        f"{V1}/effects",
        "effects",
        "listEffects",
        "What is changed and not undone, by any run.",
        "effects",
        lambda c: Reply(c.reception.effects(c.caller)),
    )


def _me(call: Call) -> Reply:
    return Reply(call.reception.me(call.caller))


def _report(call: Call) -> Reply:
    from relight.control.report import report_document

    row = call.reception.row(call.caller, call.path["run"], "report")
    return Reply(report_document(call.reception.journal, row.run))


def _verify(call: Call) -> Reply:
    from relight.control.verifying import verify_document

    row = call.reception.row(call.caller, call.path["run"], "verify")
    return Reply(verify_document(call.reception.journal, row.run))


def _starting() -> Iterator[Route]:
    yield Route(
        "GET",
        f"{V1}/published",
        "published",
        "listPublished",
        "What can be started from here, with its inputs.",
        "published",
        lambda c: Reply(c.reception.published(c.caller)),
    )
    yield Route(
        "POST",
        f"{V1}/plans",
        "plan",
        "plan",
        "What a start would do; nothing is changed.",
        "plan",
        lambda c: Reply(c.reception.plan(c.caller, _wanted(c.body))),
        body=ToPlan,
    )
    yield Route("POST", f"{V1}/runs", "run", "start", "Start a run.", "run", _start, body=ToStart, status=201)


def _wanted(body: ToPlan) -> Wanted:
    return Wanted(body.site, body.published, body.inputs)


def _start(call: Call) -> Reply:
    wanted = _wanted(call.body)._replace(confirm=call.body.confirm, plan_digest=call.body.plan_digest)
    return _started(call, call.reception.start(call.caller, wanted, key=call.key))


def _started(call: Call, run: str) -> Reply:
    return Reply(call.reception.status_of(run), 201, f"{V1}/runs/{run}")


def _deciding() -> Iterator[Route]:
    bodies: dict[str, type[Asked]] = {"approve": Approved, "deny": Denied}
    for verb in VERBS.values():
        if verb.asks:
            yield Route(
                "POST",
                f"{V1}/runs/{{run}}/{verb.name}",
                verb.name,
                f"{verb.name}Run",
                f"Ask a run: {verb.name}.",
                "answer",
                _asking(verb.name),
                body=bodies.get(verb.name, Asked),
            )


def _asking(verb: str) -> Handler:
    def handle(call: Call) -> Reply:
        asking = Asking(verb, **call.body.model_dump())
        try:
            return Reply(call.reception.ask(call.caller, call.path["run"], asking, key=call.key))
        except Locked as error:
            raise Problem(503, error.message, hint=error.hint, exit_code=error.exit_code) from error

    return handle


def _proposing() -> Iterator[Route]:
    yield Route(
        "POST",
        f"{V1}/alerts",
        "propose",
        "tellAlerts",
        "Alertmanager's webhook: what its alerts propose, a person may begin.",
        "proposals",
        lambda c: Reply(proposals.propose(c.reception, c.caller, c.body.model_dump())),
        body=Alerts,
    )
    yield Route(
        "GET",
        f"{V1}/proposals",
        "proposals",
        "listProposals",
        "What alerts propose.",
        "proposals",
        lambda c: Reply(proposals.proposals(c.reception, c.caller)),
    )
    yield Route(
        "GET",
        f"{V1}/proposals/{{proposal}}",
        "proposals",
        "proposal",
        "One proposal, with its plan.",
        "proposal",
        lambda c: Reply(proposals.proposal(c.reception, c.caller, c.path["proposal"])),
    )
    yield Route(
        "POST",
        f"{V1}/proposals/{{proposal}}/begin",
        "begin",
        "beginProposal",
        "Begin what is proposed; a person does.",
        "run",
        _begin,
        body=ToBegin,
        status=201,
    )
    yield Route(
        "POST",
        f"{V1}/proposals/{{proposal}}/dismiss",
        "dismiss",
        "dismissProposal",
        "Dismiss what is proposed.",
        "proposal",
        lambda c: Reply(proposals.dismiss(c.reception, c.caller, c.path["proposal"], reason=c.body.reason)),
        body=ToDismiss,
    )


def _begin(call: Call) -> Reply:
    run = proposals.begin(
        call.reception,
        call.caller,
        call.path["proposal"],
        confirm=call.body.confirm,
        plan_digest=call.body.plan_digest,
    )
    return _started(call, run)
