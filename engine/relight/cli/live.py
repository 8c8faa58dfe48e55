"""The live view: a status document as lines, readable across a room.

A pure function of the document, the width and the time, so that it can be tested by what it draws.
The screen (``screen``) puts the lines on a terminal.
"""

from collections.abc import Callable, Mapping
from typing import Any

from relight.cli.live_blocks import ended_block, gate_block, hold_block, paused_block, task_block, undo_block
from relight.cli.live_rows import LABEL, NARROW, Moment, age, effect_rows, paragraph, row, wrapped
from relight.cli.live_steps import steps_block
from relight.cli.terminal import Line, Span, columns, environment_style, fit, plain
from relight.control.wording import figure, rough, wall_clock

EFFECTS_NARROW, EFFECTS_WIDE = 4, 8
"""Effects shown, the newest; ``relight effects`` has them all."""
SILENT_MS = 10_000
"""A driver says every second or two that it is there; after this long a person should know that it does not."""
GAP = 8
WIDEST = 120
"""Columns that are used: on a wider row the eye loses its line between the name and the figure."""
STAGE_MARKS = {
    "pending": (".", "dim"),
    "waiting": ("?", "loud"),
    "running": (">", "bold"),
    "verifying": (">", "bold"),
    "held": ("!", "loud"),
    "succeeded": ("+", "good"),
    "skipped": ("-", "dim"),
}
BLOCKS: dict[str, Callable[[Moment], list[Line]]] = {
    "gate": gate_block,
    "hold": hold_block,
    "resume": paused_block,
    "task": task_block,
}


def render(document: Mapping[str, Any], width: int, now: int, *, name: str = "", viewer: str = "") -> list[Line]:
    """Return the view of a run.

    Args:
        document: ``relight.run/v1``.
        now: Wall milliseconds.
        name: What commands call the run; its id if left out.
        viewer: Who looks, as the site knows them; decides whether "you may".
    """
    width = min(width, WIDEST)
    moment = Moment(document, width=width, now=now, name=name or document["run"], viewer=viewer)
    lines = [*_header(moment), *_stages(moment), *_middle(moment)]
    if document["aborting"] and document["ended_at"] is None:
        lines += moment.texts("ABORTING", "nothing forward starts any more", "loud")
    lines += effect_rows(document["effects_in_force"], width, now, EFFECTS_NARROW if width < NARROW else EFFECTS_WIDE)
    lines += _beside(_guards(moment), _budgets(moment), width)
    if left := document.get("left"):
        lines.append(row("LEFT", f"{left['says']} of work; what people take comes on top"))
    for trouble in document["trouble"]:
        lines += moment.texts("TROUBLE", trouble, "warn")
    lines += _next(moment)
    return [fit(each, width) for each in lines]


def _middle(moment: Moment) -> list[Line]:
    document = moment.document
    if document["ended_at"] is not None:
        return ended_block(moment)
    if document["undoing"] is not None:
        return undo_block(moment)
    waiting = document["waiting_on"]
    return BLOCKS[waiting["kind"]](moment) if waiting is not None else steps_block(moment)


def _header(moment: Moment) -> list[Line]:
    document, now = moment.document, moment.now
    since = age(document["started_at"], now) - age(document["ended_at"], now)
    environment = document["environment"]
    site = f"{document['site'].upper()} [{environment}]" if environment else document["site"].upper()
    words = [
        Span(site, environment_style(environment)),
        Span(document["runbook"], "bold"),
        Span(moment.name, "bold"),
        Span(f"{wall_clock(now)}  +{rough(since)}"),
        Span(document["starter"]),
        _driver(document, now),
    ]
    return wrapped(words, moment.width)


def _driver(document: Mapping[str, Any], now: int) -> Span:
    driver = document["driver"]
    if document["ended_at"] is not None:
        return Span(document["state"], "good" if document["state"] == "succeeded" else "bad")
    if driver is None:
        gone = document["last_driver"] is not None
        return Span("driver GONE", "loud") if gone else Span("no driver yet", "warn")
    silent = age(driver["seen_at"], now)
    if driver["seen_at"] is None:
        return Span("driver starting", "dim")
    return Span(f"driver silent {rough(silent)}", "warn") if silent > SILENT_MS else Span(f"driver ok {rough(silent)}")


