"""Capabilities and their arguments, as far as they are known without a site; effects and their undo."""

from difflib import get_close_matches

from relight.runbook.arguments import judge_arguments
from relight.runbook.cel_text import read_cel
from relight.runbook.complaints import did_you_mean
from relight.runbook.document import Step
from relight.runbook.lint.naming import texts
from relight.runbook.lint.scene import Scene, Stood, readers
from relight.runbook.offers import Offer
from relight.runbook.parts import Part
from relight.runbook.secrecy import SAID, is_secret_name, mend_for, secret_code
from relight.runbook.source import Mark
from relight.runbook.template import Unterminated, is_template, parts_of
from relight.runbook.yaml12 import Map

SLIP = 0.7
"""How much alike two verbs of one family are when one is taken for a slip: `throtle` is 0.93, `drain` below 0.5."""


def check_actions(scene: Scene) -> None:
    """Complain about actions, probes and arguments that do not exist, and effects that cannot be undone so."""
    for part in readers(scene):
        _use(scene, part, "probe", probe=True)
    for stood in scene.steps:
        step = stood.step
        if step.action is not None:
            _use(scene, step, "action", probe=False)
            _effect(scene, stood)
        if step.undo is not None and step.undo.action is not None:
            _use(scene, step.undo, "action", probe=False)


def _use(scene: Scene, part: Part, key: str, *, probe: bool) -> None:
    name: str = getattr(part, key)
    offer = scene.offers.find(name)
    args = part.raw("with")
    check_secrets(scene, part, "with")
    _program(scene, part)
    if offer is None:
        _unknown(scene, part, key, name)
        return
    if offer.is_probe != probe:
        kind, other = ("a probe", "an action") if probe else ("an action", "a probe")
        message = f"{name} is {other}, and {kind} belongs here"
        own = [each for each in scene.offers.names(name.partition(".")[0]) if _is_probe(scene, each) == probe]
        hint = f"{'probes' if probe else 'actions'} of this family are: {', '.join(own) or 'none'}"
        if isinstance(part, Step):
            hint = f"did you mean `{'action' if probe else 'probe'}: {name}`?"
        scene.complaints.add("RL408", part.place(key), message, hint)
        return
    given = args if isinstance(args, Map) else Map(part.place(key))
    ramp = part.ramp if isinstance(part, Step) else None
    for wrong in judge_arguments(offer.contract, given, is_template, partial=not offer.built_in, name=name):
        scene.complaints.mask(wrong.secret)
        at = _argument_place(part, given, wrong.path, is_key=wrong.is_key)
        scene.complaints.add(wrong.code, at, wrong.message, wrong.hint)
    if ramp is not None:
        _ramp(scene, part, offer)


def _program(scene: Scene, part: Part) -> None:
    """What a step or a probe said is data: it may be an argument, and never the program that is run."""
    given = part.raw("with")
    argv = given.get("argv") if isinstance(given, Map) else None
    program = argv[0] if isinstance(argv, list) and argv else argv
    for name in _names(program) if isinstance(program, str) else ():
        if name.split(".")[0] in ("steps", "probes"):
            at = part.place("with", "argv", *((0,) if isinstance(argv, list) else ()))
            scene.complaints.add("RL409", at, f"{name} would say which program is run", "write the program out")


def _is_probe(scene: Scene, name: str) -> bool:
    offer = scene.offers.find(name)
    return offer is not None and offer.is_probe


def _argument_place(part: Part, given: Map, path: tuple[str | int, ...], *, is_key: bool) -> Mark:
    if is_key and len(path) == 1 and str(path[0]) in given.keys_at:
        return given.keys_at[str(path[0])]
    return part.place("with", *path)


def _ramp(scene: Scene, part: Part, offer: Offer) -> None:
    assert isinstance(part, Step)
    ramp, contract = part.ramp, offer.contract
    assert ramp is not None
    if contract.args.model_config.get("extra") != "allow" and ramp.key not in contract.args.model_fields:
        hint = did_you_mean(ramp.key, contract.args.model_fields)
        scene.complaints.add("RL405", ramp.place("key"), f"{part.action} has no argument {ramp.key!r}", hint)
        return
    if ramp.key in part.with_:
        message = f"the ramp moves {ramp.key!r}, and with sets it"
        scene.complaints.add("RL209", part.place("with", ramp.key), message, "delete it here")
    for path, value in [(("floor",), ramp.floor), *((("through", i), v) for i, v in enumerate(ramp.through))]:
        if isinstance(value, str):
            continue
        for wrong in judge_arguments(contract, {ramp.key: value}, is_template, partial=True, name=part.action or ""):
            scene.complaints.add(wrong.code, ramp.place(*path), wrong.message, wrong.hint)


