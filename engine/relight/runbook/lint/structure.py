"""Keys that need or exclude each other, ids, and references from one part to another."""

from collections.abc import Iterable, Sequence

from relight.runbook.cel_text import RESERVED
from relight.runbook.complaints import did_you_mean
from relight.runbook.document import Precondition, Stage, Step
from relight.runbook.lint.scene import Scene, Stood
from relight.runbook.parts import Part

_ACTION_KEYS = ("settle", "undo", "protective", "effect", "ramp", "targets", "retry")
_FAN_OUT_KEYS = ("batches", "max_concurrency", "max_failures", "between")
_BUILT_IN = {"wait", "manual.task"}
_ENGINE_REFUSES = (*_ACTION_KEYS, "pass_when", "timeout")


def check_structure(scene: Scene) -> None:
    """Complain about keys that do not go together, and about ids used twice."""
    _unique_ids(scene)
    for check in scene.runbook.checks.values():
        _one_source(scene, check, "query", "probe")
    for stage in scene.runbook.stages:
        _stage(scene, stage)
        for items in (stage.preconditions, stage.verify):
            _listed_once(scene, items)
            for item in items:
                _check_or_probe(scene, item)
        for step in stage.steps:
            if step.written("parallel"):
                _group(scene, step)
    for stood in scene.steps:
        _step(scene, stood.step)


def check_references(scene: Scene) -> None:
    """Complain about checks and steps that are referred to but do not exist."""
    runbook = scene.runbook
    _guards(scene)
    for stage in runbook.stages:
        for item in (*stage.preconditions, *stage.verify):
            _refer(scene, item, [item.check] if item.check else [], "check")
        if stage.gate is not None:
            _refer(scene, stage.gate, stage.gate.require, "require")
            _refer(scene, stage.gate, stage.gate.show, "show")
    for stood in scene.steps:
        _refer(scene, stood.step, stood.step.between, "between")
        if stood.step.ramp is not None:
            _refer(scene, stood.step.ramp, stood.step.ramp.checks, "checks")
        _undo(scene, stood)


def _guards(scene: Scene) -> None:
    seen: set[str] = set()
    for guard in scene.runbook.guards:
        _refer(scene, guard, [guard.check], "check")
        if guard.check in seen:
            hint = "keep one of them"
            scene.complaints.add("RL401", guard.place("check"), f"two guards watch {guard.check!r}", hint)
        seen.add(guard.check)
        if guard.on_breach == "step_back" and scene.whole and not any(stood.step.ramp for stood in scene.steps):
            message = "this guard steps back, but no step is a ramp: a breach only holds"
            scene.complaints.add("RL514", guard.place("on_breach"), message, "write on_breach: hold, or ramp a step")


def _refer(scene: Scene, part: Part, names: Iterable[str], key: str) -> None:
    """Note that *part* uses these checks, and complain about those that do not exist."""
    known = scene.known("checks")
    is_list = isinstance(part.raw(key), list)
    seen: set[str] = set()
    for index, name in enumerate(names):
        at = part.place(key, index) if is_list else part.place(key)
        scene.used.add(("check", name))
        if name not in known:
            scene.complaints.add("RL402", at, f"there is no check {name!r}", did_you_mean(name, known))
        elif name in seen:
            scene.complaints.add("RL401", at, f"{name!r} is listed twice", "keep one of them")
        seen.add(name)


def _unique_ids(scene: Scene) -> None:
    stages: dict[str, int] = {}
    for stage in scene.runbook.stages:
        if stage.id in stages:
            hint = f"the first is in line {stages[stage.id]}; give one another id"
            scene.complaints.add("RL401", stage.place("id"), f"two stages are called {stage.id!r}", hint)
        stages.setdefault(stage.id, stage.place("id").line)
    steps: dict[str, int] = {}
    for stood in scene.steps:
        name, at = stood.step.id, stood.step.place("id")
        if name is None:
            continue
        if name in steps:
            hint = f"the first is in line {steps[name]}; ids of steps are unique in the whole runbook"
            scene.complaints.add("RL401", at, f"two steps are called {name!r}", hint)
        steps.setdefault(name, at.line)
    for section in ("inputs", "probes", "checks"):
        for name in scene.known(section):
            if name in RESERVED:
                at = scene.runbook.raw(section).keys_at[name]
                scene.complaints.add("RL516", at, f"expressions cannot name {name!r}: CEL keeps the word", "rename it")


