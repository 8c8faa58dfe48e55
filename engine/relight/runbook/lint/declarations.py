"""Inputs that contradict themselves, and everything that is declared and never used."""

from typing import Any

from relight.kernel.plan import ExpressionFailed
from relight.runbook.document import Input
from relight.runbook.expressions import matches
from relight.runbook.inputs import BadInput, judged, pattern_problem
from relight.runbook.lint.scene import Scene
from relight.runbook.template import is_template
from relight.runbook.yaml12 import Map
from relight.sdk.values import parse_duration

_RANGED = {"integer", "number", "percent", "duration"}


def check_inputs(scene: Scene) -> None:
    """Complain about inputs whose limits, choices or defaults do not fit their type."""
    for given in scene.runbook.inputs.values():
        if _limits(scene, given):
            _default(scene, given)


def check_unused(scene: Scene) -> None:
    """Warn of inputs, checks and probes that nothing refers to; run it after all that note uses."""
    if not scene.whole:
        return
    for section, kind in (("inputs", "input"), ("checks", "check"), ("probes", "probe")):
        raw = scene.runbook.raw(section)
        for name in scene.known(section):
            if (kind, name) not in scene.used and isinstance(raw, Map):
                scene.complaints.add(
                    "RL410", raw.keys_at[name], f"nothing uses the {kind} {name!r}", "use it or delete it"
                )


def _limits(scene: Scene, given: Input) -> bool:
    """Judge limits, pattern and choices; return whether a default can be held against them."""
    before = len(scene.complaints)
    add = scene.complaints.add
    for key in ("minimum", "maximum"):
        value = getattr(given, key)
        if value is None:
            continue
        if given.type not in _RANGED:
            add("RL209", given.key_place(key), f"{key} does not go with type {given.type}", "delete it")
        elif not _is_measure(given, value):
            expected = "a duration such as 5m" if given.type == "duration" else "a number"
            add("RL203", given.place(key), f"{key} has to be {expected}", f"write {expected}, or leave {key} out")
    if given.pattern is not None:
        _pattern(scene, given)
    if given.type == "choice" and not given.written("choices"):
        add("RL202", given.place(), "an input of type choice needs the key 'choices'", "add choices: [… , …]")
    if given.type != "choice" and given.written("choices"):
        add("RL209", given.key_place("choices"), f"choices do not go with type {given.type}", "write type: choice")
    low, high = given.minimum, given.maximum
    if len(scene.complaints) == before and low is not None and high is not None and _number(low) > _number(high):
        add("RL207", given.place("minimum"), f"minimum {low} is above maximum {high}", "swap them")
    return len(scene.complaints) == before


def _is_measure(given: Input, value: Any) -> bool:
    if given.type == "duration":
        return isinstance(value, str) and _number(value) >= 0
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> float:
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(parse_duration(str(value)))
    except ValueError:
        return -1.0


def _pattern(scene: Scene, given: Input) -> None:
    add, pattern = scene.complaints.add, given.pattern or ""
    if given.type != "string":
        add("RL209", given.key_place("pattern"), f"pattern does not go with type {given.type}", "delete it")
        return
    problem = pattern_problem(pattern)
    if problem:
        add("RL203", given.place("pattern"), problem, "write a simpler one")
        return
    try:
        # Compiling is the dear part: once for each input, with what has to match anyway.
        fits = matches(pattern, given.default if isinstance(given.default, str) else "")
    except ExpressionFailed:
        hint = "look-around and back references are not available"
        add("RL203", given.place("pattern"), "this is no regular expression", hint)
        return
    if isinstance(given.default, str) and not fits and not is_template(given.default):
        add("RL611", given.place("default"), f"the default does not match {pattern}", given.description or "change one")


def _default(scene: Scene, given: Input) -> None:
    if not given.written("default") or is_template(given.default) or given.default is None:
        return
    if given.pattern is not None:
        return
    try:
        judged(given, given.default)
    except BadInput as error:
        scene.complaints.add("RL611", given.place("default"), f"the default: {error}", error.hint)
