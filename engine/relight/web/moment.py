"""A run's document as a page shows it: one headline, checks with their curves, and what this viewer may ask."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup

from relight.charts import Limit, curve_fragment
from relight.control.choosing import is_risky
from relight.control.identities import Identity
from relight.control.permissions import permit_asking
from relight.control.requests import Asking
from relight.control.why import is_stranded, safety
from relight.control.wording import figure, from_instant, listed, now_ms
from relight.errors import NotPermitted
from relight.journal.port import Sample
from relight.web.rendering import drawn

WINDOW_MS = 300_000
"""What a check's curve shows at most: five minutes tell falling from rising."""
WINDOW_SHORTEST_MS = 30_000
DIRECT = frozenset({"approve", "deny", "pause", "resume", "retry", "ramp", "ask"})
"""Asked by one button; the others first show what they would do."""
_COMPARED = re.compile(r"(<=|>=|<|>|==)")
_VERDICTS = {"pass": ("pass", "good"), "fail": ("fails", "bad"), "inconclusive": ("no data", "warn")}
_ENDED = {"succeeded": "good", "failed": "bad", "aborted": "warn"}


class Headline(NamedTuple):
    """What is to be read across the room: a word, its colour's name, and a sentence."""

    word: str
    tone: str
    text: str
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class _Points:
    name: str
    title: str
    unit: str
    points: Sequence[tuple[int, float | None]]


# ---- the headline


def headline(document: Mapping[str, Any]) -> Headline:
    """Return what a run is about at this moment."""
    waiting = document["waiting_on"]
    if document["ended_at"] is not None:
        return Headline(
            document["state"].upper(),
            _ENDED.get(document["state"], "warn"),
            document["why"] or document["title"],
            since=document["ended_at"],
        )
    if document["undoing"] is not None:
        return Headline("UNDOING", "warn", f"{len(document['undoing']['left'])} left, the last one first")
    if waiting is not None and waiting["kind"] == "hold":
        place = waiting["step"] or waiting["stage"]
        text = waiting["text"] or waiting["means"]
        return Headline(
            "HELD", "bad", text if not place or place in text else f"{place}: {text}", since=waiting["since"]
        )
    if is_stranded(document):
        return Headline("NO DRIVER", "bad", "Nothing moves and nobody watches until it is resumed")
    if waiting is None:
        return _going_on(document)
    match waiting["kind"]:
        case "resume":
            return Headline("PAUSED", "warn", f"by {waiting['by']}; nothing goes forward until somebody resumes")
        case "gate":
            return Headline("GATE", "ask", waiting["title"], since=waiting["asked_at"], until=waiting["expires_at"])
        case _:
            return Headline("BY HAND", "ask", f"{waiting['step']}: {waiting['instruction']}", since=waiting["since"])


def _going_on(document: Mapping[str, Any]) -> Headline:
    stage = stage_of(document)
    if stage is None:
        return Headline("RUNNING", "calm", document["title"])
    ramp = ramp_of(document)
    if ramp is not None:
        step, moves = ramp
        here = moves["values"][moves["position"]] if moves["values"] else "-"
        if moves["stay"]:
            return Headline("RAMP STAYS", "warn", f"{step['id']}: {moves['key']} {here}", since=moves["since"])
        if moves["cool_until"] or moves["why"]:
            count = f" {moves['step_backs']} of {moves['step_backs_max']}" if moves["step_backs"] else ""
            return Headline(
                f"STEPPED BACK{count}", "warn", f"{step['id']}: {moves['key']} {here}", until=moves["cool_until"]
            )
        return Headline("RAMP", "calm", f"{step['id']}: {moves['key']} {here}", since=moves["since"])
    if stage["state"] == "verifying":
        return Headline("VERIFYING", "calm", stage["title"])
    running = [step for step in stage["steps"] if step["state"] == "running"]
    return Headline("RUNNING", "calm", running[0]["title"] or running[0]["id"] if running else stage["title"])


