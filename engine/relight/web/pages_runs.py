"""The runs: their list, one of them live, what is asked of it, its story, and what is in force."""

from typing import Any

from relight.control.requests import Asking
from relight.control.verbs import asked_verb
from relight.control.why import waits_for
from relight.errors import NotNow, UsageError
from relight.web.live import SAMPLES_MAX, decide_part, owned, run_parts, story
from relight.web.moment import Charted, asking, asks_why, label, refused, viewing
from relight.web.pages import Answer, Page, Show, Visit
from relight.web.rendering import drawn

RUNS_MAX = 60
STORY_PAGE = 200


def pages() -> list[Page]:
    """Return all of them; what a run can be asked is one page and one form for each verb."""
    from relight.control.verbs import VERBS

    found = [
        Page("GET", "/", "runs", "runs", _runs),
        Page("GET", "/runs/{run}", "status", "run", _run),
        Page("GET", "/runs/{run}/story", "log", "story", _story),
        Page("GET", "/runs/{run}/report", "report", "report", _report),
        Page("GET", "/effects", "effects", "effects", _effects),
    ]
    for verb in VERBS.values():
        if verb.asks:
            path = f"/runs/{{run}}/ask/{verb.name}"
            found.append(Page("GET", path, "status", f"before-{verb.name}", _looking(verb.name)))
            found.append(Page("POST", path, verb.name, verb.name, _deciding(verb.name)))
    return found


def _runs(visit: Visit) -> Answer:
    from relight.control import proposals

    runs = visit.reception.runs(visit.caller, limit=RUNS_MAX)["runs"]
    cards = []
    for entry in [each for each in runs if each["ended_at"] is None]:
        document = visit.reception.status(visit.caller, entry["run"])
        cards.append({"run": document, **viewing(document)})
    proposed = [
        each for each in proposals.proposals(visit.reception, visit.caller)["proposals"] if each["state"] == "proposed"
    ]
    over = [each for each in runs if each["ended_at"] is not None]
    return Show("runs.html", {"cards": cards, "over": over, "proposed": proposed})


def _run(visit: Visit) -> Answer:
    document = visit.reception.status(visit.caller, visit.path["run"])
    who = visit.caller.of(document["site"])
    parts = run_parts(visit.reception, document["run"], document)
    parts["decide"] = owned(decide_part(document, who), visit.session.csrf)
    return Show("run.html", {"run": document, "parts": parts, **viewing(document)})


def _story(visit: Visit) -> Answer:
    run = visit.path["run"]
    row = visit.reception.row(visit.caller, run, "log")
    upto = row.seq
    given = visit.query.get("upto", "")
    if given.isascii() and given.isdigit() and len(given) <= 12:
        upto = min(upto, int(given))
    after = max(0, upto - STORY_PAGE)
    entries = visit.reception.log(visit.caller, run, after=after, limit=upto - after)["records"] if upto else []
    document = visit.reception.status(visit.caller, run)
    context = {"run": document, "entries": entries[::-1], "earlier": after, "newest": row.seq == upto}
    return Show("story.html", context)


def _report(visit: Visit) -> Answer:
    from relight.control.report import report_body, report_document

    row = visit.reception.row(visit.caller, visit.path["run"], "report")
    document = report_document(visit.reception.journal, row.run)
    return Show("report.html", {"run": row, "body": drawn(report_body(document))})


def _effects(visit: Visit) -> Answer:
    return Show("effects.html", {"effects": visit.reception.effects(visit.caller)["effects"]})


# ---- deciding


def _looking(verb: str) -> Any:
    def handle(visit: Visit) -> Answer:
        return _before(visit, verb, visit.query.get("words", ""))

    return handle


def _before(visit: Visit, verb: str, words: str, trouble: str = "") -> Show:
    """Return what a verb would do, with a form that asks it; looking changes nothing."""
    asked_verb(verb)
    document = visit.reception.status(visit.caller, visit.path["run"])
    who = visit.caller.of(document["site"])
    every = [*document["choices"], *document["seldom"]]
    choice = next((each for each in every if each["verb"] == verb and each["words"] == words), None)
    charted = Charted(visit.reception.journal.samples(document["run"], last=SAMPLES_MAX))
    gate = document["gate"] if verb in ("approve", "deny", "skip") else None
    return Show(
        "ask.html",
        {
            "run": document,
            "verb": verb,
            "words": words,
            "label": label(verb, words),
            "choice": choice,
            "refusal": refused(choice, who) if choice is not None else "",
            "needed": (choice is not None and choice["needs_reason"]) or asks_why(document, verb),
            "gate": gate,
            "preview": _preview(visit, document["run"], verb, words),
            "check": charted.check,
            "waits_for": waits_for(document),
            "trouble": trouble,
            "key": owned("@key@", ""),
            **viewing(document),
        },
        422 if trouble else 200,
    )


def _preview(visit: Visit, run: str, verb: str, words: str) -> list[dict[str, Any]]:
    from relight.control.effects import undo_preview

    if verb != "undo" or not words:
        return []
    first, _, stage = words.partition(" ")
    state = visit.reception.tracks.run(run)
    return undo_preview(state, stage=stage) if first == "--to" else undo_preview(state, step=words)


def _deciding(verb: str) -> Any:
    def handle(visit: Visit) -> Answer:
        form = visit.form
        words = form.get("words", "").strip()
        reason = form.get("reason", "").strip()
        if not reason and (form.get("needs") == "reason" or (verb == "approve" and _lacks_why(visit))):
            if visit.inline:
                return Show("run/trouble.html", {"text": f"{label(verb, words)}: say why first."}, 422)
            return _before(visit, verb, words, "Say why: it is kept in the journal.")
        asked = asking(
            verb,
            words,
            ticket=form.get("ticket", ""),
            scope=form.get("scope", ""),
            reason=reason,
            confirmed=form.get("confirmed", "").strip(),
        )
        return _asked(visit, verb, words, asked)

    return handle


def _lacks_why(visit: Visit) -> bool:
    """Return whether an approval that would count says nothing of why, where this page wants to know."""
    document = visit.reception.status(visit.caller, visit.path["run"])
    if not asks_why(document, "approve") or visit.form.get("ticket") != document["gate"]["ticket"]:
        return False
    choice = next((each for each in document["choices"] if each["verb"] == "approve"), None)
    return choice is not None and not refused(choice, visit.caller.of(document["site"]))


def _asked(visit: Visit, verb: str, words: str, asked: Asking) -> Answer:
    run = visit.path["run"]
    try:
        answer = visit.reception.ask(visit.caller, run, asked, key=visit.form.get("key", ""))
    except NotNow as error:
        return _late(visit, verb, words, error)
    except UsageError as error:
        if visit.inline:
            return Show("run/trouble.html", {"text": f"{error.message}. {error.hint}"}, 422)
        return _before(visit, verb, words, f"{error.message}; {error.hint}" if error.hint else error.message)
    said = f"{label(verb, words)}: {answer['says']}"
    if visit.inline:
        return Show("run/said.html", {"text": said})
    return visit.go(f"/runs/{answer['run']}", said)


def _late(visit: Visit, verb: str, words: str, error: NotNow) -> Answer:
    """Return that the page was older than the run: what has happened since, who did it, and what to do."""
    document = visit.reception.status(visit.caller, visit.path["run"])
    context = {
        "run": document,
        "label": label(verb, words),
        "error": error,
        "waits_for": waits_for(document),
        "entries": story(visit.reception, document["run"])[:6],
        **viewing(document),
    }
    if visit.inline:
        return Show("run/late.html", context, 409)
    return Show("late.html", context, 409)
