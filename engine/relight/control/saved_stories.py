"""The way to a violation as a rehearsal: what the world and people did, in the words of ``rehearsals/*.yaml``.

A rehearsal plays in its own time, so what hangs on the order of two things at one moment may go another way there.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from relight.control.stories import runs_on
from relight.drivers.explorer.explore import Exploration
from relight.drivers.explorer.findings import Violation
from relight.kernel.decide import turn
from relight.kernel.inputs import AnyInput, Asked, Read, Reported, TookOver, Turned
from relight.kernel.plan import Plan
from relight.kernel.state import Run

_ENDS = {"succeeded": "succeeds", "failed": "fails", "unknown": "unknown"}
_SEES = {"fail": "fails", "inconclusive": "blind"}


def rehearsals(found: Exploration, starter: str) -> Iterator[tuple[str, str]]:
    """Yield the name and text of a rehearsal for each violation that took a way to see."""
    for number, each in enumerate(found.violations, 1):
        if each.path:
            name = "-".join(part for part in (each.name, each.stage, each.step.replace("_", "-"), str(number)) if part)
            yield name[:60].strip("-"), _text(_document(found.plan, each, name[:60].strip("-"), starter))


def _document(plan: Plan, each: Violation, name: str, starter: str) -> dict[str, Any]:
    teller = _Teller()
    run: Run | None = None
    for before, given in runs_on(plan, each.path, starter):
        teller.hear(before, given)
        run = turn(before, given)[1]
    document: dict[str, Any] = {
        "rehearsal": name,
        "schema": "relight/v1",
        "title": f"{each.name}: {each.text}"[:300],
        **{key: value for key, value in teller.said.items() if value},
    }
    if run is not None:
        document["expect"] = _expected(run)
    return document


def _expected(run: Run) -> dict[str, Any]:
    """Return what has to come: an end or a hold stays, anything else is passed on the way."""
    if run.outcome is not None:
        return {"state": run.outcome}
    if run.holds:
        return {"happens": [_moment(run)]}
    return {"happens": [_moment(run)]}


class _Teller:
    """Gathers what a rehearsal has to say, from the inputs of a path in order."""

    def __init__(self) -> None:
        self.said: dict[str, Any] = {"steps": {}, "undo": {}, "probes": {}, "checks": {}, "gates": {}, "events": []}

    def hear(self, run: Run, given: AnyInput) -> None:
        match given:
            case TookOver() if run.epoch:
                self._event(run, {"do": "kill driver"})
            case Reported():
                self._reported(run, given)
            case Read() if given.error and given.read.startswith("probe:"):
                self.said["probes"].setdefault(given.read.split(":")[1], []).append("blind")
            case Turned() if given.verdict in _SEES:
                spell = {"is": _SEES[given.verdict], "during": run.stage.id}
                spells = self.said["checks"].setdefault(given.check, [])
                if spell not in spells:
                    spells.append(spell)
            case Asked():
                self._asked(run, given)
            case _:
                pass

    def _reported(self, run: Run, given: Reported) -> None:
        item = run.dispatches.get(given.dispatch)
        if item is None:
            return
        ending: dict[str, Any] = {"is": _ENDS[given.outcome]}
        if given.outcome == "failed" and not given.retry:
            ending["retry"] = False
        kind = "undo" if item.purpose == "undo" else "steps"
        self.said[kind].setdefault(item.step, []).append(ending)

    def _asked(self, run: Run, asked: Asked) -> None:
        waits = run.ticket is not None and run.ticket.status == "waiting"
        word = {"approve": "approved", "deny": "denied", "skip": "skipped"}.get(asked.verb)
        if waits and word is not None:
            answers = self.said["gates"].setdefault(run.stage.id, [])
            if word != "approved" or "approved" not in answers:
                answers.append(word)
            return
        words = " ".join(part for part in (asked.verb, asked.subject, asked.value) if part)
        if asked.verb == "undo" and asked.value:
            words = f"undo --to {asked.value}"
        event = {"do": words} | ({"reason": "the exploration did"} if asked.reason else {})
        self._event(run, event)

    def _event(self, run: Run, event: dict[str, Any]) -> None:
        self.said["events"].append({"at": _moment(run), **event})


def _moment(run: Run) -> str:
    """Return the moment at which a run stands, in a rehearsal's words."""
    if run.holds:
        return f"held {run.holds[-1].code}"
    for step in run.open_steps:
        if step.id in run.steps:
            return f"{step.id} {'asked' if step.kind == 'manual' else 'started'}"
    if run.ticket is not None and run.ticket.status == "waiting":
        return f"gate {run.stage.id} asked"
    return f"{run.stage.id} entered" if run.stage.phase != "approach" else f"{run.stage.id} begun"


def _text(document: dict[str, Any]) -> str:
    """Return a document as YAML: every value is written as JSON, which YAML understands."""
    lines = ["# yaml-language-server: $schema=../../relight-rehearsal.schema.json"]
    for key, value in document.items():
        if isinstance(value, dict):
            lines += [f"{key}:", *(f"  {name}: {json.dumps(item, ensure_ascii=False)}" for name, item in value.items())]
        elif isinstance(value, list):
            lines += [f"{key}:", *(f"  - {json.dumps(item, ensure_ascii=False)}" for item in value)]
        else:
            lines.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


__all__: Sequence[str] = ["rehearsals"]
