"""Before a run: what can be started here, when it was last rehearsed, a form with its inputs, its plan; proposals."""

import secrets
from collections.abc import Mapping
from typing import Any

from relight.control import proposals
from relight.control.keeping import EXPLORATIONS, REHEARSALS, kept_results
from relight.control.reception import Wanted
from relight.control.sites import runbook_path
from relight.errors import NotNow, RelightError, RunbookError, UsageError
from relight.web.pages import Answer, Page, Show, Visit
from relight.web.problems import problem_of

PREFIX = "in."
"""Before the name of an input in a form, so that no input can be called like something of ours."""
RUNS_MAX = 500


def pages() -> list[Page]:
    """Return all of them."""
    return [
        Page("GET", "/runbooks", "published", "runbooks", _runbooks),
        Page("GET", "/start/{site}/{published}", "plan", "start-form", _form),
        Page("POST", "/start/{site}/{published}", "run", "start", _start),
        Page("GET", "/proposals", "proposals", "proposals", _proposals),
        Page("GET", "/proposals/{proposal}", "proposals", "proposal", _proposal),
        Page("POST", "/proposals/{proposal}/begin", "begin", "begin", _begin),
        Page("POST", "/proposals/{proposal}/dismiss", "dismiss", "dismiss", _dismiss),
    ]


# ---- what there is


def _runbooks(visit: Visit) -> Answer:
    published = visit.reception.published(visit.caller)["published"]
    rehearsed = _newest(visible(visit, kept_results(visit.reception.journal, REHEARSALS)))
    explored = _newest(visible(visit, kept_results(visit.reception.journal, EXPLORATIONS)))
    ran: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in visit.reception.runs(visit.caller, limit=RUNS_MAX)["runs"]:
        ran.setdefault((entry["runbook"], entry["site"]), entry)
    for each in published:
        about = _about(visit, each)
        each.update(about)
        each["ran"] = ran.get((about["id"], each["site"]))
        each["rehearsed"] = rehearsed.get(about["id"])
        each["explored"] = explored.get(about["id"])
    every = visible(visit, kept_results(visit.reception.journal, REHEARSALS))
    explorations = visible(visit, kept_results(visit.reception.journal, EXPLORATIONS))
    return Show("runbooks.html", {"published": published, "rehearsals": every, "explorations": explorations})


