"""What a run looks like in a chat: its head, its gates and its holds, each from the run's document and its story.

They are pure: the same run gives the same messages, whoever shows them and however often.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from relight.chat.channel import Button, Code, Message, Row, Time, Word, Words, one_line, said
from relight.chat.story import Gate, Hold
from relight.control.choosing import is_risky
from relight.control.wording import counted, figure, from_instant, listed, rough, spoken

CHECKS_MAX = 8
"""Checks that a gate's message tells one by one; more are counted."""
SHORT = 160
"""Characters of a name, a title or a step's words in one row."""
DOORS = {"slack": "in chat", "matrix": "in chat", "cli": "on the host", "api": "at the API", "page": "on the page"}
_CLOSED = {
    "opened": "OPENED",
    "denied": "DENIED",
    "expired": "EXPIRED",
    "superseded": "asked anew, under another ticket",
    "skipped": "SKIPPED",
    "over": "the run is over",
}


def value_of(run: str, subject: str, digest: str, nonce: str) -> str:
    """Return what a button carries: what it is about, the beginning of the digest, and a word that nobody guesses."""
    return " ".join((run, subject or "-", digest or "-", nonce))


def head_message(document: Mapping[str, Any], *, name: str, nonce: str) -> Message:
    """Return the one message of a run, as it is now."""
    head = f"{place(document)}: {one_line(document['runbook'], SHORT)}"
    started: Words = (
        Code(name),
        "  started ",
        Time(_ms(document["started_at"])),
        f" by {_person(document['starter'])}",
    )
    over = document["ended_at"] is not None
    rows = [Row("Now", _now(document)), Row("Stages", (_stages(document),))]
    if effects := document["effects_in_force"]:
        rows.append(Row("Left in force" if over else "In force", (_effects(effects),)))
    rows += [
        Row("GUARD", (f"{guard['id']} breached at {figure(guard['value'], guard['unit'])}",))
        for guard in document["guards"]
        if guard["breached"] and not over
    ]
    # Whoever reads this here knows that chat is reached.
    troubles = [text for text in document["trouble"] if not text.startswith("chat ")]
    rows += [Row("Trouble", (one_line(text),)) for text in troubles[:2] if not over]
    if over:
        rows.append(Row("Report", (Code(f"relight report {name}"),)))
    else:
        rows.append(Row("Chat down?", (Code(f"relight status {name}"),)))
    about = value_of(document["run"], "", "", nonce)
    buttons: tuple[Button, ...] = ()
    if not over:
        pause = Button("resume", "Resume", about, "go") if document["paused"] else Button("pause", "Pause", about)
        buttons = (pause, Button("abort", "Abort, say why", about, "stop"), Button("details", "Details", about))
    return Message(head=head, aside=started, rows=tuple(rows), buttons=buttons, matters=_matters(document))


def gate_message(document: Mapping[str, Any], *, name: str, nonce: str) -> Message:
    """Return the message of the gate that asks."""
    gate = document["gate"]
    ticket = gate["ticket"]
    aside: Words = (Code(f"{name} {ticket}"), "  asked ", Time(_ms(gate["asked_at"])), f" by {document['starter']}")
    rows = [Row("Will" if not number else "", words) for number, words in enumerate(_will(gate))]
    rows += _checks("Require", gate["require"], worst=True)
    rows += _checks("Look at", gate["show"], worst=False)
    rows.append(Row("Need", _need(document, gate)))
    if gate["approvals"]:
        rows.append(Row("So far", (_votes(gate["approvals"]),)))
    if gate["told"]:
        rows.append(Row("Told", (listed(gate["told"]),)))
    if document["paused"]:
        rows.append(Row("Paused", (f"by {document['waiting_on']['by']}: it opens when somebody resumes",)))
    elif document["holds"]:
        rows.append(Row("Held", ("a hold comes first; see its own message",)))
    if document["last_driver"] is not None:
        rows.append(Row("Driver", ("GONE: nothing moves until ", Code(f"relight resume {name}"))))
    rows.append(Row("Chat down?", (Code(f"relight approve {name} {ticket}"),)))
    about = value_of(document["run"], ticket, gate["scope_digest"][:12], nonce)
    risky = is_risky(gate)
    buttons = [Button("approve_why" if risky else "approve", "Approve, say why" if risky else "Approve", about, "go")]
    if gate["optional"]:
        buttons.append(Button("skip", "Skip, say why", about))
    buttons += [Button("deny", "Deny, say why", about, "stop"), Button("details", "Details", about)]
    verdicts = [(check["id"], check["verdict"]) for check in (*gate["require"], *gate["show"])]
    votes = [(vote["person"], vote["counts"]) for vote in gate["approvals"]]
    matters = repr((ticket, verdicts, votes, gate["may"], gate["told"], document["paused"], len(document["holds"])))
    head = f"{place(document)}: {_lower(one_line(gate['title'], SHORT))}"
    return Message(head=head, aside=aside, rows=tuple(rows), buttons=tuple(buttons), matters=matters)