def _stages(moment: Moment) -> list[Line]:
    words = []
    for stage in moment.document["stages"]:
        mark, style = STAGE_MARKS[stage["state"]]
        if stage["id"] == moment.document["stage"]:
            if moment.document["ended_at"] is not None:
                mark, style = "x", "bad"
            elif stage["state"] == "pending":
                mark, style = ">", "bold"
        words.append(Span(f"{mark}{stage['id']}", style))
    return wrapped(words, moment.width)


def _guards(moment: Moment) -> list[Line]:
    words = []
    for guard in moment.document["guards"]:
        verdict = "BREACHED" if guard["breached"] else guard["verdict"] or "no word yet"
        style = "loud" if guard["breached"] else "good" if guard["verdict"] == "pass" else "warn"
        value = figure(guard["value"], guard["unit"]) if guard["at"] else "-"
        words.append(Span(f"{guard['id']} {value} {guard['criterion']}  {verdict}", style))
    rows = wrapped(words, moment.width - 12, "     ")
    return [row("GUARD" if number == 0 else " ", *spans) for number, spans in enumerate(rows)]


def _budgets(moment: Moment) -> list[Line]:
    """Return what this run has cost each surface, of what its objective allows."""
    words = [
        Span(
            f"{each['surface']} -{rough(each['spent_s'] * 1_000)} of {rough(each['budget_s'] * 1_000)}",
            "bad" if each["spent_s"] > each["budget_s"] else "",
        )
        for each in moment.document["budgets"]
    ]
    return [
        row("BUDGET" if number == 0 else " ", *spans)
        for number, spans in enumerate(wrapped(words, moment.width - LABEL, "     "))
    ]


def _beside(left: list[Line], right: list[Line], width: int) -> list[Line]:
    """Return both, on one line where each is one and there is room."""
    if len(left) != 1 or len(right) != 1 or columns(plain(left[0])) + GAP + columns(plain(right[0])) > width:
        return [*left, *right]
    return [(*left[0], Span(" " * GAP), *right[0])]


def _next(moment: Moment) -> list[Line]:
    document, name = moment.document, moment.name
    if document["state"] == "failed":
        return _next_row(moment, Span(f"relight effects {name}", "bold"), "(or log, report, verify)")
    if document["ended_at"] is not None:
        tail = "(or effects, verify)" if document["effects_in_force"] else "(or verify)"
        return _next_row(moment, Span(f"relight log {name}", "bold"), tail)
    if document["last_driver"] is not None:
        return _next_row(moment, Span(f"relight resume {name}", "bold"), "(its driver is gone; nothing moves)")
    waiting = document["waiting_on"]
    if waiting is not None and waiting["kind"] in {"hold", "task"}:
        able = list(dict.fromkeys(person for choice in document["choices"] for person in choice["may"]))
        return [row("MAY DECIDE", ", ".join(able) or "anybody may abort", "   nothing moves until one does")]
    choices = _likely(document)
    if _enough(document["gate"]):
        return _offer(moment, Span("nothing: it opens when its checks pass"), [each["verb"] for each in choices])
    if not choices:
        return [row("NEXT", "nothing: it goes on by itself")]
    first = choices[0]
    others = list(dict.fromkeys(_short(choice, first) for choice in choices if choice is not first))
    return _offer(moment, Span(first["command"], "bold"), [*others, "why"])


def _offer(moment: Moment, first: Span, others: list[str]) -> list[Line]:
    return _next_row(moment, first, f"(or {', '.join(others)})")


def _next_row(moment: Moment, first: Span, rest: str) -> list[Line]:
    """Return the next command and, where there is room beside it, what else there is."""
    if LABEL + columns(first.text) + 3 + columns(rest) <= moment.width:
        return [row("NEXT", first, f"   {rest}")]
    return [row("NEXT", first), *(row(" ", text) for text in paragraph(rest, moment.width - LABEL))]


def _likely(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the choices without those that would change nothing now."""
    enough = _enough(document["gate"])
    steps = [step for stage in document["stages"] for step in stage["steps"]]
    stays = any(step.get("ramp", {}).get("stay") for step in steps)
    return [
        choice
        for choice in document["choices"]
        if not (enough and choice["verb"] == "approve")
        and not (stays and choice["words"] == "stay")
        and not (document["undoing"] is not None and choice["verb"] == "ramp")
    ]


def _enough(gate: Mapping[str, Any] | None) -> bool:
    return gate is not None and sum(vote["counts"] for vote in gate["approvals"]) >= gate["needed"]


def _short(choice: Mapping[str, Any], first: Mapping[str, Any]) -> str:
    return f"{choice['verb']} {choice['words']}" if choice["verb"] == first["verb"] else str(choice["verb"])
