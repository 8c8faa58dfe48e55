"""Plain-text transcripts of a desk: what was said to a run, what followed, and what is wanted then.

A script's lines begin with ``>`` and name a move of the desk; everything below, up to the next, is what came of it:
facts, then what is wanted now (``+``) and no longer (``-``), then the run's state where it is another (``=``).
Writing a transcript anew keeps the scripts and their comments (``#``), and replaces the rest.
"""

import dataclasses
import json
import shlex
from collections.abc import Iterator
from typing import Any

from relight.errors import NotNow, NotPermitted
from relight.kernel.facts import AnyFact, EffectInForce, StepDispatched
from relight.kernel.intents import AnyIntent, Observe, Perform, ReadProbe, Stop, Wake, Watch
from relight.kernel.plan import Use
from relight.kernel.wanted import wanted
from relight.testing.desk import Desk
from relight.testing.plans import PEOPLE

UNTOLD = {"at", "t", "plan", "deadline_t", "digest", "scope_digest", "target", "request", "before_known", "effect_key"}
"""Fields that only lengthen a transcript."""


def played(script: str, desk: Desk) -> str:
    """Return the transcript of a script, played at a desk."""
    lines: list[str] = []
    known: dict[str, AnyIntent] = {}
    state = ""
    for line in script.splitlines():
        if line.startswith("#"):
            lines += ["", line] if lines and not lines[-1].startswith("#") else [line]
        elif line.startswith(">"):
            lines += ["", line] if lines and not lines[-1].startswith("#") else [line]
            lines += _told(desk, line[1:])
            now = {intent.id: intent for intent in wanted(desk.run)}
            lines += [f"- {name}" for name in known if name not in now]
            lines += [f"+ {name}{_intent(intent)}" for name, intent in now.items() if name not in known]
            lines += [f"= {_state(desk)}"] if state != _state(desk) else []
            known, state = now, _state(desk)
    return "\n".join(lines).strip() + "\n"


def _told(desk: Desk, line: str) -> Iterator[str]:
    line, given = _tail(line)
    verb, *words = shlex.split(line)
    given |= dict(word.split("=", 1) for word in words if "=" in word)
    plain = [word for word in words if "=" not in word]
    try:
        facts = _move(desk, verb, plain, given)
    except (NotNow, NotPermitted) as refusal:
        yield f"! {type(refusal).__name__}: {refusal.message}"
        return
    yield from (_fact(fact) for fact in facts)


def _tail(line: str) -> tuple[str, dict[str, Any]]:
    """Take the JSON off the end of a line, which only answers of the world have."""
    for name in ("result", "value", "targets"):
        head, found, tail = line.partition(f" {name}=")
        if found and not line.strip().startswith("ask "):
            return head, {name: json.loads(tail)}
    return line, {}


def _move(desk: Desk, verb: str, words: list[str], given: dict[str, Any]) -> list[AnyFact]:
    match verb:
        case "tick":
            return desk.tick(int(words[0]))
        case "take-over":
            return desk.take_over(clock_lost="clock-lost" in words)
        case "report":
            return desk.report(*words, **given)
        case "late":
            return desk.say_report(int(words[0]), *words[1:], **given)
        case "turn":
            return desk.turn(*words, **given)
        case "read":
            return desk.read(words[0], **given)
        case "ask":
            return desk.ask(*words, **given)
        case "people":
            return desk.people(*(person for person in PEOPLE if person.id in words))
        case _:
            raise ValueError(f"{verb!r} is no move of a desk")


def _fact(fact: AnyFact) -> str:
    words = [type(fact).__name__]
    for field in dataclasses.fields(fact):
        value = getattr(fact, field.name)
        if field.name in UNTOLD or value == field.default or value in ("", (), {}) or value is None:
            continue
        if isinstance(fact, StepDispatched | EffectInForce) and field.name in ("key", "stage"):
            continue
        words.append(f"{field.name}={_value(value)}")
    return " ".join(words)


def _value(value: Any) -> str:
    if isinstance(value, Use):
        return value.capability
    if isinstance(value, str):
        return value if value and " " not in value else json.dumps(value)
    return json.dumps(value, default=str, separators=(",", ":"))


def _intent(intent: AnyIntent) -> str:
    match intent:
        case Perform():
            hosts = f" on {','.join(intent.targets)}" if intent.targets else ""
            return f" {intent.step} ({intent.purpose}) {intent.use.capability} {_value(intent.args)}{hosts}"
        case Stop():
            return f" until {intent.until_t}"
        case ReadProbe():
            return f" {intent.use.capability}{_from(intent.not_before_t)}"
        case Watch():
            return (f" for {intent.for_ms}" if intent.for_ms else "") + _from(intent.not_before_t)
        case Observe() | Wake():
            return ""


def _from(t: int) -> str:
    return f" from {t}" if t else ""


def _state(desk: Desk) -> str:
    run = desk.run
    where = f" {run.stage.id} {run.stage.phase}" if run.current is not None else ""
    holds = f" for {', '.join(desk.holds)}" if desk.holds else ""
    return f"{run.state}{where}{holds}"