def closed_gate(document: Mapping[str, Any], gate: Gate, *, name: str) -> Message:
    """Return the message of a gate that was decided: who, when, where, on what evidence; nothing to click."""
    head = f"{place(document)}: {_lower(one_line(gate.title, SHORT))}"
    how = "OPENED ALONE (SOLO)" if gate.solo else _CLOSED[gate.closed]
    by = f" by {_person(gate.by)}" if gate.by else ""
    done: Words = (f"{how}{by} ", Time(gate.closed_ms))
    rows = [Row("Decided", done + ((f", {DOORS.get(gate.door, gate.door)}",) if gate.door else ()))]
    rows += [
        Row(
            "Approved",
            (
                f"{_person(vote.person)} ",
                Time(vote.at_ms),
                f" {DOORS.get(vote.door, vote.door)}",
                f": {one_line(vote.reason)}" if vote.reason else "",
            ),
        )
        for vote in gate.votes[:6]
    ]
    if gate.alone and not gate.solo:
        rows.append(Row("Alone", ("approved by nobody but whoever started it, as this gate allows",)))
    if gate.why:
        rows.append(Row("Why", (one_line(gate.why),)))
    if gate.denied_later:
        rows.append(Row("Denied", (f"afterwards, by {_person(gate.denied_later)}: the run holds",)))
    if gate.readings:
        rows.append(Row("Seen then", (_readings(gate.readings, _units(document)),)))
    aside: Words = (Code(f"{name} {gate.ticket}"), "  asked ", Time(gate.asked_ms))
    return Message(
        head=head, aside=aside, rows=tuple(rows), matters=repr((gate.ticket, gate.closed, gate.denied_later))
    )


def solo_message(document: Mapping[str, Any], gate: Gate, *, name: str, nonce: str) -> Message:
    """Return what everybody has to know: somebody opened a gate alone; whoever may can still deny it."""
    over = document["ended_at"] is not None or gate.denied_later
    about = value_of(document["run"], gate.ticket, "", nonce)
    rows = [
        Row("Why", (one_line(gate.why) or "no reason was given",)),
        Row("Then", ("a denial by somebody of the gate's roles still holds the run",)),
    ]
    if gate.denied_later:
        rows[1] = Row("Denied", (f"by {_person(gate.denied_later)}: the run holds",))
    return Message(
        head=f"{place(document)}: SOLO: {_person(gate.by)} opened {gate.stage} alone",
        aside=(Code(f"{name} {gate.ticket}"), "  ", Time(gate.closed_ms)),
        rows=tuple(rows),
        buttons=() if over else (Button("deny", "Deny it, say why", about, "stop"),),
        matters=repr((gate.ticket, bool(over))),
    )


