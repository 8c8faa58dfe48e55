"""The steps of the stage at hand in the live view, a ramp among them, and the checks that a stage must pass."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from relight.cli.live_rows import NARROW, Moment, age, check_row, until
from relight.cli.terminal import Line, Span, clean, columns, cut, line, pad
from relight.control.why import is_stranded
from relight.control.wording import argument, brief, counted, figure, rough, span, spoken

STEPS_MAX = 8
"""Rows of steps; a stage with more shows those around the one that runs."""
MARKS = {
    "pending": (".", "dim"),
    "running": (">", "bold"),
    "succeeded": ("+", "good"),
    "failed": ("x", "bad"),
    "unknown": ("?", "bad"),
    "skipped": ("-", "dim"),
    "undone": ("<", "warn"),
}


def ramp_block(moment: Moment, step: Mapping[str, Any]) -> list[Line]:
    """A ramp: where it is among its values, why it went down, what it waits for."""
    ramp, now = step["ramp"], moment.now
    back = bool(ramp["why"])
    state = _ramp_state(ramp)
    head = f"RAMP {ramp['key']}"
    scale = _scale(ramp)
    gap = max(2, moment.width - len(head) - 4 - len(scale) - len(state))
    style = "warn" if back else "calm"
    rows = [line(Span(f"{head}    ", "bold"), Span(scale, "bold"), " " * gap, Span(state, style))]
    if back:
        rows += moment.texts("why", _ramp_why(moment, ramp), "warn")
    here = spoken(ramp["key"], ramp["values"][ramp["position"]]) if ramp["values"] else "-"
    seen = next(
        (each["observed_at"] for each in moment.document["effects_in_force"] if each["step"] == step["id"]), None
    )
    rows += moment.texts(
        "now", f"{here} for {span(age(ramp['since'], now))}" + (f", seen {rough(age(seen, now))} ago" if seen else "")
    )
    rows += _ramp_then(moment, ramp)
    for number, check in enumerate(ramp["checks"]):
        rows.append(check_row("checks" if number == 0 else " ", check, moment.width, now))
    return rows


def _ramp_state(ramp: Mapping[str, Any]) -> str:
    if ramp["stay"]:
        word = "STAYS"
    elif ramp["why"]:
        word = "STEPPING BACK" if ramp["moving"] else "STEPPED BACK"
    else:
        word = "MOVING" if ramp["moving"] else "WATCHING"
    return f"{word} {ramp['step_backs']} of {ramp['step_backs_max']}" if ramp["step_backs"] else word


def _scale(ramp: Mapping[str, Any]) -> str:
    """Return the ramp's values, the one in force in brackets, and an arrow where it came down from above."""
    words = [argument(value) for value in ramp["values"]]
    here = ramp["position"]
    if here < len(words):
        words[here] = f"[{words[here]}]"
        if ramp["why"] and here + 1 < len(words):
            words[here : here + 2] = [f"{words[here]}<-{words[here + 1]}"]
    return "  ".join(words)


def _ramp_why(moment: Moment, ramp: Mapping[str, Any]) -> str:
    """Return why it went down, with the figure as people say it and what it must be."""
    why = str(ramp["why"])
    for check in [*ramp["checks"], *moment.document["guards"]]:
        if found := re.search(rf"\b{re.escape(check['id'])} (-?[\d.]+(?:e-?\d+)?)", why):
            said = f"{check['id']} {figure(float(found[1]), check['unit'])}"
            return f"{why.replace(found[0], said)}; must be {check['criterion']}"
    return why


def _ramp_then(moment: Moment, ramp: Mapping[str, Any]) -> list[Line]:
    rest = ramp["values"][ramp["position"] + 1 :]
    if ramp["stay"]:
        return moment.texts("then", "stays here until somebody says up")
    words = []
    if ramp["cool_until"] is not None and age(ramp["cool_until"], moment.now) == 0:
        words.append(f"cool down {until(ramp['cool_until'], moment.now)}")
    dwell = brief(round(ramp["dwell_s"] * 1_000))
    if rest:
        again = " again" if ramp["why"] else ""
        words.append(f"checks hold {dwell}, then {spoken(ramp['key'], rest[0])}{again}")
    else:
        words.append(f"checks hold {dwell}, then the stage goes on")
    lower = [spoken(ramp["key"], value) for value in reversed(ramp["values"][: ramp["position"]])]
    rows = moment.texts("then", ", ".join(words))
    return rows + (moment.texts("if not", f"{', then '.join(lower)}, then hold") if lower else [])


def steps_block(moment: Moment) -> list[Line]:
    """The steps of the stage at hand, or the checks that it must pass."""
    stage = moment.stage
    if stage is None:
        return []
    ramp = next((step for step in stage["steps"] if "ramp" in step and step["state"] == "running"), None)
    if ramp is not None:
        return ramp_block(moment, ramp)
    verifying = stage["state"] == "verifying"
    word = {"verifying": "VERIFY", "pending": "NEXT STAGE", "waiting": "APPROACH"}.get(stage["state"], "RUN")
    title = "" if stage["title"] == stage["id"] else cut(clean(stage["title"]), moment.width - 24)
    rows = [line(Span(f"{word} {stage['id']}   ", "bold"), title)]
    if verifying:
        for number, check in enumerate(stage["checks"]):
            rows.append(check_row("must pass" if number == 0 else " ", check, moment.width, moment.now))
            if check["for_s"]:
                rows += moment.texts(
                    " ",
                    f"for {brief(round(check['for_s'] * 1_000))}, within {brief(round(check['within_s'] * 1_000))}",
                    "dim",
                )
        return rows
    return rows + [_step_row(moment, step) for step in _around(stage["steps"])]


def _around(steps: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    if len(steps) <= STEPS_MAX:
        return steps
    running = next((number for number, step in enumerate(steps) if step["state"] != "succeeded"), len(steps))
    start = max(0, min(running - 2, len(steps) - STEPS_MAX))
    return steps[start : start + STEPS_MAX]


def _step_row(moment: Moment, step: Mapping[str, Any]) -> Line:
    mark, style = MARKS[step["state"]]
    words = step.get("doing") or ("" if step["state"] == "pending" else step["state"])
    since = step.get("started_at")
    if step["state"] == "running" and since:
        usual = f" of {step['usual']['says']}" if step.get("usual") else ""
        words += f" {span(age(since, moment.now))}{usual}"
    if step["state"] == "running" and is_stranded(moment.document):
        words, style = "under way when its driver went", "bad"
    if step["attempts"] > 1:
        words += f", try {step['attempts']}"
    if step.get("retry_at"):
        words = f"again in {until(step['retry_at'], moment.now)}"
    if step.get("until"):
        words = f"waits {until(step['until'], moment.now)}"
    if fan := step.get("targets"):
        words = f"{fan['done']} of {counted(fan['total'], 'host')}, {fan['failed']} failed"
    if step["state"] == "undone":
        words = "undone"
    extra = step.get("progress") or step["error"]
    name_room = 14 if moment.width < NARROW else 20
    does_room = moment.width - name_room - 4 - max(24, columns(words) + 2)
    if extra:
        does_room //= 2
    return line(
        Span(f"  {mark} ", style),
        Span(pad(step["id"], name_room), style),
        Span(pad(step["does"], does_room), "dim" if step["state"] in {"pending", "skipped"} else ""),
        "  ",
        Span(words, style),
        f"  {extra}" if extra else "",
    )
