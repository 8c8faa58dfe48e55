"""Criteria tried on samples: always true, never true, true together, or failing on whatever they meet.

A criterion is never understood, only tried: on a grid of values, on the neighbours of every number written in it,
and on every value that a probe's contract allows.
"""

import math
from collections.abc import Iterator
from itertools import islice, product
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from relight.kernel.plan import ExpressionFailed
from relight.runbook.cel_text import FUNCTIONS, MACROS, read_cel
from relight.runbook.document import Check
from relight.runbook.expressions import bare, problem_with
from relight.runbook.lint.scene import Scene
from relight.runbook.offers import Offer
from relight.runbook.parts import Part
from relight.runbook.template import is_template

_GRID = (0.0, 1e-9, 0.001, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0, 1.5, 2.0, 3.5, 10.0, 50.0, 100.0)
_LARGE = (1e3, 1e6, 1e12, -1.0, -100.0)
_SAMPLES_MAX = 400
"""A criterion over a probe with many members is tried on this many of their combinations."""


def check_criteria(scene: Scene) -> None:
    """Complain about criteria that cannot tell anything apart."""
    for check in scene.runbook.checks.values():
        if check.query is not None:
            share = check.query.endswith("_ratio")
            _judge(scene, check, check.pass_when, check.fail_when, samples=list(numbers(check)), share=share)
        else:
            _probe(scene, check, check.pass_when, check.fail_when)
    for stage in scene.runbook.stages:
        for item in (*stage.preconditions, *stage.verify):
            if item.pass_when is not None:
                _probe(scene, item, item.pass_when, None)
    for stood in scene.steps:
        if stood.step.probe is not None and stood.step.pass_when is not None:
            _probe(scene, stood.step, stood.step.pass_when, None)
        if stood.step.settle is not None:
            _probe(scene, stood.step.settle, stood.step.settle.done_when, None, key="done_when")


def _probe(scene: Scene, part: Part, passes: str, fails: str | None, *, key: str = "pass_when") -> None:
    _divisions(scene, part, key, passes)
    if fails is not None:
        _divisions(scene, part, "fail_when", fails)
    offer = scene.offer(part)  # type: ignore[arg-type]
    if offer is None or not offer.is_probe:
        return
    samples = results(offer, passes, fails or "")
    if samples is not None:
        _judge(scene, part, passes, fails, samples=samples, key=key)


def _divisions(scene: Scene, part: Part, key: str, text: str) -> None:
    """Complain where 3 of 4 may be 0: a probe's whole numbers stay whole in CEL; a query's value never is one."""
    tokens = read_cel(text).tokens
    for before, sign, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        broken = any(side.kind == "number" and "." in side.text for side in (before, after))
        if sign.text == "/" and not broken and "double(" not in text:
            message = "where both are whole numbers, what is behind the point is cut off: 3 / 4 is 0"
            scene.complaints.add("RL523", part.place(key), message, "write double(a) / double(b), or double(a) / 2.0")
            return


def numbers(check: Check) -> Iterator[float]:
    """Yield numbers that a query may give, and every number of the criteria with its neighbours."""
    yield from _GRID
    yield from _LARGE
    for text in (check.pass_when, check.fail_when or ""):
        for number in read_cel(text).numbers:
            for near in (number, -number):
                yield near
                yield math.nextafter(near, math.inf)
                yield math.nextafter(near, -math.inf)
                yield near + 1
                yield near - 1


def results(offer: Offer, *criteria: str) -> list[dict[str, Any]] | None:
    """Return results that the contract of a probe allows; None where the criteria read what it leaves open."""
    readings = [read_cel(text) for text in criteria]
    read = {name.path.split(".")[1] for reading in readings for name in reading.names if name.path.startswith("value.")}
    fields = offer.contract.result.model_fields
    if read - fields.keys():
        return None  # it has been said that there is no such member
    if any(_is_open(fields[name].annotation) for name in read):
        return None
    literals = [number for reading in readings for number in reading.numbers]
    words = [token.text.strip("rR\"'") for reading in readings for token in reading.tokens if token.kind == "string"]
    values = {
        name: list(_values(field.annotation, literals, words))[: None if name in read else 1]
        for name, field in fields.items()
    }
    return [dict(zip(values, each, strict=True)) for each in islice(product(*values.values()), _SAMPLES_MAX)]


