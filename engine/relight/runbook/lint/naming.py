"""Expressions: whether they are CEL, and whether everything they name exists and is known at that point."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from relight.runbook.cel_text import FUNCTIONS, MACROS, Name, read_cel
from relight.runbook.complaints import did_you_mean
from relight.runbook.expressions import problem_with
from relight.runbook.lint.scene import Scene, Stood
from relight.runbook.offers import Offer, member
from relight.runbook.parts import Part
from relight.runbook.places import place_inside
from relight.runbook.source import Mark
from relight.runbook.template import Unterminated, is_template, parts_of

STATIC = frozenset({"inputs", "site"})
CRITERION = STATIC | {"value"}
MOMENT = STATIC | {"probes", "steps", "checks", "run"}
RUN_MEMBERS = ("id", "starter", "started_at")
CHECK_MEMBERS = ("value", "verdict")
STATED = STATIC | {"stages", "steps", "effects", "checks", "run"}
"""What the author's own ``always`` and ``never`` may read: the state of everything, whenever."""
STAGE_MEMBERS = ("state",)
STEP_MEMBERS = ("result", "state")
SITE_MEMBERS = ("id", "environment", "values")


@dataclass(frozen=True, slots=True)
class Spot:
    """One text that is or embeds an expression, and what it may name there.

    Attributes:
        roots: The names that exist at this point.
        turn: Steps of earlier turns are known here.
        own: The step whose own result is known here too: its undo comes after it.
        value: What ``value`` is here, if it is a probe's result.
    """

    text: str
    at: Mark
    roots: frozenset[str]
    turn: int = 0
    own: str | None = None
    value: Offer | None = None
    bare: bool = False


def check_names(scene: Scene) -> None:
    """Complain about every expression that is no CEL or names what is not there."""
    for spot in spots(scene):
        if spot.bare:
            _bare(scene, spot)
        else:
            _embedded(scene, spot)


def spots(scene: Scene) -> Iterator[Spot]:
    """Yield every text of the runbook that is or may embed an expression."""
    runbook = scene.runbook
    for index, text in enumerate(runbook.lock):
        yield Spot(text, runbook.place("lock", index), STATIC)
    for given in runbook.inputs.values():
        yield from _tree(given, "default", frozenset({"site"}))
    for probe in runbook.probes.values():
        yield from _tree(probe, "with", STATIC)
    for check in runbook.checks.values():
        yield from _tree(check, "with", STATIC)
        yield from _criteria(scene, check, CRITERION, "pass_when", "fail_when")
    for index, stage in enumerate(runbook.stages):
        turn = min((stood.turn for stood in scene.steps if stood.stage_index >= index), default=1 << 30)
        yield from _criteria(scene, stage, MOMENT, "when", turn=turn)
        yield from _tree(stage, "title", MOMENT, turn=turn)
        if stage.gate is not None:
            yield from _tree(stage.gate, "title", MOMENT, turn=turn)
        for item in (*stage.preconditions, *stage.verify):
            yield from _tree(item, "with", STATIC)
            yield from _criteria(scene, item, CRITERION, "pass_when")
    for stood in scene.steps:
        yield from _step(scene, stood)
    for stated in (*runbook.always, *runbook.never):
        yield from _criteria(scene, stated, STATED, "expression", turn=1 << 30)


def _step(scene: Scene, stood: Stood) -> Iterator[Spot]:
    step, turn = stood.step, stood.turn
    yield from _criteria(scene, step, MOMENT, "when", turn=turn)
    yield from _criteria(scene, step, MOMENT | {"value"}, "pass_when", turn=turn)
    yield from _tree(step, "with", MOMENT, turn=turn)
    if step.ramp is not None:
        yield from _tree(step.ramp, "floor", MOMENT, turn=turn)
        yield from _tree(step.ramp, "through", MOMENT, turn=turn)
    if step.settle is not None:
        yield from _tree(step.settle, "with", MOMENT, turn=turn)
        yield from _criteria(scene, step.settle, MOMENT | {"value"}, "done_when", turn=turn)
    if step.undo is not None:
        yield from _tree(step.undo, "with", MOMENT, turn=turn, own=step.id)