def _stage(scene: Scene, stage: Stage) -> None:
    add = scene.complaints.add
    if not any(stage.written(key) for key in ("steps", "verify", "gate", "preconditions")):
        add("RL513", stage.place(), "this stage does nothing", "give it steps or verify, or delete it")
    if stage.optional and not stage.written("gate"):
        hint = "give it a gate, or a when"
        add("RL209", stage.key_place("optional"), "an optional stage needs a gate: a person chooses", hint)
    gate = stage.gate
    if gate is None:
        return
    roles_at = gate.approval.place("roles")
    is_said = not gate.approval.written("roles") or scene.complaints.has(roles_at.line, roles_at.col)
    if not gate.approval.roles and not is_said:
        add("RL511", roles_at, "this gate has no approver", "name at least one role, such as incident-commander")
    if gate.on_expiry == "escalate" and not gate.written("escalate"):
        hint = "add escalate: [{after: 5m, notify: ROLE}]"
        add("RL209", gate.place("on_expiry"), "on_expiry: escalate needs somebody to escalate to", hint)


def _one_source(scene: Scene, part: Part, *keys: str) -> None:
    """Complain unless *part* gives exactly one of two keys, and ``with`` only for a probe."""
    given = [key for key in keys if part.written(key)]
    if not given:
        message = f"{part.thing} needs one of: {', '.join(keys)}"
        scene.complaints.add("RL209", part.place(), message, f"add {keys[0]}: NAME")
    elif len(given) > 1:
        message = f"{' and '.join(given)} exclude each other"
        scene.complaints.add("RL209", part.key_place(given[1]), message, "keep one of them")
    elif given == [keys[0]] and part.written("with"):
        scene.complaints.add(
            "RL209", part.key_place("with"), f"with belongs to a probe, not to a {keys[0]}", "delete it"
        )


def _check_or_probe(scene: Scene, item: Precondition) -> None:
    _one_source(scene, item, "check", "probe")
    if item.written("check") and item.written("pass_when"):
        hint = "the check has its own; delete this one"
        scene.complaints.add("RL209", item.key_place("pass_when"), "check and pass_when exclude each other", hint)
    if item.written("probe") and not item.written("pass_when") and not item.written("check"):
        hint = "add pass_when: CEL over value"
        scene.complaints.add("RL202", item.place(), f"{item.thing} with a probe needs the key 'pass_when'", hint)


def _listed_once(scene: Scene, items: Sequence[Precondition]) -> None:
    seen: list[tuple[object, ...]] = []
    for item in items:
        same = (item.check, item.probe, item.with_, item.pass_when)
        if same in seen and (item.check or item.probe):
            what = item.check or item.probe
            scene.complaints.add("RL401", item.place(), f"{what!r} is listed twice", "keep one of them")
        seen.append(same)


def _group(scene: Scene, step: Step) -> None:
    for key in type(step).model_fields:
        name = "with" if key == "with_" else key
        if name != "parallel" and step.written(name):
            hint = "move it to the steps inside"
            scene.complaints.add("RL209", step.key_place(name), f"{name!r} does not go with parallel", hint)
    for inner in step.parallel or ():
        if inner.written("parallel"):
            message = "parallel steps cannot hold parallel steps"
            scene.complaints.add("RL209", inner.key_place("parallel"), message, "list them side by side")