def stage_of(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the stage that the run is in."""
    return next((stage for stage in document["stages"] if stage["id"] == document["stage"]), None)


def ramp_of(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Return the step that ramps, and its ramp."""
    stage = stage_of(document)
    for step in stage["steps"] if stage is not None else ():
        if step.get("ramp"):
            return step, step["ramp"]
    return None


# ---- checks


class Charted:
    """The samples of a run, ready to be drawn beside its checks."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._now = now_ms()
        self._points: dict[str, dict[int, float]] = {}
        for sample in samples:
            value = sample.value
            if isinstance(value, int | float) and not isinstance(value, bool):
                self._points.setdefault(sample.check, {})[sample.at] = float(value)

    def check(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return a check with its verdict in words, and its curve."""
        word, tone = _VERDICTS.get(entry["verdict"] or "", ("watched", "calm") if entry["at"] else ("not read", "calm"))
        worst = entry.get("worst")
        return {
            **entry,
            "word": word,
            "tone": tone,
            "worst_text": "" if worst is None else figure(worst, entry["unit"]),
            "drawing": self._drawing(entry),
        }

    def _drawing(self, entry: Mapping[str, Any]) -> Markup | None:
        points = sorted(self._points.get(entry["id"], {}).items())
        if len(points) < 2:
            return None
        begin = max(points[0][0], self._now - WINDOW_MS)
        end = max(points[-1][0], begin + WINDOW_SHORTEST_MS)
        unit = "share" if entry["unit"] == "%" else "count"
        inside = [(at - begin, value) for at, value in points if at >= begin]
        curve = _Points(entry["id"], entry["id"], unit, inside)
        found = _COMPARED.match(entry["criterion"])
        limit = None
        if found is not None and entry["limit"] is not None:
            limit = Limit(curve=entry["id"], value=entry["limit"], good=found[1].replace("==", "<="))
        return drawn(curve_fragment(curve, limit, end - begin))


# ---- what may be asked


def ways(document: Mapping[str, Any], who: Identity) -> list[dict[str, Any]]:
    """Return every choice of the moment, with whether this viewer may take it, and how it is called on a button."""
    found = []
    for often, choices in ((True, document["choices"]), (False, document["seldom"])):
        for choice in choices:
            refusal = refused(choice, who)
            found.append(
                {
                    **choice,
                    "often": often,
                    "label": label(choice["verb"], choice["words"]),
                    "able": not refusal,
                    "refusal": refusal,
                    "direct": choice["verb"] in DIRECT and not choice["needs_reason"],
                    "asks_why": asks_why(document, choice["verb"]),
                    "tone": "go"
                    if choice["verb"] in ("approve", "resume", "retry")
                    else "stop"
                    if choice["safe"]
                    else "",
                }
            )
    return found


def asks_why(document: Mapping[str, Any], verb: str) -> bool:
    """Return whether this page wants to know why: what cannot be taken back is approved with a reason."""
    return verb == "approve" and document["gate"] is not None and is_risky(document["gate"])


def refused(choice: Mapping[str, Any], who: Identity) -> str:
    """Return why this viewer may not take a choice; empty: they may try, and the kernel says the last word."""
    try:
        permit_asking(who, asking(choice["verb"], choice["words"]))
    except NotPermitted as error:
        return error.message
    if choice["who"] == "anybody" or who.person in choice["may"]:
        return ""
    holders = listed(choice["may"], "or")
    return f"for {holders}" if holders else "nobody of the site may"


def asking(
    verb: str, words: str, *, ticket: str = "", scope: str = "", reason: str = "", confirmed: str = ""
) -> Asking:
    """Return what a run is asked by the words of a choice, which are those of the command line."""
    first, _, rest = words.partition(" ")
    plain = Asking(verb, reason=reason)
    match verb:
        case "approve":
            return plain._replace(ticket=ticket or first, scope_digest=scope, confirmed=confirmed)
        case "deny":
            return plain._replace(ticket=ticket or first)
        case "mark":
            return plain._replace(subject=first, value=rest)
        case "ramp" | "note":
            return plain._replace(value=words)
        case "undo" if first == "--to":
            return plain._replace(value=rest)
        case _:
            return plain._replace(subject=words)


def label(verb: str, words: str) -> str:
    """Return what a button says."""
    match verb:
        case "approve" | "deny" | "pause" | "resume" | "abort":
            return verb.capitalize()
        case "ask":
            return "Ask anew"
        case "ramp":
            return {"floor": "Ramp to the floor", "down": "Ramp down one", "stay": "Ramp: stay here"}.get(
                words, "Ramp up"
            )
        case "mark":
            return f"Mark {words.replace(' not-done', ' not done')}"
        case "undo" if words.startswith("--to "):
            return f"Undo back to {words.removeprefix('--to ')}"
        case _:
            return f"{verb.capitalize()} {words}".rstrip()


def viewing(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every template of a run reads besides the document itself."""
    started = from_instant(document["started_at"]) or 0
    ended = from_instant(document["ended_at"]) or now_ms()
    return {
        "headline": headline(document),
        "stage": stage_of(document),
        "ramp": ramp_of(document),
        "took": ended - started,
        "safe": safety(document),
    }