def hold_message(document: Mapping[str, Any], hold: Hold, *, name: str, nonce: str) -> Message:
    """Return the message of a hold: why, whether waiting is safe, and each way on; or how it was left."""
    from relight.control.why import safety

    where = hold.step or hold.subject or hold.stage
    head = f"{place(document)}: HELD at {one_line(where, SHORT)}"
    aside: Words = (Code(name), "  since ", Time(hold.at_ms))
    entry = next((each for each in document["holds"] if _is_same(each, hold)), None)
    why = one_line(hold.text or (entry["means"] if entry is not None else hold.code))
    rows = [Row("Why", (why,))]
    if hold.left_ms or entry is None:
        how = f"{_person(hold.person)} said {hold.verb}" if hold.person else "it settled"
        how = "the run is over" if hold.verb == "over" else how
        left: Words = (how, " ", Time(hold.left_ms)) if hold.left_ms else (how,)
        rows.append(Row("Left", left + ((f": {one_line(hold.reason)}",) if hold.reason else ())))
        return Message(head=head, aside=aside, rows=tuple(rows), matters="left")
    rows.append(Row("Safe?", (one_line(safety(document)),)))
    for number, choice in enumerate(document["choices"][:6]):
        command = str(choice["command"]).replace(f" {document['run']}", f" {name}", 1)
        rows.append(Row("Choose" if not number else "", (Code(command), f"  {choice['leads_to']}{_takes(choice)}")))
    about = value_of(document["run"], "", "", nonce)
    buttons = (Button("abort", "Abort, say why", about, "stop"), Button("details", "Details", about))
    commands = [choice["command"] for choice in document["choices"]]
    return Message(head=head, aside=aside, rows=tuple(rows), buttons=buttons, matters=repr(commands))


def end_message(document: Mapping[str, Any], *, name: str) -> Message:
    """Return how a run ended, in the words that everybody waits for."""
    took = _ms(document["ended_at"]) - _ms(document["started_at"])
    state = str(document["state"])
    rows = [Row("Stages", (_stages(document),))]
    if document["why"]:
        rows.insert(0, Row("Why", (one_line(document["why"]),)))
    if document["unknown"]:
        rows.append(Row("UNKNOWN", (f"nobody knows whether these happened: {listed(document['unknown'][:6])}",)))
    left = document["effects_in_force"]
    rows.append(Row("Left in force", (_effects(left) if left else "nothing",)))
    if left:
        rows.append(Row("", (Code(f"relight undo {name} STEP"), "  undoes one; relight effects lists them")))
    rows.append(Row("Report", (Code(f"relight report {name}"),)))
    return Message(
        head=f"{place(document)}: {one_line(document['runbook'], SHORT)} {_ended(state)} after {rough(took)}",
        aside=(Code(name), "  ", Time(_ms(document["ended_at"]))),
        rows=tuple(rows),
        matters=state,
    )


# ---- parts


def place(document: Mapping[str, Any]) -> str:
    """Return where it is, as loud as it has to be: nobody may take one site for another."""
    site = str(document["site"]).upper()
    environment = str(document["environment"])
    return site if environment in ("", "production") and "PROD" in site else f"{site} ({environment})"


def _now(document: Mapping[str, Any]) -> Words:
    if document["ended_at"] is not None:
        why = f": {one_line(document['why'])}" if document["why"] else ""
        return f"{_ended(str(document['state'])).upper()} ", Time(_ms(document["ended_at"])), why
    if document["last_driver"] is not None:
        return ("ITS DRIVER IS GONE: nothing moves until somebody says ", Code(f"relight resume {document['run']}"))
    if document["aborting"]:
        return ("ABORTING",)
    if document["undoing"] is not None:
        return (f"UNDOING {counted(len(document['undoing']['left']), 'effect')}",)
    waiting = document["waiting_on"]
    if waiting is None:
        return _going_on(document)
    match waiting["kind"]:
        case "gate":
            return ("WAITS at the gate ", Code(waiting["ticket"]), f": {_lower(one_line(waiting['title'], SHORT))}")
        case "hold":
            where = waiting["step"] or waiting["subject"] or waiting["stage"]
            return (f"HELD at {one_line(where, SHORT)}: {one_line(waiting['text'] or waiting['means'])}",)
        case "resume":
            return (f"PAUSED by {waiting['by']}; moves to less exposure still go",)
        case _:
            return (f"BY HAND, {waiting['step']}: {one_line(waiting['instruction'])}",)