def _step(scene: Scene, step: Step) -> None:
    add = scene.complaints.add
    if step.written("parallel"):
        return
    if not step.written("id"):
        add("RL202", step.place(), "a step needs the key 'id'", "add it: an id that is unique in the runbook")
    kinds = [key for key in ("action", "probe") if step.written(key)]
    if len(kinds) == 2:
        add("RL209", step.key_place("probe"), "action and probe exclude each other", "make two steps of them")
    if not kinds:
        _without_action(scene, step)
        return
    if kinds == ["probe"]:
        _refuse(scene, step, (*_ACTION_KEYS[:-1], *_FAN_OUT_KEYS), "a probe changes nothing")
    elif step.action in _BUILT_IN:
        _refuse(scene, step, (*_ENGINE_REFUSES, *_FAN_OUT_KEYS), f"{step.action} is done by the engine")
    elif step.written("pass_when"):
        hint = "verify the stage, or read a probe in a step of its own"
        add("RL209", step.key_place("pass_when"), "pass_when belongs to a probe", hint)
    if not step.written("targets"):
        _refuse(scene, step, _FAN_OUT_KEYS, "it belongs to targets, and there are none")
    elif step.written("ramp"):
        add("RL209", step.key_place("ramp"), "a ramp does not fan out", "delete ramp or targets")
    if step.undo is not None:
        _undo_form(scene, step)


def _without_action(scene: Scene, step: Step) -> None:
    if step.undo is not None and step.undo.step is not None:
        keys = ("with", "pass_when", *_ACTION_KEYS, *_FAN_OUT_KEYS, "timeout")
        _refuse(scene, step, tuple(key for key in keys if key != "undo"), "undoing a step takes nothing else")
        return
    if step.written("undo"):
        if step.undo is not None:
            hint = "name the earlier step that it undoes, or give this step an action"
            scene.complaints.add("RL515", step.place("undo"), "there is nothing here to undo", hint)
        return
    message = "a step needs one of: action, probe, parallel, undo"
    scene.complaints.add("RL209", step.place(), message, "add action: CAPABILITY, such as admission.throttle")


def _undo_form(scene: Scene, step: Step) -> None:
    undo = step.undo
    assert undo is not None
    if undo.step is not None:
        hint = "write undo: previous, or undo: {action: …}; undo: STEP stands alone in a later step"
        scene.complaints.add("RL515", step.place("undo"), f"{undo.step!r} is no way to undo an action", hint)
    elif undo.restore is None and not undo.written("action"):
        scene.complaints.add(
            "RL515", step.place("undo"), "this undo does nothing", "add restore: previous, or an action"
        )
    elif undo.restore is not None and undo.written("action"):
        scene.complaints.add("RL209", undo.key_place("action"), "restore and action exclude each other", "keep one")


def _refuse(scene: Scene, part: Part, keys: tuple[str, ...], why: str) -> None:
    for key in keys:
        if part.written(key):
            scene.complaints.add("RL209", part.key_place(key), f"{key!r} does not go here: {why}", "delete it")


def _undo(scene: Scene, stood: Stood) -> None:
    """Judge a step that undoes an earlier one."""
    undo = stood.step.undo
    if undo is None or undo.step is None or stood.step.written("action"):
        return
    at = stood.step.place("undo")
    other = scene.step(undo.step)
    if other is None:
        scene.complaints.add("RL403", at, f"there is no step {undo.step!r}", did_you_mean(undo.step, scene.step_ids()))
    elif other.turn >= stood.turn:
        hint = "a step can only undo an earlier one"
        scene.complaints.add("RL403", at, f"step {undo.step!r} does not come before this one", hint)
    elif not other.step.written("undo"):
        hint = f"give {undo.step!r} an undo: previous, or undo: {{action: …}}"
        scene.complaints.add("RL515", at, f"step {undo.step!r} does not say how it is undone", hint)
    elif other.step.undo is not None and other.step.undo.step is not None:
        scene.complaints.add("RL515", at, f"step {undo.step!r} is itself an undo", "do the action again instead")
