"""An exploration as a document (``relight.exploration/v1``), as text for people, and as a Mermaid chart."""

from collections.abc import Iterator, Mapping
from typing import Any

from relight.control.decision_table import decision_lines
from relight.control.exploring import Explored
from relight.control.stories import story
from relight.drivers.explorer.decisions import Row
from relight.drivers.explorer.explore import Exploration
from relight.drivers.explorer.findings import PROPERTIES, Violation
from relight.sdk.values import format_duration

TRACE_SHOWN_MAX = 14
"""Lines of a story that are shown on a terminal; the document has them all."""

LEFT_SHOWN_MAX = 6
"""Effects that stay in force that are shown on a terminal."""


def exploration_document(explored: Explored, starter: str) -> dict[str, Any]:
    """Return ``relight.exploration/v1``."""
    found = explored.exploration
    assert found is not None, "what is shown was explored"
    return {
        "schema": "relight.exploration/v1",
        "verdict": found.verdict,
        "runbook": found.plan.runbook,
        "site": found.plan.site,
        "made_up": dict(explored.made_up or {}),
        "complete": found.complete,
        "states": found.states,
        "transitions": found.transitions,
        "seconds": round(found.seconds, 1),
        "coverage": _coverage(found),
        "unreached": [_unreached(each) for each in found.unreached],
        "violations": [_violation(found, each, starter) for each in found.violations],
        "doubts": [{"name": each.name, "stage": each.stage, "text": each.text} for each in found.doubts],
        "left_in_force": list(found.left),
        "decisions": [_row(row) for row in found.decisions],
        "worst_case": {
            "alone_s": found.durations.alone_ms / 1_000,
            "people_s": found.durations.people_ms / 1_000,
            "critical_path": [
                {"stage": part.stage, "what": part.what, "longest_s": _seconds(part.longest_ms), "people": part.people}
                for part in found.durations.path
            ],
        },
        "refused": found.refused,
        "bounds": list(found.bounds),
    }


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1_000


def _coverage(found: Exploration) -> dict[str, Any]:
    stages = found.plan.stages
    steps = [step.id for stage in stages for step in stage.steps]
    missed = {step for kind, _, step in found.unreached if kind == "step"}
    dead = {stage for kind, stage, _ in found.unreached if kind == "stage"}
    behind = {step.id for stage in stages if stage.id in dead for step in stage.steps}
    return {
        "stages": {"reached": len(stages) - len(dead), "of": len(stages)},
        "steps": {"reached": len(steps) - len(missed | behind), "of": len(steps)},
    }


def _unreached(each: tuple[str, str, str]) -> dict[str, str]:
    kind, stage, step = each
    return {"kind": kind, "stage": stage, "step": step}


def _violation(found: Exploration, each: Violation, starter: str) -> dict[str, Any]:
    return {
        "property": each.name,
        "number": PROPERTIES[each.name].number or None,
        "says": PROPERTIES[each.name].says,
        "id": each.subject,
        "stage": each.stage,
        "step": each.step,
        "text": each.text,
        "trace": story(found.plan, each.path, starter),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "code": row.code,
        "stage": row.stage,
        "step": row.step,
        "means": row.means,
        "example": row.example,
        "in_force": sorted(row.in_force),
        "maybe_in_force": sorted(row.maybe),
        "verbs": [
            {
                "verb": verb.verb,
                "words": verb.words,
                "leads_to": verb.leads_to,
                "then": sorted(verb.then),
                "roles": list(verb.roles),
                "needs_reason": verb.needs_reason,
                "seldom": verb.seldom,
            }
            for verb in sorted(row.verbs.values(), key=lambda verb: verb.seldom)
        ],
    }


# ---- for people