def _going_on(document: Mapping[str, Any]) -> Words:
    stage = next((each for each in document["stages"] if each["id"] == document["stage"]), None)
    if stage is None:
        return (str(document["state"]),)
    if stage["state"] == "verifying":
        return (f"verifies {stage['id']}: {', '.join(_checked(check) for check in stage['checks'][:CHECKS_MAX])}",)
    words = []
    for step in stage["steps"]:
        if step["state"] == "running":
            ramp = step.get("ramp")
            at = f" at {ramp['key']} {ramp['values'][ramp['position']]}" if ramp and ramp["values"] else ""
            words.append(f"{step['id']}{at}")
    return (f"in {stage['id']}{': ' + listed(words) if words else ''}",)


def _stages(document: Mapping[str, Any]) -> str:
    kinds: dict[str, list[str]] = {}
    for stage in document["stages"]:
        word = {"succeeded": "done", "skipped": "skipped", "pending": "then"}.get(stage["state"], "now")
        kinds.setdefault(word, []).append(stage["id"])
    if document["ended_at"] is not None:
        kinds = {{"now": "ended in", "then": "not done"}.get(word, word): stages for word, stages in kinds.items()}
    order = ("done", "skipped", "now", "then", "ended in", "not done")
    return one_line("; ".join(f"{word} {', '.join(kinds[word])}" for word in order if word in kinds))


def asked_about(document: Mapping[str, Any], ticket: str) -> str:
    """Return what a form that asks why is about, for on a phone it hides the message: where, what, and what it does."""
    gate = document["gate"]
    if not ticket or gate is None or gate["ticket"] != ticket:
        return f"{place(document)}: {one_line(document['runbook'], SHORT)}"
    lines = [f"{place(document)}: {one_line(gate['title'])}"]
    return "\n".join([*lines, *(f"Will {said(words)}" for words in _will(gate))])


def _will(gate: Mapping[str, Any]) -> Iterable[Words]:
    for will in gate["will"][:CHECKS_MAX]:
        loud = "DESTRUCTIVE: " if will["effect"] == "destructive" else ""
        pace = f", {will['pace']}" if will["pace"] else ""
        undo = f"; undo: {will['undo']}" if will["undo"] else "; no undo" if will["effect"] != "read" else ""
        yield (f"{loud}{one_line(will['does'], SHORT)}{pace}{undo}",)
    if len(gate["will"]) > CHECKS_MAX:
        yield (f"and {len(gate['will']) - CHECKS_MAX} more steps",)


def _checks(label: str, checks: Sequence[Mapping[str, Any]], *, worst: bool) -> list[Row]:
    """Return what is required, or only shown: figures, the verdict that counts, when they were read, and the worst."""
    if not checks:
        return []
    shown = checks[:CHECKS_MAX]
    text = ", ".join(_checked(check) for check in shown)
    more = f" and {len(checks) - len(shown)} more" if len(checks) > len(shown) else ""
    passes = all(check["verdict"] == "pass" for check in checks)
    rows = [Row(label, (text + more if not worst else f"{text}{more}: pass" if passes else f"NOT YET: {text}{more}",))]
    read = [_ms(check["at"]) for check in checks if check["at"]]
    if worst and read:
        seen = [
            f"{check['id']} {figure(check['worst'], check['unit'])}"
            for check in shown
            if check["worst"] not in (None, check["value"])
        ]
        ever = f"; worst since asked {', '.join(seen)}" if seen else ""
        rows.append(Row("", ("read ", Time(min(read)), ever)))
    return rows