def _unknown(scene: Scene, part: Part, key: str, name: str) -> None:
    family, _, verb = name.partition(".")
    offers = scene.offers
    siblings = {known.partition(".")[2]: known for known in offers.names(family)} if verb else {}
    # A provider may be called like a family, and have actions of its own: only what looks like a slip is one.
    slip = get_close_matches(verb, siblings, n=1, cutoff=SLIP)
    if slip:
        hint = f"did you mean {siblings[slip[0]]!r}?"
        scene.complaints.add("RL404", part.place(key), f"there is no {key} {name!r}", hint)
    elif not verb or offers.is_plugin(family):
        hint = did_you_mean(name, siblings.values() or offers.names())
        scene.complaints.add("RL404", part.place(key), f"there is no {key} {name!r}", hint)
    else:
        near = did_you_mean(name, offers.names(), otherwise="-") if not siblings else "-"
        hint = near if near != "-" else f"a site has to bind it, or have a provider called {family!r}"
        scene.complaints.add("RL411", part.place(key), f"{name!r} is none of the project's capabilities", hint)


def _effect(scene: Scene, stood: Stood) -> None:
    step, offer = stood.step, scene.offer(stood.step)
    if offer is None or offer.is_probe:
        return
    declared = offer.contract.effect
    if step.effect == "write" and declared == "destructive":
        hint = "leave it out; a step may raise an effect, never lower it"
        message = f"{offer.contract.name} is destructive"
        scene.complaints.add("RL512", step.place("effect"), message, hint)
    undo = step.undo
    if undo is not None and undo.restore is not None and not offer.contract.reads_value and not offer.built_in:
        message = f"the value before {offer.contract.name} cannot be read, so it cannot be brought back"
        scene.complaints.add("RL515", step.place("undo"), message, "name what reverses it: undo: {action: …}")
    if "destructive" in (declared, step.effect):
        _destructive(scene, stood)


def _destructive(scene: Scene, stood: Stood) -> None:
    """What people approve at a gate must be what happens: nothing of it may still be open when the gate asks."""
    step = stood.step
    if not stood.stage.written("gate"):
        message = f"{step.id!r} is destructive, and nobody is asked before it"
        scene.complaints.add("RL508", step.place("action"), message, f"give stage {stood.stage.id!r} a gate")
    same = {other.step.id for other in scene.steps if other.stage_index == stood.stage_index}
    open_parts: list[tuple[Part, str]] = [(step, "with")]
    if step.ramp is not None:
        open_parts += [(step.ramp, "floor"), (step.ramp, "through")]
    for part, key in open_parts:
        for text, path in texts(part.raw(key)):
            for name in _names(text):
                root, *rest = name.split(".")
                if root == "checks" or (root == "steps" and rest and rest[0] in same):
                    message = f"a destructive step's arguments must be known when its gate asks; {name} is not"
                    hint = "a check may turn while people decide: read a probe"
                    if root == "steps":
                        hint = f"move step {rest[0]!r} to an earlier stage"
                    scene.complaints.add("RL507", part.place(key, *path), message, hint)


def _names(text: str) -> list[str]:
    if not is_template(text):
        return []
    try:
        return [name.path for part in parts_of(text) if part.is_cel for name in read_cel(part.text).names]
    except Unterminated:
        return []


def check_secrets(scene: Scene, part: Part, key: str) -> None:
    """Warn of what looks like a secret that is written out."""
    for text, path in texts(part.raw(key)):
        named = any(isinstance(step, str) and is_secret_name(step) for step in path[-1:])
        code = secret_code(text, named=named)
        if code:
            scene.complaints.mask(text)
            scene.complaints.add(code, part.place(key, *path), SAID[code], mend_for(text))