def report_lines(document: Mapping[str, Any], *, each: bool = False) -> Iterator[str]:
    """Yield the report for a terminal: the verdict first, then what is wrong, then what people may decide where.

    Args:
        each: Whether holds that are alike are told one by one.
    """
    yield f"{document['runbook']}: {_verdict(document)}"
    cover, worst = document["coverage"], document["worst_case"]
    yield (
        f"  {document['states']} states, {document['transitions']} transitions, {document['seconds']:g} s; "
        f"{cover['stages']['reached']} of {cover['stages']['of']} stages and "
        f"{cover['steps']['reached']} of {cover['steps']['of']} steps reached"
    )
    yield f"  {_worst(worst)}"
    made_up = [f"{name}={value}" for part in document["made_up"].values() for name, value in part.items()]
    if made_up:
        yield f"  made up, for want of a site: {', '.join(made_up)}"
    left = document["left_in_force"]
    if left:
        more = f" and {len(left) - LEFT_SHOWN_MAX} more" if len(left) > LEFT_SHOWN_MAX else ""
        yield f"  still in force when it succeeds: {', '.join(left[:LEFT_SHOWN_MAX])}{more}"
    for missed in document["unreached"]:
        what = {"stage": "stage", "step": "step", "branch": "when, never false, of"}[missed["kind"]]
        how = "NEVER REACHED" if document["complete"] else "NOT REACHED BEFORE THE BOUND"
        yield f"{how}  {what} {missed['step'] or missed['stage']}"
    for doubt in document["doubts"]:
        yield f"LOOK AGAIN  stage {doubt['stage']}: {doubt['text']}"
    for number, wrong in enumerate(document["violations"], 1):
        yield ""
        yield from _wrong(number, wrong)
    yield ""
    yield from decision_lines(document["decisions"], each=each)
    yield ""
    yield f"BOUNDS  {document['refused']} requests of people who may not, or on spent tickets, were refused; besides:"
    yield from (f"   {each}" for each in document["bounds"])


def _worst(worst: Mapping[str, Any]) -> str:
    known = [part for part in worst["critical_path"] if part["longest_s"] is not None]
    slowest = sorted(known, key=lambda part: -part["longest_s"])[:3]
    parts = ", ".join(f"{_place(part)} {_time(part['longest_s'])}" for part in slowest)
    open_ended = [_place(part) for part in worst["critical_path"] if part["longest_s"] is None]
    besides = f", besides {', '.join(open_ended)}, which nobody can bound" if open_ended else ""
    alone, people = _time(worst["alone_s"]), _time(worst["people_s"])
    return f"at the worst {alone} by itself, and {people} for people{besides}" + (
        f"; longest: {parts}" if parts else ""
    )


def _verdict(document: Mapping[str, Any]) -> str:
    match document["verdict"]:
        case "clean":
            return "clean: every outcome was gone through, and nothing goes wrong that should not"
        case "incomplete":
            return "INCOMPLETE: a bound was hit, so nothing is said about the rest; raise --max-states"
        case _:
            count = len(document["violations"])
            rest = "" if document["complete"] else "; and a bound was hit: there may be more"
            return f"VIOLATED: {count} {'thing' if count == 1 else 'things'} can go wrong{rest}"


def _wrong(number: int, each: Mapping[str, Any]) -> Iterator[str]:
    place = "/".join(part for part in (each["stage"], each["step"]) if part)
    name = f"{each['property']} {each['id']}" if each["property"] in ("always", "never") else each["property"]
    yield f"{number}  {name}{f'  at {place}' if place else ''}"
    yield f"   {each['text']}"
    trace = each["trace"]
    left_out = len(trace) - TRACE_SHOWN_MAX
    if left_out > 0:
        yield f"   ... {left_out} things before go as they should (-o json has them)"
    for line in trace[max(left_out, 0) :]:
        yield f"   - {line}"


def _place(part: Mapping[str, Any]) -> str:
    return f"{part['stage']}/{part['what']}"


def _time(seconds: float) -> str:
    return format_duration(round(seconds * 1_000)) if seconds else "no time"


def mermaid(found: Exploration) -> Iterator[str]:
    """Yield the stages as a Mermaid chart: the way through, the ways around, and every hold with its verbs."""
    yield "stateDiagram-v2"
    names = [stage.id.replace("-", "_") for stage in found.plan.stages]
    for stage, name in zip(found.plan.stages, names, strict=True):
        yield f"  {name} : {stage.id}"
    yield f"  [*] --> {names[0]}" if names else "  [*] --> [*]"
    for index, stage in enumerate(found.plan.stages):
        after = names[index + 1] if index + 1 < len(names) else "[*]"
        label = "gate" if stage.gate is not None else "verify" if stage.verify else "steps"
        yield f"  {names[index]} --> {after} : {label}"
        if stage.when is not None or stage.optional:
            yield f"  {names[index]} --> {after} : {'skip' if stage.optional else 'when is false'}"
    for number, row in enumerate(found.decisions):
        if row.stage:
            yield f"  hold_{number} : {row.code}{f' {row.step}' if row.step else ''}"
            yield f"  {row.stage.replace('-', '_')} --> hold_{number}"
            verbs = ", ".join(dict.fromkeys(verb.verb for verb in row.verbs.values() if not verb.seldom))
            yield f"  hold_{number} --> {row.stage.replace('-', '_')} : {verbs}"
