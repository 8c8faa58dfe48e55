"""The stages and steps of a run as ``status`` tells them."""

from typing import Any

from relight.control.readings import check_entry
from relight.control.wording import argument, arguments, brief, expression_text, instant, plain_value
from relight.kernel.plan import Stage, Step, Undo
from relight.kernel.state import (
    Backoff,
    Dispatch,
    Done,
    Fanning,
    Manual,
    Ramping,
    Run,
    StageWord,
    StepRecord,
    Undoing,
    Unknown,
    Waiting,
)
from relight.kernel.watching import ramp_id, verify_id

ERRORS_SHOWN_MAX = 5
"""Hosts of a fan-out that are named; the rest is counted. The log has them all."""


def stage_entries(run: Run, live: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every stage of the plan, with its steps and the checks that it must pass."""
    return [_stage(run, stage, number, live) for number, stage in enumerate(run.plan.stages)]


def stage_word(run: Run, number: int) -> StageWord:
    """Return the word for where a stage stands."""
    stage = run.plan.stages[number]
    if number != run.cursor:
        return run.past.get(stage.id, "pending") if number < run.cursor else "pending"
    if any(hold.stage in {stage.id, ""} for hold in run.holds):
        return "held"
    if run.stage.phase == "approach":
        return "waiting" if stage.gate is not None and run.outcome is None else "pending"
    return "verifying" if run.stage.phase == "verify" else "running"


def _stage(run: Run, stage: Stage, number: int, live: dict[str, Any]) -> dict[str, Any]:
    current, word = number == run.cursor, stage_word(run, number)
    return {
        "id": stage.id,
        "title": tree_text(stage.title) or stage.id,
        "state": word,
        "gate": stage.gate is not None,
        "optional": stage.optional,
        "steps": [
            step_entry(run, step, live, untouched="skipped" if word == "skipped" else "pending") for step in stage.steps
        ],
        "checks": [
            check_entry(run, verify.check, verify_id(run, verify.check) if current else "")
            | {"for_s": verify.for_ms / 1_000, "within_s": verify.within_ms / 1_000}
            for verify in stage.verify
        ],
    }


def step_entry(run: Run, step: Step, live: dict[str, Any], *, untouched: str = "pending") -> dict[str, Any]:
    """Return one step: the words of the design's document, and what a view wants besides."""
    record = run.steps.get(step.id)
    entry: dict[str, Any] = {
        "id": step.id,
        "title": step.title,
        "kind": step.kind,
        "state": untouched if record is None else record.word,
        "attempts": 0 if record is None else record.attempts,
        "result": None if record is None else plain_value(record.result),
        "error": "" if record is None else record.error,
        "does": does(step),
        "effect": "read" if step.use is None else step.use.effect,
        "undo": undo_text(step.undo),
    }
    if record is None:
        return entry
    entry["started_at"] = instant(wall_of(run, record.started_t))
    entry["ended_at"] = instant(wall_of(run, record.ended_t)) if isinstance(record.state, Done) else None
    entry.update(_detail(run, step, record))
    progress = live.get("progress", {}).get(step.id)
    if progress and not isinstance(record.state, Done):
        entry["progress"] = str(progress["text"])
    return entry


def _detail(run: Run, step: Step, record: StepRecord) -> dict[str, Any]:
    """Return what is particular to the state that a step is in."""
    match record.state:
        case Backoff(until_t=until_t):
            return {"retry_at": instant(wall_of(run, until_t)), "doing": "waiting to try again"}
        case Waiting(until_t=until_t):
            return {"until": instant(wall_of(run, until_t)), "doing": "waiting"}
        case Manual(instruction=instruction):
            return {"instruction": instruction, "doing": "waiting for a person"}
        case Undoing():
            return {"doing": "undoing"}
        case Unknown(why=why, lost=lost):
            return {"why": why, "doing": "finding out what became of it" if step.settle else "unknown"} | _args(lost)
        case Ramping():
            return {"ramp": _ramp(run, step, record.state), "doing": "ramping"}
        case Fanning():
            return {"targets": _fan(step, record.state), "doing": "running"}
        case _:
            under_way = next((each for each in run.dispatches.values() if each.step == step.id), None)
            if under_way is None:
                return {}
            doing = "stopping" if under_way.stop_until_t is not None else "running"
            return {"doing": doing, "deadline_at": instant(wall_of(run, under_way.deadline_t))} | _args(under_way)


def _args(dispatch: Dispatch) -> dict[str, Any]:
    return {"args": plain_value(dispatch.args)}


def _ramp(run: Run, step: Step, state: Ramping) -> dict[str, Any]:
    ramp = step.ramp
    assert ramp is not None, "a step that ramps has a ramp"
    return {
        "key": ramp.key,
        "values": list(state.values),
        "position": state.position,
        "moving": not state.settled,
        "stay": state.stay,
        "since": instant(wall_of(run, state.since_t)),
        "dwell_s": ramp.dwell_ms / 1_000,
        "cool_until": instant(wall_of(run, state.cool_until_t)) if state.cool_until_t > run.t else None,
        "step_backs": state.step_backs,
        "step_backs_max": ramp.max_step_backs,
        "failures": state.failures,
        "why": state.why,
        "checks": [check_entry(run, check, ramp_id(step.id, state, check)) for check in ramp.checks],
    }


def _fan(step: Step, state: Fanning) -> dict[str, Any]:
    hosts = step.targets.hosts if step.targets else ()
    return {
        "total": len(state.status),
        "done": state.status.count("+"),
        "failed": state.status.count("x"),
        "unknown": state.status.count("?"),
        "running": [host for host, mark in zip(hosts, state.status, strict=False) if mark == ">"][:ERRORS_SHOWN_MAX],
        "errors": dict(list(state.errors.items())[:ERRORS_SHOWN_MAX]),
    }


def does(step: Step) -> str:
    """Return one line of what a step does: the capability with its arguments."""
    match step.kind:
        case "wait":
            return (
                f"wait {brief(step.duration_ms) if isinstance(step.duration_ms, int) else tree_text(step.duration_ms)}"
            )
        case "manual":
            return f"a person: {tree_text(step.instruction)}"
        case "undo":
            return f"undo {step.undoes}"
        case _:
            use = step.use
            assert use is not None, "an action or probe uses something"
            given = dict(use.args)
            if step.ramp is not None:
                given[step.ramp.key] = " > ".join(argument(value) for value in step.ramp.through)
            return " ".join(word for word in (use.capability, arguments(given)) if word)


def undo_text(undo: Undo | None) -> str:
    """Return how an effect is reversed, in a few words; empty where it is not."""
    if undo is None:
        return ""
    how = "previous value" if undo.kind == "previous" or undo.use is None else undo.use.capability
    return f"{how}, asks first" if undo.ask else how


def tree_text(tree: Any) -> str:
    """Return a title or an instruction; expressions in it stand as they were written."""
    return tree if isinstance(tree, str) else "" if tree is None else expression_text(tree)


def wall_of(run: Run, t: int) -> int:
    """Return the wall time of a moment on the run's clock, as far as its last fact tells."""
    return run.at + (t - run.t)
