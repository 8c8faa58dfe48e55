"""A described plan laid out for a terminal, 80 columns wide."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from relight.runbook.source import printable

WIDTH = 80
_LABEL = 12


def plan_text(plan: dict[str, Any]) -> str:
    """Return ``relight.plan/v1`` as text."""
    return "\n".join(printable(line) for line in _lines(plan))


def _lines(plan: dict[str, Any]) -> Iterator[str]:
    head = f"PLAN {plan['runbook']} at {plan['site']} ({plan['environment']})"
    yield f"{head:<{WIDTH - 20}}digest {plan['digest'][:12]}"
    yield from _wrapped("", plan["title"], indent=0)
    yield from _facts(plan)
    for number, stage in enumerate(plan["stages"], 1):
        yield ""
        yield from _stage(number, stage)
    yield ""
    yield from _left_behind(plan)
    for warning in plan["warnings"]:
        place = f"{warning['file']}:{warning['line']}:{warning['col']}"
        yield from _labelled("WARNING", f"{warning['code']} {warning['message']} ({place})", indent=0)


def _facts(plan: dict[str, Any]) -> Iterator[str]:
    if plan["owner"]:
        yield from _labelled("owner", plan["owner"], indent=0)
    if plan["inputs"]:
        yield from _labelled("inputs", _pairs(plan["inputs"]), indent=0)
    if plan["locks"]:
        yield from _labelled("lock", ", ".join(plan["locks"]), indent=0)
    if plan["pace"] != 1:
        yield from _labelled("pace", f"{plan['pace']:g} times faster than written; limits stay", indent=0)
    yield from _labelled("providers", ", ".join(f"{name} ({use})" for name, use in plan["providers"].items()), indent=0)
    if "usual" in plan:
        known = f"{plan['usual']['says']}, people's time left out" if plan["usual"] else ""
        yield from _labelled("time", known or "nobody knows: no run and no rehearsal of it here", indent=0)
    for guard in plan["guards"]:
        what = "a ramp steps back" if guard["on_breach"] == "step_back" else "it holds"
        fails = guard["fail_when"] or f"not {guard['pass_when']}"
        yield from _labelled("GUARD", f"{guard['check']}: {fails} for {guard['breach_after']}: {what}", indent=0)
    yield from _left(plan)


def _left(plan: dict[str, Any]) -> Iterator[str]:
    """Yield what ended runs left in force on the site: what a run adopts, and what it leaves alone."""
    for effect in plan.get("adopts", ()):
        late = "; perhaps touched: what its step works on is known only then" if effect["touch"] == "perhaps" else ""
        yield from _labelled("ADOPTS", f"{effect['tells']}{late}", indent=0)
    for effect in plan.get("still_in_force", ()):
        yield from _labelled("STILL IN FORCE", f"{effect['tells']}; this plan leaves it alone", indent=0)
    for run in plan.get("left_unread", ()):
        yield from _labelled("NOT KNOWN", f"what run {run} left in force: it cannot be read (relight verify)", indent=0)


def _stage(number: int, stage: dict[str, Any]) -> Iterator[str]:
    title = "" if stage["title"] == stage["id"] else f"   {stage['title']}"
    optional = "   (may be skipped)" if stage["optional"] else ""
    yield from _wrapped("", f"{number} {stage['id'].upper()}{title}{optional}", indent=0)
    if stage["when"]:
        yield from _labelled("when", stage["when"])
    if stage["gate"] is None:
        yield from _labelled("no gate", "follows by itself")
    else:
        yield from _gate(stage["gate"])
    for item in stage["preconditions"]:
        yield from _labelled("before", _criterion(item))
    for step in stage["steps"]:
        yield from _step(step)
    for item in stage["verify"]:
        held = f" for {item['for']}" if item["for"] != "0s" else ""
        share = f", {item['ratio'] * 100:g}% of samples" if item["ratio"] != 1 else ""
        yield from _labelled("verify", f"{_criterion(item)}{held}{share}, within {item['within']}")


def _gate(gate: dict[str, Any]) -> Iterator[str]:
    yield from _labelled("GATE", str(gate["title"]))
    who = ", ".join(gate["can_open"]) or "nobody"
    own = "; whoever starts it counts too" if gate["allow_self_approval"] else "; whoever starts it does not count"
    yield from _labelled("  asks", f"{gate['min_approvals']} of {' or '.join(gate['roles'])}: {who}{own}")
    if gate["solo"]:
        people = ", ".join(gate["solo"]["people"])
        yield from _labelled(
            "  solo", f"after {gate['solo']['after']} without an answer: {people} alone, with a reason"
        )
    if gate["require"]:
        yield from _labelled("  requires", ", ".join(gate["require"]))
    if gate["show"]:
        yield from _labelled("  shows", ", ".join(gate["show"]))
    then = "then holds" if gate["on_expiry"] == "hold" else "then escalates"
    yield from _labelled("  expires", f"after {gate['expires_after']}, {then}; an approval stands {gate['valid_for']}")
    for item in gate["escalate"]:
        yield from _labelled("  tells", f"{item['notify']} after {item['after']}")


def _step(step: dict[str, Any]) -> Iterator[str]:
    kind = step["kind"]
    lead = f"{step['id']}"
    if kind == "wait":
        yield from _labelled(lead, f"wait {step['duration']}")
    elif kind == "manual":
        yield from _labelled(lead, f"a person does: {step['instruction']}")
    elif kind == "undo":
        yield from _labelled(lead, f"undo what {step['undoes']} did")
    else:
        yield from _call(step, lead)
    notes = [f"only when {step['when']}"] if step["when"] else []
    notes += ["side by side with its neighbours"] if step["parallel"] is not None else []
    notes += ["a failure does not stop the stage"] if step["on_failure"] == "continue" else []
    if step.get("usual"):
        takes = "took" if step["usual"]["source"] == "runs" else "takes"
        notes.append(f"{takes} {step['usual']['says']}")
    if notes:
        yield from _labelled("", "; ".join(notes))


def _call(step: dict[str, Any], lead: str) -> Iterator[str]:
    loud = "  DESTRUCTIVE" if step["effect"] == "destructive" else ""
    yield from _labelled(lead, f"{step['action']} via {step['provider']} ({step['plugin']}){loud}")
    yield from _labelled("", step["title"])
    if step["args"]:
        yield from _labelled("", _pairs(step["args"]))
    if step.get("pass_when"):
        yield from _labelled("", f"passes when {step['pass_when']}")
    if "ramp" in step:
        yield from _ramp(step["ramp"])
    if "targets" in step:
        targets = step["targets"]
        sizes = ", ".join(str(size) for size in targets["batches"])
        text = f"over {len(targets['hosts'])} hosts of {targets['group']}, in batches of {sizes}"
        yield from _labelled("", f"{text}; stops at {targets['max_failures']} failed")
    if step["would"]:
        yield from _labelled("", f"now: {step['would']}")
    if step["effect"] != "read":
        yield from _labelled("", _undone(step))


def _ramp(ramp: dict[str, Any]) -> Iterator[str]:
    values = " > ".join(str(value) for value in (ramp["floor"], *ramp["through"]))
    back = "steps back by itself" if ramp["on_failure"] == "step_back" else "holds"
    checks = ramp["checks"]
    passes = f" while {', '.join(checks)} {'passes' if len(checks) == 1 else 'pass'}; else {back}"
    yield from _labelled("", f"{ramp['key']} {values}, {ramp['dwell']} each{passes if checks else ', without a check'}")


def _undone(step: dict[str, Any]) -> str:
    undo = step["undo"]
    if undo is None:
        text = "undo: none is declared" if step["lasting"] else "leaves nothing in force"
        text = "clears what was in force" if step["clears"] else text
    elif undo["kind"] == "previous":
        text = "undo: back to the value that was in force before"
    else:
        text = f"undo: {undo['action']} {_pairs(undo['args'])}".rstrip()
    asks = ", asks first" if undo and undo["ask"] else ""
    return f"{text}{asks}{'; protective: kept on abort' if step['protective'] else ''}"


def _left_behind(plan: dict[str, Any]) -> Iterator[str]:
    yield "IF THE DRIVER DIES nothing goes forward; what these did stays in force:"
    if not plan["outlives_driver"]:
        yield "  nothing"
    for effect in plan["outlives_driver"]:
        undo = effect["undo"]
        how = "undo by hand" if undo is None else f"relight undo RUN {effect['step']}"
        yield from _labelled(effect["step"], f"{effect['action']} via {effect['provider']}; {how}")
    what = "effects in force stay" if plan["on_abort"] == "leave" else "effects are undone, last in first out"
    fails = "" if plan["on_abort"] == "leave" else "; what cannot be undone fails the run"
    yield from _labelled("ON ABORT", f"{what}; protective ones stay{fails}", indent=0)


def _criterion(item: dict[str, Any]) -> str:
    return f"{item['check']}: {item['pass_when']}"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return f"{{{_pairs(value)}}}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def _labelled(label: str, text: str, *, indent: int = 2) -> Iterator[str]:
    """Yield *text* beside its label, folded at the width of a terminal."""
    lead = f"{' ' * indent}{label:<{_LABEL}}"
    if len(lead) > indent + _LABEL:
        lead += " "
    yield from _wrapped(lead, text, indent=indent + _LABEL)


def _wrapped(lead: str, text: str, *, indent: int) -> Iterator[str]:
    flat = " ".join(str(text).split())
    yield from textwrap.wrap(
        lead + flat,
        WIDTH,
        subsequent_indent=" " * indent,
        drop_whitespace=True,
        break_on_hyphens=False,
        initial_indent="",
    ) or [lead.rstrip()]