def _is_open(annotation: Any) -> bool:
    return annotation in (Any, dict) or get_origin(annotation) is dict or any(map(_is_open, get_args(annotation)))


def _values(annotation: Any, literals: list[float], words: list[str]) -> Iterator[Any]:
    """Yield values of a type, those among them that the criteria name."""
    origin = get_origin(annotation)
    if origin is Literal:
        yield from get_args(annotation)
    elif origin in (Union, UnionType):
        for inner in get_args(annotation):
            yield from _values(inner, literals, words)
    elif annotation is bool:
        yield from (True, False)
    elif annotation in (int, float):
        near = (number + step for number in literals for step in (0, 1, -1))
        yield from dict.fromkeys(annotation(number) for number in (0, 1, 100, *near))
    elif annotation is str:
        yield from dict.fromkeys(("", "a", *words))
    elif origin in (list, tuple):
        yield from ([], list(islice(_values(get_args(annotation)[0], literals, words), 1)))
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        yield {name: next(_values(field.annotation, literals, words), None) for name, field in fields}
    else:
        yield None


def _judge(
    scene: Scene,
    part: Part,
    passes: str,
    fails: str | None,
    *,
    samples: list[Any],
    key: str = "pass_when",
    share: bool = False,
) -> None:
    good, bad = _try(passes, samples), _try(fails, samples)
    for name, verdicts in ((key, good), ("fail_when", bad)):
        if verdicts is not None:
            _one(scene, part, name, verdicts)
    if good is None:
        return
    if bad is not None and True in good and True in bad:
        _together(scene, part, good, bad)
    if share:
        inside = [verdict for verdict, value in zip(good, samples, strict=True) if 0 <= value <= 1]
        if True in good and False in good and (True not in inside or False not in inside):
            always = "always" if False not in inside else "never"
            message = f"a ratio is from 0 to 1: there this is {always} true"
            scene.complaints.add("RL506", part.place("pass_when"), message, "write 0.02 for 2%")


def _try(text: str | None, samples: list[Any]) -> list[bool | str] | None:
    """Return the verdict on each sample, or why there is none; None where more than ``value`` decides."""
    if text is None or is_template(text) or problem_with(text) is not None:
        return None
    reading, expression = read_cel(text), bare(text)
    called = {name.path for name in reading.functions}
    # Compiling a pattern again for each sample could take minutes, and samples of text tell little about a pattern.
    if expression.names - {"value"} or called - FUNCTIONS - MACROS or "matches" in called:
        return None
    verdicts: list[bool | str] = []
    for sample in samples:
        try:
            found = expression.value({"value": sample})
        except ExpressionFailed as failed:
            verdicts.append(str(failed))
            continue
        verdicts.append(found if isinstance(found, bool) else "it gives no true or false")
    return verdicts


def _one(scene: Scene, part: Part, key: str, verdicts: list[bool | str]) -> None:
    known = [verdict for verdict in verdicts if isinstance(verdict, bool)]
    if not known:
        why = str(verdicts[0]) if verdicts else ""
        if why == "it gives no true or false":
            scene.complaints.add("RL306", part.place(key), f"{key} gives no true or false", "compare it with something")
        else:
            hint = "value is the probe's result: name its member"
            if part.written("query"):
                quoted = any(token.kind == "string" for token in read_cel(getattr(part, key)).tokens)
                hint = "value is a broken number here: in arithmetic, write 100.0 for 100"
                hint = "value is a number here: compare it with a number, without quotes" if quoted else hint
            scene.complaints.add("RL305", part.place(key), f"this fails whatever the value: {why}", hint)
    elif all(known):
        scene.complaints.add("RL504", part.place(key), f"{key} is true for every value", "compare value with a limit")
    elif not any(known):
        scene.complaints.add("RL504", part.place(key), f"{key} is true for no value", "compare value with a limit")


def _together(scene: Scene, part: Part, good: list[bool | str], bad: list[bool | str]) -> None:
    both = [one is True and other is True for one, other in zip(good, bad, strict=True)]
    if not any(both):
        return
    at = part.place("fail_when")
    if all(together for one, together in zip(good, both, strict=True) if one is True):
        message = "fail_when is true wherever pass_when is: fail wins, so this can never pass"
        scene.complaints.add("RL504", at, message, "set them apart")
        return
    message = "some values satisfy both pass_when and fail_when: fail wins"
    scene.complaints.add("RL505", at, message, "leave a gap between them, or leave fail_when out")
