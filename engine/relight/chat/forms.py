"""The forms that a chat shows: why, which runbook with which inputs, and the plan before it is started."""

from collections.abc import Mapping, Sequence
from typing import Any

from relight.chat.channel import Code, Field, Form, one_line

REASON_CHARS_MIN, REASON_CHARS_MAX = 3, 2_000
"""A reason is a word at least; what is longer belongs into a note."""
FIELDS_MAX = 20
PLAN_LINES_MAX = 60
PLAN_CHARS_MAX = 2_800
"""What one piece of a form holds."""

_TITLES = {
    "approve": ("Approve the gate", "Approve"),
    "deny": ("Deny the gate", "Deny"),
    "skip": ("Skip this stage", "Skip"),
    "abort": ("Abort the run", "Abort"),
    "dismiss": ("Dismiss the proposal", "Dismiss"),
}
_WARNINGS = {
    "approve": "What you approve is what the message shows: what was approved is what runs.",
    "deny": "The ticket is closed and the run holds. Nothing is undone by it.",
    "skip": "The stage is left out and the run goes on with the next one.",
    "dismiss": "Nothing is started. The same alert proposes it again when it fires anew.",
    "abort": "The run ends. What protects the service stays in force; the rest is undone where the runbook says so, or "
    "reported.",
}


def why_form(verb: str, about: Mapping[str, str], *, what: str = "", alone: str = "") -> Form:
    """Return the form that asks why.

    Args:
        about: What it is about, for when it comes back.
        what: The same for people.
        alone: The site's name, where somebody opens a gate alone and has to type it.
    """
    title, send = _TITLES[verb]
    subject = " ".join(word for word in (about.get("run", ""), about.get("ticket", "")) if word)
    texts = [*([what] if what else []), subject, _WARNINGS[verb]]
    fields = [Field(id="reason", label="Why?", long=True, hint="It is kept in the journal, with your name.")]
    if alone:
        texts.append(f"You started this run: you open its gate ALONE, and everybody is told. Type {alone} to say so.")
        fields.append(Field(id="confirmed", label="The site's name"))
    return Form(
        name="why", title=title, send=send, texts=tuple(texts), fields=tuple(fields), state={"verb": verb, **about}
    )


def wait_form(text: str) -> Form:
    """Return what is shown while something takes its time."""
    return Form(name="wait", title="relight", texts=(text,))


def said_form(text: str) -> Form:
    """Return a form that only says something."""
    return Form(name="said", title="relight", texts=(text,))


def choose_form(entries: Sequence[Mapping[str, Any]]) -> Form:
    """Return the form that asks which of the published runbooks."""
    names = tuple(f"{entry['published']} @ {entry['site']}" for entry in entries)
    lines = [f"{entry['published']}: {one_line(entry['title'] or entry['runbook'], 120)}" for entry in entries]
    choice = Field(id="which", label="Which?", kind="choice", choices=names, default=names[0])
    return Form(name="choose", title="Start a run", send="Next", texts=("\n".join(lines),), fields=(choice,))


def inputs_form(entry: Mapping[str, Any], *, wrong: str = "", given: Mapping[str, Any] | None = None) -> Form:
    """Return the form that asks for the inputs of a published runbook."""
    fields = [_field(spec, (given or {}).get(spec["id"])) for spec in (entry["inputs"] or ())[:FIELDS_MAX]]
    title = one_line(entry["title"] or entry["runbook"], 150)
    texts = [f"{title}\non {entry['site']} ({entry['environment']})"]
    if wrong:
        texts.append(f"That did not do: {wrong}"[:PLAN_CHARS_MAX])
    texts.append("Next, you see the plan; nothing is started before you say so.")
    state = {"site": entry["site"], "published": entry["published"]}
    return Form(
        name="inputs", title="Start a run", send="Show the plan", texts=tuple(texts), fields=tuple(fields), state=state
    )


def plan_form(plan: Mapping[str, Any], *, state: Mapping[str, str], name: str = "plan") -> Form:
    """Return the plan with the last question; for production, the site's name has to be typed."""
    from relight.runbook.describe_text import plan_text

    lines = plan_text(dict(plan)).splitlines()
    shown = [
        *lines[:PLAN_LINES_MAX],
        *(["..", "The page and the API have all of it."] if lines[PLAN_LINES_MAX:] else []),
    ]
    texts: list[str | Code] = [Code(piece) for piece in _pieces(shown)]
    fields = []
    if plan["environment"] == "production":
        texts.append(f"{plan['site'].upper()} IS PRODUCTION. Type {plan['site']} to start it there.")
        fields.append(Field(id="confirm", label="The site's name"))
    return Form(
        name=name,
        title="Start it?",
        send="Start",
        texts=tuple(texts),
        fields=tuple(fields),
        state={**state, "digest": plan["digest"][:16], "production": plan["site"] if fields else ""},
    )


def wrong_in(name: str, fields: Mapping[str, Any], state: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with a form that was sent, by field: only what can be said without looking anything up."""
    if name == "why":
        reason = str(fields.get("reason") or "").strip()
        if len(reason) < REASON_CHARS_MIN:
            return {"reason": "Say why, in a few words at least."}
        if len(reason) > REASON_CHARS_MAX:
            return {"reason": f"At most {REASON_CHARS_MAX} characters, please."}
    if name in ("plan", "begin") and state.get("production") and fields.get("confirm") != state["production"]:
        return {"confirm": f"Type {state['production']}, exactly so."}
    return {}


def _field(spec: Mapping[str, Any], given: Any) -> Field:
    kind = {"integer": "integer", "number": "number", "percent": "number", "boolean": "boolean", "choice": "choice"}
    default = given if given is not None else spec["default"]
    choices = tuple(str(choice) for choice in spec["choices"] or ())
    return Field(
        id=spec["id"],
        label=one_line(spec["id"], 48),
        kind=kind.get(spec["type"], "text"),  # type: ignore[arg-type]
        default="" if default is None else str(default).lower() if isinstance(default, bool) else str(default),
        choices=choices,
        minimum=spec["minimum"] if isinstance(spec["minimum"], int | float) else None,
        maximum=spec["maximum"] if isinstance(spec["maximum"], int | float) else None,
        needed=False,
        hint=one_line("; ".join(word for word in (spec["description"], spec["limits"]) if word), 150),
    )


def _pieces(lines: Sequence[str]) -> list[str]:
    """Return lines in pieces that a form holds."""
    pieces = [""]
    for line in lines:
        if len(pieces[-1]) + len(line) + 1 > PLAN_CHARS_MAX:
            pieces.append("")
        pieces[-1] += f"{line[:200]}\n"
    return [piece.rstrip() for piece in pieces if piece.strip()]