def _criteria(scene: Scene, part: Part, roots: frozenset[str], *keys: str, turn: int = 0) -> Iterator[Spot]:
    offer = scene.offer(part) if getattr(part, "probe", None) else None  # type: ignore[arg-type]
    for key in keys:
        text = getattr(part, key)
        if text is not None:
            yield Spot(text, part.place(key), roots, turn=turn, value=offer, bare=True)


def _tree(part: Part, key: str, roots: frozenset[str], *, turn: int = 0, own: str | None = None) -> Iterator[Spot]:
    for text, path in texts(part.raw(key)):
        if is_template(text):
            yield Spot(text, part.place(key, *path), roots, turn=turn, own=own)


def texts(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield every text in a tree of arguments with its path."""
    if isinstance(tree, str):
        yield tree, path
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield from texts(item, (*path, key))
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from texts(item, (*path, index))


def _bare(scene: Scene, spot: Spot) -> None:
    if is_template(spot.text):
        message = "${{ … }} has no place here: this whole value is an expression"
        scene.complaints.add("RL307", spot.at, message, "write the condition alone")
        return
    _expression(scene, spot, spot.text, 0)


def _embedded(scene: Scene, spot: Spot) -> None:
    try:
        parts = parts_of(spot.text)
    except Unterminated as error:
        at = place_inside(scene.complaints.source, spot.at, spot.text, error.at)
        scene.complaints.add("RL307", at, "this ${{ has no }}", "close it with }}")
        return
    for part in parts:
        if part.is_cel:
            _expression(scene, spot, part.text, part.at)


def _expression(scene: Scene, spot: Spot, cel: str, begin: int) -> None:
    """Judge one piece of CEL that begins at character *begin* of the spot's text."""

    def complain(code: str, offset: int, message: str, hint: str) -> None:
        at = place_inside(scene.complaints.source, spot.at, spot.text, begin + offset)
        scene.complaints.add(code, at, message, hint)

    reading = read_cel(cel)
    if reading.excess is not None:
        complain("RL304", reading.excess.at, f"the expression {reading.excess.path}", "make it simpler")
        return
    problem = problem_with(cel)
    if problem is not None:
        complain("RL301", problem.at, problem.message, problem.hint)
        return
    for function in reading.functions:
        if function.path not in FUNCTIONS | MACROS:
            hint = did_you_mean(function.path, FUNCTIONS | MACROS)
            complain("RL303", function.at, f"there is no function {function.path!r} in expressions", hint)
    for name in reading.names:
        wrong = _unknown(scene, spot, name)
        if wrong is not None:
            complain(wrong[0], name.at, wrong[1], wrong[2])


def _unknown(scene: Scene, spot: Spot, name: Name) -> tuple[str, str, str] | None:
    """Return code, message and hint where *name* means nothing here."""
    root, *rest = name.path.split(".")
    everywhere = MOMENT | STATED | {"value", "args"}
    if root not in spot.roots:
        if root in everywhere:
            return "RL308", f"{root!r} is not known here", f"known here are: {', '.join(sorted(spot.roots))}"
        return "RL302", f"there is no {root!r}", _meant(scene, root, spot.roots)
    match root:
        case "inputs" | "probes" | "checks":
            return _member(scene, root, rest)
        case "steps":
            return _step_name(scene, spot, rest)
        case "stages":
            return _stage_name(scene, rest)
        case "effects":
            return _effect_name(scene, rest)
        case "run":
            return _one_of(name.path, rest, (*RUN_MEMBERS, "state") if spot.roots == STATED else RUN_MEMBERS)
        case "site":
            return _one_of(name.path, rest, SITE_MEMBERS)
        case "value" if spot.value is not None:
            return _result(name.path, spot.value, rest)
    return None


def _meant(scene: Scene, root: str, roots: frozenset[str]) -> str:
    for section in ("inputs", "probes", "checks"):
        if root in scene.known(section) and section in roots:
            return f"did you mean {section}.{root}?"
    if root in scene.step_ids() and "steps" in roots:
        return f"did you mean steps.{root}.result?"
    return did_you_mean(root, roots)


def _one_of(path: str, rest: list[str], members: tuple[str, ...]) -> tuple[str, str, str] | None:
    if not rest:
        return "RL302", f"{path!r} alone is no value", f"add one of: {', '.join(members)}"
    if rest[0] not in members:
        return "RL302", f"there is no {path!r}", did_you_mean(rest[0], members)
    return None


def _member(scene: Scene, section: str, rest: list[str]) -> tuple[str, str, str] | None:
    known = scene.known(section)
    if not rest:
        return "RL302", f"{section!r} alone is no value", f"name one: {', '.join(known[:8]) or 'there are none'}"
    name = rest[0]
    scene.used.add((section.removesuffix("s"), name))
    if name not in known:
        return "RL302", f"there is no {section[:-1]} {name!r}", did_you_mean(name, known)
    if section == "checks" and rest[1:]:
        return _one_of(".".join((section, *rest)), rest[1:], CHECK_MEMBERS)
    if section == "probes" and name in scene.runbook.probes:
        offer = scene.offer(scene.runbook.probes[name])
        return _result(".".join((section, *rest)), offer, rest[1:]) if offer else None
    return None


def _step_name(scene: Scene, spot: Spot, rest: list[str]) -> tuple[str, str, str] | None:
    ids = scene.step_ids()
    if not rest:
        return "RL302", "'steps' alone is no value", "write steps.ID.result"
    stood = scene.step(rest[0])
    if stood is None:
        return "RL302", f"there is no step {rest[0]!r}", did_you_mean(rest[0], ids)
    if stood.turn >= spot.turn and rest[0] != spot.own:
        earlier = [other.step.id for other in scene.steps if other.turn < spot.turn and other.step.id]
        known = f"known here are: {', '.join(earlier)}" if earlier else "no step has run yet here"
        return "RL308", f"step {rest[0]!r} has no result yet at this point", known
    if len(rest) < 2 or rest[1] not in STEP_MEMBERS:
        return "RL302", f"there is no {'.'.join(('steps', *rest))!r}", f"write steps.{rest[0]}.result"
    offer = scene.offer(stood.step)
    if rest[1] == "result" and offer is not None:
        return _result(".".join(("steps", *rest)), offer, rest[2:])
    return None


def _stage_name(scene: Scene, rest: list[str]) -> tuple[str, str, str] | None:
    known = [stage.id.replace("-", "_") for stage in scene.runbook.stages]
    if not rest:
        return "RL302", "'stages' alone is no value", "write stages.ID.state, with _ for each dash of the id"
    if rest[0] not in known and rest[0] not in [stage.id for stage in scene.runbook.stages]:
        return "RL302", f"there is no stage {rest[0]!r}", did_you_mean(rest[0], known)
    return _one_of(".".join(("stages", *rest)), rest[1:], STAGE_MEMBERS)


def _effect_name(scene: Scene, rest: list[str]) -> tuple[str, str, str] | None:
    ids = [stood.step.id for stood in scene.steps if stood.step.action is not None and stood.step.id]
    if not rest:
        return (
            "RL302",
            "'effects' alone is no value",
            "write effects.STEP: it is true while what the step did is in force",
        )
    if rest[0] not in ids:
        return "RL302", f"no step {rest[0]!r} has an effect", did_you_mean(rest[0], ids)
    if rest[1:]:
        return "RL302", f"there is no {'.'.join(('effects', *rest))!r}", f"effects.{rest[0]} is true or false itself"
    return None


def _result(path: str, offer: Offer, rest: list[str]) -> tuple[str, str, str] | None:
    """Complain where *rest* names nothing in the result that the contract promises."""
    out = member(offer.contract.result, rest)
    if out is None:
        return None
    known, name = out
    return "RL302", f"there is no {path!r}: {offer.contract.name} has no {name!r}", did_you_mean(name, known)