def visible(visit: Visit, kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those that are of a site that knows the caller, or of none that is served here."""
    served = set(visit.reception.sites.names)
    return [each for each in kept if each["site"] in visit.caller.at or each["site"] not in served]


def _newest(kept: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in kept:
        found.setdefault(each["runbook"], each)
    return found


def _about(visit: Visit, entry: Mapping[str, Any]) -> dict[str, Any]:
    from relight.runbook.reading import read_runbook

    document, path = None, ""
    try:
        site = visit.reception.sites.get(entry["site"])
        published = site.document.published[entry["published"]]
        file = runbook_path(site, published)
        # One that comes with relight is known by its name, every other one by where it is.
        path = "" if published.runbook == file.name.partition(".")[0] else str(file)
        document = read_runbook(file).document
    except (RelightError, OSError, KeyError):
        pass
    if document is None:
        return {
            "id": entry["runbook"],
            "path": path,
            "says": "It cannot be read: relight lint shows why.",
            "symptoms": [],
        }
    return {"id": document.runbook, "path": path, "says": document.title or "", "symptoms": list(document.symptoms)}


# ---- starting


def _entry(visit: Visit) -> dict[str, Any]:
    site, name = visit.path["site"], visit.path["published"]
    for each in visit.reception.published(visit.caller)["published"]:
        if (each["site"], each["published"]) == (site, name):
            found: dict[str, Any] = each
            return found
    raise UsageError(f"{site[:60]} publishes nothing as {name[:60]!r} for you", hint="look at the runbooks")


def _form(visit: Visit) -> Answer:
    entry = _entry(visit)
    given = {name.removeprefix(PREFIX): text for name, text in visit.query.items() if name.startswith(PREFIX)}
    plan, complaints, trouble = None, [], ""
    if "plan" in visit.query:
        try:
            plan = visit.reception.plan(visit.caller, _wanted(entry, given))
        except RunbookError as error:
            document = problem_of(error).document
            trouble, complaints = document["detail"], document.get("complaints", [])
        except UsageError as error:
            trouble = f"{error.message}; {error.hint}" if error.hint else error.message
    return _shown(entry, given, plan, trouble, complaints, status=422 if trouble else 200)


def _shown(
    entry: Mapping[str, Any],
    given: Mapping[str, str],
    plan: Mapping[str, Any] | None = None,
    trouble: str = "",
    complaints: Any = (),
    *,
    status: int = 200,
) -> Show:
    context = {
        "entry": entry,
        "given": given,
        "plan": plan,
        "trouble": trouble,
        "complaints": list(complaints),
        "key": secrets.token_urlsafe(12),
        "prefix": PREFIX,
    }
    return Show("start.html", context, status)


def _start(visit: Visit) -> Answer:
    entry = _entry(visit)
    form = visit.form
    given = {name.removeprefix(PREFIX): text for name, text in form.items() if name.startswith(PREFIX)}
    wanted = _wanted(entry, given)._replace(
        confirm=form.get("confirm", "").strip(), plan_digest=form.get("plan_digest", "")
    )
    if not wanted.plan_digest:
        raise UsageError("a run is started from its plan", hint="look at the plan first")
    try:
        run = visit.reception.start(visit.caller, wanted, key=form.get("key", ""))
    except (NotNow, UsageError) as error:
        plan = visit.reception.plan(visit.caller, _wanted(entry, given))
        return _shown(entry, given, plan, f"{error.message}; {error.hint}" if error.hint else error.message, status=409)
    return visit.go(f"/runs/{run}", f"Run {run} has been started.")


def _wanted(entry: Mapping[str, Any], given: Mapping[str, str]) -> Wanted:
    kinds = {each["id"]: each["type"] for each in entry["inputs"] or ()}
    values = {name: typed(text.strip(), kinds.get(name, "")) for name, text in given.items() if text.strip()}
    return Wanted(entry["site"], entry["published"], values)


def typed(text: str, kind: str) -> Any:
    """Return what somebody typed as the input's type wants it; what does not fit stays text, and the plan says so."""
    try:
        match kind:
            case "integer":
                return int(text)
            case "percent" | "number":
                number = float(text)
                return int(number) if number.is_integer() else number
            case "boolean":
                return {"true": True, "false": False}.get(text, text)
            case _:
                return text
    except (ValueError, OverflowError):
        return text


# ---- proposals


def _proposals(visit: Visit) -> Answer:
    return Show("proposals.html", {"proposals": proposals.proposals(visit.reception, visit.caller)["proposals"]})


def _proposal(visit: Visit, trouble: str = "", status: int = 200) -> Answer:
    entry = proposals.proposal(visit.reception, visit.caller, visit.path["proposal"])
    return Show("proposal.html", {"each": entry, "plan": entry["plan"], "trouble": trouble}, status)


def _begin(visit: Visit) -> Answer:
    name, form = visit.path["proposal"], visit.form
    if not form.get("plan_digest"):
        raise UsageError("a run is begun from its plan", hint="look at the proposal first")
    try:
        run = proposals.begin(
            visit.reception,
            visit.caller,
            name,
            confirm=form.get("confirm", "").strip(),
            plan_digest=form["plan_digest"],
        )
    except (NotNow, UsageError) as error:
        return _proposal(visit, f"{error.message}; {error.hint}" if error.hint else error.message, 409)
    return visit.go(f"/runs/{run}", f"Run {run} has been begun, as proposed.")


def _dismiss(visit: Visit) -> Answer:
    try:
        proposals.dismiss(visit.reception, visit.caller, visit.path["proposal"], reason=visit.form.get("reason", ""))
    except NotNow as error:
        return _proposal(visit, error.message, 409)
    return visit.go("/proposals", "The proposal has been dismissed.")
