"""Durations and limits that cannot be meant."""

from itertools import pairwise

from relight.runbook.document import Check, Gate, Ramp, Verify
from relight.runbook.lint.scene import Scene
from relight.runbook.parts import Part
from relight.runbook.template import is_template
from relight.sdk.values import format_duration, parse_duration


def check_times(scene: Scene) -> None:
    """Complain about times of zero, limits shorter than what they limit, and windows that samples cannot fill."""
    runbook = scene.runbook
    for check in runbook.checks.values():
        _not_zero(scene, check, "interval", check.interval)
    for guard in runbook.guards:
        watched = runbook.checks.get(guard.check)
        if watched is not None and 0 < guard.breach_after < watched.interval:
            message = (
                f"breach_after {format_duration(guard.breach_after)} is shorter than the interval of "
                f"{guard.check!r}, {format_duration(watched.interval)}: one bad sample is a breach"
            )
            scene.complaints.add("RL503", guard.place("breach_after"), message, "lengthen it, or leave it out")
    for stage in runbook.stages:
        if stage.gate is not None:
            _not_zero(scene, stage.gate, "expires_after", stage.gate.expires_after)
            _not_zero(scene, stage.gate.approval, "valid_for", stage.gate.approval.valid_for)
            _escalations(scene, stage.gate)
        for item in stage.verify:
            _verify(scene, item, runbook.checks.get(item.check or ""))
    for stood in scene.steps:
        step = stood.step
        if step.timeout is not None:
            _not_zero(scene, step, "timeout", step.timeout)
        if step.settle is not None:
            _not_zero(scene, step.settle, "within", step.settle.within)
            _not_zero(scene, step.settle, "interval", step.settle.interval)
        if step.retry is not None and step.retry.max_backoff < step.retry.backoff:
            message = "max_backoff is shorter than backoff"
            scene.complaints.add("RL502", step.retry.place("max_backoff"), message, "make it at least as long")
        if step.action == "wait":
            _wait(scene, step)
        if step.ramp is not None:
            _ramp(scene, step.ramp)


def _not_zero(scene: Scene, part: Part, key: str, value: int) -> None:
    if value == 0:
        scene.complaints.add("RL509", part.place(key), f"{key} is zero: no time could pass", "give it a length")


def _escalations(scene: Scene, gate: Gate) -> None:
    for item in gate.escalate:
        if item.after >= gate.expires_after > 0:
            message = (
                f"the gate expires after {format_duration(gate.expires_after)}, so nobody is told after "
                f"{format_duration(item.after)}"
            )
            scene.complaints.add("RL502", item.place("after"), message, "tell them sooner, or let the gate ask longer")


def _wait(scene: Scene, step: Part) -> None:
    arguments = step.raw("with")
    text = arguments.get("duration") if isinstance(arguments, dict) else None
    if isinstance(text, int | float) and not isinstance(text, bool):
        hint = f"write {text}s for seconds, {text}m for minutes"
        scene.complaints.add("RL206", step.place("with", "duration"), f"{text} has no unit", hint)
    if not isinstance(text, str) or is_template(text):
        return
    try:
        zero = parse_duration(text) == 0
    except ValueError:
        return
    if zero:
        scene.complaints.add("RL509", step.place("with", "duration"), "this waits for no time", "give it a length")


def _verify(scene: Scene, item: Verify, check: Check | None) -> None:
    add = scene.complaints.add
    _not_zero(scene, item, "within", item.within)
    if item.within and item.within < item.for_:
        given = "" if item.written("within") else " (the default)"
        message = (
            f"within {format_duration(item.within)}{given} is shorter than for {format_duration(item.for_)}: "
            "it can only fail"
        )
        at = item.place("within") if item.written("within") else item.place("for")
        add("RL502", at, message, "make within longer than for")
    if check is None or not check.interval:
        return
    if 0 < item.for_ < check.interval:
        message = (
            f"for {format_duration(item.for_)} is shorter than the interval of {item.check!r}, "
            f"{format_duration(check.interval)}: it is one sample"
        )
        add("RL506", item.place("for"), message, "lengthen for, or shorten the check's interval")
    elif item.ratio < 1:
        samples = item.for_ // check.interval + 1
        if (1 - item.ratio) * samples < 1:
            message = f"of {samples} samples a ratio of {item.ratio:g} lets none fail"
            add("RL506", item.place("ratio"), message, "lengthen for, shorten the check's interval, or drop ratio")


def _ramp(scene: Scene, ramp: Ramp) -> None:
    add = scene.complaints.add
    numbers = [(index, value) for index, value in enumerate(ramp.through) if not isinstance(value, str)]
    for (_, lower), (index, upper) in pairwise(numbers):
        if upper <= lower:
            message = f"{upper} does not rise above {lower}"
            add("RL501", ramp.place("through", index), message, "write the values in rising order")
    if isinstance(ramp.floor, str) or not numbers or len(numbers) < len(ramp.through):
        return
    if max(value for _, value in numbers) <= ramp.floor:
        message = f"no value of this ramp is above its floor, {ramp.floor}"
        add("RL501", ramp.place("through"), message, "raise the values, or lower the floor")
    if not ramp.written("checks"):
        add("RL517", ramp.place(), "nothing is checked while this ramp rises", "add checks: [NAME, …]")
