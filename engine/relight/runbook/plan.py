"""Runbook, site and inputs resolved into a plan and frozen.

Either there is a plan, or there are complaints with all that keeps it from being one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from relight.errors import RunbookError
from relight.journal.digest import plan_digest
from relight.kernel.plan import Expression, ExpressionFailed, Guard, Plan, Stage, Stated, Step
from relight.kernel.scope import expressions_in
from relight.runbook.binding import Binder
from relight.runbook.complaints import Complaint, did_you_mean
from relight.runbook.document import Input
from relight.runbook.document import Stated as StatedPart
from relight.runbook.expressions import CelExpression, bare, embedded
from relight.runbook.gates import gate_of, people_of, solo_of
from relight.runbook.inputs import BadInput, judged, limits, parsed
from relight.runbook.inventory import Inventory
from relight.runbook.measures import Measures
from relight.runbook.moves import Moves
from relight.runbook.offers import Offers
from relight.runbook.planning import Planning
from relight.runbook.reading import read_runbook, read_site
from relight.runbook.source import START, Source
from relight.runbook.template import is_template
from relight.sdk.registry import Registry


@dataclass(frozen=True, slots=True)
class Planned:
    """What came of planning: a plan, or none, and everything that was complained of (warnings beside a plan)."""

    plan: Plan | None
    complaints: tuple[Complaint, ...]
    left_out: int = 0


def make_plan(
    runbook: str | Path | Source,
    site: str | Path | Source,
    inputs: Mapping[str, Any] | None = None,
    *,
    starter: str | None = None,
    registry: Registry | None = None,
) -> Plan:
    """Return the plan.

    Args:
        runbook: The runbook's document.
        site: The site's document.
        inputs: Values by name; text is read by the input's type, as ``-i name=text`` gives it.
        starter: The person who will start the run, who may not count at a gate.
        registry: The plugins; those that are installed where it is left out.

    Raises:
        RunbookError: a document or an input is wrong; it carries every complaint.
    """
    planned = prepare_plan(runbook, site, inputs, starter=starter, registry=registry)
    if planned.plan is not None:
        return planned.plan
    errors = sum(complaint.severity == "error" for complaint in planned.complaints)
    first = next(complaint for complaint in planned.complaints if complaint.severity == "error")
    message = f"{first.place}: {first.code} {first.message}"
    if errors > 1:
        many = f"more than {errors}" if planned.left_out else errors
        message = f"there are {many} mistakes, the first at {message}"
    raise RunbookError(message, complaints=planned.complaints, hint=first.hint)


def prepare_plan(
    runbook: str | Path | Source,
    site: str | Path | Source,
    inputs: Mapping[str, Any] | None = None,
    *,
    starter: str | None = None,
    registry: Registry | None = None,
    hosts: Inventory | None = None,
) -> Planned:
    """Return the plan, or all that is wrong.

    Args:
        hosts: The hosts of the site, where they are known without its inventory.

    The other arguments are those of :func:`make_plan`.
    """
    offers = Offers(registry)
    read, there = read_runbook(runbook, offers), read_site(site)
    here = read.complaints
    plan = None
    if read.document is not None and there.document is not None:
        planning = Planning(read.document, there.document, here, there.complaints, offers, hosts=hosts)
        _give_inputs(planning, inputs or {})
        if read.is_valid and there.is_valid:
            plan = _plan(planning, starter)
    found = (*here, *there.complaints)
    if plan is not None:
        # What no capability of the project is called like has been looked for at the site by now.
        found = tuple(complaint for complaint in found if complaint.code != "RL411")
    left_out = here.left_out + there.complaints.left_out
    if here.errors or there.complaints.errors:
        return Planned(None, found, left_out)
    assert plan is not None
    return Planned(plan, found, left_out)


def _plan(planning: Planning, starter: str | None) -> Plan:
    runbook, site = planning.runbook, planning.site
    binder = Binder(planning)
    measures = Measures(planning, binder)
    moves = Moves(planning, binder)
    stages = tuple(
        Stage(
            id=stage.id,
            title=planning.tree(stage, "title") if stage.title is not None else stage.id,
            when=planning.condition(stage, "when"),
            optional=stage.optional,
            gate=gate_of(planning, binder, stage, starter),
            preconditions=tuple(
                item for each in stage.preconditions if (item := measures.precondition(each)) is not None
            ),
            steps=moves.steps(stage.steps),
            verify=tuple(made for each in stage.verify if (made := measures.verify(each)) is not None),
        )
        for stage in runbook.stages
    )
    plan = Plan(
        runbook=runbook.runbook,
        title=runbook.title or runbook.runbook,
        site=site.site,
        environment=site.environment,
        owner=runbook.owner or "",
        stages=stages,
        checks=measures.checks,
        probes=measures.probes,
        guards=_guards(planning),
        locks=tuple(_locks(planning)),
        on_abort=runbook.on_abort,
        scope=planning.scope,
        people=people_of(site),
        solo=solo_of(site),
        pace=site.pace,
        surfaces=_surfaces(planning, measures),
        providers=dict(sorted(planning.providers.items())),
        later_names=tuple(sorted(_later_names(stages))),
        stated=tuple(_stated(planning)),
        sources={"runbook": planning.here.source.name, "site": planning.there.source.name},
    )
    return replace(plan, digest=plan_digest(plan))


def _guards(planning: Planning) -> tuple[Guard, ...]:
    return tuple(
        Guard(check=guard.check, breach_after_ms=planning.paced(guard.breach_after), on_breach=guard.on_breach)
        for guard in planning.runbook.guards
    )


def _stated(planning: Planning) -> Iterable[Stated]:
    both: tuple[tuple[Literal["always", "never"], list[StatedPart]], ...] = (
        ("always", planning.runbook.always),
        ("never", planning.runbook.never),
    )
    for kind, stated in both:
        for number, item in enumerate(stated, 1):
            yield Stated(
                kind=kind, id=item.id or f"{kind}_{number}", expression=bare(item.expression), title=item.title or ""
            )


def _locks(planning: Planning) -> Iterable[str]:
    for index, text in enumerate(planning.runbook.lock):
        at = planning.runbook.place("lock", index)
        name = planning.text(text, at)
        if isinstance(name, str) and 0 < len(name) <= 200:
            yield name
        else:
            planning.here.add(
                "RL613", at, "a lock has to be a short text", "write a name, such as sign-in/${{ site.id }}"
            )


def _surfaces(planning: Planning, measures: Measures) -> dict[str, Any]:
    return {
        name: {
            "objective": surface.objective,
            "window_ms": surface.window,
            "error_ratio": measures.query(surface.error_ratio),
        }
        for name, surface in planning.site.surfaces.items()
        if surface.error_ratio in planning.site.queries
    }


# ---- inputs


def _give_inputs(planning: Planning, given: Mapping[str, Any]) -> None:
    """Put the inputs' values into the plan's scope, and complain of those that are wrong, missing or unknown."""
    declared = planning.runbook.inputs
    planning.scope = {"inputs": {}, "site": planning.site.scope()}
    for name in given:
        if name not in declared and name not in (planning.runbook.raw("inputs") or {}):
            message = f"this runbook has no input {name!r}"
            at = planning.runbook.key_place("inputs") if declared else START
            planning.here.add("RL612", at, message, did_you_mean(name, declared, otherwise="leave it out"))
    for name, spec in declared.items():
        try:
            known, value = _value_of(planning, name, spec, given)
        except BadInput as error:
            at = spec.place() if name in given else spec.place("default")
            hint = error.hint or limits(spec)
            planning.here.add("RL611", _key(planning, name) if name in given else at, f"input {name}: {error}", hint)
            continue
        if known:
            planning.scope["inputs"][name] = value


def _value_of(planning: Planning, name: str, spec: Input, given: Mapping[str, Any]) -> tuple[bool, Any]:
    if name in given:
        value = given[name]
        return True, parsed(spec, value) if isinstance(value, str) else judged(spec, value)
    if spec.default is None:
        hint = f"give it: -i {name}=VALUE ({limits(spec)})"
        planning.here.add("RL610", _key(planning, name), f"input {name} has no value", hint)
        return False, None
    if not is_template(spec.default):
        return True, judged(spec, spec.default)
    expression = embedded(spec.default)
    assert isinstance(expression, CelExpression)
    if expression.names - {"site.id", "site.environment"} and not _site_has(planning, spec, expression):
        return False, None
    try:
        return True, judged(spec, expression.value({"site": planning.scope["site"]}))
    except ExpressionFailed as failed:
        hint = f"give it: -i {name}=VALUE ({limits(spec)})"
        planning.here.add("RL613", spec.place("default"), f"this fails here: {failed}", hint)
        return False, None


def _site_has(planning: Planning, spec: Input, expression: Expression) -> bool:
    """Complain where a default reads a value that the site has not."""
    missing = [
        name.removeprefix("site.values.")
        for name in sorted(expression.names)
        if name.startswith("site.values.") and name.removeprefix("site.values.") not in planning.site.values
    ]
    for name in missing:
        otherwise = f"add it to values in {planning.there.source.name}"
        hint = did_you_mean(name, planning.site.values, otherwise=otherwise)
        message = f"the site {planning.site.site!r} has no value {name!r}"
        planning.here.add("RL613", spec.place("default"), message, hint)
    return not missing


def _key(planning: Planning, name: str) -> Any:
    return planning.runbook.raw("inputs").keys_at[name]


# ---- what later stages read


def _later_names(stages: tuple[Stage, ...]) -> set[str]:
    """Return the step results that are still read when their stage is over; an undo may come at any time."""
    home = {step.id: stage.id for stage in stages for step in stage.steps}
    later: set[str] = set()
    for stage in stages:
        trees: list[Any] = [stage.title, stage.when, stage.gate.title if stage.gate else None]
        undos: list[Any] = []
        for step in stage.steps:
            trees += _trees(step)
            if step.undo is not None and step.undo.use is not None:
                undos.append(step.undo.use.args)
        for name in _results(trees):
            if home.get(name.split(".")[1]) != stage.id:
                later.add(name)
        later.update(_results(undos))
    return later


def _trees(step: Step) -> list[Any]:
    trees: list[Any] = [step.when, step.pass_when, step.instruction, step.duration_ms]
    if step.use is not None:
        trees.append(step.use.args)
    if step.settle is not None:
        trees += [step.settle.done_when, step.settle.use.args]
    if step.ramp is not None:
        trees += [step.ramp.floor, list(step.ramp.through)]
    return trees


def _results(trees: list[Any]) -> set[str]:
    return {
        name
        for expression in expressions_in(trees)
        for name in expression.names
        if name.startswith("steps.") and name.endswith(".result")
    }