def _checked(check: Mapping[str, Any]) -> str:
    value = check["value"]
    shown = "not read yet" if not check["at"] else "-" if isinstance(value, Mapping | list) else ""
    text = f"{check['id']} {shown or one_line(figure(value, check['unit']), 60)}"
    if check["verdict"] == "inconclusive":
        return text if value is None else f"{text} (not sure)"
    return f"{text} (fails {check['criterion']})" if check["verdict"] == "fail" else text


def _need(document: Mapping[str, Any], gate: Mapping[str, Any]) -> Words:
    counting = [vote for vote in gate["approvals"] if vote["counts"]]
    missing = max(0, gate["needed"] - len(counting))
    who = listed(gate["may"][:CHECKS_MAX], "or") or "nobody of the site may: abort, or change its people"
    need = f"{missing} {listed(gate['roles'], 'or')} ({who})" if missing else "no more approvals"
    alone = gate["alone_from"]
    expires: tuple[Word, ...] = ("; expires ", Time(_ms(gate["expires_at"])), ", then holds")
    if alone is None:
        return (need, *expires)
    return (need, f"; {document['starter']} alone from ", Time(_ms(alone)), ", with a reason", *expires)


def _votes(approvals: Sequence[Mapping[str, Any]]) -> str:
    words = []
    for vote in approvals:
        counts = "" if vote["counts"] else " (no longer counts)"
        words.append(f"{_person(vote['person'])} approved {DOORS.get(vote['door'], vote['door'])}{counts}")
    return listed(words)


def _effects(effects: Sequence[Mapping[str, Any]]) -> str:
    words = [
        f"{'' if effect['sure'] else 'PERHAPS '}{_effect(effect)} ({effect['when_undone']})" for effect in effects[:4]
    ]
    more = f"; and {len(effects) - 4} more" if len(effects) > 4 else ""
    return "; ".join(words) + more


def _effect(effect: Mapping[str, Any]) -> str:
    value = effect["value"] if isinstance(effect["value"], Mapping) else {}
    values = ", ".join(spoken(name, each) for name, each in value.items() if each is not None)
    return one_line(f"{effect['step']} {values}".strip(), SHORT)


def _readings(readings: Mapping[str, Any], units: Mapping[str, str]) -> str:
    words = []
    for check, reading in list(readings.items())[:CHECKS_MAX]:
        value = reading.get("value") if isinstance(reading, Mapping) else reading
        words.append(f"{check} {one_line(figure(value, units.get(check, '')), 60)}")
    return ", ".join(words)


def _units(document: Mapping[str, Any]) -> dict[str, str]:
    return {check["id"]: check["unit"] for check in document["checks"]}


def _takes(choice: Mapping[str, Any]) -> str:
    needs = [listed(choice["roles"], "or")] if choice["roles"] else []
    return f" (needs {listed(needs)})" if needs else ""


def _is_same(entry: Mapping[str, Any], hold: Hold) -> bool:
    return (entry["code"], entry["stage"], entry["step"]) == (hold.code, hold.stage, hold.step)


def _matters(document: Mapping[str, Any]) -> str:
    waiting = document["waiting_on"] or {}
    return repr(
        (
            document["state"],
            document["paused"],
            document["aborting"],
            waiting.get("ticket") or waiting.get("code") or waiting.get("kind"),
            [(stage["id"], stage["state"]) for stage in document["stages"]],
            [effect["key"] for effect in document["effects_in_force"]],
            [guard["id"] for guard in document["guards"] if guard["breached"]],
            document["last_driver"] is None,
        )
    )


def _ended(state: str) -> str:
    return "was aborted" if state == "aborted" else state


def _person(name: str) -> str:
    return one_line(name, 80)


def _lower(title: str) -> str:
    """Return a title as it goes on after a colon; names that are all capitals stay."""
    return title[:1].lower() + title[1:] if title[1:2].islower() or title[1:2] == " " else title


def _ms(text: str | None) -> int:
    return from_instant(text) or 0
