"""What a run waits for or how it ended, as blocks of the live view: one for each kind of moment."""

from collections.abc import Mapping, Sequence
from typing import Any

from relight.cli.live_rows import LABEL, NARROW, Moment, age, check_row, paragraph, row, until
from relight.cli.live_steps import steps_block
from relight.cli.terminal import Line, Span, clean, columns, line, pad
from relight.control.wording import counted, listed, rough, span


def gate_block(moment: Moment) -> list[Line]:
    """A gate: what it would do, what must pass, what to look at, who is needed."""
    gate, now, width = moment.document["gate"], moment.now, moment.width
    tail = f"waiting {span(age(gate['asked_at'], now))}  expires in {until(gate['expires_at'], now)}"
    head = f"GATE {gate['ticket']}   "
    room = width - len(head) - len(tail) - 2
    rows = [line(Span(head, "loud"), Span(pad(gate["title"], max(room, 10)), "bold"), "  ", tail)]
    for number, will in enumerate(gate["will"]):
        rows += _will_rows("will do" if number == 0 else " ", will, width)
    if gate["will"] and all("usual" in will and will["usual"] is None for will in gate["will"]):
        rows += moment.texts(" ", "how long nobody knows: no run and no rehearsal of it here is recorded", "dim")
    for label, key in (("require", "require"), ("look at", "show")):
        for number, check in enumerate(gate[key]):
            rows.append(check_row(label if number == 0 else " ", check, width, now))
    counting = [vote["person"] for vote in gate["approvals"] if vote["counts"]]
    missing = max(0, gate["needed"] - len(counting))
    need = f"{missing} more of {listed(gate['roles'], 'or')}" if missing else "no more approvals"
    if counting:
        need += f"; approved by {listed(counting)}"
    who = f"; {_who_may(gate['may'], moment.viewer)}" if missing else ""
    rows += moment.texts("need", need + who)
    if not missing and gate["waits_for"]:
        rows += moment.texts("waits for", listed(gate["waits_for"]), "warn")
    return rows


def _will_rows(label: str, will: Mapping[str, Any], width: int) -> list[Line]:
    undo = Span(f"undo: {will['undo']}" if will["undo"] else "no undo", "dim")
    loud = Span("DESTRUCTIVE ", "bad") if will["effect"] == "destructive" else Span("")
    does = will["does"] + (f", {will['usual']['says']}" if will.get("usual") else "")
    gap = width - LABEL - columns(loud.text + clean(does)) - columns(clean(undo.text))
    if gap >= 2:
        return [row(label, loud, does, " " * gap, undo)]
    return [row(label, loud, does), row(" ", "  ", undo)]


def _who_may(may: Sequence[str], viewer: str) -> str:
    others = [person for person in may if person != viewer]
    if viewer in may:
        return "you may" + (f", or {listed(others, 'or')}" if others else "")
    return f"ask {listed(others, 'or')}" if others else "nobody of the site may: abort, or change its people"


def hold_block(moment: Moment) -> list[Line]:
    """A hold: what happened, whether it is safe to wait, and the ways on."""
    hold, width = moment.document["waiting_on"], moment.width
    head = f"HELD {span(age(hold['since'], moment.now))}"
    text = hold["text"] or hold["means"]
    place = hold["step"] or moment.step_of(hold["subject"])
    text = text.replace(hold["subject"], place) if hold["subject"] else text
    if all(word in hold["means"] for word in text.split()):
        text = hold["means"]
    first, *rest = paragraph(f"{place}: {text}" if place and place not in text else text, width - 12)
    rows = [line(Span(pad(head, 12), "loud"), Span(first, "bold"))]
    rows += [row(" ", Span(part, "bold")) for part in rest]
    if hold["means"] and hold["means"] not in text:
        rows += moment.texts("means", hold["means"])
    others = [other for other in moment.document["holds"] if other != hold]
    for other in others:
        rows += moment.texts("and", f"{other['step'] or other['subject'] or other['stage']}: {other['text']}")
    return rows + _safe_rows(moment) + _happened(moment) + choose_rows(moment)


def _safe_rows(moment: Moment) -> list[Line]:
    text = safe_text(moment.document)
    return moment.texts("safe?", text, "good" if text.startswith("yes") else "warn")


def _happened(moment: Moment) -> list[Line]:
    stage = moment.stage
    if stage is None:
        return []
    words = []
    for step in stage["steps"]:
        if step["state"] in {"pending", "skipped"}:
            continue
        word = f"{step['id']} {step['state']}"
        if step["state"] in {"failed", "unknown"}:
            again = step["attempts"] > 1 and "targets" not in step
            word += f" after {step['attempts']} tries" if again else ""
        if fan := step.get("targets"):
            word += f" ({fan['done']} of {fan['total']} hosts done)"
        words.append(word)
    return moment.texts("happened", "; ".join(words)) if words else []


