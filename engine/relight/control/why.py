"""Why a run stands where it stands, in one paragraph, and each legal verb with where it leads."""

from collections.abc import Mapping, Sequence
from typing import Any

from relight.control.wording import counted, figure, listed


def why_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``relight.why/v1`` from a status document."""
    return {
        "schema": "relight.why/v1",
        "run": document["run"],
        "state": document["state"],
        "waits_for": waits_for(document),
        "safe": safety(document),
        "choices": [*document["choices"], *document["seldom"]],
    }


def waits_for(document: Mapping[str, Any]) -> str:
    """Return what the run waits for, in a sentence or two."""
    who = f"{document['runbook']} on {document['site']}"
    if document["ended_at"] is not None:
        left = document["effects_in_force"]
        rest = f" {counted(len(left), 'effect')} still in force: {_effects(left)}." if left else ""
        why = f": {document['why']}" if document["why"] else ""
        return f"{who} waits for nothing: it {_word(document['state'])}{why}.{rest}"
    waiting = document["waiting_on"]
    if is_stranded(document) and (waiting is None or document["undoing"] is not None):
        return f"{who} waits for a driver: the last one is gone, and what it had in hand stands as it left it."
    if document["undoing"] is not None:
        left = document["undoing"]["left"]
        return f"{who} is undoing {counted(len(left), 'effect')}{f', now {left[0]}' if left else ''}."
    if waiting is None:
        return f"{who} goes on by itself: {_going_on(document)}"
    match waiting["kind"]:
        case "gate":
            return f"{who} waits at the gate of {waiting['stage']}, {waiting['ticket']}: {_gate(waiting)}"
        case "hold":
            place = waiting["step"] or waiting["subject"] or waiting["stage"]
            text = f": {waiting['text']}" if waiting["text"] else ""
            return f"{who} holds at {place}, because {waiting['means'] or waiting['code']}{text}."
        case "resume":
            return f"{who} is paused by {waiting['by']} and waits for somebody who resumes it."
        case _:
            return f"{who} waits for a person to do {waiting['step']} by hand and mark it: {waiting['instruction']}."


def is_stranded(document: Mapping[str, Any]) -> bool:
    """Return whether the run is not over and its driver is gone: then nothing moves, whatever the state says."""
    return document["ended_at"] is None and document["last_driver"] is not None


def safety(document: Mapping[str, Any]) -> str:
    """Return what is in force and what happens while nobody does anything."""
    if document["ended_at"] is not None:
        return "Nothing moves any more."
    protective = [effect for effect in document["effects_in_force"] if effect["protective"]]
    unsure = [effect for effect in document["effects_in_force"] if not effect["sure"]]
    breached = [guard["id"] for guard in document["guards"] if guard["breached"]]
    words = []
    if document["driver"] is None:
        words.append("No driver is alive: nothing moves and nobody watches until `relight resume`.")
    elif document["waiting_on"] is not None:
        words.append("Waiting is safe: nothing goes forward until somebody decides.")
    else:
        words.append("Pause and abort are always allowed, and moves to less exposure need nobody.")
    if protective:
        words.append(f"In force to protect the service: {_effects(protective)}.")
    if breached:
        words.append(f"The guard {listed(breached)} is breached.")
    elif document["guards"]:
        words.append(f"Guards are armed: {listed([guard['id'] for guard in document['guards']])}.")
    if unsure:
        words.append(f"Not known to be in force or not: {_effects(unsure)}.")
    return " ".join(words)


def _gate(gate: Mapping[str, Any]) -> str:
    parts = []
    counting = [vote["person"] for vote in gate["approvals"] if vote["counts"]]
    missing = gate["needed"] - len(counting)
    if counting:
        parts.append(f"approved by {listed(counting)}")
    if missing > 0:
        who = f" ({listed(gate['may'], 'or')} may)" if gate["may"] else " (nobody of the site may)"
        parts.append(f"{missing} more of {listed(gate['roles'], 'or')} must approve{who}")
    failing = [check for check in gate["require"] if check["verdict"] != "pass"]
    if failing:
        parts.append(f"it cannot open until {_checks(failing)}")
    elif gate["require"]:
        parts.append(f"{listed([check['id'] for check in gate['require']])} pass")
    if gate["told"]:
        parts.append(f"{listed(gate['told'])} {'was' if len(gate['told']) == 1 else 'were'} told that it waits")
    return "; ".join(parts) + "."


def _going_on(document: Mapping[str, Any]) -> str:
    stage = next((each for each in document["stages"] if each["id"] == document["stage"]), None)
    if stage is None:
        return "it is about to end."
    if stage["state"] == "verifying":
        failing = [check for check in stage["checks"] if check["verdict"] != "pass"]
        return f"{stage['id']} is verified; it is done when {_checks(failing or stage['checks'])}."
    running = [step for step in stage["steps"] if step["state"] == "running"]
    if running:
        return f"in {stage['id']}, {listed([_step(step) for step in running])}."
    return f"it approaches {stage['id']}, and reads what it needs to enter it."


def _step(step: Mapping[str, Any]) -> str:
    if ramp := step.get("ramp"):
        here = ramp["values"][ramp["position"]] if ramp["values"] else "-"
        return f"{step['id']} ramps {ramp['key']}, now {here}"
    return f"{step['id']} is {step.get('doing') or 'running'}"


def _checks(checks: Sequence[Mapping[str, Any]]) -> str:
    words = []
    for check in checks:
        value = figure(check["value"], check["unit"]) if check["at"] else "not read yet"
        words.append(f"{check['id']} {check['criterion']} (now {value})")
    return listed(words)


def _effects(effects: Sequence[Mapping[str, Any]]) -> str:
    return listed([effect["says"] for effect in effects])


def _word(state: str) -> str:
    return "was aborted" if state == "aborted" else state