def safe_text(document: Mapping[str, Any]) -> str:
    """Return why nothing gets worse while the run stands still, or what is not sure."""
    protective = [effect for effect in document["effects_in_force"] if effect["protective"]]
    unsure = [effect for effect in document["effects_in_force"] if not effect["sure"]]
    breached = [guard["id"] for guard in document["guards"] if guard["breached"]]
    words = []
    if protective:
        words.append(f"{listed([effect['says'] for effect in protective])} in force")
    if document["guards"]:
        words.append(f"guard {listed(breached)} BREACHED" if breached else "guards armed")
    if unsure:
        words.append(f"not sure of {listed([effect['says'] for effect in unsure])}")
    lead = "not sure: " if breached or unsure else "yes: "
    return f"{lead}nothing moves until somebody decides" + (f"; {'; '.join(words)}" if words else "")


def choose_rows(moment: Moment) -> list[Line]:
    """Return the ways on, each with where it leads and what it takes."""
    rows: list[Line] = []
    choices = moment.document["choices"]
    longest = max((columns(_short_command(choice)) for choice in choices), default=0)
    room = min(longest + 2, 38 if moment.width < NARROW else 60)
    for number, choice in enumerate(choices):
        needs = [listed(choice["roles"], "or")] if choice["roles"] else []
        needs += ["--reason"] if choice["needs_reason"] else []
        takes = f" (needs {listed(needs)})" if needs else ""
        said = paragraph(choice["leads_to"] + takes, moment.width - LABEL - room)
        label = "choose" if number == 0 else " "
        command = _short_command(choice)
        if columns(command) > room - 2:
            rows.append(row(label, Span(command, "bold")))
        else:
            rows.append(row(label, Span(pad(command, room), "bold"), said.pop(0)))
        rows += [row(" ", " " * room, text) for text in said]
    return rows


def _short_command(choice: Mapping[str, Any]) -> str:
    """Return the command up to its reason: that one is needed is said beside it, where there is room."""
    return str(choice["command"]).partition(" --reason")[0]


def undo_block(moment: Moment) -> list[Line]:
    """An undo: what is being reversed, what is left, what failed."""
    undo = moment.document["undoing"]
    done = len(undo["undone"])
    total = done + len(undo["left"]) + len(undo["failed"])
    back = f", back to {undo['back_to']}" if undo["back_to"] else ""
    by = f", asked by {undo['person']}" if undo["person"] else ""
    rows = [line(Span("UNDOING     ", "loud"), Span(f"{done} of {counted(total, 'effect')}{back}{by}", "bold"))]
    left = [moment.step_of(key) for key in undo["left"]]
    if left:
        how = (moment.effect(undo["left"][0]).get("undo") or "").removesuffix(" (asks first)")
        rows += moment.texts("now", f"{left[0]}, with {how}" if how else left[0])
        if left[1:]:
            rows += moment.texts("then", ", ".join(left[1:]))
    for key, error in undo["failed"].items():
        rows += moment.texts("failed", f"{moment.step_of(key)}: {error}", "bad")
    then = {"hold": "then holds", "end": "then the run ends", "step": "then the stage goes on"}[undo["then"]]
    return rows + moment.texts("after", then)


def paused_block(moment: Moment) -> list[Line]:
    """A pause: who, and that less exposure still goes."""
    by = moment.document["waiting_on"]["by"]
    rows = [line(Span("PAUSED      ", "loud"), Span(f"by {by}; nothing goes forward until somebody resumes", "bold"))]
    return rows + _safe_rows(moment) + (gate_block(moment) if moment.document["gate"] else steps_block(moment))


def task_block(moment: Moment) -> list[Line]:
    """A task done by hand: the instruction."""
    task = moment.document["waiting_on"]
    rows = [
        line(Span("BY HAND     ", "loud"), Span(f"{task['step']}   ", "bold"), span(age(task["since"], moment.now)))
    ]
    rows += moment.texts("do", task["instruction"], "bold")
    return rows + choose_rows(moment)


def ended_block(moment: Moment) -> list[Line]:
    """The end: how, after how long, and what is left."""
    document = moment.document
    took = age(document["started_at"], moment.now) - age(document["ended_at"], moment.now)
    style = "good" if document["state"] == "succeeded" else "bad"
    head = f"{document['state'].upper()}"
    said = f"after {rough(took)}" + (f": {document['why']}" if document["why"] else "")
    first, *rest = paragraph(said, moment.width - LABEL)
    rows = [line(Span(pad(head, LABEL), style), first), *(row(" ", text) for text in rest)]
    done = [stage["id"] for stage in document["stages"] if stage["state"] == "succeeded"]
    skipped = [stage["id"] for stage in document["stages"] if stage["state"] == "skipped"]
    left = [stage["id"] for stage in document["stages"] if stage["state"] not in {"succeeded", "skipped"}]
    for label, stages in (("done", done), ("skipped", skipped), ("not done", left)):
        if stages:
            rows += moment.texts(label, ", ".join(stages))
    if document["unknown"]:
        rows += moment.texts("unknown", f"nobody knows whether these happened: {listed(document['unknown'])}", "bad")
    return rows
